//! A store on disk (rule S4). A change is stored first and then put in force.
//!
//! The folder has these files: `trust-store`, a snapshot and the changes behind it, in the format of [`file`](mod@file);
//! `trust-store.previous`, the file before the last snapshot; `trust-store.lock`, which is locked for a change; and after a
//! recovery `trust-store.damaged`.
//!
//! The file is the truth. A change is made on what is in the file now, and added at its end. So several processes can
//! have the store open: each takes over what the others changed when it changes the store itself, and at a
//! [refresh](DurableStore::refresh).

mod backup;
#[cfg(feature = "bundle")]
mod beside;
mod block;
mod candidates;
mod disk;
pub(crate) mod error;
mod guarded;
mod health;
mod history;
mod merge;
mod news;
mod open;

mod persist;
mod recover;
mod refusals;
mod report;
mod sealing;
mod settings;
mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(feature = "bundle")]
pub(crate) use beside::{Beside, BesideStamp};
pub use block::Blocked;
pub use health::Health;
pub use history::History;
pub use report::RecoveryReport;
pub use settings::{Counter, DurableSettings, JournalSink};

use super::file::ContentDigest;
use super::follow::SourceHealth;
use crate::admin::durable::error::DurableError;
use crate::certificate::CurrentTime;
use crate::certificate::error::with_causes;
use crate::limits::FLOOR_REFRESH;
use crate::policy::Policy;
use crate::store::error::{PublishError, StoreError};
use crate::store::{BlockSelector, LiveTrust, TrustSnapshot, TrustStore};
use disk::{Disk, Handle, Held, Wait};
use news::News;
use stored::Stored;

/// A [`TrustStore`] in a folder, with the snapshot of it that is in force.
///
/// Several processes, or several parts of one, can have a store open. No change is lost: each is made on what the others
/// stored. Call [`refresh`](Self::refresh) every few seconds to put in force what other processes changed.
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
    /// What is in force: what is stored, and the blocks that the disk refused.
    store: TrustStore,
    stored: Stored,
    /// Blocks that are in force and not stored, each with who asked for it.
    pending: BTreeMap<BlockSelector, Option<Arc<str>>>,
    live: LiveTrust,
    health: Health,
    /// Whether the disk refused the last change. A refresh then tries whether it takes one again.
    refused_by_disk: bool,
    /// What the sink is told next.
    news: News,
    /// How many refusals were not recorded since the last one that was.
    omitted: u64,
}

impl DurableStore {
    /// The snapshots in force, for the handshake path. All clones follow the changes of this store.
    pub fn live(&self) -> LiveTrust {
        self.live.clone()
    }

    /// What is in force, for reading.
    pub fn contents(&self) -> &TrustSnapshot {
        self.store.contents()
    }

    /// The digest of the last change, which contains the digest of the one before it. Two processes with an equal digest
    /// have read the same content with the same history.
    pub fn digest(&self) -> ContentDigest {
        self.stored.position.digest
    }

    /// The state of the store, for an operator.
    pub fn health(&self) -> Health {
        let mut health = Health {
            clock: self.store.clock_state(),
            writable_by_others: self.disk.writable_by_others(),
            ..self.health.clone()
        };
        for block in self.pending.keys() {
            health.unsaved_blocks.push(block.clone());
        }
        #[cfg(feature = "bundle")]
        {
            let now = self.contents().now_or_floor(self.now());
            let fleets = health.fleets.iter_mut();
            fleets.for_each(|fleet| fleet.judge(now));
        }
        health
    }

    /// Records the administrator who makes the changes from now on ([`TrustStore::set_actor`]).
    ///
    /// # Errors
    /// It is not one line of text within the bound.
    pub fn set_actor(&mut self, who: Option<&str>) -> Result<(), DurableError> {
        Ok(self.store.set_actor(who)?)
    }

    /// Changes the store. What other processes changed is read first. The result of `edit` is stored and then put in force.
    /// Several calls in one `edit` are one change, all of it or nothing.
    ///
    /// Other processes wait while `edit` runs.
    ///
    /// # Errors
    /// `edit` or the disk failed, or the store was replaced by an older one. What was stored and in force before stays.
    /// If a failed change may be on the disk all the same, [`Health`] reports it.
    pub fn change<T>(
        &mut self,
        edit: impl FnOnce(&mut TrustStore) -> Result<T, StoreError>,
    ) -> Result<T, DurableError> {
        let edit = |store: &mut TrustStore| edit(store).map_err(DurableError::Store);
        self.make_change(edit, |error: &DurableError| with_causes(error))
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
        self.make_change(edit, |_| {
            String::from("the program that made it refused it")
        })
    }

    /// Makes a change. `why` says why `edit` refused it.
    fn make_change<T, E: From<DurableError>>(
        &mut self,
        edit: impl FnOnce(&mut TrustStore) -> Result<T, E>,
        why: impl FnOnce(&E) -> String,
    ) -> Result<T, E> {
        let (held, handle) = self
            .hold(Wait::Bounded)
            .map_err(|error| self.failed(error))?;
        let current = self.store.contents().generation();
        let mut draft = self.store.fork();
        let done = match edit(&mut draft) {
            Ok(done) => done,
            Err(error) => {
                if !self.record_noted(&handle, &draft) {
                    let (mut asked, more) = refusals::calls(draft.asked());
                    // A call is named when it is made: the one that failed is not.
                    let by = draft.actor().map(|by| by.to_string());
                    asked.push((String::from("a call that was refused"), by));
                    self.record_refusal(&handle, (asked, more), &why(&error));
                }
                return Err(error);
            }
        };
        self.record_noted(&handle, &draft);
        let offered = draft.contents().generation();
        if offered < current {
            return Err(DurableError::Replaced { current, offered }.into());
        }
        if offered == current {
            // It was there already.
            if self.is_behind() {
                let _ = self.settle(handle);
            }
            return Ok(done);
        }
        self.persist(handle, &mut draft, Undo::Yes)?;
        drop(held);
        Ok(done)
    }

