//! What the health of the store says of its fleets, and that fleets and followed files go together on one store.

use std::fs;
use std::sync::Arc;

use mutual_trust::PinScope;
use mutual_trust::admin::bundle::{FleetMember, Part, TakeOver};
use mutual_trust::admin::{DurableSettings, Feeds, Follower, Source};
use mutual_trust::error::{BundleError, MemberError, SourceError};

use super::common::*;
use crate::support::clock::Moved;
use crate::support::folder::Folder;
use crate::support::*;

#[test]
fn past_its_end_the_last_good_set_stays_and_the_health_says_so() {
    let clock = Moved::new(NOW);
    let set = DurableSettings::new(keys()).with_clock(Arc::new(clock.clone()));
    let mut world = World::with("ended", set);
    let mut member = world.join();
    let pin = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    assert!(world.health().is_good() && world.store.health().is_good());
    clock.to(NOW + 31 * DAY);
    let health = world.health();
    assert!(health.is_past_end && !health.is_good());
    assert!(
        health.to_string().contains("which ended at 2027-01-31"),
        "{health}"
    );
    assert!(!world.store.health().is_good());
    assert!(matches!(
        member.refresh(&mut world.store).unwrap(),
        TakeOver::Unchanged
    ));
    assert!(world.has(&pin));
    // One that is past its end when it arrives is refused.
    let bytes = world.fleet.publish();
    let refused = member.take_over(&bytes, &mut world.store).unwrap_err();
    assert!(matches!(
        refused,
        MemberError::Bundle(BundleError::Expired { .. })
    ));
    assert_eq!(member.state().newest.unwrap().sequence, 1);
}

#[test]
fn a_refused_publication_is_a_fault_until_a_good_one_comes() {
    let clock = Moved::new(NOW);
    let set = DurableSettings::new(keys()).with_clock(Arc::new(clock.clone()));
    let mut world = World::with("fault", set);
    let mut member = world.join();
    assert!(
        world
            .health()
            .to_string()
            .contains("nothing was taken over yet")
    );
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    let foreign = Fleet::new(FLEET).publish();
    let refused = member.take_over(&foreign, &mut world.store).unwrap_err();
    assert!(
        matches!(
            refused,
            MemberError::Bundle(BundleError::KeySetChanged { .. })
        ),
        "{refused}"
    );
    let since = world.health().since;
    assert_eq!(since, Some(at(NOW)));
    assert!(!world.health().is_good() && !world.store.health().is_good());
    // What is held is looked at meanwhile, and says nothing of what is offered.
    clock.to(NOW + 60);
    let _ = member.refresh(&mut world.store).unwrap();
    assert_eq!(
        (world.health().is_good(), world.health().since),
        (false, since)
    );
    let same = world.fleet.publish_as(1);
    let _ = member.take_over(&same, &mut world.store).unwrap();
    assert!(world.health().is_good() && world.health().since.is_none());
    assert_eq!(world.health().last_success, Some(at(NOW + 60)));
    // The program that brings publications has a fault of its own.
    member.set_fault(Some("no answer".to_owned()), &mut world.store);
    assert_eq!(world.health().error.as_deref(), Some("no answer"));
    member.set_fault(None, &mut world.store);
    assert!(world.health().is_good());
}

#[test]
fn a_follower_and_a_member_leave_the_state_and_the_entries_of_each_other() {
    let mut world = World::new("both");
    let mut member = world.join();
    let (theirs, followed) = (pin("array-1"), pin("array-2"));
    let central = &mut world.fleet.central;
    central
        .install_pin(PinScope::Clients, theirs.clone(), options())
        .unwrap();
    let _ = world.apply(&mut member);
    let folder = Folder::new("member-both-source");
    fs::write(folder.file("pins.pem"), followed.to_pem()).unwrap();
    let source = Source::new(
        "pins",
        folder.file("pins.pem"),
        Feeds::Pins(PinScope::Clients),
    );
    let mut follower = Follower::new([source]).unwrap();
    for _ in 0..2 {
        follower.poll(&mut world.store).unwrap();
    }
    assert!(world.has(&theirs) && world.has(&followed));
    let health = world.store.health();
    assert_eq!((health.sources.len(), health.fleets.len()), (1, 1));
    assert!(health.is_good(), "{health}");
    let _ = member.refresh(&mut world.store).unwrap();
    let health = world.store.health();
    assert_eq!((health.sources.len(), health.fleets.len()), (1, 1));
    // Without the file of the member, the entries are left behind.
    fs::remove_file(world.folder.file("fleet-site-a")).unwrap();
    fs::write(folder.file("pins.pem"), format!("\n{}", followed.to_pem())).unwrap();
    for _ in 0..2 {
        follower.poll(&mut world.store).unwrap();
    }
    let health = world.store.health();
    let left: Vec<&str> = health
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    assert_eq!(left, ["pins", "fleet site-a"]);
    assert!(!health.is_good());
    let lost = FleetMember::open(&mut world.store, &fleet()).unwrap_err();
    assert!(
        matches!(lost, MemberError::StateLost { entries: 1, .. }),
        "{lost}"
    );
}

