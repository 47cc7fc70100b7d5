//! Each reason for which a node refuses a publication, with its values. Nothing is changed then.

use mutual_trust::admin::bundle::{Bundle, BundleHead, FleetId, Held, KeySet, Part, Publication};
use mutual_trust::certificate::Timestamp;
use mutual_trust::error::BundleError;
use mutual_trust::limits::{MAX_PUBLICATION_BYTES, MAX_SEQUENCE, MAX_SEQUENCE_STEP};
use mutual_trust::store::BlockSelector;
use mutual_trust::{CurrentTime, EntryOptions, Fingerprint, TrustSnapshot, TrustStore};

use super::common::*;
use crate::durable::common::checked;
use crate::support::pki::spec;
use crate::support::*;

#[test]
fn another_fleet_is_refused_also_if_it_has_the_same_keys() {
    let all = signers(1);
    let ours = key_set(1, &all);
    let other: FleetId = "site-b".parse().unwrap();
    let theirs = KeySet::new(other, 1, keys_of(&all)).unwrap();
    let publication = published(&theirs, 1, &all);
    let error = verify(&Held::new(ours, Part::All), &publication).unwrap_err();
    assert!(
        matches!(&error, BundleError::OtherFleet { held, offered, .. }
            if held.as_str() == "site-a" && offered.as_str() == "site-b"),
        "{error}"
    );
}

