//! A store that was changed once by a wrong clock (rule M7).

use std::fs;
use std::sync::Arc;

use mutual_trust::admin::{
    DurableSettings, DurableStore, LockoutAllowance, PeerHistory, servers_without_usable,
};
use mutual_trust::error::{DurableError, StoreError};
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::{ClockState, StoreWarning};
use mutual_trust::{
    AuthorityScope, CurrentTime, Policy, ReasonCode, TrustSnapshot, Verdict, VerdictWarning, decide,
};

use crate::durable::common::*;
use crate::support::clock::Moved;
use crate::support::folder::Folder;
use crate::support::pki::{Made, spec};
use crate::support::*;

/// 2099-01-01T00:00:00Z.
const YEAR_2099: u64 = 4_070_908_800;

fn on(seconds: u64) -> DurableSettings {
    settings().with_clock(Arc::new(CurrentTime::Known(at(seconds))))
}

fn open(folder: &Folder, seconds: u64) -> DurableStore {
    DurableStore::open(folder.path(), on(seconds)).unwrap().0
}

struct Scene {
    folder: Folder,
    pin: Made,
    chain: Made,
}

/// Two servers, `keys-1` with a pin for 300 days, `keys-2` with a chain.
fn scene(name: &str) -> Scene {
    let folder = Folder::new(name);
    let days = |days: i64| days * 24 * 60 * 60;
    let pin = spec("kms1.example")
        .valid(-days(1), days(300))
        .self_signed();
    let root = spec("root").ca().valid(-days(1), days(3000)).self_signed();
    let leaf = spec("kms2.example")
        .dns("kms2.example")
        .valid(-days(1), days(300));
    let chain = leaf.signed_by(&root);
    let mut store = DurableStore::create(folder.path(), on(NOW)).unwrap();
    store
        .change(|store| {
            store.add_server(server_id("keys-1"), [host("kms1.example")])?;
            store.add_server(server_id("keys-2"), [host("kms2.example")])?;
            store.install_pin(server("keys-1"), pin.certificate(), options())?;
            store.install_authority(AuthorityScope::AnyServer, root.certificate(), options())
        })
        .unwrap();
    Scene { folder, pin, chain }
}

impl Scene {
    /// What both servers are told at this time.
    fn asked(&self, view: &TrustSnapshot, seconds: u64) -> [Verdict; 2] {
        let clock = CurrentTime::Known(at(seconds));
        [("keys-1", &self.pin), ("keys-2", &self.chain)].map(|(id, made)| {
            let id = server_id(id);
            let der = made.certificate.der();
            let question = VerifyRequest::server(ExpectedServer::id(&id, None), der, &[], clock);
            decide(view, &Policy::new(keys()), &question)
        })
    }

    fn reasons(&self, view: &TrustSnapshot, seconds: u64) -> [ReasonCode; 2] {
        self.asked(view, seconds).map(|verdict| verdict.reason())
    }
}

const GOOD: [ReasonCode; 2] = [ReasonCode::PinMatched, ReasonCode::ChainVerified];

