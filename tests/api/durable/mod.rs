//! Stores that outlive the process: the file, what a crash or an error leaves, recovery (rules I8 and S4).

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
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
mod folder;

mod clock;
mod common;
mod crls;
mod damage;
mod file;
mod guarded;
mod loading;
mod recovery;
mod sealed;
mod store;
#[cfg(target_os = "linux")]
mod syscalls;
mod versions;
mod who;
