//! A file beside a store, which is written under the store's lock and with the store's seal.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, Stamp, io_error, look, stamp_at};
use super::{DurableSettings, DurableStore};
use crate::admin::durable::error::DurableError;
use crate::admin::file::Seal;
use crate::admin::file::error::StoreFileError;

/// The place of such a file.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    disk: Disk,
    path: PathBuf,
    seal: Option<Arc<dyn Seal>>,
    /// Whether the store is sealed and the settings cannot seal.
    is_read_only: bool,
}

/// What a file beside a store is, as it was read or written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BesideStamp(Stamp);

impl DurableStore {
    /// The place of a file beside the store.
    pub(crate) fn beside(&self, name: &str) -> Beside {
        Beside {
            disk: self.disk.clone(),
            path: self.disk.folder().join(name),
            seal: self.settings.seal.clone(),
            is_read_only: !self.can_seal(),
        }
    }

    /// The names of the files beside the store that begin so, without the beginning.
    pub(crate) fn names_beside(&self, start: &str) -> Result<Vec<String>, DurableError> {
        let folder = self.disk.folder();
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(io_error(folder))? {
            let name = entry.map_err(io_error(folder))?.file_name();
            let rest = name.to_str().and_then(|name| name.strip_prefix(start));
            names.extend(rest.map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// The settings with which it was opened.
    pub(crate) fn settings(&self) -> &DurableSettings {
        &self.settings
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.disk.folder()
    }
}

impl Beside {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn seal(&self) -> Option<&dyn Seal> {
        self.seal.as_deref()
    }

    /// What is there now.
    pub(crate) fn stamp(&self) -> Result<Option<BesideStamp>, DurableError> {
        Ok(stamp_at(&self.path)?.map(BesideStamp))
    }

    /// Reads the file. `None` if there is none.
    pub(crate) fn read(&self, limit: usize) -> Result<Option<Vec<u8>>, DurableError> {
        if look(&self.path)?.is_none() {
            return Ok(None);
        }
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(io_error(&self.path))?,
        };
        let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut content = Vec::new();
        file.take(bound)
            .read_to_end(&mut content)
            .map_err(io_error(&self.path))?;
        if content.len() > limit {
            let size = content.len();
            return Err(DurableError::File {
                path: self.path.clone(),
                source: StoreFileError::TooLarge { size, limit },
            });
        }
        Ok(Some(content))
    }

    /// Replaces the file, whole and flushed, with the owner and mode of the store. Only who holds the store's lock may call
    /// it.
    pub(crate) fn write(&self, content: &[u8]) -> Result<(), DurableError> {
        if self.is_read_only {
            return Err(DurableError::Unwritable(StoreFileError::Sealed));
        }
        let written = self.disk.write_beside(&self.path, content);
        written.map_err(DurableError::NotSaved)
    }

    /// Removes the file. Only who holds the store's lock may call it.
    pub(crate) fn remove(&self) -> Result<(), DurableError> {
        if self.is_read_only {
            return Err(DurableError::Unwritable(StoreFileError::Sealed));
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io_error(&self.path)(error)),
            _ => Ok(()),
        }
    }
}
