//! The administrators of a fleet: their keys, their trust set, and what they publish. And an attacker, with the keys that he
//! has got.

use std::collections::BTreeMap;

use mutual_trust::admin::bundle::{
    Bundle, BundleHead, FleetId, KeySet, Part, Publication, Signature, Signer,
};
use mutual_trust::identity::PrivateKey;
use mutual_trust::{EntryOptions, PinScope, TrustStore, tls};
use mutual_trust_test_support as support;

use crate::changes::{self, Desk};
use crate::draw::Draw;
use crate::envelope::{items, written};
use crate::network::Forged;
use crate::pool::{self, Pool};
use crate::records::{PartOf, Records, is_in_part};

/// How long a bundle is taken over: two weeks. Runs last hours.
const LIFE: u64 = 14 * support::DAY;

pub const PARTS: [PartOf; 3] = [PartOf::All, PartOf::Servers, PartOf::Systems];

pub fn part_of(part: PartOf) -> Part {
    match part {
        PartOf::All => Part::All,
        PartOf::Servers => Part::Servers,
        PartOf::Systems => Part::Systems,
    }
}

/// A trust set that enough keys have signed.
#[derive(Clone, Debug)]
pub struct Published {
    pub sequence: u64,
    pub digest: String,
    pub content: Records,
}

/// A key set with the numbers of its keys, and the signatures on it.
struct Set {
    keys: KeySet,
    members: Vec<usize>,
    signatures: Vec<Signature>,
}

impl Set {
    fn threshold(&self) -> usize {
        self.keys.threshold()
    }
}

pub struct Office {
    fleet: FleetId,
    /// Where the numbers of its keys begin.
    first_key: u64,
    signers: Vec<Box<dyn Signer>>,
    sets: Vec<Set>,
    store: TrustStore,
    sequence: u64,
    newest: BTreeMap<PartOf, Publication>,
}

/// A signing key that a number decides.
pub fn signer(number: u64) -> Box<dyn Signer> {
    let der = pool::private_key(number);
    let key = PrivateKey::from_der(der).unwrap();
    Box::new(tls::bundle_signer(key, &support::provider()).unwrap())
}

/// So many of them, in an order of chance.
fn some(from: &[usize], count: usize, draw: &mut Draw) -> Vec<usize> {
    let mut rest = from.to_vec();
    let mut taken = Vec::new();
    while taken.len() < count && !rest.is_empty() {
        taken.push(rest.remove(draw.below(rest.len())));
    }
    taken
}

impl Office {
    /// A fleet with one to five keys, of which one to all must sign.
    pub fn found(fleet: &str, first_key: u64, draw: &mut Draw) -> Self {
        let mut office = Self {
            fleet: fleet.parse().unwrap(),
            first_key,
            signers: Vec::new(),
            sets: Vec::new(),
            store: support::store(),
            sequence: 0,
            newest: BTreeMap::new(),
        };
        let count = 1 + draw.below(5);
        let members = office.new_keys(count);
        let threshold = 1 + draw.below(count);
        let keys = members.iter().map(|at| office.signers[*at].key().clone());
        let keys = KeySet::new(office.fleet.clone(), threshold, keys).unwrap();
        office.sets.push(Set {
            keys,
            members,
            signatures: Vec::new(),
        });
        office
    }

    fn new_keys(&mut self, count: usize) -> Vec<usize> {
        let from = self.signers.len();
        for number in from..from + count {
            let number = self.first_key + u64::try_from(number).unwrap();
            self.signers.push(signer(number));
        }
        (from..from + count).collect()
    }

    pub fn fleet(&self) -> &FleetId {
        &self.fleet
    }

    /// The source of its entries in a store.
    pub fn source(&self) -> String {
        format!("fleet {}", self.fleet)
    }

    pub fn first_set(&self) -> &KeySet {
        &self.sets[0].keys
    }

    pub fn newest_set(&self) -> &KeySet {
        &self.sets.last().unwrap().keys
    }

    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    fn sign(&self, by: usize, message: &[u8]) -> Vec<u8> {
        self.signers[by].sign(message).unwrap()
    }

