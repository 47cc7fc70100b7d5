//! Publications in a real etcd, and what goes wrong on the way to it.
#![cfg(feature = "etcd")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "the modules of a test have no outside"
)]

mod access;
mod faults;
mod leases;
mod members;
mod pieces;
mod proxy;
mod publishing;
mod raw;
mod reports;
mod server;
mod support;
