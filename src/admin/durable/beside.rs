//! A file beside a store, which is written under the store's lock and with the store's seal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, Stamp, read_within, stamp_at};
use super::{DurableSettings, DurableStore};
use crate::admin::bundle::{FleetHealth, FleetId};
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
        self.disk.names_beside(start)
    }

    /// Sets the state of one fleet. Those of others, and of the followed sources, stay.
    pub(in crate::admin) fn set_fleet(&mut self, fleet: FleetHealth) {
        let fleets = &mut self.health.fleets;
        fleets.retain(|known| known.state.fleet != fleet.state.fleet);
        fleets.push(fleet);
        fleets.sort_by(|one, other| one.state.fleet.cmp(&other.state.fleet));
    }

    /// Forgets the state of a fleet.
    pub(in crate::admin) fn forget_fleet(&mut self, id: &FleetId) {
        self.health.fleets.retain(|known| known.state.fleet != *id);
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

    /// The seal, to be kept.
    pub(crate) fn seal_of(&self) -> Option<&Arc<dyn Seal>> {
        self.seal.as_ref()
    }

    /// What is there now.
    pub(crate) fn stamp(&self) -> Result<Option<BesideStamp>, DurableError> {
        Ok(stamp_at(&self.path)?.map(BesideStamp))
    }

    /// Reads the file. `None` if there is none.
    pub(crate) fn read(&self, limit: usize) -> Result<Option<Vec<u8>>, DurableError> {
        read_within(&self.path, limit)
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
        self.disk.remove_beside(&self.path)
    }
}
