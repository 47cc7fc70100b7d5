//! Asks a person for a line.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use mutual_trust::Fingerprint;
use mutual_trust::limits::MAX_FINGERPRINT_TEXT;

use crate::output::Failure;

/// A line of standard input. A program that reads JSON from standard error gets no question.
pub(crate) fn line(question: &str, as_json: bool) -> Result<String, Failure> {
    let mut to = io::stderr();
    if !as_json || to.is_terminal() {
        write!(to, "{question}")?;
        to.flush()?;
    }
    let limit = u64::try_from(MAX_FINGERPRINT_TEXT.saturating_mul(2)).unwrap_or(u64::MAX);
    let mut line = String::new();
    io::stdin().lock().take(limit).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// A fingerprint that a person types. `missing` says what to do if there is none.
pub(crate) fn fingerprint(
    question: &str,
    missing: &str,
    as_json: bool,
) -> Result<Fingerprint, Failure> {
    let line = line(question, as_json)?;
    if line.is_empty() {
        return Err(Failure::new("usage", missing));
    }
    Ok(line.parse()?)
}
