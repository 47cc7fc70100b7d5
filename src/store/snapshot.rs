//! Which snapshot something was found on.

use std::sync::{Arc, Weak};

use super::TrustSnapshot;
use super::data::Data;

/// Identifies a snapshot by a weak pointer. The address cannot be reused while the weak pointer is alive, so pointer
/// equality identifies the snapshot, also among several stores with equal generations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    place: Weak<Data>,
    generation: u64,
}

impl Snapshot {
    pub(crate) fn of(view: &TrustSnapshot) -> Self {
        Self {
            place: Arc::downgrade(view.held()),
            generation: view.generation(),
        }
    }

    /// Whether `view` is this snapshot.
    pub(crate) fn is(&self, view: &TrustSnapshot) -> bool {
        core::ptr::eq(self.place.as_ptr(), Arc::as_ptr(view.held()))
    }

    /// Whether this snapshot is still in use, and later than `view`.
    pub(crate) fn is_later_than(&self, view: &TrustSnapshot) -> bool {
        self.generation > view.generation() && self.place.strong_count() > 0
    }
}
