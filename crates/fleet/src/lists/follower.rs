//! Fetches lists before they end.

use core::fmt;
use core::time::Duration;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use mutual_trust::CurrentTime;
use mutual_trust::admin::DurableStore;
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};

use super::followed::Followed;
use super::health::{Life, ListHealth};
use super::source::CrlSource;
use crate::access::{self, Access};
use crate::agent::{AgentClock, Jitter, MonotonicClock, Stop};
use crate::http::Worker;
use crate::limits::{
    FIRST_LIST_BACKOFF, LIST_INTERVAL, MAX_LIST_SOURCES, MIN_LIST_WAIT, START_SPREAD,
};
use crate::report::fault_line;
use crate::setting::SettingError;

/// Keeps the revocation lists of a store new.
///
/// ```no_run
/// use std::sync::{Arc, Mutex};
///
/// use mutual_trust::store::CrlIssuer;
/// use mutual_trust::admin::DurableStore;
/// use mutual_trust::certificate::Certificate;
/// use mutual_trust_fleet::lists::{CrlSource, ListFollower};
///
/// # fn run(store: DurableStore) -> Result<(), Box<dyn std::error::Error>> {
/// let store = Arc::new(Mutex::new(store));
/// let root = Certificate::from_pem(&std::fs::read("/etc/trust/root.pem")?)?;
/// let source = CrlSource::http("http://pki.example/root.crl", [CrlIssuer::of(&root)])?;
/// let (handle, thread) = ListFollower::new([source], store)?.spawn()?;
/// for health in handle.health() {
///     println!("{health}");
/// }
/// # drop(thread);
/// # Ok(())
/// # }
/// ```
///
/// Each address is asked when half of what is left of its list is over, so more often near the end, and at least once an
/// hour: a server that knows ETags answers that nothing changed. What fails is tried again soon. The last good list stays.
///
/// A list that was removed from the store is installed again, since the address still has it.
pub struct ListFollower {
    sources: Vec<Followed>,
    access: Access,
    worker: Worker,
    clock: Arc<dyn AgentClock>,
    time: Arc<dyn TimeSource>,
    jitter: Jitter,
    handle: ListHandle,
}

/// What is noted of one source.
#[derive(Clone, Debug)]
struct Note {
    address: String,
    life: Option<Life>,
    last_success: Option<Timestamp>,
    heard: Duration,
    fault: Option<String>,
    failures: u32,
}

/// Stops a follower, and shows the health of its addresses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ListHandle {
    stop: Stop,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Debug)]
struct Notes {
    all: Vec<Note>,
    clock: Arc<dyn AgentClock>,
    time: Arc<dyn TimeSource>,
}

