//! Revocation lists: what is read, what is installed, and what a verdict makes of it (rules C1, C4 and M8).

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
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
    reason = "the modules of a test are its own business"
)]

#[path = "../support/mod.rs"]
mod support;

mod ages;
mod common;
mod handshakes;
mod installing;
mod invariants;
mod kinds;
mod large;
mod mutations;
mod openssl;
mod orders;
mod paths;
mod pins;
mod reading;
mod scopes;
