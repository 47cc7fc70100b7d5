//! The one text that travels: all key sets, a bundle, and their signatures.

use core::fmt;

use super::count::{check, missing};
use super::envelope::{BUNDLE, Item, Items, KEY_SET, SIGNATURE, WHAT, written};
use super::error::BundleError;
use super::key_set::KeySet;
use super::signature::Signature;
use super::tally::{Missing, Signed};
use super::trust_set::Bundle;
use crate::certificate::{Fingerprint, KeyPolicy};
use crate::limits::{MAX_FLEET_SIGNATURES, MAX_KEY_SETS, MAX_PUBLICATION_BYTES};

/// What travels: all key sets of a fleet from version 1 on, a bundle, and their signatures.
///
/// It is one text, so that nothing of two can be mixed. Until its signatures are complete, it is the draft that
/// administrators sign.
#[derive(Clone, PartialEq, Eq)]
pub struct Publication {
    /// In the order of their versions, without gaps.
    sets: Vec<SignedSet>,
    newest: KeySet,
    bundle: Bundle,
    /// In the order of their keys, one of each.
    signatures: Vec<Signature>,
}

/// A key set with its signatures, in the order of their keys, one of each.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SignedSet {
    pub(super) set: KeySet,
    pub(super) signatures: Vec<Signature>,
}

impl Publication {
    /// A publication without signatures. `sets` are all key sets of the fleet from version 1 on; the bundle is for the
    /// last one.
    ///
    /// # Errors
    /// A key set is missing or does not follow the one before it. The bundle is of another fleet or for another key set.
    /// It is too large.
    pub fn new(
        sets: impl IntoIterator<Item = KeySet>,
        bundle: Bundle,
    ) -> Result<Self, BundleError> {
        let unsigned = |set| SignedSet {
            set,
            signatures: Vec::new(),
        };
        Self::of(sets.into_iter().map(unsigned).collect(), bundle, Vec::new())
    }

