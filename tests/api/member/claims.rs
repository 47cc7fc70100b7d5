//! A bundle makes claims stricter, and never looser (rules P2, P3 and S6).

use mutual_trust::admin::bundle::TakeOver;
use mutual_trust::store::Claim;
use mutual_trust::{AuthorityScope, PinScope};

use super::common::*;
use crate::support::*;

fn claim(world: &World, id: &str) -> Claim {
    world.server(id).unwrap().claim()
}

fn until(days: u64) -> Claim {
    Claim::Migrating {
        until: at(NOW + days * DAY),
    }
}

#[test]
fn a_server_that_is_released_in_the_fleet_stays_claimed_here() {
    let mut world = World::new("released-there");
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    add_authority(&mut world.fleet.central, AuthorityScope::AnyServer, "Root");
    let _ = world.apply(&mut member);
    let _ = world.fleet.central.release(&server_id("keys-1")).unwrap();
    let merged = world.apply(&mut member);
    assert_eq!(merged.gone.len(), 1);
    assert_eq!(claim(&world, "keys-1"), Claim::Claimed);
    assert!(
        notices(&merged).contains("the server keys-1 is claimed here, and not so in the fleet")
    );
    // It is kept as well when the bundle drops the server, and the call here is what lifts it.
    let _ = world
        .fleet
        .central
        .remove_server(&server_id("keys-1"))
        .unwrap();
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    assert_eq!(claim(&world, "keys-1"), Claim::Claimed);
    world
        .store
        .change(|store| store.release(&server_id("keys-1")))
        .unwrap();
    let _ = member.refresh(&mut world.store).unwrap();
    assert!(world.server("keys-1").is_none());
}

#[test]
fn a_server_that_is_dropped_leaves_the_group_whose_pins_would_let_it_in() {
    let mut world = World::new("dropped-member");
    let mut member = world.join();
    let central = &mut world.fleet.central;
    central.add_group("site".parse().unwrap()).unwrap();
    for id in ["keys-1", "keys-2"] {
        central.add_server(server_id(id), []).unwrap();
        central
            .join_group(&"site".parse().unwrap(), &server_id(id))
            .unwrap();
    }
    let shared = pin("shared");
    let group = PinScope::Group("site".parse().unwrap());
    central
        .install_pin(group, shared.clone(), options())
        .unwrap();
    let _ = world.apply(&mut member);
    let central = &mut world.fleet.central;
    central.leave_group(&server_id("keys-1")).unwrap();
    let _ = central.release(&server_id("keys-1")).unwrap();
    let _ = central.remove_server(&server_id("keys-1")).unwrap();
    let _ = world.apply(&mut member);
    assert_eq!(claim(&world, "keys-1"), Claim::Claimed);
    assert!(world.server("keys-1").unwrap().group().is_none());
    assert_eq!(
        world.server("keys-2").unwrap().group().unwrap().as_str(),
        "site"
    );
}

#[test]
fn a_server_that_is_released_here_is_claimed_again() {
    let mut world = World::new("released-here");
    let mut member = world.join();
    let pin = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    world
        .store
        .change(|store| store.release(&server_id("keys-1")))
        .unwrap();
    assert!(!world.has(&pin));
    let TakeOver::Applied { merged, .. } = member.refresh(&mut world.store).unwrap() else {
        panic!("it was not claimed again");
    };
    assert!(
        notices(&merged).contains("the server keys-1 is claimed again"),
        "{merged}"
    );
    assert!(world.has(&pin));
    assert_eq!(claim(&world, "keys-1"), Claim::Claimed);
}

#[test]
fn the_stricter_claim_counts_when_a_node_joins() {
    let mut world = World::new("stricter");
    let mut member = world.join();
    world
        .store
        .change(|store| {
            for id in ["open", "moving", "claimed"] {
                store.add_server(server_id(id), [])?;
            }
            store.install_pin(server("moving"), pin("moving"), options())?;
            store.install_pin(server("claimed"), pin("claimed"), options())?;
            store.migrate(&server_id("moving"), at(NOW + 9 * DAY))
        })
        .unwrap();
    let central = &mut world.fleet.central;
    for id in ["open", "moving", "claimed", "new"] {
        central.add_server(server_id(id), []).unwrap();
        central.install_pin(server(id), pin(id), options()).unwrap();
    }
    for (id, days) in [("open", 7), ("claimed", 7), ("new", 7)] {
        central
            .migrate(&server_id(id), at(NOW + days * DAY))
            .unwrap();
    }
    let _ = world.apply(&mut member);
    assert_eq!(claim(&world, "open"), until(7));
    assert_eq!(claim(&world, "new"), until(7));
    assert_eq!(claim(&world, "moving"), Claim::Claimed);
    assert_eq!(claim(&world, "claimed"), Claim::Claimed);
    // A later end in the bundle is none here, and an earlier one is.
    world
        .fleet
        .central
        .migrate(&server_id("new"), at(NOW + 20 * DAY))
        .unwrap();
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    assert_eq!(claim(&world, "new"), until(7));
    world
        .fleet
        .central
        .migrate(&server_id("new"), at(NOW + 3 * DAY))
        .unwrap();
    let _ = world.apply(&mut member);
    assert_eq!(claim(&world, "new"), until(3));
}

#[test]
fn a_bundle_starts_no_migration_and_one_that_was_set_here_runs_on() {
    let mut world = World::new("migration");
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    world
        .fleet
        .central
        .migrate(&server_id("keys-1"), at(NOW + 7 * DAY))
        .unwrap();
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    assert_eq!(claim(&world, "keys-1"), Claim::Claimed);
    // Set here, it stays as long as the bundle says nothing new.
    world
        .fleet
        .central
        .stop_migrating(&server_id("keys-1"))
        .unwrap();
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    world
        .store
        .change(|store| store.migrate(&server_id("keys-1"), at(NOW + 7 * DAY)))
        .unwrap();
    assert!(matches!(
        member.refresh(&mut world.store).unwrap(),
        TakeOver::Unchanged
    ));
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    assert_eq!(claim(&world, "keys-1"), until(7));
    // The fleet migrates, and ends its migration: that is new, and ends this one.
    world
        .fleet
        .central
        .migrate(&server_id("keys-1"), at(NOW + 8 * DAY))
        .unwrap();
    let _ = world.take(&mut member);
    world
        .fleet
        .central
        .stop_migrating(&server_id("keys-1"))
        .unwrap();
    let _ = world.apply(&mut member);
    assert_eq!(claim(&world, "keys-1"), Claim::Claimed);
}

#[test]
fn a_server_that_joins_a_group_with_a_pin_is_claimed() {
    let mut world = World::new("joins-group");
    let mut member = world.join();
    let central = &mut world.fleet.central;
    central.add_group("site".parse().unwrap()).unwrap();
    central.add_server(server_id("keys-1"), []).unwrap();
    add_authority(central, AuthorityScope::AnyServer, "Root");
    let _ = world.apply(&mut member);
    // The pin of the group was installed here.
    world
        .store
        .change(|store| {
            let group = PinScope::Group("site".parse().unwrap());
            store.install_pin(group, pin("shared"), options())
        })
        .unwrap();
    let central = &mut world.fleet.central;
    central
        .join_group(&"site".parse().unwrap(), &server_id("keys-1"))
        .unwrap();
    let _ = world.apply(&mut member);
    assert_eq!(claim(&world, "keys-1"), Claim::Claimed);
    // The file can be read.
    world.reopen(settings());
    assert_eq!(claim(&world, "keys-1"), Claim::Claimed);
}
