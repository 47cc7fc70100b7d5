//! Real handshakes, in both protocol versions: what is remembered is the certificate step alone, and a change of
//! trust counts from the next handshake on.

use std::sync::Arc;

use mutual_trust::policy::MemoryStatistics;
use mutual_trust::{
    AuthorityScope, ClientConfigBuilder, EntryOptions, LiveTrust, ReasonCode, ServerConfigBuilder,
    TrustStore,
};

use crate::support::crl::crl;
use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, settings};
use crate::support::now;
use crate::support::pki::{Made, Pki, pki};
use crate::support::plain::Credential;

/// Two ends of ours that accept each other's chain and remember it.
struct Link {
    store: TrustStore,
    trust: LiveTrust,
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
    ca: Pki,
    system: Made,
    key_server: Made,
}

fn link(setting: &Setting) -> Link {
    let ca = pki("Example");
    let mut store = setting.listing_server();
    for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
        store
            .install_authority(scope, ca.root.certificate(), EntryOptions::new())
            .unwrap();
    }
    let trust = LiveTrust::new(store.snapshot());
    let (system, key_server) = (ca.client("array-7.example"), ca.server("kms1.example"));
    let ours = |made: &Made| made.identity(&[&ca.intermediate], &setting.provider);
    let policy = setting.policy().with_remembered_chains(16).unwrap();
    Link {
        client: setting.client_with(trust.clone(), ours(&system), policy, now()),
        server: setting.server_with(trust.clone(), ours(&key_server), policy, now()),
        store,
        trust,
        ca,
        system,
        key_server,
    }
}

fn counts(statistics: MemoryStatistics) -> (u64, u64) {
    (statistics.answered, statistics.decided)
}

impl Link {
    fn counts(&self) -> [(u64, u64); 2] {
        [
            counts(self.client.chain_memory().statistics()),
            counts(self.server.chain_memory().statistics()),
        ]
    }

    /// Two handshakes, the second of which both ends answer from memory.
    fn establish(&self, what: &str) {
        let (client, server) = (self.client.build_for(&keys_1()), self.server.build());
        let (client, server) = (client.unwrap(), server.unwrap());
        handshake(&client, &server, "kms1.example").expect_link(what);
        assert_eq!(self.counts(), [(0, 1), (0, 1)], "{what}");
        handshake(&client, &server, "kms1.example").expect_link(what);
        assert_eq!(self.counts(), [(1, 1), (1, 1)], "{what}");
    }
}

#[test]
fn the_second_handshake_of_a_chain_is_answered_from_memory_at_both_ends() {
    for setting in settings() {
        let link = link(&setting);
        link.establish(&setting.name);
        // One memory for all configurations, clones and checks of a builder.
        let client = link.client.clone().build_for(&keys_1()).unwrap();
        let server = link.server.clone().build().unwrap();
        let outcome = handshake(&client, &server, "kms1.example");
        outcome.expect_link(&setting.name);
        assert_eq!(link.counts(), [(2, 1), (2, 1)]);
        let verdict = mutual_trust::Verdict::from(
            link.server.peer_check().client(&outcome.server_connection),
        );
        assert_eq!(verdict.reason(), ReasonCode::ChainVerified);
        let check = link.client.peer_check().snapshot();
        // The dialled name is not told here: another question, the first time.
        for _ in 0..2 {
            let verdict = mutual_trust::Verdict::from(check.server(
                mutual_trust::ExpectedServer::id(&keys_1(), None),
                &outcome.client_connection,
            ));
            assert_eq!(verdict.reason(), ReasonCode::ChainVerified);
        }
        assert_eq!(link.counts(), [(3, 2), (3, 1)]);
    }
}

