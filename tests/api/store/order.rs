//! The order of key servers, and secondaries.

use mutual_trust::error::StoreError as E;
use mutual_trust::store::{Outcome, ServerRole};
use mutual_trust::{ServerId, TrustSnapshot, TrustStore};

use crate::support::*;

fn with_servers(ids: &[&str]) -> TrustStore {
    let mut store = store();
    for id in ids {
        store.add_server(server_id(id), []).unwrap();
    }
    store
}

fn ids(text: &str) -> Vec<ServerId> {
    text.split_whitespace().map(server_id).collect()
}

fn order(view: &TrustSnapshot) -> String {
    let servers = view.servers_in_order();
    let ids: Vec<&str> = servers.iter().map(|server| server.id().as_str()).collect();
    ids.join(" ")
}

#[test]
fn primaries_come_by_place_then_those_without_one_then_the_secondaries_of_each() {
    let mut store = with_servers(&["a", "b", "c", "d", "e", "f"]);
    assert_eq!(order(store.contents()), "a b c d e f", "by id");
    store.set_server_order(ids("e b")).unwrap();
    assert_eq!(order(store.contents()), "e b a c d f");
    store.set_secondaries(&server_id("b"), ids("d a")).unwrap();
    assert_eq!(order(store.contents()), "e b c f d a");
    // Of a server without a place, and of the first one: in the order of their primaries.
    store.set_secondaries(&server_id("c"), ids("f")).unwrap();
    assert_eq!(order(store.contents()), "e b c d a f");
    store.set_server_order(ids("b e")).unwrap();
    assert_eq!(order(store.contents()), "b e c d a f");
    let role = |id: &str| {
        store
            .contents()
            .server(&server_id(id))
            .unwrap()
            .role()
            .cloned()
    };
    assert!(matches!(
        role("e"),
        Some(ServerRole::Primary { place: 2, .. })
    ));
    assert!(matches!(
        role("a"),
        Some(ServerRole::Secondary { of, place: 2, .. }) if of == server_id("b")
    ));
    assert_eq!(role("c"), None);
}

#[test]
fn a_list_replaces_the_one_before_and_an_empty_one_ends_it() {
    let mut store = with_servers(&["a", "b", "c", "d"]);
    store.set_server_order(ids("d c b")).unwrap();
    store.set_server_order(ids("c")).unwrap();
    assert_eq!(order(store.contents()), "c a b d");
    store.set_secondaries(&server_id("c"), ids("a b")).unwrap();
    store.set_secondaries(&server_id("c"), ids("b")).unwrap();
    assert_eq!(order(store.contents()), "c a d b");
    // A secondary that is listed among the primaries is one from then on.
    store.set_server_order(ids("b c")).unwrap();
    assert_eq!(order(store.contents()), "b c a d");
    store.set_secondaries(&server_id("c"), ids("a")).unwrap();
    store.set_secondaries(&server_id("c"), []).unwrap();
    store.set_server_order([]).unwrap();
    let roles = store
        .contents()
        .servers()
        .filter_map(|server| server.role());
    assert_eq!(roles.count(), 0);
}

#[test]
fn the_same_order_again_makes_no_generation() {
    let mut store = with_servers(&["a", "b", "c"]);
    let report = store.set_server_order(ids("b a")).unwrap();
    assert_eq!(report.done(), Outcome::Changed);
    store.set_secondaries(&server_id("a"), ids("c")).unwrap();
    let generation = store.contents().generation();
    let report = store.set_server_order(ids("b a")).unwrap();
    assert_eq!(report.done(), Outcome::Unchanged);
    let report = store.set_secondaries(&server_id("a"), ids("c")).unwrap();
    assert_eq!(report.done(), Outcome::Unchanged);
    assert_eq!(store.contents().generation(), generation);
    store.set_server_order(ids("a b")).unwrap();
    assert_eq!(store.contents().generation(), generation + 1);
}

