//! The history of a store: the changes in its file, and in the file before the last snapshot.

use std::path::Path;
use std::sync::Arc;

use super::disk;
use super::{DurableSettings, DurableStore};
use crate::admin::durable::error::DurableError;
use crate::admin::file::{
    self, Damaged, JournalRecord, Loaded, SealState, StoreFile, StoredChange, StoredRefusal,
};
use crate::admin::{PeerHistory, Plan};
use crate::certificate::CurrentTime;
use crate::policy::Policy;
use crate::store::RolledBack;

/// The changes that are kept, oldest first, each verified.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[doc(hidden)]
pub struct History {
    /// The changes.
    pub changes: Vec<StoredChange>,
    /// The refused changes that are recorded, oldest first. One after a generation was refused before the next change.
    pub refusals: Vec<StoredRefusal>,
    /// The generation before the first of them.
    pub since: u64,
    /// The state of the store's seal.
    pub seal: SealState,
    /// Why the previous file does not belong to this history, if there is one that does not.
    pub previous: Option<String>,
}

/// What stands in one file behind its snapshot.
#[derive(Default)]
struct Records {
    changes: Vec<StoredChange>,
    refusals: Vec<StoredRefusal>,
}

fn read(
    path: &Path,
    settings: &DurableSettings,
    until: u64,
) -> Result<(Loaded, Records), DurableError> {
    let content = disk::read(path)?;
    let mut records = Records::default();
    let seal = settings.sealed_by();
    let mut tell = |record: &JournalRecord| match record {
        JournalRecord::Change(change) => records.changes.push(change.clone()),
        JournalRecord::Refusal(refusal) => records.refusals.push(refusal.clone()),
    };
    let loaded = file::load(&content, settings.keys, seal, until, &mut tell);
    let loaded = loaded.map_err(|Damaged { error, .. }| DurableError::File {
        path: path.to_owned(),
        source: error,
    })?;
    Ok((loaded, records))
}

impl DurableStore {
    /// The changes that are kept: those since the last snapshot, and those before it back to the snapshot before.
    ///
    /// # Errors
    /// As for [`read`](Self::read). A previous file that does not belong to this history is no error.
    #[doc(hidden)]
    pub fn history(folder: &Path, settings: &DurableSettings) -> Result<History, DurableError> {
        let (current, mut records) = read(&disk::current(folder), settings, u64::MAX)?;
        let generation = current.file.report.generation;
        let first = |records: &Records| Some(records.changes.first()?.head.from);
        let mut since = first(&records).unwrap_or(generation);
        let mut fault = None;
        match read(&disk::previous(folder), settings, u64::MAX) {
            Ok((older, mut before)) => {
                let last = older.position.digest;
                if current.file.kept.head() == Some(last) {
                    since = first(&before).unwrap_or(since);
                    before.changes.append(&mut records.changes);
                    before.refusals.append(&mut records.refusals);
                    records = before;
                } else {
                    fault = Some(String::from("it is not the file before the last snapshot"));
                }
            }
            Err(DurableError::NoStore { .. }) => {}
            Err(error) => fault = Some(crate::certificate::error::with_causes(&error)),
        }
        Ok(History {
            changes: records.changes,
            refusals: records.refusals,
            since,
            seal: current.file.report.seal,
            previous: fault,
        })
    }

    /// The content of a store at a generation, as far back as the history goes.
    ///
    /// # Errors
    /// The generation is not kept. As for [`read`](Self::read).
    #[doc(hidden)]
    pub fn read_at(
        folder: &Path,
        settings: &DurableSettings,
        generation: u64,
    ) -> Result<StoreFile, DurableError> {
        for path in [disk::current(folder), disk::previous(folder)] {
            let read = match read(&path, settings, generation) {
                Err(DurableError::NoStore { .. }) if path != disk::current(folder) => continue,
                read => read?,
            };
            let mut found = read.0.file;
            if found.report.generation == generation {
                found.store = found.store.with_clock(Arc::clone(&settings.clock));
                return Ok(found);
            }
        }
        Err(DurableError::NoGeneration {
            path: disk::current(folder),
            generation,
        })
    }

    /// Plans to give the store the content of an earlier generation again, except for what takes trust away
    /// ([`TrustStore::roll_back`](crate::TrustStore::roll_back)). [`apply`](Self::apply) makes it: one change, with a
    /// generation of its own, which locks out only the peers that the allowance names.
    ///
    /// # Errors
    /// The generation is not kept. As for [`read`](Self::read).
    #[doc(hidden)]
    pub fn plan_rollback(
        &self,
        to: u64,
        policy: &Policy,
        seen: &PeerHistory,
        clock: CurrentTime,
    ) -> Result<Plan<RolledBack>, DurableError> {
        let earlier = Self::read_at(self.disk.folder(), &self.settings, to)?;
        let earlier = earlier.store.contents();
        let planned = self.plan(policy, seen, clock, |store| store.roll_back(earlier));
        Ok(planned?)
    }
}
