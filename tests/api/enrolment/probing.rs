//! The client end: a look at a server that sends nothing of ours, and acceptance by the fingerprint.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use mutual_trust::admin::{Enrolment, EnrolmentEvent};
use mutual_trust::error::{ConfigError, EnrolmentError, ProbeError};
use mutual_trust::tls::{ProbeResult, TlsVersion, probe_result_from, refusal};
use mutual_trust::{
    EntryOptions, GroupId, LiveTrust, PinScope, ReasonCode, Role, TrustStore, VerdictWarning,
};
use rustls::{ClientConfig, ServerConfig, ServerConnection};

use crate::enrolment::{assert_silent, nearly};
use crate::support::Lists as _;
use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, self_signed, spec};
use crate::support::plain::{AcceptAll, Credential};
use crate::support::{NOW, host, now, server_id};

/// Probes `server` by the store, in memory.
fn probe(setting: &Setting, store: &mut TrustStore, server: &Arc<ServerConfig>) -> Outcome {
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    let builder = setting.client(store.snapshot(), system);
    let config: ClientConfig = builder.probe(&keys_1()).unwrap().into_config();
    handshake(&config, server, "kms1.example")
}

fn found(outcome: &Outcome) -> ProbeResult {
    let error = outcome.client.as_ref().unwrap_err();
    assert!(refusal(error).is_none(), "{error:?}");
    probe_result_from(error).unwrap().clone()
}

/// A plain server that would take any client certificate, and counts those that it gets.
fn curious(setting: &Setting, made: &Made) -> (Arc<ServerConfig>, Arc<AcceptAll>) {
    let counter = AcceptAll::new(&setting.provider);
    let own = Credential::of(made, &[]).resolver(&setting.provider);
    let server = setting.plain_server_verifying(counter.clone(), own);
    (Arc::new(server), counter)
}

#[test]
fn a_probe_shows_what_an_unknown_server_presents_and_sends_nothing_of_ours() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let (server, counter) = curious(&setting, &key_server);
        let outcome = probe(&setting, &mut setting.listing_server(), &server);
        let probed = found(&outcome);
        let presented = probed.presented();
        assert_eq!(presented.subject(), "CN=kms1.example");
        assert_eq!(presented.names().items(), ["dns:kms1.example"]);
        assert_eq!(presented.validity(), key_server.certificate.validity());
        assert_eq!(presented.role(), Role::Server);
        assert!(presented.is_proved());
        assert_eq!(presented.reason(), ReasonCode::NothingInstalled);
        assert_eq!(probed.verdict().server(), Some(&keys_1()));
        assert_eq!(probed.version(), setting.version);
        // No client certificate came, not even an empty one, and no data.
        assert_eq!(counter.asked.load(Ordering::SeqCst), 0, "{}", setting.name);
        assert!(outcome.server_connection.is_handshaking());
        assert!(outcome.server_connection.peer_certificates().is_none());
        let alert = rustls::AlertDescription::CertificateUnknown;
        let end = outcome.server.unwrap_err();
        assert_eq!(end, rustls::Error::AlertReceived(alert), "{}", setting.name);
    }
}

#[test]
fn what_is_probed_is_shown_without_its_fingerprint() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let (server, _) = curious(&setting, &key_server);
        let outcome = probe(&setting, &mut setting.listing_server(), &server);
        let probed = found(&outcome);
        let error = outcome.client.unwrap_err();
        for shown in [
            format!("{probed:?}"),
            format!("{}", probed.presented()),
            format!("{}", probed.verdict()),
            format!("{error} {error:?}"),
        ] {
            assert_silent(&shown, &key_server.certificate);
        }
        // Libraries of QUIC send the text of the error to the server.
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(text.contains("the handshake was a probe"), "{text}");
            assert!(!text.contains("example"), "{text}");
        }
    }
}

#[test]
fn nor_is_the_fingerprint_shown_if_it_is_installed_elsewhere_or_blocked() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let (server, _) = curious(&setting, &key_server);
        let mut elsewhere = setting.listing_server();
        let other = server_id("keys-2");
        elsewhere.add_server(other.clone(), []).unwrap();
        pin(
            &mut elsewhere,
            PinScope::Server(other),
            &key_server.certificate,
        );
        let mut blocked = setting.listing_server();
        blocked.block(&key_server.certificate);
        for (mut store, reason, says) in [
            (elsewhere, ReasonCode::PinOfAnotherServer, "server keys-2"),
            (blocked, ReasonCode::Blocked, "(its fingerprint)"),
        ] {
            let outcome = probe(&setting, &mut store, &server);
            let probed = found(&outcome);
            assert_eq!(probed.verdict().reason(), reason);
            let shown = format!("{} {:?}", probed.verdict(), probed);
            assert!(shown.contains(says), "{shown}");
            assert_silent(&shown, &key_server.certificate);
        }
    }
}

