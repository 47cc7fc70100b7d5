//! The reports that a hub keeps: in memory, or in its folder.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::TransportError;
use crate::folder::Folder;
use crate::limits::MAX_NODES;
use crate::report::{NodeName, NodeReport};
use crate::reported::NodeReports;
use crate::transport::{Publisher as _, Transport as _};

/// Where reports are kept.
#[derive(Clone, Debug)]
pub(super) enum Reports {
    Memory(Arc<Mutex<BTreeMap<NodeName, NodeReport>>>),
    /// The file of each node is written by one task at a time.
    Folder(Arc<Mutex<Folder>>),
}

impl Reports {
    pub(super) fn in_memory() -> Self {
        Self::Memory(Arc::default())
    }

    pub(super) fn in_folder(folder: PathBuf) -> Self {
        Self::Folder(Arc::new(Mutex::new(Folder::new(folder))))
    }

    /// All of them. It waits for the disk, if they are there.
    pub(super) fn all(&self) -> Result<NodeReports, TransportError> {
        match self {
            Self::Memory(reports) => {
                let all: Vec<NodeReport> = locked(reports).values().cloned().collect();
                Ok(all.into())
            }
            Self::Folder(folder) => {
                let path = locked(folder).path().to_owned();
                Folder::new(path).nodes()
            }
        }
    }

    /// The one of a node.
    pub(super) fn of(&self, node: &NodeName) -> Result<Option<NodeReport>, TransportError> {
        match self {
            Self::Memory(reports) => Ok(locked(reports).get(node).cloned()),
            Self::Folder(folder) => locked(folder).report_of(node),
        }
    }

    /// Takes one over.
    pub(super) fn put(&self, report: NodeReport) -> Result<(), TransportError> {
        match self {
            Self::Memory(reports) => {
                let mut reports = locked(reports);
                let is_new = !reports.contains_key(report.node());
                if is_new && reports.len() >= MAX_NODES {
                    return Err(too_many("the hub"));
                }
                reports.insert(report.node().clone(), report);
                Ok(())
            }
            Self::Folder(folder) => {
                let mut folder = locked(folder);
                let is_new = !folder.has_reported(report.node());
                if is_new && folder.count_nodes() >= MAX_NODES {
                    return Err(too_many(&folder.path().display().to_string()));
                }
                folder.report(&report)
            }
        }
    }

    /// Removes the one of a node. Whether there was one.
    pub(super) fn forget(&self, node: &NodeName) -> Result<bool, TransportError> {
        match self {
            Self::Memory(reports) => Ok(locked(reports).remove(node).is_some()),
            Self::Folder(folder) => locked(folder).forget(node),
        }
    }
}

fn too_many(at: &str) -> TransportError {
    TransportError::TooManyNodes {
        at: at.to_owned(),
        limit: MAX_NODES,
    }
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
