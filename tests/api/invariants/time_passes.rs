//! Rules M3 and M7: time only takes a pin's trust away.

use mutual_trust::ReasonCode;
use mutual_trust::policy::VerdictWarning;
use mutual_trust::store::Slot;
use proptest::prelude::*;

use crate::invariants::admin::Admin;
use crate::invariants::operations::{Op, history};
use crate::invariants::pool::days;
use crate::invariants::questions::{Answer, Ask, asks, settle};
use crate::support::random::config;

fn is_clock(warning: &VerdictWarning) -> bool {
    matches!(warning, VerdictWarning::ClockUnset(_))
}

proptest! {
    #![proptest_config(config(250))]

    // M3, I8: what has ended stays ended.
    #[test]
    fn a_later_time_never_turns_an_expired_no_into_a_yes_by_a_pin(
        history in history(25),
        asks in asks(20),
        first in -400..700_i64,
        later in 0..500_i64,
    ) {
        let mut admin = Admin::after(&history);
        // A floor would make unset clocks of early times.
        admin.store.reset_floor(None);
        for ask in settle(&asks, admin.view()) {
            let then = Ask { time: Some(days(first)), ..ask.clone() }.answer(admin.view());
            let ended = |reason| matches!(reason, ReasonCode::Expired | ReasonCode::EntryEnded);
            // Every pin that matched had ended: another one of the same key may yet begin.
            let all = then.considered.iter().all(|item| ended(item.reason));
            if !ended(then.reason) || then.decided.is_none() || !all || then.more > 0 {
                continue;
            }
            let now = Ask { time: Some(days(first + later)), ..ask.clone() }.answer(admin.view());
            prop_assert!(!now.yes(), "{:?}: {:?}, later {:?}", ask, then, now);
        }
    }

    // M7: with an unset clock, ends are judged at the floor and beginnings not at all, with a warning.
    #[test]
    fn an_unset_clock_is_the_floor_for_all_that_has_begun(
        history in history(25),
        asks in asks(20),
        floor in prop_oneof![Just(days(0)), Just(days(100)), Just(days(250)), Just(days(-250))],
    ) {
        let mut admin = Admin::after(&history);
        admin.clock.set(Some(floor));
        admin.store.reset_floor(None);
        drop(admin.apply(&Op::Publish));
        for ask in settle(&asks, admin.view()) {
            let known = Ask { time: Some(floor), ..ask.clone() }.answer(admin.view());
            let unset = Ask { time: None, ..ask.clone() }.answer(admin.view());
            let below = Ask { time: Some(floor - 93_601), ..ask.clone() }.answer(admin.view());
            let one_clock = |answer: &Answer| {
                let mut answer = answer.clone();
                answer.warnings.retain(|warning| !is_clock(warning));
                if answer.reason == ReasonCode::ClockBelowFloor {
                    answer.reason = ReasonCode::ClockUnset;
                }
                (answer.reason, answer.accepted, answer.decided, answer.considered, answer.warnings)
            };
            prop_assert_eq!(one_clock(&unset), one_clock(&below), "more than 26 hours below the floor: {:?}", ask);
            // Every verdict, also a refusal.
            for answer in [&unset, &below] {
                prop_assert!(answer.warnings.iter().any(is_clock), "{:?}", answer);
            }
            // An end that was judged at the floor is no reason to renew anything.
            for answer in [&unset, &below] {
                let ended = [ReasonCode::Expired, ReasonCode::EntryEnded, ReasonCode::IssuerExpired];
                prop_assert!(!ended.contains(&answer.reason), "{:?}", answer);
            }
            let by = |answer: &Answer, slot| answer.accepted.as_ref().is_some_and(|by| by.slot == slot);
            if by(&known, Slot::Pin) {
                prop_assert!(by(&unset, Slot::Pin), "{:?}: {:?}", ask, unset);
            }
            if by(&unset, Slot::Authority) {
                prop_assert!(ask.demands.chains_without_clock, "{:?}", ask);
            }
        }
    }
}