    /// Replaces some keys. The set counts once it is published: enough keys of both sets have signed it.
    pub fn rotate(&mut self, draw: &mut Draw) {
        let last = self.sets.last().unwrap();
        let (old, threshold) = (last.members.clone(), last.threshold());
        let kept_count = draw.below(old.len() + 1);
        let mut members = some(&old, kept_count, draw);
        let fresh = if members.is_empty() { 1 } else { 0 } + draw.below(3);
        members.extend(self.new_keys(fresh.min(5)));
        members.truncate(8);
        let needed = 1 + draw.below(members.len());
        let keys = members.iter().map(|at| self.signers[*at].key().clone());
        let keys = self.newest_set().next(needed, keys).unwrap();
        let mut by = some(&old, threshold, draw);
        by.extend(some(&members, needed, draw));
        by.sort_unstable();
        by.dedup();
        let signatures = by.iter().map(|at| keys.sign(&*self.signers[*at]).unwrap());
        let signatures = signatures.collect();
        self.sets.push(Set {
            keys,
            members,
            signatures,
        });
    }

    /// Some changes of the trust set.
    pub fn edit(&mut self, pool: &Pool, now: u64, draw: &mut Draw) {
        if draw.percent(4) {
            self.remove_all();
        }
        for _ in 0..=draw.below(5) {
            changes::any(&mut self.store, Desk::Fleet, pool, now, draw);
        }
    }

    fn remove_all(&mut self) {
        let entries = self.store.contents().entries();
        let keys: Vec<_> = entries.iter().map(|entry| entry.key()).collect();
        self.store.remove_all(&keys).unwrap();
    }

