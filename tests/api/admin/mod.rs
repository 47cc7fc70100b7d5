//! What an administrator is told: what was seen, what a change or the time would do, what runs out, what comes next.
//!
//! The random stores and calls are those of the invariants.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![allow(
    clippy::type_complexity,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on has failed"
)]
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "the modules of a test are its own business"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../invariants/admin.rs"]
mod admin;
#[path = "../invariants/asks.rs"]
mod asks;
#[path = "../invariants/copies.rs"]
mod copies;
#[path = "../invariants/operations.rs"]
mod operations;
#[path = "../invariants/ops.rs"]
mod ops;
#[path = "../invariants/pool.rs"]
mod pool;
#[path = "../invariants/questions.rs"]
mod questions;
#[path = "../invariants/rows.rs"]
mod rows;

mod desk;
mod random;

mod crls;
mod draft;
mod drift;
mod expiry;
mod floor;
mod forecast;
mod guarded;
mod guided;
mod never_seen;
mod next;
mod predicted;
mod seen;
mod time_alone;
mod usable;

use proptest::test_runner::{Config, RngSeed};

/// Cases of a test: the same in every run unless the environment says otherwise.
fn config(cases: u32) -> Config {
    let given = |name: &str| std::env::var_os(name).is_some();
    let mut config = Config::default();
    if !given("PROPTEST_CASES") {
        config.cases = cases;
    }
    if !given("PROPTEST_MAX_SHRINK_ITERS") {
        config.max_shrink_iters = 2_000;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(20_270_101);
    }
    config.failure_persistence = None;
    config
}
