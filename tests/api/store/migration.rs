//! Migrating from pins to authorities (rule P3).

use mutual_trust::certificate::CurrentTime;
use mutual_trust::error::StoreError as E;
use mutual_trust::store::{Claim, Outcome, TrustSource};
use mutual_trust::{AuthorityScope, TrustStore};

use crate::store::common::*;
use crate::support::*;

const UNTIL: u64 = NOW + 30 * DAY;

fn migrating() -> Claim {
    Claim::Migrating { until: at(UNTIL) }
}

/// Server `s` claimed, `u` not; authorities for any server and for `s`.
fn prepared() -> TrustStore {
    let mut store = with_servers(&["s", "u"]);
    store
        .install_authority(AuthorityScope::AnyServer, fixture("ca-root"), options())
        .unwrap();
    store
        .install_authority(authority("s"), fixture("ca-other"), options())
        .unwrap();
    store
        .install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    store
}

#[test]
fn a_claimed_server_can_be_set_to_migrate_until_a_stated_time() {
    let mut store = prepared();
    let report = changed!(store, store.migrate(&server_id("s"), at(UNTIL)).unwrap());
    assert_eq!(report.done(), Outcome::Changed);
    assert_eq!(claim(&store, "s"), migrating());
    // The pin decides as before: it is asked first, and it is still there.
    assert_eq!(level(&store, "s"), TrustSource::OwnPins);
    assert!(
        store
            .contents()
            .entry(&pin_key(of_server("s"), &fixture("ee-p256")))
            .is_some()
    );
    // Never global.
    assert_eq!(claim(&store, "u"), Claim::Unclaimed);
    // Another end is another change.
    changed!(
        store,
        store.migrate(&server_id("s"), at(UNTIL + 1)).unwrap()
    );
    let report = changed!(store, store.stop_migrating(&server_id("s")).unwrap());
    assert_eq!(report.done(), Outcome::Changed);
    assert_eq!(claim(&store, "s"), Claim::Claimed);
    nothing_new!(store, store.stop_migrating(&server_id("s")).unwrap());
}

#[test]
fn a_migration_of_a_server_that_no_authority_accepts_says_so() {
    let mut store = with_servers(&["s"]);
    let done = store.install_pin(server("s"), fixture("ee-p256"), options());
    let _ = done.unwrap();
    let report = changed!(store, store.migrate(&server_id("s"), at(UNTIL)).unwrap());
    let text = report.to_string();
    assert!(
        text.contains("server s migrates and has no authority"),
        "{text}"
    );
    let mut store = prepared();
    let report = changed!(store, store.migrate(&server_id("s"), at(UNTIL)).unwrap());
    assert!(!report.to_string().contains("no authority"), "{report}");
}

#[test]
fn the_end_of_a_migration_lies_in_the_future() {
    let mut store = prepared();
    for past in [0, NOW - 1, NOW] {
        refused!(
            store,
            store.migrate(&server_id("s"), at(past)),
            E::EndInThePast
        );
    }
    changed!(store, store.migrate(&server_id("s"), at(NOW + 1)).unwrap());
}

#[test]
fn a_migration_lasts_at_most_366_days_and_can_be_set_again() {
    // P3. Without an end that comes, it would be priority that falls back (P2).
    let mut store = prepared();
    let latest = NOW + 366 * DAY;
    for far in [latest + 1, NOW + 2000 * DAY, u64::MAX] {
        refused!(
            store,
            store.migrate(&server_id("s"), at(far)),
            E::MigrationTooLong { latest: Some(found), limit: 366, .. }
                if found.seconds() == i64::try_from(latest).unwrap()
        );
    }
    changed!(store, store.migrate(&server_id("s"), at(latest)).unwrap());
    let error = store
        .migrate(&server_id("s"), at(latest + 1))
        .unwrap_err()
        .to_string();
    assert!(error.contains("366 days"), "{error}");
    assert!(error.contains("2028-01-02T00:00:00Z"), "{error}");
    // For the members of a group as well.
    store.add_group(group_id("g")).unwrap();
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    refused!(
        store,
        store.migrate_group(&group_id("g"), at(latest + 1)),
        E::MigrationTooLong { .. }
    );
    // A year later it can be set for another one.
    let mut store = store.with_clock(std::sync::Arc::new(CurrentTime::Known(at(latest - DAY))));
    changed!(
        store,
        store
            .migrate(&server_id("s"), at(latest + 365 * DAY))
            .unwrap()
    );
}

