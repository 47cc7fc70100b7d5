//! Resumption: what plain rustls does by default, and what becomes of a trust change.

use std::io::{Read, Write};
use std::sync::{Arc, RwLock};

use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{LiveTrust, PinScope, ReasonCode};
use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, Resumption, Tls12Resumption};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConnection, DigitallySignedStruct, DistinguishedName, Error,
    HandshakeKind, ServerConnection, SignatureScheme,
};

use crate::plain_rustls::{client_verifier, server_verifier};
use crate::support::fixture;
use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, self_signed};
use crate::support::plain::{Credential, Sessions};

/// A verifier whose contents are swapped when trust changes: the obvious thing to write.
#[derive(Debug)]
struct Swapping<V: ?Sized>(RwLock<Arc<V>>);

impl<V: ?Sized> Swapping<V> {
    fn new(first: Arc<V>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(first)))
    }

    fn swap(&self, next: Arc<V>) {
        *self.0.write().unwrap() = next;
    }

    fn now(&self) -> Arc<V> {
        self.0.read().unwrap().clone()
    }
}

impl ServerCertVerifier for Swapping<dyn ServerCertVerifier> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = self.now();
        verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.now()
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.now()
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.now().supported_verify_schemes()
    }
}

impl ClientCertVerifier for Swapping<dyn ClientCertVerifier> {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.now()
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.now()
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.now()
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.now().supported_verify_schemes()
    }
}

struct Pair {
    system: Made,
    key_server: Made,
}

fn pair() -> Pair {
    Pair {
        system: self_signed("array-7.example"),
        key_server: self_signed("kms1.example"),
    }
}

fn resumed(outcome: &Outcome) -> bool {
    outcome.server_connection.handshake_kind() == Some(HandshakeKind::Resumed)
}

#[test]
fn a_plain_client_resumes_with_a_server_that_was_removed_and_ours_refuses_it() {
    // S2
    for setting in settings() {
        let Pair { system, key_server } = pair();
        let installed = &key_server.certificate;
        let first: Arc<dyn ServerCertVerifier> = server_verifier(&setting, &[installed], vec![]);
        let verifier = Swapping::new(first);
        let own = Credential::of(&system, &[]).resolver(&setting.provider);
        let client = Arc::new(setting.plain_client_verifying(verifier.clone(), own));
        let server = setting.server_of(&Credential::of(&key_server, &[]));
        handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        verifier.swap(server_verifier(&setting, &[&fixture("ca-root")], vec![]));
        let outcome = handshake(&client, &server, "kms1.example");
        outcome.expect_link(&setting.name);
        assert!(resumed(&outcome), "{}", setting.name);

        let mut store = setting.pinning_server(&key_server.certificate);
        let trust = LiveTrust::new(store.snapshot());
        let identity = system.identity(&[], &setting.provider);
        let client = setting
            .client(trust.clone(), identity)
            .build_by_name()
            .unwrap();
        handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        let fingerprint = key_server.certificate.fingerprint();
        let key = EntryKey::new(Slot::Pin, Scope::Server(keys_1()), fingerprint);
        store.remove(&key).unwrap();
        trust.publish(store.snapshot()).unwrap();
        let outcome = handshake(&client, &server, "kms1.example");
        outcome.expect_client_refuses(&setting.name, ReasonCode::NoUsablePin);
    }
}

#[test]
fn a_plain_server_resumes_with_a_client_that_was_removed_and_ours_refuses_it() {
    // S2
    for setting in settings() {
        let Pair { system, key_server } = pair();
        let verifier = Swapping::new(client_verifier(&setting, &[&system.certificate]));
        let own = Credential::of(&key_server, &[]).resolver(&setting.provider);
        let server = Arc::new(setting.plain_server_verifying(verifier.clone(), own));
        let client = setting.client_of(&Credential::of(&system, &[]));
        handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        verifier.swap(client_verifier(&setting, &[&fixture("ca-root")]));
        let outcome = handshake(&client, &server, "kms1.example");
        outcome.expect_link(&setting.name);
        assert!(resumed(&outcome), "{}", setting.name);

        let mut store = setting.pinning_client(&system.certificate);
        let trust = LiveTrust::new(store.snapshot());
        let identity = key_server.identity(&[], &setting.provider);
        let server = setting.server(trust.clone(), identity).build().unwrap();
        let client = setting.client_of(&Credential::of(&system, &[]));
        handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        let key = EntryKey::new(Slot::Pin, Scope::Clients, system.certificate.fingerprint());
        store.remove(&key).unwrap();
        trust.publish(store.snapshot()).unwrap();
        let outcome = handshake(&client, &server, "kms1.example");
        outcome.expect_server_refuses(&setting.name, ReasonCode::NothingInstalled);
    }
}

