//! What the fleet brought follows the bundle, as one change. What was installed here stays.

use mutual_trust::PinMatch;
use mutual_trust::admin::bundle::{FleetMember, Part, TakeOver};
use mutual_trust::store::{BlockSelector, Scope, Slot};
use mutual_trust::{AuthorityScope, PinScope};

use super::common::*;
use crate::support::*;

#[test]
fn a_bundle_is_one_change_that_says_its_sequence_and_signers() {
    let mut world = World::new("one-change");
    let mut member = world.join();
    let generation = world.store.contents().generation();
    let pin_1 = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let pin_2 = add_server(&mut world.fleet.central, "keys-2", "kms2.example");
    let client = pin("array-7");
    let central = &mut world.fleet.central;
    central
        .install_pin(PinScope::Clients, client.clone(), options())
        .unwrap();
    central.add_group("site".parse().unwrap()).unwrap();
    central
        .join_group(&"site".parse().unwrap(), &server_id("keys-1"))
        .unwrap();
    central
        .set_server_order([server_id("keys-2"), server_id("keys-1")])
        .unwrap();
    central
        .set_reference_names(&server_id("keys-2"), [host("other.example")])
        .unwrap();
    let merged = world.apply(&mut member);
    assert_eq!(world.store.contents().generation(), generation + 1);
    assert_eq!(merged.came.len(), 3);
    for certificate in [&pin_1, &pin_2, &client] {
        assert_eq!(world.source_of(certificate), Some(Some(source())));
    }
    let view = world.store.contents();
    let order: Vec<_> = view
        .servers_in_order()
        .iter()
        .map(|server| server.id().clone())
        .collect();
    assert_eq!(order, [server_id("keys-2"), server_id("keys-1")]);
    assert_eq!(world.names("keys-1"), ["kms1.example"]);
    assert_eq!(
        world.server("keys-1").unwrap().group().unwrap().as_str(),
        "site"
    );
    assert!(
        world
            .server("keys-2")
            .unwrap()
            .expected_names()
            .eq([&host("other.example")])
    );
    let signer = world.fleet.signer.key().id();
    assert_eq!(
        world.asked(),
        [format!(
            "take over fleet site-a sequence 1, signed by {signer}"
        )]
    );
    // The same again changes nothing, here and after a restart.
    let generation = world.store.contents().generation();
    let again = world.fleet.publish_as(1);
    let taken = member.take_over(&again, &mut world.store).unwrap();
    assert!(matches!(taken, TakeOver::Unchanged), "{taken}");
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    world.reopen(settings());
    let mut member = world.open();
    assert_eq!(member.state().newest.as_ref().unwrap().sequence, 2);
    assert!(member.state().is_applied());
    assert!(matches!(
        member.refresh(&mut world.store).unwrap(),
        TakeOver::Unchanged
    ));
    assert_eq!(world.store.contents().generation(), generation);
}

#[test]
fn what_the_fleet_drops_goes_and_what_was_installed_here_stays() {
    let mut world = World::new("dropped");
    let mut member = world.join();
    let both = pin("array-both");
    let own = pin("array-own");
    for certificate in [&both, &own] {
        world
            .store
            .change(|store| store.install_pin(PinScope::Clients, certificate.clone(), options()))
            .unwrap();
    }
    let theirs = pin("array-theirs");
    for certificate in [&both, &theirs] {
        let central = &mut world.fleet.central;
        central
            .install_pin(PinScope::Clients, certificate.clone(), options())
            .unwrap();
    }
    let _ = world.apply(&mut member);
    assert_eq!(world.source_of(&both), Some(None));
    assert_eq!(world.source_of(&own), Some(None));
    assert_eq!(world.source_of(&theirs), Some(Some(source())));
    for certificate in [&both, &theirs] {
        let key = key_of(Slot::Pin, Scope::Clients, certificate);
        let _ = world.fleet.central.remove(&key).unwrap();
    }
    let merged = world.apply(&mut member);
    assert_eq!(merged.gone.len(), 1);
    assert!(world.has(&both) && world.has(&own) && !world.has(&theirs));
}

#[test]
fn options_of_here_count_and_those_of_the_fleet_follow_the_bundle() {
    let mut world = World::new("options");
    let mut member = world.join();
    let (here, theirs) = (pin("array-here"), pin("array-theirs"));
    let by_key = || options().with_matching(PinMatch::PublicKey);
    world
        .store
        .change(|store| store.install_pin(PinScope::Clients, here.clone(), by_key()))
        .unwrap();
    for certificate in [&here, &theirs] {
        let central = &mut world.fleet.central;
        central
            .install_pin(PinScope::Clients, certificate.clone(), options())
            .unwrap();
    }
    let merged = world.apply(&mut member);
    assert!(notices(&merged).contains("has other options here, which count"));
    let key = |certificate| key_of(Slot::Pin, Scope::Clients, certificate);
    let held = |world: &World, certificate| {
        world
            .store
            .contents()
            .entry(&key(certificate))
            .unwrap()
            .options()
            .clone()
    };
    assert_eq!(held(&world, &here), by_key());
    let labelled = options().with_label("rack 4");
    world
        .fleet
        .central
        .update(&key(&theirs), labelled.clone())
        .unwrap();
    let merged = world.apply(&mut member);
    assert_eq!(merged.changed.len(), 1);
    assert_eq!(held(&world, &theirs), labelled);
    // What is updated here is put back by the next call.
    world
        .store
        .change(|store| store.update(&key(&theirs), by_key()))
        .unwrap();
    let taken = member.refresh(&mut world.store).unwrap();
    assert!(matches!(taken, TakeOver::Applied { .. }), "{taken}");
    assert_eq!(held(&world, &theirs), labelled);
}

