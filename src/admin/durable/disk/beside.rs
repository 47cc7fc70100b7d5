//! Files beside the store's, with its owner and mode.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::{Disk, io_error};
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
