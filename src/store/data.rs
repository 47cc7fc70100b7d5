//! The content of a snapshot, with the indexes by which verdicts find entries.
//!
//! Everything is behind pointers and in tables that share their parts between versions. A change while a snapshot is in
//! use copies a few kilobytes and never a certificate. The certificate indexes hold the entries; the other tables only
//! find them.

use core::hash::BuildHasher;
use std::collections::hash_map::RandomState;
use std::sync::Arc;

use pki_types::UnixTime;

use super::blocks::Blocks;
use super::crls::Crls;
#[cfg(feature = "admin")]
use super::crowded::Changed;
use super::crowded::{Crowded, apart};
use super::index::CertificateIndex;
use super::same_subject::{Installed, Wanted};
use super::signers::Signers;
use super::table::Table;
use super::tail::Tail;
use super::verified::Verified;
use super::{Entry, EntryKey, Group, Scope, Server, ServerId, Slot};
use crate::certificate::{
    Certificate, Fingerprint, KeyPin, KeyPolicy, canonical_name, names_equal,
};

/// See [`TrustSnapshot`](super::TrustSnapshot).
#[derive(Clone, Default)]
pub(crate) struct Data {
    pub(super) generation: u64,
    pub(super) floor: Option<UnixTime>,
    /// The key policy of the store. A verdict applies it too: a key that may not be installed decides nothing. `None`
    /// in the default snapshot, which is empty.
    pub(crate) keys: Option<KeyPolicy>,
    pub(super) blocks: Arc<Blocks>,
    crls: Arc<Crls>,
    pub(super) servers: Table<Arc<Server>>,
    /// The ids of servers by the hashes of their names.
    pub(super) names: Table<ServerId>,
    pub(super) groups: Table<Arc<Group>>,
    pub(super) indexes: Table<CertificateIndex>,
    /// Index from the exact DER to one entry that holds the certificate. The key is the length and the last 16 bytes, so
    /// that the bytes that a peer presents are found without hashing or parsing them.
    pub(super) known: Crowded,
    /// Every entry that has a certificate, by its key: to explain a refusal, and for reports.
    pub(super) holders: Crowded,
    /// Every pin that has only a fingerprint, for reports.
    pub(super) fingerprints_only: Crowded,
    /// Which installed CA signed which installed intermediate.
    pub(super) signers: Signers,
    /// Signatures on other CA certificates that verdicts verified. All versions share it until a CA is removed.
    pub(super) verified: Arc<Verified>,
    /// One for all tables of all versions of a store. The hashed values come from outside, so the hashes are keyed.
    pub(super) hasher: RandomState,
}

/// A separate table position for each slot of a scope with this hash.
pub(super) fn place_beside(hash: u64, slot: Slot) -> u64 {
    hash.rotate_left(match slot {
        Slot::Pin => 16,
        Slot::Authority => 32,
        Slot::Intermediate => 48,
    })
}

impl Data {
    pub(super) fn grow(&mut self) {
        self.generation = self.generation.saturating_add(1);
    }

    pub(crate) fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    pub(super) fn blocks_mut(&mut self) -> &mut Blocks {
        Arc::make_mut(&mut self.blocks)
    }

