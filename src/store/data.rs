//! The content of a view, with the indexes by which verdicts find entries.
//!
//! Everything large is behind an `Arc`, so that a change while a view is out copies tables of pointers and
//! never a certificate. Which entries there are is told by the shelves alone; the other tables are indexes.

use core::hash::BuildHasher;
use std::collections::hash_map::{Entry as HashEntry, RandomState};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use pki_types::UnixTime;

use super::blocks::Blocks;
use super::namesakes::{Installed, Namesakes};
use super::{Entry, EntryKey, Group, GroupId, Matching, Scope, Server, ServerId, Slot};
use crate::certificate::{Certificate, Fingerprint, HostName, KeyPin};

/// One value or several. Almost every index entry has one, and a `Vec` for each would double the tables.
#[derive(Clone, Debug)]
pub(super) enum Few<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => core::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl<T: Clone> Few<T> {
    pub(super) fn push(&mut self, value: T) {
        match self {
            Self::One(one) => *self = Self::Many(vec![one.clone(), value]),
            Self::Many(many) => many.push(value),
        }
    }

    /// Removes what `is` says; `false` if nothing is left.
    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) -> bool {
        match self {
            Self::One(one) => keep(one),
            Self::Many(many) => {
                many.retain(keep);
                !many.is_empty()
            }
        }
    }
}

pub(super) fn add_to<K: Eq + core::hash::Hash, T: Clone>(
    map: &mut HashMap<K, Few<T>>,
    key: K,
    value: T,
) {
    match map.entry(key) {
        HashEntry::Occupied(mut found) => found.get_mut().push(value),
        HashEntry::Vacant(free) => {
            free.insert(Few::One(value));
        }
    }
}

pub(super) fn take_from<K: Eq + core::hash::Hash, T: Clone>(
    map: &mut HashMap<K, Few<T>>,
    key: &K,
    keep: impl Fn(&T) -> bool,
) {
    if map.get_mut(key).is_some_and(|found| !found.retain(keep)) {
        map.remove(key);
    }
}

/// The entries of one slot and scope.
#[derive(Clone, Default)]
pub(crate) struct Shelf {
    entries: HashMap<Fingerprint, Arc<Entry>>,
    /// Pins that match by public key.
    by_key: HashMap<KeyPin, Few<Arc<Entry>>>,
    /// Authorities and intermediates by a keyed hash of their subject; the subject is compared when read.
    by_subject: HashMap<u64, Namesakes>,
}

impl Shelf {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, fingerprint: Fingerprint) -> Option<&Arc<Entry>> {
        self.entries.get(&fingerprint)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    pub(crate) fn by_public_key(&self, key: KeyPin) -> &[Arc<Entry>] {
        self.by_key.get(&key).map_or(&[], Few::as_slice)
    }
}

/// See [`View`](super::View).
#[derive(Clone, Default)]
pub(crate) struct Data {
    pub(super) generation: u64,
    pub(super) floor: Option<UnixTime>,
    pub(super) servers: BTreeMap<ServerId, Arc<Server>>,
    pub(super) names: HashMap<HostName, ServerId>,
    pub(super) groups: BTreeMap<GroupId, Arc<Group>>,
    pub(super) blocks: Blocks,
    shelves: HashMap<(Slot, Scope), Arc<Shelf>>,
    /// Every certificate that is installed anywhere, by its length and last bytes: one object for all its
    /// entries, found from bytes that a peer presents without hashing or parsing them.
    known: HashMap<Tail, Few<Certificate>>,
    /// Every entry that has a certificate, by its key: to explain a refusal, and for reports.
    holders: HashMap<KeyPin, Few<Arc<Entry>>>,
    /// Every pin of which only the fingerprint is known, for reports.
    bare: HashMap<Fingerprint, Few<Arc<Entry>>>,
    subjects: RandomState,
}

/// Length and last bytes of a certificate. The last bytes are those of its signature, which differ between
/// any two certificates that were not made to collide; colliding ones share a bucket and are compared whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Tail(u16, [u8; 16]);

impl Tail {
    fn of(der: &[u8]) -> Option<Self> {
        Some(Self(
            u16::try_from(der.len()).ok()?,
            *der.last_chunk::<16>()?,
        ))
    }
}

impl Data {
    pub(super) fn grow(&mut self) {
        self.generation = self.generation.saturating_add(1);
    }

    pub(crate) fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// The entries of a slot and scope; `None` if there are none.
    pub(crate) fn shelf(&self, slot: Slot, scope: Scope) -> Option<&Shelf> {
        self.shelves.get(&(slot, scope)).map(|shelf| &**shelf)
    }

    pub(crate) fn entry(&self, key: &EntryKey) -> Option<&Arc<Entry>> {
        self.shelf(key.slot, key.scope.clone())?
            .get(key.fingerprint)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.shelves.values().flat_map(|shelf| shelf.iter())
    }

    /// Every entry whose certificate has this key.
    pub(crate) fn holders(&self, key: KeyPin) -> &[Arc<Entry>] {
        self.holders.get(&key).map_or(&[], Few::as_slice)
    }

