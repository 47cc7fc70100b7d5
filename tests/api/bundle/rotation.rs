//! New signing keys, by the rule of TUF for root keys: signed by the threshold of the old ones and of the new ones, one
//! step at a time.

use mutual_trust::admin::bundle::{Held, KeySet, Part, Publication, Signed, Signer};
use mutual_trust::error::BundleError;

use super::common::*;
use crate::support::*;

type Keys = [Box<dyn Signer>];

/// The publication after one, for a next key set that these keys sign.
fn rotated(
    before: &Publication,
    set: &KeySet,
    sequence: u64,
    by: &[&Keys],
    new: &Keys,
) -> Publication {
    let mut next = before
        .next(Some(set.clone()), bundle(set, sequence))
        .unwrap();
    for signers in by {
        sign_keys(&mut next, signers);
    }
    sign(&mut next, new);
    next
}

#[test]
fn all_keys_are_replaced_in_two_steps_and_a_node_follows_from_any_of_them() {
    let [a, b, c] = [signers(2), signers(2), signers(3)];
    let one = key_set(2, &a);
    let mixed = [&a[..1], &b[..]].concat_keys();
    let two = one.next(2, mixed).unwrap();
    let three = two.next(3, keys_of(&c)).unwrap();
    let first = published(&one, 1, &a);
    let second = rotated(&first, &two, 2, &[&a, &b], &b);
    let third = rotated(&second, &three, 3, &[&b, &c], &c);
    assert!(third.missing(keys()).is_empty());

    let joined = Held::new(one.clone(), Part::All);
    // One step at a time, or both at once.
    let step = verify(&joined, &first).unwrap();
    let step = verify(step.held(), &second).unwrap();
    assert_eq!(step.key_set().version(), 2);
    let step = verify(step.held(), &third).unwrap();
    let both = verify(&joined, &third).unwrap();
    assert_eq!(step.held(), both.held());
    assert_eq!(*both.key_set(), three);
    // A node that joined with the second, or with the third.
    for set in [&two, &three] {
        assert!(verify(&Held::new(set.clone(), Part::All), &third).is_ok());
    }

    // What was published before ends with an older key set.
    let error = verify(both.held(), &second).unwrap_err();
    assert!(
        matches!(
            error,
            BundleError::KeySetBelow {
                held: 3,
                offered: 2,
                ..
            }
        ),
        "{error}"
    );
    // Keys that went sign nothing any more.
    let mut stolen = second.next(None, bundle(&two, 9)).unwrap();
    sign(&mut stolen, &b);
    let error = verify(both.held(), &stolen).unwrap_err();
    assert!(matches!(error, BundleError::KeySetBelow { .. }), "{error}");
    let mut late = third.next(None, bundle(&three, 9)).unwrap();
    let signature = late.bundle().sign(&*b[0]).unwrap();
    let error = late.add_signature(signature.clone(), keys()).unwrap_err();
    assert!(
        matches!(
            error,
            BundleError::ForeignSignature {
                over: Signed::Bundle,
                ..
            }
        ),
        "{error}"
    );
    let late = with_signatures(&late, [signature]);
    let error = verify(both.held(), &late).unwrap_err();
    assert!(
        matches!(error, BundleError::TooFewSignatures { by: 3, .. }),
        "{error}"
    );
}

trait Concat {
    fn concat_keys(&self) -> Vec<mutual_trust::admin::bundle::BundleKey>;
}

impl Concat for [&Keys; 2] {
    fn concat_keys(&self) -> Vec<mutual_trust::admin::bundle::BundleKey> {
        self.iter().flat_map(|keys| keys_of(keys)).collect()
    }
}

/// What is wrong with a step, as the version of the key set whose threshold is not met, with the valid signatures.
fn not_signed(node: &Held, publication: &Publication) -> (u64, u64, usize, usize) {
    let error = verify(node, publication).unwrap_err();
    let BundleError::KeySetNotSigned {
        version, by, tally, ..
    } = error
    else {
        panic!("{error}");
    };
    (version, by, tally.valid.len(), tally.needed)
}

