//! The trust rules that show in the store alone: installing (I1–I9), blocks (P1), claims (P2), migration (P3)
//! and levels (P4), and the floor (M7).

#[macro_use]
mod common;

mod again;
mod blocks;
mod bundles;
mod claims;
mod clock;
mod fingerprints;
mod groups;
mod migration;
mod names;
mod options;
mod order;
mod reissued;
mod release;
mod reports;
mod roles;
mod signatures;
mod slots;
mod unlikely;
mod update;
mod views;
