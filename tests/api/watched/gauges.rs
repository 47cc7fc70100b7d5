//! What the gauges show: what ends, what has ended, what is wrong. What is not known has no series.

use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::{
    DurableSettings, DurableStore, Enrolment, Feeds, Follower, Gauges, PeerHistory, Source,
};
use mutual_trust::limits::MAX_METRIC_ITEMS;
use mutual_trust::observe::Observation;
use mutual_trust::store::{EntryKey, Scope, Slot, ValidityRule};
use mutual_trust::tls::Identities;
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, ExpectedServer, Fingerprint, PinScope, TrustStore,
    VerifyRequest, decide,
};

use super::recorder::Keeper;
use crate::support::crl::crl;
use crate::support::folder::Folder;
use crate::support::link::keys_1;
use crate::support::pki::{Made, pki, self_signed, spec};
use crate::support::{DAY, NOW, at, host, keys, now, policy, provider, server_id, store};

fn days(count: i64) -> i64 {
    count * i64::try_from(DAY).unwrap()
}

/// Seconds from now in days, as a number of the recorder.
fn in_days(count: i64) -> f64 {
    f64::from(u32::try_from(i64::try_from(NOW).unwrap() + days(count)).unwrap())
}

fn number(seconds: u64) -> f64 {
    f64::from(u32::try_from(seconds).unwrap())
}

fn ending(name: &str, in_days: i64) -> Made {
    spec(name)
        .dns(name)
        .valid(days(-400), days(in_days))
        .self_signed()
}

fn pinned(store: &mut TrustStore, id: &str, made: &Made, options: EntryOptions) -> EntryKey {
    let scope = PinScope::Server(server_id(id));
    store
        .install_pin(scope, made.certificate(), options)
        .unwrap();
    let fingerprint = made.certificate.fingerprint();
    EntryKey::new(Slot::Pin, Scope::Server(server_id(id)), fingerprint)
}

struct World {
    keeper: Keeper,
    gauges: Gauges,
}

impl World {
    fn new() -> Self {
        Self {
            keeper: Keeper::default(),
            gauges: Gauges::new("main"),
        }
    }

    fn look(&mut self, store: &TrustStore, clock: CurrentTime) {
        let gauges = &mut self.gauges;
        self.keeper
            .keep(|| gauges.set_trust(store.contents(), &policy(), clock));
    }

    fn value(&self, series: &str) -> Option<f64> {
        self.keeper.value(series)
    }
}

#[test]
fn ends_are_absolute_times_and_stay_visible_after_the_end() {
    let mut store = store();
    for id in ["keys-1", "keys-2", "keys-3"] {
        store.add_server(server_id(id), []).unwrap();
    }
    let plain = EntryOptions::new;
    let (good, ended, graced) = (ending("a", 40), ending("b", -2), ending("c", -1));
    pinned(
        &mut store,
        "keys-1",
        &good,
        plain().with_label("room 2").with_end(at(NOW + DAY)),
    );
    pinned(&mut store, "keys-2", &ended, plain());
    let grace = ValidityRule::Grace(Duration::from_secs(3 * DAY));
    pinned(&mut store, "keys-3", &graced, plain().with_validity(grace));
    // Of a fingerprint, no end is known.
    let unknown = Fingerprint::from_bytes([7; 32]);
    store
        .install_pin_fingerprint(PinScope::Clients, unknown, plain())
        .unwrap();
    let mut world = World::new();
    world.look(&store, now());
    let series = |name: &str, made: &Made, id: &str, label: &str| {
        let fingerprint = made.certificate.fingerprint();
        format!("{name} fingerprint={fingerprint} id={id}{label} scope=server slot=pin store=main")
    };
    let (not_after, end) = (
        "entry_not_after_timestamp_seconds",
        "entry_end_timestamp_seconds",
    );
    let expected = [
        (
            series(not_after, &good, "keys-1", " label=room 2"),
            in_days(40),
        ),
        // The end that was set is earlier.
        (series(end, &good, "keys-1", " label=room 2"), in_days(1)),
        (series(not_after, &ended, "keys-2", ""), in_days(-2)),
        (series(end, &ended, "keys-2", ""), in_days(-2) + 1.0),
        (series(not_after, &graced, "keys-3", ""), in_days(-1)),
        (series(end, &graced, "keys-3", ""), in_days(2) + 1.0),
    ];
    for (series, value) in expected {
        assert_eq!(world.value(&series), Some(value), "{series}");
    }
    for name in [not_after, end] {
        assert_eq!(world.keeper.named(name).len(), 3);
    }
    for (state, count) in [("enabled", 3.0), ("ended", 1.0), ("disabled", 0.0)] {
        let series = format!("entries slot=pin state={state} store=main");
        assert_eq!(world.value(&series), Some(count), "{state}");
    }
    assert_eq!(world.value("servers store=main"), Some(3.0));
    assert_eq!(world.value("servers_usable store=main"), Some(2.0));
    assert_eq!(
        world.value("recorded_timestamp_seconds store=main"),
        Some(number(NOW))
    );
    let generation = number(store.contents().generation());
    assert_eq!(world.value("generation store=main"), Some(generation));
    // By a clock that is not known, nothing was recorded at a time.
    let mut unset = World::new();
    unset.look(&store, CurrentTime::Unset);
    assert_eq!(unset.value("recorded_timestamp_seconds store=main"), None);
    assert_eq!(unset.keeper.named(end).len(), 3);
}

