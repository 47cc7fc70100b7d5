//! One wrong clock never raises the floor far, says so, and is taken back by its own call (M7).

use mutual_trust::error::StoreError as E;
use mutual_trust::store::{ClockState, StoreWarning as W};
use mutual_trust::{CurrentTime, TrustStore};

use crate::store::common::*;
use crate::support::*;

const HOUR: u64 = 60 * 60;
/// How far below the floor a clock counts, and how far above it one raises it.
const BELOW: u64 = 26 * HOUR;
const ABOVE: u64 = 366 * DAY;

/// A store that was published at `NOW`.
fn published() -> (TrustStore, Moved) {
    let (mut store, clock) = on_clock();
    store.add_server(server_id("s"), []).unwrap();
    store.snapshot();
    (store, clock)
}

#[test]
fn a_publication_raises_the_floor_by_366_days_at_most() {
    for (ahead, raised) in [
        (1, true),
        (300 * DAY, true),
        (ABOVE, true),
        (ABOVE + 1, false),
        (70 * ABOVE, false),
    ] {
        let (mut store, clock) = published();
        clock.to(NOW + ahead);
        let generation = store.contents().generation();
        let view = store.snapshot();
        let floor = if raised { NOW + ahead } else { NOW };
        assert_eq!(view.floor(), Some(at(floor)), "{ahead}");
        assert_eq!(view.generation() > generation, raised, "{ahead}");
        // The clock counts in any case.
        assert!(store.clock_state().counts(), "{ahead}");
        assert_eq!(store.clock_state().is_good(), raised, "{ahead}");
    }
}

#[test]
fn the_first_publication_takes_any_clock_and_a_reset_corrects_it() {
    let (mut store, clock) = on_clock();
    clock.to(NOW + 70 * ABOVE);
    assert_eq!(store.clock_state(), ClockState::Known);
    store.snapshot();
    clock.to(NOW);
    assert!(!store.clock_state().counts());
    // Forgotten, it is that of the next publication.
    assert!(store.reset_floor(None).warnings().is_empty());
    assert_eq!(store.snapshot().floor(), Some(at(NOW)));
    assert!(store.clock_state().is_good());
}

#[test]
fn every_change_says_that_the_clock_jumped_until_it_is_confirmed() {
    let (mut store, clock) = published();
    let year_off = NOW + 400 * DAY;
    clock.to(year_off);
    for number in 0..3 {
        let id = server_id(&format!("s-{number}"));
        let report = changed!(store, store.add_server(id, []).unwrap());
        let warnings = report.warnings();
        let [W::ClockJumped(state)] = warnings.items() else {
            panic!("{report}");
        };
        assert!(matches!(
            state,
            ClockState::Jumped { clock, floor, .. }
                if (*clock, *floor) == (at(year_off), at(NOW))
        ));
        for part in ["the clock jumped", "2028-02-05", "2027-01-01", "confirmed"] {
            assert!(report.to_string().contains(part), "{report}");
        }
        assert_eq!(store.snapshot().floor(), Some(at(NOW)));
    }
    changed!(store, store.confirm_clock().unwrap());
    assert_eq!(store.snapshot().floor(), Some(at(year_off)));
    nothing_new!(store, store.confirm_clock().unwrap());
    let report = changed!(store, store.add_server(server_id("t"), []).unwrap());
    assert!(report.warnings().is_empty(), "{report}");
    // What was confirmed can be taken back.
    clock.to(NOW);
    changed!(store, store.reset_floor(Some(at(NOW))));
    assert!(store.clock_state().is_good());
}

#[test]
fn there_is_nothing_to_confirm_without_a_clock_that_counts() {
    let (mut store, clock) = published();
    for wrong in [CurrentTime::Unset, CurrentTime::Known(at(NOW - BELOW - 1))] {
        clock.set(wrong);
        refused!(store, store.confirm_clock(), E::NothingToConfirm { .. });
    }
    for near in [NOW, NOW - BELOW, NOW + ABOVE] {
        clock.to(near);
        nothing_new!(store, store.confirm_clock().unwrap());
    }
}

#[test]
fn a_clock_below_the_floor_is_told_from_one_that_is_not_set() {
    let (mut store, clock) = published();
    clock.to(NOW - BELOW - 1);
    let report = store.add_server(server_id("a"), []).unwrap();
    assert!(matches!(
        report.warnings().items(),
        [W::ClockBelowFloor(ClockState::BelowFloor { clock, floor, .. })]
            if (*clock, *floor) == (at(NOW - BELOW - 1), at(NOW))
    ));
    let said = report.to_string();
    assert!(
        said.contains("more than 26 hours below the floor"),
        "{said}"
    );
    assert!(
        said.contains("reset the floor") && !said.contains("not set"),
        "{said}"
    );
    // A machine without a clock is not told so at each change: it is no mistake.
    clock.set(CurrentTime::Unset);
    let report = store.add_server(server_id("b"), []).unwrap();
    assert!(report.warnings().is_empty(), "{report}");
    let said = store.clock_state().to_string();
    assert!(
        said.contains("the clock is not set") && said.contains("2027-01-01"),
        "{said}"
    );
    clock.to(NOW - BELOW);
    let report = store.add_server(server_id("c"), []).unwrap();
    assert!(report.warnings().is_empty(), "{report}");
}

// The administrator of a store with a wrong floor sets an end that lies ahead, and hears what is wrong.
#[test]
fn an_end_that_has_passed_at_the_floor_alone_is_refused_with_the_clock_and_the_floor() {
    let (mut store, clock) = on_clock();
    clock.to(NOW + 70 * ABOVE);
    store.add_server(server_id("s"), []).unwrap();
    store.snapshot();
    clock.to(NOW);
    let with_end = |end| options().with_end(at(end));
    let pin = new_pin();
    refused!(
        store,
        store.install_pin(server("s"), pin.clone(), with_end(NOW + 30 * DAY)),
        E::EndAtFloor {
            state: ClockState::BelowFloor { .. },
            ..
        }
    );
    refused!(
        store,
        store.install_pin(server("s"), pin.clone(), with_end(NOW - 1)),
        E::EndInThePast
    );
    store.reset_floor(None);
    store.snapshot();
    let report = store
        .install_pin(server("s"), pin, with_end(NOW + 30 * DAY))
        .unwrap();
    assert!(report.warnings().is_empty(), "{report}");
}
