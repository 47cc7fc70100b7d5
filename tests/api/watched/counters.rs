//! Verdicts and handshakes are counted at both ends.

use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::Enrolment;
use mutual_trust::observe::observation_queue;
use mutual_trust::{EntryOptions, LiveTrust};

use super::recorder::Keeper;
use crate::support::handshake::handshake;
use crate::support::link::{keys_1, settings};
use crate::support::now;
use crate::support::pki::self_signed;
use crate::support::plain::Credential;

const SERVERS: &str = "verdicts_total outcome";

#[test]
fn servers_are_counted_by_outcome_and_reason() {
    for setting in settings() {
        let (made, system) = (self_signed("kms1.example"), self_signed("array-7.example"));
        let view = setting.pinning_server(&made.certificate).snapshot();
        let identity = system.identity(&[], &setting.provider);
        let client = setting.client(view, identity).build_for(&keys_1()).unwrap();
        let keeper = Keeper::default();
        let server = setting.server_of(&Credential::of(&made, &[]));
        let other = setting.server_of(&Credential::of(&self_signed("kms1.example"), &[]));
        let thief = Credential::of(&self_signed("thief.example"), &[]);
        let stolen = setting.server_of(&Credential::of(&made, &[]).signing_as(&thief));
        keeper.keep(|| {
            for _ in 0..3 {
                handshake(&client, &server, "kms1.example").expect_link("counted");
            }
            drop(handshake(&client, &other, "kms1.example"));
            drop(handshake(&client, &stolen, "kms1.example"));
        });
        let expected = [
            // The peer without the key was accepted by its certificate and refused by its signature.
            ("=accepted reason=PinMatched role=server", 4.0),
            ("=refused reason=HandshakeSignatureInvalid role=server", 1.0),
            ("=refused reason=SameSubjectOtherKey role=server", 1.0),
        ];
        for (series, count) in expected {
            assert_eq!(keeper.value(&format!("{SERVERS}{series}")), Some(count));
        }
        let handshakes =
            |outcome| keeper.value(&format!("handshakes_total outcome={outcome} role=server"));
        assert_eq!(handshakes("accepted"), Some(3.0));
        assert_eq!(handshakes("refused"), Some(2.0));
        assert_eq!(keeper.series().len(), 5, "{:?}", keeper.series());
    }
}

#[test]
fn clients_are_counted_and_unknown_ones_create_no_series() {
    for setting in settings() {
        let (made, system) = (self_signed("kms1.example"), self_signed("array-7.example"));
        let view = setting.pinning_client(&system.certificate).snapshot();
        let identity = made.identity(&[], &setting.provider);
        let server = setting.server(view, identity).build().unwrap();
        let keeper = Keeper::default();
        let client = setting.client_of(&Credential::of(&system, &[]));
        keeper.keep(|| handshake(&client, &server, "kms1.example").expect_link("counted"));
        let refused = |number: u32| {
            let unknown = self_signed(&format!("unknown-{number}.example"));
            let client = setting.client_of(&Credential::of(&unknown, &[]));
            keeper.keep(|| drop(handshake(&client, &server, "kms1.example")));
        };
        refused(0);
        let series: Vec<String> = keeper.series().into_keys().collect();
        assert_eq!(series.len(), 4, "{series:?}");
        (1..6).for_each(refused);
        assert!(keeper.series().into_keys().eq(series));
        let handshakes =
            |outcome| keeper.value(&format!("handshakes_total outcome={outcome} role=client"));
        assert_eq!(handshakes("accepted"), Some(1.0));
        assert_eq!(handshakes("refused"), Some(6.0));
    }
}

#[test]
fn a_client_that_waits_is_counted_once_as_refused() {
    for setting in settings() {
        let system = self_signed("array-7.example");
        let mut store = setting.store();
        let trust = LiveTrust::new(store.snapshot());
        let enrolment = Enrolment::new(Arc::new(now()));
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let builder = setting.server(trust.clone(), identity);
        let acceptor = builder.enrolment(&enrolment).unwrap();
        let client = setting.client_of(&Credential::of(&system, &[]));
        let keeper = Keeper::default();
        keeper.keep(|| {
            let connect = || {
                let config = acceptor.config_for("192.0.2.7".parse().unwrap()).unwrap();
                handshake(&client, &config, "kms1.example")
            };
            drop(connect());
            enrolment
                .open_enrolment(Duration::from_secs(60), 4)
                .unwrap();
            drop(connect());
            let id = enrolment.pending()[0].id;
            let fingerprint = system.certificate.fingerprint();
            let options = EntryOptions::new();
            enrolment
                .accept_client(id, fingerprint, &mut store, options, "alice")
                .unwrap();
            trust.publish(store.snapshot()).unwrap();
            connect().expect_link("accepted");
        });
        let expected = [
            ("handshakes_total outcome=refused role=client", 2.0),
            ("handshakes_total outcome=accepted role=client", 1.0),
            (
                "verdicts_total outcome=refused reason=NothingInstalled role=client",
                2.0,
            ),
            (
                "verdicts_total outcome=accepted reason=PinMatched role=client",
                1.0,
            ),
            ("enrolment_events_total event=opened", 1.0),
            ("enrolment_events_total event=requested", 1.0),
            ("enrolment_events_total event=accepted", 1.0),
            ("publications_total", 1.0),
        ];
        for (series, count) in expected {
            assert_eq!(
                keeper.value(series),
                Some(count),
                "{series}: {:?}",
                keeper.series()
            );
        }
    }
}

#[test]
fn handshakes_begin_with_zero_when_they_are_described() {
    let keeper = Keeper::default();
    keeper.keep(mutual_trust::observe::describe_metrics);
    let all = keeper.series();
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(all.values().all(|count| *count == 0.0), "{all:?}");
}

#[test]
fn dropped_observations_are_counted() {
    let setting = &settings()[0];
    let (made, system) = (self_signed("kms1.example"), self_signed("array-7.example"));
    let view = setting.pinning_server(&made.certificate).snapshot();
    let identity = system.identity(&[], &setting.provider);
    let (observations, reader) = observation_queue(1).unwrap();
    let client = setting.client(view, identity).with_observer(observations);
    let client = client.build_for(&keys_1()).unwrap();
    let server = setting.server_of(&Credential::of(&made, &[]));
    let keeper = Keeper::default();
    keeper.keep(|| {
        for _ in 0..3 {
            handshake(&client, &server, "kms1.example").expect_link("counted");
        }
    });
    assert_eq!(keeper.value("observations_dropped_total"), Some(2.0));
    assert_eq!(reader.dropped(), 2);
}
