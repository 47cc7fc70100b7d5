//! Errors of followed sources.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::certificate::error::CertificateError;
use crate::store::error::StoreError;

/// Why the content of a followed source was not taken over. What came from it before stays.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is nothing at the path.
    #[error("{path} is missing; what came from it before stays")]
    #[non_exhaustive]
    #[doc(hidden)]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The file has no byte, or the folder no file.
    #[error(
        "{path} is empty; what came from it before stays. To trust nobody, write the line `trust nobody`"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// Neither a regular file nor a folder; or a folder in a folder.
    #[error("{path} is neither a file nor a folder of files")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{path} cannot be read")]
    #[non_exhaustive]
    #[doc(hidden)]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// More files than the limit.
    #[error("{path} holds more than {limit} files")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// More bytes than the limit.
    #[error("{path} holds more than {limit} bytes")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
        /// The limit in bytes, of all files together.
        limit: usize,
    },
    /// It was changed while it was read, each time.
    #[error("{path} is being changed; it is read again at the next poll")]
    #[non_exhaustive]
    #[doc(hidden)]
    Changing {
        /// The file or folder.
        path: PathBuf,
    },
    /// A file has something else than certificates.
    #[error("{path} holds something else than certificates")]
    #[non_exhaustive]
    #[doc(hidden)]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// A file says that nobody is trusted, and there are certificates beside it.
    #[error("{path} says `trust nobody`, and there are certificates as well")]
    #[non_exhaustive]
    #[doc(hidden)]
    Contradiction {
        /// The file with that line.
        path: PathBuf,
    },
    /// The store refused one of the certificates, and with it the whole source.
    #[error("{path}: the store refused what it holds")]
    #[non_exhaustive]
    #[doc(hidden)]
    Refused {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The name of a source is no line of text, or two sources have it.
    #[error("a followed source has a name of its own, one line of text")]
    #[doc(hidden)]
    Name,
    /// More sources than the limit.
    #[error("more than {limit} sources")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManySources {
        /// The limit.
        limit: usize,
    },
}
