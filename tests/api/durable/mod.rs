//! Stores that outlive the process: the file, what a crash or an error leaves, recovery (rules I8 and S4).

mod backup;
mod clock;
pub(crate) mod common;
mod crls;
mod damage;
mod damaged;
mod file;
mod guarded;
mod journal;
mod keyless;
mod loading;
mod order;
#[cfg(unix)]
mod owned;
mod recovery;
mod refused;
mod rollback;
mod salvaged;
mod same_key;
mod sealed;
mod shared;
mod sink;
mod store;
#[cfg(target_os = "linux")]
mod syscalls;
#[cfg(target_os = "linux")]
mod together;
mod versions;
mod who;
