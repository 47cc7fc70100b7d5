//! The command from end to end: it is run as people run it, and what it prints is read.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(
    dead_code,
    missing_debug_implementations,
    unreachable_pub,
    reason = "the files shared with other tests have more than is used here"
)]

#[path = "../../../../tests/issuing/folder.rs"]
mod folder;

#[path = "../../../../tests/issuing/openssl.rs"]
mod openssl;

mod support;

mod clock;
mod enrolling;
mod identities;
mod judging;
mod links;
mod looking;
mod output;
mod run;
mod stores;
