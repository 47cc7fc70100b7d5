//! What a source does not touch: what others installed, blocks, claims; restarts included.

use mutual_trust::admin::{Feeds, Follower, Source};
use mutual_trust::store::StoreWarning;
use mutual_trust::{AuthorityScope, PinMatch, PinScope};

use crate::follow::common::*;
use crate::support::*;

#[test]
fn what_an_administrator_installed_stays_theirs() {
    let mut world = World::new("theirs");
    let (by_hand, followed) = (pin("by hand"), pin("followed"));
    world
        .store
        .change(|store| {
            store.set_actor(Some("alice"))?;
            let scope = PinScope::Server(server_id("keys-1"));
            store.install_pin(scope, by_hand.clone(), options().with_label("mine"))
        })
        .unwrap();
    // The source has it too, for a while.
    world.put("pins.pem", pem(&[&by_hand, &followed]));
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    assert!(world.holds(&[&by_hand, &followed]), "{}", world.error());
    let entry = |world: &World| {
        let key = world.key_of(&by_hand);
        world.store.contents().entry(&key).unwrap().clone()
    };
    assert_eq!(entry(&world).source(), None);
    assert_eq!(entry(&world).installed_by(), Some("alice"));
    assert_eq!(entry(&world).options().label(), Some("mine"));
    world.put("pins.pem", "trust nobody\n");
    world.settle(&mut follower);
    assert!(world.holds(&[&by_hand]));
}

#[test]
fn installing_by_hand_what_a_source_has_says_that_it_may_go() {
    let mut world = World::new("warned");
    let one = pin("one");
    world.put("pins.pem", one.to_pem());
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    let scope = PinScope::Server(server_id("keys-1"));
    let report = world
        .store
        .change(|store| store.install_pin(scope, one.clone(), options()))
        .unwrap();
    let warning = StoreWarning::clone(&report.warnings().items()[0]);
    assert!(warning.to_string().contains("source source"), "{warning}");
    assert_eq!(world.entries()[0].source(), Some("source"));
}

#[test]
fn the_mark_of_a_source_outlives_a_restart() {
    let mut world = World::new("restart");
    let (one, two) = (pin("one"), pin("two"));
    world.put("pins.pem", one.to_pem());
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    let mut world = world.restart();
    assert!(world.holds(&[&one]), "without the source, the store has it");
    world.put("pins.pem", two.to_pem());
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    assert!(world.holds(&[&two]), "what vanished meanwhile is removed");
}

#[test]
fn a_block_outlives_whatever_a_source_says() {
    let mut world = World::new("blocked");
    let (one, two) = (pin("one"), pin("two"));
    world.put("pins.pem", one.to_pem());
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    assert!(world.store.block(&one).unsaved.is_none());
    // It is held, so that the source can go on; and accepts nothing.
    world.put("pins.pem", pem(&[&one, &two]));
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]), "{}", world.error());
    assert_eq!(world.store.contents().blocks().count(), 1);
    // Once it is gone, it does not come back.
    world.put("pins.pem", two.to_pem());
    world.settle(&mut follower);
    world.put("pins.pem", pem(&[&one, &two]));
    world.settle(&mut follower);
    assert!(world.holds(&[&two]));
    let told = world.warnings();
    assert!(told.contains("is blocked and is not installed"), "{told}");
    let world = world.restart();
    assert_eq!(world.store.contents().blocks().count(), 1);
}

#[test]
fn what_two_sources_have_stays_until_neither_has_it() {
    let mut world = World::new("two");
    let (one, two) = (pin("one"), pin("two"));
    world.put("a.pem", pem(&[&one, &two]));
    world.put("b.pem", one.to_pem());
    let sources =
        ["a", "b"].map(|name| Source::new(name, world.path(&format!("{name}.pem")), keys_1()));
    let mut follower = Follower::new(sources).unwrap();
    world.settle(&mut follower);
    let source = |world: &World| {
        let key = world.key_of(&one);
        world
            .store
            .contents()
            .entry(&key)
            .unwrap()
            .source()
            .map(String::from)
    };
    assert_eq!(source(&world).as_deref(), Some("a"));
    let installed = world.entries()[0].installed();
    world.put("a.pem", two.to_pem());
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]));
    assert_eq!(source(&world).as_deref(), Some("b"), "handed over");
    assert_eq!(world.entries()[0].installed(), installed);
    world.put("b.pem", "trust nobody\n");
    world.settle(&mut follower);
    assert!(world.holds(&[&two]));
}

