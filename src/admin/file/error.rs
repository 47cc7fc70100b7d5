//! Errors of the store's file.

use thiserror::Error;

use crate::store::error::StoreError;

/// Why a store's file was not read or written. Nothing of it was taken.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreFileError {
    /// There are no bytes.
    #[error("the file is empty: it was cut, or never written")]
    #[doc(hidden)]
    Empty,
    /// More bytes than the limit.
    #[error("the file has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLarge {
        /// Size in bytes; of what is too long to be counted, the limit and one.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file would have more bytes than are read again.
    #[error(
        "the file would have {size} bytes, {crls} of them revocation lists; the limit is {limit}: remove lists or entries first"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLargeToWrite {
        /// Its size in bytes.
        size: usize,
        /// How many of these are revocation lists.
        crls: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A byte that is not text, or a character that no line has.
    #[error("line {line}: a byte or character that no line has: the file is damaged")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotText {
        /// The line, from 1.
        line: usize,
    },
    /// A line longer than the limit.
    #[error("line {line} is longer than {limit} bytes")]
    #[non_exhaustive]
    #[doc(hidden)]
    LineTooLong {
        /// The line, from 1.
        line: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file ends before its end.
    #[error("the file ends in line {line}, before its end: it was cut")]
    #[non_exhaustive]
    #[doc(hidden)]
    Truncated {
        /// The last line, from 1.
        line: usize,
    },
    /// A later major version, in which the same words may mean something else.
    #[error("the file is of version {major}; this version reads {known}: use the newer firmware")]
    #[non_exhaustive]
    NewerVersion {
        /// The major version of the file.
        major: u32,
        /// The major version that is read.
        known: u32,
    },
    /// The check at the end of a line is not that of the line.
    #[error("line {line} is damaged: its check does not fit: {found}")]
    #[non_exhaustive]
    #[doc(hidden)]
    ChecksumMismatch {
        /// The line, from 1.
        line: usize,
        /// What stands there, at most 80 characters.
        found: String,
    },
    /// A line is not what it must be.
    #[error("line {line}: {expected} expected, not: {found}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Line {
        /// The line, from 1.
        line: usize,
        /// What must stand there.
        expected: String,
        /// What stands there, at most 80 characters.
        found: String,
    },
    /// A line contradicts another.
    #[error("line {line} contradicts the lines before it")]
    #[non_exhaustive]
    #[doc(hidden)]
    Contradiction {
        /// The line, from 1.
        line: usize,
        /// What it contradicts.
        source: Box<StoreError>,
    },
    /// Every line is well formed, and the digest is not that of the lines.
    #[error("the digest at the end is not that of the lines: the file has been changed")]
    #[doc(hidden)]
    Digest,
    /// The file has no seal, and the store is opened with one.
    #[error("the file has no seal, and without one it is not taken: somebody else wrote it")]
    SealMissing,
    /// The seal does not fit what it seals.
    #[error("the seal does not fit the file: somebody changed it who cannot seal")]
    SealWrong,
    /// The embedder's seal is longer than the limit, or empty.
    #[error("a seal has from 1 to {limit} bytes, this has {size}")]
    #[non_exhaustive]
    #[doc(hidden)]
    SealSize {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}
