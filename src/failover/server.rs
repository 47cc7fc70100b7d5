//! What is known of one server.

use core::time::Duration;

use super::jitter::Jitter;
use super::{AttemptOutcome, FailoverSettings};
use crate::store::ServerId;

/// Doubled so often, every wait is the longest one.
const MOST_DOUBLINGS: u32 = 31;

/// A server, and what became of the attempts to connect to it.
#[derive(Clone, Debug)]
pub(super) struct Tracked {
    pub(super) id: ServerId,
    pub(super) state: State,
    /// When it may be tried again at the earliest.
    due: Duration,
    /// The number of the last attempt, or 0 if a server has served since.
    pub(super) turn: u64,
    /// Failures since it last served for as long as the longest wait.
    failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It may be tried when it is due.
    Waiting,
    /// An attempt runs.
    Trying { since: Duration },
    /// It serves.
    Serving { since: Duration },
    /// Our rules refused it by the trust of this generation. Under the same trust, it may be tried after this time.
    Refused { generation: u64, until: Duration },
}

impl Tracked {
    pub(super) fn new(id: ServerId) -> Self {
        Self {
            id,
            state: State::Waiting,
            due: Duration::ZERO,
            turn: 0,
            failures: 0,
        }
    }

    /// When it may be tried under the trust of a generation. `None` while an attempt runs or the server serves.
    pub(super) fn due(&self, generation: u64) -> Option<Duration> {
        match self.state {
            State::Refused {
                generation: seen,
                until,
            } if generation <= seen => Some(self.due.max(until)),
            State::Waiting | State::Refused { .. } => Some(self.due),
            State::Trying { .. } | State::Serving { .. } => None,
        }
    }

    /// A better server serves.
    pub(super) fn not_needed(&mut self, now: Duration, settings: &FailoverSettings) {
        self.forgive(now, settings);
        self.state = State::Waiting;
        self.due = now;
    }

    /// An attempt, or the connection that it made, has ended.
    pub(super) fn ended(
        &mut self,
        outcome: AttemptOutcome,
        now: Duration,
        settings: &FailoverSettings,
        jitter: &mut Jitter,
    ) {
        let was_stable = self.forgive(now, settings);
        let counted = matches!(self.state, State::Waiting | State::Refused { .. });
        let first = settings.first_backoff;
        self.state = match outcome {
            AttemptOutcome::RefusedByUs { generation } => {
                // However often trust changes.
                self.due = now.saturating_add(jitter.equal(first));
                // The peer can present another certificate meanwhile.
                let until = now.saturating_add(jitter.equal(settings.refusal_wait));
                State::Refused { generation, until }
            }
            AttemptOutcome::Closed if was_stable => {
                self.due = now;
                State::Waiting
            }
            AttemptOutcome::RefusedByPeer => {
                self.failures = self.failures.saturating_add(1);
                let wait = settings.refusal_wait;
                self.due = now.saturating_add(jitter.equal(wait));
                State::Waiting
            }
            // It was told before, or the attempt had run for too long.
            AttemptOutcome::Closed | AttemptOutcome::Unreachable | AttemptOutcome::NotServed
                if counted =>
            {
                self.state
            }
            AttemptOutcome::Closed
            | AttemptOutcome::Unreachable
            | AttemptOutcome::NotServed
            | AttemptOutcome::Served => {
                let doublings = self.failures.min(MOST_DOUBLINGS);
                let wait = first.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
                self.failures = self.failures.saturating_add(1);
                let wait = wait.min(settings.longest_backoff);
                self.due = now.saturating_add(jitter.equal(wait));
                State::Waiting
            }
        };
    }

    /// Forgets the failures of a server that has served for as long as the longest wait: one that serves for a moment only
    /// keeps its wait. Returns whether it has served for so long.
    fn forgive(&mut self, now: Duration, settings: &FailoverSettings) -> bool {
        let State::Serving { since } = self.state else {
            return false;
        };
        let is_stable = now.saturating_sub(since) >= settings.longest_backoff;
        if is_stable {
            self.failures = 0;
        }
        is_stable
    }
}
