//! Reading certificates, PEM, fingerprints and our own identity: rules I4, K1 and K2.

use crate::support;

#[macro_use]
mod common;

mod against_webpki;
mod edits;
mod encoding;
mod facts;
mod field;
mod fixtures;
mod identity;
mod malformed;
mod mutations;
mod texts;