/// A store on a clock that can be set, with the claimed server `s`.
fn claimed_on_clock() -> (TrustStore, Moved) {
    let (mut store, clock) = on_clock();
    store.add_server(server_id("s"), []).unwrap();
    store
        .install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    (store, clock)
}

#[test]
fn without_a_clock_a_migration_is_bounded_from_the_floor_on() {
    // P3, M7.
    let (mut store, clock) = claimed_on_clock();
    clock.set(CurrentTime::Unset);
    // Nothing says from when on the days count.
    refused!(
        store,
        store.migrate(&server_id("s"), at(NOW + 1)),
        E::MigrationTooLong { latest: None, .. }
    );
    clock.set(CurrentTime::Known(at(NOW)));
    store.snapshot();
    clock.set(CurrentTime::Unset);
    let latest = NOW + 366 * DAY;
    refused!(
        store,
        store.migrate(&server_id("s"), at(latest + 1)),
        E::MigrationTooLong {
            latest: Some(_),
            ..
        }
    );
    changed!(store, store.migrate(&server_id("s"), at(latest)).unwrap());
}

#[test]
fn a_clock_that_jumped_sets_no_migration_that_outlasts_it() {
    // P3, M7: the end would stay when the clock is right again.
    let (mut store, clock) = claimed_on_clock();
    store.snapshot();
    let jumped = NOW + 70 * 366 * DAY;
    clock.set(CurrentTime::Known(at(jumped)));
    refused!(
        store,
        store.migrate(&server_id("s"), at(jumped + DAY)),
        E::ClockNotConfirmed { .. }
    );
    // The administrator says that the clock is right.
    store.confirm_clock().unwrap();
    let latest = jumped + 366 * DAY;
    changed!(store, store.migrate(&server_id("s"), at(latest)).unwrap());
}

#[test]
fn without_a_clock_the_end_of_a_migration_is_judged_at_the_floor() {
    // M7.
    let (mut store, clock) = claimed_on_clock();
    store.snapshot();
    for clock_now in [CurrentTime::Unset, CurrentTime::Known(at(NOW - 2 * DAY))] {
        clock.set(clock_now);
        refused!(
            store,
            store.migrate(&server_id("s"), at(NOW)),
            E::EndAtFloor { .. }
        );
        store.migrate(&server_id("s"), at(NOW + 1)).unwrap();
        store.stop_migrating(&server_id("s")).unwrap();
    }
}

#[test]
fn what_is_not_claimed_does_not_migrate() {
    let mut store = prepared();
    let unclaimed =
        |error: &E| matches!(error, E::NotClaimed { server, .. } if server.as_str() == "u");
    refused!(store, store.migrate(&server_id("u"), at(UNTIL)), error if unclaimed(error));
    refused!(store, store.stop_migrating(&server_id("u")), error if unclaimed(error));
    refused!(
        store,
        store.migrate(&server_id("nobody"), at(UNTIL)),
        E::UnknownServer(_)
    );
    refused!(
        store,
        store.stop_migrating(&server_id("nobody")),
        E::UnknownServer(_)
    );
    refused!(
        store,
        store.migrate_group(&group_id("nobody"), at(UNTIL)),
        E::UnknownGroup(_)
    );
}

#[test]
fn a_server_without_a_pin_left_can_migrate() {
    let mut store = prepared();
    store
        .remove(&pin_key(of_server("s"), &fixture("ee-p256")))
        .unwrap();
    changed!(store, store.migrate(&server_id("s"), at(UNTIL)).unwrap());
    assert_eq!(claim(&store, "s"), migrating());
}

#[test]
fn a_migrating_server_is_claimed_and_stays_so() {
    let mut store = prepared();
    store.migrate(&server_id("s"), at(UNTIL)).unwrap();
    // Pins may come and go, and groups too: the migration stays as it was stated.
    store.add_group(group_id("g")).unwrap();
    store
        .install_pin(group("g"), fixture("ee-p384"), options())
        .unwrap();
    let report = store.join_group(&group_id("g"), &server_id("s")).unwrap();
    assert!(claims(&report).is_empty());
    store
        .install_pin(server("s"), new_pin(), options())
        .unwrap();
    store.leave_group(&server_id("s")).unwrap();
    assert_eq!(claim(&store, "s"), migrating());
    // It is released like any claimed server, and only so.
    refused!(
        store,
        store.remove_server(&server_id("s")),
        E::Claimed { .. }
    );
    store.release(&server_id("s")).unwrap();
    assert_eq!(claim(&store, "s"), Claim::Unclaimed);
}

