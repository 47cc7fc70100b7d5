//! Files of the library, compiled with the locks of `shuttle`: as they are, and with planted faults. The library itself
//! knows nothing of this.

#![allow(
    clippy::unwrap_used,
    clippy::clone_on_copy,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    missing_docs,
    missing_debug_implementations,
    unnameable_types,
    unreachable_pub,
    dead_code,
    reason = "the included files are documented where they belong"
)]

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

pub mod verified;
pub mod waits;
