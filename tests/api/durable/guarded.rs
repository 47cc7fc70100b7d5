//! Changes that are planned on a durable store, and stores that are looked at while another process has them open.

use std::fs;

use mutual_trust::admin::{DurableStore, LockoutAllowance, PeerHistory};
use mutual_trust::error::{DurableError, GuardedError, PlanError};
use mutual_trust::store::EntryKey;
use mutual_trust::{CurrentTime, Policy};

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

fn clock() -> CurrentTime {
    CurrentTime::Known(at(NOW))
}

/// A store with one server and its pin.
fn with_a_pin(folder: &Folder) -> (DurableStore, EntryKey) {
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    let installed = store.change(|store| {
        store.add_server(server_id("keys-1"), [])?;
        store.install_pin(server("keys-1"), pin("keys-1"), options())
    });
    let key = installed.unwrap().entries().items()[0].clone();
    (store, key)
}

#[test]
fn a_plan_changes_nothing_until_it_is_applied_and_is_then_stored() {
    let folder = Folder::new("plan");
    let (mut store, pin) = with_a_pin(&folder);
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let before = (facts(store.contents()), store.digest());
    let removal = store
        .plan(&policy, &seen, clock(), |store| store.remove(&pin))
        .unwrap();
    assert!(removal.effects().loses(&server_id("keys-1").into()));
    assert_eq!((facts(store.contents()), store.digest()), before);

    let refused = store.apply(&removal, &seen, clock(), &LockoutAllowance::none());
    assert!(
        matches!(refused, Err(GuardedError::Plan(PlanError::Loses { .. }))),
        "{refused:?}"
    );
    assert_eq!((facts(store.contents()), store.digest()), before);

    let allowed = LockoutAllowance::allow([server_id("keys-1")]);
    let effects = store.apply(&removal, &seen, clock(), &allowed).unwrap();
    assert_eq!(effects.lost().len(), 1);
    assert!(store.contents().entry(&pin).is_none());
    assert!(store.live().current().entry(&pin).is_none());
    drop(store);
    let (again, _) = DurableStore::open(folder.path(), settings()).unwrap();
    assert!(again.contents().entry(&pin).is_none());
}

#[test]
fn a_plan_for_a_store_that_has_changed_is_not_applied() {
    let folder = Folder::new("stale-plan");
    let (mut store, _) = with_a_pin(&folder);
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let adding = store.plan(&policy, &seen, clock(), |store| {
        store.add_server(server_id("keys-2"), [])
    });
    let adding = adding.unwrap();
    store
        .change(|store| store.add_server(server_id("keys-3"), []))
        .unwrap();
    let before = (facts(store.contents()), store.digest());
    let stale = store.apply(&adding, &seen, clock(), &LockoutAllowance::none());
    assert!(
        matches!(stale, Err(GuardedError::Plan(PlanError::Store(_)))),
        "{stale:?}"
    );
    assert_eq!((facts(store.contents()), store.digest()), before);
}

#[test]
fn a_plan_that_the_disk_refuses_is_not_in_force() {
    let folder = Folder::new("no-disk");
    let (mut store, _) = with_a_pin(&folder);
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let adding = store.plan(&policy, &seen, clock(), |store| {
        store.add_server(server_id("keys-2"), [])
    });
    let adding = adding.unwrap();
    fs::remove_dir_all(folder.path()).unwrap();
    let refused = store.apply(&adding, &seen, clock(), &LockoutAllowance::none());
    assert!(
        matches!(refused, Err(GuardedError::Durable(_))),
        "{refused:?}"
    );
    let added = server_id("keys-2");
    assert!(store.contents().server(&added).is_none());
    assert!(store.live().current().server(&added).is_none());
}

#[test]
fn a_store_is_read_while_it_is_open_and_nothing_is_written() {
    let folder = Folder::new("read");
    let (mut store, pin) = with_a_pin(&folder);
    let names = folder.names();
    let loaded = DurableStore::read(folder.path(), &settings()).unwrap();
    assert_eq!(facts(loaded.store.contents()), facts(store.contents()));
    assert_eq!(loaded.report.digest, store.digest());
    assert_eq!(folder.names(), names);
    store
        .change(|store| store.disable(&pin, "looked at"))
        .unwrap();

    fs::remove_file(folder.file("trust-store")).unwrap();
    let missing = DurableStore::read(folder.path(), &settings()).unwrap_err();
    assert!(matches!(missing, DurableError::NoStore { .. }));
    fs::write(folder.file("trust-store"), "damage").unwrap();
    let damaged = DurableStore::read(folder.path(), &settings()).unwrap_err();
    assert!(matches!(damaged, DurableError::File { .. }));
}

#[test]
fn a_store_that_was_rolled_back_is_not_read() {
    let folder = Folder::new("read-rolled-back");
    let (store, _) = with_a_pin(&folder);
    // No later call lowers it.
    let newer = settings()
        .with_minimum_generation(store.contents().generation() + 1)
        .with_minimum_generation(0);
    let rolled_back = DurableStore::read(folder.path(), &newer).unwrap_err();
    assert!(matches!(rolled_back, DurableError::RolledBack { .. }));
}
