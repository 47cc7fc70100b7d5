//! Zero residue: what a private key leaves in the memory of a process that loaded it, used it and let it go.
//!
//! `cargo test --release --test residue` checks it and prints the table; `--all-features` adds what needs a feature,
//! ring among them. Behind `--`, a text selects the cases whose name holds it, and `--times=100` runs each of them so
//! often. Without `--release` a part of the cases is run, held to the same; but that run holds nothing about what
//! signatures leave, as it does not notice a scrub that is missing.
//!
//! Each case is a process of its own: this program again, which gets a key, makes handshakes with it and waits at
//! each moment, while this one reads all of its memory (`scan.rs`) for anything from which the key could be made
//! (`needles.rs`). What is looked for is never in the process that is looked at: nothing has to be hidden there,
//! and no frame of the search covers what lies dead on the stack.
//!
//! Required of aws-lc-rs: after loading and after each signature nothing but the pieces of the provider's one live
//! copy, on the heap; after an error or a drop nothing at all. What ring keeps is measured.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "shared with tests that are libraries")]

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod drive;
#[cfg(all(target_os = "linux", feature = "encrypted-keys"))]
mod encrypted;
#[cfg(all(target_os = "linux", feature = "encrypted-keys"))]
mod mixing;
#[cfg(target_os = "linux")]
mod plants;
#[cfg(target_os = "linux")]
mod rules;
#[cfg(target_os = "linux")]
mod runner;
#[cfg(target_os = "linux")]
mod table;

#[cfg(target_os = "linux")]
use mutual_trust_test_support::{
    handshake,
    residue::{keys, needles, scan},
};

fn main() {
    #[cfg(target_os = "linux")]
    drive::main();
    #[cfg(not(target_os = "linux"))]
    println!("residue: reads /proc, which is not here");
}
