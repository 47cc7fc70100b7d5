//! Makes, opens and reads a store.

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{self, Disk, Wait};
use super::news::News;
use super::stored::{Stored, read_whole};
use super::{DurableSettings, DurableStore, Health, Undo, after};
use crate::admin::durable::error::DurableError;
use crate::admin::file::{self, LoadReport, StoreFile, UnknownRecords};
use crate::identity::error::WriteError;
use crate::store::{LiveTrust, TrustStore};

impl DurableStore {
    /// Makes an empty store, which trusts no peer, in an existing folder that holds no store.
    ///
    /// # Errors
    /// There is a store already, or the previous file of one that is lost: [`recover`](Self::recover) makes the store from
    /// it. The folder cannot be locked or written. A counter or minimum shows that there was a store.
    pub fn create(folder: &Path, settings: DurableSettings) -> Result<Self, DurableError> {
        let disk = Disk::new(folder, settings.lock_wait);
        let _held = disk.lock(Wait::Bounded)?;
        disk.clean();
        if disk.is_lost() {
            let path = disk.previous();
            return Err(DurableError::Lost { path });
        }
        let minimum = settings.least()?;
        settings.check(0, minimum)?;
        let first = if minimum > 0 { after(minimum) } else { 0 };
        let mut store = TrustStore::new(settings.keys).with_clock(settings.clock.clone());
        store.count_up_to(first);
        let view = store.snapshot();
        let kept = UnknownRecords::default();
        let written = file::write_for_journal(&view, &kept, (None, 0), settings.sealed_by());
        let (text, ..) = written.map_err(DurableError::Unwritable)?;
        match disk.create(&text) {
            Err(WriteError::Exists { path }) => return Err(DurableError::Exists { path }),
            written => written.map_err(DurableError::NotSaved)?,
        }
        let handle = disk.open(false, Wait::Bounded)?;
        let (stored, ..) = read_whole(&handle, &settings, None, &mut News::default())?;
        drop(handle);
        Ok(Self::start(disk, settings, stored))
    }

    /// Opens the store in a folder. A store that is not whole is an error.
    ///
    /// The stored version is put in force. Nothing is written, except after an accepted roll-back. Temporary files of
    /// stopped processes are removed.
    ///
    /// # Errors
    /// There is no store. It is damaged, of a later major version, without a valid seal, or older than a counter or
    /// minimum says. Another process held the lock for too long, or the file system has no locks. Nothing is repaired or
    /// created silently: call [`recover`](Self::recover) or [`create`](Self::create).
    pub fn open(
        folder: &Path,
        settings: DurableSettings,
    ) -> Result<(Self, LoadReport), DurableError> {
        let disk = Disk::new(folder, settings.lock_wait);
        let held = disk.lock(Wait::Bounded)?;
        disk.clean();
        let minimum = settings.least()?;
        let handle = disk.open(false, Wait::Bounded)?;
        let (stored, report, _) = read_whole(&handle, &settings, None, &mut News::default())?;
        drop(handle);
        let found = report.generation;
        settings.check(found, minimum)?;
        let mut opened = Self::start(disk, settings, stored);
        if found < minimum {
            let handle = opened.handle(Wait::Bounded)?;
            let mut draft = opened.store.fork();
            draft.ask(format_args!("accept-roll-back"));
            draft.count_up_to(after(minimum));
            opened.persist(handle, &mut draft, Undo::No)?;
        }
        drop(held);
        Ok((opened, report))
    }

    /// Reads the store in a folder without opening it, for reading or for trying a change. Nothing is locked or written.
    ///
    /// # Errors
    /// As for [`open`](Self::open), but no lock is needed.
    pub fn read(folder: &Path, settings: &DurableSettings) -> Result<StoreFile, DurableError> {
        Ok(Self::read_text(folder, settings)?.1)
    }

    /// Reads the store in a folder, with the bytes of its file.
    pub(super) fn read_text(
        folder: &Path,
        settings: &DurableSettings,
    ) -> Result<(Vec<u8>, StoreFile), DurableError> {
        let path = disk::current(folder);
        let content = disk::read(&path)?;
        let loaded = load(&path, &content, settings)?;
        settings.check(loaded.report.generation, settings.least()?)?;
        Ok((content, loaded))
    }

    /// The folder and the files of a store that users other than the owner can write, so that they can put another store
    /// there. [`Health`] reports them as well. Restrict them with `chmod go-w`. Empty on systems without modes of files.
    #[doc(hidden)]
    pub fn writable_by_others(folder: &Path) -> Vec<PathBuf> {
        Disk::new(folder, Duration::ZERO).writable_by_others()
    }

    pub(super) fn start(disk: Disk, settings: DurableSettings, stored: Stored) -> Self {
        let store = stored.store.fork();
        let view = store.contents().clone();
        let health = Health {
            generation: view.generation(),
            stored: view.generation(),
            ..Health::default()
        };
        let news = News::new(settings.sink.clone());
        let mut started = Self {
            disk,
            settings,
            store,
            stored,
            pending: BTreeMap::new(),
            live: LiveTrust::new(view),
            health,
            refused_by_disk: false,
            news,
            omitted: 0,
        };
        started.raise_counter();
        started
    }
}

pub(super) fn load(
    path: &Path,
    content: &[u8],
    settings: &DurableSettings,
) -> Result<StoreFile, DurableError> {
    let loaded = file::read(content, settings.keys, settings.sealed_by());
    let mut loaded = loaded.map_err(|source| DurableError::File {
        path: path.to_owned(),
        source,
    })?;
    loaded.store = loaded.store.with_clock(Arc::clone(&settings.clock));
    Ok(loaded)
}
