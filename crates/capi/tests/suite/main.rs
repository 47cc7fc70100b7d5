//! Programs in C, compiled and run: each TLS stack in both roles, wrong uses, threads, and what the library exports.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod compiled;
mod example;
mod guide;
mod kit;
mod links;
mod peers;
mod refusals;
mod reused;
mod server;
mod symbols;
mod uses;
