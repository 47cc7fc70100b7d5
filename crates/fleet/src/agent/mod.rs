//! Runs a member of a fleet: waits, fetches, takes over, reports.

mod clock;
mod health;
mod jitter;
mod reports;
mod run;
mod stop;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use mutual_trust::admin::DurableStore;
use mutual_trust::admin::bundle::{FleetMember, TakeOver};
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::error::MemberError;
use thiserror::Error;

pub use self::clock::{AgentClock, MonotonicClock};
use self::health::Notes;
pub use self::health::{AgentHandle, AgentHealth, AgentStatus};
pub(crate) use self::jitter::Jitter;
use self::reports::Reports;
pub(crate) use self::stop::Stop;
use crate::access::{self, Access};
use crate::error::TransportError;
use crate::limits::{
    FIRST_BACKOFF, INTERVAL, LONGEST_BACKOFF, MAX_INTERVAL, MIN_INTERVAL, SILENCE_LIMIT,
};
use crate::report::{NodeName, fault_line};
use crate::setting::{self, SettingError};
use crate::transport::{Fetched, Tag, Transport};

/// What is told of each step.
type Handler = Box<dyn FnMut(&Result<TakeOver, AgentError>) + Send>;

/// Why a step of an agent failed. The node keeps what it holds.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AgentError {
    /// No publication arrived.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It was not taken over.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// The program did not give its store.
    #[error("the program did not give its store to the agent")]
    NoStore,
}

/// What a step did, and when the next one is due.
#[derive(Debug)]
#[must_use = "it says whether the newest bundle is in force"]
#[non_exhaustive]
pub struct Step {
    /// What became of the newest publication.
    pub done: Result<TakeOver, AgentError>,
    /// How long to wait before the next step: the interval, or longer after faults.
    pub pause: Duration,
}

/// Runs a member of a fleet.
///
/// ```no_run
/// use std::sync::{Arc, Mutex};
///
/// use mutual_trust::admin::DurableStore;
/// use mutual_trust::admin::bundle::FleetMember;
/// use mutual_trust_fleet::Agent;
/// use mutual_trust_fleet::folder::Folder;
///
/// # fn run(store: DurableStore, member: FleetMember) -> Result<(), Box<dyn std::error::Error>> {
/// let store = Arc::new(Mutex::new(store));
/// let agent = Agent::new(Folder::new("/etc/trust/fleet"), member, store);
/// let (handle, thread) = agent.with_reports("array-7".parse()?).spawn()?;
/// // …
/// println!("{}", handle.health());
/// handle.stop();
/// # drop(thread);
/// # Ok(())
/// # }
/// ```
///
/// The publisher is asked first after a random time of at most [`START_SPREAD`](crate::limits::START_SPREAD), since nodes
/// start together after a power failure. Until then, the health says that it was not asked yet, and the store has what it had
/// before. A program that must have the newest set before it serves calls [`step`](Self::step) first.
///
/// On every fault, the node keeps what it holds, and the agent tries again: after a second, then after twice as long each
/// time, and each wait is random. The health of the store says when nothing was heard from the publisher for too long.
///
/// The lock of the store is held while a publication is taken over, and not while one is waited for.
pub struct Agent<T: Transport> {
    transport: T,
    member: FleetMember,
    access: Access,
    handler: Option<Handler>,
    handle: AgentHandle,
    clock: Arc<dyn AgentClock>,
    time: Arc<dyn TimeSource>,
    jitter: Jitter,
    interval: Duration,
    reports: Option<Reports>,
    /// The last publication that was taken over.
    known: Option<Tag>,
    /// Whether the last step was good, and the pause after it.
    last: Option<(bool, Duration)>,
    /// Whether the health of the store has a fault of ours.
    told: bool,
}

impl<T: Transport> Agent<T> {
    /// An agent for a store that the program shares.
    pub fn new(transport: T, member: FleetMember, store: Arc<Mutex<DurableStore>>) -> Self {
        Self::with_access(transport, member, access::of_shared(store))
    }

