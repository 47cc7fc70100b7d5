//! The folder of a store: its lock, its file, the one before it, and the damaged one that was recovered from.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::admin::durable::error::DurableError;
use crate::admin::file::error::StoreFileError;
use crate::identity::error::WriteError;
use crate::identity::{IfExists, Readers, link_as, prepare};
use crate::limits::MAX_STORE_FILE_BYTES;

const CURRENT: &str = "trust-store";
const PREVIOUS: &str = "trust-store.previous";
const DAMAGED: &str = "trust-store.damaged";
const LOCK: &str = "trust-store.lock";

/// A folder that nobody else has open.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    /// Locked until this is dropped, and by whatever end of the process.
    lock: File,
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Closing it is not enough: a child that is just being started has it too, until it runs its program.
        let _ = self.lock.unlock();
    }
}

impl Disk {
    /// Locks the folder.
    pub(super) fn lock(folder: &Path) -> Result<Self, DurableError> {
        let path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options.open(&path).map_err(io_error(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DurableError::Locked { path }),
            Err(TryLockError::Error(error)) => Err(io_error(&path)(error)),
        }
    }

    pub(super) fn current(&self) -> PathBuf {
        current(&self.folder)
    }

    pub(super) fn previous(&self) -> PathBuf {
        self.folder.join(PREVIOUS)
    }

    /// Puts a store where there is none.
    pub(super) fn create(&self, content: &str) -> Result<(), WriteError> {
        let path = self.current();
        let prepared = prepare(&path, content.as_bytes(), Readers::Owner, IfExists::Refuse)?;
        prepared.place()
    }

    /// Puts a store in the place of the one that is there, which is kept as the previous one.
    ///
    /// At every moment the name has one of the two, whole: the new one is flushed before it gets it.
    pub(super) fn replace(&self, content: &str) -> Result<(), WriteError> {
        let path = self.current();
        let prepared = prepare(&path, content.as_bytes(), Readers::Owner, IfExists::Replace)?;
        self.keep(&path, &self.previous())?;
        prepared.place()
    }

    /// Puts a store in the place of a damaged one, which is kept as such; the previous one stays.
    pub(super) fn replace_damaged(&self, content: &str) -> Result<(), WriteError> {
        let path = self.current();
        let prepared = prepare(&path, content.as_bytes(), Readers::Owner, IfExists::Replace)?;
        // It is for those who want to know what happened: no reason not to recover.
        let _ = self.keep(&path, &self.folder.join(DAMAGED));
        prepared.place()
    }

    /// Gives a file a second name, or copies it where the file system has no second names.
    fn keep(&self, path: &Path, second: &Path) -> Result<(), WriteError> {
        let refused = match link_as(path, second) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        match read(path) {
            // There is nothing to keep.
            Ok(None) => Ok(()),
            Ok(Some(content)) => {
                prepare(second, &content, Readers::Owner, IfExists::Replace)?.place()
            }
            Err(_) => Err(refused),
        }
    }
}

/// The file of the store in a folder.
pub(super) fn current(folder: &Path) -> PathBuf {
    folder.join(CURRENT)
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DurableError {
    let path = path.to_owned();
    move |source| DurableError::Io { path, source }
}

/// Reads a file of a store; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, DurableError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io_error(path))?,
    };
    let length = file.metadata().map_err(io_error(path))?.len();
    let limit = MAX_STORE_FILE_BYTES.saturating_add(1);
    let mut content = Vec::new();
    let expected = usize::try_from(length).unwrap_or(limit).min(limit);
    // What cannot be had at once is had piece by piece.
    let _ = content.try_reserve_exact(expected);
    let bound = u64::try_from(limit).unwrap_or(u64::MAX);
    file.take(bound)
        .read_to_end(&mut content)
        .map_err(io_error(path))?;
    if content.len() >= limit {
        return Err(DurableError::File {
            path: path.to_owned(),
            source: StoreFileError::TooLarge {
                size: limit,
                limit: MAX_STORE_FILE_BYTES,
            },
        });
    }
    Ok(Some(content))
}
