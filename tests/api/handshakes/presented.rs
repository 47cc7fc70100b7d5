//! Peers that are asked about by what they presented, without their connection (rule S3).

use mutual_trust::{Accepted, ExpectedServer, LiveTrust, PinScope, ReasonCode, Refusal, Role};
use rustls::pki_types::CertificateDer;

use crate::support::handshake::handshake;
use crate::support::link::{keys_1, pin, settings};
use crate::support::pki::{pki, self_signed};
use crate::support::{host, server_id};

fn reason(result: Result<Accepted, Refusal>) -> ReasonCode {
    match result {
        Ok(accepted) => accepted.reason(),
        Err(refusal) => refusal.reason(),
    }
}

/// What a handler keeps of a connection.
fn kept(connection: &rustls::CommonState) -> Vec<CertificateDer<'static>> {
    let certificates = connection.peer_certificates().unwrap();
    certificates
        .iter()
        .cloned()
        .map(CertificateDer::into_owned)
        .collect()
}

#[test]
fn what_a_peer_presented_is_judged_as_its_connection_is() {
    for setting in settings() {
        let ca = pki("Example");
        let (system, key_server) = (ca.client("array-7.example"), self_signed("kms1.example"));
        let mut store = setting.pinning_server(&key_server.certificate);
        let authority = ca.root.certificate();
        let scope = mutual_trust::AuthorityScope::Clients;
        store
            .install_authority(scope, authority, Default::default())
            .unwrap();
        let trust = LiveTrust::new(store.snapshot());
        let system_identity = system.identity(&[&ca.intermediate], &setting.provider);
        let client = setting.client(trust.clone(), system_identity);
        let server_identity = key_server.identity(&[], &setting.provider);
        let server = setting.server(trust.clone(), server_identity);
        let outcome = handshake(
            &client.build_for(&keys_1()).unwrap(),
            &server.build().unwrap(),
            "kms1.example",
        );
        outcome.expect_link(&setting.name);
        let (of_clients, of_servers) = (server.peer_check(), client.peer_check());
        let presented = kept(&outcome.server_connection);
        assert_eq!(presented.len(), 2);
        let name = host("kms1.example");

        let accepted = of_clients.client_presented(&presented).unwrap();
        let by_connection = of_clients.client(&outcome.server_connection).unwrap();
        let [asked, by_connection] = [&accepted, &by_connection].map(|it| it.verdict().to_string());
        assert_eq!(asked, by_connection);
        assert_eq!(accepted.reason(), ReasonCode::ChainVerified);
        // The end entity is first: another order is another peer.
        let turned: Vec<_> = presented.iter().rev().cloned().collect();
        let refused = of_clients.client_presented(&turned);
        assert_eq!(reason(refused), ReasonCode::CaUsedAsEndEntity);
        // Without the intermediate, there is no path.
        let refused = of_clients.client_presented(&presented[..1]);
        assert!(refused.is_err());

        let shown = kept(&outcome.client_connection);
        for (expected, becomes) in [
            (ExpectedServer::id(&keys_1(), None), ReasonCode::PinMatched),
            (ExpectedServer::Name(&name), ReasonCode::PinMatched),
            (
                ExpectedServer::Name(&host("kms2.example")),
                ReasonCode::UnlistedName,
            ),
            (
                ExpectedServer::id(&server_id("keys-2"), None),
                ReasonCode::UnknownServer,
            ),
        ] {
            let asked = of_servers.server_presented(expected, &shown);
            assert_eq!(reason(asked), becomes, "{expected:?}");
            let asked = of_servers.server(expected, &outcome.client_connection);
            assert_eq!(reason(asked), becomes, "{expected:?}");
        }

        // Both follow what is published, and the trust that a check has tells when to ask again.
        assert_eq!(
            of_clients.trust().current().generation(),
            trust.current().generation()
        );
        store.block(&system.certificate);
        store.block(&key_server.certificate);
        trust.publish(store.snapshot()).unwrap();
        assert_eq!(
            of_clients.trust().current().generation(),
            store.snapshot().generation()
        );
        let refused = of_clients.client_presented(&presented).unwrap_err();
        assert_eq!(refused.reason(), ReasonCode::Blocked);
        assert_eq!(refused.verdict().role(), Role::Client);
        let id = keys_1();
        let expected = ExpectedServer::id(&id, None);
        let refused = of_servers.server_presented(expected, &shown).unwrap_err();
        assert_eq!(refused.reason(), ReasonCode::Blocked);
        assert_eq!(refused.verdict().role(), Role::Server);
    }
}

#[test]
fn who_presented_nothing_is_refused() {
    for setting in settings() {
        let system = self_signed("array-7.example");
        let mut store = setting.pinning_server(&system.certificate);
        pin(&mut store, PinScope::Clients, &system.certificate);
        let identity = system.identity(&[], &setting.provider);
        let check = setting.server(store.snapshot(), identity).peer_check();
        let id = keys_1();
        let expected = ExpectedServer::id(&id, None);
        for (refused, role) in [
            (check.client_presented(&[]), Role::Client),
            (check.server_presented(expected, &[]), Role::Server),
        ] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.reason(), ReasonCode::HandshakeNotFinished);
            assert_eq!(refused.verdict().role(), role);
        }
    }
}