#[test]
fn a_plain_server_built_anew_resumes_if_it_keeps_its_session_storage_and_a_plain_client_does_not() {
    // S2: what becomes of a `RootCertStore` that is replaced, with all that belongs to it made anew but the sessions.
    let other = fixture("ca-root");
    for setting in settings() {
        let Pair { system, key_server } = pair();
        let own = Credential::of(&key_server, &[]).resolver(&setting.provider);
        let server = |installed| {
            let verifier = client_verifier(&setting, &[installed]);
            setting.plain_server_verifying(verifier, own.clone())
        };
        let (before, mut after) = (server(&system.certificate), server(&other));
        after.session_storage = before.session_storage.clone();
        let anew = Arc::new(server(&other));
        let (before, after) = (Arc::new(before), Arc::new(after));
        let client = setting.client_of(&Credential::of(&system, &[]));
        handshake(&client, &before, "kms1.example").expect_link(&setting.name);
        let outcome = handshake(&client, &after, "kms1.example");
        outcome.expect_link(&setting.name);
        assert!(resumed(&outcome), "{}", setting.name);
        let unknown = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        handshake(&client, &before, "kms1.example").expect_link(&setting.name);
        let outcome = handshake(&client, &anew, "kms1.example");
        assert_eq!(outcome.server, unknown, "{}", setting.name);

        let own = Credential::of(&system, &[]).resolver(&setting.provider);
        let client = |installed| {
            let verifier = server_verifier(&setting, &[installed], vec![]);
            setting.plain_client_verifying(verifier, own.clone())
        };
        let (before, mut after) = (client(&key_server.certificate), client(&other));
        after.resumption = before.resumption.clone();
        let (before, after) = (Arc::new(before), Arc::new(after));
        let server = setting.server_of(&Credential::of(&key_server, &[]));
        handshake(&before, &server, "kms1.example").expect_link(&setting.name);
        let outcome = handshake(&after, &server, "kms1.example");
        assert_eq!(outcome.client, unknown, "{}", setting.name);
    }
}

/// Two handshakes of a plain client and a plain server; whether the second was a resumption.
fn resumes(
    setting: &Setting,
    change_client: impl Fn(&mut rustls::ClientConfig),
    change_server: impl Fn(&mut rustls::ServerConfig),
) -> bool {
    let Pair { system, key_server } = pair();
    let own = Credential::of(&system, &[]).resolver(&setting.provider);
    let mut client = setting.plain_client(own);
    change_client(&mut client);
    let own = Credential::of(&key_server, &[]).resolver(&setting.provider);
    let mut server = setting.plain_server(own);
    change_server(&mut server);
    let (client, server) = (Arc::new(client), Arc::new(server));
    handshake(&client, &server, "kms1.example").expect_link(&setting.name);
    let outcome = handshake(&client, &server, "kms1.example");
    outcome.expect_link(&setting.name);
    resumed(&outcome)
}

#[test]
fn plain_rustls_resumes_by_default_at_both_ends_and_we_never_do() {
    // S2
    for setting in settings() {
        assert!(resumes(&setting, |_| {}, |_| {}), "{}", setting.name);

        let Pair { system, key_server } = pair();
        let mut store = setting.pinning_server(&key_server.certificate);
        pin(&mut store, PinScope::Clients, &system.certificate);
        let view = store.snapshot();
        let identity = system.identity(&[], &setting.provider);
        let client = setting
            .client(view.clone(), identity)
            .build_by_name()
            .unwrap();
        let identity = key_server.identity(&[], &setting.provider);
        let server = setting.server(view, identity).build().unwrap();
        for _ in 0..2 {
            let outcome = handshake(&client, &server, "kms1.example");
            outcome.expect_link(&setting.name);
            assert!(!resumed(&outcome), "{}", setting.name);
        }
    }
}

