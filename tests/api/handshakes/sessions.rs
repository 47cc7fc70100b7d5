//! What the configurations switch off, and that they follow what is published (rules S2 and S3).

use std::sync::{Arc, Mutex};

use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{AuthorityScope, EntryOptions, LiveTrust, PinScope, ReasonCode};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, HandshakeKind, ServerConfig, SignatureScheme};

use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{pki, self_signed};
use crate::support::plain::{Credential, Sessions};

/// Our two ends, which accept each other.
fn pair(setting: &Setting) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let (system, key_server) = (self_signed("array-7.example"), self_signed("kms1.example"));
    let mut store = setting.pinning_server(&key_server.certificate);
    pin(&mut store, PinScope::Clients, &system.certificate);
    let view = store.snapshot();
    let client = setting.client(view.clone(), system.identity(&[], &setting.provider));
    let server = setting.server(view, key_server.identity(&[], &setting.provider));
    (
        client.build_for(&keys_1()).unwrap().into(),
        server.build().unwrap().into(),
    )
}

#[test]
fn every_handshake_between_our_ends_is_a_full_one() {
    // S2
    for setting in settings() {
        let (client, server) = pair(&setting);
        for _ in 0..3 {
            let outcome = handshake(&client, &server, "kms1.example");
            outcome.expect_link(&setting.name);
            let kinds = [
                outcome.client_connection.handshake_kind(),
                outcome.server_connection.handshake_kind(),
            ];
            assert_eq!(kinds, [Some(HandshakeKind::Full); 2], "{}", setting.name);
            assert_eq!(outcome.client_connection.tls13_tickets_received(), 0);
        }
    }
}

#[test]
fn a_client_that_keeps_sessions_gets_none_to_keep() {
    // S2
    for setting in settings() {
        let system = self_signed("array-7.example");
        let mut store = setting.pinning_client(&system.certificate);
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let server = setting.server(store.snapshot(), identity).build().unwrap();
        let credential = Credential::of(&system, &[]);
        let mut client = setting.plain_client(credential.resolver(&setting.provider));
        let sessions = Sessions::new();
        client.resumption = Resumption::store(sessions.clone());
        let client = Arc::new(client);
        for _ in 0..2 {
            let outcome = handshake(&client, &server, "kms1.example");
            outcome.expect_link(&setting.name);
            assert!(!outcome.client_resumed(), "{}", setting.name);
            assert_eq!(outcome.client_connection.tls13_tickets_received(), 0);
        }
        assert_eq!(sessions.count(), 0, "{}", setting.name);
    }
}

#[test]
fn the_server_configuration_can_keep_and_send_nothing() {
    // S2, no early and no half-RTT data, no key log
    for setting in settings() {
        let (_, server) = pair(&setting);
        assert!(!server.session_storage.can_cache());
        assert!(!server.session_storage.put(vec![1], vec![2]));
        assert!(!server.ticketer.enabled());
        assert_eq!(server.send_tls13_tickets, 0);
        assert_eq!(server.max_early_data_size, 0);
        assert!(!server.send_half_rtt_data);
        assert!(!server.enable_secret_extraction);
        assert!(!server.key_log.will_log("CLIENT_RANDOM"));
        assert!(!server.key_log.will_log("CLIENT_TRAFFIC_SECRET_0"));
    }
}

#[test]
fn the_client_configuration_can_keep_and_send_nothing() {
    // S2, no early data, no key log
    for setting in settings() {
        let (client, _) = pair(&setting);
        // rustls shows no more of it than this.
        let shown = format!("{:?}", client.resumption);
        assert_eq!(shown, format!("{:?}", Resumption::disabled()));
        assert!(!client.enable_early_data);
        assert!(!client.enable_secret_extraction);
        assert!(!client.key_log.will_log("CLIENT_RANDOM"));
        assert!(!client.key_log.will_log("CLIENT_TRAFFIC_SECRET_0"));
    }
}

/// Notes what it is told about CAs.
#[derive(Debug)]
struct Curious {
    key: Arc<CertifiedKey>,
    asked: Mutex<Vec<usize>>,
}

impl Curious {
    fn new(credential: &Credential, setting: &Setting) -> Arc<Self> {
        Arc::new(Self {
            key: Arc::new(credential.certified(&setting.provider)),
            asked: Mutex::new(Vec::new()),
        })
    }

    fn note(&self, hints: usize) -> Option<Arc<CertifiedKey>> {
        self.asked.lock().unwrap().push(hints);
        Some(self.key.clone())
    }
}

