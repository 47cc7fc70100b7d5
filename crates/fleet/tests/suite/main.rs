//! What carries publications, and what a hostile carrier can do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "the modules of a test have no outside"
)]

mod agent;
mod folder;
#[cfg(feature = "http")]
mod foreign;
#[cfg(feature = "http")]
mod hostile;
#[cfg(feature = "server")]
mod hub;
#[cfg(feature = "http")]
mod lists;
mod reports;
mod support;
