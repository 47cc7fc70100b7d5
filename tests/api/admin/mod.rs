//! Reports for an administrator: which peers were seen, what a change or the passing of time would do, what expires,
//! and what happens next.
//!
//! Random stores and calls come from `invariants`.

mod desk;
mod random;

mod crls;
mod draft;
mod drift;
mod expiry;
mod floor;
mod forecast;
mod guard_table;
mod guarded;
mod guided;
mod never_seen;
mod next;
mod pages;
mod predicted;
mod seen;
mod time_alone;
mod usable;
