//! The decision table: a row for every rule, and for every interaction of the store, the presented
//! certificates, the clock, the names and the role. Verdicts only; no TLS.

use crate::support;

mod blocks;
mod breaches;
mod chains;
mod clients;
mod clock;
mod codes;
mod counted;
mod demands;
mod explained;
mod generations;
mod imports;
mod issuers;
mod limits;
mod matches;
mod matrix;
mod names;
mod pins;
mod profile;
mod revoked;
mod rfc5280;
mod row;
mod sense;
mod signers;
mod spellings;
mod states;
mod text;
mod told;
mod variants;
mod verified;
mod world;
