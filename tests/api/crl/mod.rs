//! Revocation lists: parsing, installing, and their effect on verdicts (rules C1, C4 and M8).

use crate::support;

mod ages;
mod common;
mod handshakes;
mod installing;
mod invariants;
mod kinds;
mod large;
mod mutations;
mod openssl;
mod orders;
mod paths;
mod pins;
mod reading;
mod scopes;
