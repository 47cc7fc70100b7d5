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

/// A change is told when it is on the disk, before it is in force; one that is refused is not told.
#[test]
fn each_stored_change_is_one_event_with_its_generations_actors_and_calls() {
    use crate::support::folder::Folder;
    use crate::support::{keys, server_id};
    use mutual_trust::admin::{DurableSettings, DurableStore};
    use mutual_trust::error::{DurableError, StoreError};
    use mutual_trust::{PinScope, TrustStore};

    let folder = Folder::new("stored-events");
    let settings = || DurableSettings::new(keys()).with_clock(Arc::new(now()));
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    let first = store.contents().generation();
    let pin = self_signed("kms1.example").certificate();
    let fingerprint = pin.fingerprint();
    let lines = told(|| {
        store.set_actor(Some("alice")).unwrap();
        let install = |store: &mut TrustStore| {
            store.add_server(server_id("keys-1"), [])?;
            store.with_actor("bob, ticket 7", |store| {
                let scope = PinScope::Server(server_id("keys-1"));
                store.install_pin(scope, pin.clone(), EntryOptions::new())
            })
        };
        store.change(install).unwrap();
        // Nothing is stored, so nothing is told.
        let again = store.change(|store| {
            let scope = PinScope::Server(server_id("keys-1"));
            store.install_pin(scope, pin.clone(), EntryOptions::new())
        });
        again.unwrap();
        let refused = store.change(|store| store.add_server(server_id("keys-1"), []));
        assert!(matches!(
            refused,
            Err(DurableError::Store(StoreError::ServerExists(_)))
        ));
        store.set_actor(None).unwrap();
        assert!(store.block(&pin).unsaved.is_none());
    });
    let last = store.contents().generation();
    let calls =
        format!("asked=\"server add keys-1; install pin server keys-1 {fingerprint}\" more=0");
    let events: [&[&str]; 4] = [
        &[
            "INFO",
            "change stored",
            "by=\"alice, bob, ticket 7\"",
            &calls,
        ],
        &["trust published"],
        &["INFO", "change stored", "asked=\"block certificate"],
        &["trust published", &format!("generation={last}")],
    ];
    assert_eq!(lines.len(), events.len(), "{lines:#?}");
    for (line, parts) in lines.iter().zip(events) {
        has(line, parts);
    }
    let between = lines[1].rsplit('=').next().unwrap();
    has(&lines[0], &[&format!("from={first} to={between} ")]);
    has(&lines[2], &[&format!("from={between} to={last} ")]);
    assert!(!lines[2].contains("by="), "{}", lines[2]);

    // A recovery is a change as well.
    let (file, previous) = (
        folder.file("trust-store"),
        folder.file("trust-store.previous"),
    );
    std::fs::copy(&file, previous).unwrap();
    std::fs::write(file, "damage").unwrap();
    let lines = told(|| drop(DurableStore::recover(folder.path(), settings()).unwrap()));
    assert_eq!(lines.len(), 1, "{lines:?}");
    has(&lines[0], &["change stored", "asked=\"recover\""]);

    // The disk refuses it.
    std::fs::remove_dir_all(folder.path()).unwrap();
    let lines = told(|| {
        let added = store.change(|store| store.add_server(server_id("keys-2"), []));
        assert!(added.is_err());
    });
    assert!(lines.is_empty(), "{lines:?}");
}

#[test]
fn a_rotation_of_our_identity_and_its_end_are_events() {
    let identity = |name: &str| self_signed(name).identity(&[], &crate::support::provider());
    let (old, new) = (identity("old"), identity("new"));
    let fingerprint = |identity: &mutual_trust::Identity| identity.certificate().fingerprint();
    let identities = mutual_trust::tls::Identities::new(old.clone());
    let lines = told(|| identities.stage(new.clone()).unwrap());
    let [line] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    let current = format!("current={}", fingerprint(&old));
    let next = format!("next={}", fingerprint(&new));
    has(
        line,
        &["INFO message=identity rotation changed", &current, &next],
    );
    assert_eq!(told(|| identities.activate(&keys_1()).unwrap()).len(), 1);
    assert_eq!(told(|| identities.activate_all().unwrap()).len(), 1);
    let lines = told(|| identities.commit().unwrap());
    let [line] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    let current = format!("current={}", fingerprint(&new));
    has(line, &["INFO message=identity renewed", &current]);
    assert!(
        told(|| assert!(identities.commit().is_err())).is_empty(),
        "nothing was changed"
    );
}
