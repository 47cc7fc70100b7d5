//! What is taken over, and when.

use std::fs;

use mutual_trust::AuthorityScope;
use mutual_trust::admin::{Feeds, Follower, Source};
use mutual_trust::store::Claim;

use crate::follow::common::*;
use crate::support::*;

#[test]
fn a_file_is_taken_over_when_two_polls_find_it_unchanged() {
    let mut world = World::new("two-polls");
    let one = pin("one");
    world.put("pins.pem", one.to_pem());
    let mut follower = world.follow("pins.pem");
    assert!(!follower.poll(&mut world.store).unwrap());
    assert!(world.holds(&[]));
    let health = world.store.health();
    assert!(health.sources[0].settling && health.is_good(), "{health}");
    let live = world.store.live();
    assert!(follower.poll(&mut world.store).unwrap());
    assert!(world.holds(&[&one]));
    assert_eq!(
        live.current().generation(),
        world.store.contents().generation()
    );
    assert_eq!(world.store.health().sources[0].certificates, Some(1));
    let entry = &world.entries()[0];
    assert_eq!(entry.source(), Some("source"));
    let generation = live.current().generation();
    assert!(!follower.poll(&mut world.store).unwrap());
    assert_eq!(
        live.current().generation(),
        generation,
        "nothing changed, so nothing was stored"
    );
}

#[test]
fn a_source_that_the_store_refuses_does_not_stop_a_later_one() {
    let mut world = World::new("refused-first");
    let one = pin("one");
    // A certificate that is no CA: readable, and refused by the store.
    world.put("bad.pem", one.to_pem());
    world.put("pins.pem", one.to_pem());
    let authorities = Feeds::Authorities(AuthorityScope::AnyServer);
    let mut follower = Follower::new([
        Source::new("bad", world.path("bad.pem"), authorities),
        Source::new("pins", world.path("pins.pem"), keys_1()),
    ])
    .unwrap();
    world.settle(&mut follower);
    assert!(world.holds(&[&one]), "{}", world.store.health());
    assert!(world.error().contains("is not a CA"), "{}", world.error());
}

#[test]
fn what_is_written_piece_by_piece_is_not_taken_halfway() {
    let mut world = World::new("pieces");
    let (one, two) = (pin("one"), pin("two"));
    world.put("pins.pem", pem(&[&one, &two]));
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]));
    // A program writes over the file: a poll meets it when the first of three is there, whole.
    let three = pin("three");
    fs::write(world.path("pins.pem"), pem(&[&one])).unwrap();
    follower.poll(&mut world.store).unwrap();
    assert!(world.holds(&[&one, &two]), "nothing is removed yet");
    fs::write(world.path("pins.pem"), pem(&[&one, &two, &three])).unwrap();
    follower.poll(&mut world.store).unwrap();
    assert!(world.holds(&[&one, &two]));
    follower.poll(&mut world.store).unwrap();
    assert!(world.holds(&[&one, &two, &three]));
}

#[test]
fn what_vanishes_from_the_source_is_removed_and_its_claim_stays() {
    let mut world = World::new("vanishes");
    let (one, two) = (pin("one"), pin("two"));
    world.put("pins.pem", pem(&[&one, &two]));
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    world.put("pins.pem", two.to_pem());
    world.settle(&mut follower);
    assert!(world.holds(&[&two]));
    world.put(
        "pins.pem",
        "# by order of the operator\n\n  trust nobody  \n",
    );
    world.settle(&mut follower);
    assert!(world.holds(&[]));
    let health = world.store.health();
    assert!(
        health.is_good() && health.to_string().contains("trusts no peer"),
        "{health}"
    );
    let claim = |world: &World| {
        world
            .store
            .contents()
            .server(&server_id("keys-1"))
            .unwrap()
            .claim()
    };
    assert_eq!(claim(&world), Claim::Claimed);
    let world = world.restart();
    assert_eq!(claim(&world), Claim::Claimed);
}

#[test]
fn a_folder_is_all_its_files_and_not_what_is_hidden() {
    let mut world = World::new("folder");
    let (one, two) = (pin("one"), pin("two"));
    fs::create_dir(world.path("pins")).unwrap();
    world.put("pins/a.pem", one.to_pem());
    world.put("pins/b.crt", pem(&[&two, &one]));
    world.put("pins/.hidden", "no certificate");
    fs::create_dir(world.path("pins/.folder")).unwrap();
    let mut follower = world.follow("pins");
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]), "{}", world.error());
    fs::remove_file(world.path("pins/b.crt")).unwrap();
    world.settle(&mut follower);
    assert!(world.holds(&[&one]));
    // A file that says nobody, and nothing beside it.
    world.put("pins/a.pem", "trust nobody\n");
    world.settle(&mut follower);
    assert!(world.holds(&[]), "{}", world.error());
}

#[test]
fn a_file_with_the_same_content_under_a_new_identity_is_no_change() {
    let mut world = World::new("same");
    let one = pin("one");
    world.put("pins.pem", one.to_pem());
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    let generation = world.store.contents().generation();
    world.put("pins.pem", one.to_pem());
    assert!(!follower.poll(&mut world.store).unwrap());
    assert!(!world.store.health().sources[0].settling);
    assert_eq!(world.store.contents().generation(), generation);
}

#[test]
fn a_file_that_was_written_between_two_polls_has_not_settled() {
    let mut world = World::new("written-between");
    let one = pin("one");
    let mut follower = world.follow("pins.pem");
    // The same bytes each time: a program that is halfway through the same again.
    for _ in 0..3 {
        world.put("pins.pem", one.to_pem());
        assert!(!follower.poll(&mut world.store).unwrap());
        assert!(world.store.health().sources[0].settling);
    }
    assert!(follower.poll(&mut world.store).unwrap());
    assert!(world.holds(&[&one]));
}

#[test]
fn several_sources_change_the_store_at_once_or_each_by_itself() {
    use mutual_trust::admin::{Feeds, Follower, Source};
    use mutual_trust::{AuthorityScope, PinScope};

    let mut world = World::new("several");
    let (one, root) = (pin("one"), ca("root"));
    world.put("pins.pem", one.to_pem());
    world.put("roots.pem", root.to_pem());
    let sources = [
        Source::new("pins", world.path("pins.pem"), keys_1()),
        Source::new(
            "nowhere",
            world.path("nowhere.pem"),
            Feeds::Pins(PinScope::Clients),
        ),
        Source::new(
            "roots",
            world.path("roots.pem"),
            Feeds::Authorities(AuthorityScope::AnyServer),
        ),
    ];
    let mut follower = Follower::new(sources).unwrap();
    let before = world.store.contents().generation();
    follower.poll(&mut world.store).unwrap();
    assert_eq!(world.store.contents().generation(), before);
    follower.poll(&mut world.store).unwrap();
    assert!(world.holds(&[&one, &root]));
    let health = world.store.health();
    assert!(!health.is_good());
    assert!(
        health.to_string().contains("nowhere.pem is missing"),
        "{health}"
    );
}
