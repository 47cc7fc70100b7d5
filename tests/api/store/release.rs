//! Releasing a server or a group, and deleting a server (rule P2).

use mutual_trust::AuthorityScope;
use mutual_trust::error::StoreError as E;
use mutual_trust::store::{Claim, Outcome, TrustSource};

use crate::store::common::*;
use crate::support::*;

#[test]
fn a_release_removes_the_servers_own_pins_and_says_what_that_exposes() {
    let mut store = with_authorities();
    for pin in ["ee-p256", "ee-p384"] {
        store
            .install_pin(server("own"), fixture(pin), options())
            .unwrap();
        store
            .install_pin(server("s"), fixture(pin), options())
            .unwrap();
    }
    let report = changed!(store, store.release(&server_id("own")).unwrap());
    assert_eq!(report.done(), Outcome::Changed);
    let mut removed = report.entries().items().to_vec();
    removed.sort();
    let mut expected = ["ee-p256", "ee-p384"].map(|name| pin_key(of_server("own"), &fixture(name)));
    expected.sort();
    assert_eq!(removed, expected);
    for key in &expected {
        assert!(store.contents().entry(key).is_none());
    }
    assert_eq!(claim(&store, "own"), Claim::Unclaimed);
    assert_eq!(
        shifts(&report),
        [(
            "own".to_owned(),
            TrustSource::OwnPins,
            TrustSource::OwnAuthorities
        )]
    );
    assert_eq!(exposes(&report), ["own"]);
    // P8: the other server and its pins stay as they were.
    assert_eq!(claim(&store, "s"), Claim::Claimed);
    assert!(
        store
            .contents()
            .entry(&pin_key(of_server("s"), &fixture("ee-p256")))
            .is_some()
    );
    // Its authorities stay.
    assert!(
        store
            .contents()
            .entry(&authority_key(of_server("own"), &fixture("ca-other")))
            .is_some()
    );
}

#[test]
fn a_release_after_the_last_pin_is_gone_is_still_needed_and_works() {
    let mut store = with_authorities();
    store
        .install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    store
        .remove(&pin_key(of_server("s"), &fixture("ee-p256")))
        .unwrap();
    let report = changed!(store, store.release(&server_id("s")).unwrap());
    assert!(report.entries().is_empty());
    assert_eq!(
        shifts(&report),
        [(
            "s".to_owned(),
            TrustSource::NoUsablePin,
            TrustSource::AnyServerAuthorities
        )]
    );
    assert_eq!(exposes(&report), ["s"]);
}

#[test]
fn what_is_not_claimed_is_not_released() {
    let mut store = with_authorities();
    refused!(
        store,
        store.release(&server_id("s")),
        E::NotClaimed { server, .. } if server.as_str() == "s"
    );
    refused!(
        store,
        store.release(&server_id("nobody")),
        E::UnknownServer(_)
    );
    refused!(
        store,
        store.release_group(&group_id("nobody")),
        E::UnknownGroup(_)
    );
}

#[test]
fn a_release_is_refused_while_the_group_holds_a_pin() {
    let mut store = with_authorities();
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    store
        .install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    store
        .install_pin(group("g"), fixture("ee-p384"), options())
        .unwrap();
    let held = |error: &E| {
        matches!(error, E::GroupHoldsPin { server, group, .. }
            if server.as_str() == "s" && group.as_str() == "g")
    };
    refused!(store, store.release(&server_id("s")), error if held(error));
    // A pin that accepts nothing is held all the same.
    let key = pin_key(of_group("g"), &fixture("ee-p384"));
    store.disable(&key, "why").unwrap();
    store.block(&fixture("ee-p384"));
    refused!(store, store.release(&server_id("s")), error if held(error));
    store.remove(&key).unwrap();
    changed!(store, store.release(&server_id("s")).unwrap());
    assert_eq!(claim(&store, "s"), Claim::Unclaimed);
    // Still in the group: a pin there claims it again.
    let report = store.install_pin(group("g"), new_pin(), options()).unwrap();
    assert_eq!(claims(&report), ["s"]);
}