    /// Puts in force what other processes changed, and stores what the disk refused before. `true` if something else is in
    /// force now. Call it every few seconds, or on a signal: if nothing has changed, it only looks at the file's length
    /// and time.
    ///
    /// It also stores the current time as the new floor (rule M7) if the stored one is half a day old, so that a clock that
    /// fails later is compared with a recent floor. A clock that is more than 366 days above the floor does not raise it.
    /// [`Health`] reports this until [`confirm_clock`](TrustStore::confirm_clock) is called in a [`change`](Self::change),
    /// or the clock is set.
    ///
    /// # Errors
    /// The file cannot be read, or it was replaced by an older one: what is in force stays in force. The disk failed again.
    pub fn refresh(&mut self) -> Result<bool, DurableError> {
        let before = self.live.current().generation();
        let refreshed = self.take_over_or_store();
        if let Err(error) = refreshed {
            return Err(self.failed(error));
        }
        if self.health.counter_error.is_some() {
            self.raise_counter();
        }
        Ok(self.live.current().generation() != before)
    }

    fn take_over_or_store(&mut self) -> Result<(), DurableError> {
        if self.has_to_store() {
            let (_held, handle) = self.hold(Wait::Bounded)?;
            return self.settle(handle);
        }
        if self.disk.stamp()? != Some(self.stored.stamp) {
            let handle = self.disk.open(false, Wait::Bounded)?;
            self.take_over(&handle)?;
        } else {
            // Another store may have been there for a time.
            self.stored.replaced = false;
        }
        self.health.last_error = None;
        Ok(())
    }

    /// Whether a refresh has something to store.
    fn has_to_store(&self) -> bool {
        let floor = self.stored.store.contents().floor();
        let is_old = match (self.settings.clock.now(), floor) {
            (CurrentTime::Known(now), Some(floor)) => {
                now.as_secs() >= floor.as_secs().saturating_add(FLOOR_REFRESH.as_secs())
                    && self.store.clock_state().is_good()
            }
            (CurrentTime::Known(_), None) => true,
            (CurrentTime::Unset, _) => false,
        };
        // Without the seal, the floor is left to those who have it.
        (is_old && self.can_seal()) || self.is_behind() || self.refused_by_disk
    }

    /// Whether the disk differs from what is in force.
    fn is_behind(&self) -> bool {
        !self.pending.is_empty() || self.stored.refused.is_some()
    }

    /// The time, by the clock of the store.
    pub(in crate::admin) fn now(&self) -> CurrentTime {
        self.settings.clock.now()
    }

    /// The policy of a service that has none of its own.
    pub(in crate::admin) fn default_policy(&self) -> Policy {
        Policy::new(self.settings.keys)
    }

    pub(super) fn set_sources(&mut self, sources: Vec<SourceHealth>) {
        self.health.sources = sources;
    }

    /// Locks the store for a change, and takes over what other processes changed.
    fn hold(&mut self, wait: Wait) -> Result<(Held, Handle), DurableError> {
        let held = self.disk.lock(wait)?;
        let handle = self.handle(wait)?;
        self.undo_refused(&handle)?;
        self.take_over(&handle)?;
        Ok((held, handle))
    }

    fn handle(&self, wait: Wait) -> Result<Handle, DurableError> {
        self.disk.open(true, wait)
    }

    /// Reads what other processes changed, and puts it in force.
    fn take_over(&mut self, handle: &Handle) -> Result<(), DurableError> {
        let before = self.stored.store.contents().generation();
        let read = self
            .stored
            .read_on(handle, &self.settings, &mut self.news)?;
        if read {
            self.put_in_force(before)?;
        }
        self.news.tell();
        Ok(())
    }

    /// Puts in force what was read behind a generation.
    fn put_in_force(&mut self, before: u64) -> Result<(), DurableError> {
        let number = self.store.contents().generation();
        let mut next = self.store.fork();
        next.take_over(&self.stored.store);
        let mut pending = core::mem::take(&mut self.pending);
        pending.retain(|block, _| !next.contents().blocks().any(|held| held == block));
        for block in pending.keys() {
            let _ = next.block_selector(block.clone());
        }
        next.begin();
        self.pending = pending;
        // A number that was used here for other content is not used again.
        if next.contents().generation() <= number && number > before {
            next.count_up_to(after(number));
        }
        self.store = next;
        self.health.stored = self.stored.store.contents().generation();
        self.raise_counter();
        self.publish().map_err(DurableError::NotPublished)
    }

    fn failed(&mut self, error: DurableError) -> DurableError {
        self.health.last_error = Some(with_causes(&error));
        error
    }

    fn publish(&mut self) -> Result<(), PublishError> {
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

/// Whether a failed change that may be on the disk was refused, so that it must not be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    Yes,
    No,
}