#[test]
fn a_server_without_the_key_is_shown_and_can_not_be_accepted() {
    // M2
    for setting in settings() {
        let victim = self_signed("kms1.example");
        let thief = Credential::of(&self_signed("thief.example"), &[]);
        let stolen = Credential::of(&victim, &[]).signing_as(&thief);
        let mut store = setting.listing_server();
        let outcome = probe(&setting, &mut store, &setting.server_of(&stolen));
        let probed = found(&outcome);
        assert!(!probed.presented().is_proved(), "{}", setting.name);
        let reason = ReasonCode::HandshakeSignatureInvalid;
        assert_eq!(probed.verdict().reason(), reason);
        assert_eq!(probed.verdict().server(), Some(&keys_1()));
        let enrolment = Enrolment::new(Arc::new(now()));
        let error = enrolment
            .accept_server(
                probed.presented(),
                victim.certificate.fingerprint(),
                &mut store,
                PinScope::Server(keys_1()),
                EntryOptions::new(),
                "alice",
            )
            .unwrap_err();
        assert!(matches!(error, EnrolmentError::NotProved), "{error}");
        assert!(store.contents().entries().is_empty());
    }
}

#[test]
fn a_probe_never_ends_in_a_connection_whatever_is_installed() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let (server, counter) = curious(&setting, &key_server);
        let mut pinned = setting.pinning_server(&key_server.certificate);
        let mut blocked = setting.listing_server();
        blocked.block(&key_server.certificate);
        for (store, reason) in [
            (&mut pinned, ReasonCode::PinMatched),
            (&mut blocked, ReasonCode::Blocked),
        ] {
            let outcome = probe(&setting, store, &server);
            let probed = found(&outcome);
            assert_eq!(probed.verdict().reason(), reason);
            assert!(outcome.client_connection.is_handshaking());
            assert_eq!(counter.asked.load(Ordering::SeqCst), 0);
        }
        let outcome = probe(&setting, &mut pinned, &server);
        assert!(
            !found(&outcome)
                .verdict()
                .warnings()
                .iter()
                .any(|warning| matches!(warning, VerdictWarning::ClockUnset(_)))
        );
    }
}

#[test]
fn a_probed_server_is_accepted_by_its_fingerprint_and_connects() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let system = self_signed("array-7.example");
        let mut store = setting.listing_server();
        let trust = LiveTrust::new(store.snapshot());
        let identity = system.identity(&[], &setting.provider);
        let builder = setting.client(trust.clone(), identity);
        let mut clients = setting.pinning_client(&system.certificate);
        let identity = key_server.identity(&[], &setting.provider);
        let server = setting
            .server(clients.snapshot(), identity)
            .build()
            .unwrap();

        let config = builder.probe(&keys_1()).unwrap().into_config();
        let probed = found(&handshake(&config, &server, "kms1.example"));
        let enrolment = Enrolment::new(Arc::new(now()));
        let accept = |store: &mut TrustStore, given, scope| {
            let options = EntryOptions::new();
            enrolment.accept_server(probed.presented(), given, store, scope, options, "alice")
        };
        let scope = || PinScope::Server(keys_1());
        let right = key_server.certificate.fingerprint();
        let error = accept(&mut store, nearly(&key_server.certificate), scope()).unwrap_err();
        assert!(matches!(error, EnrolmentError::OtherFingerprint));
        assert_silent(&format!("{error} {error:?}"), &key_server.certificate);
        let error = accept(&mut store, right, PinScope::Clients).unwrap_err();
        assert!(matches!(
            error,
            EnrolmentError::Scope {
                role: Role::Server,
                ..
            }
        ));
        assert!(store.contents().entries().is_empty());
        store.set_actor(Some("bob")).unwrap();
        accept(&mut store, right, scope()).unwrap();
        let by = |store: &TrustStore| {
            let entries = store.contents().entries();
            let all: Vec<_> = entries.iter().map(|entry| entry.installed_by()).collect();
            all.iter()
                .map(|by| by.map(str::to_owned))
                .collect::<Vec<_>>()
        };
        assert_eq!(by(&store), [Some("alice".to_owned())]);
        trust.publish(store.snapshot()).unwrap();
        let config = builder.build_for(&keys_1()).unwrap();
        handshake(&config, &server, "kms1.example").expect_link(&setting.name);
        let decisions = enrolment.decisions();
        let events: Vec<_> = decisions.iter().map(|made| made.event).collect();
        let expected = [EnrolmentEvent::OtherFingerprint, EnrolmentEvent::Accepted];
        assert_eq!(events, expected);
        assert_eq!(decisions[1].fingerprint, Some(right));
    }
}

