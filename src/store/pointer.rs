//! The pointer to the snapshot in force, as its readers and its writer use it.
//!
//! Readers write nothing that another thread reads or writes, so that they do not slow each other down. What
//! `arc-swap` does for that:
//!
//! - To load the pointer, a thread writes it into one of its own eight slots and reads the pointer again. The slot holds
//!   the snapshot instead of a count. A thread that holds more than eight loads counts for the others.
//! - A writer exchanges the pointer, then looks at the slots of all threads. It counts for each one that has the old
//!   pointer, and frees the slot. It waits for no reader, however long one holds a load: a reader that finds its slot
//!   freed has a count to give back.
//! - A reader whose eight slots are taken needs two steps, and a writer that comes in between helps it. So a reader is
//!   done after a bounded number of steps, and a writer after a bounded number for each thread.
//! - The slots of a thread take 192 bytes. They stay for the next thread when it ends.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;

use super::TrustSnapshot;
use crate::limits::MAX_COUNTS_OF_SNAPSHOT;

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Which thread of all that have kept a snapshot this is.
    static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

pub(super) struct Pointer(ArcSwap<InForce>);

/// A snapshot, with the copies that threads have made of its pointer.
pub(super) struct InForce {
    view: TrustSnapshot,
    /// Copies whose clones are counted apart, each made by the first thread that uses it. The first thread of all uses
    /// `view` itself, so that a program of one thread has none of them.
    apart: OnceLock<Box<[OnceLock<TrustSnapshot>]>>,
}

impl Pointer {
    pub(super) fn new(view: TrustSnapshot) -> Self {
        Self(ArcSwap::from_pointee(InForce::new(view)))
    }

    /// The snapshot, to keep.
    pub(super) fn current(&self) -> TrustSnapshot {
        // A thread that ends may have lost its number.
        let number = NUMBER.try_with(|number| *number).unwrap_or(0);
        self.0.load().of_thread(number).clone()
    }

    /// Calls a function with the snapshot, which is not counted for it.
    pub(super) fn with<R>(&self, read: impl FnOnce(&TrustSnapshot) -> R) -> R {
        read(&self.0.load().view)
    }

    /// Puts another snapshot there, and returns the old one to be freed.
    pub(super) fn replace(&self, view: TrustSnapshot) -> Arc<InForce> {
        self.0.swap(Arc::new(InForce::new(view)))
    }
}

impl InForce {
    fn new(view: TrustSnapshot) -> Self {
        Self {
            view,
            apart: OnceLock::new(),
        }
    }

    /// The copy for the thread with this number.
    fn of_thread(&self, thread: usize) -> &TrustSnapshot {
        let Some(place) = (thread % MAX_COUNTS_OF_SNAPSHOT).checked_sub(1) else {
            return &self.view;
        };
        let none = || {
            (1..MAX_COUNTS_OF_SNAPSHOT)
                .map(|_| OnceLock::new())
                .collect()
        };
        let apart = self.apart.get_or_init(none).get(place);
        apart.map_or(&self.view, |apart| {
            apart.get_or_init(|| self.view.counted_apart())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_keep_is_counted_apart_until_there_are_too_many() {
        let in_force = InForce::new(TrustSnapshot::default());
        let kept: Vec<TrustSnapshot> = (0..2 * MAX_COUNTS_OF_SNAPSHOT)
            .map(|number| in_force.of_thread(number).clone())
            .collect();
        for view in &kept {
            // That of the pointer, and those of two threads.
            assert_eq!(view.counts()[0], 3);
            assert!(view.is_same(&in_force.view));
        }
        // All hold the same data, each copy once.
        assert_eq!(in_force.view.counts()[1], MAX_COUNTS_OF_SNAPSHOT);
    }

    #[test]
    fn the_first_thread_makes_no_copy() {
        let in_force = InForce::new(TrustSnapshot::default());
        let _kept = in_force.of_thread(0).clone();
        assert!(in_force.apart.get().is_none());
    }

    #[test]
    fn a_snapshot_that_is_replaced_is_freed_with_the_last_who_reads_it() {
        let pointer = Pointer::new(TrustSnapshot::default());
        let kept = pointer.current();
        let old = pointer.with(|view| {
            let old = pointer.replace(TrustSnapshot::default());
            assert!(view.is_same(&kept));
            old
        });
        assert!(!pointer.current().is_same(&kept));
        drop(old);
        assert_eq!(kept.counts(), [1, 1]);
    }
}
