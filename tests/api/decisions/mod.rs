//! The decision table: a row for every rule and every interaction of what is held, what is presented, the
//! clock, the names and the role. Verdicts only; no TLS.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![allow(
    unreachable_pub,
    clippy::wildcard_enum_match_arm,
    reason = "modules of a test binary have no outside, and a table names what it is about"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod blocks;
mod breaches;
mod chains;
mod clients;
mod clock;
mod codes;
mod counted;
mod demands;
mod explained;
mod generations;
mod imports;
mod issuers;
mod limits;
mod matches;
mod matrix;
mod names;
mod pins;
mod profile;
mod revoked;
mod rfc5280;
mod row;
mod sense;
mod signers;
mod spellings;
mod states;
mod text;
mod told;
mod variants;
mod world;
