//! Peers that keep sessions come back after trust in them was withdrawn (rule S2).

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{LiveTrust, PinScope, ReasonCode, TrustStore};
use pki_types::ServerName;
use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, ServerConfig, ServerConnection};

use crate::support::fixture;
use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, self_signed};
use crate::support::plain::{AcceptAll, Credential, Sessions, keep_sessions};

/// A client that keeps what it gets.
fn keeping_client(setting: &Setting, made: &Made) -> (Arc<ClientConfig>, Arc<Sessions>) {
    let credential = Credential::of(made, &[]);
    let mut config = setting.plain_client(credential.resolver(&setting.provider));
    let sessions = Sessions::new();
    config.resumption = Resumption::store(sessions.clone());
    (Arc::new(config), sessions)
}

/// A server that keeps what it can, with or without tickets, and counts how often it is asked about a client.
fn keeping_server(
    setting: &Setting,
    made: &Made,
    tickets: bool,
) -> (Arc<ServerConfig>, Arc<AcceptAll>) {
    let verifier = AcceptAll::new(&setting.provider);
    let credential = Credential::of(made, &[]);
    let resolver = credential.resolver(&setting.provider);
    let mut config = setting.plain_server_verifying(verifier.clone(), resolver);
    keep_sessions(&mut config, tickets.then(|| setting.ticketer()));
    (Arc::new(config), verifier)
}

/// Removes the pin of `made` for clients, or else for keys-1; another one stays.
fn withdraw(store: &mut TrustStore, clients: bool, made: &Made) {
    let (pins, scope) = if clients {
        (PinScope::Clients, Scope::Clients)
    } else {
        (PinScope::Server(keys_1()), Scope::Server(keys_1()))
    };
    pin(store, pins, &fixture("ee-p256"));
    let key = EntryKey::new(Slot::Pin, scope, made.certificate.fingerprint());
    store.remove(&key).unwrap();
}

#[test]
fn these_peers_do_resume_with_each_other() {
    // The control of the tests below
    for setting in settings() {
        for tickets in [true, false] {
            let (client, sessions) = keeping_client(&setting, &self_signed("array-7.example"));
            let (server, asked) = keeping_server(&setting, &self_signed("kms1.example"), tickets);
            let first = handshake(&client, &server, "kms1.example");
            first.expect_link(&setting.name);
            assert!(sessions.count() > 0, "{}", setting.name);
            let second = handshake(&client, &server, "kms1.example");
            second.expect_link(&setting.name);
            assert!(
                second.client_resumed(),
                "{}, tickets {tickets}",
                setting.name
            );
            // The second time, no verifier was asked about the client.
            assert_eq!(asked.asked.load(Ordering::SeqCst), 1, "{}", setting.name);
        }
    }
}

#[test]
fn a_client_that_keeps_sessions_is_judged_anew_and_refused_once_its_pin_is_gone() {
    // S2: our server
    for setting in settings() {
        let system = self_signed("array-7.example");
        let mut store = setting.pinning_client(&system.certificate);
        let trust = LiveTrust::new(store.snapshot());
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let server = setting.server(trust.clone(), identity).build().unwrap();
        let (client, sessions) = keeping_client(&setting, &system);
        for _ in 0..2 {
            let outcome = handshake(&client, &server, "kms1.example");
            outcome.expect_link(&setting.name);
            let kind = outcome.server_connection.handshake_kind();
            assert_eq!(kind, Some(HandshakeKind::Full), "{}", setting.name);
        }
        withdraw(&mut store, true, &system);
        trust.publish(store.snapshot()).unwrap();
        for _ in 0..2 {
            let outcome = handshake(&client, &server, "kms1.example");
            outcome.expect_server_refuses(&setting.name, ReasonCode::PinDoesNotMatch);
        }
        assert_eq!(sessions.count(), 0, "{}", setting.name);
    }
}

#[test]
fn a_server_that_offers_sessions_is_judged_anew_and_refused_once_its_pin_is_gone() {
    // S2: our client
    for setting in settings() {
        for tickets in [true, false] {
            let what = format!("{}, tickets {tickets}", setting.name);
            let key_server = self_signed("stranger.example");
            let mut store = setting.pinning_server(&key_server.certificate);
            let trust = LiveTrust::new(store.snapshot());
            let identity = self_signed("array-7.example").identity(&[], &setting.provider);
            let client = setting
                .client(trust.clone(), identity)
                .build_for(&keys_1())
                .unwrap();
            let (server, asked) = keeping_server(&setting, &key_server, tickets);
            for round in 1..=3 {
                let outcome = handshake(&client, &server, "kms1.example");
                outcome.expect_link(&what);
                let kind = outcome.client_connection.handshake_kind();
                assert_eq!(kind, Some(HandshakeKind::Full), "{what}");
                assert_eq!(asked.asked.load(Ordering::SeqCst), round, "{what}");
            }
            withdraw(&mut store, false, &key_server);
            trust.publish(store.snapshot()).unwrap();
            for _ in 0..2 {
                let outcome = handshake(&client, &server, "kms1.example");
                outcome.expect_client_refuses(&what, ReasonCode::PinDoesNotMatch);
            }
        }
    }
}

