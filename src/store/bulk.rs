//! Restores a file that is in its order, and builds each table of the store once, when its size is known.
//!
//! Built one entry after another, a table of 100,000 makes each of its buckets up to sixteen times, and each entry waits
//! for several tables that no cache holds. A file that is written has its servers and then its entries in order, so
//! none of them can be there twice. Whatever is out of order, or has a hash that another has, ends this: the tables are
//! built of what was read until then, and from there on each item is looked up and inserted, to its error if it has one.

use core::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::collections::hash_map;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::crowded::{Crowded, apart};
use super::index::CertificateIndex;
use super::restore::{HeldEntry, HeldServer};
use super::table::Table;
use super::tail::Tail;
use super::{Claim, Entry, EntryKey, Scope, Server, ServerId, Slot, TrustStore};
use crate::store::error::StoreError;

/// A hasher of what is a keyed hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type ByHash = BuildHasherDefault<Hashed>;

/// The servers and entries of a file as long as they are in order. The store has none of them before
/// [`finish`](Self::finish), but for the servers once an entry was read.
#[derive(Default)]
pub(crate) struct Bulk {
    /// Whether the tables are built, and each further item is inserted.
    ended: bool,
    servers: Vec<(u64, Arc<Server>)>,
    /// The id of the server of each name, by the hash of the name.
    names: Vec<(u64, ServerId)>,
    named: HashSet<u64, ByHash>,
    /// The servers in order, and the place among them of the last one that an entry named.
    in_order: Vec<Arc<Server>>,
    at: usize,
    last: Option<EntryKey>,
    /// The entries of one slot and scope, the last that were read.
    open: Vec<Arc<Entry>>,
    indexes: Vec<(u64, CertificateIndex)>,
    /// One entry of each certificate, by the hash of its last bytes.
    known: HashMap<u64, Arc<Entry>, ByHash>,
    holders: Vec<(u64, Arc<Entry>)>,
    fingerprints_only: Vec<(u64, Arc<Entry>)>,
}

impl Bulk {
    /// Restores a server, as [`TrustStore::restore_server`] does.
    pub(crate) fn server(
        &mut self,
        store: &mut TrustStore,
        held: HeldServer,
    ) -> Result<Arc<Server>, StoreError> {
        if !self.takes_server(store, &held) {
            self.finish(store);
            return store.restore_server(held);
        }
        let server = store.as_member(held)?;
        let hasher = &store.data.data().hasher;
        for name in server.names.iter() {
            let hash = hasher.hash_one(name);
            self.names.push((hash, server.id.clone()));
        }
        let (hash, server) = store.data.data().placed(server);
        self.servers.push((hash, server.clone()));
        Ok(server)
    }

    /// Whether a server comes behind the last one, before all entries, with names that no other has.
    fn takes_server(&mut self, store: &TrustStore, held: &HeldServer) -> bool {
        let follows = match self.servers.last() {
            Some((_, last)) => *last.id() < held.id,
            None => store.data.data().servers.len() == 0,
        };
        let hasher = &store.data.data().hasher;
        let mut names = held.names.iter();
        !self.ended
            && follows
            && self.last.is_none()
            && names.all(|name| self.named.insert(hasher.hash_one(name)))
    }

    /// Restores an entry, as [`TrustStore::restore_entry`] does.
    pub(crate) fn entry(
        &mut self,
        store: &mut TrustStore,
        held: HeldEntry<'_>,
    ) -> Result<(Arc<Entry>, Option<String>), StoreError> {
        let follows = match &self.last {
            Some(last) => *last < held.key,
            None => store.data.data().indexes.len() == 0,
        };
        if self.ended || !follows {
            self.finish(store);
            return store.restore_entry(held);
        }
        self.put_servers(store);
        // No server comes behind an entry, so that a place is checked once for all its entries.
        let same_place =
            |last: &EntryKey| (last.slot, &last.scope) == (held.key.slot, &held.key.scope);
        let is_checked = self.last.as_ref().is_some_and(same_place);
        if !self.has_its_server(&held.key) && !is_checked {
            store.check_place(held.key.slot, &held.key.scope)?;
        }
        let tail = held.der.and_then(Tail::of);
        let tail = tail.map(|tail| store.data.data().hasher.hash_one(tail));
        let same = tail.and_then(|tail| self.known.get(&tail));
        let known = same.filter(|entry| held.der.is_some_and(|der| entry.holds(der)));
        if same.is_some() && known.is_none() {
            self.finish(store);
            return store.restore_entry(held);
        }
        let known = known.and_then(|entry| entry.certificate()).cloned();
        let (entry, refused) = store.judge_held(held, known);
        let entry = Arc::new(entry);
        self.put(store, &entry, tail);
        Ok((entry, refused))
    }

