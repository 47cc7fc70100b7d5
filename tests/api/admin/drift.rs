//! A member of a group that still presents the old certificate is found.

use mutual_trust::admin::PendingReason;
use mutual_trust::store::Scope;
use mutual_trust::{EntryOptions, PinMatch, PinScope};

use crate::admin::desk::{Desk, group};
use crate::invariants::pool::days;
use crate::support::pki::{self_signed, spec};
use crate::support::server_id;

const MEMBERS: [&str; 3] = ["kms-1", "kms-2", "kms-3"];

#[test]
fn a_member_that_still_presents_the_old_certificate_is_named() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &MEMBERS);
    let (old, new) = (self_signed("old"), self_signed("new"));
    let old_key = desk.group_pin("cluster", &old);
    for member in MEMBERS {
        assert!(desk.connects(member, &[&old]));
    }
    assert!(desk.seen.drift(desk.view()).is_empty());

    desk.clock.set(Some(days(1)));
    let new_key = desk.group_pin("cluster", &new);
    let drift = desk.seen.drift(desk.view());
    assert_eq!(drift.len(), 1);
    assert_eq!(drift[0].scope(), &Scope::Group(group("cluster")));
    assert_eq!(drift[0].up_to_date(), 0);
    // No server was seen since: whether they renewed is not known.
    for behind in drift[0].pending() {
        assert!(
            matches!(behind.lag, PendingReason::NotSeenSince { .. }),
            "{behind}"
        );
    }

    desk.clock.set(Some(days(2)));
    assert!(desk.connects("kms-1", &[&new]));
    assert!(desk.connects("kms-2", &[&new]));
    assert!(desk.connects("kms-3", &[&old]));
    let drift = desk.seen.drift(desk.view());
    assert_eq!(drift[0].up_to_date(), 2);
    assert_eq!(drift[0].expected().entry, new_key);
    assert!(drift[0].expected().newest);
    let behind = drift[0].pending().items();
    assert_eq!(behind.len(), 1);
    assert_eq!(behind[0].server, server_id("kms-3"));
    match &behind[0].lag {
        PendingReason::Presents {
            fingerprint,
            entry,
            at,
            ..
        } => {
            assert_eq!(*fingerprint, old.certificate.fingerprint());
            assert_eq!(*entry, old_key);
            assert!(at.is_some());
        }
        other => panic!("{other:?}"),
    }
    let shown = drift[0].to_string();
    assert!(shown.contains("server kms-3 presents"), "{shown}");

    assert!(desk.connects("kms-3", &[&new]));
    assert!(desk.seen.drift(desk.view()).is_empty());
}

#[test]
fn a_member_that_was_never_seen_is_named_as_that() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &MEMBERS);
    let own = self_signed("own");
    desk.group_pin("cluster", &own);
    assert!(desk.connects("kms-1", &[&own]));
    let drift = desk.seen.drift(desk.view());
    let behind: Vec<_> = drift[0]
        .pending()
        .items()
        .iter()
        .map(|one| &one.lag)
        .collect();
    assert_eq!(
        behind,
        [&PendingReason::NeverSeen, &PendingReason::NeverSeen]
    );
}

#[test]
fn when_the_newest_pin_cannot_be_told_the_majority_counts() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &MEMBERS);
    let (left, right) = (self_signed("left"), self_signed("right"));
    // Installed in the same second.
    let left_key = desk.group_pin("cluster", &left);
    desk.group_pin("cluster", &right);
    desk.connects("kms-1", &[&left]);
    desk.connects("kms-2", &[&left]);
    desk.connects("kms-3", &[&right]);
    let drift = desk.seen.drift(desk.view());
    assert_eq!(drift[0].expected().entry, left_key);
    assert!(!drift[0].expected().newest);
    assert_eq!(drift[0].pending().items()[0].server, server_id("kms-3"));
}

