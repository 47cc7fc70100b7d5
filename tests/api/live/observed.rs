//! What handshakes tell those who look on: never that a peer proved what it did not (rules M2 and S5).

use std::sync::Arc;
use std::thread;

use mutual_trust::observe::{Observation, ObservationReader, observation_queue};
use mutual_trust::{
    CurrentTime, GroupId, LiveTrust, PinScope, ReasonCode, Role, ServerConfigBuilder, ServerId,
};
use pki_types::CertificateDer;
use rustls::ServerConfig;

use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, pki, self_signed};
use crate::support::plain::Credential;
use crate::support::{host, now, server_id};

fn one(reader: &ObservationReader, what: &str) -> Observation {
    let all = reader.try_iter();
    assert_eq!(all.len(), 1, "{what}: {all:?}");
    all.into_iter().next().unwrap()
}

/// Our server end, observed: plain, and with enrolment. Both must report the same.
fn servers(setting: &Setting, builder: &ServerConfigBuilder) -> Vec<(String, Arc<ServerConfig>)> {
    let plain = builder.build().unwrap();
    vec![
        (format!("{} shared", setting.name), plain.into()),
        #[cfg(feature = "enrol")]
        (format!("{} enrolment", setting.name), enrolling(builder)),
    ]
}

#[cfg(feature = "enrol")]
fn enrolling(builder: &ServerConfigBuilder) -> Arc<ServerConfig> {
    let clock = Arc::new(now());
    let acceptor = builder.enrolment(&mutual_trust::Enrolment::new(clock));
    let address = "192.0.2.7".parse().unwrap();
    acceptor.unwrap().config_for(address).unwrap()
}

fn chain(made: &Made) -> Vec<CertificateDer<'static>> {
    vec![made.certificate.der().to_vec().into()]
}

#[test]
fn an_accepted_client_is_told_of_once_with_all_that_it_presented() {
    for setting in settings() {
        let ca = pki("Example");
        let made = ca.client("array-7.example");
        let mut store = setting.store();
        let scope = mutual_trust::AuthorityScope::Clients;
        let options = mutual_trust::EntryOptions::new();
        store
            .install_authority(scope, ca.root.certificate(), options)
            .unwrap();
        let (queue, reader) = observation_queue(16).unwrap();
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let builder = setting
            .server(store.snapshot(), identity)
            .with_observer(queue);
        let credential = Credential::of(&made, &[&ca.intermediate]);
        for (what, server) in servers(&setting, &builder) {
            let outcome = handshake(&setting.client_of(&credential), &server, "kms1.example");
            outcome.expect_link(&what);
            let seen = one(&reader, &what);
            assert!(seen.proved && seen.is_accepted(), "{what}");
            assert_eq!(seen.verdict.reason(), ReasonCode::ChainVerified);
            assert_eq!(seen.verdict.role(), Role::Client);
            assert_eq!(seen.presented, credential.chain, "{what}");
            assert_eq!(seen.server, None);
            assert_eq!(seen.clock, now());
        }
        assert_eq!(reader.dropped(), 0);
    }
}

#[test]
fn a_client_without_the_key_is_told_of_as_refused_only() {
    // M2
    for setting in settings() {
        let made = self_signed("array-7.example");
        let mut store = setting.pinning_client(&made.certificate);
        let (queue, reader) = observation_queue(16).unwrap();
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let builder = setting
            .server(store.snapshot(), identity)
            .with_observer(queue);
        let thief = Credential::of(&self_signed("thief.example"), &[]);
        let stolen = Credential::of(&made, &[]).signing_as(&thief);
        for (what, server) in servers(&setting, &builder) {
            let outcome = handshake(&setting.client_of(&stolen), &server, "kms1.example");
            let reason = ReasonCode::HandshakeSignatureInvalid;
            let verdict = outcome.expect_server_refuses(&what, reason);
            let seen = one(&reader, &what);
            assert!(!seen.proved && !seen.is_accepted(), "{what}");
            assert_eq!(seen.verdict.reason(), reason, "{what}");
            assert_eq!(seen.presented, chain(&made), "{what}");
            assert_eq!(seen.verdict.generation(), verdict.generation());
            assert_eq!(verdict.generation(), store.contents().generation());
            // Its own handshake tells no more of it than before.
            let own = Credential::of(&made, &[]);
            handshake(&setting.client_of(&own), &server, "kms1.example");
            assert!(one(&reader, &what).proved);
        }
    }
}