#[test]
fn a_session_of_a_server_that_resumes_is_worth_nothing_at_ours() {
    // S2: the machine had plain rustls before, or a sibling still has
    for setting in settings() {
        for tickets in [true, false] {
            let key_server = self_signed("kms1.example");
            let system = self_signed("array-7.example");
            let (client, sessions) = keeping_client(&setting, &system);
            let (before, _) = keeping_server(&setting, &key_server, tickets);
            handshake(&client, &before, "kms1.example").expect_link(&setting.name);
            assert!(sessions.count() > 0, "{}", setting.name);
            let mut store = setting.pinning_client(&fixture("ee-p256"));
            let identity = key_server.identity(&[], &setting.provider);
            let server = setting.server(store.snapshot(), identity).build().unwrap();
            let outcome = handshake(&client, &server, "kms1.example");
            outcome.expect_server_refuses(&setting.name, ReasonCode::PinDoesNotMatch);
        }
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
fn tickets_that_arrive_after_trust_was_withdrawn_resume_nothing() {
    // S2: TLS 1.3 tickets come whenever the server likes
    for setting in settings().into_iter().filter(Setting::is_tls13) {
        let key_server = self_signed("stranger.example");
        let mut store = setting.pinning_server(&key_server.certificate);
        let trust = LiveTrust::new(store.snapshot());
        let identity = self_signed("array-7.example").identity(&[], &setting.provider);
        let config = setting
            .client(trust.clone(), identity)
            .build_for(&keys_1())
            .unwrap();
        let (peer, _) = keeping_server(&setting, &key_server, true);

        let name = ServerName::try_from("kms1.example").unwrap();
        let mut client = ClientConnection::new(config.clone().into(), name).unwrap();
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
        assert!(!client.is_handshaking());
        assert_eq!(client.tls13_tickets_received(), 0);

        withdraw(&mut store, false, &key_server);
        trust.publish(store.snapshot()).unwrap();
        read(&mut client, &late);
        assert!(client.tls13_tickets_received() > 0, "{}", setting.name);
        let outcome = handshake(&config, &peer, "kms1.example");
        outcome.expect_client_refuses(&setting.name, ReasonCode::PinDoesNotMatch);
    }
}

#[cfg(feature = "enrol")]
#[test]
fn no_session_survives_a_change_through_links_and_enrolment_either() {
    use std::time::Duration;

    use crate::support::now;
    use mutual_trust::Enrolment;

    // S2: both ends, each against a peer that keeps what it can
    for setting in settings() {
        let (system, key_server) = (self_signed("array-7.example"), self_signed("kms1.example"));
        let mut store = setting.pinning_server(&key_server.certificate);
        pin(&mut store, PinScope::Clients, &system.certificate);
        let trust = LiveTrust::new(store.snapshot());
        let identity = system.identity(&[], &setting.provider);
        let links = setting
            .client(trust.clone(), identity)
            .client_configs()
            .unwrap();
        let identity = key_server.identity(&[], &setting.provider);
        let enrolment = Enrolment::new(Arc::new(now()));
        enrolment
            .open_enrolment(Duration::from_secs(60), 4)
            .unwrap();
        let builder = setting.server(trust.clone(), identity);
        let acceptor = builder.enrolment(&enrolment).unwrap();
        // As a user might do who did not read that a configuration is for one connection.
        let ours = acceptor.config_for("192.0.2.7".parse().unwrap()).unwrap();
        let (client, sessions) = keeping_client(&setting, &system);
        let (server, _) = keeping_server(&setting, &key_server, true);
        for _ in 0..2 {
            let link = links.config_for(&keys_1()).unwrap();
            for (client, server) in [(&link, &server), (&client, &ours)] {
                let outcome = handshake(client, server, "kms1.example");
                outcome.expect_link(&setting.name);
                let kind = outcome.client_connection.handshake_kind();
                assert_eq!(kind, Some(HandshakeKind::Full), "{}", setting.name);
            }
        }
        assert_eq!(sessions.count(), 0, "{}", setting.name);
        withdraw(&mut store, true, &system);
        withdraw(&mut store, false, &key_server);
        trust.publish(store.snapshot()).unwrap();
        let link = links.config_for(&keys_1()).unwrap();
        let outcome = handshake(&link, &server, "kms1.example");
        outcome.expect_client_refuses(&setting.name, ReasonCode::PinDoesNotMatch);
        let outcome = handshake(&client, &ours, "kms1.example");
        outcome.expect_server_refuses(&setting.name, ReasonCode::PinDoesNotMatch);
    }
}
