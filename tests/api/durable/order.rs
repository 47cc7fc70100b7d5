//! The order of servers in the file: a field of a later minor version, which an earlier one keeps.

use std::fs;
use std::path::Path;

use mutual_trust::admin::{DurableStore, LockoutAllowance, Peer, PeerHistory};
use mutual_trust::error::StoreFileError;
use mutual_trust::{CurrentTime, Policy, ServerId, TrustSnapshot};

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

const CURRENT: &str = "trust-store";
const PREVIOUS: &str = "trust-store.previous";

fn ids<const N: usize>(ids: [&str; N]) -> [ServerId; N] {
    ids.map(server_id)
}

fn order(view: &TrustSnapshot) -> Vec<&str> {
    let servers = view.servers_in_order();
    servers.iter().map(|server| server.id().as_str()).collect()
}

fn set(store: &mut DurableStore) {
    store
        .change(|store| {
            store.set_server_order(ids(["keys-3", "keys-1"]))?;
            store.set_secondaries(&server_id("keys-3"), ids(["keys-2"]))
        })
        .unwrap();
}

fn text(folder: &Folder) -> String {
    fs::read_to_string(folder.file(CURRENT)).unwrap()
}

fn read(path: &Path) -> mutual_trust::admin::file::StoreFile {
    DurableStore::read(path, &settings()).unwrap()
}

#[test]
fn the_order_is_written_read_and_written_again() {
    let mut store = filled();
    store.set_server_order(ids(["keys-3", "keys-1"])).unwrap();
    store
        .set_secondaries(&server_id("keys-3"), ids(["keys-2"]))
        .unwrap();
    let text = text_of(store.contents());
    assert!(text.starts_with("mutual-trust store 1.1\n"), "{text}");
    for field in [
        "  order 1\n",
        "  order 2\n",
        "  group site-a\n  order 1 of keys-3\n",
    ] {
        assert!(text.contains(field), "{field}");
    }
    let loaded = load(&text).unwrap();
    assert_eq!(loaded.report.later_minor, None);
    assert!(loaded.kept.is_empty());
    assert_eq!(facts(loaded.store.contents()), facts(store.contents()));
    let written = mutual_trust::admin::file::write(loaded.store.contents(), &loaded.kept, None);
    assert_eq!(written.unwrap().0, text);
    // An earlier version knows no such field: its file cannot have one.
    let earlier = fitting(&text.replacen("store 1.1", "store 1.0", 1));
    assert!(matches!(load(&earlier), Err(StoreFileError::Line { .. })));
    for odd in [
        "0",
        "65",
        "01",
        "one",
        "1 of",
        "1 of ",
        "1 of a b",
        "1  of a",
        "1\n  order 1",
    ] {
        let odd = fitting(&text.replacen("  order 2\n", &format!("  order {odd}\n"), 1));
        assert!(load(&odd).is_err(), "{odd}");
    }
}

