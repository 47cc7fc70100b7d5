//! Keys in SoftHSM: handshakes, resets, log-ins.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test that cannot go on has failed"
)]

mod figures;
mod forks;
mod handshakes;
mod keys;
mod log_ins;
mod resets;
#[cfg(target_os = "linux")]
mod residue;
mod sessions;
mod support;
mod tpm;
