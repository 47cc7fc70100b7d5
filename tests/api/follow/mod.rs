//! Files that another program replaces, followed into a durable store (rule S4).

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
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
    missing_docs,
    missing_debug_implementations,
    reason = "the modules of a test are its own business"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../issuing/folder.rs"]
#[allow(dead_code, reason = "it is not all wanted here")]
mod folder;

mod common;
mod kept;
mod malformed;
mod mapping;
#[cfg(unix)]
mod mounted;
mod taken;
