//! The queue of observations between handshakes and their reader (rule S5).

use core::fmt;
use core::time::Duration;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Observation, meter};
use crate::certificate::error::SettingError;
use crate::limits::{MAX_OBSERVATIONS, MAX_OBSERVED_BYTES};

/// Makes a queue of at most `capacity` observations: the writing end for the configuration builders, and the reading
/// end for the service.
///
/// ```
/// let (observations, reader) = mutual_trust::observe::observation_queue(1024)?;
/// // ClientConfigBuilder::new(…).with_observer(observations.clone()) …, and in a thread of its own:
/// for observation in reader.try_iter() {
///     println!("{}", observation.verdict);
/// }
/// println!("{} were dropped", reader.dropped());
/// # Ok::<(), mutual_trust::error::SettingError>(())
/// ```
///
/// # Errors
/// The capacity is zero or over its limit.
pub fn observation_queue(
    capacity: usize,
) -> Result<(Observations, ObservationReader), SettingError> {
    let [found, most] =
        [capacity, MAX_OBSERVATIONS].map(|number| u64::try_from(number).unwrap_or(u64::MAX));
    SettingError::check("places for observations", found, 1, most)?;
    let (sender, receiver) = sync_channel(capacity);
    let counts = Arc::new(Counts {
        for_refused: capacity.div_ceil(2),
        refused: AtomicUsize::new(0),
        bytes: AtomicUsize::new(0),
        dropped: AtomicU64::new(0),
    });
    let reader = ObservationReader {
        receiver: Mutex::new(Some(receiver)),
        free: Condvar::new(),
        counts: counts.clone(),
    };
    Ok((Observations { sender, counts }, reader))
}

#[derive(Debug)]
struct Counts {
    /// The number of places for refused peers.
    for_refused: usize,
    refused: AtomicUsize,
    bytes: AtomicUsize,
    dropped: AtomicU64,
}

/// Reserves `amount` within `limit`, or nothing.
fn take(counter: &AtomicUsize, amount: usize, limit: usize) -> bool {
    let take = |taken: usize| {
        let sum = taken.checked_add(amount);
        sum.filter(|sum| *sum <= limit)
    };
    let order = Ordering::Relaxed;
    counter.fetch_update(order, order, take).is_ok()
}

impl Counts {
    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Reserves room for an observation, or nothing.
    fn take(&self, observation: &Observation) -> bool {
        if !take(&self.bytes, bytes(observation), MAX_OBSERVED_BYTES) {
            return false;
        }
        // Any machine on the network can cause refusals. They must not displace the observations of accepted peers.
        if !observation.is_accepted() && !take(&self.refused, 1, self.for_refused) {
            self.bytes.fetch_sub(bytes(observation), Ordering::Relaxed);
            return false;
        }
        true
    }

    fn give_back(&self, observation: &Observation) {
        self.bytes.fetch_sub(bytes(observation), Ordering::Relaxed);
        if !observation.is_accepted() {
            self.refused.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn bytes(observation: &Observation) -> usize {
    let certificates = observation.presented.iter();
    certificates.fold(0, |sum, der| sum.saturating_add(der.len()))
}

/// The writing end of the queue, for handshakes. Cheap to clone.
///
/// No handshake waits: when the queue is full, or half full of refused peers, an observation is dropped and counted
/// (rule S5).
#[derive(Clone)]
pub struct Observations {
    sender: SyncSender<Observation>,
    counts: Arc<Counts>,
}

impl Observations {
    /// Adds an observation, or counts it as dropped. Never waits.
    pub fn send(&self, observation: Observation) {
        if self.counts.take(&observation) {
            match self.sender.try_send(observation) {
                Ok(()) => return,
                Err(full) => self.counts.give_back(match &full {
                    std::sync::mpsc::TrySendError::Full(observation)
                    | std::sync::mpsc::TrySendError::Disconnected(observation) => observation,
                }),
            }
        }
        self.count_dropped();
    }

    /// Counts an observation that could not be made.
    pub(crate) fn count_dropped(&self) {
        self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        meter::dropped();
    }

    /// The number of observations that were dropped since the queue was made.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped()
    }
}

impl fmt::Debug for Observations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observations")
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

/// The reading end of the queue. Several threads may read: each observation is for one of them.
pub struct ObservationReader {
    /// `None` while a thread waits with it for an observation. The lock is held by none that waits.
    receiver: Mutex<Option<Receiver<Observation>>>,
    /// It is there again.
    free: Condvar,
    counts: Arc<Counts>,
}

impl ObservationReader {
    /// The oldest observation, as `Receiver::recv_timeout`: `None` after `timeout`, and at once when every
    /// [`Observations`] is dropped.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<Observation> {
        let begin = Instant::now();
        let turn = self
            .free
            .wait_timeout_while(self.receiver(), timeout, |place| place.is_none());
        let (mut place, _) = turn.unwrap_or_else(PoisonError::into_inner);
        let receiver = place.take()?;
        drop(place);
        // It has waited for its turn already.
        let left = timeout.saturating_sub(begin.elapsed());
        let found = receiver.recv_timeout(left).ok();
        self.read(receiver, found)
    }

    /// Calls `observer` for every observation, the oldest first, until every [`Observations`] is dropped. Run it in a
    /// thread of its own: no handshake waits for it, so that it may block.
    pub fn run(&self, mut observer: impl FnMut(&Observation)) {
        while let Some(observation) = self.next() {
            observer(&observation);
        }
    }

    /// Waits for the next observation. Others can read while the observer runs.
    fn next(&self) -> Option<Observation> {
        let turn = self
            .free
            .wait_while(self.receiver(), |place| place.is_none());
        let mut place = turn.unwrap_or_else(PoisonError::into_inner);
        let receiver = place.take()?;
        drop(place);
        let found = receiver.recv().ok();
        self.read(receiver, found)
    }

    /// All observations in the queue, the oldest first, as `Receiver::try_iter`. Never waits: it finds none while another
    /// thread reads or waits for one, so the last look at the end comes after the other readers have ended.
    pub fn try_iter(&self) -> Vec<Observation> {
        let mut all = Vec::new();
        if let Some(receiver) = &*self.receiver() {
            // At most as many as the queue can hold, so that new observations cannot keep the loop running.
            all.extend(receiver.try_iter().take(MAX_OBSERVATIONS));
        }
        all.iter().for_each(|found| self.counts.give_back(found));
        all
    }

    fn receiver(&self) -> MutexGuard<'_, Option<Receiver<Observation>>> {
        let receiver = self.receiver.lock();
        receiver.unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the turn to the next thread, and makes room for what was read.
    fn read(
        &self,
        receiver: Receiver<Observation>,
        found: Option<Observation>,
    ) -> Option<Observation> {
        *self.receiver() = Some(receiver);
        self.free.notify_one();
        found.inspect(|found| self.counts.give_back(found))
    }

    /// The number of observations that were dropped since the queue was made.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped()
    }
}

impl fmt::Debug for ObservationReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservationReader")
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}
