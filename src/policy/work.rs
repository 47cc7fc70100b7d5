//! What one verdict may spend on a search (rule C5).

use super::timing::Fall;
use super::{Detail, ReasonCode};
use crate::limits::{MAX_PATH_STEPS, MAX_WORK};

/// Work done so far.
#[derive(Default)]
pub(super) struct Work {
    spent: usize,
    steps: usize,
    /// The bound that was reached first: nothing more is tried.
    stopped: Option<Fall>,
}

impl Work {
    /// Spends units of work, of which there are [`MAX_WORK`].
    pub(super) fn spend(&mut self, units: usize) -> Result<(), Fall> {
        self.spent = self.spent.saturating_add(units);
        self.within(self.spent, MAX_WORK)
    }

    /// Looks at one candidate.
    pub(super) fn step(&mut self) -> Result<(), Fall> {
        self.steps = self.steps.saturating_add(1);
        self.within(self.steps, MAX_PATH_STEPS)
    }

    /// Stops the search if there were more than the limit.
    pub(super) fn within(&mut self, found: usize, limit: usize) -> Result<(), Fall> {
        if found > limit {
            let fall = (ReasonCode::TooManyPaths, Detail::Limit { found, limit });
            return Err(self.stop(fall));
        }
        Ok(())
    }

    /// Stops the search for this reason, unless it has been stopped.
    pub(super) fn stop(&mut self, fall: Fall) -> Fall {
        self.stopped.get_or_insert(fall).clone()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    pub(super) fn why_stopped(&self) -> Option<&Fall> {
        self.stopped.as_ref()
    }
}
