//! Open connections are asked again (rule S3), all of them by one view (rule S1).

use std::cell::Cell;

use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{ExpectedServer, LiveTrust, PinScope, ReasonCode};
use rustls::CommonState;

use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, self_signed};
use crate::support::plain::Credential;
use crate::support::{host, server_id};

/// A client of ours with two key servers, one connection to each.
struct Open {
    setting: Setting,
    made: [Made; 2],
    outcomes: [Outcome; 2],
}

const NAMES: [&str; 2] = ["kms1.example", "kms2.example"];

#[test]
fn the_connections_that_no_longer_stand_are_told_with_their_verdicts_at_both_ends() {
    for setting in settings() {
        let made = NAMES.map(self_signed);
        let system = self_signed("array-7.example");
        let mut store = setting.store();
        for (name, made) in NAMES.iter().zip(&made) {
            store.add_server(server_id(name), [host(name)]).unwrap();
            let scope = PinScope::Server(server_id(name));
            pin(&mut store, scope, &made.certificate);
        }
        pin(&mut store, PinScope::Clients, &system.certificate);
        let trust = LiveTrust::new(store.snapshot());
        let identity = system.identity(&[], &setting.provider);
        let client = setting.client(trust.clone(), identity);
        let links = client.client_configs().unwrap();
        let check = client.peer_check();
        let outcomes = [0, 1].map(|at| {
            let identity = made[at].identity(&[], &setting.provider);
            let server = setting.server(trust.clone(), identity).build().unwrap();
            let link = links.config_for(&server_id(NAMES[at])).unwrap();
            let outcome = handshake(&link, &server, NAMES[at]);
            outcome.expect_link(&setting.name);
            outcome
        });
        let open = Open {
            setting,
            made,
            outcomes,
        };
        let ids = NAMES.map(server_id);
        let servers = || {
            let all = open.outcomes.iter().enumerate().map(|(at, outcome)| {
                let connection: &CommonState = &outcome.client_connection;
                (at, connection, Some(ExpectedServer::id(&ids[at], None)))
            });
            check.no_longer_trusted(all)
        };
        let clients = || {
            let all = open.outcomes.iter().enumerate().map(|(at, outcome)| {
                let connection: &CommonState = &outcome.server_connection;
                (at, connection, None)
            });
            check.no_longer_trusted(all)
        };
        assert!(servers().is_empty() && clients().is_empty());

        let fingerprint = open.made[1].certificate.fingerprint();
        let scope = Scope::Server(ids[1].clone());
        store
            .remove(&EntryKey::new(Slot::Pin, scope, fingerprint))
            .unwrap();
        assert!(servers().is_empty(), "nothing is published yet");
        trust.publish(store.snapshot()).unwrap();
        let no_longer_trusted = servers();
        assert_eq!(no_longer_trusted.len(), 1, "{}", open.setting.name);
        let (key, verdict) = &no_longer_trusted[0];
        assert_eq!((*key, verdict.reason()), (1, ReasonCode::NoUsablePin));
        assert_eq!(verdict.verdict().generation(), trust.current().generation());
        assert!(clients().is_empty());

        store.block(&system.certificate);
        trust.publish(store.snapshot()).unwrap();
        let no_longer_trusted: Vec<_> = clients()
            .into_iter()
            .map(|(key, verdict)| (key, verdict.reason()))
            .collect();
        assert_eq!(
            no_longer_trusted,
            [(0, ReasonCode::Blocked), (1, ReasonCode::Blocked)]
        );
    }
}

#[test]
fn all_are_judged_on_one_view_though_another_is_published_meanwhile() {
    // S1
    let setting = &settings()[0];
    let system = self_signed("array-7.example");
    let mut store = setting.pinning_client(&system.certificate);
    let trust = LiveTrust::new(store.snapshot());
    let identity = self_signed("kms1.example").identity(&[], &setting.provider);
    let builder = setting.server(trust.clone(), identity);
    let check = builder.peer_check();
    let server = builder.build().unwrap();
    let client = setting.client_of(&Credential::of(&system, &[]));
    let outcome = handshake(&client, &server, "kms1.example");
    outcome.expect_link("open");
    let connection: &CommonState = &outcome.server_connection;
    let published = Cell::new(false);
    // Between the first and the second, the client is blocked.
    let mut store = Some(&mut store);
    let asked = (0..3).map(|key| {
        if key == 1 {
            let store = store.take().unwrap();
            store.block(&system.certificate);
            trust.publish(store.snapshot()).unwrap();
            published.set(true);
        }
        (key, connection, None)
    });
    let no_longer_trusted = check.no_longer_trusted(asked);
    assert!(published.get());
    assert!(no_longer_trusted.is_empty(), "{no_longer_trusted:?}");
    let no_longer_trusted = check.no_longer_trusted((0..3).map(|key| (key, connection, None)));
    assert_eq!(no_longer_trusted.len(), 3);

    // The same for callers who cannot hold all connections at once.
    let moment = check.snapshot();
    let before = moment.client(connection).unwrap_err();
    let before = before.verdict().generation();
    trust
        .publish({
            let mut store = setting.pinning_client(&system.certificate);
            while store.contents().generation() <= before {
                let id = server_id(&format!("keys-{}", store.contents().generation()));
                store.add_server(id, []).unwrap();
            }
            store.snapshot()
        })
        .unwrap();
    let refused = moment.client(connection).unwrap_err();
    assert_eq!(refused.reason(), ReasonCode::Blocked);
    let accepted = check.client(connection).unwrap();
    assert_eq!(accepted.reason(), ReasonCode::PinMatched);
}

#[test]
fn a_connection_whose_handshake_is_not_finished_does_not_stand() {
    // M2
    let setting = &settings()[0];
    let system = self_signed("array-7.example");
    let identity = system.identity(&[], &setting.provider);
    let key_server = self_signed("kms1.example");
    let mut store = setting.pinning_server(&key_server.certificate);
    let builder = setting.client(store.snapshot(), identity);
    let config = builder.build_for(&keys_1()).unwrap();
    let name = "kms1.example".try_into().unwrap();
    let connection = rustls::ClientConnection::new(config.into(), name).unwrap();
    let id = keys_1();
    let connection: &CommonState = &connection;
    let check = builder.peer_check();
    let no_longer_trusted =
        check.no_longer_trusted([((), connection, Some(ExpectedServer::id(&id, None)))]);
    assert_eq!(
        no_longer_trusted[0].1.reason(),
        ReasonCode::HandshakeNotFinished
    );
}
