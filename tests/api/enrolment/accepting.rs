//! Who waits is refused, and is let in by the fingerprint alone.

use std::sync::{Arc, Mutex};

use mutual_trust::admin::{
    DurableSettings, DurableStore, Enrolment, EnrolmentEvent, PendingId, PendingPeer,
};
use mutual_trust::certificate::TimeSource;
use mutual_trust::error::{EnrolmentError, StoreError};
use mutual_trust::limits::MAX_LABEL_BYTES;
use mutual_trust::store::BlockSelector;
use mutual_trust::tls::refusal;
use mutual_trust::{CurrentTime, EntryOptions, Fingerprint, PinScope, ReasonCode, Role};
use rustls::ServerConnection;
use rustls::server::Acceptor;

use crate::enrolment::{KeyServer, assert_silent, nearly, number};
use crate::support::Lists as _;
use crate::support::folder::Folder;
use crate::support::handshake::{handshake, run};
use crate::support::link::settings;
use crate::support::pki::{Made, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::variants::other;
use crate::support::{NOW, at, now};

#[test]
fn enrolment_is_closed_at_first_and_an_unknown_client_leaves_nothing_behind() {
    for setting in settings() {
        let server = KeyServer::new(&setting);
        assert!(!server.enrolment.is_open());
        let outcome = server.knock(&self_signed("array-7.example"), "192.0.2.7");
        outcome.expect_server_refuses(&setting.name, ReasonCode::NothingInstalled);
        assert!(server.enrolment.pending().is_empty(), "{}", setting.name);
        assert_eq!(server.enrolment.rejected_count(), 0);
    }
}

/// Another fingerprint than that of the peer is recorded in the journal of a durable store, if the program asks for it.
#[test]
fn a_wrong_fingerprint_is_recorded_without_either_fingerprint() {
    let server = KeyServer::new(&settings()[0]).open();
    let system = self_signed("array-7.example");
    server.knock(&system, "192.0.2.7");
    let id = server.only_pending().id;
    let folder = Folder::new("enrolment-refused");
    let keys = crate::support::keys();
    let settings = DurableSettings::new(keys)
        .with_clock(Arc::new(now()))
        .with_refusals_recorded();
    let mut store = DurableStore::create(folder.path(), settings.clone()).unwrap();
    let wrong = nearly(&system.certificate);
    let refused: Result<(), Box<dyn std::error::Error>> = store.try_change(|store| {
        server
            .enrolment
            .accept_client(id, wrong, store, EntryOptions::new(), "alice")?;
        Ok(())
    });
    let refused = refused.unwrap_err();
    assert!(matches!(
        refused.downcast_ref(),
        Some(EnrolmentError::OtherFingerprint)
    ));
    let history = DurableStore::history(folder.path(), &settings).unwrap();
    assert_eq!((history.changes.len(), history.refusals.len()), (0, 1));
    let found = &history.refusals[0];
    let call = "accept client from 192.0.2.7".to_owned();
    assert_eq!(found.head.asked, [(call, Some("alice".to_owned()))]);
    assert_eq!(found.head.at, Some(at(NOW)));
    assert!(
        found.because.contains("does not match"),
        "{}",
        found.because
    );
    let text = std::fs::read_to_string(folder.file("trust-store")).unwrap();
    for fingerprint in [wrong, system.certificate.fingerprint()] {
        assert!(!text.contains(&fingerprint.to_string()), "{text}");
    }
    // It was not accepted, and the right one still is.
    let right = system.certificate.fingerprint();
    let accepted: Result<(), Box<dyn std::error::Error>> = store.try_change(|store| {
        server
            .enrolment
            .accept_client(id, right, store, EntryOptions::new(), "alice")?;
        Ok(())
    });
    accepted.unwrap();
    assert_eq!(store.contents().entries().len(), 1);
}

#[test]
fn an_unknown_client_that_has_its_key_waits_and_is_refused_all_the_same() {
    for setting in settings() {
        let server = KeyServer::new(&setting).open();
        let system = self_signed("array-7.example");
        let outcome = server.knock(&system, "192.0.2.7");
        outcome.expect_server_refuses(&setting.name, ReasonCode::NothingInstalled);
        assert!(outcome.server_connection.is_handshaking());
        let peer = server.only_pending();
        assert_eq!(peer.presented.subject(), "CN=array-7.example");
        assert_eq!(peer.presented.issuer(), "CN=array-7.example");
        assert_eq!(peer.presented.names().items(), ["dns:array-7.example"]);
        assert_eq!(peer.presented.validity(), system.certificate.validity());
        assert_eq!(peer.presented.role(), Role::Client);
        assert_eq!(peer.presented.reason(), ReasonCode::NothingInstalled);
        assert!(peer.presented.is_proved());
        assert_eq!(peer.address.to_string(), "192.0.2.7");
        assert_eq!((peer.first_seen, peer.last_seen), (at(NOW), at(NOW)));
        assert_eq!((peer.attempts, peer.expected), (1, false));
    }
}

#[test]
fn a_peer_that_knocks_again_is_counted_and_keeps_its_number() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    let system = self_signed("array-7.example");
    server.knock(&system, "192.0.2.7");
    let first = server.only_pending();
    server.clock.advance(60);
    server.knock(&system, "192.0.2.8");
    let second = server.only_pending();
    assert_eq!((second.id, second.attempts), (first.id, 2));
    assert_eq!(second.address.to_string(), "192.0.2.8");
    assert_eq!(second.first_seen, at(NOW));
    assert_eq!(second.last_seen, at(NOW + 60));
}

