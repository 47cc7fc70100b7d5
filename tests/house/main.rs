//! Rules for the sources, the manifest and the pages, which are read as text.
//!
//! A program of its own: what changes the library does not change what it finds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on has failed"
)]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "the modules of a test have no outside"
)]

use std::fs::read_dir;
use std::path::{Path, PathBuf};

use mutual_trust_test_support as support;

/// The files below a folder whose path is wanted, ordered by path; a folder that is not wanted is not entered. The path
/// of a file gives the file itself.
fn files_below(path: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    if !is_wanted(path) {
        return Vec::new();
    }
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut entries: Vec<PathBuf> = read_dir(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    let below = entries
        .iter()
        .flat_map(|entry| files_below(entry, is_wanted));
    below.collect()
}

/// Whether the name of a file ends so; folders are entered.
fn ends_with(path: &Path, endings: &[&str]) -> bool {
    path.is_dir()
        || endings
            .iter()
            .any(|ending| path.extension().is_some_and(|has| has == *ending))
}

mod claims;
mod layering;
mod package;
// The README shows all default features, and verdicts, which need a provider's signature algorithms.
#[cfg(all(
    feature = "admin",
    feature = "enrol",
    any(feature = "aws-lc-rs", feature = "ring")
))]
mod readme;
