//! A durable store that follows files which another program replaces (rule S4).

mod common;
mod guarding;
mod kept;
mod lists;
mod malformed;
mod mapping;
#[cfg(unix)]
mod mounted;
#[cfg(unix)]
mod random;
mod taken;
mod told;
