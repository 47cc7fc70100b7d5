//! The C interface of [`mutual_trust`]: the verdict on a peer, its trust store and its administration.
//!
//! The interface is the header `include/mutual_trust.h`. A test makes it from the entries of this crate and compares, so
//! that both say the same. This crate is the one place of the workspace with `unsafe`, and that stands in `argument`, which reads
//! and writes what C hands over, and in the macro of `entry`, which calls it. The entries themselves are safe code.
//!
//! Every entry
//! - takes pointers with lengths, and numbers; a number of an enumeration is compared, never taken as an enumeration;
//! - checks for NULL and for lengths that cannot be, before it reads;
//! - catches a panic and answers as for a refusal;
//! - writes its outputs in any case: NULL and 0 until it succeeds.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test that cannot go on has failed"
    )
)]

#[macro_use]
mod entry;

mod admin;
mod argument;
mod blocks;
mod certificates;
mod enrolment;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
#[cfg(test)]
mod header;
mod json;
mod judge;
mod library;
mod listing;
mod live;
mod options;
mod peer;
mod policy;
mod reasons;
mod report;
mod servers;
mod settings;
mod status;
mod store;
mod verdict;
