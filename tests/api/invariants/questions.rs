//! Questions about peers, at random.

use proptest::prelude::*;

use crate::invariants::operations::any_item;
use crate::invariants::pool::{days, item, pool};

pub use crate::invariants::asks::*;

pub fn any_peer() -> impl Strategy<Value = Peer> {
    let id = prop_oneof![9 => 0..3_usize, 1 => Just(3)];
    let name = 0..NAMES.len();
    prop_oneof![
        4 => (id, proptest::option::of(name.clone())).prop_map(|(id, name)| Peer::Id(id, name)),
        2 => name.prop_map(Peer::Name),
        2 => Just(Peer::Client),
    ]
}

/// Moments at which validity periods, ends and migrations begin and stop, and unset.
pub fn any_time() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        8 => Just(Some(days(0))),
        1 => Just(Some(days(100) - 200)),
        1 => Just(Some(days(100) - 400)),
        1 => Just(Some(days(40))),
        1 => Just(Some(days(200))),
        1 => Just(Some(days(200) + 1)),
        1 => Just(Some(days(300) + 1)),
        1 => Just(Some(days(-300))),
        2 => Just(None),
    ]
}

pub fn any_demands() -> impl Strategy<Value = Demands> {
    let rarely = || proptest::bool::weighted(0.15);
    (
        proptest::bool::weighted(0.3),
        rarely(),
        proptest::bool::ANY,
        rarely(),
    )
        .prop_map(
            |(unlisted, pins_only, chains_without_clock, grace)| Demands {
                unlisted,
                pins_only,
                chains_without_clock,
                grace,
            },
        )
}

pub fn any_ask() -> impl Strategy<Value = Ask> {
    let presented = prop_oneof![
        2 => any_item().prop_map(Presented::Item),
        2 => (0..64_usize).prop_map(Presented::Held),
        3 => (0..64_usize, 0..16_usize).prop_map(|(at, choice)| Presented::Below(at, choice)),
    ];
    let issuer = prop_oneof![2 => item("inter-a")..item("inter-old"), 1 => 0..item("s1")];
    let chain = proptest::collection::vec(issuer, 0..3);
    (any_peer(), presented, chain, any_time(), any_demands()).prop_map(
        |(peer, presented, chain, time, demands)| Ask {
            peer,
            presented,
            chain,
            time,
            demands,
        },
    )
}

pub fn asks(count: usize) -> impl Strategy<Value = Vec<Ask>> {
    proptest::collection::vec(any_ask(), count)
}

/// Fails with the first question to which the answers differ.
pub fn same(asks: &[Ask], before: &[Answer], after: &[Answer]) -> Result<(), TestCaseError> {
    for ((ask, before), after) in asks.iter().zip(before).zip(after) {
        prop_assert_eq!(before, after, "{:?} of {}", ask, pool()[ask.item()].name);
    }
    Ok(())
}
