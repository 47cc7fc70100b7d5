//! A copy of a store on which a change is tried before it is made.

use std::sync::Arc;

use super::{TrustStore, View};
use crate::certificate::{KeyPolicy, TimeSource};
use crate::store::error::StoreError;

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
#[must_use = "a draft changes nothing until it is committed"]
pub struct Draft {
    pub(super) base: View,
    pub(super) store: TrustStore,
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
    /// A copy to change and then keep or drop. Copies pointers only.
    pub(crate) fn fork(&self) -> Self {
        Self {
            data: self.data.clone(),
            keys: self.keys,
            clock: self.clock.clone(),
            acting: self.acting.clone(),
            source: self.source.clone(),
            last: self.last.clone(),
        }
    }

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
}