#[test]
fn a_refused_peer_is_told_of_with_its_reason_at_both_ends() {
    for setting in settings() {
        let made = self_signed("stranger.example");
        let (queue, reader) = observation_queue(16).unwrap();
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let mut empty = setting.store();
        let builder = setting
            .server(empty.snapshot(), identity.clone())
            .with_observer(queue.clone());
        for (what, server) in servers(&setting, &builder) {
            let client = setting.client_of(&Credential::of(&made, &[]));
            handshake(&client, &server, "kms1.example");
            let seen = one(&reader, &what);
            assert!(!seen.proved, "{what}");
            assert_eq!(seen.verdict.reason(), ReasonCode::NothingInstalled);
            assert_eq!(seen.presented, chain(&made));
        }
        let client = setting.client(setting.listing_server().snapshot(), identity);
        let client = client.with_observer(queue);
        let server = setting.server_of(&Credential::of(&made, &[]));
        for config in [client.build_for(&keys_1()), client.build_by_name()] {
            handshake(&config.unwrap(), &server, "kms1.example");
            let seen = one(&reader, &setting.name);
            assert!(!seen.proved && !seen.is_accepted());
            assert_eq!(seen.verdict.role(), Role::Server);
            assert_eq!(seen.server, Some(keys_1()));
            assert_eq!(seen.dialled, Some(host("kms1.example")));
        }
    }
}

#[test]
fn an_accepted_server_is_told_of_and_one_without_its_key_is_not() {
    // M2
    for setting in settings() {
        let made = self_signed("kms1.example");
        let mut store = setting.pinning_server(&made.certificate);
        let (queue, reader) = observation_queue(16).unwrap();
        let identity = self_signed("array-7.example").identity(&[], &setting.provider);
        let client = setting
            .client(store.snapshot(), identity)
            .with_observer(queue);
        let config = client.build_for(&keys_1()).unwrap();
        let own = Credential::of(&made, &[]);
        let thief = Credential::of(&self_signed("thief.example"), &[]);
        for round in 0..2 {
            let outcome = handshake(&config, &setting.server_of(&own), "kms1.example");
            outcome.expect_link(&setting.name);
            let seen = one(&reader, &setting.name);
            assert!(seen.is_accepted(), "{round}");
            assert_eq!(seen.server, Some(keys_1()));
            assert_eq!(seen.presented, chain(&made));

            let stolen = setting.server_of(&own.clone().signing_as(&thief));
            let outcome = handshake(&config, &stolen, "kms1.example");
            let reason = ReasonCode::HandshakeSignatureInvalid;
            let verdict = outcome.expect_client_refuses(&setting.name, reason);
            // The refusal says which peer it is about, and by which view.
            assert_eq!(verdict.server(), Some(&keys_1()));
            let seen = one(&reader, &setting.name);
            assert!(!seen.proved && seen.verdict.reason() == reason);
            assert_eq!(seen.server, Some(keys_1()));
        }
    }
}