#[test]
fn an_entry_that_is_removed_here_is_installed_again_and_one_that_is_disabled_here_stays_so() {
    let mut world = World::new("removed-here");
    let mut member = world.join();
    let (removed, disabled) = (pin("array-1"), pin("array-2"));
    for certificate in [&removed, &disabled] {
        let central = &mut world.fleet.central;
        central
            .install_pin(PinScope::Clients, certificate.clone(), options())
            .unwrap();
    }
    let _ = world.apply(&mut member);
    let key = |certificate| key_of(Slot::Pin, Scope::Clients, certificate);
    world
        .store
        .change(|store| store.remove(&key(&removed)))
        .unwrap();
    world
        .store
        .change(|store| store.disable(&key(&disabled), "lost"))
        .unwrap();
    let TakeOver::Applied { merged, .. } = member.refresh(&mut world.store).unwrap() else {
        panic!("it was not installed again");
    };
    assert!(notices(&merged).contains("is installed again"), "{merged}");
    assert!(world.has(&removed));
    let why = |world: &World| {
        let entry = world.store.contents().entry(&key(&disabled)).unwrap();
        entry.disabled().map(str::to_owned)
    };
    assert_eq!(why(&world).as_deref(), Some("lost"));
    // Disabled in the fleet, and enabled there again.
    let _ = world
        .fleet
        .central
        .disable(&key(&removed), "asked")
        .unwrap();
    let _ = world.apply(&mut member);
    let entry = |world: &World| {
        let entry = world.store.contents().entry(&key(&removed)).unwrap();
        entry.disabled().map(str::to_owned)
    };
    assert_eq!(entry(&world).as_deref(), Some("asked"));
    world.fleet.central.enable(&key(&removed)).unwrap();
    let _ = world.apply(&mut member);
    assert_eq!(entry(&world), None);
    assert_eq!(why(&world).as_deref(), Some("lost"));
}

#[test]
fn a_blocked_certificate_of_a_bundle_is_left_out_and_the_others_are_applied() {
    let mut world = World::new("left-out");
    let mut member = world.join();
    let (blocked, good) = (pin("array-1"), pin("array-2"));
    world
        .store
        .change(|store| Ok(store.block_selector(BlockSelector::certificate(&blocked))))
        .unwrap();
    for certificate in [&blocked, &good] {
        let central = &mut world.fleet.central;
        central
            .install_pin(PinScope::Clients, certificate.clone(), options())
            .unwrap();
    }
    let merged = world.apply(&mut member);
    assert!(notices(&merged).contains("is blocked and is not installed"));
    assert!(!world.has(&blocked) && world.has(&good));
}

#[test]
fn two_fleets_do_not_touch_the_entries_of_each_other() {
    let mut world = World::new("two");
    let mut member = world.join();
    let mut other = Fleet::new("site-b");
    let set = other.set.clone();
    let digest = set.digest();
    let mut second = FleetMember::join(&mut world.store, set, digest, Part::All).unwrap();
    let (one, two, shared) = (pin("array-1"), pin("array-2"), pin("array-3"));
    for (store, own) in [(&mut world.fleet.central, &one), (&mut other.central, &two)] {
        for certificate in [own, &shared] {
            store
                .install_pin(PinScope::Clients, certificate.clone(), options())
                .unwrap();
        }
    }
    let _ = world.apply(&mut member);
    let bytes = other.publish();
    let _ = second.take_over(&bytes, &mut world.store).unwrap();
    assert_eq!(world.source_of(&one), Some(Some(source())));
    assert_eq!(world.source_of(&two), Some(Some("fleet site-b".to_owned())));
    assert_eq!(world.source_of(&shared), Some(Some(source())));
    // The first gives one up that the second has as well.
    let key = key_of(Slot::Pin, Scope::Clients, &shared);
    let _ = world.fleet.central.remove(&key).unwrap();
    let _ = world.apply(&mut member);
    assert!(!world.has(&shared) && world.has(&two));
    let _ = second.refresh(&mut world.store).unwrap();
    assert_eq!(
        world.source_of(&shared),
        Some(Some("fleet site-b".to_owned()))
    );
    assert_eq!(world.store.health().fleets.len(), 2);
    assert_eq!(
        FleetMember::fleets(&world.store).unwrap(),
        [fleet(), "site-b".parse().unwrap()]
    );
}

#[test]
fn a_part_replaces_what_is_of_the_part() {
    let mut world = World::new("part");
    let set = world.fleet.set.clone();
    let digest = set.digest();
    let mut member = FleetMember::join(&mut world.store, set, digest, Part::Systems).unwrap();
    let server_pin = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let client = add_authority(&mut world.fleet.central, AuthorityScope::Clients, "Arrays");
    let view = world.fleet.central.snapshot();
    let bytes = world.fleet.signed(&view, 1, Part::Systems);
    let _ = member.take_over(&bytes, &mut world.store).unwrap();
    assert!(world.has(&client.certificate()) && !world.has(&server_pin));
    assert!(world.server("keys-1").is_none());
}
