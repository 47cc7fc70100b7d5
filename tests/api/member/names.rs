//! Servers and their names follow the bundle where the fleet made them, and are only added to where they were made here.

use mutual_trust::AuthorityScope;
use mutual_trust::admin::bundle::TakeOver;
use mutual_trust::error::MemberError;
use mutual_trust::store::{Claim, ServerRole};

use super::common::*;
use crate::support::*;

#[test]
fn a_name_that_belongs_to_another_server_here_is_a_conflict_until_it_is_released() {
    let mut world = World::new("conflict");
    let mut member = world.join();
    let good = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    world
        .store
        .change(|store| store.add_server(server_id("mine"), [host("kms2.example")]))
        .unwrap();
    let later = add_server(&mut world.fleet.central, "keys-2", "kms2.example");
    // What was stolen is not kept in force by a mistake in a name.
    let stolen = pin("stolen");
    let _ = world.fleet.central.block(&stolen);
    let publication = world.fleet.publish();
    let refused = member
        .take_over(&publication, &mut world.store)
        .unwrap_err();
    assert_eq!(world.store.contents().blocks().count(), 1);
    let MemberError::Conflict(conflict) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(conflict.server, server_id("mine"));
    assert_eq!(conflict.wanted, server_id("keys-2"));
    assert_eq!(conflict.name, host("kms2.example"));
    // The last good set stays, and the health says why.
    assert!(world.has(&good) && !world.has(&later));
    let health = world.health();
    assert!(!health.is_good() && health.error.as_deref().unwrap().contains("kms2.example"));
    assert_eq!(health.state.applied.unwrap().sequence, 1);
    assert_eq!(health.state.newest.unwrap().sequence, 2);
    assert!(!world.store.health().is_good());
    // An older one is refused meanwhile.
    let older = world.fleet.publish_as(1);
    let refused = member.take_over(&older, &mut world.store).unwrap_err();
    assert!(refused.to_string().contains("sequence 1"), "{refused}");
    // It is applied as soon as the name is free.
    world
        .store
        .change(|store| store.release_name(&host("kms2.example")))
        .unwrap();
    let taken = member.refresh(&mut world.store).unwrap();
    assert!(matches!(taken, TakeOver::Applied { .. }), "{taken}");
    assert!(world.has(&later));
}

#[test]
fn a_name_moves_between_servers_of_the_fleet_also_between_claimed_ones() {
    let mut world = World::new("moved");
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    add_server(&mut world.fleet.central, "keys-2", "kms2.example");
    let central = &mut world.fleet.central;
    central
        .add_name(&server_id("keys-1"), host("vip.example"))
        .unwrap();
    let _ = world.apply(&mut member);
    // To the other one, and two that change places.
    let central = &mut world.fleet.central;
    central
        .move_name(&host("vip.example"), &server_id("keys-2"))
        .unwrap();
    central
        .move_name(&host("kms1.example"), &server_id("keys-2"))
        .unwrap();
    central
        .move_name(&host("kms2.example"), &server_id("keys-1"))
        .unwrap();
    let generation = world.store.contents().generation();
    let _ = world.apply(&mut member);
    assert_eq!(world.store.contents().generation(), generation + 1);
    assert_eq!(world.names("keys-1"), ["kms2.example"]);
    assert_eq!(world.names("keys-2"), ["kms1.example", "vip.example"]);
}