#[test]
fn what_is_published_counts_from_the_next_handshake_on() {
    // P1, P6, C4, S1
    type Change = fn(&mut Link);
    let block: Change = |link| {
        link.store.block(&link.key_server.certificate);
        link.store.block(&link.system.certificate);
    };
    let remove: Change = |link| {
        let view = link.store.snapshot();
        let keys: Vec<_> = view.entries().iter().map(|entry| entry.key()).collect();
        for key in keys {
            link.store.remove(&key).unwrap();
        }
    };
    let revoke: Change = |link| {
        let issuer = &link.ca.intermediate;
        let certificate = issuer.certificate();
        link.store
            .install_intermediate(certificate, EntryOptions::new())
            .unwrap();
        let list = crl().revoke(&link.key_server.certificate);
        let list = list.revoke(&link.system.certificate).signed_by(issuer);
        link.store.install_crl(list).unwrap();
    };
    for setting in settings() {
        for (change, reason) in [
            (block, ReasonCode::Blocked),
            (remove, ReasonCode::NothingInstalled),
            (revoke, ReasonCode::Revoked),
        ] {
            let what = format!("{} {reason}", setting.name);
            let mut link = link(&setting);
            link.establish(&what);
            let client = link.client.build_for(&keys_1()).unwrap();
            let server = link.server.build().unwrap();
            change(&mut link);
            link.trust.publish(link.store.snapshot()).unwrap();
            let peer = Credential::of(&link.key_server, &[&link.ca.intermediate]);
            let plain = Arc::new(setting.plain_server(peer.resolver(&setting.provider)));
            let outcome = handshake(&client, &plain, "kms1.example");
            outcome.expect_client_refuses(&what, reason);
            let peer = Credential::of(&link.system, &[&link.ca.intermediate]);
            let plain = Arc::new(setting.plain_client(peer.resolver(&setting.provider)));
            let outcome = handshake(&plain, &server, "kms1.example");
            outcome.expect_server_refuses(&what, reason);
            assert_eq!(link.counts(), [(1, 2), (1, 2)], "{what}");
        }
    }
}

#[test]
fn a_remembered_chain_without_its_private_key_is_refused() {
    // M2
    for setting in settings() {
        let link = link(&setting);
        link.establish(&setting.name);
        let thief = |made: &Made| {
            let stolen = Credential::of(made, &[&link.ca.intermediate]);
            let own = Credential::of(&link.ca.root, &[]);
            let peer = stolen.signing_as(&own).certified(&setting.provider);
            Arc::new(crate::support::plain::Always(Arc::new(peer)))
        };
        let client = link.client.build_for(&keys_1()).unwrap();
        let plain = Arc::new(setting.plain_server(thief(&link.key_server)));
        let outcome = handshake(&client, &plain, "kms1.example");
        outcome.expect_client_refuses(&setting.name, ReasonCode::HandshakeSignatureInvalid);
        let server = link.server.build().unwrap();
        let plain = Arc::new(setting.plain_client(thief(&link.system)));
        let outcome = handshake(&plain, &server, "kms1.example");
        outcome.expect_server_refuses(&setting.name, ReasonCode::HandshakeSignatureInvalid);
        // The certificate step was answered from memory all the same.
        assert_eq!(link.counts(), [(2, 1), (2, 1)]);
    }
}

#[test]
fn another_certificate_of_the_same_authority_is_decided() {
    for setting in settings() {
        let link = link(&setting);
        link.establish(&setting.name);
        let client = link.client.build_for(&keys_1()).unwrap();
        for (name, reason) in [
            ("kms1.example", None),
            ("kms2.example", Some(ReasonCode::NameMismatch)),
        ] {
            let other = link.ca.server(name);
            let peer = Credential::of(&other, &[&link.ca.intermediate]);
            let plain = Arc::new(setting.plain_server(peer.resolver(&setting.provider)));
            let outcome = handshake(&client, &plain, "kms1.example");
            match reason {
                None => assert!(outcome.client.is_ok(), "{:?}", outcome.client),
                Some(reason) => drop(outcome.expect_client_refuses(name, reason)),
            }
        }
        assert_eq!(link.counts()[0], (1, 3));
    }
}

#[test]
fn by_default_nothing_is_remembered() {
    for setting in settings() {
        let link = link(&setting);
        let ours = |made: &Made| made.identity(&[&link.ca.intermediate], &setting.provider);
        let client = setting.client(link.trust.clone(), ours(&link.system));
        let server = setting.server(link.trust.clone(), ours(&link.key_server));
        for _ in 0..2 {
            let (config, server) = (client.build_for(&keys_1()), server.build());
            handshake(&config.unwrap(), &server.unwrap(), "kms1.example")
                .expect_link(&setting.name);
        }
        for statistics in [
            client.chain_memory().statistics(),
            server.chain_memory().statistics(),
        ] {
            assert_eq!(counts(statistics), (0, 0));
            assert_eq!(statistics.chains, 0);
        }
    }
}