    /// The other entries that hold the certificate of an entry or its key, in order.
    pub(super) fn twins(&self, entry: &Entry) -> Vec<EntryKey> {
        let same = |other: &&Arc<Entry>| other.key.fingerprint == entry.key.fingerprint;
        let bare = self.bare.get(&entry.key.fingerprint);
        let bare = bare.map_or(&[][..], Few::as_slice).iter();
        let mut twins: Vec<EntryKey> = match &entry.certificate {
            Some(certificate) => {
                let holders = self.holders(certificate.key_pin()).iter();
                holders.chain(bare).map(|twin| twin.key.clone()).collect()
            }
            // The key is not known: only a look at everything tells. It is a rare kind of pin.
            None => self
                .all()
                .filter(same)
                .map(|twin| twin.key.clone())
                .collect(),
        };
        twins.retain(|twin| *twin != entry.key);
        twins.sort();
        twins.dedup();
        twins
    }

    /// The installed certificate whose bytes are exactly `der`, if there is one.
    pub(crate) fn known(&self, der: &[u8]) -> Option<&Certificate> {
        let bucket = self.known.get(&Tail::of(der)?)?;
        let mut same = bucket.as_slice().iter();
        same.find(|certificate| certificate.der().as_ref() == der)
    }

    /// Candidates for an issuer: authorities or intermediates of a scope whose subject is `subject`, in the order in
    /// which they are tried ([`Namesakes::candidates`]).
    pub(crate) fn candidates<'a>(
        &'a self,
        slot: Slot,
        scope: Scope,
        subject: &'a [u8],
        key_id: Option<&'a [u8]>,
        others: usize,
    ) -> impl Iterator<Item = Installed<'a>> {
        let hash = self.subjects.hash_one(subject);
        let found = self
            .shelf(slot, scope)
            .and_then(|shelf| shelf.by_subject.get(&hash));
        found
            .map(|found| found.candidates(subject, key_id, others, &self.subjects))
            .into_iter()
            .flatten()
    }

    /// The one object for a certificate, so that installing it in many scopes keeps its bytes once.
    pub(super) fn intern(&self, certificate: Certificate) -> Certificate {
        self.known(certificate.der())
            .cloned()
            .unwrap_or(certificate)
    }

    /// Puts an entry on its shelf in place of one with the same key, and into the indexes.
    pub(super) fn put(&mut self, entry: Entry) {
        let key = entry.key.clone();
        self.take(&key);
        let entry = Arc::new(entry);
        let slot = (key.slot, key.scope);
        let shelf = Arc::make_mut(self.shelves.entry(slot).or_default());
        shelf.entries.insert(key.fingerprint, entry.clone());
        let Some(certificate) = entry.certificate.clone() else {
            add_to(&mut self.bare, key.fingerprint, entry);
            return;
        };
        if key.slot == Slot::Pin {
            if entry.options.get_matching() == Matching::PublicKey {
                add_to(&mut shelf.by_key, certificate.key_pin(), entry.clone());
            }
        } else {
            let hash = self.subjects.hash_one(certificate.subject_der());
            match shelf.by_subject.entry(hash) {
                HashEntry::Occupied(mut found) => {
                    found.get_mut().insert(entry.clone(), &self.subjects);
                }
                HashEntry::Vacant(free) => {
                    free.insert(Namesakes::of(entry.clone()));
                }
            }
        }
        if self.known(certificate.der()).is_none()
            && let Some(tail) = Tail::of(certificate.der())
        {
            add_to(&mut self.known, tail, certificate.clone());
        }
        add_to(&mut self.holders, certificate.key_pin(), entry);
    }

    /// Takes an entry out of its shelf and the indexes.
    pub(super) fn take(&mut self, key: &EntryKey) -> Option<Arc<Entry>> {
        let slot = (key.slot, key.scope.clone());
        let shelf = Arc::make_mut(self.shelves.get_mut(&slot)?);
        let entry = shelf.entries.remove(&key.fingerprint)?;
        let other = |held: &Arc<Entry>| held.key != *key;
        if let Some(certificate) = &entry.certificate {
            take_from(&mut shelf.by_key, &certificate.key_pin(), other);
            if key.slot != Slot::Pin {
                let hash = self.subjects.hash_one(certificate.subject_der());
                let found = shelf.by_subject.get_mut(&hash);
                if found.is_some_and(|found| !found.remove(&entry, &self.subjects)) {
                    shelf.by_subject.remove(&hash);
                }
            }
        }
        if shelf.is_empty() {
            self.shelves.remove(&slot);
        }
        if entry.certificate.is_none() {
            take_from(&mut self.bare, &key.fingerprint, other);
        }
        if let Some(certificate) = &entry.certificate {
            take_from(&mut self.holders, &certificate.key_pin(), other);
            let mut rest = self.holders(certificate.key_pin()).iter();
            if !rest.any(|held| held.certificate.as_ref() == Some(certificate))
                && let Some(tail) = Tail::of(certificate.der())
            {
                take_from(&mut self.known, &tail, |held| held != certificate);
            }
        }
        Some(entry)
    }

    pub(super) fn server_mut(&mut self, id: &ServerId) -> Option<&mut Server> {
        self.servers.get_mut(id).map(Arc::make_mut)
    }

    pub(super) fn group_mut(&mut self, id: &GroupId) -> Option<&mut Group> {
        self.groups.get_mut(id).map(Arc::make_mut)
    }
}
