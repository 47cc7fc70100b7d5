//! A model of administration: two processes that change one store, a followed source, restarts, crashes and clocks. All
//! interleavings within bounds keep the rules P1 to P4, P6, M7 and S4. The same steps on real stores give the same states.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "tests"
)]

mod explore;
mod real;
mod store;
mod system;
