//! Errors of the store's file.

use thiserror::Error;

use crate::store::error::StoreError;

impl StoreFileError {
    /// The line that it is about, or 0.
    #[cfg(feature = "bundle")]
    pub(crate) fn line(&self) -> usize {
        match self {
            Self::NotText { line }
            | Self::LineTooLong { line, .. }
            | Self::Truncated { line }
            | Self::ChecksumMismatch { line, .. }
            | Self::Line { line, .. }
            | Self::Contradiction { line, .. } => *line,
            Self::Empty
            | Self::TooLarge { .. }
            | Self::TooLargeToWrite { .. }
            | Self::NoGenerationLeft { .. }
            | Self::NewerVersion { .. }
            | Self::Digest
            | Self::SealMissing
            | Self::Sealed
            | Self::SealWrong
            | Self::SealSize { .. } => 0,
        }
    }
}

/// Why a store's file was not read or written. Nothing was taken over.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreFileError {
    /// The file has no bytes.
    #[error("the file is empty: it was truncated or never written")]
    #[doc(hidden)]
    Empty,
    /// More bytes than the limit.
    #[error("the file has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLarge {
        /// Size in bytes. If the size is not known, the limit plus one.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file would be larger than the limit for reading.
    #[error(
        "the file would have {size} bytes, {crls} of them revocation lists; the limit is {limit}: remove lists or entries first"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLargeToWrite {
        /// Its size in bytes.
        size: usize,
        /// The bytes of revocation lists among these.
        crls: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The generation would be too high to be read again: a wrong number used up all others.
    #[error(
        "generation {generation} is too high for a file: the store has used up its numbers; make a new one"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    NoGenerationLeft {
        /// The generation.
        generation: u64,
    },
    /// A byte or character that is not allowed in a line.
    #[error("line {line} has a byte or character that is not allowed: the file is damaged")]
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
    /// The file ends before its last line.
    #[error("the file ends in line {line} without an end record: it was truncated")]
    #[non_exhaustive]
    #[doc(hidden)]
    Truncated {
        /// The last line, from 1.
        line: usize,
    },
    /// A later major version. The same words may have another meaning in it.
    #[error("the file is of version {major}; this version reads {known}: use the newer firmware")]
    #[non_exhaustive]
    NewerVersion {
        /// The major version of the file.
        major: u32,
        /// The major version that is read.
        known: u32,
    },
    /// The checksum at the end of a line does not match the line.
    #[error("line {line} is damaged, its checksum does not match: {found}")]
    #[non_exhaustive]
    #[doc(hidden)]
    ChecksumMismatch {
        /// The line, from 1.
        line: usize,
        /// The text of the line, at most 80 characters.
        found: String,
    },
    /// A line does not have the expected form.
    #[error("line {line}: expected {expected}, found: {found}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Line {
        /// The line, from 1.
        line: usize,
        /// The expected form.
        expected: String,
        /// The text of the line, at most 80 characters.
        found: String,
    },
    /// A line contradicts another line.
    #[error("line {line} contradicts the lines before it")]
    #[non_exhaustive]
    #[doc(hidden)]
    Contradiction {
        /// The line, from 1.
        line: usize,
        /// The contradiction.
        source: Box<StoreError>,
    },
    /// All lines are well formed, but the digest does not match them.
    #[error("the digest at the end does not match the lines: the file was changed")]
    #[doc(hidden)]
    Digest,
    /// The file has no seal, and the settings require one.
    #[error(
        "the file has no seal, and a seal is required: the store is not sealed, or another program wrote the file"
    )]
    SealMissing,
    /// The store is sealed, and the settings have no key for the seal. What they wrote would not be taken.
    #[error("the store is sealed: only a program with the key of the seal can change it")]
    #[doc(hidden)]
    Sealed,
    /// The seal does not match the content.
    #[error(
        "the seal does not match the file: the key is not the one of the store, or the file was changed without it"
    )]
    SealWrong,
    /// The embedder's seal is longer than the limit, or empty.
    #[error("a seal must have 1 to {limit} bytes, this one has {size}")]
    #[non_exhaustive]
    #[doc(hidden)]
    SealSize {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}