#[test]
fn an_accepted_client_connects_at_once_and_its_label_says_who_it_is() {
    for setting in settings() {
        let server = KeyServer::new(&setting).open();
        let system = self_signed("array-7.example");
        server.knock(&system, "192.0.2.7");
        let id = server.only_pending().id;
        // As one person reads it out and another types it in.
        let heard: Fingerprint = system
            .certificate
            .fingerprint()
            .to_string()
            .parse()
            .unwrap();
        let options = EntryOptions::new().with_label("array-7");
        let report = {
            let mut store = server.store.lock().unwrap();
            let enrolment = &server.enrolment;
            enrolment.accept_client(id, heard, &mut store, options, "alice")
        };
        assert_eq!(report.unwrap().entries().len(), 1);
        assert!(server.enrolment.pending().is_empty());
        // Not before it is published (S4).
        let outcome = server.knock(&system, "192.0.2.7");
        outcome.expect_server_refuses(&setting.name, ReasonCode::NothingInstalled);
        server.publish();
        let outcome = server.knock(&system, "192.0.2.7");
        outcome.expect_link(&setting.name);
        let identity = server.own.identity(&[], &setting.provider);
        let check = setting.server(server.trust.clone(), identity).peer_check();
        let verdict = mutual_trust::Verdict::from(check.client(&outcome.server_connection));
        assert_eq!(verdict.peer().unwrap().label(), Some("array-7"));
        // The same configuration as without enrolment judges it as well.
        let identity = server.own.identity(&[], &setting.provider);
        let plain = setting.server(server.trust.clone(), identity);
        let client = setting.client_of(&Credential::of(&system, &[]));
        handshake(&client, &plain.build().unwrap(), "kms1.example").expect_link(&setting.name);
    }
}

/// The entry says who let the client in, and the store keeps the actor that it had before, also after a refusal.
#[test]
fn who_accepted_a_client_stands_beside_its_entry() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    let (first, second) = (
        self_signed("array-7.example"),
        self_signed("array-8.example"),
    );
    let by = |system: &Made| {
        let store = server.store.lock().unwrap();
        let entries = store.contents().entries();
        let fingerprint = system.certificate.fingerprint();
        let entry = entries
            .iter()
            .find(|entry| entry.fingerprint() == fingerprint)?;
        entry.installed_by().map(str::to_owned)
    };
    for before in [None, Some("night shift")] {
        server.store.lock().unwrap().set_actor(before).unwrap();
        let system = if before.is_none() { &first } else { &second };
        server.knock(system, "192.0.2.7");
        let peer = server.only_pending();
        accept(&server, &peer, nearly(&system.certificate), "mallory").unwrap_err();
        // P1: the store refuses what is blocked.
        server.store.lock().unwrap().block(&system.certificate);
        let heard = system.certificate.fingerprint();
        accept(&server, &peer, heard, "mallory").unwrap_err();
        let selector = BlockSelector::certificate(&system.certificate);
        server.store.lock().unwrap().unblock(&selector).unwrap();
        accept(&server, &peer, heard, "alice").unwrap();
        assert_eq!(by(system).as_deref(), Some("alice"));
        let next = self_signed("next.example");
        let mut store = server.store.lock().unwrap();
        let options = EntryOptions::new();
        store
            .install_pin(PinScope::Clients, next.certificate(), options)
            .unwrap();
        drop(store);
        assert_eq!(by(&next).as_deref(), before);
    }
    let decisions = server.enrolment.decisions();
    let accepted = decisions
        .iter()
        .filter(|made| made.event == EnrolmentEvent::Accepted);
    assert!(accepted.map(|made| made.by.as_str()).eq(["alice", "alice"]));
}