#[test]
fn a_pin_that_is_disabled_or_blocked_is_not_expected() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &MEMBERS);
    let (old, new) = (self_signed("old"), self_signed("new"));
    desk.group_pin("cluster", &old);
    for member in MEMBERS {
        desk.connects(member, &[&old]);
    }
    desk.clock.set(Some(days(1)));
    let new_key = desk.group_pin("cluster", &new);
    desk.store.disable(&new_key, "not yet").unwrap();
    assert!(desk.seen.drift(desk.view()).is_empty());
    desk.store.enable(&new_key).unwrap();
    assert_eq!(desk.seen.drift(desk.view()).len(), 1);
    desk.store.block(&new.certificate);
    assert!(desk.seen.drift(desk.view()).is_empty());
}

#[test]
fn a_member_with_a_pin_of_its_own_is_not_asked_for_that_of_the_group() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &MEMBERS);
    let (shared, own) = (self_signed("shared"), self_signed("own"));
    desk.group_pin("cluster", &shared);
    desk.server_pin("kms-3", &own);
    desk.connects("kms-1", &[&shared]);
    desk.connects("kms-2", &[&shared]);
    desk.connects("kms-3", &[&own]);
    assert!(desk.seen.drift(desk.view()).is_empty());
}

#[test]
fn a_single_server_with_a_current_and_a_next_pin_is_followed_as_well() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let (old, new) = (self_signed("old"), self_signed("new"));
    desk.server_pin("keys-1", &old);
    assert!(desk.seen.drift(desk.view()).is_empty());
    desk.clock.set(Some(days(1)));
    desk.server_pin("keys-1", &new);
    desk.connects("keys-1", &[&old]);
    let drift = desk.seen.drift(desk.view());
    assert_eq!(drift[0].scope(), &Scope::Server(server_id("keys-1")));
    assert!(matches!(
        drift[0].pending().items()[0].lag,
        PendingReason::Presents { .. }
    ));
    desk.connects("keys-1", &[&new]);
    assert!(desk.seen.drift(desk.view()).is_empty());
}

#[test]
fn under_a_pin_by_public_key_the_newest_certificate_that_was_seen_is_expected() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &MEMBERS);
    let day = 24 * 60 * 60;
    let old = spec("shared").valid(-100 * day, 100 * day).self_signed();
    let new = spec("shared")
        .valid(-day, 300 * day)
        .key_of(&old)
        .self_signed();
    let options = EntryOptions::new().with_matching(PinMatch::PublicKey);
    desk.pin_with(PinScope::Group(group("cluster")), &old, options);
    assert!(desk.connects("kms-1", &[&new]));
    assert!(desk.connects("kms-2", &[&old]));
    assert!(desk.connects("kms-3", &[&new]));
    let drift = desk.seen.drift(desk.view());
    assert_eq!(
        drift[0].expected().fingerprint,
        new.certificate.fingerprint()
    );
    assert_eq!(drift[0].pending().items()[0].server, server_id("kms-2"));
    assert_eq!(drift[0].up_to_date(), 2);
}

#[test]
fn under_a_pin_by_public_key_what_another_pin_accepted_is_not_expected() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &MEMBERS);
    let day = 24 * 60 * 60;
    let shared = spec("shared").valid(-100 * day, 100 * day).self_signed();
    let newer = spec("newer").valid(-day, 300 * day).self_signed();
    let options = EntryOptions::new().with_matching(PinMatch::PublicKey);
    let scope = PinScope::Group(group("cluster"));
    let key = desk.pin_with(scope, &shared, options);
    desk.group_pin("cluster", &newer);
    for (member, made) in MEMBERS.iter().zip([&shared, &shared, &newer]) {
        assert!(desk.connects(member, &[made]));
    }
    let drift = desk.seen.drift(desk.view());
    let expected = drift[0].expected();
    assert_eq!(expected.entry, key);
    assert_eq!(expected.fingerprint, shared.certificate.fingerprint());
}
