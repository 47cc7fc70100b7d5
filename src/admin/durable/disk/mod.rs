//! The folder of a store: its lock, its file, the previous file, and the damaged file of a recovery.
//!
//! A change holds two locks. The lock file keeps out those who make a store, and programs of version 1.0, which hold it as
//! long as they have the store open. It can be removed or replaced, so the store's file is locked as well: two changes that
//! found different lock files still exclude each other.

#[cfg(feature = "bundle")]
mod beside;
mod lock;

use core::time::Duration;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::admin::durable::error::DurableError;
use crate::admin::file::error::StoreFileError;
use crate::identity::error::{WriteError, WriteStep};
use crate::identity::{
    IfExists, Owner, STORE_TEMPORARY, TEMPORARY_END, is_writable_by_others, link_as, prepare_store,
};
use crate::limits::MAX_STORE_WITH_JOURNAL;

pub(super) use lock::{Held, Wait};
use lock::{locked, next_round};

const CURRENT: &str = "trust-store";
const PREVIOUS: &str = "trust-store.previous";
const DAMAGED: &str = "trust-store.damaged";

/// The folder of a store.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    /// How long the lock is waited for.
    wait: Duration,
}

/// What a file is, and whether it has changed: its device and number, its length, and the time of its last change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) identity: (u64, u64),
    pub(super) bytes: u64,
    modified: (i64, i64),
}

#[cfg(unix)]
fn stamp_of(found: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;

    Stamp {
        identity: (found.dev(), found.ino()),
        bytes: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
    }
}

/// Other systems do not tell which file it is. Only its length and its content are compared.
#[cfg(not(unix))]
fn stamp_of(found: &Metadata) -> Stamp {
    Stamp {
        bytes: found.len(),
        ..Stamp::default()
    }
}

/// The file of a store, open and locked.
#[derive(Debug)]
pub(super) struct Handle {
    path: PathBuf,
    file: File,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// The file at a path, if it is a regular one. A pipe or a device is not opened: it could block for ever.
fn look(path: &Path) -> Result<Option<Metadata>, DurableError> {
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.map_err(io_error(path))?,
    };
    if !found.is_file() {
        let source = io::Error::new(ErrorKind::InvalidInput, "it is not a regular file");
        return Err(io_error(path)(source));
    }
    Ok(Some(found))
}

impl Disk {
    pub(super) fn new(folder: &Path, wait: Duration) -> Self {
        Self {
            folder: folder.to_owned(),
            wait,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens the store's file and locks it, for a change or only against one.
    pub(super) fn open(&self, change: bool, wait: Wait) -> Result<Handle, DurableError> {
        let path = self.current();
        let mut rounds = 0;
        loop {
            if look(&path)?.is_none() {
                return Err(DurableError::NoStore { path });
            }
            let mut options = OpenOptions::new();
            let file = match options.read(true).write(change).open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(DurableError::NoStore { path });
                }
                opened => opened.map_err(io_error(&path))?,
            };
            let limit = self.limit(wait);
            match change {
                true => locked(&path, &file, limit, || file.try_lock())?,
                false => locked(&path, &file, limit, || file.try_lock_shared())?,
            }
            let path = path.clone();
            let handle = Handle { path, file };
            // A new snapshot may have got the name in the meantime.
            let own = handle.stamp()?;
            if self
                .stamp()?
                .is_some_and(|there| there.identity == own.identity)
            {
                return Ok(handle);
            }
            rounds = next_round(rounds, &self.current())?;
        }
    }

    /// What is at the place of the store's file now.
    pub(super) fn stamp(&self) -> Result<Option<Stamp>, DurableError> {
        stamp_at(&self.current())
    }

    pub(super) fn current(&self) -> PathBuf {
        current(&self.folder)
    }

    pub(super) fn previous(&self) -> PathBuf {
        previous(&self.folder)
    }

    /// The owner of new files: that of the store, or for a first file that of the folder.
    fn owner(&self) -> Owner {
        let (current, previous) = (self.current(), self.previous());
        Owner::of([current.as_path(), previous.as_path()], &self.folder)
    }

    /// The folder and the files that others than the owner can write.
    pub(super) fn writable_by_others(&self) -> Vec<PathBuf> {
        let paths = [self.folder.clone(), self.current(), self.previous()];
        let exposed = paths.into_iter().filter(|path| is_writable_by_others(path));
        exposed.collect()
    }

    /// Whether there is no store and a file of one that was there.
    pub(super) fn is_lost(&self) -> bool {
        // A link that leads nowhere is there.
        let found = fs::symlink_metadata(self.current());
        let is_missing = found.is_err_and(|error| error.kind() == ErrorKind::NotFound);
        is_missing && self.previous().is_file()
    }

    /// Writes a store into a folder without one.
    pub(super) fn create(&self, content: &str) -> Result<(), WriteError> {
        let path = self.current();
        let refuse = IfExists::Refuse;
        prepare_store(&path, content.as_bytes(), refuse, &self.owner())?.place()
    }