    /// An agent for a store that the program keeps otherwise: `access` must call the task that it is given, once, with the
    /// store.
    pub fn with_access(
        transport: T,
        member: FleetMember,
        access: impl FnMut(&mut dyn FnMut(&mut DurableStore)) + Send + 'static,
    ) -> Self {
        let clock: Arc<dyn AgentClock> = Arc::new(MonotonicClock::new());
        let time: Arc<dyn TimeSource> = Arc::new(SystemClock::new());
        let handle = AgentHandle::new(Notes {
            status: AgentStatus::Stepped,
            was_asked: false,
            member: member.state(),
            heard: clock.elapsed(),
            fault: None,
            failures: 0,
            report_fault: None,
            silence_limit: SILENCE_LIMIT,
            clock: clock.clone(),
            time: time.clone(),
        });
        Self {
            transport,
            member,
            access: Box::new(access),
            handler: None,
            handle,
            clock,
            time,
            jitter: Jitter::random(),
            interval: INTERVAL,
            reports: None,
            known: None,
            last: None,
            told: false,
        }
    }

    /// Reports under this name. Without this call, the agent does not report.
    #[must_use]
    pub fn with_reports(mut self, node: NodeName) -> Self {
        self.reports = Some(Reports::new(node));
        self
    }

    /// Sets how often the transport is asked, if it does not tell of changes itself. [`INTERVAL`] by default. Each wait is
    /// between half of it and all of it.
    ///
    /// # Errors
    /// It is shorter than [`MIN_INTERVAL`] or longer than [`MAX_INTERVAL`].
    pub fn with_interval(mut self, interval: Duration) -> Result<Self, SettingError> {
        let range = (MIN_INTERVAL, MAX_INTERVAL);
        self.interval = setting::duration("the interval of an agent", interval, range)?;
        Ok(self)
    }

    /// Sets after how long a silence of the publisher needs attention. [`SILENCE_LIMIT`] by default.
    #[must_use]
    pub fn with_silence_limit(self, limit: Duration) -> Self {
        self.handle.notes().silence_limit = limit;
        self
    }

    /// Sets what is told of each step, for a log or for events. It is called by the thread of the agent, which does not
    /// hold the store then; the [health](AgentHandle::health) is that after the step.
    #[must_use]
    pub fn with_handler(
        mut self,
        handler: impl FnMut(&Result<TakeOver, AgentError>) + Send + 'static,
    ) -> Self {
        self.handler = Some(Box::new(handler));
        self
    }

    /// Sets the clocks and the seed of the random waits, so that a run can be repeated. `clock` is what the agent waits by,
    /// and `time` what a report and the end of a set are judged by.
    #[must_use]
    pub fn with_clock(
        mut self,
        clock: Arc<dyn AgentClock>,
        time: Arc<dyn TimeSource>,
        seed: u64,
    ) -> Self {
        {
            let mut notes = self.handle.notes();
            notes.heard = clock.elapsed();
            notes.clock = clock.clone();
            notes.time = time.clone();
        }
        self.clock = clock;
        self.time = time;
        self.jitter = Jitter::from_seed(seed);
        self
    }

    /// What stops it, and shows its health.
    pub fn handle(&self) -> AgentHandle {
        self.handle.clone()
    }

    /// The transport.
    pub fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// The member.
    pub fn member(&self) -> &FleetMember {
        &self.member
    }

    /// Fetches the newest publication, takes it over and reports, without waiting for a change. For a program that needs the
    /// newest set before it calls [`run`](Self::run), or that has a loop of its own, which calls it again after the pause or
    /// when the transport's [`wait`](Transport::wait) returns.
    pub fn step(&mut self) -> Step {
        self.handle.notes().was_asked = true;
        let done = self.fetch_and_take();
        let pause = self.note(&done);
        if let Some(handler) = &mut self.handler {
            handler(&done);
        }
        self.tell_the_store();
        self.report();
        self.last = Some((done.is_ok(), pause));
        Step { done, pause }
    }