    /// The next number for a trust set.
    pub fn count(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn bundle(
        &self,
        store: &TrustStore,
        set: &KeySet,
        part: PartOf,
        sequence: u64,
        now: u64,
    ) -> Bundle {
        let times = [now, now + LIFE].map(support::at);
        let head = BundleHead::new(set, part_of(part), sequence, times[0], times[1]).unwrap();
        let bundle = Bundle::new(store.contents(), head.clone());
        bundle.unwrap_or_else(|_| Bundle::new(store.contents(), head.trusting_none()).unwrap())
    }

    /// A publication of the trust set for a part, signed by as many keys as are needed, or more.
    pub fn publication(&mut self, part: PartOf, now: u64, draw: &mut Draw) -> (Vec<u8>, Published) {
        let set = self.sets.last().unwrap();
        let bundle = self.bundle(&self.store, &set.keys, part, self.sequence, now);
        let mut publication = self.unsigned(bundle);
        let keys = support::keys();
        let extra = draw.below(set.members.len() - set.threshold() + 1);
        let by = some(&set.members, set.threshold() + extra, draw);
        for number in &by {
            let signature = publication.bundle().sign(&*self.signers[*number]).unwrap();
            publication.add_signature(signature, keys).unwrap();
        }
        assert!(publication.missing(keys).is_empty());
        let published = self.published(publication.bundle(), part);
        let bytes = publication.to_bytes();
        self.newest.insert(part, publication);
        (bytes, published)
    }

    /// A publication that too few keys have signed yet.
    pub fn draft(&self, part: PartOf, now: u64, draw: &mut Draw) -> Vec<u8> {
        let set = self.sets.last().unwrap();
        let bundle = self.bundle(&self.store, &set.keys, part, self.sequence + 1, now);
        let mut publication = self.unsigned(bundle);
        let count = draw.below(set.threshold());
        for number in some(&set.members, count, draw) {
            let signature = publication.bundle().sign(&*self.signers[number]).unwrap();
            publication
                .add_signature(signature, support::keys())
                .unwrap();
        }
        publication.to_bytes()
    }

    fn unsigned(&self, bundle: Bundle) -> Publication {
        let sets = self.sets.iter().map(|set| set.keys.clone());
        let mut publication = Publication::new(sets, bundle).unwrap();
        for signature in self.sets.iter().flat_map(|set| &set.signatures) {
            publication
                .add_signature(signature.clone(), support::keys())
                .unwrap();
        }
        publication
    }

    /// What the model knows of a bundle.
    fn published(&self, bundle: &Bundle, part: PartOf) -> Published {
        let mut content = Records::of(self.store.contents(), "no source");
        content.entries.retain(|key, _| is_in_part(key, part));
        if part == PartOf::Systems {
            content.servers.clear();
            content.claimed.clear();
            content.migrating.clear();
            content.groups.clear();
        }
        Published {
            sequence: bundle.head().sequence(),
            digest: bundle.digest().to_string(),
            content,
        }
    }

    /// What an attacker makes who wants his own certificate to be trusted. He has one key less than the threshold, all keys
    /// that were replaced, and as many keys of his own as he likes.
    pub fn forge(&self, part: PartOf, pool: &Pool, now: u64, draw: &mut Draw) -> Vec<Forged> {
        let mut forged = Vec::new();
        let newest = self.sets.last().unwrap();
        let stolen = some(&newest.members, newest.threshold() - 1, draw);
        let own: Vec<Box<dyn Signer>> = (0..3).map(|at| signer(77_000 + at)).collect();
        let evil = self.evil(pool, draw);
        let ahead = 1 + u64::try_from(draw.below(3)).unwrap();
        let sequence = self.sequence + ahead;
        let bundle = self.bundle(&evil, &newest.keys, part, sequence, now);
        let genuine = self.newest.get(&part).map(|newest| newest.bundle().clone());
        let mut add = |bytes: Vec<u8>, known_from: u64| {
            forged.push(Forged {
                part,
                bytes: bytes.into(),
                known_from,
            });
        };
        // Too few keys of the fleet, and others.
        let mut by: Vec<Signature> = stolen
            .iter()
            .map(|at| bundle.sign(&*self.signers[*at]).unwrap())
            .collect();
        add(self.assembled(self.sets.len(), &bundle, &by), 0);
        by.extend(own.iter().map(|key| bundle.sign(&**key).unwrap()));
        add(self.assembled(self.sets.len(), &bundle, &by), 0);
        // The signature of one key as often as it takes.
        if let Some(first) = by.first().cloned() {
            let same = vec![first; newest.threshold()];
            add(self.assembled_as_it_is(self.sets.len(), &bundle, &same), 0);
        }
        // The signatures of a genuine bundle, under the name of this one; the keys have signed other bytes.
        if let Some(genuine) = &genuine {
            let moved = newest.members.iter().map(|at| {
                let bytes = self.sign(*at, genuine.to_sign());
                Signature::new(bundle.digest(), self.signers[*at].key().id(), &bytes).unwrap()
            });
            let moved: Vec<_> = moved.collect();
            add(self.assembled(self.sets.len(), &bundle, &moved), 0);
        }
        // One stolen key under the names of all.
        let member = |at: &usize, by: &dyn Signer| {
            let bytes = by.sign(bundle.to_sign()).unwrap();
            Signature::new(bundle.digest(), self.signers[*at].key().id(), &bytes).unwrap()
        };
        let one: &dyn Signer = match stolen.first() {
            Some(at) => &*self.signers[*at],
            None => &*own[0],
        };
        let named: Vec<_> = newest.members.iter().map(|at| member(at, one)).collect();
        add(self.assembled(self.sets.len(), &bundle, &named), 0);
        // A next key set of his own, signed by all its keys and too few of the fleet's.
        let theirs = own.iter().map(|key| key.key().clone());
        let next = newest.keys.next(1, theirs.clone()).unwrap();
        let bundle = self.bundle(&evil, &next, part, sequence, now);
        let mut on_set: Vec<_> = stolen
            .iter()
            .map(|at| next.sign(&*self.signers[*at]).unwrap())
            .collect();
        on_set.extend(own.iter().map(|key| next.sign(&**key).unwrap()));
        let on_bundle: Vec<_> = own.iter().map(|key| bundle.sign(&**key).unwrap()).collect();
        let mut all = self.items_of_sets(self.sets.len());
        all.push(("key-set".into(), next.to_bytes().to_vec()));
        all.extend(signature_items(&on_set));
        all.push(("bundle".into(), bundle.to_bytes().to_vec()));
        all.extend(signature_items(&on_bundle));
        add(written(&all), 0);
        // Key sets of his own from the first on.
        let root = KeySet::new(self.fleet.clone(), 1, theirs.clone()).unwrap();
        let bundle = self.bundle(&evil, &root, part, sequence, now);
        let on_bundle: Vec<_> = own.iter().map(|key| bundle.sign(&**key).unwrap()).collect();
        let mut all = vec![("key-set".into(), root.to_bytes().to_vec())];
        all.push(("bundle".into(), bundle.to_bytes().to_vec()));
        all.extend(signature_items(&on_bundle));
        add(written(&all), 0);
        // All keys of a set that was replaced: a bundle under that set, and another set after it.
        if self.sets.len() > 1 {
            let number = draw.below(self.sets.len() - 1);
            let old = &self.sets[number];
            let known_from = old.keys.version() + 1;
            let bundle = self.bundle(&evil, &old.keys, part, sequence, now);
            let on_bundle = self.all_signatures(old, &bundle);
            add(self.assembled(number + 1, &bundle, &on_bundle), known_from);
            let next = old.keys.next(1, theirs).unwrap();
            let bundle = self.bundle(&evil, &next, part, sequence, now);
            let mut on_set: Vec<_> = old
                .members
                .iter()
                .map(|at| next.sign(&*self.signers[*at]).unwrap())
                .collect();
            on_set.extend(own.iter().map(|key| next.sign(&**key).unwrap()));
            let on_bundle: Vec<_> = own.iter().map(|key| bundle.sign(&**key).unwrap()).collect();
            let mut all = self.items_of_sets(number + 1);
            all.push(("key-set".into(), next.to_bytes().to_vec()));
            all.extend(signature_items(&on_set));
            all.push(("bundle".into(), bundle.to_bytes().to_vec()));
            all.extend(signature_items(&on_bundle));
            add(written(&all), known_from);
        }
        forged
    }

    fn all_signatures(&self, set: &Set, bundle: &Bundle) -> Vec<Signature> {
        let all = set.members.iter();
        all.map(|at| bundle.sign(&*self.signers[*at]).unwrap())
            .collect()
    }

    /// A trust set with the certificate of an attacker, in all parts.
    fn evil(&self, pool: &Pool, draw: &mut Draw) -> TrustStore {
        let mut store = support::store();
        let certificate = draw.pick(&pool.foreign).clone();
        let id = support::server_id("keys-0");
        let name = support::host("keys-0.example");
        store.add_server(id.clone(), [name]).unwrap();
        for scope in [PinScope::Clients, PinScope::Server(id)] {
            store
                .install_pin(scope, certificate.clone(), EntryOptions::new())
                .unwrap();
        }
        store
    }

    fn items_of_sets(&self, count: usize) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        for set in &self.sets[..count] {
            all.push(("key-set".into(), set.keys.to_bytes().to_vec()));
            all.extend(signature_items(&set.signatures));
        }
        all
    }

