//! Snapshots, their number, the order of listings, and the floor (M7).

use mutual_trust::certificate::{Certificate, CurrentTime};
use mutual_trust::store::BlockSelector;
use mutual_trust::{AuthorityScope, PinScope, TrustSnapshot, TrustStore};

use crate::store::common::*;
use crate::support::pki::spec;
use crate::support::*;

#[test]
fn an_empty_view_holds_nothing() {
    for view in [TrustSnapshot::default(), store().snapshot()] {
        assert!(view.entries().is_empty());
        assert_eq!(view.servers().count(), 0);
        assert_eq!(view.groups().count(), 0);
        assert_eq!(view.blocks().count(), 0);
    }
    assert_eq!(TrustSnapshot::default().generation(), 0);
}

#[test]
fn a_view_is_not_changed_by_what_comes_later() {
    // S1.
    let mut store = with_servers(&["s", "t"]);
    store.add_group(group_id("g")).unwrap();
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    store
        .install_pin(group("g"), fixture("ee-p256"), options())
        .unwrap();
    store
        .install_authority(AuthorityScope::AnyServer, fixture("ca-root"), options())
        .unwrap();
    store.block(&fixture("v1"));
    let view = store.snapshot();
    let copy = view.clone();
    let before = snapshot(&view);
    // Each kind of change.
    store
        .install_pin(server("t"), fixture("ee-p384"), options().with_label("new"))
        .unwrap();
    store
        .update(
            &pin_key(of_group("g"), &fixture("ee-p256")),
            options().with_label("x"),
        )
        .unwrap();
    store
        .disable(&pin_key(of_group("g"), &fixture("ee-p256")), "why")
        .unwrap();
    store
        .remove(&authority_key(
            mutual_trust::store::Scope::AnyServer,
            &fixture("ca-root"),
        ))
        .unwrap();
    store.block(&fixture("ee-p256"));
    store
        .unblock(&BlockSelector::certificate(&fixture("v1")))
        .unwrap();
    store.migrate(&server_id("t"), at(NOW + DAY)).unwrap();
    store
        .move_name(&host("s.example"), &server_id("s"))
        .unwrap();
    store.release_name(&host("s.example")).unwrap();
    store
        .set_reference_names(&server_id("s"), [host("x.example")])
        .unwrap();
    store.release_group(&group_id("g")).unwrap();
    store.remove_group(&group_id("g")).unwrap();
    store.remove_server(&server_id("s")).unwrap();
    store.reset_floor(None);
    assert_eq!(snapshot(&view), before);
    assert_eq!(snapshot(&copy), before);
    assert_ne!(snapshot(&store.snapshot()), before);
}

#[test]
fn equal_numbers_are_equal_snapshots() {
    let mut store = with_servers(&["s"]);
    let first = store.snapshot();
    let second = store.snapshot();
    assert_eq!(first.generation(), second.generation());
    assert_eq!(snapshot(&first), snapshot(&second));
    assert_eq!(store.contents().generation(), first.generation());
}

#[test]
fn the_generation_only_grows() {
    let mut store = store();
    let mut last = store.snapshot().generation();
    let mut grown = |store: &mut TrustStore| {
        let now = store.snapshot().generation();
        assert!(now > last, "{now} after {last}");
        last = now;
    };
    let pin = fixture("ee-p256");
    let key = pin_key(of_server("s"), &pin);
    store
        .add_server(server_id("s"), [host("s.example")])
        .unwrap();
    grown(&mut store);
    store.add_group(group_id("g")).unwrap();
    grown(&mut store);
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    grown(&mut store);
    store
        .install_pin_fingerprint(server("s"), pin.fingerprint(), options())
        .unwrap();
    grown(&mut store);
    store
        .install_pin(server("s"), pin.clone(), options())
        .unwrap();
    grown(&mut store);
    store.update(&key, options().with_label("x")).unwrap();
    grown(&mut store);
    store.disable(&key, "why").unwrap();
    grown(&mut store);
    store.enable(&key).unwrap();
    grown(&mut store);
    store.remove(&key).unwrap();
    grown(&mut store);
    store.migrate(&server_id("s"), at(NOW + DAY)).unwrap();
    grown(&mut store);
    store.stop_migrating(&server_id("s")).unwrap();
    grown(&mut store);
    store.release(&server_id("s")).unwrap();
    grown(&mut store);
    store.block(&pin);
    grown(&mut store);
    store.unblock(&BlockSelector::certificate(&pin)).unwrap();
    grown(&mut store);
    store.add_name(&server_id("s"), host("x.example")).unwrap();
    grown(&mut store);
    store.release_name(&host("x.example")).unwrap();
    grown(&mut store);
    store.leave_group(&server_id("s")).unwrap();
    grown(&mut store);
    store.remove_group(&group_id("g")).unwrap();
    grown(&mut store);
    store.remove_server(&server_id("s")).unwrap();
    grown(&mut store);
    store.reset_floor(None);
    grown(&mut store);
}

