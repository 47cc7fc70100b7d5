//! Settings that cannot be used.

use core::time::Duration;

use thiserror::Error;

/// A setting cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}: {why}")]
#[non_exhaustive]
pub struct SettingError {
    what: &'static str,
    why: String,
}

impl SettingError {
    pub(crate) fn new(what: &'static str, why: impl Into<String>) -> Self {
        Self {
            what,
            why: why.into(),
        }
    }
}

/// A duration that is in range.
pub(crate) fn duration(
    what: &'static str,
    value: Duration,
    (least, most): (Duration, Duration),
) -> Result<Duration, SettingError> {
    if value < least || value > most {
        let why = format!("{value:?} is not within {least:?} to {most:?}");
        return Err(SettingError::new(what, why));
    }
    Ok(value)
}
