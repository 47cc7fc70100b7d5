//! What goes wrong between a node and what is published.

use core::time::Duration;
use std::error::Error;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A transport could not do what it was asked for. A node keeps what it holds.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// There is no publication at this place.
    #[error("nothing is published at {at}")]
    NotPublished {
        /// The file, address or key.
        at: String,
    },
    /// No connection.
    #[error("{at} cannot be reached")]
    Unreachable {
        /// The address.
        at: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An answer took too long.
    #[error("{at} took more than {after:?}")]
    TimedOut {
        /// The address.
        at: String,
        /// The time limit.
        after: Duration,
    },
    /// The other end does not allow it.
    #[error("{at} refuses: {reason}")]
    Refused {
        /// The address.
        at: String,
        /// What it says.
        reason: String,
    },
    /// The other end is out of service for now.
    #[error("{at} is out of service: {reason}")]
    Unavailable {
        /// The address.
        at: String,
        /// What it says.
        reason: String,
        /// When it asks to be tried again, within bounds.
        retry_after: Option<Duration>,
    },
    /// An answer that no server of publications gives.
    #[error("{at} gives an unexpected answer: {what}")]
    Unexpected {
        /// The address.
        at: String,
        /// What is unexpected.
        what: String,
    },
    /// More bytes than are read.
    #[error("{at} has more than {limit} bytes")]
    TooLarge {
        /// The file, address or key.
        at: String,
        /// The bound.
        limit: usize,
    },
    /// More nodes report than are read.
    #[error("more than {limit} nodes report to {at}")]
    TooManyNodes {
        /// The folder, address or key.
        at: String,
        /// The bound.
        limit: usize,
    },
    /// Another publisher was faster. Read what is published now, and decide again.
    #[error("another publication is at {at} since it was read")]
    Superseded {
        /// The file, address or key.
        at: String,
    },
    /// The transport takes no reports. The node works without them.
    #[error("{at} takes no reports: {reason}")]
    CannotReport {
        /// The folder or address.
        at: String,
        /// Why.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Something is in the place of the file that is no regular file.
    #[error("{path} is no regular file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
}

impl TransportError {
    /// When the other end asks to be tried again, within bounds.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Unavailable { retry_after, .. } = self {
            *retry_after
        } else {
            None
        }
    }
}