#[test]
fn what_is_gone_has_no_value_any_more() {
    let mut store = store();
    store.add_server(keys_1(), []).unwrap();
    let (first, second) = (ending("a", 40), ending("a", 80));
    let key = pinned(&mut store, "keys-1", &first, EntryOptions::new());
    pinned(&mut store, "keys-1", &second, EntryOptions::new());
    store.migrate(&keys_1(), at(NOW + DAY)).unwrap();
    let mut world = World::new();
    world.look(&store, now());
    let name = "entry_end_timestamp_seconds";
    assert_eq!(world.keeper.named(name).len(), 2);
    let migration = "migration_end_timestamp_seconds server=keys-1 store=main";
    assert_eq!(world.value(migration), Some(in_days(1)));
    store.remove(&key).unwrap();
    store.stop_migrating(&keys_1()).unwrap();
    store.block(&self_signed("stolen.example").certificate);
    world.look(&store, now());
    let left = world.keeper.named(name);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(
        left[0]
            .0
            .contains(&second.certificate.fingerprint().to_string())
    );
    assert_eq!(world.value(migration), None);
    assert_eq!(world.value("blocks store=main"), Some(1.0));
    // A disabled entry accepts nothing already.
    let fingerprint = second.certificate.fingerprint();
    let key = EntryKey::new(Slot::Pin, Scope::Server(keys_1()), fingerprint);
    store.disable(&key, "a test").unwrap();
    world.look(&store, now());
    assert!(world.keeper.named(name).is_empty());
    assert_eq!(
        world.value("entries slot=pin state=disabled store=main"),
        Some(1.0)
    );
}

#[test]
fn a_large_store_has_a_bounded_number_of_series() {
    let mut store = store();
    let more = 80;
    for number in 0..MAX_METRIC_ITEMS + more {
        let bytes = (u64::try_from(number).unwrap() + 1).to_be_bytes().repeat(4);
        let fingerprint = Fingerprint::from_bytes(bytes.try_into().unwrap());
        let end = at(NOW + DAY + u64::try_from(number).unwrap());
        let options = EntryOptions::new().with_end(end);
        store
            .install_pin_fingerprint(PinScope::Clients, fingerprint, options)
            .unwrap();
    }
    let mut world = World::new();
    world.look(&store, now());
    let shown = world.keeper.named("entry_end_timestamp_seconds");
    assert_eq!(shown.len(), MAX_METRIC_ITEMS);
    // Those that end first.
    let last = shown.iter().map(|(_, end)| *end).fold(0.0, f64::max);
    assert_eq!(
        last,
        number(NOW + DAY + u64::try_from(MAX_METRIC_ITEMS).unwrap() - 1)
    );
    let omitted = "items_omitted metric=mutual_trust_entry_end_timestamp_seconds store=main";
    assert_eq!(world.value(omitted), Some(80.0));
    let all = number(u64::try_from(MAX_METRIC_ITEMS + more).unwrap());
    assert_eq!(
        world.value("entries slot=pin state=enabled store=main"),
        Some(all)
    );
}

#[test]
fn a_list_is_shown_by_its_issuer_until_none_is_left() {
    let mut store = store();
    let ca = pki("lists");
    let scope = AuthorityScope::Clients;
    store
        .install_authority(scope, ca.root.certificate(), EntryOptions::new())
        .unwrap();
    let list = |number: u8, to: i64| crl().number(number).valid(days(-3), to).signed_by(&ca.root);
    let name = "crl_next_update_timestamp_seconds";
    let mut world = World::new();
    world.look(&store, now());
    assert!(world.keeper.named(name).is_empty());
    assert_eq!(
        world.value("crl_issuers_without_list store=main"),
        Some(0.0)
    );
    let ended = list(1, days(-1));
    store.install_crl(ended.clone()).unwrap();
    world.look(&store, now());
    let shown = world.keeper.named(name);
    assert_eq!((shown.len(), shown[0].1), (1, in_days(-1)), "{shown:?}");
    // The newer list moves the same series.
    let newer = list(2, days(5));
    store.install_crl(newer.clone()).unwrap();
    world.look(&store, now());
    assert_eq!(world.keeper.named(name), [(shown[0].0.clone(), in_days(5))]);
    let fingerprints = [ended.fingerprint(), newer.fingerprint()];
    for fingerprint in fingerprints {
        let _ = store.remove_crl(fingerprint);
    }
    world.look(&store, now());
    assert!(world.keeper.named(name).is_empty());
    assert_eq!(
        world.value("crl_issuers_without_list store=main"),
        Some(1.0)
    );
}

