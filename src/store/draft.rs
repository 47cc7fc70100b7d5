//! A copy of a store on which a change is tried before it is made.

use std::sync::Arc;

use pki_types::UnixTime;

use super::{BlockSelector, Report, TrustStore, View};
use crate::certificate::{KeyPolicy, TimeSource};
use crate::error::StoreError;
use crate::limits::FLOOR_TOLERANCE;

/// A copy of a store: changed at will, then thrown away or put in the store's place.
///
/// Making one copies a pointer. To see whom a change would lock out, and to be held back from it, use
/// [`plan`](crate::admin::plan).
///
/// ```
/// use mutual_trust::{KeyPolicy, TrustStore};
///
/// let mut store = TrustStore::new(KeyPolicy::new(&[]));
/// let mut draft = store.draft();
/// draft.store().add_server("keys-1".parse()?, [])?;
/// assert_eq!(store.contents().servers().count(), 0);
/// store.adopt(draft)?;
/// assert_eq!(store.contents().servers().count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Draft {
    base: View,
    store: TrustStore,
}

impl Draft {
    /// A draft on a view whose store is not at hand, to look at only: no store adopts it. `keys` is the policy that
    /// is asked at import, `clock` the time of the changes.
    pub fn of(view: &View, keys: KeyPolicy, clock: Arc<dyn TimeSource>) -> Self {
        let mut store = TrustStore::new(keys).with_clock(clock);
        store.data = view.clone();
        let base = view.clone();
        Self { base, store }
    }

    /// The store as it was when the draft was made.
    pub fn before(&self) -> &View {
        &self.base
    }

    /// The store as it would be. Not to be published: the store itself has not come to this generation.
    pub fn after(&self) -> &View {
        self.store.contents()
    }

    /// The copy, to be changed.
    pub fn store(&mut self) -> &mut TrustStore {
        &mut self.store
    }

    /// The draft as it is now, to be adopted while this one stays.
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

    /// From where to where the floor moves when the draft is published now; `None` if it stays, and if it moves by
    /// no more than a clock may be below it: then no clock stops counting by that.
    pub(crate) fn floor_move(&self) -> Option<(UnixTime, UnixTime)> {
        let from = self.base.floor()?;
        let to = self.after().floor_after(self.store.clock.now())?;
        let within = from.as_secs().saturating_add(FLOOR_TOLERANCE.as_secs());
        (to.as_secs() > within).then_some((from, to))
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

    /// The store with the blocks that the draft adds, and nothing else of it.
    pub(crate) fn with_blocks_alone(&self) -> View {
        let mut draft = Self::of(&self.base, self.store.keys, self.store.clock.clone());
        draft.store.block_all(self.new_blocks());
        draft.store.data
    }

    /// Whether `store` is as it was when the draft was made of it.
    pub(crate) fn check(&self, store: &TrustStore) -> Result<(), StoreError> {
        let current = store.data.generation();
        let grown = self.after().generation() >= self.base.generation();
        if store.data.is_same(&self.base) && grown {
            return Ok(());
        }
        let planned = self.base.generation();
        Err(StoreError::StaleDraft { planned, current })
    }
}

impl TrustStore {
    /// A copy of the store on which changes can be tried.
    pub fn draft(&self) -> Draft {
        Draft {
            base: self.data.clone(),
            store: self.fork(),
        }
    }

    /// Takes over what a draft of this store holds.
    ///
    /// # Errors
    /// The store has changed since the draft was made, or the draft is another store's.
    pub fn adopt(&mut self, draft: Draft) -> Result<(), StoreError> {
        draft.check(self)?;
        self.data = draft.store.data;
        Ok(())
    }

    /// [`block_selector`](Self::block_selector) for several.
    pub(crate) fn block_all(&mut self, selectors: Vec<BlockSelector>) -> Vec<Report> {
        let blocked = selectors.into_iter().map(|one| self.block_selector(one));
        blocked.collect()
    }
}