fn accept(
    server: &KeyServer,
    peer: &PendingPeer,
    given: Fingerprint,
    by: &str,
) -> Result<(), EnrolmentError> {
    let mut store = server.store.lock().unwrap();
    let options = EntryOptions::new().with_label("array-7");
    let enrolment = &server.enrolment;
    let report = enrolment.accept_client(peer.id, given, &mut store, options, by);
    report.map(drop)
}

#[test]
fn another_fingerprint_accepts_nobody_and_the_right_one_is_never_shown() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    let system = self_signed("array-7.example");
    let outcome = server.knock(&system, "192.0.2.7");
    let peer = server.only_pending();
    let error = accept(&server, &peer, nearly(&system.certificate), "alice").unwrap_err();
    assert!(matches!(error, EnrolmentError::OtherFingerprint));
    assert_silent(&format!("{error} {error:?}"), &system.certificate);
    assert!(server.store.lock().unwrap().contents().entries().is_empty());
    // It still waits, and is accepted by the right one.
    assert_eq!(server.only_pending().id, peer.id);

    // Nothing that an administrator gets to see of it shows the fingerprint.
    let peer = server.only_pending();
    for shown in [
        format!("{peer:?}"),
        format!("{}", peer.presented),
        format!("{:?}", server.enrolment),
        format!("{:?}", server.enrolment.decisions()),
        format!("{:?}", server.acceptor),
    ] {
        assert_silent(&shown, &system.certificate);
    }
    // Nor does the refusal in the server's log, with which it waits.
    let error = outcome.server.unwrap_err();
    let verdict = refusal(&error).unwrap();
    assert_eq!(verdict.presented(), None);
    assert_silent(
        &format!("{error} {error:?} {verdict} {verdict:?}"),
        &system.certificate,
    );

    accept(&server, &peer, system.certificate.fingerprint(), "alice").unwrap();
    server.publish();
    server.knock(&system, "192.0.2.7").expect_link("accepted");
}

#[test]
fn of_two_peers_with_one_name_the_fingerprint_picks_the_one() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    let (system, impostor) = (
        self_signed("array-7.example"),
        self_signed("array-7.example"),
    );
    server.knock(&impostor, "198.51.100.1");
    server.knock(&system, "192.0.2.7");
    let pending = server.enrolment.pending();
    let heard = system.certificate.fingerprint();
    // The impostor's number with the system's fingerprint.
    let error = accept(&server, &pending[0], heard, "alice").unwrap_err();
    assert!(matches!(error, EnrolmentError::OtherFingerprint));
    accept(&server, &pending[1], heard, "alice").unwrap();
    server.publish();
    server.knock(&system, "192.0.2.7").expect_link("the system");
    let outcome = server.knock(&impostor, "198.51.100.1");
    outcome.expect_server_refuses("the impostor", ReasonCode::SameSubjectOtherKey);
}

