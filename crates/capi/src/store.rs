//! A store in a folder.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use mutual_trust::DurableStore;
use mutual_trust::error::DurableError;
use mutual_trust::store::{self, TrustStore};

use crate::argument::{Buffer, Maybe, MaybeOut, Out, OutU32, Owned, Ref, Seconds, Text};
use crate::entry::{ignore, nothing, status};
use crate::live::Live;
use crate::report::{Problem, Report, Said, finish};
use crate::settings::{Clock, Settings, or_default};
use crate::status::{FAULT, Failed, OK, TEXT};

/// A store on disk. A panic in a change poisons its lock: from then on the store answers FAULT, and what is in force stays.
#[derive(Debug)]
pub(crate) struct Store {
    store: Mutex<DurableStore>,
    /// What the store reads its time from.
    clock: Arc<Clock>,
}

impl Store {
    pub(crate) fn lock(&self) -> Result<MutexGuard<'_, DurableStore>, Failed> {
        self.store.lock().map_err(|_| FAULT)
    }

    /// Makes one change, and says what it did.
    pub(crate) fn change(
        &self,
        edit: impl FnOnce(&mut TrustStore) -> Result<store::Report, Problem>,
    ) -> Result<Said, Problem> {
        let mut store = self.lock()?;
        let report = store.try_change(edit)?;
        Ok(Said::changed(&report, store.contents().generation()))
    }
}

fn path(folder: &str) -> Result<&Path, Failed> {
    if folder.is_empty() || folder.contains('\0') {
        return Err(TEXT);
    }
    Ok(Path::new(folder))
}

/// The answer of a call that made a store.
fn opened(
    made: Result<(DurableStore, String), DurableError>,
    clock: Arc<Clock>,
) -> Result<(Store, Said), Problem> {
    let (store, text) = made?;
    let generation = store.contents().generation();
    let said = Said { text, generation };
    let store = Mutex::new(store);
    Ok((Store { store, clock }, said))
}

entries! { "The store";
    /// Makes an empty store in a folder that exists. It trusts no peer. Fails if there is a store already.
    /// settings may be NULL. Free *store with mt_store_free, and *report, if you asked for one, with mt_report_free.
    /// Threads: any.
    fn mt_store_create(
        folder: Text,
        settings: Maybe<Settings>,
        store: Out<Store>,
        report: MaybeOut<Report>,
    ) -> u32, else status {
        let (folder, (settings, clock)) = (path(folder)?, or_default(settings)?);
        let made = DurableStore::create(folder, settings);
        let made = opened(made.map(|store| (store, String::from("created"))), clock);
        finish(&report, made.map(|(made, said)| {
            store.give(made);
            said
        }))
    }

    /// Opens the store in a folder. Other processes may have it open too: the command mutual-trust, for example.
    /// settings may be NULL. Free *store with mt_store_free, and *report, if you asked for one, with mt_report_free.
    /// Threads: any.
    fn mt_store_open(
        folder: Text,
        settings: Maybe<Settings>,
        store: Out<Store>,
        report: MaybeOut<Report>,
    ) -> u32, else status {
        let (folder, (settings, clock)) = (path(folder)?, or_default(settings)?);
        let made = DurableStore::open(folder, settings);
        let made = opened(made.map(|(store, report)| (store, report.to_string())), clock);
        finish(&report, made.map(|(made, said)| {
            store.give(made);
            said
        }))
    }

    /// Puts in force what other processes and other handles changed in the store, for the judges of this handle. Call it every
    /// few seconds, in each process. *changed, if not NULL, is 1 if
    /// there was something new. If it fails, what was in force stays in force.
    /// report may be NULL; free *report with mt_report_free.
    /// Threads: any; calls on one store wait for each other. Never call it in a handshake: it reads files.
    fn mt_store_refresh(store: Ref<Store>, changed: OutU32, report: MaybeOut<Report>) -> u32, else status {
        let mut store = store.lock()?;
        let refreshed = store.refresh().map_err(Problem::from);
        let generation = store.contents().generation();
        finish(&report, refreshed.map(|new| {
            changed.put(u32::from(new));
            let text = if new { "changed" } else { "unchanged" };
            Said { text: text.into(), generation }
        }))
    }

    /// The generation in force. It grows with each change. 0 for NULL.
    /// Threads: any; calls on one store wait for each other.
    fn mt_store_generation(store: Ref<Store>) -> u64, else nothing {
        Ok(store.lock()?.contents().generation())
    }

    /// Whether all is well with the store: 1, else 0. mt_store_health says what is not.
    /// Threads: any; calls on one store wait for each other.
    fn mt_store_is_healthy(store: Ref<Store>) -> u32, else nothing {
        Ok(u32::from(store.lock()?.health().is_good()))
    }

    /// Writes the state of the store for an operator: faults of the disk, blocks that are not saved, the clock.
    /// Returns the length of the whole text.
    /// Threads: any; calls on one store wait for each other.
    fn mt_store_health(store: Ref<Store>, text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(&store.lock()?.health().to_string()))
    }

    /// Sets the time of an open store from now on, for its health and its changes: seconds since 1970, a clock that stands
    /// still until the next call; MT_TIME_SYSTEM; or MT_TIME_UNSET. It is not written to the disk, and other handles of the
    /// folder keep their time. A judge has a time of its own (mt_judge_set_time), and an enrolment as well.
    /// Threads: any, also at the same time.
    fn mt_store_set_time(store: Ref<Store>, seconds: Seconds) -> u32, else status {
        store.clock.set(seconds)
    }

    /// Records the administrator who makes the changes from now on, one line of text. An empty text removes the name.
    /// Threads: any; it counts for the changes of all threads on this handle.
    fn mt_store_set_actor(store: Ref<Store>, who: Text) -> u32, else status {
        let who = Some(who).filter(|who| !who.is_empty());
        store.lock()?.set_actor(who).map_err(|_| TEXT)?;
        Ok(OK)
    }

    /// Gives what is in force in this store, now and after each change and refresh. It outlives the store.
    /// Free *live with mt_live_free.
    /// Threads: any.
    fn mt_store_live(store: Ref<Store>, live: Out<Live>) -> u32, else status {
        live.give(Live::new(store.lock()?.live()));
        Ok(OK)
    }

    /// Closes a store and frees its handle. What is in force stays in force for those who have it (mt_live), without
    /// further changes. NULL is nothing to do.
    /// Threads: any, when no other uses the handle.
    fn mt_store_free(store: Owned<Store>) -> (), else ignore {
        drop(store);
        Ok(())
    }
}
