//! Verifies and counts signatures.

use super::error::BundleError;
use super::key_set::KeySet;
use super::signature::Signature;
use super::tally::{Missing, Signed, Tally};
use crate::certificate::{KeyPolicy, SignatureCheck};

/// The signatures on a message, counted for each of these key sets. Each is verified once.
pub(super) fn count<const N: usize>(
    message: &[u8],
    signatures: &[Signature],
    by: [&KeySet; N],
    keys: &KeyPolicy,
) -> [Tally; N] {
    let mut tallies = by.map(|set| Tally {
        needed: set.threshold(),
        ..Tally::default()
    });
    for signature in signatures {
        let id = signature.key();
        let Some(key) = by.iter().find_map(|set| set.key(id)) else {
            for tally in &mut tallies {
                tally.foreign.push(id);
            }
            continue;
        };
        let checked = key.check(message, signature.bytes(), keys);
        for (set, tally) in by.iter().zip(&mut tallies) {
            if set.key(id).is_none() {
                continue;
            }
            let list = match checked {
                SignatureCheck::Verified => &mut tally.valid,
                SignatureCheck::Wrong => &mut tally.wrong,
                SignatureCheck::Unsupported => &mut tally.unsupported,
            };
            // Signatures are read and kept with one of each key. What counts twice would be trust by fewer people.
            if !list.contains(&id) {
                list.push(id);
            }
        }
    }
    tallies
}

/// What is missing of a threshold, if it is not met.
pub(super) fn missing(
    over: Signed,
    message: &[u8],
    signatures: &[Signature],
    by: &KeySet,
    keys: &KeyPolicy,
) -> Option<Missing> {
    let [tally] = count(message, signatures, [by], keys);
    if tally.is_met() {
        return None;
    }
    let ids = by.keys().iter().map(super::key::BundleKey::id);
    let keys = ids.filter(|id| !tally.valid.contains(id)).collect();
    Some(Missing {
        over,
        by: by.version(),
        tally,
        keys,
    })
}

/// Verifies one signature by a key of one of these key sets.
pub(super) fn check(
    signature: &Signature,
    over: Signed,
    message: &[u8],
    by: [Option<&KeySet>; 2],
    keys: &KeyPolicy,
) -> Result<(), BundleError> {
    let id = signature.key();
    let key = by.into_iter().flatten().find_map(|set| set.key(id));
    let key = key.ok_or(BundleError::ForeignSignature { key: id, over })?;
    match key.check(message, signature.bytes(), keys) {
        SignatureCheck::Verified => Ok(()),
        SignatureCheck::Wrong => Err(BundleError::WrongSignature { key: id, over }),
        SignatureCheck::Unsupported => Err(BundleError::Unsupported {
            key: id,
            kind: key.algorithm(),
        }),
    }
}
