//! Keys, certificates and requests that we make ourselves, and the files that they are written to. What was made
//! is verified by OpenSSL, if there is one, and used in real handshakes.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
#[path = "../support/mod.rs"]
mod support;

#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
use support::skips;
// Files are written without any feature.
#[cfg(not(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring"))))]
#[path = "../support/skips.rs"]
#[allow(unreachable_pub, reason = "other tests have it in a module of its own")]
mod skips;

// What `tests/residue` knows of keys.
#[cfg(all(feature = "issue", feature = "aws-lc-rs", target_os = "linux"))]
#[path = "../residue/keys.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is not all wanted here")]
mod keys;
#[cfg(all(feature = "issue", feature = "aws-lc-rs", target_os = "linux"))]
#[path = "../residue/needles.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is not all wanted here")]
mod needles;
#[cfg(all(feature = "issue", feature = "aws-lc-rs", target_os = "linux"))]
#[path = "../residue/scan.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is not all wanted here")]
mod scan;

mod folder;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
mod made;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
mod openssl;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
mod renewing;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
mod requests;
#[cfg(all(feature = "issue", feature = "aws-lc-rs", target_os = "linux"))]
mod residue;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
mod signers;
#[cfg(target_os = "linux")]
mod syscalls;
mod writing;
