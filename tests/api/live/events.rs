//! Events of the feature `tracing`: one for each verdict, publication and step of enrolment, and nothing secret.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mutual_trust::admin::Enrolment;
use mutual_trust::{EntryOptions, LiveTrust};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Event, Metadata, Subscriber};

use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, settings};
use crate::support::now;
use crate::support::pki::self_signed;
use crate::support::plain::Credential;

/// Keeps events as lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "mutual_trust"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What is told while something is done.
fn told(what: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    with_default(lines.clone(), what);
    let mut lines = lines.0.lock().unwrap();
    std::mem::take(&mut *lines)
}

fn has(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn each_verdict_is_one_event() {
    for setting in settings() {
        let (made, system) = (self_signed("kms1.example"), self_signed("array-7.example"));
        let mut store = setting.pinning_server(&made.certificate);
        let view = store.snapshot();
        let generation = format!("generation={}", view.generation());
        let identity = system.identity(&[], &setting.provider);
        let client = setting
            .client(view.clone(), identity)
            .build_for(&keys_1())
            .unwrap();
        let server = setting.server_of(&Credential::of(&made, &[]));
        let fingerprint = format!("fingerprint={}", made.certificate.fingerprint());
        let lines = told(|| handshake(&client, &server, "kms1.example").expect_link("told"));
        assert_eq!(lines.len(), 1, "{lines:?}");
        let expected = [
            "INFO",
            "peer accepted",
            "role=server",
            "server=keys-1",
            "reason=\"PinMatched\"",
            "rule=M1",
            "proved=true",
            &generation,
            &fingerprint,
        ];
        has(&lines[0], &expected);

        let other = setting.server_of(&Credential::of(&self_signed("kms1.example"), &[]));
        let lines = told(|| drop(handshake(&client, &other, "kms1.example")));
        assert_eq!(lines.len(), 1, "{lines:?}");
        let reason = "reason=\"SameSubjectOtherKey\"";
        has(
            &lines[0],
            &["WARN", "peer refused", reason, "rule=P2", "proved=false"],
        );

        let thief = Credential::of(&self_signed("thief.example"), &[]);
        let stolen = setting.server_of(&Credential::of(&made, &[]).signing_as(&thief));
        let lines = told(|| drop(handshake(&client, &stolen, "kms1.example")));
        assert_eq!(lines.len(), 1, "{lines:?}");
        has(
            &lines[0],
            &[
                "WARN",
                "reason=\"HandshakeSignatureInvalid\"",
                "server=keys-1",
            ],
        );
    }
}

#[test]
fn each_publication_is_one_event() {
    let setting: &Setting = &settings()[0];
    let mut store = setting.store();
    let trust = LiveTrust::new(store.snapshot());
    store.block(&self_signed("stranger.example").certificate);
    let view = store.snapshot();
    let generation = format!("generation={}", view.generation());
    let lines = told(|| trust.publish(view.clone()).unwrap());
    assert_eq!(lines.len(), 1);
    has(&lines[0], &["INFO", "trust published", &generation]);
    let again = told(|| assert!(trust.publish(view.clone()).is_err()));
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn enrolment_tells_each_step_and_never_a_fingerprint_that_is_to_be_compared() {
    for setting in settings() {
        let system = self_signed("array-7.example");
        let mut store = setting.store();
        let enrolment = Enrolment::new(Arc::new(now()));
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let builder = setting.server(store.snapshot(), identity);
        let acceptor = builder.enrolment(&enrolment).unwrap();
        let client = setting.client_of(&Credential::of(&system, &[]));
        let lines = told(|| {
            enrolment
                .open_enrolment(Duration::from_secs(60), 4)
                .unwrap();
            let config = acceptor.config_for("192.0.2.7".parse().unwrap()).unwrap();
            drop(handshake(&client, &config, "kms1.example"));
            let id = enrolment.pending()[0].id;
            let wrong = mutual_trust::Fingerprint::from_bytes([7; 32]);
            let right = system.certificate.fingerprint();
            for given in [wrong, right] {
                let options = EntryOptions::new();
                let _ = enrolment.accept_client(id, given, &mut store, options, "alice");
            }
            enrolment.close_enrolment();
        });
        let events = [
            "Opened",
            "Requested",
            "peer refused",
            "OtherFingerprint",
            "Accepted",
            "Closed",
        ];
        assert_eq!(lines.len(), events.len(), "{lines:?}");
        for (line, event) in lines.iter().zip(events) {
            has(line, &[event]);
        }
        has(&lines[3], &["by=\"alice\""]);
        // No log has it before it is accepted.
        let half = &system.certificate.fingerprint().to_string()[..23];
        assert!(!lines.concat().contains(half), "{lines:?}");
    }
}

// M7
#[test]
fn a_clock_that_jumped_is_told_by_each_publication_until_it_is_confirmed() {
    use crate::support::{DAY, NOW, at, keys, server_id};
    use mutual_trust::CurrentTime;
    use mutual_trust::admin::{DurableSettings, DurableStore};

    let name = format!("mutual-trust-live-clock-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder).unwrap();
    let settings = |seconds| {
        let clock = Arc::new(CurrentTime::Known(at(seconds)));
        DurableSettings::new(keys()).with_clock(clock)
    };
    drop(DurableStore::create(&folder, settings(NOW)).unwrap());
    let (mut store, _) = DurableStore::open(&folder, settings(NOW + 400 * DAY)).unwrap();
    let of_clock = |lines: Vec<String>| {
        let said = |line: &String| line.contains("WARN") && line.contains("the clock jumped");
        lines.iter().filter(|line| said(line)).count()
    };
    let mut add = |id: &str| {
        told(|| {
            let add = |store: &mut mutual_trust::TrustStore| store.add_server(server_id(id), []);
            store.change(add).unwrap();
        })
    };
    assert_eq!(of_clock(add("one")), 1);
    assert_eq!(of_clock(add("two")), 1);
    let confirmed = told(|| {
        store.change(|store| store.confirm_clock()).unwrap();
    });
    assert_eq!(of_clock(confirmed), 0);
    drop(store);
    std::fs::remove_dir_all(&folder).unwrap();
}
