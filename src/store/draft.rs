//! A copy of a store on which a change is tried before it is made.

use std::sync::Arc;

use super::{TrustSnapshot, TrustStore};
use crate::certificate::{KeyPolicy, TimeSource};
use crate::store::error::StoreError;

/// A copy of a store on which changes are tried. It is then dropped, or committed to the store.
///
/// Making one copies a pointer. `admin::plan` shows in addition which peers a change would lock out.
///
/// ```
/// use mutual_trust::{KeyPolicy, TrustStore};
///
/// let mut store = TrustStore::new(KeyPolicy::new(&[]));
/// let mut draft = store.draft();
/// draft.store().add_server("keys-1".parse()?, [])?;
/// assert_eq!(store.contents().servers().count(), 0);
/// store.commit(draft)?;
/// assert_eq!(store.contents().servers().count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a draft changes nothing until it is committed"]
pub struct Draft {
    pub(super) base: TrustSnapshot,
    pub(super) store: TrustStore,
}

impl Draft {
    /// A draft on a snapshot without its store, for reading only: it cannot be committed. `keys` is the key policy for
    /// imports, and `clock` gives the time of the changes.
    #[doc(hidden)]
    pub fn from_snapshot(
        view: &TrustSnapshot,
        keys: KeyPolicy,
        clock: Arc<dyn TimeSource>,
    ) -> Self {
        let mut store = TrustStore::new(keys).with_clock(clock);
        store.data = view.clone();
        let base = view.clone();
        Self { base, store }
    }

    /// The snapshot on which the draft was made.
    pub fn before(&self) -> &TrustSnapshot {
        &self.base
    }

    /// The snapshot with the changes. Do not publish it: the store does not have this generation.
    pub fn after(&self) -> &TrustSnapshot {
        self.store.contents()
    }

    /// The copy to change.
    pub fn store(&mut self) -> &mut TrustStore {
        &mut self.store
    }

    /// What was asked of it.
    #[cfg(feature = "admin")]
    pub(crate) fn asked(&self) -> &super::Asked {
        &self.store.asked
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
            asked: self.asked.clone(),
        }
    }

    /// A copy of the store on which changes can be tried.
    pub fn draft(&self) -> Draft {
        Draft {
            base: self.data.clone(),
            store: self.fork(),
        }
    }

    /// Replaces what the store holds with what a draft of it holds.
    ///
    /// # Errors
    /// The store has changed since the draft was made, or the draft belongs to another store.
    pub fn commit(&mut self, draft: Draft) -> Result<(), StoreError> {
        draft.check(self)?;
        self.data = draft.store.data;
        self.asked = draft.store.asked;
        Ok(())
    }
}