#[test]
fn a_certificate_is_handed_over_to_an_earlier_source_within_the_poll() {
    // The source that had it comes after the one that keeps it: no poll in between is without it.
    let mut world = World::new("handed-over");
    let (one, two) = (pin("one"), pin("two"));
    world.put("a.pem", two.to_pem());
    world.put("b.pem", one.to_pem());
    let sources =
        ["a", "b"].map(|name| Source::new(name, world.path(&format!("{name}.pem")), keys_1()));
    let mut follower = Follower::new(sources).unwrap();
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]));
    world.put("a.pem", pem(&[&one, &two]));
    world.settle(&mut follower);
    world.put("b.pem", "trust nobody\n");
    assert!(!follower.poll(&mut world.store).unwrap());
    assert!(follower.poll(&mut world.store).unwrap());
    assert!(world.holds(&[&one, &two]));
    let key = world.key_of(&one);
    let entry = world.store.contents().entry(&key).unwrap();
    assert_eq!(entry.source(), Some("a"), "handed over");
}

#[test]
fn a_certificate_that_is_handed_over_has_the_options_of_its_new_source() {
    let mut world = World::new("handed-options");
    let (one, two) = (pin("one"), pin("two"));
    world.put("a.pem", pem(&[&one, &two]));
    world.put("b.pem", two.to_pem());
    let by_key = options().with_matching(PinMatch::PublicKey);
    let source = |name: &str, options| {
        Source::new(name, world.path(&format!("{name}.pem")), keys_1()).options(options)
    };
    // The new source comes first: it is applied before the other one drops the certificate.
    let mut follower = Follower::new([source("b", options()), source("a", by_key)]).unwrap();
    world.settle(&mut follower);
    world.put("b.pem", pem(&[&one, &two]));
    world.settle(&mut follower);
    let entry = |world: &World| {
        let key = world.key_of(&one);
        world.store.contents().entry(&key).unwrap().clone()
    };
    assert_eq!(entry(&world).source(), Some("a"));
    assert_eq!(entry(&world).options().matching(), PinMatch::PublicKey);
    world.put("a.pem", two.to_pem());
    world.settle(&mut follower);
    assert_eq!(entry(&world).source(), Some("b"), "handed over");
    assert_eq!(entry(&world).options().matching(), PinMatch::Certificate);
}

#[test]
fn a_source_that_cannot_be_read_keeps_what_it_had_while_another_changes() {
    let mut world = World::new("unreadable");
    let (one, two, three) = (pin("one"), pin("two"), pin("three"));
    let follow = |world: &World| {
        let path = |name: &str| world.path(&format!("{name}.pem"));
        Follower::new(["a", "b"].map(|name| Source::new(name, path(name), keys_1()))).unwrap()
    };
    world.put("a.pem", one.to_pem());
    world.put("b.pem", two.to_pem());
    let mut follower = follow(&world);
    world.settle(&mut follower);
    // After a restart, one is missing from the start and the other has something new.
    std::fs::remove_file(world.path("a.pem")).unwrap();
    world.put("b.pem", three.to_pem());
    let mut world = world.restart();
    let mut follower = follow(&world);
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &three]), "{}", world.store.health());
}

#[test]
fn one_source_does_not_touch_what_comes_from_another() {
    let mut world = World::new("another");
    let (one, root) = (pin("one"), ca("root"));
    world.put("pins.pem", one.to_pem());
    world.put("roots.pem", root.to_pem());
    let roots = Feeds::Authorities(AuthorityScope::Clients);
    let sources = [
        Source::new("pins", world.path("pins.pem"), keys_1()),
        Source::new("roots", world.path("roots.pem"), roots),
    ];
    let mut follower = Follower::new(sources).unwrap();
    world.settle(&mut follower);
    world.put("pins.pem", "trust nobody\n");
    world.settle(&mut follower);
    assert!(world.holds(&[&root]));
}