#[test]
fn a_probed_certificate_can_be_accepted_for_a_group() {
    let setting = &settings()[0];
    let key_server = self_signed("kms.example");
    let (server, _) = curious(setting, &key_server);
    let mut store = setting.listing_server();
    let group: GroupId = "cluster".parse().unwrap();
    store.add_group(group.clone()).unwrap();
    store.join_group(&group, &keys_1()).unwrap();
    let second = server_id("keys-2");
    store
        .add_server(second.clone(), [host("kms2.example")])
        .unwrap();
    store.join_group(&group, &second).unwrap();
    let probed = found(&probe(setting, &mut store, &server));
    let enrolment = Enrolment::new(Arc::new(now()));
    let right = key_server.certificate.fingerprint();
    let scope = PinScope::Group(group);
    let options = EntryOptions::new();
    let presented = probed.presented();
    let report = enrolment
        .accept_server(presented, right, &mut store, scope, options, "alice")
        .unwrap();
    assert_eq!(report.claims().len(), 2);
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    let config = setting
        .client(store.snapshot(), system)
        .build_for(&second)
        .unwrap();
    handshake(&config, &server, "kms2.example").expect_link("a member");
}

#[test]
fn only_a_server_that_is_listed_can_be_probed() {
    // P6
    let setting = &settings()[0];
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    let builder = setting.client(setting.listing_server().snapshot(), system);
    let error = builder.probe(&server_id("keys-9")).unwrap_err();
    assert!(matches!(error, ConfigError::UnknownServer(_)));
    let error = builder
        .with_protocol_versions(&[])
        .probe(&keys_1())
        .unwrap_err();
    assert!(matches!(error, ConfigError::NoVersion));
}

#[test]
fn a_malformed_certificate_is_a_refusal_and_no_result() {
    for setting in settings() {
        let made = self_signed("kms1.example");
        let mut der = made.certificate.der().to_vec();
        der.push(0);
        let server = setting.server_of(&Credential::of(&made, &[]).presenting(der));
        let outcome = probe(&setting, &mut setting.listing_server(), &server);
        let error = outcome.client.unwrap_err();
        assert!(probe_result_from(&error).is_none(), "{}", setting.name);
        assert_eq!(
            refusal(&error).unwrap().reason(),
            ReasonCode::MalformedCertificate
        );
    }
}

#[test]
fn a_configuration_of_a_probe_keeps_no_session() {
    // S2
    let setting = &settings()[0];
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    let builder = setting.client(setting.listing_server().snapshot(), system);
    let config = builder.probe(&keys_1()).unwrap().into_config();
    let off = rustls::client::Resumption::disabled();
    assert_eq!(format!("{:?}", config.resumption), format!("{off:?}"));
    assert!(!config.enable_early_data && !config.enable_secret_extraction);
    assert!(!config.client_auth_cert_resolver.has_certs());
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_probe_runs_on_any_stream_and_reports_what_is_no_tls() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let system = self_signed("array-7.example").identity(&[], &setting.provider);
        let builder = setting.client(setting.listing_server().snapshot(), system);
        let name = || "kms1.example".try_into().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (server, counter) = curious(&setting, &key_server);
        let serving = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut connection = ServerConnection::new(server).unwrap();
            let error = connection.complete_io(&mut socket).unwrap_err();
            // Something that is not TLS, and at last nothing at all.
            let (mut socket, _) = listener.accept().unwrap();
            socket
                .write_all(b"220 smtp.example ESMTP ready\r\n")
                .unwrap();
            let _ = socket.read(&mut [0; 1024]);
            drop(listener.accept().unwrap());
            error
        });
        let run = || {
            let tcp = TcpStream::connect(address).unwrap();
            tcp.set_read_timeout(Some(PATIENCE)).unwrap();
            builder.probe(&keys_1()).unwrap().run(name(), tcp)
        };
        let probed = run().unwrap();
        assert_eq!(probed.presented().subject(), "CN=kms1.example");
        assert!(probed.presented().is_proved());
        assert_eq!(probed.version() == TlsVersion::Tls13, setting.is_tls13());
        for _ in 0..2 {
            let error = run().unwrap_err();
            assert!(matches!(error, ProbeError::Io(_)), "{error}");
        }
        assert!(
            serving
                .join()
                .unwrap()
                .to_string()
                .contains("CertificateUnknown")
        );
        assert_eq!(counter.asked.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_certificate_that_has_expired_is_shown_with_the_reason_that_counts() {
    // What a connection would come to, not what import would say
    let setting = &settings()[0];
    let day = 24 * 60 * 60;
    let old = spec("kms1.example").valid(-2 * day, -day).self_signed();
    let (server, _) = curious(setting, &old);
    let mut store = setting.listing_server();
    pin(&mut store, PinScope::Server(keys_1()), &old.certificate);
    let probed = found(&probe(setting, &mut store, &server));
    assert_eq!(probed.presented().reason(), ReasonCode::Expired);
    assert!(probed.presented().is_proved());
    assert!(probed.presented().validity().not_after().seconds() < i64::try_from(NOW).unwrap());
}
