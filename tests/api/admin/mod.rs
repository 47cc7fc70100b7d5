//! What an administrator is told: what was seen, what a change or the time would do, what runs out, what comes next.
//!
//! The random stores and calls are those of the invariants.

mod desk;
mod random;

mod crls;
mod draft;
mod drift;
mod expiry;
mod floor;
mod forecast;
mod guarded;
mod guided;
mod never_seen;
mod next;
mod predicted;
mod seen;
mod time_alone;
mod usable;