#[test]
fn a_name_of_a_claimed_server_goes_only_to_another_claimed_one() {
    let mut world = World::new("claimed-name");
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let central = &mut world.fleet.central;
    central
        .add_name(&server_id("keys-1"), host("vip.example"))
        .unwrap();
    central
        .add_server(server_id("open"), [host("open.example")])
        .unwrap();
    let _ = world.apply(&mut member);
    // A bundle that only takes it away leaves it where it is.
    world
        .fleet
        .central
        .release_name(&host("vip.example"))
        .unwrap();
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    assert_eq!(world.names("keys-1"), ["kms1.example", "vip.example"]);
    // A later bundle can give it to another claimed server.
    let mut other = World::new("claimed-name-later");
    let mut second = other.join();
    add_server(&mut other.fleet.central, "keys-1", "kms1.example");
    add_server(&mut other.fleet.central, "keys-2", "kms2.example");
    let _ = other.apply(&mut second);
    other
        .fleet
        .central
        .release_name(&host("kms1.example"))
        .unwrap();
    assert!(matches!(other.take(&mut second), TakeOver::Unchanged));
    let central = &mut other.fleet.central;
    central
        .add_name(&server_id("keys-2"), host("kms1.example"))
        .unwrap();
    let _ = other.apply(&mut second);
    assert!(other.names("keys-1").is_empty());
    assert_eq!(other.names("keys-2"), ["kms1.example", "kms2.example"]);
    // That of an unclaimed server goes.
    world
        .fleet
        .central
        .release_name(&host("open.example"))
        .unwrap();
    let merged = world.apply(&mut member);
    assert!(world.names("open").is_empty());
    assert!(notices(&merged).contains("the name vip.example stays with the claimed server keys-1"));
    // An unclaimed one does not get it.
    let central = &mut world.fleet.central;
    central
        .add_name(&server_id("open"), host("vip.example"))
        .unwrap();
    let refused = world.refuse(&mut member);
    assert!(matches!(refused, MemberError::Conflict(_)), "{refused}");
    assert_eq!(world.names("keys-1"), ["kms1.example", "vip.example"]);
}

#[test]
fn a_name_that_a_bundle_moves_from_a_claimed_to_an_unclaimed_server_is_a_conflict() {
    let mut world = World::new("claimed-to-open");
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    let central = &mut world.fleet.central;
    central.release_name(&host("kms1.example")).unwrap();
    central
        .add_server(server_id("open"), [host("kms1.example")])
        .unwrap();
    let refused = world.refuse(&mut member);
    let MemberError::Conflict(conflict) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(
        (&conflict.server, &conflict.wanted),
        (&server_id("keys-1"), &server_id("open"))
    );
}

#[test]
fn a_server_that_was_made_here_only_gets_more() {
    let mut world = World::new("made-here");
    let mut member = world.join();
    world
        .store
        .change(|store| store.add_server(server_id("keys-1"), [host("here.example")]))
        .unwrap();
    let pin = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let merged = world.apply(&mut member);
    assert!(merged.servers_came.is_empty() && world.has(&pin));
    assert_eq!(world.names("keys-1"), ["here.example", "kms1.example"]);
    // What was set for it here stays, and what was not set is added.
    world
        .store
        .change(|store| store.set_server_order([server_id("keys-1")]))
        .unwrap();
    let central = &mut world.fleet.central;
    central
        .set_reference_names(&server_id("keys-1"), [host("other.example")])
        .unwrap();
    central.add_group("site".parse().unwrap()).unwrap();
    central
        .join_group(&"site".parse().unwrap(), &server_id("keys-1"))
        .unwrap();
    central.add_server(server_id("first"), []).unwrap();
    central
        .set_server_order([server_id("first"), server_id("keys-1")])
        .unwrap();
    let _ = world.apply(&mut member);
    let held = world.server("keys-1").unwrap();
    assert_eq!(held.expected_names().count(), 0);
    assert_eq!(held.group().unwrap().as_str(), "site");
    assert!(matches!(
        held.role(),
        Some(ServerRole::Primary { place: 1, .. })
    ));
    // The bundle drops a name, and then the server: both stay, and the claim does.
    world
        .fleet
        .central
        .release_name(&host("kms1.example"))
        .unwrap();
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    assert_eq!(world.names("keys-1"), ["here.example", "kms1.example"]);
    let _ = world.fleet.central.release(&server_id("keys-1")).unwrap();
    let _ = world
        .fleet
        .central
        .remove_server(&server_id("keys-1"))
        .unwrap();
    let merged = world.apply(&mut member);
    assert!(merged.servers_gone.is_empty() && !world.has(&pin));
    assert_eq!(world.server("keys-1").unwrap().claim(), Claim::Claimed);
}

