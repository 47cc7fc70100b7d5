//! The state of an agent, for an operator.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mutual_trust::CurrentTime;
use mutual_trust::admin::bundle::MemberState;
use mutual_trust::certificate::{TimeSource, Timestamp};

use super::Stop;
use super::clock::AgentClock;

/// Whether an agent runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentStatus {
    /// It was not started, or a loop of the program drives it.
    Stepped,
    /// It runs.
    Running,
    /// It was stopped.
    Stopped,
    /// It ended by a panic, with this message. The last good set stays in force, and nothing new arrives.
    Panicked(String),
}

/// The state of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentHealth {
    /// Whether it runs.
    pub status: AgentStatus,
    /// Whether the publisher was asked since the start. An agent that runs asks first after a random time of at most
    /// [`START_SPREAD`](crate::limits::START_SPREAD).
    pub was_asked: bool,
    /// What the member holds.
    pub member: MemberState,
    /// Whether the set in the store is past its end, at the time of the call. It stays in force.
    pub is_past_end: bool,
    /// How long ago the newest publication was there and good: the time since the last answer that was taken over, or that
    /// said that nothing changed. Since the start of the agent, if there was none.
    pub silent_for: Duration,
    /// Whether that is longer than the limit.
    pub is_silent: bool,
    /// What is wrong since the last success.
    pub fault: Option<String>,
    /// How many attempts in a row failed.
    pub failures: u32,
    /// Why the last report did not arrive. No fault of the trust set.
    pub report_fault: Option<String>,
}

impl AgentHealth {
    /// Whether nothing needs attention: it runs, it hears from the publisher, and the set is not past its end. Single
    /// failures and reports that do not arrive need none.
    pub fn is_good(&self) -> bool {
        let runs = match self.status {
            AgentStatus::Stepped | AgentStatus::Running => true,
            AgentStatus::Stopped | AgentStatus::Panicked(_) => false,
        };
        runs && !self.is_past_end && !self.is_silent
    }
}

impl fmt::Display for AgentHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = &self.member;
        write!(f, "fleet {}: ", member.fleet)?;
        match &self.status {
            AgentStatus::Stepped | AgentStatus::Running => {}
            AgentStatus::Stopped => f.write_str("stopped; ")?,
            AgentStatus::Panicked(what) => write!(f, "ended by a panic: {what}; ")?,
        }
        match &member.applied {
            Some(applied) => {
                let until = Timestamp::from(applied.until);
                let ends = if self.is_past_end { "ended" } else { "ends" };
                write!(f, "sequence {}, which {ends} at {until}", applied.sequence)?;
            }
            None => f.write_str("nothing is applied")?,
        }
        if !self.was_asked {
            f.write_str("; the publisher was not asked yet")?;
        }
        let silent = self.silent_for.as_secs();
        if self.is_silent {
            write!(f, "; nothing was heard from the publisher for {silent} s")?;
        }
        if let Some(fault) = &self.fault {
            write!(f, "; {} failures in a row: {fault}", self.failures)?;
        }
        if let Some(fault) = &self.report_fault {
            write!(f, "; reports do not arrive: {fault}")?;
        }
        Ok(())
    }
}

/// What an agent notes.
#[derive(Debug)]
pub(super) struct Notes {
    pub(super) status: AgentStatus,
    pub(super) was_asked: bool,
    pub(super) member: MemberState,
    /// By the clock of the agent.
    pub(super) heard: Duration,
    pub(super) fault: Option<String>,
    pub(super) failures: u32,
    pub(super) report_fault: Option<String>,
    pub(super) silence_limit: Duration,
    pub(super) clock: Arc<dyn AgentClock>,
    pub(super) time: Arc<dyn TimeSource>,
}

/// Stops an agent, and shows its health. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AgentHandle {
    pub(super) stop: Stop,
    notes: Arc<Mutex<Notes>>,
}

impl AgentHandle {
    pub(super) fn new(notes: Notes) -> Self {
        Self {
            stop: Stop::default(),
            notes: Arc::new(Mutex::new(notes)),
        }
    }

    /// Stops the agent. A wait ends within [`STOP_STEP`](crate::limits::STOP_STEP), and a request that is under way by its
    /// time limit.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Whether it is to stop.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_asked()
    }

    /// The state, judged at the time of the call: an agent that hangs in its transport shows as silent.
    pub fn health(&self) -> AgentHealth {
        let notes = self.notes();
        let silent_for = notes.clock.elapsed().saturating_sub(notes.heard);
        let until = notes.member.applied.as_ref().map(|applied| applied.until);
        let is_past_end = match (notes.time.now(), until) {
            (CurrentTime::Known(now), Some(until)) => now > until,
            _ => false,
        };
        AgentHealth {
            status: notes.status.clone(),
            was_asked: notes.was_asked,
            member: notes.member.clone(),
            is_past_end,
            silent_for,
            is_silent: silent_for > notes.silence_limit,
            fault: notes.fault.clone(),
            failures: notes.failures,
            report_fault: notes.report_fault.clone(),
        }
    }

    pub(super) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