#[test]
fn another_part_is_refused() {
    let all = signers(1);
    let set = key_set(1, &all);
    let publication = published(&set, 1, &all);
    let error = verify(&Held::new(set, Part::Systems), &publication).unwrap_err();
    assert!(
        matches!(
            error,
            BundleError::OtherPart {
                held: Part::Systems,
                offered: Part::All,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_sequence_below_the_one_that_is_held_is_refused_and_the_same_bundle_is_not() {
    let all = signers(1);
    let set = key_set(1, &all);
    let first = Held::new(set.clone(), Part::All);
    let [old, newer] = [3, 4].map(|sequence| published(&set, sequence, &all));
    let held = verify(&first, &newer).unwrap().held().clone();
    let error = verify(&held, &old).unwrap_err();
    assert!(
        matches!(
            error,
            BundleError::SequenceBelow {
                held: 4,
                offered: 3,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(*verify(&held, &newer).unwrap().held(), held);
}

#[test]
fn one_sequence_with_two_contents_is_refused() {
    let all = signers(1);
    let set = key_set(1, &all);
    // Each has new certificates.
    let [one, other] = [(); 2].map(|()| published(&set, 7, &all));
    let first = Held::new(set, Part::All);
    let held = verify(&first, &one).unwrap().held().clone();
    let error = verify(&held, &other).unwrap_err();
    assert!(
        matches!(&error, BundleError::SameSequenceOtherBytes { sequence: 7, held, offered, .. }
            if *held == one.bundle().digest() && *offered == other.bundle().digest()),
        "{error}"
    );
}

#[test]
fn a_sequence_may_jump_so_far_and_no_further() {
    let all = signers(1);
    let set = key_set(1, &all);
    let first = Held::new(set.clone(), Part::All);
    let held = verify(&first, &published(&set, 5, &all)).unwrap();
    let held = held.held();
    let farthest = 5 + MAX_SEQUENCE_STEP;
    assert!(verify(held, &published(&set, farthest, &all)).is_ok());
    let error = verify(held, &published(&set, farthest + 1, &all)).unwrap_err();
    assert!(
        matches!(error, BundleError::JumpTooFar { held: 5, offered, limit: MAX_SEQUENCE_STEP, .. }
            if offered == farthest + 1),
        "{error}"
    );
    // A node that joins has no number to compare with.
    assert!(verify(&first, &published(&set, MAX_SEQUENCE, &all)).is_ok());
    for sequence in [0, MAX_SEQUENCE + 1] {
        let head = BundleHead::new(&set, Part::All, sequence, at(NOW), at(UNTIL));
        assert!(matches!(head, Err(BundleError::Impossible { .. })));
    }
}

#[test]
fn signatures_below_the_threshold_and_of_other_keys_are_named_and_not_counted() {
    let all = signers(3);
    let others = signers(2);
    let set = key_set(2, &all);
    let theirs = key_set(2, &others);
    let bundle = bundle(&set, 1);
    let node = Held::new(set.clone(), Part::All);
    let mut publication = Publication::new([set.clone()], bundle.clone()).unwrap();
    let error = verify(&node, &publication).unwrap_err();
    let BundleError::TooFewSignatures { by: 1, tally, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((tally.valid.len(), tally.needed), (0, 2));

    sign(&mut publication, &all[..1]);
    // A signature of another key cannot be added, so it is put into the text.
    let foreign = bundle.sign(&*others[0]).unwrap();
    let error = publication.add_signature(foreign.clone(), keys());
    assert!(
        matches!(error, Err(BundleError::ForeignSignature { key, .. }) if key == others[0].key().id())
    );
    let publication = with_signatures(&publication, [foreign]);
    let error = verify(&node, &publication).unwrap_err();
    let BundleError::TooFewSignatures { tally, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(tally.valid, [all[0].key().id()]);
    assert_eq!(tally.foreign, [others[0].key().id()]);
    let missing = publication.missing(keys());
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].keys.len(), 2);
    assert_eq!(missing[0].tally, **tally);

    // Enough of others are not enough of ours.
    let mut foreign: Vec<_> = others
        .iter()
        .map(|one| bundle.sign(&**one).unwrap())
        .collect();
    let stolen = Publication::new([set.clone()], bundle.clone()).unwrap();
    let stolen = with_signatures(&stolen, foreign.clone());
    let error = verify(&node, &stolen).unwrap_err();
    assert!(
        matches!(&error, BundleError::TooFewSignatures { tally, .. } if tally.foreign.len() == 2),
        "{error}"
    );
    // They change nothing beside enough of ours, and are named.
    foreign.extend(all[..2].iter().map(|one| bundle.sign(&**one).unwrap()));
    let both = with_signatures(&stolen, foreign);
    let verified = verify(&node, &both).unwrap();
    assert_eq!(verified.signers().len(), 2);
    assert_eq!(verified.tally().foreign.len(), 2);
    // The other fleet of the same name has other keys.
    let error = verify(&Held::new(theirs.clone(), Part::All), &both).unwrap_err();
    assert!(
        matches!(&error, BundleError::KeySetChanged { version: 1, held, offered, .. }
            if *held == theirs.digest() && *offered == set.digest()),
        "{error}"
    );
}

#[test]
fn a_signature_under_the_name_of_another_key_counts_for_neither() {
    let all = signers(2);
    let set = key_set(2, &all);
    let bundle = bundle(&set, 1);
    let [one, _] = &all[..] else { panic!() };
    let signed = one.sign(bundle.to_sign()).unwrap();
    let signature = |key: usize| {
        let key = all[key].key().id();
        mutual_trust::admin::bundle::Signature::new(bundle.digest(), key, &signed).unwrap()
    };
    let mut publication = Publication::new([set.clone()], bundle.clone()).unwrap();
    publication.add_signature(signature(0), keys()).unwrap();
    let error = publication.add_signature(signature(1), keys());
    assert!(matches!(error, Err(BundleError::WrongSignature { .. })));
    let publication = with_signatures(&publication, [signature(1)]);
    let error = verify(&Held::new(set, Part::All), &publication).unwrap_err();
    assert!(
        matches!(&error, BundleError::TooFewSignatures { tally, .. }
            if tally.valid.len() == 1 && tally.wrong == [all[1].key().id()]),
        "{error}"
    );
}

#[test]
fn one_key_signs_once_however_often_it_signs() {
    let all = signers(2);
    let set = key_set(2, &all);
    let mut publication = Publication::new([set.clone()], bundle(&set, 1)).unwrap();
    sign(&mut publication, &all[..1]);
    sign(&mut publication, &all[..1]);
    assert_eq!(publication.missing(keys()).len(), 1);
    // Twice in the text is no text of a publication.
    let signature = publication.bundle().sign(&*all[0]).unwrap();
    let twice = items_with(&publication, [signature.to_bytes(), signature.to_bytes()]);
    let error = Publication::read(&twice).unwrap_err();
    assert!(
        matches!(
            &error,
            BundleError::Damaged {
                what: "publication",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn an_end_is_judged_by_the_clock_and_at_the_floor_while_it_is_unset() {
    let all = signers(1);
    let set = key_set(1, &all);
    let publication = published(&set, 1, &all);
    let node = Held::new(set, Part::All);
    let verify = |clock: Option<u64>, floor: Option<u64>| {
        let clock = clock.map_or(CurrentTime::Unset, |clock| CurrentTime::Known(at(clock)));
        node.verify(&publication, clock, floor.map(at), keys())
    };
    let expired = |clock: Option<u64>, floor: Option<u64>, shown: u64| {
        let error = verify(clock, floor).unwrap_err();
        assert!(
            matches!(error, BundleError::Expired { until, now, .. }
                if until == Timestamp::from(at(UNTIL)) && now == Timestamp::from(at(shown))),
            "{error}"
        );
    };
    assert!(verify(Some(UNTIL), None).is_ok());
    expired(Some(UNTIL + 1), None, UNTIL + 1);
    // No clock: the floor says the least that it can be.
    assert!(verify(None, None).is_ok());
    assert!(verify(None, Some(UNTIL)).is_ok());
    expired(None, Some(UNTIL + 1), UNTIL + 1);
    // A clock more than 26 hours below the floor counts as unset.
    let hour = 60 * 60;
    assert!(verify(Some(NOW), Some(NOW + 26 * hour)).is_ok());
    expired(Some(0), Some(UNTIL + 1), UNTIL + 1);
    assert!(verify(Some(UNTIL), Some(UNTIL + 1)).is_ok());
    // What the node holds was taken in time, and is taken again after a crash.
    let held = verify(Some(NOW), None).unwrap().held().clone();
    let later = CurrentTime::Known(at(UNTIL + DAY));
    assert!(held.verify(&publication, later, None, keys()).is_ok());
    assert!(node.verify(&publication, later, None, keys()).is_err());
}

#[test]
fn a_bundle_is_not_made_far_ahead_of_the_clock() {
    let all = signers(1);
    let set = key_set(1, &all);
    let publication = published(&set, 1, &all);
    let node = Held::new(set, Part::All);
    let made = NOW - DAY;
    let earliest = made - 26 * 60 * 60;
    let verify = |clock: u64, floor: Option<u64>| {
        let clock = CurrentTime::Known(at(clock));
        node.verify(&publication, clock, floor.map(at), keys())
    };
    assert!(verify(earliest, None).is_ok());
    let error = verify(earliest - 1, None).unwrap_err();
    assert!(
        matches!(error, BundleError::NotYetMade { made: stated, now, .. }
            if stated == Timestamp::from(at(made)) && now == Timestamp::from(at(earliest - 1))),
        "{error}"
    );
    // A clock that does not count says nothing about it; nor does a floor.
    assert!(verify(0, Some(made)).is_ok());
    assert!(
        node.verify(&publication, CurrentTime::Unset, Some(at(0)), keys())
            .is_ok()
    );
}

fn nothing() -> TrustSnapshot {
    TrustStore::new(keys()).contents().clone()
}

#[test]
fn a_bundle_without_pins_and_authorities_says_so() {
    let all = signers(1);
    let set = key_set(1, &all);
    let node = Held::new(set.clone(), Part::All);
    let stated = head(&set, 1).trusting_none();
    assert!(matches!(
        Bundle::new(&nothing(), head(&set, 1)),
        Err(BundleError::EmptyNotStated)
    ));
    assert!(matches!(
        Bundle::new(&small_store(), stated.clone()),
        Err(BundleError::NotEmpty { entries: 2, .. })
    ));
    // Blocks take trust away, and intermediates give none.
    let mut blocks = TrustStore::new(keys());
    let _ = blocks.block_selector(BlockSelector::Fingerprint(Fingerprint::from_bytes([7; 32])));
    let issuing = spec("Issuing").ca().self_signed().certificate();
    let installed = blocks.install_intermediate(issuing, EntryOptions::new());
    let _ = installed.unwrap();
    for empty in [&nothing(), blocks.contents()] {
        let bundle = Bundle::new(empty, stated.clone()).unwrap();
        let text = String::from_utf8(bundle.to_bytes().to_vec()).unwrap();
        let mut publication = Publication::new([set.clone()], bundle).unwrap();
        sign(&mut publication, &all);
        let verified = verify(&node, &publication).unwrap();
        assert!(verified.head().trusts_none());
        assert_eq!(verified.snapshot().entries().len(), empty.entries().len());
        // The same without the statement, signed all the same.
        let publication = signed_text(&set, &text.replacen("trust none\n", "", 1), &all);
        let error = verify(&node, &publication).unwrap_err();
        assert!(matches!(error, BundleError::EmptyNotStated), "{error}");
    }
    let text = String::from_utf8(bundle(&set, 1).to_bytes().to_vec()).unwrap();
    let untrue = text.replacen("keys 1\n", "keys 1\ntrust none\n", 1);
    let error = verify(&node, &signed_text(&set, &untrue, &all)).unwrap_err();
    assert!(
        matches!(error, BundleError::NotEmpty { entries: 2, .. }),
        "{error}"
    );
}

#[test]
fn a_record_of_another_part_is_refused() {
    let all = signers(1);
    let set = key_set(1, &all);
    let text = String::from_utf8(bundle(&set, 1).to_bytes().to_vec()).unwrap();
    let line = |start: &str| crate::durable::common::line_of(&text, start);
    for (part, first) in [
        (Part::Systems, "server keys-1 "),
        (Part::Servers, "pin clients "),
    ] {
        let changed = text.replacen("part all\n", &format!("part {part}\n"), 1);
        let error = verify(
            &Held::new(set.clone(), part),
            &signed_text(&set, &changed, &all),
        );
        let error = error.unwrap_err();
        let at_line = line(first);
        assert!(
            matches!(&error, BundleError::NotInPart { part: of, line, record, .. }
                if *of == part && *line == at_line && record.starts_with(first.trim_end())),
            "{error}"
        );
    }
    // What belongs to one machine belongs to no part.
    for record in [
        "generation 7",
        "floor 2027-01-01T00:00:00Z",
        "head sha256 00",
    ] {
        let record = checked(record);
        let changed = text.replacen("server keys-1 ", &format!("{record}\nserver keys-1 "), 1);
        let error = verify(
            &Held::new(set.clone(), Part::All),
            &signed_text(&set, &changed, &all),
        );
        assert!(
            matches!(&error, Err(BundleError::NotInPart { line, .. }) if *line == line_of_server(&text)),
            "{error:?}"
        );
    }
}

fn line_of_server(text: &str) -> usize {
    crate::durable::common::line_of(text, "server keys-1 ")
}

#[test]
fn a_bundle_is_for_the_newest_key_set_of_its_publication() {
    let all = signers(1);
    let set = key_set(1, &all);
    let next = set.next(1, keys_of(&all)).unwrap();
    let error = Publication::new([set.clone(), next.clone()], bundle(&set, 1)).unwrap_err();
    assert!(
        matches!(
            error,
            BundleError::OtherKeySet {
                named: 1,
                newest: 2,
                ..
            }
        ),
        "{error}"
    );
    let error = Publication::new([set], bundle(&next, 1)).unwrap_err();
    assert!(
        matches!(
            error,
            BundleError::OtherKeySet {
                named: 2,
                newest: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_signature_on_something_else_is_not_added() {
    let all = signers(1);
    let set = key_set(1, &all);
    let mut publication = Publication::new([set.clone()], bundle(&set, 1)).unwrap();
    let other = bundle(&set, 1).sign(&*all[0]).unwrap();
    let error = publication
        .add_signature(other.clone(), keys())
        .unwrap_err();
    assert!(
        matches!(error, BundleError::SignsNothing { key, over, .. }
            if key == other.key() && over == other.over()),
        "{error}"
    );
    // Nor is one on the key set one on the bundle, and the other way round.
    let digest = publication.bundle().digest();
    let of_set = all[0].sign(set.to_sign()).unwrap();
    let of_bundle = all[0].sign(publication.bundle().to_sign()).unwrap();
    let bare = all[0].sign(publication.bundle().to_bytes()).unwrap();
    for (over, signed) in [
        (digest, &of_set),
        (set.digest(), &of_bundle),
        (digest, &bare),
    ] {
        let signature =
            mutual_trust::admin::bundle::Signature::new(over, all[0].key().id(), signed);
        let error = publication.add_signature(signature.unwrap(), keys());
        assert!(matches!(error, Err(BundleError::WrongSignature { .. })));
    }
}

#[test]
fn more_bytes_than_the_limit_are_not_looked_at() {
    let mut large = vec![b' '; MAX_PUBLICATION_BYTES];
    assert!(matches!(
        Publication::read(&large),
        Err(BundleError::Damaged { line: 1, .. })
    ));
    large.push(b' ');
    let error = Publication::read(&large).unwrap_err();
    assert!(
        matches!(error, BundleError::TooLarge { what: "publication", size, limit: MAX_PUBLICATION_BYTES, .. }
            if size == MAX_PUBLICATION_BYTES + 1),
        "{error}"
    );
    assert!(matches!(
        Bundle::read(&large),
        Err(BundleError::TooLarge { what: "bundle", .. })
    ));
}

/// What a node could not read is not made.
#[test]
fn a_publication_has_room_for_its_key_sets_and_for_a_signature() {
    let all = signers(1);
    let set = key_set(1, &all);
    let text = String::from_utf8(bundle(&set, 1).to_bytes().to_vec()).unwrap();
    // Its records are not read before it is verified.
    let padded = |size: usize| {
        let text = format!("{text}{}", " ".repeat(size - text.len()));
        Publication::new([set.clone()], Bundle::read(text.as_bytes()).unwrap())
    };
    let error = padded(MAX_PUBLICATION_BYTES).unwrap_err();
    let BundleError::TooLarge { size, .. } = error else {
        panic!("{error}");
    };
    let more = size - MAX_PUBLICATION_BYTES;
    let mut largest = padded(MAX_PUBLICATION_BYTES - more).unwrap();
    assert_eq!(largest.to_bytes().len(), MAX_PUBLICATION_BYTES);
    let signature = largest.bundle().sign(&*all[0]).unwrap();
    let error = largest.add_signature(signature, keys());
    assert!(
        matches!(
            error,
            Err(BundleError::TooLarge {
                what: "publication",
                ..
            })
        ),
        "{error:?}"
    );
}

#[test]
fn a_bundle_of_another_fleet_has_no_place_among_these_key_sets() {
    let all = signers(1);
    let ours = key_set(1, &all);
    let other: FleetId = "site-b".parse().unwrap();
    let theirs = KeySet::new(other, 1, keys_of(&all)).unwrap();
    let error = Publication::new([ours], bundle(&theirs, 1)).unwrap_err();
    assert!(
        matches!(&error, BundleError::OtherFleet { held, offered, .. }
            if held.as_str() == "site-a" && offered.as_str() == "site-b"),
        "{error}"
    );
}
