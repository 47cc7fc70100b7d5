//! A revoked server and a revoked client in real handshakes, in TLS 1.2 and 1.3, with the reason.

use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode, TrustStore};

use super::common::{ca, leaf};
use super::support::crl::*;
use super::support::handshake::handshake;
use super::support::link::{keys_1, pin, settings};
use super::support::pki::{Made, self_signed};

fn trust(store: &mut TrustStore, scope: AuthorityScope, issuer: &Made, revoked: &Made) {
    store
        .install_authority(scope, issuer.certificate(), EntryOptions::new())
        .unwrap();
    let list = crl().revoke(&revoked.certificate).signed_by(issuer);
    store.install_crl(list).unwrap();
}

#[test]
fn a_revoked_server_is_refused_and_its_successor_is_not() {
    let issuer = ca("CA");
    let revoked = leaf().signed_by(&issuer);
    let good = leaf().signed_by(&issuer);
    for setting in settings() {
        let system = self_signed("array-7.example");
        for (server, reason) in [
            (&good, ReasonCode::ChainVerified),
            (&revoked, ReasonCode::Revoked),
        ] {
            for pinned in [false, true] {
                let mut store = setting.listing_server();
                trust(&mut store, AuthorityScope::AnyServer, &issuer, &revoked);
                if pinned {
                    pin(&mut store, PinScope::Server(keys_1()), &server.certificate);
                }
                let client =
                    setting.client(store.snapshot(), system.identity(&[], &setting.provider));
                let peer = setting.server(
                    setting.pinning_client(&system.certificate).snapshot(),
                    server.identity(&[], &setting.provider),
                );
                let outcome = handshake(
                    &client.build_for(&keys_1()).unwrap(),
                    &peer.build().unwrap(),
                    "kms1.example",
                );
                if reason.accepts() {
                    outcome.expect_link(&setting.name);
                } else {
                    let verdict = outcome.client_refuses(reason);
                    let verdict = verdict.unwrap_or_else(|why| panic!("{}: {why}", setting.name));
                    assert!(verdict.to_string().contains("was revoked at"));
                }
            }
        }
    }
}

#[test]
fn a_revoked_client_is_refused_and_its_successor_is_not() {
    let issuer = ca("CA");
    let revoked = leaf().signed_by(&issuer);
    let good = leaf().signed_by(&issuer);
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        for (client, reason) in [
            (&good, ReasonCode::ChainVerified),
            (&revoked, ReasonCode::Revoked),
        ] {
            for pinned in [false, true] {
                let mut store = setting.store();
                trust(&mut store, AuthorityScope::Clients, &issuer, &revoked);
                if pinned {
                    pin(&mut store, PinScope::Clients, &client.certificate);
                }
                let server = setting.server(
                    store.snapshot(),
                    key_server.identity(&[], &setting.provider),
                );
                let peer = setting.client(
                    setting.pinning_server(&key_server.certificate).snapshot(),
                    client.identity(&[], &setting.provider),
                );
                let outcome = handshake(
                    &peer.build_for(&keys_1()).unwrap(),
                    &server.build().unwrap(),
                    "kms1.example",
                );
                if reason.accepts() {
                    outcome.expect_link(&setting.name);
                } else {
                    let verdict = outcome.server_refuses(reason);
                    drop(verdict.unwrap_or_else(|why| panic!("{}: {why}", setting.name)));
                }
            }
        }
    }
}

// S3: an open connection is checked again with the newest view.
#[test]
fn a_connection_no_longer_stands_when_its_peer_is_revoked() {
    let issuer = ca("CA");
    let server = leaf().signed_by(&issuer);
    for setting in settings() {
        let system = self_signed("array-7.example");
        let mut store = setting.listing_server();
        store
            .install_authority(
                AuthorityScope::AnyServer,
                issuer.certificate(),
                EntryOptions::new(),
            )
            .unwrap();
        let live = mutual_trust::LiveTrust::new(store.snapshot());
        let client = setting.client(live.clone(), system.identity(&[], &setting.provider));
        let check = client.peer_check();
        let peer = setting.server(
            setting.pinning_client(&system.certificate).snapshot(),
            server.identity(&[], &setting.provider),
        );
        let outcome = handshake(
            &client.build_for(&keys_1()).unwrap(),
            &peer.build().unwrap(),
            "kms1.example",
        );
        outcome.expect_link(&setting.name);
        let verdict = mutual_trust::Verdict::from(check.server(
            mutual_trust::ExpectedServer::id(&keys_1(), None),
            &outcome.client_connection,
        ));
        assert!(verdict.is_accepted());
        let list = crl().revoke(&server.certificate).signed_by(&issuer);
        store.install_crl(list).unwrap();
        live.publish(store.snapshot()).unwrap();
        let verdict = mutual_trust::Verdict::from(check.server(
            mutual_trust::ExpectedServer::id(&keys_1(), None),
            &outcome.client_connection,
        ));
        assert_eq!(verdict.reason(), ReasonCode::Revoked);
    }
}
