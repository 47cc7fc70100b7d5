//! The library, called as its users call it. One program, so that the library and what the tests share are linked once.
//!
//! Each module is a suite, and says at its head what it is about. A suite that needs a feature is built with it.
//! What cannot share a process with other tests runs itself again in a process of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on has failed, and a table names what it is about"
)]
#![allow(
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "the modules of a test have no outside"
)]

use mutual_trust_test_support as support;

// Files are written without any feature.
#[cfg(unix)]
mod issuing;

// The rest asks a provider for its signature algorithms at least.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod attacks;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod certificates;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod crl;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod decisions;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod failover;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod handshakes;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod invariants;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod keys;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod live;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod plain_rustls;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod remembered;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod rotation;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod store;

// What an administrator has.
#[cfg(all(feature = "admin", any(feature = "aws-lc-rs", feature = "ring")))]
mod admin;
#[cfg(all(feature = "bundle", any(feature = "aws-lc-rs", feature = "ring")))]
mod bundle;
#[cfg(all(feature = "admin", any(feature = "aws-lc-rs", feature = "ring")))]
mod durable;
#[cfg(all(feature = "admin", any(feature = "aws-lc-rs", feature = "ring")))]
mod follow;
#[cfg(all(feature = "bundle", any(feature = "aws-lc-rs", feature = "ring")))]
mod member;
#[cfg(all(feature = "admin", any(feature = "aws-lc-rs", feature = "ring")))]
mod portable;

// Unknown peers.
#[cfg(all(feature = "enrol", any(feature = "aws-lc-rs", feature = "ring")))]
mod enrolment;

// All errors there are: some are those of one provider.
#[cfg(all(
    unix,
    feature = "admin",
    feature = "bundle",
    feature = "enrol",
    feature = "issue",
    feature = "encrypted-keys",
    feature = "aws-lc-rs",
    feature = "ring"
))]
mod produced;

// The numbers for a recorder.
#[cfg(all(
    feature = "admin",
    feature = "enrol",
    feature = "metrics",
    any(feature = "aws-lc-rs", feature = "ring")
))]
mod watched;
