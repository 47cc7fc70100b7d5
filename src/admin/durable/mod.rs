//! A store on disk (rule S4). A change is stored first and then put in force.
//!
//! The folder has four files: `trust-store`, in the format of [`file`](mod@file); `trust-store.previous`, the version
//! before; `trust-store.lock`, which excludes a second writer; and after a recovery `trust-store.damaged`.

mod block;
mod disk;
pub(crate) mod error;
mod guarded;
mod health;
mod recover;
mod settings;

use std::path::Path;
use std::sync::Arc;

pub use block::Blocked;
pub use health::Health;
pub use recover::RecoveryReport;
pub use settings::{Counter, DurableSettings};

use super::file::{self, ContentDigest, LoadReport, StoreFile, UnknownRecords};
use super::follow::SourceHealth;
use crate::admin::durable::error::DurableError;
use crate::certificate::error::with_causes;
use crate::identity::error::WriteError;
use crate::store::error::StoreError;
use crate::store::{LiveTrust, TrustSnapshot, TrustStore, trace};
use disk::Disk;

/// A [`TrustStore`] in a folder, with the snapshot of it that is in force.
///
/// # Security
/// A user who can write to the folder can put another store there. Let only the owner write to it, or
/// [seal](DurableSettings::with_seal) the store and [count](DurableSettings::with_counter) its generation.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
/// use mutual_trust::admin::{DurableSettings, DurableStore};
/// use mutual_trust::{KeyPolicy, tls};
///
/// let keys = KeyPolicy::new(tls::provider::default_provider().signature_verification_algorithms.all);
/// # let folder = std::env::temp_dir().join(format!("mutual-trust-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let settings = DurableSettings::new(keys);
/// let mut store = DurableStore::create(&folder, settings.clone())?;
/// let live = store.live();
/// store.change(|store| store.add_server("keys-1".parse()?, ["kms1.example".parse()?]))?;
/// assert!(live.current().server(&"keys-1".parse()?).is_some());
/// drop(store);
///
/// let (store, report) = DurableStore::open(&folder, settings)?;
/// assert_eq!(report.generation, store.contents().generation());
/// # drop(store);
/// # std::fs::remove_dir_all(&folder)?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DurableStore {
    disk: Disk,
    settings: DurableSettings,
    store: TrustStore,
    kept: UnknownRecords,
    live: LiveTrust,
    digest: ContentDigest,
    health: Health,
}

impl DurableStore {
    /// Makes an empty store, which trusts no peer, in an existing folder that holds no store.
    ///
    /// # Errors
    /// There is a store already. The folder is locked or cannot be written. A counter or minimum shows that there was a
    /// store.
    pub fn create(folder: &Path, settings: DurableSettings) -> Result<Self, DurableError> {
        let disk = Disk::lock(folder)?;
        let minimum = settings.least()?;
        settings.check(0, minimum)?;
        let first = if minimum > 0 { after(minimum) } else { 0 };
        let mut store = TrustStore::new(settings.keys).with_clock(settings.clock.clone());
        store.count_up_to(first);
        let view = store.snapshot();
        let kept = UnknownRecords::default();
        let (text, digest) =
            file::write(&view, &kept, settings.sealed_by()).map_err(DurableError::Unwritable)?;
        match disk.create(&text) {
            Err(WriteError::Exists { path }) => return Err(DurableError::Exists { path }),
            written => written.map_err(DurableError::NotSaved)?,
        }
        Ok(Self::start(disk, settings, store, kept, digest))
    }

    /// Opens the store in a folder. A store that is not whole is an error.
    ///
    /// The stored version is put in force. Nothing is written, except after an accepted roll-back.
    ///
    /// # Errors
    /// There is no store. It is locked, damaged, of a later major version, without a valid seal, or older than a
    /// counter or minimum says. Nothing is repaired or created silently: call [`recover`](Self::recover) or
    /// [`create`](Self::create).
    pub fn open(
        folder: &Path,
        settings: DurableSettings,
    ) -> Result<(Self, LoadReport), DurableError> {
        let disk = Disk::lock(folder)?;
        let path = disk.current();
        let minimum = settings.least()?;
        let content = disk::read(&path)?;
        let content = content.ok_or_else(|| DurableError::NoStore { path: path.clone() })?;
        let loaded = load(&path, &content, &settings)?;
        let StoreFile {
            store,
            kept,
            report,
        } = loaded;
        let found = report.generation;
        settings.check(found, minimum)?;
        let mut opened = Self::start(disk, settings, store, kept, report.digest);
        if found < minimum {
            let mut draft = opened.store.fork();
            draft.count_up_to(after(minimum));
            opened.persist(&mut draft, Undo::No)?;
        }
        Ok((opened, report))
    }

