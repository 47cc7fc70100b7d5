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
    /// When it may be tried again.
    pub(super) due: Duration,
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
    /// Our rules refused it by the trust of this generation.
    Refused { generation: u64 },
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

    /// Whether it may be tried, now or later, under the trust of a generation.
    pub(super) fn may_be_tried(&self, generation: u64) -> bool {
        match self.state {
            State::Waiting => true,
            State::Refused { generation: seen } => generation > seen,
            State::Trying { .. } | State::Serving { .. } => false,
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
                State::Refused { generation }
            }
            AttemptOutcome::Closed if was_stable => {
                self.due = now;
                State::Waiting
            }
            AttemptOutcome::RefusedByPeer => {
                self.failures = self.failures.saturating_add(1);
                let wait = settings.peer_refusal_wait;
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