#[test]
fn a_rejected_peer_is_gone_and_who_and_when_is_recorded() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    let system = self_signed("array-7.example");
    let stranger = self_signed("stranger.example");
    server.knock(&system, "192.0.2.7");
    server.knock(&stranger, "198.51.100.1");
    let [first, second] = <[PendingPeer; 2]>::try_from(server.enrolment.pending()).unwrap();
    server.enrolment.reject(second.id, "bob").unwrap();
    assert_eq!(server.only_pending().id, first.id);
    assert!(matches!(
        server.enrolment.reject(second.id, "bob"),
        Err(EnrolmentError::NotPending(_))
    ));
    server.clock.advance(60);
    accept(&server, &first, nearly(&system.certificate), "carol").unwrap_err();
    accept(&server, &first, system.certificate.fingerprint(), "alice").unwrap();
    let decisions = server.enrolment.decisions();
    let shown: Vec<_> = decisions
        .iter()
        .map(|made| (made.event, &*made.by, &*made.subject, made.at))
        .collect();
    let later = CurrentTime::Known(at(NOW + 60));
    assert_eq!(
        shown,
        [
            (
                EnrolmentEvent::Rejected,
                "bob",
                "CN=stranger.example",
                now()
            ),
            (
                EnrolmentEvent::OtherFingerprint,
                "carol",
                "CN=array-7.example",
                later
            ),
            (
                EnrolmentEvent::Accepted,
                "alice",
                "CN=array-7.example",
                later
            ),
        ]
    );
    assert_eq!(decisions[0].address.unwrap().to_string(), "198.51.100.1");
    assert_eq!(decisions[0].fingerprint, None);
    let fingerprint = system.certificate.fingerprint();
    assert_eq!(decisions[2].fingerprint, Some(fingerprint));
    assert_eq!(decisions[2].role, Role::Client);
    let texts = decisions.iter().map(|made| made.event.to_string());
    assert_eq!(
        texts.collect::<Vec<_>>(),
        ["rejected", "another fingerprint was given", "accepted"]
    );
}

#[test]
fn whoever_decides_says_who_he_is() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    let system = self_signed("array-7.example");
    server.knock(&system, "192.0.2.7");
    let peer = server.only_pending();
    for by in ["", "alice\nmallory", &"x".repeat(MAX_LABEL_BYTES + 1)] {
        let error = accept(&server, &peer, system.certificate.fingerprint(), by).unwrap_err();
        assert!(matches!(error, EnrolmentError::By { .. }), "{by:?}");
        let error = server.enrolment.reject(peer.id, by).unwrap_err();
        assert!(matches!(error, EnrolmentError::By { .. }), "{by:?}");
    }
    assert_eq!(server.enrolment.pending().len(), 1);
    let longest = "x".repeat(MAX_LABEL_BYTES);
    server.enrolment.reject(peer.id, &longest).unwrap();
}

#[test]
fn what_the_store_refuses_waits_on() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    let system = self_signed("array-7.example");
    server.knock(&system, "192.0.2.7");
    let peer = server.only_pending();
    let fingerprint = system.certificate.fingerprint();
    // Blocked since it knocked (P1).
    server.store.lock().unwrap().block(&system.certificate);
    let error = accept(&server, &peer, fingerprint, "alice").unwrap_err();
    assert!(
        matches!(&error, EnrolmentError::Store(StoreError::Blocked(_))),
        "{error}"
    );
    assert_eq!(server.only_pending().id, peer.id);
    assert!(server.enrolment.decisions().is_empty());
    // By the fingerprint that it has with the other value of its signature, too.
    {
        let mut store = server.store.lock().unwrap();
        let selector = BlockSelector::certificate(&system.certificate);
        store.unblock(&selector).unwrap();
        store.block_selector(BlockSelector::Fingerprint(
            other(&system.certificate).fingerprint(),
        ));
    }
    let error = accept(&server, &peer, fingerprint, "alice").unwrap_err();
    assert!(
        matches!(&error, EnrolmentError::Store(StoreError::Blocked(_))),
        "{error}"
    );
    let error = accept(&server, &peer, fingerprint, "alice").unwrap_err();
    assert!(matches!(error, EnrolmentError::Store(_)));
    let unknown = server.enrolment.reject(number("999"), "alice");
    assert!(matches!(unknown, Err(EnrolmentError::NotPending(_))));
}

#[test]
fn the_list_of_decisions_keeps_the_newest() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    let system = self_signed("array-7.example");
    server.knock(&system, "192.0.2.7");
    let peer = server.only_pending();
    for count in 0..300 {
        let by = format!("person {count}");
        accept(&server, &peer, nearly(&system.certificate), &by).unwrap_err();
    }
    let decisions = server.enrolment.decisions();
    assert_eq!(decisions.len(), 256);
    assert_eq!(decisions[255].by, "person 299");
}

