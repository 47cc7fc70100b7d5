//! A node that takes the bundles of a fleet over into its durable store (rule S6).

mod claims;
mod common;
mod crashes;
mod entries;
mod guarding;
mod names;
mod stale;
mod told;
mod withdrawn;
