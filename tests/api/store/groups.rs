//! Groups of servers that replicate one certificate.

use mutual_trust::error::StoreError as E;
use mutual_trust::store::{Claim, Outcome, TrustSource};

use crate::store::common::*;
use crate::support::*;

fn members(store: &mutual_trust::TrustStore, id: &str) -> Vec<String> {
    let group = store.contents().group(&group_id(id)).unwrap();
    group.members().map(|id| id.to_string()).collect()
}

#[test]
fn a_group_is_made_once_and_lists_its_members_in_order() {
    let mut store = with_servers(&["c", "a", "b"]);
    let report = changed!(store, store.add_group(group_id("g")).unwrap());
    assert_added(&report);
    refused!(
        store,
        store.add_group(group_id("g")),
        E::GroupExists(id) if id.as_str() == "g"
    );
    for id in ["c", "a", "b"] {
        let report = changed!(
            store,
            store.join_group(&group_id("g"), &server_id(id)).unwrap()
        );
        assert_eq!(report.done(), Outcome::Changed);
        assert!(
            claims(&report).is_empty(),
            "a group without a pin claims nobody"
        );
    }
    assert_eq!(members(&store, "g"), ["a", "b", "c"]);
    let server = store.contents().server(&server_id("a")).unwrap();
    assert_eq!(server.group(), Some(&group_id("g")));
    // A server and a group may have the same id: they are not the same thing.
    changed!(store, store.add_group(group_id("a")).unwrap());
}

#[test]
fn a_server_is_in_at_most_one_group() {
    let mut store = with_servers(&["s"]);
    store.add_group(group_id("g")).unwrap();
    store.add_group(group_id("h")).unwrap();
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    nothing_new!(
        store,
        store.join_group(&group_id("g"), &server_id("s")).unwrap()
    );
    refused!(
        store,
        store.join_group(&group_id("h"), &server_id("s")),
        E::InAnotherGroup { server, group, .. } if server.as_str() == "s" && group.as_str() == "g"
    );
    changed!(store, store.leave_group(&server_id("s")).unwrap());
    refused!(
        store,
        store.leave_group(&server_id("s")),
        E::NotInGroup { server, .. } if server.as_str() == "s"
    );
    changed!(
        store,
        store.join_group(&group_id("h"), &server_id("s")).unwrap()
    );
    assert!(members(&store, "g").is_empty());
    assert_eq!(members(&store, "h"), ["s"]);
}

#[test]
fn unknown_servers_and_groups_are_named() {
    let mut store = with_servers(&["s"]);
    store.add_group(group_id("g")).unwrap();
    refused!(
        store,
        store.join_group(&group_id("x"), &server_id("s")),
        E::UnknownGroup(id) if id.as_str() == "x"
    );
    refused!(
        store,
        store.join_group(&group_id("g"), &server_id("x")),
        E::UnknownServer(id) if id.as_str() == "x"
    );
    refused!(
        store,
        store.leave_group(&server_id("x")),
        E::UnknownServer(_)
    );
    refused!(
        store,
        store.remove_group(&group_id("x")),
        E::UnknownGroup(_)
    );
}

#[test]
fn a_pin_for_a_group_claims_every_member_and_says_which() {
    // P2 and I9. `own` was claimed already and has its own pin.
    let mut store = with_servers(&["a", "b", "own", "outside"]);
    store.add_group(group_id("g")).unwrap();
    for id in ["a", "b", "own"] {
        store.join_group(&group_id("g"), &server_id(id)).unwrap();
    }
    store
        .install_pin(server("own"), fixture("ee-p384"), options())
        .unwrap();
    let report = changed!(
        store,
        store
            .install_pin(group("g"), fixture("ee-p256"), options())
            .unwrap()
    );
    assert_eq!(claims(&report), ["a", "b"]);
    assert_eq!(
        shifts(&report),
        [
            ("a".to_owned(), TrustSource::Nothing, TrustSource::GroupPins),
            ("b".to_owned(), TrustSource::Nothing, TrustSource::GroupPins),
        ]
    );
    assert_eq!(level(&store, "own"), TrustSource::OwnPins);
    assert_eq!(level(&store, "outside"), TrustSource::Nothing);
    // The second pin of a group claims no server anew.
    let report = store
        .install_pin(group("g"), fixture("ee-p384"), options())
        .unwrap();
    assert!(
        claims(&report).is_empty() && report.shifts().is_empty(),
        "{report}"
    );
}

#[test]
fn joining_and_leaving_report_what_is_asked_now() {
    let mut store = with_servers(&["s"]);
    store.add_group(group_id("g")).unwrap();
    store
        .install_pin(group("g"), fixture("ee-p256"), options())
        .unwrap();
    let report = changed!(
        store,
        store.join_group(&group_id("g"), &server_id("s")).unwrap()
    );
    assert_eq!(claims(&report), ["s"]);
    assert_eq!(
        shifts(&report),
        [("s".to_owned(), TrustSource::Nothing, TrustSource::GroupPins)]
    );
    assert_eq!(shadows(&report), ["s"]);
    let report = changed!(store, store.leave_group(&server_id("s")).unwrap());
    assert!(claims(&report).is_empty());
    assert_eq!(
        shifts(&report),
        [(
            "s".to_owned(),
            TrustSource::GroupPins,
            TrustSource::NoUsablePin
        )]
    );
    assert_eq!(exposes(&report), ["s"]);
}

#[test]
fn a_deleted_group_takes_its_pins_and_leaves_its_members_claimed() {
    let mut store = with_servers(&["a", "b"]);
    store.add_group(group_id("g")).unwrap();
    for id in ["a", "b"] {
        store.join_group(&group_id("g"), &server_id(id)).unwrap();
    }
    let pin = fixture("ee-p256");
    store
        .install_pin(group("g"), pin.clone(), options())
        .unwrap();
    store
        .install_pin(server("b"), fixture("ee-p384"), options())
        .unwrap();
    let report = changed!(store, store.remove_group(&group_id("g")).unwrap());
    assert_eq!(report.done(), Outcome::Removed);
    assert_eq!(report.entries().items(), [pin_key(of_group("g"), &pin)]);
    assert_eq!(
        shifts(&report),
        [(
            "a".to_owned(),
            TrustSource::GroupPins,
            TrustSource::NoUsablePin
        )]
    );
    for id in ["a", "b"] {
        assert_eq!(claim(&store, id), Claim::Claimed, "{id}");
        assert!(
            store
                .contents()
                .server(&server_id(id))
                .unwrap()
                .group()
                .is_none()
        );
    }
    // A group made again under the same id starts with nothing.
    store.add_group(group_id("g")).unwrap();
    assert!(members(&store, "g").is_empty());
    assert!(
        store
            .contents()
            .entry(&pin_key(of_group("g"), &pin))
            .is_none()
    );
    let report = store.join_group(&group_id("g"), &server_id("a")).unwrap();
    assert!(report.shifts().is_empty(), "{report}");
}
