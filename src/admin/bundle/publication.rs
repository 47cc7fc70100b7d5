//! The one text that travels: all key sets, a bundle, and their signatures.

use core::fmt;
use std::borrow::Cow;

use super::count::{check, missing};
use super::envelope::{BUNDLE, Item, Items, KEY_SET, SIGNATURE, WHAT, size, written};
use super::error::BundleError;
use super::key_set::KeySet;
use super::signature::Signature;
use super::tally::{Missing, Signed};
use super::trust_set::Bundle;
use crate::certificate::{Fingerprint, KeyPolicy};
use crate::limits::{MAX_FLEET_SIGNATURE_TEXT, MAX_FLEET_SIGNATURES, MAX_PUBLICATION_BYTES};

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
        let mut chain = Chain::default();
        for set in sets {
            chain.push(set)?;
        }
        let made = Self::of(chain, bundle, Vec::new())?;
        made.check_size(0)?;
        Ok(made)
    }

    /// The publication after this one, with its key sets and their signatures: with another bundle, and with the next key
    /// set if there is one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn next(&self, keys: Option<KeySet>, bundle: Bundle) -> Result<Self, BundleError> {
        let mut chain = Chain(self.sets.clone());
        keys.map_or(Ok(()), |set| chain.push(set))?;
        let made = Self::of(chain, bundle, Vec::new())?;
        made.check_size(0)?;
        Ok(made)
    }

    fn of(chain: Chain, bundle: Bundle, signatures: Vec<Signature>) -> Result<Self, BundleError> {
        let newest = chain.0.last().map(|signed| signed.set.clone());
        let newest = newest.ok_or_else(|| BundleError::Impossible {
            what: WHAT,
            why: "it has no key set".to_owned(),
        })?;
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
        Ok(Self {
            sets: chain.0,
            newest,
            bundle,
            signatures,
        })
    }

    /// Refuses one that cannot be read again when `more` is added to it.
    fn check_size(&self, more: usize) -> Result<(), BundleError> {
        let (what, limit) = (WHAT, MAX_PUBLICATION_BYTES);
        let size = size(&self.items()).saturating_add(more);
        match size > limit {
            true => Err(BundleError::TooLarge { what, size, limit }),
            false => Ok(()),
        }
    }

    fn items(&self) -> Vec<(&'static str, Cow<'_, [u8]>)> {
        let signed = |signatures: &[Signature]| -> Vec<_> {
            let texts = signatures.iter().map(Signature::to_bytes);
            texts.map(|text| (SIGNATURE, Cow::Owned(text))).collect()
        };
        let mut items: Vec<(&'static str, Cow<'_, [u8]>)> = Vec::new();
        for SignedSet { set, signatures } in &self.sets {
            items.push((KEY_SET, Cow::Borrowed(set.to_bytes())));
            items.extend(signed(signatures));
        }
        items.push((BUNDLE, Cow::Borrowed(self.bundle.to_bytes())));
        items.extend(signed(&self.signatures));
        items
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
        let mut chain = Chain::default();
        let mut found: Option<(Bundle, Vec<Signature>)> = None;
        while let Some(item) = items.next()? {
            match (item.kind, &mut found, chain.0.last_mut()) {
                (KEY_SET, None, _) => chain.push(KeySet::read(item.bytes)?)?,
                (BUNDLE, None, Some(_)) => found = Some((Bundle::read(item.bytes)?, Vec::new())),
                (SIGNATURE, Some((bundle, signatures)), _) => {
                    read_signature(&items, &item, bundle.digest(), signatures)?;
                }
                (SIGNATURE, None, Some(signed)) => {
                    let over = signed.set.digest();
                    read_signature(&items, &item, over, &mut signed.signatures)?;
                }
                _ => {
                    let wanted = "key sets, then one bundle, each with its signatures behind it";
                    return Err(items.wrong(item.at, wanted, item.kind));
                }
            }
        }
        let Some((bundle, signatures)) = found else {
            return Err(items.wrong(items.at(), "a bundle above it", "end"));
        };
        Self::of(chain, bundle, signatures)
    }

    /// Its text. The same content gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        written(&self.items())
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
        let at = self
            .sets
            .iter()
            .position(|signed| signed.set.digest() == over);
        let is_bundle = self.bundle.digest() == over;
        let (named, message, by) = match at {
            Some(at) => {
                let before = at.checked_sub(1).and_then(|at| self.sets.get(at));
                let by = [before, self.sets.get(at)].map(|signed| Some(&signed?.set));
                let set = by.last().copied().flatten().unwrap_or(&self.newest);
                (set.named(), set.to_sign(), by)
            }
            None if is_bundle => {
                let by = [None, Some(&self.newest)];
                (Signed::Bundle, self.bundle.to_sign(), by)
            }
            None => return Err(BundleError::SignsNothing { key, over }),
        };
        check(&signature, named, message, by, &keys)?;
        self.check_size(MAX_FLEET_SIGNATURE_TEXT)?;
        let signatures = match at.and_then(|at| self.sets.get_mut(at)) {
            Some(signed) => &mut signed.signatures,
            None => &mut self.signatures,
        };
        // There is room for one of each key that signs. Those of other keys came with a text that was read.
        match signatures.binary_search_by_key(&key, Signature::key) {
            Ok(at) => {
                if let Some(place) = signatures.get_mut(at) {
                    *place = signature;
                }
            }
            Err(_) if signatures.len() >= MAX_FLEET_SIGNATURES => {
                let (what, limit) = (SIGNATURES, MAX_FLEET_SIGNATURES);
                return Err(BundleError::TooMany { what, limit });
            }
            Err(at) => signatures.insert(at, signature),
        }
        Ok(named)
    }

    /// What is not signed by enough keys yet. Nodes take it when nothing is missing.
    #[doc(hidden)]
    pub fn missing(&self, keys: KeyPolicy) -> Vec<Missing> {
        let mut found = Vec::new();
        let pairs = self.sets.iter().zip(self.sets.iter().skip(1));
        for (before, signed) in pairs {
            let message = signed.set.to_sign();
            for by in [&before.set, &signed.set] {
                let over = signed.set.named();
                found.extend(missing(over, message, &signed.signatures, by, &keys));
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

/// What errors call the signatures on one key set or bundle.
const SIGNATURES: &str = "signatures on one key set or bundle";

/// Key sets, each of which is the one after the one before it.
#[derive(Default)]
struct Chain(Vec<SignedSet>);

impl Chain {
    /// Adds the next one.
    fn push(&mut self, set: KeySet) -> Result<(), BundleError> {
        let last = self.0.last().map(|signed| &signed.set);
        let (before, found) = (last.map_or(0, KeySet::version), set.version());
        if found != before.saturating_add(1) {
            return Err(BundleError::KeySetSkipped { before, found });
        }
        if last.is_some_and(|last| !set.follows(last)) {
            return Err(BundleError::KeySetOther { version: found });
        }
        self.0.push(SignedSet {
            set,
            signatures: Vec::new(),
        });
        Ok(())
    }
}

fn read_signature(
    items: &Items<'_>,
    item: &Item<'_>,
    over: Fingerprint,
    signatures: &mut Vec<Signature>,
) -> Result<(), BundleError> {
    let limit = MAX_FLEET_SIGNATURES;
    if signatures.len() >= limit {
        let what = SIGNATURES;
        return Err(BundleError::TooMany { what, limit });
    }
    let signature = Signature::read(item.bytes)?;
    let wrong = |wanted: &str| Err(items.wrong(item.at, wanted, item.kind));
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