#[test]
fn one_change_by_a_clock_of_2099_locks_no_server_out_when_the_clock_is_right_again() {
    let scene = scene("clock-2099");
    let mut store = open(&scene.folder, YEAR_2099);
    let report = store
        .change(|store| store.add_server(server_id("other"), []))
        .unwrap();
    assert!(
        matches!(report.warnings().items(), [StoreWarning::ClockJumped(_)]),
        "{report}"
    );
    // It is said in health as well, and by each refresh anew.
    for _ in 0..2 {
        store.refresh().unwrap();
        let health = store.health();
        assert!(!health.is_good());
        assert!(
            matches!(health.clock, ClockState::Jumped { .. }),
            "{health}"
        );
        let said = health.to_string();
        for part in [
            "the clock jumped",
            "2099-01-01T00:00:00Z",
            "2027-01-01T00:00:00Z",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(store.contents().floor(), Some(at(NOW)));
    }
    drop(store);
    // The clock is right again: nothing is lost, nothing is said.
    let mut store = open(&scene.folder, NOW + DAY);
    for verdict in scene.asked(store.contents(), NOW + DAY) {
        assert!(
            verdict.is_accepted() && verdict.warnings().is_empty(),
            "{verdict}"
        );
    }
    let later = CurrentTime::Known(at(NOW + DAY));
    let without = servers_without_usable(store.contents(), &Policy::new(keys()), later);
    assert!(without.is_empty(), "{without:?}");
    assert!(store.health().is_good(), "{}", store.health());
    let options = options().with_end(at(NOW + 30 * DAY));
    let report = store
        .change(|store| store.install_pin(server("other"), pin("other"), options))
        .unwrap();
    assert!(report.warnings().is_empty(), "{report}");
    assert_eq!(store.contents().floor(), Some(at(NOW + DAY)));
}

#[test]
fn a_change_by_a_clock_eight_hours_ahead_refuses_no_chain() {
    let scene = scene("clock-8h");
    let mut store = open(&scene.folder, NOW + 8 * 3600);
    store
        .change(|store| store.add_server(server_id("other"), []))
        .unwrap();
    assert_eq!(store.contents().floor(), Some(at(NOW + 8 * 3600)));
    for verdict in scene.asked(store.contents(), NOW + 60) {
        assert!(
            verdict.is_accepted() && verdict.warnings().is_empty(),
            "{verdict}"
        );
    }
    drop(store);
    assert!(open(&scene.folder, NOW + 60).health().is_good());
}

#[test]
fn a_store_that_was_off_for_more_than_a_year_works_and_says_so_until_the_clock_is_confirmed() {
    let scene = scene("clock-off");
    // The authority still stands, the pin and the leaf have expired by a clock that counts.
    let back = NOW + 400 * DAY;
    let mut store = open(&scene.folder, back);
    let expired = [ReasonCode::Expired, ReasonCode::Expired];
    assert_eq!(scene.reasons(store.contents(), back), expired);
    let days = |days: i64| days * 24 * 60 * 60;
    let new = spec("kms1.example")
        .valid(days(399), days(700))
        .self_signed();
    store
        .change(|store| store.install_pin(server("keys-1"), new.certificate(), options()))
        .unwrap();
    let renewed = Scene { pin: new, ..scene };
    assert_eq!(
        renewed.reasons(store.contents(), back)[0],
        ReasonCode::PinMatched
    );
    assert!(matches!(store.health().clock, ClockState::Jumped { .. }));
    drop(store);
    let mut store = open(&renewed.folder, back);
    assert!(
        matches!(store.health().clock, ClockState::Jumped { .. }),
        "after a restart"
    );
    store.change(|store| store.confirm_clock()).unwrap();
    assert!(store.health().is_good(), "{}", store.health());
    assert_eq!(store.contents().floor(), Some(at(back)));
    assert_eq!(
        renewed.reasons(store.contents(), back)[0],
        ReasonCode::PinMatched
    );
    drop(store);
    let store = open(&renewed.folder, back + DAY);
    assert_eq!(
        store.contents().floor(),
        Some(at(back)),
        "the floor is stored"
    );
}

// What an earlier version wrote, or an operator who confirmed a wrong clock.
#[test]
fn a_floor_far_ahead_is_named_by_everything_that_rests_on_it_and_is_reset() {
    let scene = scene("clock-reset");
    let mut store = open(&scene.folder, YEAR_2099);
    store.change(|store| store.confirm_clock()).unwrap();
    drop(store);
    let mut store = open(&scene.folder, NOW + DAY);
    let below = [ReasonCode::ClockBelowFloor, ReasonCode::ClockBelowFloor];
    let view = store.contents().clone();
    assert_eq!(scene.reasons(&view, NOW + DAY), below);
    for verdict in scene.asked(&view, NOW + DAY) {
        assert!(
            matches!(
                verdict.warnings(),
                [VerdictWarning::ClockUnset(ClockState::BelowFloor { floor, .. })] if *floor == at(YEAR_2099)
            ),
            "{verdict}"
        );
    }
    let policy = Policy::new(keys());
    let clock = CurrentTime::Known(at(NOW + DAY));
    for without in servers_without_usable(&view, &policy, clock) {
        assert_eq!(without.reason, ReasonCode::ClockBelowFloor, "{without:?}");
    }
    let health = store.health();
    assert!(!health.is_good());
    assert!(health.to_string().contains("reset the floor"), "{health}");
    let confirmed = store.change(|store| store.confirm_clock());
    assert!(
        matches!(
            &confirmed,
            Err(DurableError::Store(StoreError::NothingToConfirm { .. }))
        ),
        "{confirmed:?}"
    );
    // A change says it, and does not lower the floor by itself.
    let report = store
        .change(|store| store.add_server(server_id("more"), []))
        .unwrap();
    assert!(
        matches!(
            report.warnings().items(),
            [StoreWarning::ClockBelowFloor(_)]
        ),
        "{report}"
    );
    // A dry run shows who comes back.
    let seen = PeerHistory::new();
    let reset = store
        .plan(&policy, &seen, clock, |store| Ok(store.reset_floor(None)))
        .unwrap();
    assert!(reset.effects().lost().is_empty(), "{reset}");
    store
        .apply(&reset, &seen, clock, &LockoutAllowance::none())
        .unwrap();
    assert_eq!(store.contents().floor(), Some(at(NOW + DAY)));
    assert_eq!(scene.reasons(store.contents(), NOW + DAY), GOOD);
    assert!(store.health().is_good(), "{}", store.health());
    drop(store);
    let store = open(&scene.folder, NOW + DAY);
    assert_eq!(
        store.contents().floor(),
        Some(at(NOW + DAY)),
        "the floor is stored"
    );
    assert_eq!(scene.reasons(store.contents(), NOW + DAY), GOOD);
}

#[test]
fn health_tells_how_the_clock_stands_now_and_not_when_something_was_stored() {
    let scene = scene("clock-health");
    let clock = Moved::new(NOW + DAY);
    let settings = settings().with_clock(Arc::new(clock.clone()));
    let (store, _) = DurableStore::open(scene.folder.path(), settings).unwrap();
    assert!(store.health().is_good());
    clock.set(CurrentTime::Unset);
    assert!(matches!(
        store.health().clock,
        ClockState::Unset { floor: Some(_), .. }
    ));
    assert!(store.health().to_string().contains("the clock is not set"));
    clock.set(CurrentTime::Known(at(NOW)));
    assert!(store.health().is_good());
}

/// Writes a floor into the current file, and damages that somewhere else.
fn damage_with_floor(folder: &Folder, floor: u64) {
    let mut store = open(folder, floor);
    store
        .change(|store| {
            store.reset_floor(Some(at(floor)));
            store.add_server(server_id("last"), [])
        })
        .unwrap();
    drop(store);
    apart(folder.path());
    let path = folder.file("trust-store");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\nserver last"), "{text}");
    fs::write(&path, text.replace("\nserver last", "\nservre last")).unwrap();
}

#[test]
fn a_recovery_takes_over_no_floor_that_one_publication_could_not_have_set() {
    for (floor, taken) in [
        (NOW + 366 * DAY, true),
        (NOW + 366 * DAY + 1, false),
        (YEAR_2099, false),
    ] {
        let scene = scene("clock-recover");
        damage_with_floor(&scene.folder, floor);
        let (store, report) = DurableStore::recover(scene.folder.path(), on(NOW)).unwrap();
        let found = Some(at(floor));
        let (kept, left_out) = if taken { (found, None) } else { (None, found) };
        assert_eq!(
            (report.floor, report.floor_left_out),
            (kept, left_out),
            "{report}"
        );
        let said = report.to_string();
        assert_eq!(said.contains("clock floor kept"), taken, "{said}");
        assert_eq!(
            said.contains("clock floor not taken over"),
            !taken,
            "{said}"
        );
        assert_eq!(
            store.contents().floor(),
            Some(at(if taken { floor } else { NOW }))
        );
        let good = scene.reasons(store.contents(), NOW) == GOOD;
        assert_eq!(
            good, !taken,
            "a floor within a year is not told from a right one"
        );
    }
}
