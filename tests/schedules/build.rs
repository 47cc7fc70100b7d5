//! Copies files of the library, with the locks of `shuttle` in place of those of the standard library: once as
//! they are, and once for each planted fault, so that the tests show that such a fault is found.

#![allow(
    clippy::expect_used,
    reason = "a build script that cannot go on has failed"
)]

#[path = "build/copies.rs"]
mod copies;
#[path = "build/memory.rs"]
mod memory;
#[path = "build/queue.rs"]
mod queue;
#[path = "build/rotation.rs"]
mod rotation;
#[path = "build/sink.rs"]
mod sink;
#[path = "build/verified.rs"]
mod verified;
#[path = "build/waits.rs"]
mod waits;

use std::env;
use std::path::PathBuf;

fn main() {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    for model in [
        waits::MODEL,
        verified::MODEL,
        memory::MODEL,
        queue::MODEL,
        rotation::MODEL,
        sink::MODEL,
    ] {
        model.write(&own.join("../../src"), &out);
    }
}
