//! Settings of a durable store.

use core::fmt;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use pki_types::UnixTime;

use crate::admin::durable::error::DurableError;
use crate::admin::file::{JournalRecord, Seal};
use crate::certificate::{KeyPolicy, SystemClock, TimeSource};
use crate::limits::MAX_LOCK_WAIT;

/// A hardware counter that only counts up and is not on the disk. It detects an older store file that was put back, in
/// which a removed certificate is installed or a block is missing.
pub trait Counter: fmt::Debug + Send + Sync {
    /// The newest stored generation.
    ///
    /// # Errors
    /// The hardware does not answer.
    fn read(&self) -> io::Result<u64>;

    /// Counts up to the generation that was just stored. A lower generation changes nothing.
    ///
    /// # Errors
    /// The hardware does not answer. The store keeps working, reports it in its health and tries again.
    fn raise(&self, generation: u64) -> io::Result<()>;
}

/// Is told what the journal of a store gets, in its order: each change that is stored while the store is open, by this
/// process or another one, and each recorded refusal. Each is told once.
///
/// It is called after the change is in force, by the thread that changed or refreshed the store. Other processes may wait
/// meanwhile, so it must return soon.
#[doc(hidden)]
pub trait JournalSink: fmt::Debug + Send + Sync {
    /// The journal has one more record. If more than one snapshot was written since the last refresh, records are
    /// missing: `from` of a change is then not the last generation that was told.
    fn record(&self, record: &JournalRecord);
}

/// Settings of a durable store. Cheap to clone.
///
/// ```
/// use mutual_trust::KeyPolicy;
/// use mutual_trust::admin::DurableSettings;
///
/// let settings = DurableSettings::new(KeyPolicy::new(&[])).with_minimum_generation(7);
/// assert_eq!(settings.minimum_generation(), 7);
/// assert!(settings.seal().is_none() && settings.counter().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct DurableSettings {
    pub(super) keys: KeyPolicy,
    pub(super) clock: Arc<dyn TimeSource>,
    pub(super) seal: Option<Arc<dyn Seal>>,
    pub(super) counter: Option<Arc<dyn Counter>>,
    pub(super) minimum: u64,
    pub(super) accept_roll_back: bool,
    pub(super) refusals: bool,
    pub(super) sink: Option<Arc<dyn JournalSink>>,
    pub(super) lock_wait: Duration,
}

impl DurableSettings {
    /// Settings with the system's clock, without a seal and without a counter.
    ///
    /// `keys` says which public keys may be installed, and which entries are disabled when they are loaded.
    pub fn new(keys: KeyPolicy) -> Self {
        Self {
            keys,
            clock: Arc::new(SystemClock::new()),
            seal: None,
            counter: None,
            minimum: 0,
            accept_roll_back: false,
            refusals: false,
            sink: None,
            lock_wait: MAX_LOCK_WAIT,
        }
    }

    /// Reads the time from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn TimeSource>) -> Self {
        self.clock = clock;
        self
    }

    /// Seals the store file, and refuses a file without a valid seal.
    #[must_use]
    pub fn with_seal(mut self, seal: Arc<dyn Seal>) -> Self {
        self.seal = Some(seal);
        self
    }

    /// Refuses a store that is older than the counter.
    #[must_use]
    pub fn with_counter(mut self, counter: Arc<dyn Counter>) -> Self {
        self.counter = Some(counter);
        self
    }

    /// Refuses a store of a lower generation. Use it if the generation is known from elsewhere, for example from the
    /// other controller of an array. After several calls the highest number counts.
    #[must_use]
    pub fn with_minimum_generation(mut self, generation: u64) -> Self {
        self.minimum = self.minimum.max(generation);
        self
    }

    /// Waits so long while another process changes the store, and then fails with [`DurableError::Locked`]. 10 seconds by
    /// default: about what writing the snapshot of the largest store to a slow disk takes. With no time at all, a change
    /// fails at once.
    #[must_use]
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Accepts a store that is older than the counter or the minimum, and counts on from there.
    ///
    /// # Security
    /// Removals, blocks and claims since then are undone. Ask a person each time. Never set it in a service that starts
    /// by itself.
    #[must_use]
    pub fn with_roll_back_accepted(mut self) -> Self {
        self.accept_roll_back = true;
        self
    }

    /// Records refused changes in the journal as well: those that fail, those that would lock out a peer, and
    /// fingerprints of enrolment that do not match. Not by default: a refusal is then written to the disk.
    ///
    /// The records have bounds of their own. What is beyond them is counted, not recorded.
    #[doc(hidden)]
    #[must_use]
    pub fn with_refusals_recorded(mut self) -> Self {
        self.refusals = true;
        self
    }

    /// Tells `sink` what the journal gets.
    #[doc(hidden)]
    #[must_use]
    pub fn with_sink(mut self, sink: Arc<dyn JournalSink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// What the time is read from.
    pub fn clock(&self) -> &Arc<dyn TimeSource> {
        &self.clock
    }

    /// The seal of the store file, if it has one.
    pub fn seal(&self) -> Option<&Arc<dyn Seal>> {
        self.seal.as_ref()
    }

    /// The counter that refuses older stores, if there is one.
    pub fn counter(&self) -> Option<&Arc<dyn Counter>> {
        self.counter.as_ref()
    }

    /// How long a change waits for the change of another process.
    #[doc(hidden)]
    pub fn lock_wait(&self) -> Duration {
        self.lock_wait
    }

    /// The lowest generation that is accepted. 0 by default.
    pub fn minimum_generation(&self) -> u64 {
        self.minimum
    }

    pub(super) fn now(&self) -> Option<UnixTime> {
        self.clock.now().known()
    }

    pub(super) fn sealed_by(&self) -> Option<&dyn Seal> {
        self.seal.as_deref()
    }

    /// The least accepted generation.
    pub(super) fn least(&self) -> Result<u64, DurableError> {
        let counted = match &self.counter {
            Some(counter) => counter.read().map_err(DurableError::Counter)?,
            None => 0,
        };
        Ok(counted.max(self.minimum))
    }

    /// Refuses a lower generation than the least, unless a person accepted it.
    pub(super) fn check(&self, found: u64, minimum: u64) -> Result<(), DurableError> {
        if found < minimum && !self.accept_roll_back {
            return Err(DurableError::RolledBack { found, minimum });
        }
        Ok(())
    }
}