/// One change of a store.
type Step<'a> = Box<dyn Fn(&mut TrustStore) + 'a>;

#[test]
fn a_listing_does_not_depend_on_the_order_of_installation() {
    // P8.
    let pins: Vec<Certificate> = ["ee-p256", "ee-p384", "v1", "ca-false", "reissued-old"]
        .iter()
        .map(|name| fixture(name))
        .collect();
    let cas: Vec<Certificate> = ["ca-root", "ca-other", "openssl-req-san"]
        .iter()
        .map(|name| fixture(name))
        .collect();
    let filled = |turn: usize| {
        let mut store = store();
        let mut steps: Vec<Step<'_>> = Vec::new();
        for id in ["b", "a", "c"] {
            steps.push(Box::new(move |store| {
                store
                    .add_server(server_id(id), [host(&format!("{id}.example"))])
                    .unwrap();
            }));
        }
        for id in ["y", "x"] {
            steps.push(Box::new(move |store| {
                store.add_group(group_id(id)).unwrap();
            }));
        }
        turned(&mut steps, turn).for_each(|step| step(&mut store));
        let mut steps: Vec<Step<'_>> = Vec::new();
        for pin in &pins {
            for scope in [
                server("a"),
                server("b"),
                group("x"),
                group("y"),
                PinScope::Clients,
            ] {
                steps.push(Box::new(move |store| {
                    store
                        .install_pin(scope.clone(), pin.clone(), options())
                        .unwrap();
                }));
            }
        }
        for ca in &cas {
            for scope in [
                authority("c"),
                AuthorityScope::AnyServer,
                AuthorityScope::Clients,
            ] {
                steps.push(Box::new(move |store| {
                    store
                        .install_authority(scope.clone(), ca.clone(), options())
                        .unwrap();
                }));
            }
            steps.push(Box::new(move |store| {
                store.install_intermediate(ca.clone(), options()).unwrap();
            }));
        }
        for id in ["c", "a"] {
            steps.push(Box::new(move |store| {
                store.join_group(&group_id("x"), &server_id(id)).unwrap();
            }));
        }
        turned(&mut steps, turn).for_each(|step| step(&mut store));
        snapshot(&store.snapshot())
    };
    let first = filled(0);
    assert!(first.lines().count() > 40, "{first}");
    for turn in 1..12 {
        assert_eq!(first, filled(turn), "turn {turn}");
    }
}

/// The steps in another order for each turn: rotated, and backwards for the odd ones.
fn turned<T>(steps: &mut [T], turn: usize) -> Box<dyn Iterator<Item = &mut T> + '_> {
    let by = turn * 7 % steps.len();
    steps.rotate_left(by);
    if turn % 2 == 1 {
        steps.reverse();
    }
    Box::new(steps.iter_mut())
}

#[test]
fn entries_are_listed_by_scope_slot_and_fingerprint() {
    let mut store = with_servers(&["a", "b"]);
    for id in ["b", "a"] {
        for name in ["v1", "ee-p256", "ca-root"] {
            store
                .install_pin(server(id), fixture(name), options())
                .unwrap();
        }
        store
            .install_authority(authority(id), fixture("ca-root"), options())
            .unwrap();
    }
    let keys: Vec<_> = store
        .contents()
        .entries()
        .iter()
        .map(|e| e.key().clone())
        .collect();
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(keys, sorted);
    assert_eq!(keys.len(), 8);
    assert!(keys[..4].iter().all(|key| key.scope == of_server("a")));
}

