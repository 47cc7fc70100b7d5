//! One source, and what it brought into the store.

use core::time::Duration;

use mutual_trust::Fingerprint;
use mutual_trust::admin::DurableStore;
use mutual_trust::certificate::Crl;
use mutual_trust::error::{DurableError, StoreError};

use super::health::Life;
use super::source::{CrlSource, Fault, Found};
use crate::http::Worker;
use crate::transport::Tag;

/// Gives the store to a task: once, while nothing else changes it.
pub(super) type Access = Box<dyn FnMut(&mut dyn FnMut(&mut DurableStore)) + Send>;

/// One source, and what it brought.
pub(super) struct Followed {
    pub(super) source: CrlSource,
    pub(super) known: Option<Tag>,
    /// The fingerprints of its lists.
    pub(super) lists: Vec<Fingerprint>,
    /// The issuers of its lists.
    pub(super) issuers: Vec<Vec<u8>>,
    /// When it is asked next, by the clock of the follower.
    pub(super) due: Duration,
}

/// Why a list was not installed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Fetch(#[from] Fault),
    #[error("a list is of another issuer than before, {0}")]
    OtherIssuer(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Durable(#[from] DurableError),
    #[error("the program did not give its store to the follower")]
    NoStore,
}

impl Followed {
    /// Fetches and installs. Returns the life of the lists, if they are others than before.
    pub(super) fn ask(
        &mut self,
        worker: &Worker,
        access: &mut Access,
    ) -> Result<Option<Option<Life>>, Refused> {
        // A list that is no longer in the store is not known.
        let is_held = with_store(access, |store| Ok(holds(store, &self.lists)))?;
        let known = self.known.as_ref().filter(|_| is_held);
        let (lists, tag) = match self.source.fetch(worker, known)? {
            Found::Same => return Ok(None),
            Found::Lists(lists, tag) => (lists, tag),
        };
        let issuers: Vec<Vec<u8>> = lists
            .iter()
            .map(|list| list.issuer_der().to_vec())
            .collect();
        let other = lists.iter().find(|list| {
            !self.issuers.is_empty() && !self.issuers.iter().any(|of| of == list.issuer_der())
        });
        if let Some(other) = other {
            return Err(Refused::OtherIssuer(other.issuer()));
        }
        with_store(access, |store| install(store, &lists))?;
        self.issuers = issuers;
        self.known = tag;
        self.lists = lists.iter().map(Crl::fingerprint).collect();
        Ok(Some(Life::of(&lists)))
    }
}

/// Whether the store has all of these lists.
fn holds(store: &DurableStore, lists: &[Fingerprint]) -> bool {
    let crls = store.contents().crls();
    let held: Vec<Fingerprint> = crls.map(|list| list.crl().fingerprint()).collect();
    lists.iter().all(|list| held.contains(list))
}

/// Installs those that the store does not have. All that are good are installed, and the first that is not is the error.
fn install(store: &mut DurableStore, lists: &[Crl]) -> Result<(), Refused> {
    // What another process has installed, first. A fault of it shows in the health of the store.
    let _ = store.refresh();
    let fingerprints: Vec<Fingerprint> = lists.iter().map(Crl::fingerprint).collect();
    if holds(store, &fingerprints) {
        return Ok(());
    }
    let done = store.change(|store| Ok(store.install_crls(lists.iter().cloned())))?;
    match done.into_iter().find_map(Result::err) {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn with_store<R>(
    access: &mut Access,
    task: impl FnOnce(&mut DurableStore) -> Result<R, Refused>,
) -> Result<R, Refused> {
    let (mut task, mut done) = (Some(task), None);
    access(&mut |store| {
        if let Some(task) = task.take() {
            done = Some(task(store));
        }
    });
    done.unwrap_or(Err(Refused::NoStore))
}
