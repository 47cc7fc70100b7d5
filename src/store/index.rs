//! The entries of one slot and scope.

use core::hash::BuildHasher;
use std::collections::hash_map::RandomState;
use std::sync::Arc;

use super::crowded::{Crowded, apart};
use super::same_subject::{Installed, SameSubject, Subject, Wanted};
use super::table::Table;
use super::{Entry, Scope, ServerId, Slot};
use crate::certificate::{Fingerprint, canonical_name};

/// The entries of one slot and scope, of which there is at least one.
#[derive(Clone)]
pub(crate) enum CertificateIndex {
    /// One entry: the case of almost every server. It needs no tables.
    One(Arc<Entry>),
    Several(Arc<Several>),
}

#[derive(Clone)]
pub(crate) struct Several {
    slot: Slot,
    scope: Scope,
    entries: Table<Arc<Entry>>,
    /// Pins that match by public key.
    by_key: Crowded,
    /// Authorities and intermediates by a keyed hash of their canonical subject; the subject is compared when read.
    by_subject: Table<SameSubject>,
    hasher: RandomState,
}

impl CertificateIndex {
    pub(super) fn is_for(&self, slot: Slot, scope: &Scope) -> bool {
        self.slot() == slot && self.scope() == scope
    }

    pub(super) fn is_pins_of(&self, server: &ServerId) -> bool {
        self.slot() == Slot::Pin && matches!(self.scope(), Scope::Server(id) if id == server)
    }

    pub(super) fn scope(&self) -> &Scope {
        match self {
            Self::One(entry) => entry.scope(),
            Self::Several(index) => &index.scope,
        }
    }

    pub(super) fn slot(&self) -> Slot {
        match self {
            Self::One(entry) => entry.slot(),
            Self::Several(index) => index.slot,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(index) => index.entries.len(),
        }
    }

    pub(crate) fn get(&self, fingerprint: Fingerprint) -> Option<&Arc<Entry>> {
        let is = |entry: &&Arc<Entry>| entry.fingerprint() == fingerprint;
        match self {
            Self::One(entry) => Some(entry).filter(is),
            Self::Several(index) => {
                let mut found = index.entries.find(index.hasher.hash_one(fingerprint));
                found.find(is)
            }
        }
    }

    /// The same, when an entry with the certificate is known already: if it has this slot and scope, no search is
    /// needed. Among a million entries, each search waits for memory.
    pub(crate) fn get_held<'a>(
        &'a self,
        fingerprint: Fingerprint,
        holder: Option<&'a Arc<Entry>>,
    ) -> Option<&'a Arc<Entry>> {
        match self {
            Self::One(_) => self.get(fingerprint),
            Self::Several(index) => holder
                .filter(|holder| holder.is_for(index.slot, &index.scope))
                .or_else(|| self.get(fingerprint)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let (one, several) = self.parts();
        let several = several.into_iter().flat_map(|index| index.entries.iter());
        one.into_iter().chain(several)
    }

    /// The pins that match by this `SubjectPublicKeyInfo`, in no order.
    pub(crate) fn by_public_key<'a>(
        &'a self,
        key: &'a [u8],
    ) -> impl Iterator<Item = &'a Arc<Entry>> {
        let (one, several) = self.parts();
        let several = several.into_iter().flat_map(move |index| {
            // Hash the key only if some pin matches by public key: for almost every peer the hash would be wasted.
            let any = (!index.by_key.is_empty()).then(|| index.hasher.hash_one(key));
            any.into_iter().flat_map(|hash| index.by_key.find(hash))
        });
        let one = one.into_iter().filter(|entry| entry.matches_by_key());
        let same = move |entry: &&Arc<Entry>| {
            let certificate = entry.certificate();
            certificate.is_some_and(|certificate| certificate.subject_public_key_info() == key)
        };
        one.chain(several).filter(same)
    }

    /// The authorities or intermediates whose subject has this hash. Another subject may have the same hash.
    pub(super) fn by_subject(&self, hash: u64) -> impl Iterator<Item = &Arc<Entry>> {
        let (one, several) = self.parts();
        let several = several.and_then(|index| index.by_subject.find(hash).next());
        one.into_iter()
            .chain(several.into_iter().flat_map(SameSubject::iter))
    }

    /// The number of authorities or intermediates whose subject has this hash. They nearly always have one name.
    pub(super) fn count_by_subject(&self, hash: u64) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(index) => index.by_subject.find(hash).map(SameSubject::len).sum(),
        }
    }

    /// Candidates for an issuer whose subject is `subject` ([`SameSubject::candidates`]).
    pub(super) fn candidates<'a>(
        &'a self,
        subject: Wanted<'a>,
        key_id: Option<&'a [u8]>,
        others: usize,
    ) -> Box<dyn Iterator<Item = Installed<'a>> + 'a> {
        match self {
            Self::One(entry) => Box::new(Subject::new(subject).installed(entry).into_iter()),
            Self::Several(index) => {
                let hash = index.hasher.hash_one(subject.canonical);
                let found = index.by_subject.find(hash);
                Box::new(found.flat_map(move |found| {
                    found.candidates(subject, key_id, others, &index.hasher)
                }))
            }
        }
    }

    fn parts(&self) -> (Option<&Arc<Entry>>, Option<&Several>) {
        match self {
            Self::One(entry) => (Some(entry), None),
            Self::Several(index) => (None, Some(index)),
        }
    }

    /// Adds an entry whose key no other has.
    pub(super) fn put(&mut self, entry: Arc<Entry>, hasher: &RandomState) {
        match self {
            Self::One(first) => {
                let mut index = Several::new(&entry, hasher);
                index.put(first.clone());
                index.put(entry);
                *self = Self::Several(Arc::new(index));
            }
            Self::Several(index) => Arc::make_mut(index).put(entry),
        }
    }

    /// The entries of one slot and scope, whose keys differ. `None` if there are none.
    #[cfg(feature = "admin")]
    pub(super) fn of(entries: Vec<Arc<Entry>>, hasher: &RandomState) -> Option<Self> {
        let first = entries.first()?;
        if entries.len() == 1 {
            return Some(Self::One(first.clone()));
        }
        let mut index = Several::new(first, hasher);
        for entry in &entries {
            index.note(entry);
        }
        let entries = entries.into_iter();
        let hashed = entries.map(|entry| (hasher.hash_one(entry.fingerprint()), entry));
        index.entries = Table::of(hashed.collect());
        Some(Self::Several(Arc::new(index)))
    }

    /// Removes one of several entries.
    pub(super) fn take(&mut self, entry: &Arc<Entry>) {
        if let Self::Several(index) = self {
            Arc::make_mut(index).take(entry);
        }
    }
}