#[test]
fn a_view_taken_with_a_known_clock_raises_the_floor() {
    // M7: the newest time at which it was published with a known clock.
    let (mut store, clock) = on_clock();
    assert_eq!(store.contents().floor(), None);
    let first = store.snapshot();
    assert_eq!(first.floor(), Some(at(NOW)));
    // Again at the same time: nothing is newer.
    assert_eq!(store.snapshot().generation(), first.generation());
    clock.to(NOW + 1);
    let later = store.snapshot();
    assert_eq!(later.floor(), Some(at(NOW + 1)));
    assert!(later.generation() > first.generation());
    assert_eq!(first.floor(), Some(at(NOW)), "a view does not change");
    // It never sinks by itself, whatever the clock says.
    for earlier in [
        CurrentTime::Known(at(NOW - 60)),
        CurrentTime::Known(at(1)),
        CurrentTime::Unset,
    ] {
        clock.set(earlier);
        let view = store.snapshot();
        assert_eq!(view.floor(), Some(at(NOW + 1)));
        assert_eq!(view.generation(), later.generation());
    }
}

#[test]
fn nothing_but_a_published_view_raises_the_floor() {
    // M7: times inside entries do not count.
    let (mut store, _) = on_clock();
    store.add_server(server_id("s"), []).unwrap();
    let options = options().with_end(at(NOW + 1000 * DAY));
    let late = spec("late").valid(
        i64::try_from(500 * DAY).unwrap(),
        i64::try_from(900 * DAY).unwrap(),
    );
    store
        .install_pin(server("s"), late.self_signed().certificate, options)
        .unwrap();
    store.migrate(&server_id("s"), at(NOW + 300 * DAY)).unwrap();
    assert_eq!(store.contents().floor(), None);
    assert_eq!(store.snapshot().floor(), Some(at(NOW)));
}

#[test]
fn a_clock_that_was_never_set_gives_no_floor() {
    let (mut store, clock) = on_clock();
    clock.set(CurrentTime::Unset);
    let view = store.snapshot();
    assert_eq!(view.floor(), None);
    assert_eq!(view.generation(), 0);
}

#[test]
fn an_install_time_is_known_only_if_the_clock_is() {
    // M7: a clock more than 26 hours below the floor is unset.
    let (mut store, clock) = on_clock();
    store.snapshot();
    let mut installed = |clock_now: CurrentTime| {
        clock.set(clock_now);
        let pin = new_pin();
        store
            .install_pin(PinScope::Clients, pin.clone(), options())
            .unwrap();
        let key = pin_key(mutual_trust::store::Scope::Clients, &pin);
        store.contents().entry(&key).unwrap().installed()
    };
    for (seconds, expected) in [
        (NOW, true),
        (NOW + DAY, true),
        (NOW - 301, true),
        (NOW - 26 * 3600, true),
        (NOW - 26 * 3600 - 1, false),
        (NOW - 2 * DAY, false),
        (0, false),
    ] {
        let expected = expected.then(|| at(seconds));
        assert_eq!(
            installed(CurrentTime::Known(at(seconds))),
            expected,
            "{seconds}"
        );
    }
    assert_eq!(installed(CurrentTime::Unset), None);
}

#[test]
fn reset_floor_corrects_what_a_wrong_clock_set() {
    // M7.
    let (mut store, clock) = on_clock();
    clock.to(NOW + 3650 * DAY);
    store.snapshot();
    clock.to(NOW);
    // The right clock counts as unset now.
    store
        .install_pin(PinScope::Clients, fixture("ee-p256"), options())
        .unwrap();
    let key = pin_key(mutual_trust::store::Scope::Clients, &fixture("ee-p256"));
    assert_eq!(store.contents().entry(&key).unwrap().installed(), None);
    assert_eq!(store.snapshot().floor(), Some(at(NOW + 3650 * DAY)));
    changed!(store, store.reset_floor(Some(at(NOW - DAY))));
    assert_eq!(store.contents().floor(), Some(at(NOW - DAY)));
    assert_eq!(store.snapshot().floor(), Some(at(NOW)));
    store
        .install_pin(PinScope::Clients, fixture("ee-p384"), options())
        .unwrap();
    let key = pin_key(mutual_trust::store::Scope::Clients, &fixture("ee-p384"));
    assert_eq!(
        store.contents().entry(&key).unwrap().installed(),
        Some(at(NOW))
    );
    // Forgotten until the next view.
    changed!(store, store.reset_floor(None));
    assert_eq!(store.contents().floor(), None);
    clock.set(CurrentTime::Unset);
    assert_eq!(store.snapshot().floor(), None);
}

#[test]
fn stores_share_nothing() {
    let mut one = with_servers(&["s"]);
    let two = with_servers(&["s"]);
    let before = snapshot(two.contents());
    one.install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    one.block(&fixture("ee-p384"));
    one.snapshot();
    assert_eq!(snapshot(two.contents()), before);
}

#[test]
fn views_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    shared(&store().snapshot());
}
