//! Signatures on CA certificates that verdicts verified, so that none of them is verified again (rule C5).
//!
//! What is remembered is mathematics: this key signed these bytes, by this algorithm. It has no time, no policy and no
//! trust in it: each verdict judges the certificates of its path as if it had verified the signature itself, and has
//! spent the same work. Only a path that a verdict has verified to an installed authority brings anything in, so that
//! an unknown peer can neither add nor displace anything. Readers take no lock.

use core::cmp::Reverse;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;

use super::data::Data;
use super::tail::Tail;
use crate::certificate::{Certificate, Issued, KeyPolicy};
use crate::limits::{MAX_VERIFIED, MAX_VERIFIED_CERTIFICATE_BYTES, MAX_VERIFIED_OF_KEY};

/// A signature that was verified.
struct Fact {
    issued: Issued,
    /// How many certificates stood between the signer and the authority of the path.
    depth: usize,
}

/// What is found by a hash of the signed certificate.
#[derive(Clone)]
struct Place {
    hash: u64,
    fact: Arc<Fact>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Verified {
    /// In the order of the hashes.
    places: ArcSwapOption<Vec<Place>>,
    /// Held by the one that adds.
    adding: Mutex<()>,
}

fn at(places: &[Place], hash: u64) -> impl Iterator<Item = &Fact> {
    let begin = places.partition_point(|place| place.hash < hash);
    let found = places.iter().skip(begin);
    let found = found.take_while(move |place| place.hash == hash);
    found.map(|place| &*place.fact)
}

impl Verified {
    fn find<T>(&self, hash: u64, found: impl FnMut(&Fact) -> Option<T>) -> Option<T> {
        let places = self.places.load();
        at(places.as_deref()?, hash).find_map(found)
    }

    /// Adds a signature if there is room for it.
    fn add(&self, hash: u64, issued: &Issued, depth: usize) {
        let (below, above) = issued.pair();
        let is_large =
            |certificate: &Certificate| certificate.der().len() > MAX_VERIFIED_CERTIFICATE_BYTES;
        if is_large(below) || is_large(above) {
            return;
        }
        // No verdict waits for another. What is not added now is verified again and added then.
        let Ok(_adding) = self.adding.try_lock() else {
            return;
        };
        let places = self.places.load_full();
        let mut places = places.map_or_else(Vec::new, |places| places.to_vec());
        if at(&places, hash).any(|fact| fact.issued.is_same(issued)) {
            return;
        }
        let fact = Fact {
            issued: issued.clone(),
            depth,
        };
        if !make_room(&mut places, &fact) {
            return;
        }
        let here = places.partition_point(|place| place.hash < hash);
        let fact = Arc::new(fact);
        places.insert(here, Place { hash, fact });
        self.places.store(Some(Arc::new(places)));
    }
}

fn end(fact: &Fact) -> i64 {
    fact.issued.pair().0.validity().not_after().seconds()
}

/// Takes out what is worth less than `new`, if there is no room for both. Returns whether there is room.
fn make_room(places: &mut Vec<Place>, new: &Fact) -> bool {
    let signer = new.issued.pair().1;
    let of_signer = places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.fact.issued.pair().1.has_key_of(signer));
    let of_signer: Vec<(usize, &Fact)> = of_signer.map(|(at, place)| (at, &*place.fact)).collect();
    let gone = if of_signer.len() >= MAX_VERIFIED_OF_KEY {
        // A CA displaces what it issued itself.
        let first = of_signer.into_iter().min_by_key(|(_, fact)| end(fact));
        first.filter(|(_, fact)| end(fact) < end(new))
    } else if places.len() >= MAX_VERIFIED {
        let all = places.iter().enumerate();
        let all = all.map(|(at, place)| (at, &*place.fact));
        let deepest = all.max_by_key(|(_, fact)| (fact.depth, Reverse(end(fact))));
        deepest.filter(|(_, fact)| fact.depth > new.depth)
    } else {
        return true;
    };
    let Some((gone, _)) = gone else {
        return false;
    };
    places.remove(gone);
    true
}

impl Data {
    fn hash_of(&self, der: &[u8]) -> Option<u64> {
        use core::hash::BuildHasher;
        Some(self.hasher.hash_one(Tail::of(der)?))
    }

    /// The certificate with these bytes, if its signature is remembered: it need not be read again.
    pub(crate) fn read_before(&self, der: &[u8]) -> Option<Certificate> {
        self.verified.find(self.hash_of(der)?, |fact| {
            let below = fact.issued.pair().0;
            (below.der().as_ref() == der).then(|| below.clone())
        })
    }

    /// The signature of the key of `above` on `below`, if it is remembered and `keys` would accept it.
    pub(crate) fn verified(
        &self,
        below: &Certificate,
        above: &Certificate,
        keys: &KeyPolicy,
    ) -> Option<Issued> {
        self.verified.find(self.hash_of(below.der())?, |fact| {
            let issued = &fact.issued;
            let (lower, upper) = issued.pair();
            let is_same = lower == below && upper.has_key_of(above) && keys.stands_by(issued);
            is_same.then(|| issued.clone())
        })
    }

    /// Remembers a signature of a path that leads to an installed authority. `depth` is the number of certificates
    /// between the signer and the authority; 0 for the authority itself.
    pub(crate) fn remember(&self, issued: &Issued, depth: usize) {
        if let Some(hash) = self.hash_of(issued.pair().0.der()) {
            self.verified.add(hash, issued, depth);
        }
    }
}
