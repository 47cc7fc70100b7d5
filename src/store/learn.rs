//! Verifies which installed CA signed which installed intermediate (rule C5).

#[cfg(feature = "admin")]
use std::borrow::Cow;
#[cfg(feature = "admin")]
use std::collections::{HashMap, HashSet};

#[cfg(feature = "admin")]
use super::Scope;
use super::data::Data;
use super::signers::{Found, Signer};
use super::{EntryKey, Slot, TrustStore};
#[cfg(feature = "admin")]
use crate::certificate::canonical_name;
use crate::certificate::sorted::sort_by;
use crate::certificate::{Certificate, KeyPolicy, SignatureCheck, names_equal};
use crate::limits::{MAX_SAME_SUBJECT_SIGNATURES, MAX_SIGNATURES_AT_INSTALLATION};

/// Whether the key identifiers say that `above` signed `below`. `None` if one of them has none.
fn identified(below: &Certificate, above: &Certificate) -> Option<bool> {
    Some(below.authority_key_id()? == above.subject_key_id()?)
}

/// Looks for the signer of `below` among CAs of its issuer's name, in the order in which they are tried: those with the
/// wanted key identifier come first and are not counted. Of the others, as many keys are tried as in a verdict.
fn find<'a>(
    keys: &KeyPolicy,
    below: &Certificate,
    candidates: impl Iterator<Item = &'a Certificate>,
) -> Found {
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

/// The CA certificates of one name, for the search of the signers of many intermediates: of each key with each key
/// identifier one, found by the identifier. So the search for each of them does not walk over all.
#[cfg(feature = "admin")]
#[derive(Default)]
struct Named<'a> {
    known: HashSet<(&'a [u8], Option<&'a [u8]>)>,
    by_id: HashMap<&'a [u8], Vec<&'a Certificate>>,
    identified: Vec<&'a Certificate>,
    unidentified: Vec<&'a Certificate>,
}

#[cfg(feature = "admin")]
impl<'a> Named<'a> {
    fn add(&mut self, above: &'a Certificate) {
        let id = above.subject_key_id();
        if !self.known.insert((above.subject_public_key_info(), id)) {
            return;
        }
        match id {
            Some(id) => {
                self.by_id.entry(id).or_default().push(above);
                self.identified.push(above);
            }
            None => self.unidentified.push(above),
        }
    }

    /// All of them, in the order in which they are tried for `below`.
    fn candidates(&self, below: &Certificate) -> impl Iterator<Item = &'a Certificate> {
        let wanted = below.authority_key_id();
        let first = wanted
            .and_then(|id| self.by_id.get(id))
            .into_iter()
            .flatten();
        let others = self.identified.iter();
        let others =
            others.filter(move |above| wanted.is_none() || above.subject_key_id() != wanted);
        first.chain(&self.unidentified).chain(others).copied()
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
            let mut candidates: Vec<&Certificate> = data.issuers(added.issuer_der()).collect();
            let rank = |above| match identified(&added, above) {
                Some(true) => 0,
                None => 1_u8,
                Some(false) => 2,
            };
            sort_by(&mut candidates, |one, other| rank(one).cmp(&rank(other)));
            let candidates = candidates.into_iter();
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
        let mut by_name: HashMap<Cow<'_, [u8]>, Named<'_>> = HashMap::new();
        for one in &below {
            by_name.entry(canonical_name(one.issuer_der())).or_default();
        }
        for above in data.cas() {
            if let Some(found) = by_name.get_mut(&canonical_name(above.subject_der())) {
                found.add(above);
            }
        }
        let keys = self.keys;
        let learned: Vec<(Certificate, Found)> = below
            .into_iter()
            .map(|below| {
                let named = by_name.get(&canonical_name(below.issuer_der()));
                let candidates = named.map(|named| named.candidates(below));
                let found = find(&keys, below, candidates.into_iter().flatten());
                (below.clone(), found)
            })
            .collect();
        for (below, found) in learned {
            self.edit().learn(&below, found);
        }
    }
}