    /// Whether both hold the same object of blocks.
    #[cfg(feature = "admin")]
    pub(super) fn shares_blocks(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.blocks, &other.blocks)
    }

    #[cfg(feature = "admin")]
    pub(super) fn shares_crls(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.crls, &other.crls)
    }

    /// The entries in the parts that are not shared with earlier data: those that went and those that came, of each of
    /// the two tables that together have every entry.
    #[cfg(feature = "admin")]
    pub(super) fn changed_entries<'a>(&'a self, before: &'a Self) -> [Changed<'a>; 2] {
        [
            self.holders.changed(&before.holders),
            self.fingerprints_only.changed(&before.fingerprints_only),
        ]
    }

    pub(crate) fn crls(&self) -> &Crls {
        &self.crls
    }

    pub(crate) fn crls_mut(&mut self) -> &mut Crls {
        Arc::make_mut(&mut self.crls)
    }

    /// The certificates of all authorities and intermediates whose subject is `subject`. One that is installed in
    /// several scopes is returned several times.
    pub(super) fn issuers<'a>(
        &'a self,
        subject: &'a [u8],
    ) -> impl Iterator<Item = &'a Certificate> {
        let canonical = canonical_name(subject);
        let hash = self.hasher.hash_one(&canonical);
        let indexes = self.indexes.iter();
        let indexes = indexes.filter(|index| index.slot() != Slot::Pin);
        let entries = indexes.flat_map(move |index| index.by_subject(hash));
        let certificates = entries.filter_map(|entry| entry.certificate());
        let is_named = move |own: &[u8]| own == subject || canonical_name(own) == canonical;
        certificates.filter(move |certificate| is_named(certificate.subject_der()))
    }

    /// The certificates of all authorities and intermediates. One that is installed in several scopes is returned
    /// several times.
    #[cfg(feature = "admin")]
    pub(super) fn cas(&self) -> impl Iterator<Item = &Certificate> {
        let indexes = self.indexes.iter();
        let indexes = indexes.filter(|index| index.slot() != Slot::Pin);
        let entries = indexes.flat_map(|index| index.iter());
        entries.filter_map(|entry| entry.certificate())
    }

    /// The entries of a slot and scope; `None` if there are none.
    pub(crate) fn index(&self, slot: Slot, scope: &Scope) -> Option<&CertificateIndex> {
        let mut found = self.indexes.find(self.place(slot, scope));
        found.find(|index| index.is_for(slot, scope))
    }

    /// The server's own pins. `None` if it has none. The server must belong to these data.
    pub(crate) fn own_pins(&self, server: &Server) -> Option<&CertificateIndex> {
        let mut found = self.indexes.find(server.pins.0);
        found.find(|index| index.is_pins_of(&server.id))
    }

    /// Position of a slot and scope in the table of indexes. For a server it follows from the position of the server,
    /// so its pins are found without another hash.
    pub(super) fn place(&self, slot: Slot, scope: &Scope) -> u64 {
        match scope {
            Scope::Server(id) => place_beside(self.hasher.hash_one(id), slot),
            Scope::Group(_) | Scope::AnyServer | Scope::Clients | Scope::Everyone => {
                self.hasher.hash_one((slot, scope))
            }
        }
    }

    pub(crate) fn entry(&self, key: &EntryKey) -> Option<&Arc<Entry>> {
        self.index(key.slot, &key.scope)?.get(key.fingerprint)
    }

    pub(super) fn indexes(&self) -> impl Iterator<Item = &CertificateIndex> {
        self.indexes.iter()
    }

    #[cfg(feature = "admin")]
    pub(crate) fn count_servers(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.indexes.iter().flat_map(|index| index.iter())
    }

    /// Every entry whose certificate has this key.
    pub(crate) fn holders(&self, key: KeyPin) -> impl Iterator<Item = &Arc<Entry>> {
        let found = self.holders.find(self.hasher.hash_one(key));
        found.filter(move |entry| entry.holds_key(key))
    }

    /// Every pin that has only this fingerprint and no certificate.
    pub(crate) fn fingerprints_only(
        &self,
        fingerprint: Fingerprint,
    ) -> impl Iterator<Item = &Arc<Entry>> {
        let found = self
            .fingerprints_only
            .find(self.hasher.hash_one(fingerprint));
        found.filter(move |entry| entry.fingerprint() == fingerprint)
    }

    /// The other entries that hold the certificate of an entry or its key, in order.
    pub(super) fn same_key(&self, entry: &Entry) -> Vec<EntryKey> {
        let same = |other: &&Arc<Entry>| other.fingerprint() == entry.fingerprint();
        let fingerprints_only = self.fingerprints_only(entry.fingerprint());
        let mut same_key: Vec<EntryKey> = match entry.certificate() {
            Some(certificate) => {
                let holders = self.holders(certificate.key_pin());
                holders
                    .chain(fingerprints_only)
                    .map(|other| other.key())
                    .collect()
            }
            // The key is unknown, so all entries must be searched. Pins without a certificate are rare.
            None => self.all().filter(same).map(|other| other.key()).collect(),
        };
        same_key.retain(|other| *other != entry.key());
        same_key.sort();
        same_key.dedup();
        same_key
    }

    /// The installed certificate whose bytes are exactly `der`, if there is one.
    pub(crate) fn known(&self, der: &[u8]) -> Option<&Certificate> {
        self.holder(der)?.certificate()
    }

    /// One of the entries whose certificate has exactly these bytes, if there is one.
    pub(crate) fn holder(&self, der: &[u8]) -> Option<&Arc<Entry>> {
        let tail = self.hasher.hash_one(Tail::of(der)?);
        let apart = || self.hasher.hash_one(der);
        self.known.find_one(tail, apart, |entry| entry.holds(der))
    }

    /// Candidates for an issuer: authorities or intermediates of a scope whose subject is `subject`, in the order in
    /// which they are tried ([`SameSubject::candidates`]).
    ///
    /// Authorities are found by name (RFC 5280 section 7.1). Intermediates are found by the bytes of the name, because
    /// the path builder compares bytes.
    pub(crate) fn candidates<'a>(
        &'a self,
        slot: Slot,
        scope: Scope,
        subject: Wanted<'a>,
        key_id: Option<&'a [u8]>,
        others: usize,
    ) -> impl Iterator<Item = Installed<'a>> {
        let found = self.index(slot, &scope);
        found
            .into_iter()
            .flat_map(move |index| index.candidates(subject, key_id, others))
    }

    /// Whether an installed intermediate has this subject in other bytes. At most `most` intermediates of that name are
    /// compared.
    pub(crate) fn has_intermediate_encoded_otherwise(&self, subject: &[u8], most: usize) -> bool {
        let hash = self.hasher.hash_one(canonical_name(subject));
        let index = self.index(Slot::Intermediate, &Scope::Everyone).into_iter();
        let entries = index.flat_map(|index| index.by_subject(hash)).take(most);
        let mut certificates = entries.filter_map(|entry| entry.certificate());
        certificates.any(|certificate| {
            let own = certificate.subject_der();
            own != subject && names_equal(own, subject)
        })
    }

    /// The shared object for a certificate: its bytes are kept once, even if it is installed in many scopes.
    pub(super) fn intern(&self, certificate: Certificate) -> Certificate {
        self.known(certificate.der())
            .cloned()
            .unwrap_or(certificate)
    }

    /// Adds an entry, or replaces the one with the same key, and updates all tables.
    pub(super) fn put(&mut self, entry: Entry) {
        self.take_out(&entry.key());
        let certificate = entry.certificate();
        let is_known = certificate.is_some_and(|found| self.known(found.der()).is_some());
        self.put_new(entry, is_known);
    }

    /// Adds an entry whose key no other has, and updates all tables. `is_known` says whether another entry holds its
    /// certificate.
    pub(super) fn put_new(&mut self, entry: Entry, is_known: bool) -> Arc<Entry> {
        let entry = Arc::new(entry);
        let (slot, scope) = (entry.slot(), entry.scope());
        let place = self.place(slot, scope);
        let is_for = |index: &CertificateIndex| index.is_for(slot, scope);
        match self.indexes.find_mut(place, is_for) {
            Some(index) => index.put(entry.clone(), &self.hasher),
            None => self
                .indexes
                .insert(place, CertificateIndex::One(entry.clone())),
        }
        let hasher = &self.hasher;
        let apart = || apart(hasher, slot, scope, entry.fingerprint());
        let Some(certificate) = entry.certificate() else {
            let by_fingerprint = hasher.hash_one(entry.fingerprint());
            self.fingerprints_only
                .insert(by_fingerprint, apart, entry.clone());
            return entry;
        };
        let by_key = hasher.hash_one(certificate.key_pin());
        self.holders.insert(by_key, apart, entry.clone());
        let der = certificate.der();
        if let Some(tail) = Tail::of(der).filter(|_| !is_known) {
            let apart = || hasher.hash_one::<&[u8]>(der);
            self.known
                .insert(hasher.hash_one(tail), apart, entry.clone());
        }
        entry
    }

    /// Removes an entry from all tables, with what is known of its signature. With a CA goes what verdicts remember, so
    /// that nothing is kept of what is not installed any more. What is remembered under a CA of a draft stays until then.
    pub(super) fn take(&mut self, key: &EntryKey) -> Option<Arc<Entry>> {
        let entry = self.take_out(key)?;
        if key.slot != Slot::Pin {
            self.verified = Arc::default();
        }
        if key.slot == Slot::Intermediate
            && let Some(certificate) = entry.certificate()
        {
            self.signers.forget(certificate, &self.hasher);
        }
        Some(entry)
    }

    fn take_out(&mut self, key: &EntryKey) -> Option<Arc<Entry>> {
        let entry = self.entry(key)?.clone();
        let place = self.place(key.slot, &key.scope);
        let is_for = |index: &CertificateIndex| index.is_for(key.slot, &key.scope);
        let index = self.indexes.find_mut(place, is_for)?;
        if index.len() > 1 {
            index.take(&entry);
        } else {
            self.indexes.take(place, is_for);
        }
        let hasher = &self.hasher;
        let apart = || apart(hasher, key.slot, &key.scope, key.fingerprint);
        let Some(certificate) = entry.certificate() else {
            let by_fingerprint = hasher.hash_one(key.fingerprint);
            self.fingerprints_only.take(by_fingerprint, apart, key);
            return Some(entry);
        };
        let by_key = hasher.hash_one(certificate.key_pin());
        self.holders.take(by_key, apart, key);
        if let Some(tail) = Tail::of(certificate.der()) {
            let tail = hasher.hash_one(tail);
            let apart = || hasher.hash_one::<&[u8]>(certificate.der());
            if self.known.take(tail, apart, key).is_some() {
                let same = |held: &&Arc<Entry>| held.certificate() == Some(certificate);
                if let Some(other) = self.holders.find(by_key).find(same) {
                    self.known.insert(tail, apart, other.clone());
                }
            }
        }
        Some(entry)
    }

    /// Whether `self` was made from `before` and differs at most in its blocks. It compares pointers: an item that was
    /// put again counts as different, even if it is equal.
    #[cfg(feature = "admin")]
    pub(super) fn is_but_for_blocks(&self, before: &Self) -> bool {
        // Each field is named, so that the compiler asks for a decision about a new field.
        let Self {
            generation: _,
            floor,
            // It belongs to the store, and no call changes it.
            keys: _,
            blocks: _,
            crls,
            servers,
            names,
            groups,
            indexes,
            known,
            holders,
            fingerprints_only,
            signers,
            // It gives no trust.
            verified: _,
            hasher: _,
        } = self;
        *floor == before.floor
            && Arc::ptr_eq(crls, &before.crls)
            && servers.is_shared(&before.servers)
            && names.is_shared(&before.names)
            && groups.is_shared(&before.groups)
            && indexes.is_shared(&before.indexes)
            && known.is_shared(&before.known)
            && holders.is_shared(&before.holders)
            && fingerprints_only.is_shared(&before.fingerprints_only)
            && signers.is_shared(&before.signers)
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use super::*;
    use crate::certificate::HostName;
    use crate::store::{EntryOptions, PinScope, Report, TrustStore};

    fn store() -> TrustStore {
        TrustStore::new(crate::tls::key_policy(
            &crate::tls::provider::default_provider(),
        ))
    }

    fn entry_of(report: &Report) -> EntryKey {
        report.entry().unwrap().clone()
    }

    fn certificates(files: [&[u8]; 2]) -> [Certificate; 2] {
        files.map(|pem| Certificate::from_pem(pem).unwrap())
    }

    #[test]
    fn nothing_is_left_of_the_names_of_a_server_that_is_gone() {
        let mut store = store();
        let id: ServerId = "keys-1".parse().unwrap();
        let names = ["a.example", "b.example"].map(|name| name.parse::<HostName>().unwrap());
        let count = |store: &TrustStore| store.contents().data().names.len();
        store.add_server(id.clone(), names.clone()).unwrap();
        assert_eq!(count(&store), 2);
        store.release_name(&names[0]).unwrap();
        assert_eq!(count(&store), 1);
        store.remove_server(&id).unwrap();
        assert_eq!(count(&store), 0);
    }

    // Holders are found by a keyed hash, and a test cannot make two of them collide.
    #[test]
    fn an_entry_holds_the_key_of_its_certificate_and_no_other() {
        let [own, other] = certificates([
            include_bytes!("../../tests/fixtures/ee-p256.pem"),
            include_bytes!("../../tests/fixtures/ee-p384.pem"),
        ]);
        let mut store = store();
        let options = EntryOptions::new();
        let report = store.install_pin(PinScope::Clients, own.clone(), options);
        let key = entry_of(&report.unwrap());
        let entry = store.contents().data().entry(&key).unwrap();
        assert!(entry.holds_key(own.key_pin()));
        assert!(!entry.holds_key(other.key_pin()));
    }

    #[test]
    fn a_certificate_is_known_as_long_as_some_entry_holds_it() {
        let mut store = store();
        let own: ServerId = "keys-1".parse().unwrap();
        store.add_server(own.clone(), []).unwrap();
        // Of one key.
        let [old, new] = certificates([
            include_bytes!("../../tests/fixtures/reissued-old.pem"),
            include_bytes!("../../tests/fixtures/reissued-new.pem"),
        ]);
        let mut install = |scope, certificate: &Certificate| {
            let options = EntryOptions::new();
            let report = store.install_pin(scope, certificate.clone(), options);
            entry_of(&report.unwrap())
        };
        let all = [
            install(PinScope::Clients, &old),
            install(PinScope::Server(own.clone()), &old),
            install(PinScope::Server(own), &new),
        ];
        // Each change replaces the object; a look-up must find the newest.
        let updated = EntryOptions::new().with_label("updated");
        store.update(&all[0], updated).unwrap();
        let mut known = vec![];
        for key in &all {
            let data = store.contents().data();
            for one in [&old, &new] {
                let Some(holder) = data.holder(one.der()) else {
                    continue;
                };
                let held = data.entry(&holder.key()).unwrap();
                assert!(Arc::ptr_eq(holder, held));
            }
            store.remove(key).unwrap();
            let data = store.contents().data();
            known.push([&old, &new].map(|one| data.known(one.der()).is_some()));
        }
        assert_eq!(known, [[true, true], [false, true], [false, false]]);
    }
}