impl Several {
    /// None yet, for the slot and scope of an entry.
    fn new(entry: &Entry, hasher: &RandomState) -> Self {
        Self {
            slot: entry.slot(),
            scope: entry.scope().clone(),
            entries: Table::default(),
            by_key: Crowded::default(),
            by_subject: Table::default(),
            hasher: hasher.clone(),
        }
    }

    fn put(&mut self, entry: Arc<Entry>) {
        self.note(&entry);
        let hash = self.hasher.hash_one(entry.fingerprint());
        self.entries.insert(hash, entry);
    }

    /// Adds an entry to all tables but that of all entries.
    fn note(&mut self, entry: &Arc<Entry>) {
        if let Some(certificate) = entry.certificate() {
            if entry.matches_by_key() {
                let hash = self.hasher.hash_one(certificate.subject_public_key_info());
                let apart = || apart(&self.hasher, self.slot, &self.scope, entry.fingerprint());
                self.by_key.insert(hash, apart, entry.clone());
            }
            if self.slot != Slot::Pin {
                let hash = self
                    .hasher
                    .hash_one(canonical_name(certificate.subject_der()));
                match self.by_subject.find_mut(hash, |_| true) {
                    Some(found) => found.insert(entry.clone(), &self.hasher),
                    None => self.by_subject.insert(hash, SameSubject::of(entry.clone())),
                }
            }
        }
    }

    fn take(&mut self, entry: &Arc<Entry>) {
        let key = entry.key();
        let is = |held: &Arc<Entry>| held.is(&key);
        if let Some(certificate) = entry.certificate() {
            if entry.matches_by_key() {
                let hash = self.hasher.hash_one(certificate.subject_public_key_info());
                let apart = || apart(&self.hasher, self.slot, &self.scope, entry.fingerprint());
                self.by_key.take(hash, apart, &key);
            }
            if self.slot != Slot::Pin {
                let hash = self
                    .hasher
                    .hash_one(canonical_name(certificate.subject_der()));
                let found = self.by_subject.find_mut(hash, |_| true);
                if found.is_some_and(|found| !found.remove(entry, &self.hasher)) {
                    self.by_subject.take(hash, |_| true);
                }
            }
        }
        let hash = self.hasher.hash_one(entry.fingerprint());
        self.entries.take(hash, is);
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use super::*;
    use crate::certificate::Certificate;
    use crate::store::{EntryOptions, PinScope, TrustStore};

    // Indexes are found by a keyed hash, and a test cannot make two of them collide.
    #[test]
    fn an_index_is_for_its_slot_and_scope_alone() {
        let keys = crate::tls::key_policy(&crate::tls::provider::default_provider());
        let [own, other] = ["keys-1", "keys-2"].map(|id| id.parse::<ServerId>().unwrap());
        let mut store = TrustStore::new(keys);
        store.add_server(own.clone(), []).unwrap();
        let certificates: [&[u8]; 2] = [
            include_bytes!("../../tests/fixtures/ee-p256.pem"),
            include_bytes!("../../tests/fixtures/ee-p384.pem"),
        ];
        for pem in certificates {
            let scope = PinScope::Server(own.clone());
            let certificate = Certificate::from_pem(pem).unwrap();
            let options = EntryOptions::new();
            store.install_pin(scope, certificate, options).unwrap();
            let view = store.snapshot();
            let scope = Scope::Server(own.clone());
            let index = view.data().index(Slot::Pin, &scope).unwrap();
            assert!(index.is_for(Slot::Pin, &scope));
            assert!(!index.is_for(Slot::Authority, &scope));
            assert!(!index.is_for(Slot::Pin, &Scope::Server(other.clone())));
            assert!(index.is_pins_of(&own));
            assert!(!index.is_pins_of(&other));
        }
        let ca = include_bytes!("../../tests/fixtures/ca-root.pem");
        let authority = Certificate::from_pem(ca).unwrap();
        let scope = crate::store::AuthorityScope::Server(own.clone());
        store
            .install_authority(scope, authority, EntryOptions::new())
            .unwrap();
        let view = store.snapshot();
        let scope = Scope::Server(own.clone());
        let index = view.data().index(Slot::Authority, &scope).unwrap();
        assert!(!index.is_pins_of(&own));
    }
}