    /// Reads the store in a folder without opening it, for reading or for trying a change. Another process may have it
    /// open. Nothing is locked or written.
    ///
    /// # Errors
    /// As for [`open`](Self::open), but a locked store is not an error.
    pub fn read(folder: &Path, settings: &DurableSettings) -> Result<StoreFile, DurableError> {
        let path = disk::current(folder);
        let content = disk::read(&path)?;
        let content = content.ok_or_else(|| DurableError::NoStore { path: path.clone() })?;
        let loaded = load(&path, &content, settings)?;
        settings.check(loaded.report.generation, settings.least()?)?;
        Ok(loaded)
    }

    fn start(
        disk: Disk,
        settings: DurableSettings,
        store: TrustStore,
        kept: UnknownRecords,
        digest: ContentDigest,
    ) -> Self {
        let view = store.contents().clone();
        let health = Health {
            generation: view.generation(),
            stored: view.generation(),
            ..Health::default()
        };
        let mut started = Self {
            disk,
            settings,
            store,
            kept,
            live: LiveTrust::new(view),
            digest,
            health,
        };
        started.raise_counter();
        started
    }

    /// The snapshots in force, for the handshake path. All clones follow the changes of this store.
    pub fn live(&self) -> LiveTrust {
        self.live.clone()
    }

    /// What is installed now, for reading.
    pub fn contents(&self) -> &TrustSnapshot {
        self.store.contents()
    }

    /// The digest of the last stored version. Two controllers with equal generation and digest have the same content.
    pub fn digest(&self) -> ContentDigest {
        self.digest
    }

    /// The state of the store, for an operator.
    pub fn health(&self) -> Health {
        Health {
            clock: self.store.clock_state(),
            ..self.health.clone()
        }
    }

    /// Records the administrator who makes the changes from now on ([`TrustStore::set_actor`]).
    ///
    /// # Errors
    /// It is not one line of text within the bound.
    pub fn set_actor(&mut self, who: Option<&str>) -> Result<(), DurableError> {
        Ok(self.store.set_actor(who)?)
    }

    /// Changes the store. The result of `edit` is stored and then put in force. Several calls in one `edit` are one
    /// change, all of it or nothing.
    ///
    /// # Errors
    /// `edit` or the disk failed. The store and the snapshot in force are unchanged. After a failed flush, the file is
    /// written again with the old content; if that fails too, [`Health`] reports it.
    pub fn change<T>(
        &mut self,
        edit: impl FnOnce(&mut TrustStore) -> Result<T, StoreError>,
    ) -> Result<T, DurableError> {
        self.try_change(|store| edit(store).map_err(DurableError::Store))
    }

