//! A change whose publication moves the floor past the end of something in use counts as a lock-out (M7).

use mutual_trust::admin::{Evidence, Impact, LockoutAllowance, block, plan, safe_to_remove};
use mutual_trust::error::PlanError;
use mutual_trust::store::BlockSelector;
use mutual_trust::{AuthorityScope, EntryOptions, ReasonCode, TrustStore};
use pki_types::UnixTime;

use crate::admin::desk::{Desk, peer};
use crate::invariants::pool::days;
use crate::support::pki::{Made, self_signed, spec};
use crate::support::{at, server_id};

const DAY_: i64 = 24 * 60 * 60;

/// `keys-1` with a pin for 100 days, `keys-2` with a chain for 200, published now.
fn desk() -> (Desk, Made, Made, Made) {
    let mut desk = Desk::at(days(0));
    let pin = spec("kms1").valid(-DAY_, 100 * DAY_).self_signed();
    let root = spec("root").ca().valid(-DAY_, 5000 * DAY_).self_signed();
    let leaf = spec("kms2").dns("kms2.example").valid(-DAY_, 200 * DAY_);
    let leaf = leaf.signed_by(&root);
    desk.server("keys-1", &["kms1.example"]);
    desk.server("keys-2", &["kms2.example"]);
    desk.server_pin("keys-1", &pin);
    desk.store
        .install_authority(
            AuthorityScope::AnyServer,
            root.certificate(),
            EntryOptions::new(),
        )
        .unwrap();
    desk.store.snapshot();
    (desk, pin, leaf, root)
}

fn moment(day: i64) -> UnixTime {
    at(days(day).try_into().unwrap())
}

/// What it does to add a server at this time.
fn harmless(desk: &Desk) -> Impact {
    let add = |store: &mut TrustStore| store.add_server(server_id("harmless"), []);
    let plan = plan(&desk.store, &desk.policy, &desk.seen, desk.now(), add);
    plan.unwrap().effects().clone()
}

#[test]
fn a_harmless_change_by_a_clock_300_days_ahead_loses_the_peers_that_the_floor_passes() {
    let (mut desk, pin, leaf, _) = desk();
    assert!(desk.connects("keys-1", &[&pin]) && desk.connects("keys-2", &[&leaf]));
    desk.clock.set(Some(days(300)));
    let effects = harmless(&desk);
    let lost: Vec<_> = effects.lost().items().iter().collect();
    assert_eq!(lost.len(), 2, "{effects}");
    for (effect, (id, before)) in lost.iter().zip([
        ("keys-1", ReasonCode::PinMatched),
        ("keys-2", ReasonCode::ChainVerified),
    ]) {
        assert_eq!((&effect.peer, effect.basis), (&peer(id), Evidence::Floor));
        assert_eq!(effect.before.reason, before);
        assert_eq!(effect.after.reason, ReasonCode::ClockUnset);
    }
    let floor = effects.floor().unwrap();
    assert_eq!((floor.from, floor.to), (moment(0), moment(300)));
    let said = effects.to_string();
    for part in [
        "lost: server keys-1",
        "the floor moves from 2027-01-01T00:00:00Z to 2027-10-28T00:00:00Z",
    ] {
        assert!(said.contains(part), "{said}");
    }

    let add = |store: &mut TrustStore| store.add_server(server_id("other"), []);
    let (policy, now) = (desk.policy, desk.now());
    let planned = plan(&desk.store, &policy, &desk.seen, now, add).unwrap();
    for allowed in [
        LockoutAllowance::none(),
        LockoutAllowance::allow([server_id("keys-1")]),
    ] {
        let refused = planned.apply(&mut desk.store, &desk.seen, now, &allowed);
        assert!(
            matches!(refused, Err(PlanError::Loses { .. })),
            "{refused:?}"
        );
    }
    assert!(desk.view().server(&server_id("other")).is_none());
    let both = LockoutAllowance::allow([server_id("keys-1"), server_id("keys-2")]);
    planned
        .apply(&mut desk.store, &desk.seen, now, &both)
        .unwrap();
    // Once the floor is there, it is not asked again.
    desk.store.snapshot();
    assert!(harmless(&desk).lost().is_empty());
}

#[test]
fn a_server_that_was_never_seen_is_lost_by_the_floor_as_well() {
    let (desk, ..) = desk();
    desk.clock.set(Some(days(101)));
    let effects = harmless(&desk);
    assert!(effects.loses(&peer("keys-1")), "{effects}");
    assert!(
        !effects.loses(&peer("keys-2")),
        "its authority still stands: {effects}"
    );
}

