//! What a mapping says that files mean (rule I1).

use mutual_trust::admin::{Feeds, Follower, Source};
use mutual_trust::store::{Scope, Slot};
use mutual_trust::{AuthorityScope, PinScope};

use crate::common::*;
use crate::support::pki::spec;
use crate::support::*;

#[test]
fn every_slot_and_scope_can_be_fed() {
    let mut world = World::new("every");
    world
        .store
        .change(|store| store.add_group("site-a".parse().unwrap()))
        .unwrap();
    let root = spec("root").ca().self_signed();
    let below = spec("below").ca().path_len(0).signed_by(&root).certificate;
    let (end, root) = (pin("end"), root.certificate);
    let id = || server_id("keys-1");
    let group = || "site-a".parse().unwrap();
    let named = || Scope::Server(server_id("new.example"));
    let cases = [
        (
            Feeds::Pins(PinScope::Server(id())),
            &end,
            Slot::Pin,
            Scope::Server(id()),
        ),
        (
            Feeds::Pins(PinScope::Name(host("new.example"))),
            &end,
            Slot::Pin,
            named(),
        ),
        (
            Feeds::Pins(PinScope::Group(group())),
            &end,
            Slot::Pin,
            Scope::Group(group()),
        ),
        (
            Feeds::Pins(PinScope::Clients),
            &end,
            Slot::Pin,
            Scope::Clients,
        ),
        (
            Feeds::Authorities(AuthorityScope::Server(id())),
            &root,
            Slot::Authority,
            Scope::Server(id()),
        ),
        (
            Feeds::Authorities(AuthorityScope::Name(host("new.example"))),
            &root,
            Slot::Authority,
            named(),
        ),
        (
            Feeds::Authorities(AuthorityScope::AnyServer),
            &root,
            Slot::Authority,
            Scope::AnyServer,
        ),
        (
            Feeds::Authorities(AuthorityScope::Clients),
            &root,
            Slot::Authority,
            Scope::Clients,
        ),
        (
            Feeds::Intermediates,
            &below,
            Slot::Intermediate,
            Scope::Everyone,
        ),
    ];
    for (number, (feeds, certificate, slot, scope)) in cases.into_iter().enumerate() {
        world.put("fed.pem", certificate.to_pem());
        let source = Source::new(
            format!("source {number}"),
            world.path("fed.pem"),
            feeds.clone(),
        );
        let mut follower = Follower::new([source]).unwrap();
        world.settle(&mut follower);
        let entries = world.entries();
        let [entry] = entries.as_slice() else {
            panic!("{feeds:?}: {}: {entries:#?}", world.error());
        };
        assert_eq!((entry.slot(), entry.scope()), (slot, &scope));
        world.put("fed.pem", "trust nobody\n");
        world.settle(&mut follower);
        assert!(world.entries().is_empty(), "{feeds:?}");
    }
}

#[test]
fn the_options_of_a_source_are_those_of_its_entries() {
    let mut world = World::new("options");
    let one = pin("one");
    world.put("pins.pem", one.to_pem());
    for label in ["first", "second"] {
        let source = Source::new("source", world.path("pins.pem"), keys_1());
        let mut follower = Follower::new([source.options(options().with_label(label))]).unwrap();
        world.settle(&mut follower);
        assert_eq!(world.entries()[0].options().label(), Some(label));
        assert_eq!(world.entries().len(), 1);
    }
}

#[test]
fn a_source_that_is_mapped_elsewhere_takes_its_entries_along() {
    let mut world = World::new("elsewhere");
    let one = pin("one");
    world.put("pins.pem", one.to_pem());
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    let elsewhere = Feeds::Pins(PinScope::Clients);
    let source = Source::new("source", world.path("pins.pem"), elsewhere);
    let mut follower = Follower::new([source]).unwrap();
    world.settle(&mut follower);
    let entries = world.entries();
    assert_eq!(entries.len(), 1, "{entries:#?}");
    assert_eq!(entries[0].key().scope, Scope::Clients);
}

#[test]
fn a_fingerprint_that_is_installed_is_completed_and_stays_the_administrators() {
    let mut world = World::new("completed");
    let one = pin("one");
    let scope = PinScope::Server(server_id("keys-1"));
    world
        .store
        .change(|store| {
            store.install_pin_fingerprint(scope, one.fingerprint(), options().with_label("mine"))
        })
        .unwrap();
    world.put("pins.pem", one.to_pem());
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    let entry = &world.entries()[0];
    assert_eq!(entry.certificate(), Some(&one), "{}", world.error());
    assert_eq!(
        (entry.options().label(), entry.source()),
        (Some("mine"), None)
    );
    world.put("pins.pem", "trust nobody\n");
    world.settle(&mut follower);
    assert!(world.holds(&[&one]));
}
