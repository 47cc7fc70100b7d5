//! Fingerprints as arguments: always in full.

use core::str::FromStr;
use std::path::Path;

use mutual_trust::certificate::KeyPin;
use mutual_trust::error::FingerprintError;
use mutual_trust::{Certificate, Fingerprint};

use crate::files;
use crate::output::Failure;

/// What to do about a short form.
const SHORT: &str = "all 32 bytes are needed: `store list --full` and `inspect` show them";

/// Reads all 32 bytes; a short form says where to find the rest.
pub(crate) fn in_full<T: FromStr<Err = FingerprintError>>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|error: FingerprintError| format!("{error}; {SHORT}"))
}

/// Reads a key pin. It looks like a fingerprint, and the tool that prints a fingerprint does not print it.
pub(crate) fn key_pin(text: &str) -> Result<KeyPin, String> {
    text.parse().map_err(|_: FingerprintError| {
        format!("a key pin is SHA-256 over the key, and `inspect` shows it as `key pin`; the fingerprint of the certificate is another value; {SHORT}")
    })
}

/// The argument as a fingerprint; `None` if it names a file. What is no file and looks like a fingerprint is one that is
/// wrong.
pub(crate) fn named(argument: &Path) -> Result<Option<Fingerprint>, Failure> {
    let text = argument.to_string_lossy();
    match text.parse::<Fingerprint>() {
        Ok(fingerprint) => Ok(Some(fingerprint)),
        Err(error) if looks_like_one(&text) && !argument.exists() => {
            let why = Failure::from(error);
            let message = if text.contains('…') {
                format!("{}; {SHORT}", why.message())
            } else {
                why.message().to_owned()
            };
            Err(Failure::new(why.kind(), message).about(text))
        }
        Err(_) => Ok(None),
    }
}

/// Whether a text has the digits of at least 16 bytes, the shortest digest that is in use, or is a short form.
fn looks_like_one(text: &str) -> bool {
    let mut digits = 0_usize;
    for letter in text.chars() {
        match letter {
            '…' => return true,
            '=' => digits = 0,
            _ if letter.is_ascii_hexdigit() => digits = digits.saturating_add(1),
            ':' | ' ' | '\t' | '\n' => {}
            // A name behind the digits.
            _ if digits >= 32 => return true,
            _ => digits = 0,
        }
    }
    digits >= 32
}

/// The certificate of a file. An argument that is no file could have been meant as a fingerprint.
pub(crate) fn certificate(argument: &Path) -> Result<Certificate, Failure> {
    files::certificate(argument).map_err(|failure| no_file(argument, failure))
}

/// The same for a file with several, of which one is chosen.
pub(crate) fn chosen(argument: &Path, chosen: &files::Chosen) -> Result<Certificate, Failure> {
    chosen
        .of(argument)
        .map_err(|failure| no_file(argument, failure))
}

fn no_file(argument: &Path, failure: Failure) -> Failure {
    if argument.exists() {
        return failure;
    }
    let text = "there is no such file, and it is no SHA-256 fingerprint, which has 32 bytes in hexadecimal";
    Failure::new(failure.kind(), text).about(argument.display())
}
