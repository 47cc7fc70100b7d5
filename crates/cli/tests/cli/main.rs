//! The command from end to end: it is run as people run it, and what it prints is read.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod asked;
mod backups;
mod clock;
mod ends;
mod enrolling;
mod exporting;
#[cfg(feature = "http")]
mod fetching;
mod fleets;
#[cfg(feature = "etcd")]
mod fleets_etcd;
#[cfg(feature = "http")]
mod fleets_https;
mod following;
#[cfg(feature = "formats")]
mod formats;
mod guarding;
mod hardware;
mod identities;
mod judging;
mod kmip;
mod links;
mod looking;
mod manual;
mod ordering;
mod output;
mod reporting;
mod rotating;
mod run;
mod schema;
mod sealing;
mod service;
mod sharing;
mod stores;
mod trickling;
mod undoing;
mod verbs;

use mutual_trust_test_support as support;
use support::{folder, openssl};
