//! Errors of the store's file, of durable stores and of followed sources.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::{CertificateError, PlanError, PublishError, StoreError, WriteError};

/// Why a store's file was not read or written. Nothing of it was taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreFileError {
    /// There are no bytes.
    #[error("the file is empty: it was cut, or never written")]
    Empty,
    /// More bytes than the limit.
    #[error("the file has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
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
    Unreadable {
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
    NotText {
        /// The line, from 1.
        line: usize,
    },
    /// A line longer than the limit.
    #[error("line {line} is longer than {limit} bytes")]
    #[non_exhaustive]
    LineTooLong {
        /// The line, from 1.
        line: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file ends before its end.
    #[error("the file ends in line {line}, before its end: it was cut")]
    #[non_exhaustive]
    Cut {
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
    Check {
        /// The line, from 1.
        line: usize,
        /// What stands there, at most 80 characters.
        found: String,
    },
    /// A line is not what it must be.
    #[error("line {line}: {expected} expected, not: {found}")]
    #[non_exhaustive]
    Line {
        /// The line, from 1.
        line: usize,
        /// What must stand there.
        expected: String,
        /// What stands there, at most 80 characters.
        found: String,
    },
    /// A line contradicts another.
    #[error("line {line} contradicts the lines before it: {source}")]
    #[non_exhaustive]
    Contradiction {
        /// The line, from 1.
        line: usize,
        /// What it contradicts.
        source: Box<StoreError>,
    },
    /// Every line is well formed, and the digest is not that of the lines.
    #[error("the digest at the end is not that of the lines: the file has been changed")]
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
    SealSize {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

/// Why a durable store was not opened, changed or recovered. Where nothing else is said, the store and its file
/// are as they were.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DurableError {
    /// Somebody else has the store open.
    #[error("{path}: another process or another part of this one has the store open")]
    #[non_exhaustive]
    Locked {
        /// The file that is locked.
        path: PathBuf,
    },
    /// There is no store in the folder. It is not made by opening it: an empty one trusts nobody.
    #[error("{path}: there is no store; create one, or put the file back")]
    #[non_exhaustive]
    NoStore {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is a store in the folder already.
    #[error("{path}: there is a store already")]
    #[non_exhaustive]
    Exists {
        /// Where it is.
        path: PathBuf,
    },
    /// A file was not read, or the folder was not used.
    #[error("{path}: {source}")]
    #[non_exhaustive]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is damaged, of a later version, or its seal is broken. Recovery is a call of its own.
    #[error("{path}: {source}")]
    #[non_exhaustive]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: StoreFileError,
    },
    /// The file is older than one that this system had: somebody put it back.
    #[error(
        "the store is rolled back: its generation is {found}, and this system had {minimum}; accepting it is a call of its own"
    )]
    #[non_exhaustive]
    RolledBack {
        /// The generation of the file.
        found: u64,
        /// The least generation that is taken.
        minimum: u64,
    },
    /// The counter did not answer.
    #[error("the counter that holds the generation: {0}")]
    Counter(#[source] io::Error),
    /// The store could not be put into a file that can be read again.
    #[error("the change cannot be stored: {0}")]
    Unwritable(#[source] StoreFileError),
    /// The file was not written. The change is not in force.
    #[error("the change is not stored and not in force: {0}")]
    NotSaved(#[source] WriteError),
    /// The change was refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The edit put an older store in the place of the one that it was given.
    #[error("the edit replaced the store by another of generation {offered}; it was {current}")]
    #[non_exhaustive]
    Replaced {
        /// The generation of the store.
        current: u64,
        /// The generation of what was put in its place.
        offered: u64,
    },
    /// Somebody else published a later view than this store has.
    #[error("the change is stored but not in force: {0}")]
    NotPublished(#[source] PublishError),
    /// There is nothing to recover: the store can be opened.
    #[error("{path}: the store is whole, there is nothing to recover")]
    #[non_exhaustive]
    NotDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Neither the file nor the one before it can be read.
    #[error(
        "no good version is left: {current}; {previous}. Put a copy of a good file in the place of the previous one and recover again"
    )]
    #[non_exhaustive]
    NothingLeft {
        /// What is wrong with the file.
        current: Box<DurableError>,
        /// What is wrong with the one before it.
        previous: Box<DurableError>,
    },
}

/// Why the content of a followed source was not taken over. What came from it before stays.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is nothing at the path.
    #[error("{path} is missing; what came from it before stays")]
    #[non_exhaustive]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The file has no byte, or the folder no file.
    #[error(
        "{path} is empty; what came from it before stays. To trust nobody, write the line `trust nobody`"
    )]
    #[non_exhaustive]
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// Neither a regular file nor a folder; or a folder in a folder.
    #[error("{path} is neither a file nor a folder of files")]
    #[non_exhaustive]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    #[non_exhaustive]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// More files than the limit.
    #[error("{path} holds more than {limit} files")]
    #[non_exhaustive]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// More bytes than the limit.
    #[error("{path} holds more than {limit} bytes")]
    #[non_exhaustive]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
        /// The limit in bytes, of all files together.
        limit: usize,
    },
    /// It was changed while it was read, each time.
    #[error("{path} is being changed; it is read again at the next poll")]
    #[non_exhaustive]
    Changing {
        /// The file or folder.
        path: PathBuf,
    },
    /// A file has something else than certificates.
    #[error("{path}: {source}")]
    #[non_exhaustive]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// A file says that nobody is trusted, and there are certificates beside it.
    #[error("{path} says `trust nobody`, and there are certificates as well")]
    #[non_exhaustive]
    Contradiction {
        /// The file with that line.
        path: PathBuf,
    },
    /// The store refused one of the certificates, and with it the whole source.
    #[error("{path}: {source}")]
    #[non_exhaustive]
    Refused {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The name of a source is no line of text, or two sources have it.
    #[error("a followed source has a name of its own, one line of text")]
    Name,
    /// More sources than the limit.
    #[error("more than {limit} sources")]
    #[non_exhaustive]
    TooManySources {
        /// The limit.
        limit: usize,
    },
}

/// Why a planned change of a durable store was not made. The store and its file are as they were.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GuardedError {
    /// It would lose somebody, or the store has changed since it was planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It was not stored.
    #[error(transparent)]
    Durable(#[from] DurableError),
}
