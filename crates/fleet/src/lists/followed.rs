//! One source, and what it brought into the store.

use core::time::Duration;

use mutual_trust::admin::DurableStore;
use mutual_trust::certificate::Crl;
use mutual_trust::error::{DurableError, StoreError};
use mutual_trust::store::CrlIssuer;
use mutual_trust::{Fingerprint, TrustSnapshot};

use super::health::Life;
use super::source::{CrlSource, Fault, Found};
use crate::access::{Access, with_store};
use crate::http::Worker;
use crate::transport::Tag;

/// One source, and what it brought.
pub(super) struct Followed {
    pub(super) source: CrlSource,
    pub(super) known: Option<Tag>,
    /// The fingerprints of its lists.
    pub(super) lists: Vec<Fingerprint>,
    /// When it is asked next, by the clock of the follower.
    pub(super) due: Duration,
}

/// Why a list was not installed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Fetch(#[from] Fault),
    #[error("a list is of another issuer than those that are named for this address: {0}")]
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
        let is_held = with_store(access, |store| holds(store, &self.lists));
        let is_held = is_held.ok_or(Refused::NoStore)?;
        let known = self.known.as_ref().filter(|_| is_held);
        let (lists, tag) = match self.source.fetch(worker, known)? {
            Found::Same => return Ok(None),
            Found::Lists(lists, tag) => (lists, tag),
        };
        let issuers = &self.source.issuers;
        with_store(access, |store| install(store, &lists, issuers)).ok_or(Refused::NoStore)??;
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
/// With a list of an issuer that is not among `issuers`, nothing is installed: each issuer of a list is checked from then on.
fn install(store: &mut DurableStore, lists: &[Crl], issuers: &[CrlIssuer]) -> Result<(), Refused> {
    // What another process has installed, first. A fault of it shows in the health of the store.
    let _ = store.refresh();
    let fingerprints: Vec<Fingerprint> = lists.iter().map(Crl::fingerprint).collect();
    let foreign = |contents: &TrustSnapshot| {
        let mut of_these = contents
            .crls()
            .filter(|held| fingerprints.contains(&held.crl().fingerprint()));
        let foreign = of_these.find(|held| !issuers.contains(held.issuer()));
        foreign.map_or(Ok(()), |held| {
            Err(Refused::OtherIssuer(held.crl().issuer()))
        })
    };
    if holds(store, &fingerprints) {
        return foreign(store.contents());
    }
    let done = store.try_change(|store| {
        let done = store.install_crls(lists.iter().cloned());
        // By its name and the key under which it was verified: two authorities can have one name.
        foreign(store.contents()).map(|()| done)
    })?;
    let Some(error) = done.into_iter().find_map(Result::err) else {
        return Ok(());
    };
    // That the store does not know an issuer is not what is wrong, if it is not one of this address.
    let is_named = |list: &Crl| issuers.iter().any(|of| of.name() == list.issuer());
    match lists.iter().find(|list| !is_named(list)) {
        Some(other) => Err(Refused::OtherIssuer(other.issuer())),
        None => Err(error.into()),
    }
}