#[test]
fn the_passing_of_time_changes_nothing_in_the_store() {
    // P3: after that time P2 holds again, without a call; and `stop_migrating` says it.
    let (mut store, clock) = claimed_on_clock();
    store.migrate(&server_id("s"), at(UNTIL)).unwrap();
    clock.to(UNTIL + 1);
    assert_eq!(claim(&store, "s"), migrating());
    refused!(
        store,
        store.remove_server(&server_id("s")),
        E::Claimed { .. }
    );
    changed!(store, store.stop_migrating(&server_id("s")).unwrap());
}

#[test]
fn a_group_migrates_by_its_present_members() {
    let mut store = with_servers(&["a", "b", "later", "left"]);
    store.add_group(group_id("g")).unwrap();
    for id in ["a", "b", "left"] {
        store.join_group(&group_id("g"), &server_id(id)).unwrap();
    }
    store
        .install_pin(group("g"), fixture("ee-p256"), options())
        .unwrap();
    store.leave_group(&server_id("left")).unwrap();
    refused!(
        store,
        store.migrate_group(&group_id("g"), at(NOW)),
        E::EndInThePast
    );
    let report = changed!(
        store,
        store.migrate_group(&group_id("g"), at(UNTIL)).unwrap()
    );
    assert_eq!(report.done(), Outcome::Changed);
    store
        .join_group(&group_id("g"), &server_id("later"))
        .unwrap();
    for (id, expected) in [
        ("a", migrating()),
        ("b", migrating()),
        ("left", Claim::Claimed),
        ("later", Claim::Claimed),
    ] {
        assert_eq!(claim(&store, id), expected, "{id}");
    }
    // It is kept per server: one may stop, and leaving the group does not.
    store.stop_migrating(&server_id("a")).unwrap();
    store.leave_group(&server_id("b")).unwrap();
    assert_eq!(claim(&store, "a"), Claim::Claimed);
    assert_eq!(claim(&store, "b"), migrating());
}

#[test]
fn a_group_migrates_whole_or_not_at_all() {
    // A member that is not claimed: its group held no pin when it joined, and holds none now.
    let mut store = with_servers(&["a", "b"]);
    store.add_group(group_id("g")).unwrap();
    for id in ["a", "b"] {
        store.join_group(&group_id("g"), &server_id(id)).unwrap();
    }
    store
        .install_pin(server("a"), fixture("ee-p256"), options())
        .unwrap();
    refused!(
        store,
        store.migrate_group(&group_id("g"), at(UNTIL)),
        E::NotClaimed { server, .. } if server.as_str() == "b"
    );
    assert_eq!(claim(&store, "a"), Claim::Claimed);
}

#[test]
fn migrating_reports_that_authorities_are_asked_and_stopping_that_they_are_not() {
    // I9: every change reports what it exposes and shadows. P3 lets authorities vouch for what is not pinned.
    let mut store = prepared();
    let report = store.migrate(&server_id("s"), at(UNTIL)).unwrap();
    assert_eq!(exposes(&report), ["s"], "{report}");
    let report = store.stop_migrating(&server_id("s")).unwrap();
    assert_eq!(shadows(&report), ["s"], "{report}");
}

#[test]
fn a_change_of_authorities_is_reported_for_a_migrating_server() {
    // I9 and P4, to whom P3 sends what matches no pin: removing the last of a level reports what that exposes.
    let mut store = prepared();
    store.migrate(&server_id("s"), at(UNTIL)).unwrap();
    let report = store
        .remove(&authority_key(of_server("s"), &fixture("ca-other")))
        .unwrap();
    assert_eq!(exposes(&report), ["s"], "{report}");
    let report = store
        .install_authority(authority("s"), fixture("ca-other"), options())
        .unwrap();
    assert_eq!(shadows(&report), ["s"], "{report}");
}