    /// The publication after this one, with its key sets and their signatures: with another bundle, and with the next key
    /// set if there is one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn next(&self, keys: Option<KeySet>, bundle: Bundle) -> Result<Self, BundleError> {
        let mut sets = self.sets.clone();
        sets.extend(keys.map(|set| SignedSet {
            set,
            signatures: Vec::new(),
        }));
        Self::of(sets, bundle, Vec::new())
    }

    fn of(
        sets: Vec<SignedSet>,
        bundle: Bundle,
        signatures: Vec<Signature>,
    ) -> Result<Self, BundleError> {
        let newest = chained(&sets)?.clone();
        let head = bundle.head();
        if head.fleet() != newest.fleet() {
            return Err(BundleError::OtherFleet {
                held: newest.fleet().clone(),
                offered: head.fleet().clone(),
            });
        }
        if head.keys_version() != newest.version() {
            return Err(BundleError::OtherKeySet {
                named: head.keys_version(),
                newest: newest.version(),
            });
        }
        let made = Self {
            sets,
            newest,
            bundle,
            signatures,
        };
        made.check_size()?;
        Ok(made)
    }

    fn check_size(&self) -> Result<(), BundleError> {
        let sets = self.sets.iter();
        let sets = sets.map(|signed| signed.set.to_bytes().len());
        let count = self.sets.iter().map(|signed| signed.signatures.len());
        let count = count.fold(self.signatures.len(), usize::saturating_add);
        // No signature is larger than its limit, and no line of the envelope than 64 bytes.
        let signatures = count.saturating_mul(crate::limits::MAX_FLEET_SIGNATURE_TEXT);
        let lines = self.sets.len().saturating_add(4).saturating_mul(64);
        let whole = [self.bundle.to_bytes().len(), signatures, lines];
        let size = sets.chain(whole).fold(0, usize::saturating_add);
        match size > MAX_PUBLICATION_BYTES {
            true => Err(BundleError::TooLarge {
                what: WHAT,
                size,
                limit: MAX_PUBLICATION_BYTES,
            }),
            false => Ok(()),
        }
    }

    /// Reads what [`to_bytes`](Self::to_bytes) writes, and nothing else. Of the bundle, only its head is read.
    ///
    /// # Errors
    /// It is damaged, too large or of a later version; or as [`new`](Self::new).
    ///
    /// # Security
    /// No signature is verified. [`Held::verify`](super::Held::verify) does that.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut items = Items::new(bytes)?;
        let mut sets: Vec<SignedSet> = Vec::new();
        let mut found: Option<(Bundle, Vec<Signature>)> = None;
        while let Some(item) = items.next()? {
            let wrong = |wanted: &str| Err(items.wrong(item.line, wanted, item.kind));
            match (item.kind, &mut found, sets.last_mut()) {
                (KEY_SET, None, _) => {
                    if sets.len() >= MAX_KEY_SETS {
                        let (what, limit) = ("key sets", MAX_KEY_SETS);
                        return Err(BundleError::TooMany { what, limit });
                    }
                    let set = KeySet::read(item.bytes)?;
                    let signatures = Vec::new();
                    sets.push(SignedSet { set, signatures });
                }
                (BUNDLE, None, Some(_)) => found = Some((Bundle::read(item.bytes)?, Vec::new())),
                (SIGNATURE, Some((bundle, signatures)), _) => {
                    read_signature(&items, &item, bundle.digest(), signatures)?;
                }
                (SIGNATURE, None, Some(signed)) => {
                    let over = signed.set.digest();
                    read_signature(&items, &item, over, &mut signed.signatures)?;
                }
                _ => {
                    return wrong(
                        "key sets first, then one bundle, each followed by its signatures",
                    );
                }
            }
        }
        let Some((bundle, signatures)) = found else {
            return Err(items.wrong(items.number(), "a bundle before it", "end"));
        };
        Self::of(sets, bundle, signatures)
    }

    /// Its text. The same content gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut items: Vec<(&'static str, Vec<u8>)> = Vec::new();
        for signed in &self.sets {
            items.push((KEY_SET, signed.set.to_bytes().to_vec()));
            let signatures = signed.signatures.iter();
            items.extend(signatures.map(|signature| (SIGNATURE, signature.to_bytes())));
        }
        let signatures = self.signatures.iter();
        let signatures: Vec<_> = signatures.map(Signature::to_bytes).collect();
        let before = items.iter().map(|(kind, bytes)| (*kind, bytes.as_slice()));
        let bundle = core::iter::once((BUNDLE, self.bundle.to_bytes()));
        let behind = signatures.iter().map(|bytes| (SIGNATURE, bytes.as_slice()));
        written(before.chain(bundle).chain(behind))
    }

    /// Adds a signature on one of its key sets or on its bundle, once it is verified. It takes the place of an earlier one
    /// of the same key.
    ///
    /// # Errors
    /// It is over something else, by a key that does not sign for that, or does not verify.
    pub fn add_signature(
        &mut self,
        signature: Signature,
        keys: KeyPolicy,
    ) -> Result<Signed, BundleError> {
        let (key, over) = (signature.key(), signature.over());
        let mut before: Option<&KeySet> = None;
        let mut place = None;
        for signed in &mut self.sets {
            if signed.set.digest() == over {
                let named = signed.set.named();
                let message = signed.set.to_sign();
                check(
                    &signature,
                    named,
                    &message,
                    [before, Some(&signed.set)],
                    &keys,
                )?;
                place = Some((named, &mut signed.signatures));
                break;
            }
            before = Some(&signed.set);
        }
        if place.is_none() && self.bundle.digest() == over {
            let by = [None, Some(&self.newest)];
            check(&signature, Signed::Bundle, self.bundle.to_sign(), by, &keys)?;
            place = Some((Signed::Bundle, &mut self.signatures));
        }
        let (named, signatures) = place.ok_or(BundleError::SignsNothing { key, over })?;
        match signatures.binary_search_by_key(&key, Signature::key) {
            Ok(at) => {
                if let Some(place) = signatures.get_mut(at) {
                    *place = signature;
                }
            }
            Err(_) if signatures.len() >= MAX_FLEET_SIGNATURES => {
                let (what, limit) = ("signatures", MAX_FLEET_SIGNATURES);
                return Err(BundleError::TooMany { what, limit });
            }
            Err(at) => signatures.insert(at, signature),
        }
        Ok(named)
    }

    /// What is not signed by enough keys yet. Nodes take it when nothing is missing.
    pub fn missing(&self, keys: KeyPolicy) -> Vec<Missing> {
        let mut found = Vec::new();
        let pairs = self.sets.iter().zip(self.sets.iter().skip(1));
        for (before, signed) in pairs {
            let message = signed.set.to_sign();
            for by in [&before.set, &signed.set] {
                let over = signed.set.named();
                found.extend(missing(over, &message, &signed.signatures, by, &keys));
            }
        }
        let message = self.bundle.to_sign();
        let of_bundle = missing(
            Signed::Bundle,
            message,
            &self.signatures,
            &self.newest,
            &keys,
        );
        found.extend(of_bundle);
        found
    }

    /// Its key sets, from version 1 on.
    pub fn key_sets(&self) -> impl Iterator<Item = &KeySet> {
        self.sets.iter().map(|signed| &signed.set)
    }

    /// Its bundle, which is not verified.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    pub(super) fn sets(&self) -> &[SignedSet] {
        &self.sets
    }

    pub(super) fn newest(&self) -> &KeySet {
        &self.newest
    }

    pub(super) fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

/// Checks that each key set is the one after the one before it. Returns the last one.
fn chained(sets: &[SignedSet]) -> Result<&KeySet, BundleError> {
    let mut last: Option<&KeySet> = None;
    for SignedSet { set, .. } in sets {
        let (before, found) = (last.map_or(0, KeySet::version), set.version());
        if found != before.saturating_add(1) {
            return Err(BundleError::KeySetSkipped { before, found });
        }
        if last.is_some_and(|last| !set.follows(last)) {
            return Err(BundleError::KeySetOther { version: found });
        }
        last = Some(set);
    }
    last.ok_or(BundleError::KeySetSkipped {
        before: 0,
        found: 0,
    })
}

fn read_signature(
    items: &Items<'_>,
    item: &Item<'_>,
    over: Fingerprint,
    signatures: &mut Vec<Signature>,
) -> Result<(), BundleError> {
    let limit = MAX_FLEET_SIGNATURES;
    if signatures.len() >= limit {
        let what = "signatures on one of its parts";
        return Err(BundleError::TooMany { what, limit });
    }
    let signature = Signature::read(item.bytes)?;
    let wrong = |wanted: &str| Err(items.wrong(item.line, wanted, item.kind));
    if signature.over() != over {
        return wrong("a signature on what stands before it");
    }
    if signatures
        .last()
        .is_some_and(|last| last.key() >= signature.key())
    {
        return wrong("signatures in the order of their keys, one of each");
    }
    signatures.push(signature);
    Ok(())
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sets, signatures) = (self.sets.len(), self.signatures.len());
        write!(
            f,
            "Publication({sets} key sets, {:?}, {signatures} signatures)",
            self.bundle
        )
    }
}