    /// Whether an entry can stand in its place since its server is the next one of those in order: entries come in the
    /// order of their servers.
    fn has_its_server(&mut self, key: &EntryKey) -> bool {
        let Scope::Server(id) = &key.scope else {
            return false;
        };
        let rest = self.in_order.get(self.at..).unwrap_or(&[]);
        let before = rest.iter().take_while(|server| server.id() < id).count();
        self.at = self.at.saturating_add(before);
        let server = self.in_order.get(self.at).filter(|next| next.id() == id);
        server.is_some_and(|server| key.slot != Slot::Pin || server.claim() != Claim::Unclaimed)
    }

    /// Puts an entry where the tables will be built of it. `tail`: the hash of the last bytes of its certificate.
    fn put(&mut self, store: &TrustStore, entry: &Arc<Entry>, tail: Option<u64>) {
        self.last = Some(entry.key());
        if self
            .open
            .last()
            .is_some_and(|last| !last.is_for(entry.slot(), entry.scope()))
        {
            self.close(store);
        }
        self.open.push(entry.clone());
        let hasher = &store.data.data().hasher;
        let Some(certificate) = entry.certificate() else {
            let hash = hasher.hash_one(entry.fingerprint());
            self.fingerprints_only.push((hash, entry.clone()));
            return;
        };
        let hash = hasher.hash_one(certificate.key_pin());
        self.holders.push((hash, entry.clone()));
        if let Some(tail) = tail
            && let hash_map::Entry::Vacant(place) = self.known.entry(tail)
        {
            place.insert(entry.clone());
        }
    }

    /// Makes the index of the last slot and scope.
    fn close(&mut self, store: &TrustStore) {
        let data = store.data.data();
        let entries = core::mem::take(&mut self.open);
        if let Some(index) = CertificateIndex::of(entries, &data.hasher) {
            let place = data.place(index.slot(), index.scope());
            self.indexes.push((place, index));
        }
    }

    fn put_servers(&mut self, store: &mut TrustStore) {
        if !self.servers.is_empty() {
            let data = store.edit();
            let in_order = self.servers.iter().map(|(_, server)| server.clone());
            self.in_order = in_order.collect();
            data.servers = Table::of(core::mem::take(&mut self.servers));
            data.names = Table::of(core::mem::take(&mut self.names));
            self.named = HashSet::default();
        }
    }

