//! What a service of tokio gets: streams that end with trust, handshakes that do not delay each other, and the adapters.
//!
//! No test fails on a time: limits only end a test that hangs.

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

#[cfg(feature = "actix")]
mod actix;
mod alerts;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "axum-server")]
mod axum_server;
mod connectors;
mod crowded;
mod endings;
#[cfg(feature = "enrol")]
mod enrolment;
#[cfg(all(feature = "tonic", feature = "tower"))]
mod guide;
#[cfg(any(feature = "actix", feature = "axum", feature = "axum-server"))]
mod http;
#[cfg(feature = "tower")]
mod hyper;
mod listeners;
mod panics;
mod peers;
mod per_generation;
mod streams;
mod support;
#[cfg(all(feature = "tonic", feature = "tower"))]
mod tonic;