#[test]
fn what_the_floor_does_not_pass_and_what_no_clock_loses_by_it_is_not_lost() {
    let (mut desk, pin, ..) = desk();
    assert!(desk.connects("keys-1", &[&pin]));
    for time in [days(0), days(99), days(100)] {
        desk.clock.set(Some(time));
        assert!(harmless(&desk).lost().is_empty(), "{time}");
    }
    // More than 366 days: the floor stays, so no peer is lost by it; and it is reported.
    desk.clock.set(Some(days(367)));
    assert!(harmless(&desk).lost().is_empty());
    // Published the day before its end, the floor rises by less than a clock may be below it.
    desk.clock.set(Some(days(100)));
    desk.store.snapshot();
    desk.clock.set(Some(days(101)));
    assert!(harmless(&desk).lost().is_empty());
}

#[test]
fn a_server_with_another_pin_is_not_lost_by_the_floor() {
    let (mut desk, ..) = desk();
    let next = spec("next").valid(-DAY_, 800 * DAY_).self_signed();
    desk.server_pin("keys-1", &next);
    desk.clock.set(Some(days(150)));
    assert!(harmless(&desk).lost().is_empty());
    // Nor who gets one by the change itself.
    let (desk, ..) = self::desk();
    desk.clock.set(Some(days(150)));
    let renewed = plan(&desk.store, &desk.policy, &desk.seen, desk.now(), |store| {
        let scope = mutual_trust::PinScope::Server(server_id("keys-1"));
        store.install_pin(scope, next.certificate(), EntryOptions::new())
    });
    let renewed = renewed.unwrap();
    assert!(
        !renewed.effects().loses(&peer("keys-1")),
        "{}",
        renewed.effects()
    );
}

#[test]
fn confirming_a_clock_counts_like_any_other_change_of_the_floor() {
    let (mut desk, pin, ..) = desk();
    assert!(desk.connects("keys-1", &[&pin]));
    desk.clock.set(Some(days(4000)));
    let (policy, now) = (desk.policy, desk.now());
    let confirm = |store: &mut TrustStore| store.confirm_clock();
    let planned = plan(&desk.store, &policy, &desk.seen, now, confirm).unwrap();
    assert!(
        planned.effects().loses(&peer("keys-1")),
        "{}",
        planned.effects()
    );
    let refused = planned.apply(&mut desk.store, &desk.seen, now, &LockoutAllowance::none());
    assert!(
        matches!(refused, Err(PlanError::Loses { .. })),
        "{refused:?}"
    );
}

#[test]
fn resetting_the_floor_to_a_time_after_the_clock_counts_as_the_lock_out_that_it_is() {
    let (mut desk, pin, ..) = desk();
    assert!(desk.connects("keys-1", &[&pin]));
    let reset = |store: &mut TrustStore| Ok(store.reset_floor(Some(at(4_070_908_800))));
    let planned = plan(&desk.store, &desk.policy, &desk.seen, desk.now(), reset).unwrap();
    let effects = planned.effects();
    assert!(effects.loses(&peer("keys-1")), "{effects}");
    assert_eq!(
        effects.lost().items()[0].after.reason,
        ReasonCode::ClockBelowFloor
    );
}

#[test]
fn a_block_is_not_held_up_by_the_floor_and_a_look_at_an_entry_does_not_publish() {
    let (mut desk, pin, ..) = desk();
    assert!(desk.connects("keys-1", &[&pin]));
    let other = self_signed("other.example");
    desk.server("keys-3", &[]);
    let third = desk.server_pin("keys-3", &other);
    desk.store.snapshot();
    desk.clock.set(Some(days(300)));
    let (policy, now) = (desk.policy, desk.now());
    let selector = BlockSelector::Fingerprint(other.certificate.fingerprint());
    let blocking = plan(&desk.store, &policy, &desk.seen, now, |store| {
        Ok(store.block_selector(selector.clone()))
    });
    blocking
        .unwrap()
        .apply(&mut desk.store, &desk.seen, now, &LockoutAllowance::none())
        .unwrap();
    let _ = block(&mut desk.store, &policy, &desk.seen, now, selector);
    let removal = safe_to_remove(desk.view(), &policy, &desk.seen, now, &third).unwrap();
    assert!(removal.is_safe(), "{}", removal.effects());
}