    /// Builds the tables of what was read. What is restored from now on is inserted into them.
    pub(crate) fn finish(&mut self, store: &mut TrustStore) {
        self.put_servers(store);
        if !core::mem::replace(&mut self.ended, true) && self.last.is_some() {
            self.close(store);
            let data = store.edit();
            let hasher = data.hasher.clone();
            let apart =
                |entry: &Entry| apart(&hasher, entry.slot(), entry.scope(), entry.fingerprint());
            let whole = |entry: &Entry| {
                let certificate = entry.certificate();
                certificate.map_or(0, |found| hasher.hash_one::<&[u8]>(found.der()))
            };
            data.known = Crowded::of(self.known.drain().collect(), whole);
            data.holders = Crowded::of(core::mem::take(&mut self.holders), apart);
            let pins = core::mem::take(&mut self.fingerprints_only);
            data.fingerprints_only = Crowded::of(pins, apart);
            data.indexes = Table::of(core::mem::take(&mut self.indexes));
            self.known = HashMap::default();
            self.in_order = Vec::new();
        }
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::certificate::{Certificate, Fingerprint, HostName};
    use crate::store::{AuthorityScope, EntryOptions, PinMatch, PinScope, TrustSnapshot};

    fn empty() -> TrustStore {
        let keys = crate::tls::key_policy(&crate::tls::provider::default_provider());
        TrustStore::new(keys)
    }

    fn id(number: usize) -> ServerId {
        format!("keys-{number:02}").parse().unwrap()
    }

    fn name(number: usize) -> HostName {
        format!("keys-{number}.example").parse().unwrap()
    }

    /// Servers with and without names and a group, and entries of all kinds: more of one certificate, one key and one
    /// fingerprint than a table has of one hash.
    fn filled() -> TrustStore {
        let certificate = |pem: &[u8]| Certificate::from_pem(pem).unwrap();
        let own = certificate(include_bytes!("../../tests/fixtures/ee-p256.pem"));
        let other = certificate(include_bytes!("../../tests/fixtures/ee-p384.pem"));
        let old = certificate(include_bytes!("../../tests/fixtures/reissued-old.pem"));
        let new = certificate(include_bytes!("../../tests/fixtures/reissued-new.pem"));
        let ca = certificate(include_bytes!("../../tests/fixtures/ca-root.pem"));
        let fingerprint = Fingerprint::from_bytes([7; 32]);
        let plain = EntryOptions::new;
        let by_key = || plain().with_matching(PinMatch::PublicKey);
        let mut store = empty();
        for number in 0..40 {
            let names = (number % 3 > 0).then(|| name(number));
            store.add_server(id(number), names).unwrap();
            let scope = PinScope::Server(id(number));
            store
                .install_pin(scope.clone(), own.clone(), plain())
                .unwrap();
            let _ = store
                .install_pin_fingerprint(scope.clone(), fingerprint, plain())
                .unwrap();
            if number % 4 == 0 {
                store.install_pin(scope, other.clone(), by_key()).unwrap();
            }
        }
        for certificate in [&own, &other, &old, &new] {
            store
                .install_pin(PinScope::Clients, certificate.clone(), by_key())
                .unwrap();
        }
        for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
            store.install_authority(scope, ca.clone(), plain()).unwrap();
        }
        store
    }

    fn servers_of(view: &TrustSnapshot) -> Vec<HeldServer> {
        let servers = view.servers();
        let held = servers.map(|server| HeldServer {
            id: server.id().clone(),
            names: server.names().cloned().collect(),
            expected: BTreeSet::new(),
            group: None,
            claim: server.claim(),
            role: server.role().cloned(),
        });
        held.collect()
    }

