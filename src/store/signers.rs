//! Which installed CA signed which installed intermediate (rule C5).
//!
//! Such a signature is verified once, when the second of the two is installed or when a store is loaded, and never in a
//! verdict. Only the results of signature checks are kept: every verdict judges whether an issuer is trusted, blocked,
//! expired or still installed. The results are not written to the store's file, so a file cannot claim a signature that
//! was never made. A load verifies again: at most [`MAX_SAME_SUBJECT_SIGNATURES`] signatures for each installed
//! intermediate, and nearly always one.

use core::hash::BuildHasher;
#[cfg(feature = "admin")]
use std::borrow::Cow;
#[cfg(feature = "admin")]
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::sync::Arc;

#[cfg(feature = "admin")]
use super::Scope;
use super::data::Data;
use super::table::Table;
use super::{EntryKey, Slot, TrustStore};
use crate::certificate::{
    Certificate, Issued, KeyPolicy, SignatureCheck, canonical_name, names_equal,
};
use crate::limits::{MAX_SAME_SUBJECT_SIGNATURES, MAX_SIGNATURES_AT_INSTALLATION};

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
enum Found {
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

    fn signer(&self, below: &Certificate, hasher: &RandomState) -> Signer<'_> {
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

    fn set(&mut self, below: &Certificate, found: Found, hasher: &RandomState) {
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
    fn waiting(&self, subject: &[u8], hasher: &RandomState) -> Arc<Vec<Certificate>> {
        if self.waiting.len() == 0 {
            return Arc::default();
        }
        let mut found = self.waiting.find(hasher.hash_one(canonical_name(subject)));
        found.next().cloned().unwrap_or_default()
    }
}

/// Whether the key identifiers say that `above` signed `below`. `None` if one of them has none.
fn identified(below: &Certificate, above: &Certificate) -> Option<bool> {
    Some(below.authority_key_id()? == above.subject_key_id()?)
}

/// Looks for the signer of `below` among CAs of its issuer's name. CAs with the wanted key identifier come first and
/// are not counted. Of the others, as many keys are tried as in a verdict.
fn find(keys: &KeyPolicy, below: &Certificate, mut candidates: Vec<&Certificate>) -> Found {
    candidates.sort_by_key(|above| match identified(below, above) {
        Some(true) => 0,
        None => 1_u8,
        Some(false) => 2,
    });
    let mut tried: Vec<&Certificate> = Vec::new();
    let mut counted = 0_usize;
    let mut complete = true;
    for above in candidates {
        if tried.iter().any(|other| other.has_key_of(above)) {
            continue;
        }
        if identified(below, above) != Some(true) {
            if counted >= MAX_SAME_SUBJECT_SIGNATURES {
                return Found::Unknown;
            }
            counted = counted.saturating_add(1);
        }
        match keys.verify_issued(below, above) {
            Ok(issued) => return Found::Is(issued),
            Err(SignatureCheck::Unsupported) => complete = false,
            Err(SignatureCheck::Wrong | SignatureCheck::Verified) => {}
        }
        tried.push(above);
    }
    if complete {
        Found::NotInstalled
    } else {
        Found::Unknown
    }
}

impl Data {
    /// What is known about the signature on an installed intermediate.
    ///
    /// A signer that was removed counts as not installed: a verdict must not depend on the history of the store (rule
    /// P8).
    pub(crate) fn signer(&self, below: &Certificate) -> Signer<'_> {
        match self.signers.signer(below, &self.hasher) {
            Signer::Is(issued) if !self.holds_ca_with_key_of(issued.pair().1) => {
                Signer::NotInstalled
            }
            known @ (Signer::Is(_) | Signer::NotInstalled | Signer::Unknown) => known,
        }
    }

    fn holds_ca_with_key_of(&self, certificate: &Certificate) -> bool {
        let mut holders = self.holders(certificate.key_pin());
        holders.any(|entry| entry.slot() != Slot::Pin)
    }

    fn learn(&mut self, below: &Certificate, found: Found) {
        let hasher = self.hasher.clone();
        self.signers.set(below, found, &hasher);
    }
}

impl TrustStore {
    /// Verifies which installed intermediates a new CA certificate signed and, if it is an intermediate, which
    /// installed CA signed it.
    pub(super) fn learn_signatures(&mut self, key: &EntryKey) {
        let entry = self.data.entry(key).filter(|_| key.slot != Slot::Pin);
        let Some(added) = entry.and_then(|entry| entry.certificate()).cloned() else {
            return;
        };
        let keys = self.keys;
        let data = self.data.data();
        let mut learned: Vec<(Certificate, Found)> = Vec::new();
        if key.slot == Slot::Intermediate && !matches!(data.signer(&added), Signer::Is(_)) {
            let candidates = data.issuers(added.issuer_der()).collect();
            learned.push((added.clone(), find(&keys, &added, candidates)));
        }
        let mut counted = 0_usize;
        for below in data
            .signers
            .waiting(added.subject_der(), &data.hasher)
            .iter()
        {
            if *below == added || !names_equal(below.issuer_der(), added.subject_der()) {
                continue;
            }
            if identified(below, &added) != Some(true) {
                counted = counted.saturating_add(1);
            }
            let found = if counted > MAX_SIGNATURES_AT_INSTALLATION {
                Found::Unknown
            } else {
                match keys.verify_issued(below, &added) {
                    Ok(issued) => Found::Is(issued),
                    Err(SignatureCheck::Wrong | SignatureCheck::Verified) => continue,
                    Err(SignatureCheck::Unsupported) => Found::Unknown,
                }
            };
            learned.push((below.clone(), found));
        }
        for (below, found) in learned {
            self.edit().learn(&below, found);
        }
    }

    /// Verifies the signatures of the installed CAs on all installed intermediates, after a load.
    #[cfg(feature = "admin")]
    pub(super) fn learn_all_signatures(&mut self) {
        let data = self.data.data();
        let index = data.index(Slot::Intermediate, &Scope::Everyone);
        let index = index.into_iter().flat_map(|index| index.iter());
        let below = index.filter_map(|entry| entry.certificate());
        let below: Vec<&Certificate> = below
            .filter(|below| !matches!(data.signer(below), Signer::Is(_)))
            .collect();
        if below.is_empty() {
            return;
        }
        // One pass over all CA certificates, independent of the number of intermediates.
        let mut by_name: HashMap<Cow<'_, [u8]>, Vec<&Certificate>> = HashMap::new();
        for one in &below {
            by_name.entry(canonical_name(one.issuer_der())).or_default();
        }
        for above in data.cas() {
            if let Some(found) = by_name.get_mut(&canonical_name(above.subject_der())) {
                found.push(above);
            }
        }
        let keys = self.keys;
        let learned: Vec<(Certificate, Found)> = below
            .into_iter()
            .map(|below| {
                let candidates = by_name.get(&canonical_name(below.issuer_der())).cloned();
                let found = find(&keys, below, candidates.unwrap_or_default());
                (below.clone(), found)
            })
            .collect();
        for (below, found) in learned {
            self.edit().learn(&below, found);
        }
    }
}