    /// The first key sets, a bundle and signatures in their order.
    fn assembled(&self, sets: usize, bundle: &Bundle, by: &[Signature]) -> Vec<u8> {
        let mut by = by.to_vec();
        by.sort_by_key(Signature::key);
        self.assembled_as_it_is(sets, bundle, &by)
    }

    fn assembled_as_it_is(&self, sets: usize, bundle: &Bundle, by: &[Signature]) -> Vec<u8> {
        let mut all = self.items_of_sets(sets);
        all.push(("bundle".into(), bundle.to_bytes().to_vec()));
        all.extend(by.iter().map(|one| ("signature".into(), one.to_bytes())));
        written(&all)
    }
}

fn signature_items(signatures: &[Signature]) -> Vec<(String, Vec<u8>)> {
    let mut sorted = signatures.to_vec();
    sorted.sort_by_key(Signature::key);
    let all = sorted.iter();
    all.map(|one| ("signature".into(), one.to_bytes()))
        .collect()
}

/// A publication of items that two others have: each place takes the item of one or the other.
pub fn mixed(one: &[u8], other: &[u8], draw: &mut Draw) -> Vec<u8> {
    let (ours, theirs) = (items(one), items(other));
    let mut all = Vec::new();
    for place in 0..ours.len().max(theirs.len()) {
        let from = if draw.percent(50) { &ours } else { &theirs };
        all.extend(from.get(place).cloned());
    }
    written(&all)
}