    fn held(entry: &Entry) -> HeldEntry<'_> {
        HeldEntry {
            key: entry.key(),
            der: entry.certificate().map(|certificate| certificate.der()),
            read: None,
            options: entry.options().clone(),
            installed: entry.installed(),
            installed_by: None,
            source: None,
            disabled: None,
        }
    }

    /// The store, or its first error, with tables that are built once, or with those into which is inserted.
    fn restored(
        servers: Vec<HeldServer>,
        entries: &[&Entry],
        at_once: bool,
    ) -> Result<TrustStore, String> {
        let mut store = empty();
        let mut bulk = Bulk::default();
        for server in servers {
            let restored = match at_once {
                true => bulk.server(&mut store, server),
                false => store.restore_server(server),
            };
            restored.map_err(|error| error.to_string())?;
        }
        for entry in entries {
            let restored = match at_once {
                true => bulk.entry(&mut store, held(entry)),
                false => store.restore_entry(held(entry)),
            };
            restored.map_err(|error| error.to_string())?;
        }
        bulk.finish(&mut store);
        Ok(store)
    }

    fn keys<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<String> {
        let mut keys: Vec<_> = entries.map(|entry| format!("{:?}", entry.key())).collect();
        keys.sort();
        keys
    }

    fn same(one: &TrustStore, other: &TrustStore, all: &TrustSnapshot) {
        let [one, other] = [one, other].map(|store| store.contents().data());
        assert_eq!(keys(one.all()), keys(other.all()));
        for number in 0..40 {
            let found = [one, other].map(|data| data.server(&id(number)).is_some());
            assert_eq!(found[0], found[1]);
            let found =
                [one, other].map(|data| data.server_of(&name(number)).map(|of| of.id.clone()));
            assert_eq!(found[0], found[1]);
        }
        for entry in all.entries() {
            let found = [one, other].map(|data| data.entry(&entry.key()).is_some());
            assert_eq!(found[0], found[1]);
            let fingerprint = entry.fingerprint();
            let found = [one, other].map(|data| keys(data.fingerprints_only(fingerprint)));
            assert_eq!(found[0], found[1]);
            let Some(certificate) = entry.certificate() else {
                continue;
            };
            let found = [one, other].map(|data| keys(data.holders(certificate.key_pin())));
            assert_eq!(found[0], found[1]);
            let found = [one, other].map(|data| data.holder(certificate.der()).is_some());
            assert_eq!(found[0], found[1]);
            let spki = certificate.subject_public_key_info();
            let found = [one, other].map(|data| {
                let index = data.index(entry.slot(), entry.scope()).unwrap();
                keys(index.by_public_key(spki))
            });
            assert_eq!(found[0], found[1]);
            let found = [one, other].map(|data| data.issuers(certificate.subject_der()).count());
            assert_eq!(found[0], found[1]);
        }
    }

    #[test]
    fn tables_that_are_built_once_find_what_inserted_items_find() {
        let store = filled();
        let view = store.contents();
        let entries = view.entries();
        let once = restored(servers_of(view), &entries, true).unwrap();
        let inserted = restored(servers_of(view), &entries, false).unwrap();
        same(&once, &inserted, view);
        // One object for each certificate.
        let data = once.contents().data();
        for entry in data.all() {
            if let Some(certificate) = entry.certificate() {
                let known = data.known(certificate.der()).unwrap();
                assert!(core::ptr::eq(known.der(), certificate.der()));
            }
        }
    }

    #[test]
    fn what_is_out_of_order_is_restored_one_by_one() {
        let store = filled();
        let view = store.contents();
        let mut entries = view.entries();
        let middle = entries.len() / 2;
        entries.swap(middle, middle + 1);
        let mut servers = servers_of(view);
        servers.swap(3, 20);
        let again = servers_of(view);
        let once = restored(servers, &entries, true).unwrap();
        let inserted = restored(again, &entries, false).unwrap();
        same(&once, &inserted, view);
    }

    #[test]
    fn each_contradiction_is_found_as_it_is_one_by_one() {
        let store = filled();
        let view = store.contents();
        let entries = view.entries();
        let mut said = BTreeSet::new();
        let mut check = |change: &dyn Fn(&mut Vec<HeldServer>, &mut Vec<&Entry>)| {
            let [once, inserted] = [true, false].map(|at_once| {
                let (mut servers, mut entries) = (servers_of(view), entries.clone());
                change(&mut servers, &mut entries);
                restored(servers, &entries, at_once).unwrap_err()
            });
            assert_eq!(once, inserted);
            said.insert(once);
        };
        // A server twice, a name twice, a group that is not there, a pin of no server and of an unclaimed one, an entry
        // twice.
        check(&|servers, _| servers.insert(30, servers_of(view).remove(29)));
        check(&|servers, _| {
            servers[30].names.insert(name(1));
        });
        check(&|servers, _| servers[30].group = Some("none".parse().unwrap()));
        check(&|servers, _| drop(servers.remove(30)));
        check(&|servers, _| servers[30].claim = Claim::Unclaimed);
        check(&|_, entries| entries.insert(30, entries[29]));
        assert_eq!(said.len(), 6, "{said:?}");
    }
}