impl ListHandle {
    /// Stops the follower. A wait ends within [`STOP_STEP`](crate::limits::STOP_STEP), and a request that is under way by its
    /// time limit.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// The state of each address, judged at the time of the call. A follower that stopped or panicked shows as silent.
    pub fn health(&self) -> Vec<ListHealth> {
        let notes = self.notes();
        let (now, elapsed) = (notes.time.now(), notes.clock.elapsed());
        let health = |note: &Note| ListHealth {
            address: note.address.clone(),
            next_update: note.life.map(Life::until),
            is_past_end: note.life.is_some_and(|life| life.is_over(now)),
            ends_soon: note.life.is_some_and(|life| life.ends_soon(now)),
            last_success: note.last_success,
            silent_for: elapsed.saturating_sub(note.heard),
            fault: note.fault.clone(),
            failures: note.failures,
        };
        notes.all.iter().map(health).collect()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ListFollower {
    /// A follower for a store that the program shares.
    ///
    /// # Errors
    /// There are more addresses than [`MAX_LIST_SOURCES`]; no thread could be started.
    pub fn new(
        sources: impl IntoIterator<Item = CrlSource>,
        store: Arc<Mutex<DurableStore>>,
    ) -> Result<Self, SettingError> {
        Self::with_access(sources, access::of_shared(store))
    }

    /// A follower for a store that the program keeps otherwise: `access` must call the task that it is given, once, with
    /// the store.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_access(
        sources: impl IntoIterator<Item = CrlSource>,
        access: impl FnMut(&mut dyn FnMut(&mut DurableStore)) + Send + 'static,
    ) -> Result<Self, SettingError> {
        let followed = |source| Followed {
            source,
            known: None,
            lists: Vec::new(),
            due: Duration::ZERO,
        };
        let sources: Vec<Followed> = sources.into_iter().map(followed).collect();
        if sources.len() > MAX_LIST_SOURCES {
            let why = format!("{} are more than {MAX_LIST_SOURCES}", sources.len());
            return Err(SettingError::new("the addresses of lists", why));
        }
        let clock: Arc<dyn AgentClock> = Arc::new(MonotonicClock::new());
        let time: Arc<dyn TimeSource> = Arc::new(SystemClock::new());
        let note = |followed: &Followed| Note {
            address: followed.source.address().to_owned(),
            life: None,
            last_success: None,
            heard: clock.elapsed(),
            fault: None,
            failures: 0,
        };
        let notes = Notes {
            all: sources.iter().map(note).collect(),
            clock: clock.clone(),
            time: time.clone(),
        };
        Ok(Self {
            sources,
            access: Box::new(access),
            worker: Worker::start()?,
            clock,
            time,
            jitter: Jitter::random(),
            handle: ListHandle {
                stop: Stop::default(),
                notes: Arc::new(Mutex::new(notes)),
            },
        })
    }

    /// Sets the clocks and the seed of the random waits. `time` is what the ends of lists are judged by, and `clock` what
    /// the follower waits by.
    #[must_use]
    pub fn with_clock(
        mut self,
        clock: Arc<dyn AgentClock>,
        time: Arc<dyn TimeSource>,
        seed: u64,
    ) -> Self {
        {
            let mut notes = self.handle.notes();
            notes.clock = clock.clone();
            notes.time = time.clone();
            let now = clock.elapsed();
            notes.all.iter_mut().for_each(|note| note.heard = now);
        }
        self.clock = clock;
        self.time = time;
        self.jitter = Jitter::from_seed(seed);
        self
    }

    /// What stops it, and shows its health.
    pub fn handle(&self) -> ListHandle {
        self.handle.clone()
    }

    /// Asks the addresses that are due. Returns how long to wait until the next one is.
    pub fn step(&mut self) -> Duration {
        for number in 0..self.sources.len() {
            if self.handle.stop.is_asked() {
                break;
            }
            let is_due = |followed: &Followed| followed.due <= self.clock.elapsed();
            if self.sources.get(number).is_some_and(is_due) {
                self.ask(number);
            }
        }
        let now = self.clock.elapsed();
        let next = self.sources.iter().map(|followed| followed.due).min();
        next.map_or(LIST_INTERVAL, |next| next.saturating_sub(now))
    }

    /// Asks one address.
    fn ask(&mut self, number: usize) {
        let Some(followed) = self.sources.get_mut(number) else {
            return;
        };
        let asked = followed.ask(&self.worker, &mut self.access);
        let (elapsed, now) = (self.clock.elapsed(), self.time.now());
        let mut notes = self.handle.notes();
        let Some(note) = notes.all.get_mut(number) else {
            return;
        };
        match asked {
            Ok(life) => {
                note.heard = elapsed;
                note.fault = None;
                note.failures = 0;
                note.last_success = match now {
                    CurrentTime::Known(now) => Some(now.into()),
                    CurrentTime::Unset => Some(Timestamp::from_seconds(0)),
                };
                if let Some(life) = life {
                    note.life = life;
                }
            }
            Err(error) => {
                note.fault = Some(fault_line(&error));
                note.failures = note.failures.saturating_add(1);
            }
        }
        let pause = self.jitter.equal(pause(note, now));
        followed.due = elapsed.saturating_add(pause);
    }

    /// Runs until it is stopped by its [`handle`](Self::handle). A panic shows in its health, and goes on to the caller.
    pub fn run(&mut self) {
        let ran = catch_unwind(AssertUnwindSafe(|| self.run_until_stopped()));
        if let Err(panic) = ran {
            for note in &mut self.handle.notes().all {
                note.fault = Some("the follower panicked".to_owned());
                note.failures = note.failures.saturating_add(1);
                // No attempt will come any more.
                note.last_success = None;
            }
            resume_unwind(panic);
        }
    }

    /// Runs in a thread of its own, which gives the follower back when it is stopped.
    ///
    /// # Errors
    /// The operating system starts no thread.
    pub fn spawn(mut self) -> io::Result<(ListHandle, JoinHandle<Self>)> {
        let handle = self.handle();
        let builder = thread::Builder::new().name("revocation lists".to_owned());
        let thread = builder.spawn(move || {
            self.run();
            self
        })?;
        Ok((handle, thread))
    }

    fn run_until_stopped(&mut self) {
        let mut pause = self.jitter.between(Duration::ZERO, START_SPREAD);
        loop {
            self.handle.stop.sleep(&*self.clock, pause);
            if self.handle.stop.is_asked() {
                return;
            }
            pause = self.step();
        }
    }
}

/// The longest wait until an address is asked again.
fn pause(note: &Note, now: CurrentTime) -> Duration {
    let left = note.life.and_then(|life| life.left(now));
    let until_half = left.map(|left| {
        let half = u64::try_from(left.max(0)).unwrap_or(0) / 2;
        Duration::from_secs(half)
    });
    let most = until_half.unwrap_or(LIST_INTERVAL);
    let most = if note.failures > 0 {
        let doublings = note.failures.saturating_sub(1).min(16);
        most.min(FIRST_LIST_BACKOFF.saturating_mul(1 << doublings))
    } else {
        most
    };
    most.clamp(MIN_LIST_WAIT, LIST_INTERVAL)
}

impl fmt::Debug for ListFollower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self
            .sources
            .iter()
            .map(|followed| followed.source.address());
        f.debug_struct("ListFollower")
            .field("addresses", &addresses.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
