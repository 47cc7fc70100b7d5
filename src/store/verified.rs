//! Signatures on CA certificates that verdicts verified, so that within bounds none of them is verified again (rule C5).
//!
//! What is remembered is mathematics: this key signed these bytes, by this algorithm. It has no time, no policy and no
//! trust in it: each verdict judges the certificates of its path as if it had verified the signature itself, and has
//! spent the same work. Only a path that a verdict has verified to an installed authority brings anything in, so that
//! an unknown peer can neither add nor displace anything. Readers take no lock.

use core::cmp::Reverse;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;

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

    /// The certificate with these bytes, of which the hash is `hash`, if its signature is remembered.
    pub(super) fn read(&self, hash: u64, der: &[u8]) -> Option<Certificate> {
        self.find(hash, |fact| {
            let below = fact.issued.pair().0;
            (below.der() == der).then(|| below.clone())
        })
    }

    /// The signature of the key of `above` on `below`, of which the hash is `hash`, if it is remembered and `keys` would
    /// accept it.
    pub(super) fn signature(
        &self,
        hash: u64,
        below: &Certificate,
        above: &Certificate,
        keys: &KeyPolicy,
    ) -> Option<Issued> {
        self.find(hash, |fact| {
            let issued = &fact.issued;
            let (lower, upper) = issued.pair();
            let is_same = lower == below && upper.has_key_of(above) && keys.stands_by(issued);
            is_same.then(|| issued.clone())
        })
    }

    /// Adds a signature if there is room for it. `depth`: how many certificates stand between the signer and the authority
    /// of the path.
    pub(super) fn add(&self, hash: u64, issued: &Issued, depth: usize) {
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
        let known: &[Place] = places.as_deref().map_or(&[], Vec::as_slice);
        if at(known, hash).any(|fact| fact.issued.is_same(issued)) {
            return;
        }
        let fact = Fact {
            issued: issued.clone(),
            depth,
        };
        // What finds no room is found again in each verdict, so it costs no copy.
        let Some(gone) = room(known, &fact) else {
            return;
        };
        let mut places = known.to_vec();
        if let Room::InPlaceOf(gone) = gone {
            places.remove(gone);
        }
        let here = places.partition_point(|place| place.hash < hash);
        let fact = Arc::new(fact);
        places.insert(here, Place { hash, fact });
        self.places.store(Some(Arc::new(places)));
    }
}

/// Where a new signature goes.
enum Room {
    Free,
    InPlaceOf(usize),
}

/// Whether there is room for a new signature, or one that is worth less.
fn room(places: &[Place], new: &Fact) -> Option<Room> {
    let (below, signer) = new.issued.pair();
    let all = places.iter().map(|place| &*place.fact).enumerate();
    let of_signer = |fact: &Fact| fact.issued.pair().1.has_key_of(signer);
    let count = all.clone().filter(|(_, fact)| of_signer(fact)).count();
    let gone = if count >= MAX_VERIFIED_OF_KEY {
        // A CA displaces what it issued itself.
        let own = all.filter(|(_, fact)| of_signer(fact));
        let first = own.min_by_key(|(_, fact)| end(fact));
        first.filter(|(_, fact)| end(fact) < end(new))
    } else if places.len() >= MAX_VERIFIED {
        // Or what stands deeper, or had ended before the new certificate, which is valid now, began.
        let begin = below.validity().not_before().seconds();
        let deepest = all.max_by_key(|(_, fact)| (fact.depth, Reverse(end(fact))));
        deepest.filter(|(_, fact)| fact.depth > new.depth || end(fact) < begin)
    } else {
        return Some(Room::Free);
    };
    gone.map(|(at, _)| Room::InPlaceOf(at))
}

fn end(fact: &Fact) -> i64 {
    fact.issued.pair().0.validity().not_after().seconds()
}
