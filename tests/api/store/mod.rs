//! What the store alone shows of the trust rules: installing (I1–I9), blocks (P1), claims (P2), migration (P3)
//! and levels (P4), and the floor (M7).

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![allow(unreachable_pub, reason = "modules of a test binary have no outside")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

#[macro_use]
mod common;

mod again;
mod blocks;
mod bundles;
mod claims;
mod clock;
mod fingerprints;
mod groups;
mod migration;
mod names;
mod options;
mod reissued;
mod release;
mod reports;
mod roles;
mod signatures;
mod slots;
mod update;
mod views;