#[test]
fn releasing_a_group_releases_its_present_members_and_removes_its_pins_and_theirs() {
    let mut store = with_servers(&["a", "b", "c", "left"]);
    store.add_group(group_id("g")).unwrap();
    for id in ["a", "b", "left"] {
        store.join_group(&group_id("g"), &server_id(id)).unwrap();
    }
    store
        .install_pin(group("g"), fixture("ee-p384"), options())
        .unwrap();
    store
        .install_pin(server("a"), fixture("ee-p256"), options())
        .unwrap();
    store
        .install_pin(server("left"), fixture("ee-p256"), options())
        .unwrap();
    store
        .install_pin(server("c"), fixture("ee-p256"), options())
        .unwrap();
    store.leave_group(&server_id("left")).unwrap();
    store
        .install_authority(AuthorityScope::AnyServer, fixture("ca-root"), options())
        .unwrap();
    let report = changed!(store, store.release_group(&group_id("g")).unwrap());
    let mut removed = report.entries().items().to_vec();
    removed.sort();
    let mut expected = vec![
        pin_key(of_group("g"), &fixture("ee-p384")),
        pin_key(of_server("a"), &fixture("ee-p256")),
    ];
    expected.sort();
    assert_eq!(removed, expected);
    assert_eq!(
        shifts(&report),
        [
            (
                "a".to_owned(),
                TrustSource::OwnPins,
                TrustSource::AnyServerAuthorities
            ),
            (
                "b".to_owned(),
                TrustSource::GroupPins,
                TrustSource::AnyServerAuthorities
            ),
        ]
    );
    for (id, expected) in [
        ("a", Claim::Unclaimed),
        ("b", Claim::Unclaimed),
        ("c", Claim::Claimed),
        ("left", Claim::Claimed),
    ] {
        assert_eq!(claim(&store, id), expected, "{id}");
    }
    // The group stays, with its members.
    let view = store.contents();
    assert_eq!(view.group(&group_id("g")).unwrap().members().count(), 2);
}

#[test]
fn a_claimed_server_is_deleted_only_after_its_release() {
    let mut store = with_authorities();
    let claimed = |error: &E| matches!(error, E::Claimed { server, .. } if server.as_str() == "s");
    store
        .install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    refused!(store, store.remove_server(&server_id("s")), error if claimed(error));
    store
        .remove(&pin_key(of_server("s"), &fixture("ee-p256")))
        .unwrap();
    refused!(store, store.remove_server(&server_id("s")), error if claimed(error));
    store.migrate(&server_id("s"), at(NOW + DAY)).unwrap();
    refused!(store, store.remove_server(&server_id("s")), error if claimed(error));
    store.release(&server_id("s")).unwrap();
    let report = changed!(store, store.remove_server(&server_id("s")).unwrap());
    assert_eq!(report.done(), Outcome::Removed);
    assert!(store.contents().server(&server_id("s")).is_none());
    assert!(store.contents().server_of(&host("s.example")).is_none());
    refused!(
        store,
        store.remove_server(&server_id("s")),
        E::UnknownServer(_)
    );
}

#[test]
fn a_deleted_server_leaves_nothing_behind_for_one_of_the_same_id() {
    let mut store = with_authorities();
    store.join_group(&group_id("g"), &server_id("own")).unwrap();
    store
        .set_reference_names(&server_id("own"), [host("x.example")])
        .unwrap();
    let report = changed!(store, store.remove_server(&server_id("own")).unwrap());
    let key = authority_key(of_server("own"), &fixture("ca-other"));
    assert_eq!(report.entries().items(), std::slice::from_ref(&key));
    let view = store.contents();
    assert_eq!(view.group(&group_id("g")).unwrap().members().count(), 0);
    store.add_server(server_id("own"), []).unwrap();
    let view = store.contents();
    let made = view.server(&server_id("own")).unwrap();
    assert_eq!(made.claim(), Claim::Unclaimed);
    assert!(made.group().is_none() && made.names().count() == 0);
    assert_eq!(made.expected_names().count(), 0);
    assert!(view.entry(&key).is_none());
    assert_eq!(level(&store, "own"), TrustSource::AnyServerAuthorities);
    // The pins of the group that it was in are not its own.
    let report = store.install_pin(group("g"), new_pin(), options()).unwrap();
    assert!(claims(&report).is_empty());
}
