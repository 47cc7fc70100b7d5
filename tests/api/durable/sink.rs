//! A sink is told of each record of the journal in its order, each once, also those of other processes.

use std::fs;
use std::sync::{Arc, Mutex};

use mutual_trust::admin::file::JournalRecord;
use mutual_trust::admin::{DurableSettings, DurableStore, JournalSink};
use mutual_trust::store::BlockSelector;

use crate::durable::common::*;
use crate::support::folder::Folder;
use crate::support::*;

#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<JournalRecord>>>);

impl JournalSink for Told {
    fn record(&self, record: &JournalRecord) {
        self.0.lock().unwrap().push(record.clone());
    }
}

impl Told {
    fn settings(&self) -> DurableSettings {
        settings()
            .with_refusals_recorded()
            .with_sink(Arc::new(self.clone()))
    }

    fn digests(&self) -> Vec<String> {
        let told = self.0.lock().unwrap();
        told.iter().map(|one| one.digest().to_string()).collect()
    }
}

fn add(store: &mut DurableStore, id: &str) {
    store
        .change(|store| store.add_server(server_id(id), []))
        .unwrap();
}

fn refuse(store: &mut DurableStore, id: &str) {
    let refused = store.change(|store| store.remove_server(&server_id(id)).map(drop));
    refused.unwrap_err();
}

/// The digests of all records of a file, in its order.
fn in_the_file(folder: &Folder, name: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.file(name)).unwrap();
    let done = text
        .lines()
        .filter_map(|line| line.strip_prefix("done sha256 "));
    done.map(|digest| digest[..64].to_owned()).collect()
}

#[test]
fn each_process_tells_all_changes_in_the_order_of_the_journal() {
    let folder = Folder::new("sink");
    let (told_a, told_b) = (Told::default(), Told::default());
    let mut a = DurableStore::create(folder.path(), told_a.settings()).unwrap();
    let (mut b, _) = DurableStore::open(folder.path(), told_b.settings()).unwrap();
    add(&mut a, "a-1");
    refuse(&mut a, "a-none");
    // It takes over what the other one stored before its own.
    add(&mut b, "b-1");
    refuse(&mut b, "b-none");
    refuse(&mut a, "a-none-again");
    b.refresh().unwrap();
    b.refresh().unwrap();
    let blocked = b.block_selector(BlockSelector::certificate(&pin("gone")));
    assert!(blocked.unsaved.is_none());
    a.refresh().unwrap();
    let expected = in_the_file(&folder, "trust-store");
    assert_eq!(expected.len(), 6);
    assert_eq!(told_a.digests(), expected);
    assert_eq!(told_b.digests(), expected);
    let JournalRecord::Change(last) = told_b.0.lock().unwrap().pop().unwrap() else {
        panic!("the block is a change");
    };
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    let stored = history.changes.last().unwrap();
    assert_eq!(
        (last.head, last.records),
        (stored.head.clone(), stored.records.clone())
    );
    // Who opens later is told what comes then.
    let told = Told::default();
    let (mut c, _) = DurableStore::open(folder.path(), told.settings()).unwrap();
    c.refresh().unwrap();
    assert!(told.digests().is_empty());
    add(&mut a, "a-2");
    c.refresh().unwrap();
    assert_eq!(told.digests(), in_the_file(&folder, "trust-store")[6..]);
}

/// A snapshot between two refreshes: what stands before it is in the previous file.
#[test]
fn a_snapshot_between_two_refreshes_loses_nothing_and_tells_nothing_twice() {
    let folder = Folder::new("sink-snapshot");
    let (told, slow, late) = (Told::default(), Told::default(), Told::default());
    let mut store = DurableStore::create(folder.path(), told.settings()).unwrap();
    let (mut follower, _) = DurableStore::open(folder.path(), slow.settings()).unwrap();
    let (mut last, _) = DurableStore::open(folder.path(), late.settings()).unwrap();
    let mut number = 0_u32;
    let mut until = |names: usize, store: &mut DurableStore, each: &mut dyn FnMut()| {
        let mut snapshots = 0;
        let mut before = 0;
        while snapshots < names {
            number += 1;
            assert!(number < 5_000);
            let label = format!("{number:0>120}");
            store
                .change(|store| {
                    let id = server_id(&format!("keys-{}", number % 40));
                    if store.contents().server(&id).is_none() {
                        store.add_server(id.clone(), [])?;
                    }
                    let names = (0..8).map(|name| host(&format!("n{name}-{label}.example")[..60]));
                    store.set_reference_names(&id, names)
                })
                .unwrap();
            let length = fs::metadata(folder.file("trust-store")).unwrap().len();
            snapshots += usize::from(length < before);
            before = length;
            if number.is_multiple_of(97) {
                each();
            }
        }
    };
    // It refreshes often enough, but not at the snapshot.
    until(1, &mut store, &mut || {
        follower.refresh().unwrap();
    });
    follower.refresh().unwrap();
    assert_eq!(slow.digests(), told.digests());
    // One that has missed more than the previous file has is told what is left, with a gap.
    until(2, &mut store, &mut || {
        follower.refresh().unwrap();
    });
    follower.refresh().unwrap();
    last.refresh().unwrap();
    assert_eq!(slow.digests(), told.digests());
    let left = late.digests();
    let all = told.digests();
    assert!(left.len() > 1 && left.len() < all.len());
    assert_eq!(left, all[all.len() - left.len()..]);
    let late = late.0.lock().unwrap();
    assert_ne!(late[0].head().from, 0, "the gap is seen");
    add(&mut store, "one-more");
    drop(late);
}

#[test]
fn a_change_that_was_not_stored_is_not_told_and_a_recovery_is() {
    let folder = Folder::new("sink-recovery");
    let told = Told::default();
    let mut store = DurableStore::create(folder.path(), told.settings()).unwrap();
    add(&mut store, "a");
    add(&mut store, "b");
    let text = fs::read_to_string(folder.file("trust-store")).unwrap();
    let expected = in_the_file(&folder, "trust-store");
    let at = text.rfind("done sha256 ").unwrap();
    let damaged = format!("{}Done{}", &text[..at], &text[at + 4..]);
    fs::write(folder.file("trust-store"), &damaged).unwrap();
    store
        .change(|store| store.add_server(server_id("d"), []))
        .unwrap_err();
    assert_eq!(told.digests(), expected);
    drop(store);
    let told = Told::default();
    let (store, _) = DurableStore::recover(folder.path(), told.settings()).unwrap();
    assert_eq!(told.digests(), [store.digest().to_string()]);
    assert_eq!(told.digests(), in_the_file(&folder, "trust-store"));
}
