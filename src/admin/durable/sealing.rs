//! Sealing a store, and who may change a sealed one.

use std::path::Path;
use std::sync::Arc;

use super::disk::{self, Handle, Wait};
use super::{DurableSettings, DurableStore, Undo, after};
use crate::admin::durable::error::DurableError;
use crate::admin::file::error::StoreFileError;
use crate::admin::file::{self, Seal};

/// A store that is sealed, and settings that cannot seal.
const SEALED: DurableError = DurableError::Unwritable(StoreFileError::Sealed);

impl DurableSettings {
    /// Refuses to write a store where a sealed one is, or was, without a seal.
    pub(super) fn check_can_replace(&self, paths: &[&Path]) -> Result<(), DurableError> {
        if self.seal.is_some() {
            return Ok(());
        }
        let is_sealed = |path: &&&Path| disk::read(path).is_ok_and(|text| file::has_seal(&text));
        match paths.iter().find(is_sealed) {
            Some(_) => Err(SEALED),
            None => Ok(()),
        }
    }
}

impl DurableStore {
    /// Seals the store with another seal from now on, or without one: a store that was not sealed, the same store with
    /// another key, or an unsealed one. The settings of this store must have the seal that the store has.
    ///
    /// It is a change like others, which the history tells: other processes take it over, those without the new seal can
    /// no longer change the store, and those with another seal refuse it. Changes before it can be read by the old
    /// settings alone, as long as they are kept.
    ///
    /// # Security
    /// Sealing vouches for everything that the store has at this moment: look at it first.
    ///
    /// # Errors
    /// The store is sealed, and the settings have no seal. As for [`change`](Self::change). If the new file was written and
    /// the change could not be added to it, the new seal holds all the same.
    pub fn set_seal(&mut self, seal: Option<Arc<dyn Seal>>) -> Result<(), DurableError> {
        let (_held, handle) = self
            .hold(Wait::Bounded)
            .map_err(|error| self.failed(error))?;
        self.check_can_seal()?;
        let asked = if seal.is_some() { "seal" } else { "unseal" };
        let before = core::mem::replace(&mut self.settings.seal, seal);
        let handle = match self.write_sealed(handle) {
            Ok(handle) => handle,
            Err((error, is_placed)) => {
                if !is_placed {
                    self.settings.seal = before;
                }
                return Err(self.failed(error));
            }
        };
        // The second file makes the first one the previous one: none is left with the old seal.
        self.stored.rewrite = true;
        let mut draft = self.store.fork();
        draft.ask(format_args!("{asked}"));
        draft.count_up_to(after(draft.contents().generation()));
        self.persist(handle, &mut draft, Undo::No)
    }

    /// Writes what is stored with the present seal. An error says whether the new file has the name.
    fn write_sealed(&mut self, handle: Handle) -> Result<Handle, (DurableError, bool)> {
        let stored = &self.stored;
        let written = file::write_for_journal(
            stored.store.contents(),
            &stored.kept,
            (Some(stored.position.digest), 0),
            self.settings.sealed_by(),
        );
        let (text, over, kept) =
            written.map_err(|error| (DurableError::Unwritable(error), false))?;
        self.disk.clean();
        let (new, error) = match self.disk.replace(&text) {
            Ok(new) => (new, None),
            Err((error, Some(new))) => (new, Some(error)),
            Err((error, None)) => return Err((DurableError::NotSaved(error), false)),
        };
        drop(handle);
        self.wrote_snapshot(&text, over, &kept);
        self.stored.stamp = new.stamp().unwrap_or_default();
        match error {
            None => Ok(new),
            Some(error) => {
                self.stored.rewrite = true;
                Err((DurableError::NotSaved(error), true))
            }
        }
    }

    /// Whether this store may be changed by these settings.
    pub(super) fn can_seal(&self) -> bool {
        self.settings.seal.is_some() || !self.stored.position.sealed
    }

    pub(super) fn check_can_seal(&self) -> Result<(), DurableError> {
        match self.can_seal() {
            true => Ok(()),
            false => Err(SEALED),
        }
    }
}