#[test]
fn no_followed_source_has_the_name_of_a_fleet() {
    let source = Source::new("fleet site-a", "/nowhere", Feeds::Intermediates);
    assert!(matches!(Follower::new([source]), Err(SourceError::Name)));
}

#[test]
fn who_leaves_keeps_the_entries_as_its_own() {
    let mut world = World::new("leaving");
    let mut member = world.join();
    let pin = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    member.leave(&mut world.store).unwrap();
    assert_eq!(world.source_of(&pin), Some(None));
    assert_eq!(world.asked(), ["leave fleet site-a"]);
    assert!(world.store.health().fleets.is_empty());
    assert!(!world.folder.names().contains(&"fleet-site-a".to_owned()));
    let gone = FleetMember::open(&mut world.store, &fleet()).unwrap_err();
    assert!(matches!(gone, MemberError::NotAMember { .. }), "{gone}");
    // It can join again.
    let _ = world.join();
}

#[test]
fn who_leaves_with_a_set_without_entries_can_join_again() {
    let mut world = World::new("leaving-empty");
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let first = world.fleet.publish();
    let _ = member.take_over(&first, &mut world.store).unwrap();
    let key = world.store.contents().entries()[0].key();
    let _ = world.fleet.central.remove(&key).unwrap();
    let _ = world.apply(&mut member);
    assert!(world.store.contents().entries().is_empty());
    let generation = world.store.contents().generation();
    member.leave(&mut world.store).unwrap();
    // The history says that it left, so that a file that is not there is not one that is lost.
    assert_eq!(world.asked(), ["leave fleet site-a"]);
    assert_eq!(world.store.contents().generation(), generation + 1);
    let gone = FleetMember::open(&mut world.store, &fleet()).unwrap_err();
    assert!(matches!(gone, MemberError::NotAMember { .. }), "{gone}");
    // What it had taken over before is still the least.
    let mut member = world.join();
    assert!(member.take_over(&first, &mut world.store).is_err());
}

#[test]
fn a_store_joins_once_and_with_the_key_set_that_was_read_out() {
    let mut world = World::new("joining");
    let set = world.fleet.set.clone();
    let other = Fleet::new(FLEET).set.digest();
    let refused = FleetMember::join(&mut world.store, set.clone(), other, Part::All).unwrap_err();
    assert!(
        matches!(refused, MemberError::OtherDigest { .. }),
        "{refused}"
    );
    assert!(FleetMember::fleets(&world.store).unwrap().is_empty());
    let _ = world.join();
    let digest = set.digest();
    let refused = FleetMember::join(&mut world.store, set, digest, Part::All).unwrap_err();
    assert!(matches!(refused, MemberError::Exists { .. }), "{refused}");
}

#[test]
fn a_copy_of_the_file_of_a_member_is_no_other_fleet() {
    let mut world = World::new("copied");
    let _ = world.join();
    let place = |name: &str| world.folder.path().join(name);
    fs::copy(place("fleet-site-a"), place("fleet-site-a.bak")).unwrap();
    fs::create_dir(place("fleet-site-b")).unwrap();
    assert_eq!(FleetMember::fleets(&world.store).unwrap(), [fleet()]);
    // One that is damaged is shown: opening it says what is wrong.
    fs::write(place("fleet-site-a"), "damaged").unwrap();
    assert_eq!(FleetMember::fleets(&world.store).unwrap(), [fleet()]);
}

#[test]
fn the_newest_publication_is_given_back_whole() {
    let mut world = World::new("whole");
    let mut member = world.join();
    assert_eq!(member.publication(), None);
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let first = world.fleet.publish();
    let _ = member.take_over(&first, &mut world.store).unwrap();
    assert_eq!(member.publication(), Some(first.as_slice()));
    let second = world.fleet.publish();
    let _ = member.take_over(&second, &mut world.store).unwrap();
    assert!(member.take_over(&first, &mut world.store).is_err());
    assert_eq!(member.publication(), Some(second.as_slice()));
    assert_eq!(world.open().publication(), Some(second.as_slice()));
}
