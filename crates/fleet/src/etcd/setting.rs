//! Settings of this transport that cannot be used.

use core::time::Duration;

use thiserror::Error;

use super::limits::{MAX_MEMBERS, MAX_PREFIX};

/// A setting cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SettingError {
    /// The number of members.
    #[error("a cluster has 1 to {MAX_MEMBERS} members, and these are {count}")]
    Members {
        /// How many there are.
        count: usize,
    },
    /// The address of a member.
    #[error("{member:?} is no member: HOST:PORT is, without a scheme")]
    Member {
        /// The text.
        member: String,
    },
    /// A password for a cluster in plain text.
    #[error("a password is not sent in plain text")]
    PasswordInPlainText,
    /// The prefix of the keys.
    #[error(
        "a prefix is 1 to {MAX_PREFIX} visible ASCII characters and does not end with /, and {prefix:?} is none"
    )]
    Prefix {
        /// The text.
        prefix: String,
    },
    /// A time.
    #[error("{what} is {least:?} to {most:?}")]
    Time {
        /// The setting.
        what: &'static str,
        /// The least.
        least: Duration,
        /// The most.
        most: Duration,
    },
    /// The runtime does not start.
    #[error("the runtime of the connections does not start")]
    Runtime {
        /// What the operating system says.
        source: std::io::Error,
    },
}

/// A time that is in range.
pub(super) fn time(
    what: &'static str,
    value: Duration,
    (least, most): (Duration, Duration),
) -> Result<Duration, SettingError> {
    if value < least || value > most {
        return Err(SettingError::Time { what, least, most });
    }
    Ok(value)
}
