//! Files beside the store's, with its owner and mode.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::{Disk, io_error, look};
use crate::admin::durable::error::DurableError;
use crate::identity::error::WriteError;
use crate::identity::{IfExists, prepare_store};

impl Disk {
    /// Replaces a file.
    pub(in crate::admin::durable) fn write_beside(
        &self,
        path: &Path,
        content: &[u8],
    ) -> Result<(), WriteError> {
        prepare_store(path, content, IfExists::Replace, &self.owner())?.place()
    }

    /// Reads a file, at most one byte more than the limit. `None` if there is none.
    pub(in crate::admin::durable) fn read_beside(
        &self,
        path: &Path,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, DurableError> {
        if look(path)?.is_none() {
            return Ok(None);
        }
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(io_error(path))?,
        };
        let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut content = Vec::new();
        file.take(bound)
            .read_to_end(&mut content)
            .map_err(io_error(path))?;
        Ok(Some(content))
    }

    /// Removes a file, if it is there.
    pub(in crate::admin::durable) fn remove_beside(&self, path: &Path) -> Result<(), DurableError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io_error(path)(error)),
            _ => Ok(()),
        }
    }

    /// The names of the files that begin so, without the beginning.
    pub(in crate::admin::durable) fn names_beside(
        &self,
        start: &str,
    ) -> Result<Vec<String>, DurableError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(io_error(&self.folder))? {
            let name = entry.map_err(io_error(&self.folder))?.file_name();
            let rest = name.to_str().and_then(|name| name.strip_prefix(start));
            names.extend(rest.map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }
}
