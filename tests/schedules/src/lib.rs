//! Files of the library, compiled with the locks of `shuttle`: as they are, and with planted faults. The library itself
//! knows nothing of this.

#![allow(
    clippy::unwrap_used,
    clippy::clone_on_copy,
    clippy::new_without_default,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    missing_docs,
    missing_debug_implementations,
    unnameable_types,
    unreachable_pub,
    dead_code,
    reason = "the included files are documented where they belong"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file of a copy, as the build script wrote it.
macro_rules! copied {
    ($model:literal, $name:ident, $file:literal) => {
        include!(concat!(
            env!("OUT_DIR"),
            "/",
            $model,
            "/",
            stringify!($name),
            "/",
            $file,
            ".rs"
        ));
    };
}
use copied;

pub mod memory;
pub mod queue;
pub mod rotation;
pub mod sink;

pub mod verified;
pub mod waits;

/// After how many random schedules, at most so many, a scenario fails.
pub fn found_after(scenario: fn(), most: usize) -> Option<usize> {
    let tried = Arc::new(AtomicUsize::new(0));
    let counter = tried.clone();
    let run = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        scenario();
    };
    let found = catch_unwind(AssertUnwindSafe(|| shuttle::check_random(run, most))).is_err();
    found.then(|| tried.load(Ordering::Relaxed))
}
