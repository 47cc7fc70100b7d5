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
    reason = "the shared folders of tests have more than is used here"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../issuing/folder.rs"]
mod folder;

#[path = "../issuing/openssl.rs"]
mod openssl;

mod clock;
mod enrolling;
mod identities;
mod judging;
mod links;
mod looking;
mod output;
mod run;
mod stores;
