//! Every small world: all stores within stated bounds, all questions about each, every verdict held against the slow
//! model.
//!
//! `MUTUAL_TRUST_WORLDS` says how much of it: see the README of this package.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "tests"
)]

mod arms;
mod asks;
mod check;
mod keys;
mod pool;
mod run;
mod stores;
