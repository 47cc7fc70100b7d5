//! Revocation lists: what is read, what is installed, and what a verdict makes of it (rules C1, C4 and M8).

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
