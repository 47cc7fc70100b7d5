//! Trust that changes while it is in use: publications, configurations that follow them, open connections, and what
//! those who look on are told.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "tracing")]
mod awaited;
mod events;
mod links;
mod observed;
mod publishing;
mod queue;
mod recheck;