    /// Replaces the store's file. The old file is kept as the previous one. The new file is locked before it has its
    /// name, so that no other change comes between.
    ///
    /// The name always has one of the two files, whole: the new file is flushed before it gets the name. If only the flush
    /// of the folder failed, the error comes with the new file.
    pub(super) fn replace(&self, content: &str) -> Result<Handle, (WriteError, Option<Handle>)> {
        let path = self.current();
        let replace = IfExists::Replace;
        let prepared = prepare_store(&path, content.as_bytes(), replace, &self.owner());
        let prepared = prepared.map_err(|error| (error, None))?;
        let failed = |source| {
            let (step, path) = (WriteStep::Create, path.clone());
            (WriteError::Io { step, path, source }, None)
        };
        let file = prepared.file().try_clone().map_err(failed)?;
        // No other process has opened it, so that this cannot wait.
        file.lock().map_err(failed)?;
        self.keep(&path, &self.previous())
            .map_err(|error| (error, None))?;
        let placed = prepared.place();
        let handle = Handle { path, file };
        match placed {
            Ok(()) => Ok(handle),
            Err(error @ WriteError::NotDurable { .. }) => Err((error, Some(handle))),
            Err(error) => Err((error, None)),
        }
    }

    /// Replaces a damaged store file. The damaged file is kept under its own name, and the previous file stays.
    pub(super) fn replace_damaged(&self, content: &str) -> Result<(), WriteError> {
        let path = self.current();
        let replace = IfExists::Replace;
        let prepared = prepare_store(&path, content.as_bytes(), replace, &self.owner())?;
        // The damaged file is only for analysis. A failure here does not stop the recovery.
        let _ = self.keep(&path, &self.damaged());
        prepared.place()
    }

    /// A name for a damaged file that none has: a further recovery does not overwrite what an earlier one found.
    fn damaged(&self) -> PathBuf {
        let first = self.folder.join(DAMAGED);
        let numbered = (2_u32..).map(|number| self.folder.join(format!("{DAMAGED}-{number}")));
        let mut names = [first.clone()].into_iter().chain(numbered);
        let free = names.find(|name| name.symlink_metadata().is_err());
        free.unwrap_or(first)
    }

    /// Makes a hard link to a file, or copies it where the file system has no hard links.
    fn keep(&self, path: &Path, second: &Path) -> Result<(), WriteError> {
        let refused = match link_as(path, second) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        match read(path) {
            // There is nothing to keep.
            Err(DurableError::NoStore { .. }) => Ok(()),
            Ok(content) => {
                prepare_store(second, &content, IfExists::Replace, &self.owner())?.place()
            }
            Err(_) => Err(refused),
        }
    }

    /// Removes what a process left that was stopped while it wrote. Only who holds the lock may call it. A failure is
    /// no fault of the change.
    pub(super) fn clean(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_left = name.to_str().is_some_and(|name| {
                name.starts_with(STORE_TEMPORARY) && name.ends_with(TEMPORARY_END)
            });
            if is_left {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Handle {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn stamp(&self) -> Result<Stamp, DurableError> {
        let found = self.file.metadata().map_err(io_error(&self.path))?;
        Ok(stamp_of(&found))
    }

    /// Reads the file from an offset to its end.
    pub(super) fn read_from(&self, at: u64) -> Result<Vec<u8>, DurableError> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at))
            .map_err(io_error(&self.path))?;
        content_of(file, &self.path, MAX_STORE_WITH_JOURNAL)
    }

    /// Adds text at an offset, which is the end, and flushes it.
    pub(super) fn append(&self, at: u64, text: &str) -> Result<(), WriteError> {
        let failed = |step| {
            let path = self.path.clone();
            move |source| WriteError::Io { step, path, source }
        };
        let mut file = &self.file;
        let placed = file.seek(SeekFrom::Start(at));
        placed.map_err(failed(WriteStep::Append))?;
        let written = file.write_all(text.as_bytes());
        written.map_err(failed(WriteStep::Append))?;
        // The length is flushed with the content: without it, the content could not be read.
        let flushed = self.file.sync_data();
        flushed.map_err(failed(WriteStep::FlushAppended))
    }

    /// Cuts the file at an offset, and flushes that.
    pub(super) fn cut(&self, at: u64) -> io::Result<()> {
        self.file.set_len(at)?;
        self.file.sync_data()
    }
}

/// What is at a path now.
pub(super) fn stamp_at(path: &Path) -> Result<Option<Stamp>, DurableError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(stamp_of(&found))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path)(error)),
    }
}

/// The path of the store's file in a folder.
pub(super) fn current(folder: &Path) -> PathBuf {
    folder.join(CURRENT)
}

/// The path of the file before the last snapshot.
pub(super) fn previous(folder: &Path) -> PathBuf {
    folder.join(PREVIOUS)
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DurableError {
    let path = path.to_owned();
    move |source| DurableError::Io { path, source }
}

/// Reads a store file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, DurableError> {
    let content = read_within(path, MAX_STORE_WITH_JOURNAL)?;
    content.ok_or_else(|| DurableError::NoStore {
        path: path.to_owned(),
    })
}

/// Reads a regular file of at most `limit` bytes. `None` if there is none.
pub(super) fn read_within(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, DurableError> {
    if look(path)?.is_none() {
        return Ok(None);
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io_error(path))?,
    };
    content_of(&file, path, limit).map(Some)
}

fn content_of(file: &File, path: &Path, limit: usize) -> Result<Vec<u8>, DurableError> {
    let length = file.metadata().map_err(io_error(path))?.len();
    let most = limit.saturating_add(1);
    let mut content = Vec::new();
    let expected = usize::try_from(length).unwrap_or(most).min(most);
    // If the memory cannot be reserved at once, the file is read in pieces.
    let _ = content.try_reserve_exact(expected);
    let bound = u64::try_from(most).unwrap_or(u64::MAX);
    file.take(bound)
        .read_to_end(&mut content)
        .map_err(io_error(path))?;
    if content.len() > limit {
        return Err(DurableError::File {
            path: path.to_owned(),
            source: StoreFileError::TooLarge { size: most, limit },
        });
    }
    Ok(content)
}