#[test]
fn plain_rustls_needs_the_right_switch_to_stop_resuming() {
    // The reasons for what our builders set
    for setting in settings() {
        let off = |client: &mut rustls::ClientConfig| client.resumption = Resumption::disabled();
        assert!(!resumes(&setting, off, |_| {}), "{}", setting.name);
        // With a live store, switching TLS 1.2 off by this leaves session ids on.
        let half = |client: &mut rustls::ClientConfig| {
            let sessions = Resumption::in_memory_sessions(32);
            client.resumption = sessions.tls12_resumption(Tls12Resumption::Disabled);
        };
        assert!(resumes(&setting, half, |_| {}), "{}", setting.name);
        // On a server, no tickets alone leave TLS 1.2 on.
        let no_tickets = |server: &mut rustls::ServerConfig| server.send_tls13_tickets = 0;
        assert_eq!(resumes(&setting, |_| {}, no_tickets), !setting.is_tls13());
        let nothing_kept = |server: &mut rustls::ServerConfig| {
            server.send_tls13_tickets = 0;
            server.session_storage = Arc::new(NoServerSessionStorage {});
        };
        assert!(!resumes(&setting, |_| {}, nothing_kept), "{}", setting.name);
    }
}

fn written(mut write: impl FnMut(&mut dyn Write) -> std::io::Result<usize>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while write(&mut bytes).unwrap() > 0 {}
    bytes
}

fn read(client: &mut ClientConnection, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let reader: &mut dyn Read = &mut bytes;
        client.read_tls(reader).unwrap();
        client.process_new_packets().unwrap();
    }
}

#[test]
fn a_ticket_that_comes_after_a_server_was_removed_brings_it_back_at_a_plain_client() {
    // S2: what attacks/sessions.rs shows us to be proof against. The tickets were sent before trust changed, and are
    // read after it; the store of sessions was emptied in between, which does not help either.
    for setting in settings().into_iter().filter(Setting::is_tls13) {
        let Pair { system, key_server } = pair();
        let first: Arc<dyn ServerCertVerifier> =
            server_verifier(&setting, &[&key_server.certificate], vec![]);
        let verifier = Swapping::new(first);
        let own = Credential::of(&system, &[]).resolver(&setting.provider);
        let mut config = setting.plain_client_verifying(verifier.clone(), own);
        let sessions = Sessions::new();
        config.resumption = Resumption::store(sessions.clone());
        let config = Arc::new(config);
        let peer = setting.server_of(&Credential::of(&key_server, &[]));

        let name: ServerName<'static> = "kms1.example".try_into().unwrap();
        let mut client = ClientConnection::new(config.clone(), name.clone()).unwrap();
        let mut server = ServerConnection::new(peer.clone()).unwrap();
        let mut late = Vec::new();
        while server.is_handshaking() {
            let bytes = written(|buffer| client.write_tls(buffer));
            let mut bytes = &*bytes;
            while !bytes.is_empty() {
                let reader: &mut dyn Read = &mut bytes;
                server.read_tls(reader).unwrap();
                server.process_new_packets().unwrap();
            }
            late = written(|buffer| server.write_tls(buffer));
            if server.is_handshaking() {
                read(&mut client, &late);
            }
        }
        verifier.swap(server_verifier(&setting, &[&fixture("ca-root")], vec![]));
        while sessions.take_tls13_ticket(&name).is_some() {}
        assert_eq!(client.tls13_tickets_received(), 0, "{}", setting.name);
        read(&mut client, &late);
        assert!(client.tls13_tickets_received() > 0, "{}", setting.name);
        let outcome = handshake(&config, &peer, "kms1.example");
        outcome.expect_link(&setting.name);
        assert!(resumed(&outcome), "{}", setting.name);
    }
}
