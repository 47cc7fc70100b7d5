//! Which installed CA signed which installed intermediate (rule C5).
//!
//! Such a signature is verified once, when the second of the two is installed or when a store is loaded, and never in a
//! verdict. Only the results of signature checks are kept: every verdict judges whether an issuer is trusted, blocked,
//! expired or still installed. The results are not written to the store's file, so a file cannot claim a signature that
//! was never made. A load verifies again: at most [`MAX_SAME_SUBJECT_SIGNATURES`](crate::limits::MAX_SAME_SUBJECT_SIGNATURES) signatures for each installed
//! intermediate, and nearly always one.

use core::hash::BuildHasher;
use std::collections::hash_map::RandomState;
use std::sync::Arc;

use super::table::Table;
use crate::certificate::{Certificate, Issued, canonical_name};

/// What is known about the signature on an installed intermediate.
#[derive(Clone, Copy)]
pub(crate) enum Signer<'a> {
    /// It verifies under this key.
    Is(&'a Issued),
    /// It verifies under the key of no installed CA.
    NotInstalled,
    /// It was not verified under every installed CA of its issuer's name: there are too many, or this provider lacks
    /// the algorithm. A verdict verifies it.
    Unknown,
}

impl Signer<'_> {
    /// Whether `above` may be the signer. `installed` says whether it is installed as a CA.
    pub(crate) fn may_be(&self, above: &Certificate, installed: bool) -> bool {
        match self {
            Self::Is(issued) => issued.pair().1.has_key_of(above),
            Self::NotInstalled => !installed,
            Self::Unknown => true,
        }
    }
}

/// An installed intermediate, and the result of the search for its signer.
#[derive(Clone)]
struct Fact {
    below: Certificate,
    found: Found,
}

/// The result of the search for a signer.
#[derive(Clone)]
pub(super) enum Found {
    Is(Issued),
    NotInstalled,
    Unknown,
}

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Signers {
    /// By a keyed hash of the fingerprint.
    facts: Table<Fact>,
    /// Intermediates without a known installed signer, by a keyed hash of their issuer's canonical name.
    waiting: Table<Arc<Vec<Certificate>>>,
}

impl Signers {
    #[cfg(feature = "admin")]
    pub(super) fn is_shared(&self, other: &Self) -> bool {
        self.facts.is_shared(&other.facts) && self.waiting.is_shared(&other.waiting)
    }

    pub(super) fn signer(&self, below: &Certificate, hasher: &RandomState) -> Signer<'_> {
        if self.facts.len() == 0 {
            return Signer::Unknown;
        }
        let mut found = self.facts.find(hasher.hash_one(below.fingerprint()));
        match found
            .find(|fact| fact.below == *below)
            .map(|fact| &fact.found)
        {
            Some(Found::Is(issued)) => Signer::Is(issued),
            Some(Found::NotInstalled) => Signer::NotInstalled,
            Some(Found::Unknown) | None => Signer::Unknown,
        }
    }

    pub(super) fn set(&mut self, below: &Certificate, found: Found, hasher: &RandomState) {
        self.forget(below, hasher);
        if !matches!(found, Found::Is(_)) {
            let place = hasher.hash_one(canonical_name(below.issuer_der()));
            match self.waiting.find_mut(place, |_| true) {
                Some(waiting) => Arc::make_mut(waiting).push(below.clone()),
                None => self.waiting.insert(place, Arc::new(vec![below.clone()])),
            }
        }
        let below = below.clone();
        let place = hasher.hash_one(below.fingerprint());
        self.facts.insert(place, Fact { below, found });
    }

    /// Forgets an intermediate that is no longer installed.
    pub(super) fn forget(&mut self, below: &Certificate, hasher: &RandomState) {
        let place = hasher.hash_one(below.fingerprint());
        match self.facts.take(place, |fact| fact.below == *below) {
            None => return,
            Some(fact) if matches!(fact.found, Found::Is(_)) => return,
            Some(_) => {}
        }
        let place = hasher.hash_one(canonical_name(below.issuer_der()));
        let Some(waiting) = self.waiting.find_mut(place, |_| true) else {
            return;
        };
        let left = Arc::make_mut(waiting);
        left.retain(|one| one != below);
        if left.is_empty() {
            self.waiting.take(place, |_| true);
        }
    }

    /// Intermediates that wait for a CA of this name. A hash collision can add others.
    pub(super) fn waiting(&self, subject: &[u8], hasher: &RandomState) -> Arc<Vec<Certificate>> {
        if self.waiting.len() == 0 {
            return Arc::default();
        }
        let mut found = self.waiting.find(hasher.hash_one(canonical_name(subject)));
        found.next().cloned().unwrap_or_default()
    }
}