#[test]
fn a_server_that_was_accepted_shows_when_its_certificate_ends() {
    let mut store = store();
    let ca = pki("presented");
    for id in ["keys-1", "keys-2"] {
        let name = host(&format!("{id}.example"));
        store.add_server(server_id(id), [name]).unwrap();
    }
    let scope = AuthorityScope::AnyServer;
    store
        .install_authority(scope, ca.root.certificate(), EntryOptions::new())
        .unwrap();
    let mut seen = PeerHistory::new();
    let mut world = World::new();
    let mut show = |seen: &PeerHistory| {
        let (keeper, gauges) = (world.keeper.clone(), &mut world.gauges);
        keeper.keep(|| gauges.set_presented(store.contents(), seen));
        keeper.named("presented_not_after_timestamp_seconds")
    };
    assert!(show(&seen).is_empty());
    let names = ["keys-1.example", "other.example"];
    for (name, expected) in names.into_iter().zip([1, 1]) {
        let leaf = spec(name).dns(name).server_auth().valid(days(-1), days(20));
        let leaf = leaf.signed_by(&ca.intermediate).certificate();
        let issuer = ca.intermediate.certificate();
        let (dialled, rest) = (host("keys-1.example"), [issuer.der().to_vec().into()]);
        let target = ExpectedServer::Name(&dialled);
        let question = VerifyRequest::server(target, leaf.der(), &rest, now());
        let verdict = decide(store.contents(), &policy(), &question);
        let presented = vec![leaf.der().to_vec().into(), issuer.der().to_vec().into()];
        // A refused one changes nothing.
        assert_eq!(verdict.is_accepted(), name == names[0], "{verdict}");
        seen.observe(&Observation::new(Arc::new(verdict), presented, now(), true));
        let shown = show(&seen);
        assert_eq!(shown.len(), expected);
        assert_eq!(
            shown[0],
            (String::from("server=keys-1 store=main"), in_days(20))
        );
    }
    let accepted = world.value("server_accepted_timestamp_seconds server=keys-1 store=main");
    assert_eq!(accepted, Some(number(NOW)));
}

#[test]
fn our_own_certificates_keep_their_series_when_they_are_renewed() {
    let provider = provider();
    let identity = |in_days: i64| ending("array-7.example", in_days).identity(&[], &provider);
    let identities = Identities::new(identity(10));
    let (keeper, mut gauges) = (Keeper::default(), Gauges::new("main"));
    let mut show = || {
        keeper.keep(|| gauges.set_identity("array-7", &identities));
        keeper.named("identity_not_after_timestamp_seconds")
    };
    let series = |state: &str| format!("certificate=own identity=array-7 state={state} store=main");
    assert_eq!(show(), [(series("current"), in_days(10))]);
    // The first failure is then a rise.
    let failed = "renewals_total identity=array-7 outcome=failed store=main";
    assert_eq!(keeper.value(failed), Some(0.0));
    identities.stage(identity(90)).unwrap();
    let both = [
        (series("current"), in_days(10)),
        (series("next"), in_days(90)),
    ];
    assert_eq!(show(), both);
    identities.activate_all().unwrap();
    identities.commit().unwrap();
    assert_eq!(show(), [(series("current"), in_days(90))]);
    // The issuers that we present have a series of their own.
    let ca = pki("own");
    let leaf = spec("array-8")
        .dns("array-8.example")
        .signed_by(&ca.intermediate);
    let chained = Identities::new(leaf.identity(&[&ca.intermediate], &provider));
    keeper.keep(|| gauges.set_identity("array-8", &chained));
    let series = "identity_not_after_timestamp_seconds certificate=issuer identity=array-8";
    assert!(
        keeper
            .value(&format!("{series} state=current store=main"))
            .is_some()
    );
}

