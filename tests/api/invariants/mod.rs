//! Invariants of stores and verdicts, for random stores and random calls of an administrator.
//!
//! Every run tries the same cases. `PROPTEST_RNG_SEED=7` tries others and `PROPTEST_CASES=10000` more of them.

use crate::support;

pub(crate) mod admin;
mod asks;
mod calls;
pub(crate) mod copies;
mod facts;
mod judge;
pub(crate) mod operations;
mod ops;
pub(crate) mod pool;
pub(crate) mod questions;
mod rows;
mod world;

mod against_model;
mod calls_on_stores;
mod claims;
mod floor;
mod order;
mod same_key;
#[cfg(feature = "admin")]
mod stored;
mod time_passes;
mod verdicts;
