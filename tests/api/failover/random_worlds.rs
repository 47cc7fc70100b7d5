//! Long random worlds with the default settings and with others.

use std::time::Duration;

use mutual_trust::limits;
use proptest::prelude::*;

use crate::failover::world::{ALL, Epoch, Numbers, Run};
use crate::support::random::config;

fn defaults() -> Numbers {
    Numbers {
        first: limits::FIRST_BACKOFF,
        longest: limits::LONGEST_BACKOFF,
        refusal: limits::REFUSAL_WAIT,
        timeout: limits::ATTEMPT_TIMEOUT,
        spread: limits::BOOT_SPREAD,
        budget: limits::ATTEMPT_BUDGET,
        refill: limits::ATTEMPT_REFILL,
    }
}

fn milliseconds(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn others() -> impl Strategy<Value = Numbers> {
    let times = (
        milliseconds(1..5_000),
        milliseconds(0..60_000),
        milliseconds(1..60_000),
        milliseconds(1..20_000),
        milliseconds(0..10_000),
        milliseconds(1..20_000),
    );
    (times, 1_u32..20).prop_map(
        |((first, more, refusal, timeout, spread, refill), budget)| {
            Numbers {
                first,
                longest: first + more,
                // A refusal waits at least as long as a failure.
                refusal: first + refusal,
                timeout,
                spread,
                budget,
                refill,
            }
        },
    )
}

fn epochs() -> impl Strategy<Value = Vec<Epoch>> {
    (1_usize..7).prop_flat_map(|servers| {
        let states = proptest::collection::vec(proptest::sample::select(&ALL[..]), servers);
        // Short ones, and some that are longer than the bound.
        let lasts = prop_oneof![
            milliseconds(1..3_000),
            milliseconds(1..200_000),
            milliseconds(600_000..3_000_000),
        ];
        let epoch =
            (states, lasts, any::<bool>()).prop_map(|(servers, lasts, trust_changes)| Epoch {
                servers,
                lasts,
                trust_changes,
            });
        proptest::collection::vec(epoch, 1..30)
    })
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn what_is_guaranteed_holds_in_long_worlds(epochs in epochs(), seed in any::<u64>()) {
        let mut run = Run::new(&epochs, defaults(), seed);
        prop_assert_eq!(run.check(), Ok(()));
    }

    #[test]
    fn what_is_guaranteed_holds_with_other_settings(
        epochs in epochs(),
        numbers in others(),
        seed in any::<u64>(),
    ) {
        let mut run = Run::new(&epochs, numbers, seed);
        prop_assert_eq!(run.check(), Ok(()));
    }
}