    /// [`change`](Self::change) with the caller's error type, for an `edit` with errors of its own.
    ///
    /// ```
    /// # use mutual_trust::DurableStore;
    /// # use std::error::Error;
    /// fn install(store: &mut DurableStore, ids: &[&str]) -> Result<(), Box<dyn Error>> {
    ///     store.try_change(|store| {
    ///         for id in ids {
    ///             let id = id.strip_prefix("kms-").ok_or("an id of ours begins with kms-")?;
    ///             store.add_server(id.parse()?, [])?;
    ///         }
    ///         Ok(())
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`change`](Self::change), converted to the caller's error.
    pub fn try_change<T, E: From<DurableError>>(
        &mut self,
        edit: impl FnOnce(&mut TrustStore) -> Result<T, E>,
    ) -> Result<T, E> {
        let current = self.store.contents().generation();
        let mut draft = self.store.fork();
        let done = edit(&mut draft)?;
        let offered = draft.contents().generation();
        if offered < current {
            return Err(DurableError::Replaced { current, offered }.into());
        }
        if offered == current {
            // It was there already.
            let _ = self.retry();
            return Ok(done);
        }
        self.persist(&mut draft, Undo::Yes)?;
        Ok(done)
    }

    /// Stores the current time as the new floor (rule M7) and publishes it. Call it once a day, so that a clock that
    /// fails later is compared with a recent floor.
    ///
    /// A clock that is more than 366 days above the floor does not raise it. [`Health`] reports this until
    /// [`confirm_clock`](TrustStore::confirm_clock) is called in a [`change`](Self::change), or the clock is set.
    ///
    /// # Errors
    /// The disk failed.
    pub fn refresh(&mut self) -> Result<(), DurableError> {
        let mut draft = self.store.fork();
        self.persist(&mut draft, Undo::No)
    }

    /// Stores what is in force and not stored yet. Every change does so as well.
    ///
    /// # Errors
    /// The disk failed again.
    pub fn retry(&mut self) -> Result<(), DurableError> {
        if self.health.is_behind() {
            let mut draft = self.store.fork();
            self.persist(&mut draft, Undo::No)?;
        } else if self.health.counter_error.is_some() {
            self.raise_counter();
        }
        Ok(())
    }

    pub(super) fn set_sources(&mut self, sources: Vec<SourceHealth>) {
        self.health.sources = sources;
    }

    pub(super) fn fork(&self) -> TrustStore {
        self.store.fork()
    }

    /// Replaces the store by `draft`: on the disk, then in memory, then in force.
    fn persist(&mut self, draft: &mut TrustStore, undo: Undo) -> Result<(), DurableError> {
        let view = draft.snapshot();
        let seal = self.settings.sealed_by();
        let written = file::write(&view, &self.kept, seal).map_err(DurableError::Unwritable);
        let (text, digest) = match written {
            Ok(written) => written,
            Err(error) => return Err(self.failed(error)),
        };
        if let Err(error) = self.disk.replace(&text) {
            // The number may be on the disk, so it is not used again.
            self.store.count_up_to(view.generation());
            if undo == Undo::Yes && matches!(error, WriteError::NotDurable { .. }) {
                self.undo();
            }
            return Err(self.failed(DurableError::NotSaved(error)));
        }
        self.store = draft.fork();
        trace::clock(draft.clock_state());
        self.stored(digest);
        self.publish().map_err(DurableError::NotPublished)
    }

    /// The new file has its name already, but the change failed: the content in force is written again.
    fn undo(&mut self) {
        self.store
            .count_up_to(after(self.store.contents().generation()));
        let view = self.store.contents();
        let Ok((text, digest)) = file::write(view, &self.kept, self.settings.sealed_by()) else {
            self.health.refused_change_on_disk = true;
            return;
        };
        match self.disk.replace(&text) {
            Ok(()) => self.stored(digest),
            Err(_) => self.health.refused_change_on_disk = true,
        }
    }

    /// The disk has the content of the store.
    fn stored(&mut self, digest: ContentDigest) {
        self.digest = digest;
        self.health.stored = self.store.contents().generation();
        self.health.unsaved_blocks = Default::default();
        self.health.refused_change_on_disk = false;
        self.health.last_error = None;
        self.raise_counter();
    }

    fn failed(&mut self, error: DurableError) -> DurableError {
        self.health.last_error = Some(with_causes(&error));
        error
    }

    fn publish(&mut self) -> Result<(), crate::store::error::PublishError> {
        let view = self.store.contents().clone();
        let generation = view.generation();
        if self.live.current().generation() != generation {
            self.live.publish(view)?;
        }
        self.health.generation = generation;
        Ok(())
    }

    fn raise_counter(&mut self) {
        if let Some(counter) = &self.settings.counter {
            let raised = counter.raise(self.health.stored);
            self.health.counter_error = raised.err().map(|error| with_causes(&error));
        }
    }
}

/// A generation that was not used before.
const fn after(generation: u64) -> u64 {
    generation.saturating_add(1)
}

/// Whether a failed change that may be on the disk is overwritten.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    Yes,
    No,
}

fn load(
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
