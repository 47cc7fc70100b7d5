//! Settings that are out of range.

use core::fmt;
use core::time::Duration;
use std::error::Error;

use crate::limits::{MAX_TIMEOUT, MIN_TIMEOUT};

/// A setting is out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingError {
    what: &'static str,
    range: String,
}

impl SettingError {
    pub(crate) fn new(what: &'static str, range: String) -> Self {
        Self { what, range }
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {}", self.what, self.range)
    }
}

impl Error for SettingError {}

/// A duration that is in range.
pub(crate) fn duration(
    what: &'static str,
    value: Duration,
    (least, most): (Duration, Duration),
) -> Result<Duration, SettingError> {
    if value < least || value > most {
        return Err(SettingError::new(what, format!("{least:?} to {most:?}")));
    }
    Ok(value)
}

/// A time limit that is in range.
pub(crate) fn timeout(what: &'static str, value: Duration) -> Result<Duration, SettingError> {
    duration(what, value, (MIN_TIMEOUT, MAX_TIMEOUT))
}
