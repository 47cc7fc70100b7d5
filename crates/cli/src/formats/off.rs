//! The command without the feature `formats`: the library names what it does not read.

use std::path::Path;

use mutual_trust::{Certificate, Crl, KeyPolicy};

use crate::describe::Found;
use crate::output::Failure;

/// No other format is read.
pub(crate) fn certificates(_: &Path, _: &[u8]) -> Result<Option<Vec<Certificate>>, Failure> {
    Ok(None)
}

/// No other format is read.
pub(crate) fn crls(_: &Path, _: &[u8]) -> Result<Option<Vec<Crl>>, Failure> {
    Ok(None)
}

/// No other format is read.
pub(crate) fn look(_: &Path, _: &[u8], _: KeyPolicy) -> Result<Option<Found>, Failure> {
    Ok(None)
}

/// No other format is known.
pub(crate) fn has_no_key(_: &[u8]) -> Result<(), Failure> {
    Ok(())
}