/// A secondary whose primary was removed counts as a server without a place, so it can get secondaries.
#[test]
fn a_secondary_whose_primary_was_removed_can_get_secondaries() {
    let mut store = with_servers(&["a", "b", "c", "d"]);
    store.set_server_order(ids("b a")).unwrap();
    store.set_secondaries(&server_id("b"), ids("c")).unwrap();
    store.remove_server(&server_id("b")).unwrap();
    assert_eq!(order(store.contents()), "a c d");
    let generation = store.contents().generation();
    // Nothing to do is still nothing to do.
    let report = store.set_secondaries(&server_id("c"), []).unwrap();
    assert_eq!(report.done(), Outcome::Unchanged);
    assert_eq!(store.contents().generation(), generation);
    store.set_secondaries(&server_id("c"), ids("d")).unwrap();
    assert_eq!(order(store.contents()), "a c d");
    let server = |store: &TrustStore, id: &str| {
        let found = store.contents().server(&server_id(id));
        found.unwrap().role().cloned()
    };
    assert!(matches!(
        server(&store, "d"),
        Some(ServerRole::Secondary { of, place: 1, .. }) if of == server_id("c")
    ));
    // Its primary that comes back does not make it a secondary that has secondaries.
    assert_eq!(server(&store, "c"), None);
    store.add_server(server_id("b"), []).unwrap();
    store.set_server_order(ids("c b a")).unwrap();
    assert_eq!(order(store.contents()), "c b a d");
}

/// The role that names a removed primary stays, and is in the way of no other server.
#[test]
fn a_primary_that_was_removed_is_ignored_by_the_order_of_others() {
    let mut store = with_servers(&["a", "b", "c", "d"]);
    store.set_secondaries(&server_id("b"), ids("c")).unwrap();
    store.set_secondaries(&server_id("a"), ids("d")).unwrap();
    store.remove_server(&server_id("a")).unwrap();
    assert_eq!(order(store.contents()), "b d c");
    store.set_secondaries(&server_id("b"), ids("c d")).unwrap();
    assert_eq!(order(store.contents()), "b c d");
}

#[test]
fn a_list_with_an_unknown_server_or_one_twice_is_refused_whole() {
    let mut store = with_servers(&["a", "b", "c", "d"]);
    store.set_server_order(ids("a b")).unwrap();
    store.set_secondaries(&server_id("a"), ids("c")).unwrap();
    refused!(
        store,
        store.set_server_order(ids("a x")),
        E::UnknownServer(_)
    );
    refused!(store, store.set_server_order(ids("a b a")), E::ServerListedTwice(id) if *id == server_id("a"));
    refused!(
        store,
        store.set_secondaries(&server_id("x"), []),
        E::UnknownServer(_)
    );
    refused!(
        store,
        store.set_secondaries(&server_id("a"), ids("a")),
        E::ServerListedTwice(_)
    );
    refused!(
        store,
        store.set_secondaries(&server_id("c"), ids("d")),
        E::SecondaryOfSecondary { primary, secondary, .. }
            if *primary == server_id("a") && *secondary == server_id("c")
    );
    refused!(
        store,
        store.set_secondaries(&server_id("b"), ids("a")),
        E::SecondaryOfSecondary { primary, secondary, .. }
            if *primary == server_id("a") && *secondary == server_id("c")
    );
}

#[test]
fn at_most_64_servers_have_a_place_in_a_list() {
    let names: Vec<String> = (0..66).map(|number| format!("keys-{number}")).collect();
    let listed: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut store = with_servers(&listed);
    let all = ids(&names.join(" "));
    store.set_server_order(all[..64].to_vec()).unwrap();
    refused!(
        store,
        store.set_server_order(all[..65].to_vec()),
        E::TooManyInOrder { limit: 64, .. }
    );
    store.set_server_order([]).unwrap();
    store.set_secondaries(&all[65], all[..64].to_vec()).unwrap();
    refused!(
        store,
        store.set_secondaries(&all[65], all[..65].to_vec()),
        E::TooManyInOrder { limit: 64, .. }
    );
}

#[test]
fn a_secondary_whose_primary_is_gone_is_a_server_without_a_place() {
    let mut store = with_servers(&["a", "b", "c"]);
    store.set_server_order(ids("c b")).unwrap();
    store.set_secondaries(&server_id("c"), ids("a")).unwrap();
    assert_eq!(order(store.contents()), "c b a");
    store.remove_server(&server_id("c")).unwrap();
    assert_eq!(order(store.contents()), "b a");
    store.set_server_order([]).unwrap();
    assert_eq!(order(store.contents()), "a b");
}
