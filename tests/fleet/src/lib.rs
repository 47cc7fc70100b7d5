//! A fleet in simulation: members with real stores on disk, a publisher and a network with faults, held against a model after
//! each step. Everything follows from a seed.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::missing_errors_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "its users are tests: what cannot go on has failed"
)]

pub mod changes;
pub mod draw;
pub mod envelope;
pub mod hooks;
pub mod model;
pub mod network;
pub mod node;
pub mod office;
pub mod pool;
pub mod records;
pub mod run;