#[test]
fn the_configuration_fits_behind_an_acceptor_that_reads_the_client_hello_first() {
    for setting in settings() {
        let server = KeyServer::new(&setting).open();
        let system = self_signed("array-7.example");
        let client = setting.client_of(&Credential::of(&system, &[]));
        let name = "kms1.example".try_into().unwrap();
        let mut client = rustls::ClientConnection::new(client, name).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        let mut acceptor = Acceptor::default();
        acceptor.read_tls(&mut &*hello).unwrap();
        let accepted = acceptor.accept().map_err(|(error, _)| error).unwrap();
        let accepted = accepted.unwrap();
        assert_eq!(accepted.client_hello().server_name(), Some("kms1.example"));
        let config = server.acceptor.config_for("192.0.2.7".parse().unwrap());
        let connection: ServerConnection = accepted
            .into_connection(config.unwrap())
            .map_err(|(error, _)| error)
            .unwrap();
        let outcome = run(client, connection);
        outcome.expect_server_refuses(&setting.name, ReasonCode::NothingInstalled);
        assert_eq!(server.subjects(), ["CN=array-7.example"]);
    }
}

#[test]
fn the_configurations_for_enrolment_can_keep_and_send_nothing() {
    // S2
    for setting in settings() {
        let server = KeyServer::new(&setting);
        let config = server.acceptor.config_for("192.0.2.7".parse().unwrap());
        let config = config.unwrap();
        assert!(!config.session_storage.can_cache());
        assert!(!config.ticketer.enabled());
        assert_eq!(
            (config.send_tls13_tickets, config.max_early_data_size),
            (0, 0)
        );
        assert!(!config.send_half_rtt_data && !config.enable_secret_extraction);
        assert!(!config.key_log.will_log("CLIENT_RANDOM"));
    }
}

#[test]
fn a_client_without_a_certificate_is_refused_while_enrolment_is_open() {
    for setting in settings() {
        let server = KeyServer::new(&setting).open();
        let config = server.acceptor.config_for("192.0.2.7".parse().unwrap());
        let verifier = crate::support::plain::AcceptAll::new(&setting.provider);
        let client = rustls::ClientConfig::builder_with_provider(setting.provider.clone())
            .with_protocol_versions(&[setting.rustls_version()])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        let outcome = handshake(&client, &config.unwrap(), "kms1.example");
        let missing = Err(rustls::Error::NoCertificatesPresented);
        assert_eq!(outcome.server, missing, "{}", setting.name);
        assert!(server.enrolment.pending().is_empty());
    }
}

#[test]
fn a_client_pinned_for_its_role_is_accepted_also_while_enrolment_is_open() {
    for setting in settings() {
        let mut store = setting.store();
        let system = spec("array-7").client_auth().self_signed();
        let options = EntryOptions::new();
        let certificate = system.certificate();
        store
            .install_pin(PinScope::Clients, certificate, options)
            .unwrap();
        let server = KeyServer::with(&setting, store).open();
        server
            .knock(&system, "192.0.2.7")
            .expect_link(&setting.name);
        assert!(server.enrolment.pending().is_empty());
    }
}

/// A store's clock, which is read while the store is changed: another administrator decides about the same peer then.
#[derive(Debug)]
struct Meanwhile(Enrolment, Mutex<Vec<PendingId>>);

impl TimeSource for Meanwhile {
    fn now(&self) -> CurrentTime {
        // Of an Enrolment that were locked by now, this would wait for ever.
        for id in self.1.lock().unwrap().drain(..) {
            let rejected = self.0.reject(id, "bob");
            assert!(matches!(rejected, Err(EnrolmentError::NotPending(_))));
        }
        now()
    }
}

#[test]
fn about_a_peer_that_is_being_accepted_nobody_else_decides_and_nobody_waits_for_the_store() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    let system = self_signed("array-7.example");
    server.knock(&system, "192.0.2.7");
    let peer = server.only_pending();
    let clock = Arc::new(Meanwhile(
        server.enrolment.clone(),
        Mutex::new(vec![peer.id]),
    ));
    let store = setting.store().with_clock(clock.clone());
    *server.store.lock().unwrap() = store;
    let fingerprint = system.certificate.fingerprint();
    server.enrolment.expect(fingerprint).unwrap();
    accept(&server, &peer, fingerprint, "alice").unwrap();
    assert!(clock.1.lock().unwrap().is_empty(), "the clock was not read");
    assert!(server.enrolment.pending().is_empty());
    assert_eq!(server.enrolment.decisions().len(), 1);
    // It is settled: no place is kept for it any more.
    assert!(server.enrolment.expected().is_empty());
}