/// A file without an order has the version that it always had, so that every program reads it. The first change that
/// gives a server a place writes a snapshot, whose first line tells an earlier program to keep what it does not know.
#[test]
fn the_first_order_of_a_file_writes_a_snapshot_of_the_next_minor_version() {
    let folder = Folder::new("order-first");
    let mut store = durable(folder.path());
    store
        .change(|store| store.add_server(server_id("more"), []))
        .unwrap();
    let old = text(&folder);
    assert!(old.starts_with("mutual-trust store 2.0\n"), "{old}");
    let (mut follower, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let generation = store.contents().generation();
    set(&mut store);
    let new = text(&folder);
    assert!(new.starts_with("mutual-trust store 2.1\n"), "{new}");
    assert_eq!(new.matches("\nchange ").count(), 1);
    assert_eq!(fs::read_to_string(folder.file(PREVIOUS)).unwrap(), old);
    assert!(follower.refresh().unwrap());
    let wanted = ["keys-3", "keys-1", "more", "keys-2"];
    assert_eq!(order(follower.contents()), wanted);
    // The next change is added behind it, also one of the process that followed.
    follower
        .change(|store| store.set_server_order(ids(["keys-1"])))
        .unwrap();
    assert!(text(&folder).starts_with(&new));
    assert_eq!(
        order(read(folder.path()).store.contents()),
        ["keys-1", "keys-3", "more", "keys-2"]
    );
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    assert_eq!(history.previous, None);
    let asked: Vec<&str> = history
        .changes
        .iter()
        .flat_map(|change| change.head.asked.iter().map(|(call, _)| call.as_str()))
        .collect();
    assert!(asked.contains(&"server order keys-3 keys-1"), "{asked:?}");
    assert!(
        asked.contains(&"server secondaries keys-3 keys-2"),
        "{asked:?}"
    );
    let before = DurableStore::read_at(folder.path(), &settings(), generation).unwrap();
    assert_eq!(
        order(before.store.contents()),
        ["keys-1", "keys-2", "keys-3", "more"]
    );
}

#[test]
fn a_rollback_brings_the_order_of_its_generation_back() {
    let folder = Folder::new("order-rollback");
    let mut store = durable(folder.path());
    set(&mut store);
    let then = store.contents().generation();
    let was = order(store.contents()).join(" ");
    store
        .change(|store| store.set_server_order(ids(["keys-1"])))
        .unwrap();
    assert_ne!(order(store.contents()).join(" "), was);
    let earlier = DurableStore::read_at(folder.path(), &settings(), then).unwrap();
    let _ = store
        .change(|store| store.roll_back(earlier.store.contents()))
        .unwrap();
    assert_eq!(order(read(folder.path()).store.contents()).join(" "), was);
}

/// The snapshot that the first order wrote is of another minor version than the file before it. If it is damaged, the
/// changes behind it are still made on that file.
#[test]
fn a_damaged_snapshot_behind_which_the_first_order_stands_loses_nothing() {
    let folder = Folder::new("order-recovery");
    let mut store = durable(folder.path());
    set(&mut store);
    let newest = facts(store.contents());
    drop(store);
    let damaged = text(&folder).replacen("server keys-1", "server kays-1", 1);
    fs::write(folder.file(CURRENT), damaged).unwrap();
    assert!(DurableStore::open(folder.path(), settings()).is_err());
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    assert_eq!(
        order(store.contents()),
        ["keys-3", "keys-1", "keys-2"],
        "{report}"
    );
    assert_eq!(facts(store.contents()).len(), newest.len());
}

/// Gives the servers an order, and removes the primary of `keys-2`. Returns the order from before and that from after.
fn removed(store: &mut DurableStore) -> [String; 2] {
    set(store);
    let before = order(store.contents()).join(" ");
    let change = store.change(|store| store.remove_server(&server_id("keys-3")));
    change.unwrap();
    let after = order(store.contents()).join(" ");
    assert_eq!(
        [&*before, &*after],
        ["keys-3 keys-1 keys-2", "keys-1 keys-2"]
    );
    [before, after]
}

/// The server whose primary was removed can get secondaries in whatever a call made of the store.
fn is_no_secondary(store: &mut DurableStore) {
    store
        .change(|store| {
            store.add_server(server_id("new"), [])?;
            store.set_secondaries(&server_id("keys-2"), [server_id("new")])
        })
        .unwrap();
    assert_eq!(order(store.contents()), ["keys-1", "keys-2", "new"]);
}

#[test]
fn an_order_with_a_removed_primary_survives_loading_rollback_and_restore() {
    let folder = Folder::new("order-removed");
    let mut store = durable(folder.path());
    let [before, after] = removed(&mut store);
    let then = store.contents().generation();
    drop(store);
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    assert_eq!(order(store.contents()).join(" "), after);
    let backup = folder.file("backup");
    let _ = DurableStore::backup(folder.path(), &settings(), &backup).unwrap();
    is_no_secondary(&mut store);
    // Back to the generation in which the primary was gone, and to the one before that.
    let earlier = DurableStore::read_at(folder.path(), &settings(), then).unwrap();
    let _ = store
        .change(|store| store.roll_back(earlier.store.contents()))
        .unwrap();
    assert_eq!(order(store.contents()).join(" "), after);
    is_no_secondary(&mut store);
    let earlier = DurableStore::read_at(folder.path(), &settings(), then - 1).unwrap();
    let _ = store
        .change(|store| store.roll_back(earlier.store.contents()))
        .unwrap();
    assert_eq!(order(store.contents()).join(" "), before);
    drop(store);
    // A backup in which the primary is gone.
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let clock = CurrentTime::Known(at(NOW));
    let plan = store.plan_restore(&backup, &policy, &seen, clock).unwrap();
    let lost: Vec<Peer> = plan.effects().all_lost().cloned().collect();
    let allowed = LockoutAllowance::allow(lost);
    let _ = store.apply(&plan, &seen, clock, &allowed).unwrap();
    assert_eq!(order(store.contents()).join(" "), after);
    is_no_secondary(&mut store);
}

#[test]
fn an_order_with_a_removed_primary_survives_a_recovery() {
    let folder = Folder::new("order-removed-recovery");
    let mut store = durable(folder.path());
    let [_, after] = removed(&mut store);
    drop(store);
    let damaged = text(&folder).replacen("server keys-1", "server kays-1", 1);
    fs::write(folder.file(CURRENT), damaged).unwrap();
    let (mut store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    assert_eq!(order(store.contents()).join(" "), after, "{report}");
    is_no_secondary(&mut store);
}
