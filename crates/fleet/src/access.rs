//! The store of the program, which what runs beside it is given for a while.

use std::sync::{Arc, Mutex, PoisonError};

use mutual_trust::admin::DurableStore;

/// Gives the store to a task: once, while nothing else changes it.
pub(crate) type Access = Box<dyn FnMut(&mut dyn FnMut(&mut DurableStore)) + Send>;

/// Gives a store that the program shares.
pub(crate) fn of_shared(
    store: Arc<Mutex<DurableStore>>,
) -> impl FnMut(&mut dyn FnMut(&mut DurableStore)) + Send + 'static {
    move |task| {
        // A panic elsewhere leaves a store that is good: it changes by whole changes.
        task(&mut store.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Runs a task with the store. `None` if the program did not give it.
pub(crate) fn with_store<R>(
    access: &mut Access,
    task: impl FnOnce(&mut DurableStore) -> R,
) -> Option<R> {
    let (mut task, mut done) = (Some(task), None);
    access(&mut |store| {
        if let Some(task) = task.take() {
            done = Some(task(store));
        }
    });
    done
}
