//! Rules for the sources, the manifest and the pages, which are read as text.
//!
//! A program of its own: what changes the library does not change what it finds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on has failed"
)]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "the modules of a test have no outside"
)]

use mutual_trust_test_support as support;

mod claims;
mod layering;
mod package;
// The README shows all default features, and verdicts, which need a provider's signature algorithms.
#[cfg(all(
    feature = "admin",
    feature = "enrol",
    any(feature = "aws-lc-rs", feature = "ring")
))]
mod readme;
