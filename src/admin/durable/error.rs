//! Errors of durable stores.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::admin::file::error::StoreFileError;
use crate::admin::plan::error::PlanError;
use crate::certificate::error::with_causes;
use crate::identity::error::WriteError;
use crate::store::error::{PublishError, StoreError};

/// Why a durable store was not opened, changed or recovered. The store and its file are unchanged, unless a variant
/// says otherwise.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DurableError {
    /// Another process, or another part of this one, is changing the store, and has not finished in time. Programs of
    /// version 1.0 hold the lock as long as they have the store open.
    #[error("{path}: {} is changing the store", named(.holder.as_deref()))]
    #[non_exhaustive]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that holds the lock, by its number and name, if the system tells.
        holder: Option<String>,
    },
    /// There is no store in the folder. Opening does not create one: an empty store trusts no peer.
    #[error(
        "{path}: there is no store; if there was one, restore it from a backup or recover it; if not, create one"
    )]
    #[non_exhaustive]
    NoStore {
        /// The expected path.
        path: PathBuf,
    },
    /// There is no store in the folder, and the previous file of one: the store is lost. An empty store in its place would
    /// lose the blocks and claims of the previous file at the next change.
    #[error(
        "{path} is the previous file of a store that is lost: recover the store from it, or move it away to make an empty store"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    Lost {
        /// The previous file.
        path: PathBuf,
    },
    /// There is a store in the folder already.
    #[error("{path}: there is a store already")]
    #[non_exhaustive]
    Exists {
        /// Its path.
        path: PathBuf,
    },
    /// A file or the folder cannot be used.
    #[error("{path} cannot be used")]
    #[non_exhaustive]
    #[doc(hidden)]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is damaged, of a later version, or its seal is not valid. To recover, call `recover`.
    #[error("{path} is not a valid store file")]
    #[non_exhaustive]
    File {
        /// The file.
        path: PathBuf,
        /// The fault.
        source: StoreFileError,
    },
    /// The file is older than one that this system had: an old file was put back.
    #[error(
        "the store was rolled back: it has generation {found}, and this system had {minimum}; accept the roll-back explicitly, or put the newer file back"
    )]
    #[non_exhaustive]
    RolledBack {
        /// The generation of the file.
        found: u64,
        /// The least accepted generation.
        minimum: u64,
    },
    /// The counter did not answer.
    #[error("the counter that holds the generation did not answer")]
    #[doc(hidden)]
    Counter(#[source] io::Error),
    /// The changed store would not fit into a file that can be read again.
    #[error("the change cannot be stored")]
    #[doc(hidden)]
    Unwritable(#[source] StoreFileError),
    /// The file was not written. The change is not in force.
    #[error("the change is not stored and not in force")]
    NotSaved(#[source] WriteError),
    /// The backup was not written. The store is unchanged.
    #[error("the backup is not written")]
    #[doc(hidden)]
    BackupNotWritten(#[source] WriteError),
    /// The change was refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another store is at the place of the one that was read: an older one, or one with another history. Or an edit
    /// replaced the store by an older one. Nothing was overwritten, and what was in force stays in force, also when the other
    /// store is changed. To use the other store, open it.
    #[error(
        "the store, which had generation {current}, was replaced by another one of generation {offered}"
    )]
    #[non_exhaustive]
    Replaced {
        /// The generation of the store.
        current: u64,
        /// The generation of the replacement.
        offered: u64,
    },
    /// Another program published a later snapshot than this store has.
    #[error("the change is stored but not in force")]
    #[doc(hidden)]
    NotPublished(#[source] PublishError),
    /// Neither the file nor the previous one goes back to a generation, or it was never stored.
    #[error("{path}: generation {generation} is not in the history that is kept")]
    #[non_exhaustive]
    #[doc(hidden)]
    NoGeneration {
        /// The file.
        path: PathBuf,
        /// The generation that was asked for.
        generation: u64,
    },
    /// The store is not damaged, so there is nothing to recover.
    #[error("{path}: the store is whole, there is nothing to recover")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotDamaged {
        /// The file.
        path: PathBuf,
    },
    /// A backup is sealed, and the settings have no key to verify the seal. Of the store nothing is said.
    #[error("the backup {path} is sealed, and there is no key to verify its seal")]
    #[non_exhaustive]
    #[doc(hidden)]
    BackupSealed {
        /// The backup.
        path: PathBuf,
    },
    /// Neither the file nor the previous one can be read.
    #[error(
        "no good version is left: {}; {}. Recover from a backup, or copy a good file to the name of the previous one and recover again",
        with_causes(current),
        with_causes(previous)
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    NothingLeft {
        /// The fault of the file.
        current: Box<DurableError>,
        /// The fault of the previous file.
        previous: Box<DurableError>,
    },
}

/// Who holds a lock.
fn named(holder: Option<&str>) -> &str {
    holder.unwrap_or("another process or another part of this one")
}

/// Why a planned change of a durable store was not made. The store and its file are unchanged.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GuardedError {
    /// It would lock out a peer, or the store has changed since it was planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It was not stored.
    #[error(transparent)]
    Durable(#[from] DurableError),
}
