//! The folder of a store: lock, current file, previous file, and the damaged file of a recovery.

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

/// A folder that this process has locked.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    /// The lock is released when this is dropped or the process ends.
    lock: File,
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is being started shares it until it runs its program.
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

    /// Writes a store into a folder without one.
    pub(super) fn create(&self, content: &str) -> Result<(), WriteError> {
        let path = self.current();
        let prepared = prepare(&path, content.as_bytes(), Readers::Owner, IfExists::Refuse)?;
        prepared.place()
    }

    /// Replaces the store file. The old file is kept as the previous one.
    ///
    /// The name always has one of the two files, whole: the new file is flushed before it gets the name.
    pub(super) fn replace(&self, content: &str) -> Result<(), WriteError> {
        let path = self.current();
        let prepared = prepare(&path, content.as_bytes(), Readers::Owner, IfExists::Replace)?;
        self.keep(&path, &self.previous())?;
        prepared.place()
    }

    /// Replaces a damaged store file. The damaged file is kept under its own name, and the previous file stays.
    pub(super) fn replace_damaged(&self, content: &str) -> Result<(), WriteError> {
        let path = self.current();
        let prepared = prepare(&path, content.as_bytes(), Readers::Owner, IfExists::Replace)?;
        // The damaged file is only for analysis. A failure here does not stop the recovery.
        let _ = self.keep(&path, &self.folder.join(DAMAGED));
        prepared.place()
    }

    /// Makes a hard link to a file, or copies it where the file system has no hard links.
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

/// The path of the store file in a folder.
pub(super) fn current(folder: &Path) -> PathBuf {
    folder.join(CURRENT)
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DurableError {
    let path = path.to_owned();
    move |source| DurableError::Io { path, source }
}

/// Reads a store file. `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, DurableError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io_error(path))?,
    };
    let length = file.metadata().map_err(io_error(path))?.len();
    let limit = MAX_STORE_FILE_BYTES.saturating_add(1);
    let mut content = Vec::new();
    let expected = usize::try_from(length).unwrap_or(limit).min(limit);
    // If the memory cannot be reserved at once, the file is read in pieces.
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
