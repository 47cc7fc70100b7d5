//! Invariants of stores and verdicts, over random stores and random calls of an administrator.
//!
//! Every run tries the same cases. `PROPTEST_RNG_SEED=7` tries others and `PROPTEST_CASES=10000` more of them.

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
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "the modules of a test are its own business"
)]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod asks;
mod calls;
mod copies;
mod facts;
mod judge;
mod operations;
mod ops;
mod pool;
mod questions;
mod rows;
mod world;

mod against_model;
mod calls_on_stores;
mod claims;
mod floor;
mod order;
mod same_key;
mod stored;
mod time_passes;
mod verdicts;

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