    fn fetch_and_take(&mut self) -> Result<TakeOver, AgentError> {
        match self.transport.fetch(self.known.as_ref()) {
            Ok(Fetched::New { bytes, tag }) => {
                let taken = self.with_store(|member, store| {
                    // What another process has changed, first. A fault of it shows in the health of the store.
                    let _ = store.refresh();
                    member.take_over(&bytes, store)
                });
                // A publication that is refused is not known: it is fetched again, and may be good by then.
                let is_kept = !matches!(taken, Err(AgentError::Member(MemberError::Bundle(_))));
                self.known = is_kept.then_some(tag);
                if is_kept {
                    self.heard();
                }
                taken
            }
            Ok(Fetched::Unchanged) if self.known.is_none() => {
                let at = "the transport".to_owned();
                let what = "nothing has changed, and nothing was known".to_owned();
                Err(TransportError::Unexpected { at, what }.into())
            }
            Ok(Fetched::Unchanged) => {
                self.heard();
                self.tend()
            }
            Err(error) => {
                // What is held is kept up without the publisher.
                let _kept_up = self.tend();
                Err(error.into())
            }
        }
    }

    /// Notes that the newest publication was there.
    fn heard(&mut self) {
        self.handle.notes().heard = self.clock.elapsed();
    }

    /// Keeps the store up to what the member holds.
    fn tend(&mut self) -> Result<TakeOver, AgentError> {
        self.with_store(|member, store| {
            let _ = store.refresh();
            member.refresh(store)
        })
    }

    fn with_store<R>(
        &mut self,
        task: impl FnOnce(&mut FleetMember, &mut DurableStore) -> Result<R, MemberError>,
    ) -> Result<R, AgentError> {
        let member = &mut self.member;
        let done = access::with_store(&mut self.access, |store| task(member, store));
        let result = done.ok_or(AgentError::NoStore)?.map_err(AgentError::from);
        self.handle.notes().member = self.member.state();
        result
    }

    /// Notes what a step did, and says how long to wait.
    fn note(&mut self, done: &Result<TakeOver, AgentError>) -> Duration {
        let mut notes = self.handle.notes();
        let Err(error) = done else {
            notes.fault = None;
            notes.failures = 0;
            return self.jitter.equal(self.interval);
        };
        notes.fault = Some(fault_line(error));
        notes.failures = notes.failures.saturating_add(1);
        let doublings = notes.failures.saturating_sub(1).min(31);
        let most = FIRST_BACKOFF
            .saturating_mul(1 << doublings)
            .min(LONGEST_BACKOFF);
        let least = match error {
            AgentError::Transport(error) => error.retry_after(),
            AgentError::Member(_) | AgentError::NoStore => None,
        };
        let least = least.unwrap_or_default();
        let half = most.checked_div(2).unwrap_or(most);
        // Those who were told the same time do not come back together.
        self.jitter
            .between(half.max(least), most.max(least.saturating_add(half)))
    }

    /// Shows in the health of the store that nothing was heard, or that it is again.
    fn tell_the_store(&mut self) {
        let health = self.handle.health();
        let fault = health.is_silent.then(|| {
            let silent = health.silent_for.as_secs();
            let why = health.fault.as_deref().unwrap_or("no attempt was made");
            format!("nothing was heard from the publisher for {silent} s: {why}")
        });
        if fault.is_some() || self.told {
            self.told = fault.is_some();
            self.show(fault);
        }
    }

    /// Shows a fault in the health of the store.
    fn show(&mut self, fault: Option<String>) {
        let _ = self.with_store(|member, store| {
            member.set_fault(fault, store);
            Ok(())
        });
    }
}

impl<T: Transport> fmt::Debug for Agent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("member", &self.member.state())
            .field("interval", &self.interval)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}
