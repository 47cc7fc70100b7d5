//! A bundle that would lock out a peer is held, or applied and told, as the service asks.

use mutual_trust::PinScope;
use mutual_trust::admin::bundle::TakeOver;
use mutual_trust::admin::follow::FollowGuard;
use mutual_trust::store::{Scope, Slot};

use super::common::*;
use crate::support::crl::crl;
use crate::support::*;

#[test]
fn a_bundle_that_locks_out_a_peer_is_held_but_for_what_takes_trust_away() {
    let mut world = World::new("held");
    let mut member = world.join().with_guard(FollowGuard::Refuse, policy());
    let (one, two) = (pin("array-1"), pin("array-2"));
    for certificate in [&one, &two] {
        let central = &mut world.fleet.central;
        central
            .install_pin(PinScope::Clients, certificate.clone(), options())
            .unwrap();
    }
    let _ = world.apply(&mut member);
    let key = key_of(Slot::Pin, Scope::Clients, &two);
    let _ = world.fleet.central.remove(&key).unwrap();
    let bad = pin("bad");
    let _ = world.fleet.central.block(&bad);
    let ca = ca("Root");
    let list = crl().signed_by(&ca);
    let central = &mut world.fleet.central;
    let intermediate = central
        .install_intermediate(ca.certificate(), options())
        .unwrap();
    let intermediate = intermediate.entries().items()[0].clone();
    central.install_crl(list.clone()).unwrap();
    let generation = world.store.contents().generation();
    let taken = world.take(&mut member);
    let TakeOver::Held { lost, merged, .. } = &taken else {
        panic!("{taken}");
    };
    assert_eq!(lost.len(), 1);
    assert_eq!(merged.blocks.len(), 1);
    assert_eq!(world.store.contents().generation(), generation + 1);
    assert!(world.has(&two) && world.store.contents().blocks().count() == 1);
    assert!(world.store.contents().entry(&intermediate).is_none());
    assert_eq!(world.store.contents().crls().count(), 1);
    assert!(
        world.asked()[0].starts_with("take over what takes trust away of fleet site-a sequence 2")
    );
    let health = world.health();
    assert!(!health.is_good());
    assert!(
        health
            .error
            .unwrap()
            .starts_with("its newest bundle is held: it would lock out 1 peers")
    );
    // Its sequence counts.
    assert_eq!(member.state().newest.unwrap().sequence, 2);
    assert_eq!(member.state().applied.unwrap().sequence, 1);
    let older = world.fleet.publish_as(1);
    assert!(member.take_over(&older, &mut world.store).is_err());
    let same = world.fleet.publish_as(2);
    let taken = member.take_over(&same, &mut world.store).unwrap();
    assert!(matches!(taken, TakeOver::Held { .. }), "{taken}");
    // Each call tries again.
    let taken = member.refresh(&mut world.store).unwrap();
    assert!(matches!(taken, TakeOver::Held { .. }), "{taken}");
    assert_eq!(world.store.contents().generation(), generation + 1);
    // Another administrator pins the peer here.
    world
        .store
        .change(|store| {
            let _ = store.remove(&key)?;
            store.install_pin(PinScope::Clients, two.clone(), options())
        })
        .unwrap();
    let taken = member.refresh(&mut world.store).unwrap();
    assert!(matches!(taken, TakeOver::Applied { .. }), "{taken}");
    assert!(world.health().is_good(), "{}", world.health());
    assert!(world.store.contents().entry(&intermediate).is_some());
    assert!(member.state().is_applied());
}

#[test]
fn a_bundle_that_locks_out_a_peer_is_applied_and_the_peer_named_until_it_is_accepted_again() {
    let mut world = World::new("told");
    let mut member = world.join();
    let two = pin("array-2");
    for certificate in [&pin("array-1"), &two] {
        let central = &mut world.fleet.central;
        central
            .install_pin(PinScope::Clients, certificate.clone(), options())
            .unwrap();
    }
    let _ = world.apply(&mut member);
    let key = key_of(Slot::Pin, Scope::Clients, &two);
    let _ = world.fleet.central.remove(&key).unwrap();
    let taken = world.take(&mut member);
    let TakeOver::Applied { effects, .. } = &taken else {
        panic!("{taken}");
    };
    assert_eq!(effects.lost().len(), 1);
    assert!(!world.has(&two));
    let health = world.health();
    assert!(health.is_good() && health.locked_out);
    assert!(health.warnings.items()[0].starts_with("it locked out client"));
    world
        .store
        .change(|store| store.install_pin(PinScope::Clients, two.clone(), options()))
        .unwrap();
    let _ = member.refresh(&mut world.store).unwrap();
    assert!(world.health().warnings.is_empty());
}

#[test]
fn a_block_that_locks_out_a_peer_is_applied_under_each_guard() {
    let mut world = World::new("blocked");
    let mut member = world.join().with_guard(FollowGuard::Refuse, policy());
    let array = pin("array-1");
    let central = &mut world.fleet.central;
    central
        .install_pin(PinScope::Clients, array.clone(), options())
        .unwrap();
    let _ = world.apply(&mut member);
    let _ = world.fleet.central.block(&array);
    let taken = world.take(&mut member);
    let TakeOver::Applied {
        merged, effects, ..
    } = &taken
    else {
        panic!("{taken}");
    };
    assert_eq!(merged.blocks.len(), 1);
    // The peer is named once.
    assert_eq!(effects.all_lost().count(), 1);
    assert!(world.health().is_good());
}
