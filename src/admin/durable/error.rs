//! Errors of durable stores.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::admin::file::error::StoreFileError;
use crate::admin::plan::error::PlanError;
use crate::certificate::error::with_causes;
use crate::identity::error::WriteError;
use crate::store::error::{PublishError, StoreError};

/// Why a durable store was not opened, changed or recovered. Where nothing else is said, the store and its file
/// are as they were.
///
/// The variants that are not shown here only word the message: match them with `_`.
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
    #[error("{path} cannot be used")]
    #[non_exhaustive]
    #[doc(hidden)]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is damaged, of a later version, or its seal is broken. Recovery is a call of its own.
    #[error("{path} is not taken as a store")]
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
    #[error("the counter that holds the generation did not answer")]
    #[doc(hidden)]
    Counter(#[source] io::Error),
    /// The store could not be put into a file that can be read again.
    #[error("the change cannot be stored")]
    #[doc(hidden)]
    Unwritable(#[source] StoreFileError),
    /// The file was not written. The change is not in force.
    #[error("the change is not stored and not in force")]
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
    #[error("the change is stored but not in force")]
    #[doc(hidden)]
    NotPublished(#[source] PublishError),
    /// There is nothing to recover: the store can be opened.
    #[error("{path}: the store is whole, there is nothing to recover")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Neither the file nor the one before it can be read.
    #[error(
        "no good version is left: {}; {}. Put a copy of a good file in the place of the previous one and recover again",
        with_causes(current),
        with_causes(previous)
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    NothingLeft {
        /// What is wrong with the file.
        current: Box<DurableError>,
        /// What is wrong with the one before it.
        previous: Box<DurableError>,
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