#[test]
fn renewals_are_counted_and_have_no_placeholder() {
    let (keeper, mut gauges) = (Keeper::default(), Gauges::new("main"));
    let success = "renewal_success_timestamp_seconds identity=array-7 store=main";
    let count = |outcome: &str| {
        keeper.value(&format!(
            "renewals_total identity=array-7 outcome={outcome} store=main"
        ))
    };
    keeper.keep(|| gauges.count_renewal("array-7", now(), false));
    assert_eq!((count("failed"), count("renewed")), (Some(1.0), None));
    assert_eq!(keeper.value(success), None);
    keeper.keep(|| gauges.count_renewal("array-7", now(), true));
    assert_eq!((count("failed"), count("renewed")), (Some(1.0), Some(1.0)));
    assert_eq!(keeper.value(success), Some(number(NOW)));
    // A later failure does not move the last success, and without a clock there is none.
    keeper.keep(|| {
        gauges.count_renewal("array-7", CurrentTime::Known(at(NOW + DAY)), false);
        gauges.count_renewal("array-9", CurrentTime::Unset, true);
    });
    assert_eq!(keeper.value(success), Some(number(NOW)));
    assert_eq!(keeper.named("renewal_success_timestamp_seconds").len(), 1);
}

#[test]
fn health_names_each_fault_and_sources_their_last_success() {
    let (folder, sources) = (Folder::new("watched-store"), Folder::new("watched-sources"));
    #[derive(Debug)]
    struct Hand(std::sync::atomic::AtomicU64);
    impl mutual_trust::certificate::TimeSource for Hand {
        fn now(&self) -> CurrentTime {
            CurrentTime::Known(at(self.0.load(std::sync::atomic::Ordering::Relaxed)))
        }
    }
    let clock = Arc::new(Hand(NOW.into()));
    let settings = DurableSettings::new(keys()).with_clock(clock.clone());
    let mut store = DurableStore::create(folder.path(), settings).unwrap();
    let file = sources.file("ca.pem");
    let source = Source::new(
        "roots",
        &file,
        Feeds::Authorities(AuthorityScope::AnyServer),
    );
    let mut follower = Follower::new([source]).unwrap();
    let (keeper, mut gauges) = (Keeper::default(), Gauges::new("main"));
    let mut poll = |store: &mut DurableStore, seconds: u64| {
        clock.0.store(seconds, std::sync::atomic::Ordering::Relaxed);
        let _ = follower.poll(store);
        keeper.keep(|| gauges.set_health(&store.health()));
    };
    let value = |series: &str| keeper.value(series);
    let success = "source_success_timestamp_seconds source=roots store=main";
    let failing = "source_failing_timestamp_seconds source=roots store=main";
    let healthy = "source_healthy source=roots store=main";
    // It was never there.
    poll(&mut store, NOW);
    assert_eq!((value(success), value(failing)), (None, Some(number(NOW))));
    assert_eq!(
        (value(healthy), value("healthy store=main")),
        (Some(0.0), Some(0.0))
    );
    assert_eq!(value("fault fault=source store=main"), Some(1.0));
    assert_eq!(value("fault fault=clock store=main"), Some(0.0));
    let ca = spec("ca").ca().self_signed().certificate;
    std::fs::write(&file, ca.to_pem()).unwrap();
    poll(&mut store, NOW + 10);
    // It was seen once, and is not in force yet.
    assert_eq!(value(success), None);
    poll(&mut store, NOW + 20);
    assert_eq!(
        (value(success), value(failing)),
        (Some(number(NOW + 20)), None)
    );
    assert_eq!(
        (value(healthy), value("healthy store=main")),
        (Some(1.0), Some(1.0))
    );
    // It fails again, and the last success stays.
    std::fs::write(&file, "damage").unwrap();
    poll(&mut store, NOW + 30);
    poll(&mut store, NOW + 40);
    assert_eq!(value(success), Some(number(NOW + 20)));
    assert_eq!(value(failing), Some(number(NOW + 40)));
    // What the store did not take over is no success.
    std::fs::write(&file, spec("next").ca().self_signed().certificate.to_pem()).unwrap();
    std::fs::remove_dir_all(folder.path()).unwrap();
    poll(&mut store, NOW + 50);
    poll(&mut store, NOW + 60);
    assert_eq!(value(success), Some(number(NOW + 20)));
    assert_eq!(value("unsaved_blocks store=main"), Some(0.0));
    assert!(store.block(&ca).unsaved.is_some());
    poll(&mut store, NOW + 70);
    assert_eq!(value("unsaved_blocks store=main"), Some(1.0));
    assert_eq!(value("fault fault=unsaved_blocks store=main"), Some(1.0));
    assert_eq!(value("fault fault=not_stored store=main"), Some(1.0));
}

#[test]
fn enrolment_shows_whether_it_is_open() {
    let enrolment = Enrolment::new(Arc::new(now()));
    let (keeper, mut gauges) = (Keeper::default(), Gauges::new("main"));
    for open in [0.0, 1.0] {
        keeper.keep(|| gauges.set_enrolment(&enrolment));
        assert_eq!(keeper.value("enrolment_open store=main"), Some(open));
        assert_eq!(keeper.value("enrolment_pending store=main"), Some(0.0));
        enrolment
            .open_enrolment(Duration::from_secs(60), 4)
            .unwrap();
    }
}
