//! Rule M7: whatever a clock shows, a publication by it leaves the store open for the right clock.

use mutual_trust::CurrentTime;
use mutual_trust::store::ClockState;
use proptest::prelude::*;

use crate::invariants::admin::Admin;
use crate::invariants::facts::{FLOOR_RISE, FLOOR_TOLERANCE};
use crate::invariants::operations::history;
use crate::invariants::ops::Op;
use crate::invariants::pool::days;
use crate::invariants::questions::{Ask, asks, settle};
use crate::support::random::config;

/// Clocks near the floor and far from it, on either side of each limit, and none.
fn any_clock() -> impl Strategy<Value = Option<i64>> {
    let near = prop_oneof![
        Just(0),
        Just(FLOOR_RISE),
        Just(FLOOR_RISE + 1),
        Just(-FLOOR_TOLERANCE),
        Just(-FLOOR_TOLERANCE - 1),
    ];
    prop_oneof![
        4 => near.prop_map(|far| Some(days(0) + far)),
        4 => (0..days(100_000)).prop_map(Some),
        1 => Just(None),
    ]
}

fn floor_of(admin: &Admin) -> Option<i64> {
    let floor = admin.view().floor();
    floor.map(|floor| i64::try_from(floor.as_secs()).unwrap())
}

proptest! {
    #![proptest_config(config(250))]

    // However many wrong clocks there are, none raises the floor by more than 366 days, and none lowers it.
    #[test]
    fn no_publication_raises_the_floor_by_more_than_366_days(
        clocks in proptest::collection::vec(any_clock(), 1..12),
    ) {
        let mut admin = Admin::new();
        drop(admin.apply(&Op::Publish));
        for clock in clocks {
            let before = floor_of(&admin).unwrap();
            admin.clock.set(clock);
            drop(admin.apply(&Op::Publish));
            let after = floor_of(&admin).unwrap();
            prop_assert!(before <= after && after <= before + FLOOR_RISE, "{before} {after}");
            if let Some(clock) = clock {
                prop_assert!(after <= clock.max(before), "{clock}: {before} {after}");
            }
        }
    }

    // One wrong clock: what the right one was told before, it is told after; at once if the wrong one was further
    // ahead than a year or no further than a clock may be below the floor, else when the floor is reset.
    #[test]
    fn one_wrong_clock_locks_no_peer_out(
        history in history(25),
        asks in asks(20),
        wrong in any_clock(),
        right in prop_oneof![Just(0), 0..FLOOR_RISE],
    ) {
        let mut admin = Admin::after(&history);
        admin.store.reset_floor(None);
        admin.clock.set(Some(days(0)));
        drop(admin.apply(&Op::Publish));
        let right = days(0) + right;
        let asks: Vec<Ask> = settle(&asks, admin.view());
        let ask_all = |admin: &Admin| -> Vec<_> {
            let answers = asks.iter().map(|ask| {
                Ask { time: Some(right), ..ask.clone() }.answer(admin.view())
            });
            answers.collect()
        };
        let before = ask_all(&admin);

        admin.clock.set(wrong);
        drop(admin.apply(&Op::Publish));
        let floor = floor_of(&admin).unwrap();
        let counts = right + FLOOR_TOLERANCE >= floor;
        let state = admin.view().clock_state(CurrentTime::Known(crate::support::at(u64::try_from(right).unwrap())));
        prop_assert_eq!(state.counts(), counts);
        let harmless = wrong.is_none_or(|wrong| {
            wrong <= right + FLOOR_TOLERANCE || wrong > days(0) + FLOOR_RISE
        });
        prop_assert!(counts || !harmless, "{:?} {}", wrong, right);
        if !counts {
            let below = matches!(state, ClockState::BelowFloor { .. });
            prop_assert!(below, "{:?}", state);
            admin.clock.set(Some(right));
            admin.store.reset_floor(None);
            drop(admin.apply(&Op::Publish));
        }
        prop_assert_eq!(before, ask_all(&admin));
    }
}
