//! Files that another program replaces, followed into a durable store (rule S4).

mod common;
mod kept;
mod malformed;
mod mapping;
#[cfg(unix)]
mod mounted;
mod taken;
