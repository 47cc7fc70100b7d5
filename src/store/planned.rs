//! What plans need of a draft.

use pki_types::UnixTime;

use super::{BlockSelector, Draft, Report, TrustSnapshot, TrustStore};
use crate::limits::FLOOR_TOLERANCE;

impl Draft {
    /// A copy of the draft, to commit while this one stays.
    pub(crate) fn copy(&self) -> Self {
        Self {
            base: self.base.clone(),
            store: self.store.fork(),
        }
    }

    /// The blocks that the draft adds.
    pub(crate) fn new_blocks(&self) -> Vec<BlockSelector> {
        let before = &self.base.data().blocks;
        let after = self.after().blocks();
        after
            .filter(|block| !before.contains(block))
            .cloned()
            .collect()
    }

    /// The floor before and after a publication of the draft now. `None` if the floor stays, or if it moves by no more
    /// than the tolerance of a clock below it: then every clock that counts still counts.
    pub(crate) fn floor_move(&self) -> Option<(UnixTime, UnixTime)> {
        let from = self.base.floor()?;
        let to = self.after().floor_after(self.store.clock.now())?;
        let within = from.as_secs().saturating_add(FLOOR_TOLERANCE.as_secs());
        (to.as_secs() > within).then_some((from, to))
    }

    /// The generation that the store has after a publication of the draft now: one more than the draft if the floor moves.
    /// A draft that changes nothing is not published.
    pub(crate) fn published_generation(&self) -> u64 {
        let generation = self.after().generation();
        if generation == self.base.generation() {
            return generation;
        }
        self.store.fork().snapshot().generation()
    }

    /// Whether the draft adds blocks and changes nothing else.
    pub(crate) fn only_blocks(&self) -> bool {
        let (before, after) = (self.base.data(), self.after().data());
        let lifts = before
            .blocks
            .iter()
            .any(|block| !after.blocks.contains(block));
        !lifts && after.is_but_for_blocks(before) && !self.new_blocks().is_empty()
    }

    /// The snapshot with the blocks that the draft adds, without its other changes.
    pub(crate) fn with_blocks_alone(&self) -> TrustSnapshot {
        let mut draft = Self::from_snapshot(&self.base, self.store.keys, self.store.clock.clone());
        draft.store.block_all(self.new_blocks());
        draft.store.data
    }
}

impl TrustStore {
    /// [`block_selector`](Self::block_selector) for several.
    pub(crate) fn block_all(&mut self, selectors: Vec<BlockSelector>) -> Vec<Report> {
        let blocked = selectors.into_iter().map(|one| self.block_selector(one));
        blocked.collect()
    }
}
