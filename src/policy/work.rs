//! What one verdict may spend on what a peer presents (rule C5).

use core::cell::Cell;

use super::timing::Fall;
use super::{Detail, ReasonCode};
use crate::limits::{MAX_WORK, WORK_OF_SIGNATURE};

/// Work done so far, in one verdict: for the search of a path and for what explains a refusal.
#[derive(Default)]
pub(super) struct Work {
    spent: Cell<usize>,
    /// How many revocation lists were asked.
    lists: Cell<usize>,
    /// How many pins were judged beyond whether they match.
    pins: Cell<usize>,
}

impl Work {
    /// Spends units of work, of which there are [`MAX_WORK`].
    pub(super) fn spend(&self, units: usize) -> Result<(), Fall> {
        let spent = self.spent.get().saturating_add(units);
        self.spent.set(spent);
        within(spent, MAX_WORK)
    }

    /// Spends units if that leaves enough for `rest`: what only explains a refusal goes without rather than use up what
    /// a search still needs.
    pub(super) fn spend_beside(&self, units: usize, rest: usize) -> bool {
        let needed = self.spent.get().saturating_add(units).saturating_add(rest);
        needed <= MAX_WORK && self.spend(units).is_ok()
    }

    /// Counts a revocation list that is asked.
    pub(super) fn list(&self) {
        self.lists.set(self.lists.get().saturating_add(1));
    }

    /// Counts a pin that is judged.
    pub(super) fn pin(&self) {
        self.pins.set(self.pins.get().saturating_add(1));
    }

    /// Whether a signature could still be paid for.
    pub(super) fn is_used_up(&self) -> bool {
        self.spent.get().saturating_add(WORK_OF_SIGNATURE) > MAX_WORK
    }
}

pub(super) fn within(found: usize, limit: usize) -> Result<(), Fall> {
    if found > limit {
        return Err((ReasonCode::TooManyPaths, Detail::Limit { found, limit }));
    }
    Ok(())
}

#[cfg(test)]
impl Work {
    /// Units, revocation lists and pins.
    pub(super) fn done(&self) -> (usize, usize, usize) {
        (self.spent.get(), self.lists.get(), self.pins.get())
    }
}