impl ResolvesClientCert for Curious {
    fn resolve(&self, hints: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.note(hints.len())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl ResolvesServerCert for Curious {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.note(hello.certificate_authorities().map_or(0, <[_]>::len))
    }
}

#[test]
fn neither_end_tells_the_other_which_authorities_are_installed() {
    // No CA names are sent in a CertificateRequest, nor in a ClientHello
    for setting in settings() {
        let ca = pki("Example");
        let mut store = setting.listing_server();
        for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
            let options = EntryOptions::new();
            store
                .install_authority(scope, ca.root.certificate(), options)
                .unwrap();
        }
        let view = store.snapshot();
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let server = setting
            .server(view.clone(), identity.clone())
            .build()
            .unwrap();
        let credential = Credential::of(&ca.client("array-7.example"), &[&ca.intermediate]);
        let curious = Curious::new(&credential, &setting);
        let client = Arc::new(setting.plain_client(curious.clone()));
        handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        assert_eq!(*curious.asked.lock().unwrap(), [0], "{}", setting.name);

        let client = setting.client(view, identity).build_for(&keys_1()).unwrap();
        let credential = Credential::of(&ca.server("kms1.example"), &[&ca.intermediate]);
        let curious = Curious::new(&credential, &setting);
        let server = Arc::new(setting.plain_server(curious.clone()));
        handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        assert_eq!(*curious.asked.lock().unwrap(), [0], "{}", setting.name);
    }
}

#[test]
fn configurations_follow_what_is_published_and_open_connections_can_be_asked_again() {
    // S1, S3: at both ends
    for setting in settings() {
        let (system, key_server) = (self_signed("array-7.example"), self_signed("kms1.example"));
        let mut store = setting.listing_server();
        let trust = LiveTrust::new(store.snapshot());
        let client = setting.client(trust.clone(), system.identity(&[], &setting.provider));
        let server = setting.server(trust.clone(), key_server.identity(&[], &setting.provider));
        let (client_check, server_check) = (client.peer_check(), server.peer_check());
        let (client, server) = (
            client.build_for(&keys_1()).unwrap(),
            server.build().unwrap(),
        );
        let outcome = handshake(&client, &server, "kms1.example");
        outcome.expect_client_refuses(&setting.name, ReasonCode::NothingInstalled);

        pin(
            &mut store,
            PinScope::Server(keys_1()),
            &key_server.certificate,
        );
        pin(&mut store, PinScope::Clients, &system.certificate);
        trust.publish(store.snapshot()).unwrap();
        let outcome = handshake(&client, &server, "kms1.example");
        outcome.expect_link(&setting.name);
        let server_seen = || {
            mutual_trust::Verdict::from(client_check.server(
                mutual_trust::ExpectedServer::id(&keys_1(), None),
                &outcome.client_connection,
            ))
        };
        let client_seen =
            || mutual_trust::Verdict::from(server_check.client(&outcome.server_connection));
        assert_eq!(server_seen().reason(), ReasonCode::PinMatched);
        assert_eq!(client_seen().reason(), ReasonCode::PinMatched);
        let before = client_seen().generation();

        let key = EntryKey::new(Slot::Pin, Scope::Clients, system.certificate.fingerprint());
        store.remove(&key).unwrap();
        trust.publish(store.snapshot()).unwrap();
        assert_eq!(client_seen().reason(), ReasonCode::NothingInstalled);
        assert!(client_seen().generation() > before);
        assert_eq!(server_seen().reason(), ReasonCode::PinMatched);
        let refused = handshake(&client, &server, "kms1.example");
        refused.expect_server_refuses(&setting.name, ReasonCode::NothingInstalled);

        store.block(&key_server.certificate);
        trust.publish(store.snapshot()).unwrap();
        assert_eq!(server_seen().reason(), ReasonCode::Blocked);
        let refused = handshake(&client, &server, "kms1.example");
        refused.expect_client_refuses(&setting.name, ReasonCode::Blocked);
    }
}

#[test]
fn a_configuration_of_a_view_does_not_follow_the_store_that_the_view_was_taken_from() {
    // S1: a view never changes
    for setting in settings() {
        let system = self_signed("array-7.example");
        let mut store = setting.pinning_client(&system.certificate);
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let server = setting.server(store.snapshot(), identity).build().unwrap();
        store.block(&system.certificate);
        let client = setting.client_of(&Credential::of(&system, &[]));
        handshake(&client, &server, "kms1.example").expect_link(&setting.name);
    }
}
