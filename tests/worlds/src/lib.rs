//! The trust rules P, M and C of `docs/RULES.md` a second time: slow, plain, and from the descriptions of certificates
//! instead of their bytes.
//!
//! Nothing here is of the library, and this package depends on nothing: a mistake of the library cannot hide in both.
//! Where the rules leave the reason of a refusal open, the model gives all reasons that are true of the case.

#![allow(
    missing_docs,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "its users are tests: what cannot go on has failed"
)]

mod ask;
mod chain;
mod pins;
mod rules;
pub mod spec;
pub mod state;
mod strict;
mod witness;

pub use ask::{Ask, Demands, Peer};
pub use rules::{End, Model, Refused, Ruling, rule_of};

/// The stable name of a reason.
pub type Reason = &'static str;
