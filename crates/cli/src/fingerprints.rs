//! Fingerprints as arguments: always in full.

use core::str::FromStr;
use std::path::Path;

use mutual_trust::Fingerprint;
use mutual_trust::error::FingerprintError;

use crate::output::Failure;

/// What to do about a short form.
const SHORT: &str = "all 32 bytes are needed: `store list --full` and `inspect` show them";

/// Reads all 32 bytes; a short form says where to find the rest.
pub(crate) fn in_full<T: FromStr<Err = FingerprintError>>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|error: FingerprintError| format!("{error}; {SHORT}"))
}

/// The argument as a fingerprint; `None` if it names a file. A short form is no file.
pub(crate) fn named(argument: &Path) -> Result<Option<Fingerprint>, Failure> {
    let text = argument.to_string_lossy();
    match text.parse::<Fingerprint>() {
        Ok(fingerprint) => Ok(Some(fingerprint)),
        Err(error) if text.contains('…') && !argument.exists() => {
            let why = Failure::from(error);
            let message = format!("{text}: {}; {SHORT}", why.message());
            Err(Failure::new(why.kind(), message))
        }
        Err(_) => Ok(None),
    }
}