#[test]
fn a_server_that_the_fleet_drops_goes_if_nothing_of_here_is_on_it() {
    let mut world = World::new("dropped-server");
    let mut member = world.join();
    let central = &mut world.fleet.central;
    for (id, name) in [("a", "a.example"), ("b", "b.example"), ("c", "c.example")] {
        central.add_server(server_id(id), [host(name)]).unwrap();
    }
    let authority = add_authority(central, AuthorityScope::Server(server_id("a")), "Own root");
    let _ = world.apply(&mut member);
    // On b an authority of here, on c a name of here.
    world
        .store
        .change(|store| {
            let scope = AuthorityScope::Server(server_id("b"));
            store.install_authority(scope, ca("Mine").certificate(), options())?;
            store.add_name(&server_id("c"), host("mine.example"))
        })
        .unwrap();
    for id in ["a", "b", "c"] {
        let _ = world.fleet.central.remove_server(&server_id(id)).unwrap();
    }
    let merged = world.apply(&mut member);
    assert!(!world.has(&authority.certificate()));
    assert!(world.server("a").is_none());
    assert_eq!(world.names("b"), ["b.example"]);
    assert_eq!(world.names("c"), ["c.example", "mine.example"]);
    assert!(notices(&merged).contains("the server b is no longer in the fleet, and stays"));
    // As soon as nothing of here is on it, it goes.
    let own = world.entries()[0].0.clone();
    world.store.change(|store| store.remove(&own)).unwrap();
    let _ = member.refresh(&mut world.store).unwrap();
    assert!(world.server("b").is_none());
}

#[test]
fn the_group_the_place_and_the_expected_names_follow_until_they_are_set_here() {
    let mut world = World::new("facts");
    let mut member = world.join();
    let central = &mut world.fleet.central;
    for id in ["keys-1", "keys-2"] {
        central.add_server(server_id(id), []).unwrap();
    }
    for group in ["east", "west"] {
        central.add_group(group.parse().unwrap()).unwrap();
    }
    central
        .join_group(&"east".parse().unwrap(), &server_id("keys-1"))
        .unwrap();
    central
        .set_reference_names(&server_id("keys-1"), [host("one.example")])
        .unwrap();
    let authority = add_authority(central, AuthorityScope::AnyServer, "Root");
    let _ = world.apply(&mut member);
    let central = &mut world.fleet.central;
    central.leave_group(&server_id("keys-1")).unwrap();
    central
        .join_group(&"west".parse().unwrap(), &server_id("keys-1"))
        .unwrap();
    central.remove_group(&"east".parse().unwrap()).unwrap();
    central
        .set_reference_names(&server_id("keys-1"), [host("two.example")])
        .unwrap();
    central
        .set_server_order([server_id("keys-2"), server_id("keys-1")])
        .unwrap();
    let _ = world.apply(&mut member);
    let facts = |world: &World| {
        let server = world.server("keys-1").unwrap();
        let expected: Vec<String> = server.expected_names().map(ToString::to_string).collect();
        (
            expected,
            server.group().map(ToString::to_string),
            server.role().is_some(),
        )
    };
    let west = Some("west".to_owned());
    assert_eq!(
        facts(&world),
        (vec!["two.example".to_owned()], west.clone(), true)
    );
    assert!(
        world
            .store
            .contents()
            .group(&"east".parse().unwrap())
            .is_none()
    );
    let members = world
        .store
        .contents()
        .group(&"west".parse().unwrap())
        .unwrap();
    assert!(members.members().eq([&server_id("keys-1")]));
    // Set here: it stays, whatever the bundle says next.
    world
        .store
        .change(|store| store.set_reference_names(&server_id("keys-1"), [host("here.example")]))
        .unwrap();
    let central = &mut world.fleet.central;
    central
        .set_reference_names(&server_id("keys-1"), [host("three.example")])
        .unwrap();
    let key = world.entries()[0].0.clone();
    let _ = world.fleet.central.remove(&key).unwrap();
    let merged = world.apply(&mut member);
    assert!(!world.has(&authority.certificate()));
    assert_eq!(facts(&world), (vec!["here.example".to_owned()], west, true));
    assert!(notices(&merged).contains("of the server keys-1 were set here, and stay"));
}
