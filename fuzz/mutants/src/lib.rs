//! A differential test: certificates and revocation lists are changed, signed again with the right key, and judged by the
//! library and by three others.
//!
//! A case is drawn from one number. What the library accepts and at least two of the three refuse is a finding, unless
//! `exceptions.txt` names why. What the library refuses and all three accept is counted by its reason.

mod case;
mod catalog;
mod exceptions;
mod judges;
#[expect(dead_code, reason = "the fuzz targets use more of it")]
#[path = "../../src/make.rs"]
mod make;
mod mutate;
mod random;
mod report;
mod tree;
mod world;

pub use report::{Options, replay, run};

#[cfg(test)]
mod tests;