#[test]
fn a_key_set_is_signed_by_the_old_keys_and_by_the_new_ones() {
    let [old, new] = [signers(3), signers(3)];
    let one = key_set(2, &old);
    let two = one.next(2, keys_of(&new)).unwrap();
    let first = published(&one, 1, &old);
    let node = Held::new(one, Part::All);
    let with = |by: &[&Keys]| rotated(&first, &two, 2, by, &new);
    assert_eq!(not_signed(&node, &with(&[])), (2, 1, 0, 2));
    assert_eq!(not_signed(&node, &with(&[&new])), (2, 1, 0, 2));
    assert_eq!(not_signed(&node, &with(&[&old[..1], &new])), (2, 1, 1, 2));
    assert_eq!(not_signed(&node, &with(&[&old])), (2, 2, 0, 2));
    assert_eq!(not_signed(&node, &with(&[&old, &new[..1]])), (2, 2, 1, 2));
    let whole = with(&[&old[1..], &new[..2]]);
    assert!(verify(&node, &whole).is_ok());
    // Neither set is complete by what the two have together.
    let missing = with(&[&old[..1], &new[..1]]).missing(keys());
    let of: Vec<_> = missing.iter().map(|one| (one.over, one.by)).collect();
    assert_eq!(of, [(Signed::KeySet(2), 1), (Signed::KeySet(2), 2)]);
}

#[test]
fn a_threshold_that_is_raised_holds_for_the_step_itself() {
    let all = signers(3);
    let one = key_set(1, &all);
    let two = one.next(3, keys_of(&all)).unwrap();
    let first = published(&one, 1, &all);
    let node = Held::new(one, Part::All);
    let step = rotated(&first, &two, 2, &[&all[..2]], &all);
    assert_eq!(not_signed(&node, &step), (2, 2, 2, 3));
    let step = rotated(&first, &two, 2, &[&all], &all);
    let verified = verify(&node, &step).unwrap();
    assert_eq!(verified.signers().len(), 3);
    let mut next = step.next(None, bundle(&two, 3)).unwrap();
    sign(&mut next, &all[..2]);
    let error = verify(verified.held(), &next).unwrap_err();
    assert!(
        matches!(&error, BundleError::TooFewSignatures { by: 2, tally, .. }
            if tally.valid.len() == 2 && tally.needed == 3),
        "{error}"
    );
}

#[test]
fn no_version_is_skipped() {
    let all = signers(1);
    let one = key_set(1, &all);
    let two = one.next(1, keys_of(&all)).unwrap();
    let three = two.next(1, keys_of(&all)).unwrap();
    for (sets, before, found) in [
        (vec![&one, &three], 1, 3),
        (vec![&two, &three], 0, 2),
        (vec![&one, &one], 1, 1),
        (vec![&one, &two, &one], 2, 1),
    ] {
        let sets = sets.into_iter().cloned();
        let error = Publication::new(sets, bundle(&three, 1)).unwrap_err();
        assert!(
            matches!(error, BundleError::KeySetSkipped { before: last, found: next, .. }
                if (last, next) == (before, found)),
            "{error}"
        );
    }
}

#[test]
fn a_publication_has_a_key_set() {
    let set = key_set(1, &signers(1));
    let error = Publication::new([], bundle(&set, 1)).unwrap_err();
    assert!(matches!(error, BundleError::Impossible { .. }), "{error}");
    assert!(error.to_string().contains("no key set"), "{error}");
}

#[test]
fn a_key_set_follows_one_and_no_other() {
    let all = signers(2);
    let one = key_set(1, &all);
    let other = key_set(2, &all);
    let two = other.next(1, keys_of(&all)).unwrap();
    let error = Publication::new([one.clone(), two.clone()], bundle(&two, 1)).unwrap_err();
    assert!(
        matches!(error, BundleError::KeySetOther { version: 2, .. }),
        "{error}"
    );
    // The node has the second of two histories, and gets the first: a key set below its own is another one.
    let [left, right] = [&one, &other].map(|first| first.next(2, keys_of(&all)).unwrap());
    let node = Held::new(right.clone(), Part::All);
    let first = published(&one, 1, &all);
    let publication = rotated(&first, &left, 2, &[&all], &all);
    let error = verify(&node, &publication).unwrap_err();
    assert!(
        matches!(&error, BundleError::KeySetChanged { version: 2, held, offered, .. }
            if *held == right.digest() && *offered == left.digest()),
        "{error}"
    );
}

#[test]
fn signatures_on_key_sets_that_the_node_trusts_are_not_asked_for() {
    let [old, new] = [signers(1), signers(1)];
    let one = key_set(1, &old);
    let two = one.next(1, keys_of(&new)).unwrap();
    let first = published(&one, 1, &old);
    let unsigned = rotated(&first, &two, 2, &[], &new);
    assert!(verify(&Held::new(two, Part::All), &unsigned).is_ok());
    assert!(verify(&Held::new(one, Part::All), &unsigned).is_err());
}

#[test]
fn sixteen_keys_can_be_replaced_by_sixteen_others() {
    let [old, new] = [signers(16), signers(16)];
    let one = key_set(16, &old);
    let two = one.next(16, keys_of(&new)).unwrap();
    let step = rotated(&published(&one, 1, &old), &two, 2, &[&old, &new], &new);
    assert!(verify(&Held::new(one, Part::All), &step).is_ok());
}
