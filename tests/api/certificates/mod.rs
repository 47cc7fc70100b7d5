//! Reading certificates, PEM, fingerprints and our own identity: rules I4, K1 and K2.

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

mod against_webpki;
mod edits;
mod encoding;
mod facts;
mod field;
mod fixtures;
mod identity;
mod malformed;
mod mutations;
mod texts;
