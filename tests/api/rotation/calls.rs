//! What each call does and refuses, without handshakes.

use mutual_trust::Identity;
use mutual_trust::error::RotationError;
use mutual_trust::tls::Identities;

use crate::rotation::{keys_1, keys_2};
use crate::support::pki::self_signed;
use crate::support::{provider, server_id};

fn identity(name: &str) -> Identity {
    self_signed(name).identity(&[], &provider())
}

fn same(left: &Identity, right: &Identity) -> bool {
    left.certificate() == right.certificate()
}

#[test]
fn an_identity_alone_is_presented_to_all() {
    let only = identity("array-7.example");
    let identities = Identities::from(only.clone());
    assert!(same(&identities.current(), &only));
    assert!(same(&identities.presented_to(&keys_1()), &only));
    assert!(same(&identities.presented_to_many(), &only));
    assert!(identities.next().is_none());
}

#[test]
fn without_a_staged_identity_there_is_nothing_to_change() {
    let identities = Identities::new(identity("array-7.example"));
    let nothing = Err(RotationError::NothingStaged);
    assert_eq!(identities.activate(&keys_1()), nothing);
    assert_eq!(identities.activate_all(), nothing);
    assert_eq!(identities.revert(&keys_1()), nothing);
    assert_eq!(identities.revert_all(), nothing);
    assert_eq!(identities.commit(), nothing);
    assert_eq!(identities.cancel(), nothing);
}

#[test]
fn the_current_certificate_cannot_be_staged() {
    let current = identity("array-7.example");
    let identities = Identities::new(current.clone());
    let certificate = current.certificate().fingerprint();
    let staged = identities.stage(current);
    assert!(matches!(
        staged,
        Err(RotationError::AlreadyCurrent { certificate: found, .. }) if found == certificate
    ));
    assert!(identities.next().is_none());
}

#[test]
fn an_identity_that_some_server_gets_is_not_replaced_by_another() {
    let [old, first, second] = ["old.example", "first.example", "second.example"].map(identity);
    let identities = Identities::new(old);
    identities.stage(first.clone()).unwrap();
    // Never activated: replaced, and replaced again.
    identities.stage(second.clone()).unwrap();
    assert!(same(&identities.next().unwrap(), &second));
    identities.stage(first.clone()).unwrap();
    identities.activate(&keys_1()).unwrap();
    let certificate = first.certificate().fingerprint();
    assert!(matches!(
        identities.stage(second.clone()),
        Err(RotationError::InUse { certificate: found, .. }) if found == certificate
    ));
    assert!(same(&identities.presented_to(&keys_1()), &first));
    identities.activate_all().unwrap();
    let in_use = |staged| matches!(staged, Err(RotationError::InUse { .. }));
    assert!(in_use(identities.stage(second.clone())));
    // For all but one is not for none.
    identities.revert(&keys_1()).unwrap();
    assert!(in_use(identities.stage(second.clone())));
    identities.revert_all().unwrap();
    identities.stage(second).unwrap();
}

#[test]
fn the_old_identity_is_let_go_only_when_nobody_gets_it() {
    let [old, new] = ["old.example", "new.example"].map(identity);
    let identities = Identities::new(old.clone());
    identities.stage(new.clone()).unwrap();
    assert_eq!(identities.commit(), Err(RotationError::NotForAll));
    identities.activate(&keys_1()).unwrap();
    // Which servers there are besides is not known.
    assert_eq!(identities.commit(), Err(RotationError::NotForAll));
    identities.activate_all().unwrap();
    identities.revert(&keys_2()).unwrap();
    assert_eq!(identities.commit(), Err(RotationError::NotForAll));
    assert!(same(&identities.current(), &old));
    assert!(same(&identities.next().unwrap(), &new));
    identities.activate(&keys_2()).unwrap();
    identities.commit().unwrap();
    assert!(same(&identities.current(), &new));
    assert!(identities.next().is_none());
}

#[test]
fn what_was_activated_for_one_identity_is_not_so_for_the_next() {
    let [old, first, second] = ["old.example", "first.example", "second.example"].map(identity);
    let identities = Identities::new(old.clone());
    identities.stage(first).unwrap();
    identities.activate(&keys_1()).unwrap();
    identities.cancel().unwrap();
    assert!(same(&identities.presented_to(&keys_1()), &old));
    identities.stage(second).unwrap();
    assert!(same(&identities.presented_to(&keys_1()), &old));
}

#[test]
fn all_clones_follow_the_same_changes() {
    let [old, new] = ["old.example", "new.example"].map(identity);
    let identities = Identities::new(old);
    let clone = identities.clone();
    identities.stage(new.clone()).unwrap();
    clone.activate(&keys_1()).unwrap();
    assert!(same(&identities.presented_to(&keys_1()), &new));
}

#[test]
fn an_activation_repeated_or_undone_twice_is_the_same() {
    let [old, new] = ["old.example", "new.example"].map(identity);
    let identities = Identities::new(old.clone());
    identities.stage(new.clone()).unwrap();
    for _ in 0..2 {
        identities.activate(&keys_1()).unwrap();
    }
    assert!(same(&identities.presented_to(&keys_1()), &new));
    for _ in 0..2 {
        identities.revert(&keys_1()).unwrap();
    }
    assert!(same(&identities.presented_to(&keys_1()), &old));
    identities.activate_all().unwrap();
    identities.activate(&keys_1()).unwrap();
    for server in [keys_1(), keys_2(), server_id("never-heard-of")] {
        assert!(same(&identities.presented_to(&server), &new));
    }
}

#[test]
fn what_is_printed_of_identities_names_certificates_only() {
    let made = self_signed("array-7.example");
    let identities = Identities::new(made.identity(&[], &provider()));
    identities.stage(identity("next.example")).unwrap();
    let shown = format!("{identities:?}");
    assert!(shown.contains("array-7.example") && shown.contains("next.example"));
    let key = made.key.serialized_der();
    assert!(!shown.contains(&format!("{:?}", &key[..8])), "{shown}");
}