/// A replicated certificate: one leaf on two servers, dialled by name through one configuration, from many threads.
#[test]
fn servers_with_one_certificate_are_never_taken_for_each_other() {
    for setting in settings() {
        let made = self_signed("kms.example");
        let mut store = setting.store();
        let group: GroupId = "cluster".parse().unwrap();
        store.add_group(group.clone()).unwrap();
        let names = ["kms1.example", "kms2.example", "kms3.example"];
        let ids: Vec<ServerId> = names.iter().map(|name| server_id(name)).collect();
        for (id, name) in ids.iter().zip(names) {
            store.add_server(id.clone(), [host(name)]).unwrap();
            store.join_group(&group, id).unwrap();
        }
        pin(&mut store, PinScope::Group(group), &made.certificate);
        let (queue, reader) = observation_queue(256).unwrap();
        let identity = self_signed("array-7.example").identity(&[], &setting.provider);
        let client = setting
            .client(store.snapshot(), identity)
            .with_observer(queue);
        let config = client.build_by_name().unwrap();
        let server = setting.server_of(&Credential::of(&made, &[]));
        thread::scope(|scope| {
            // The third server is never reached by who has the key.
            let thief = Credential::of(&self_signed("thief.example"), &[]);
            let stolen = setting.server_of(&Credential::of(&made, &[]).signing_as(&thief));
            let config = &config;
            scope.spawn(move || {
                for _ in 0..10 {
                    let outcome = handshake(config, &stolen, "kms3.example");
                    assert!(!outcome.is_ok());
                }
            });
            for name in &names[..2] {
                let server = &server;
                scope.spawn(move || {
                    for _ in 0..10 {
                        handshake(config, server, name).expect_link(name);
                    }
                });
            }
        });
        let all = reader.try_iter();
        assert_eq!(all.len(), 30, "{} dropped", reader.dropped());
        for (id, proved) in ids.iter().zip([10, 10, 0]) {
            let of = all.iter().filter(|seen| seen.server.as_ref() == Some(id));
            let (count, accepted) = of.fold((0, 0), |(count, accepted), seen| {
                assert_eq!(seen.proved, seen.verdict.is_accepted());
                (count + 1, accepted + usize::from(seen.is_accepted()))
            });
            assert_eq!((count, accepted), (10, proved), "{id} {}", setting.name);
        }
    }
}

#[cfg(feature = "enrol")]
#[test]
fn a_probe_is_told_of_without_the_fingerprint_in_its_text() {
    for setting in settings() {
        let made = self_signed("kms1.example");
        let (queue, reader) = observation_queue(16).unwrap();
        let identity = self_signed("array-7.example").identity(&[], &setting.provider);
        let client = setting.client(setting.listing_server().snapshot(), identity);
        let client = client.with_observer(queue);
        let server = setting.server_of(&Credential::of(&made, &[]));
        let config = client.probe(&keys_1()).unwrap().into_config();
        handshake(&config, &server, "kms1.example");
        let seen = one(&reader, &setting.name);
        assert!(seen.proved && !seen.is_accepted());
        assert_eq!(seen.verdict.presented(), None);
        assert_eq!(seen.presented, chain(&made));
    }
}

#[test]
fn a_full_queue_stops_no_handshake() {
    // S5
    for setting in settings() {
        let (made, system) = (self_signed("kms1.example"), self_signed("array-7.example"));
        let mut store = setting.pinning_server(&made.certificate);
        pin(&mut store, PinScope::Clients, &system.certificate);
        let trust = LiveTrust::new(store.snapshot());
        let (queue, reader) = observation_queue(1).unwrap();
        let identity = system.identity(&[], &setting.provider);
        let client = setting
            .client(trust.clone(), identity)
            .with_observer(queue.clone());
        let client = client.build_for(&keys_1()).unwrap();
        let identity = made.identity(&[], &setting.provider);
        let server = setting.server(trust, identity).with_observer(queue);
        let server = server.build().unwrap();
        for _ in 0..5 {
            handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        }
        assert_eq!(reader.try_iter().len(), 1);
        assert_eq!(reader.dropped(), 9, "{}", setting.name);
    }
}

#[test]
fn a_machine_without_a_clock_tells_of_that() {
    let setting = &settings()[0];
    let made = self_signed("kms1.example");
    let mut store = setting.pinning_server(&made.certificate);
    let (queue, reader) = observation_queue(4).unwrap();
    let identity = self_signed("array-7.example").identity(&[], &setting.provider);
    let client = setting.client_with(
        store.snapshot(),
        identity,
        setting.policy(),
        CurrentTime::Unset,
    );
    let config = client.with_observer(queue).build_for(&keys_1()).unwrap();
    let server = setting.server_of(&Credential::of(&made, &[]));
    handshake(&config, &server, "kms1.example").expect_link("no clock");
    assert_eq!(one(&reader, "no clock").clock, CurrentTime::Unset);
}
