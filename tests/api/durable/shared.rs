//! Several processes that have one store open: no change is lost, and each follows the others.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mutual_trust::admin::{DurableStore, LockoutAllowance, PeerHistory, file::read};
use mutual_trust::error::{DurableError, GuardedError, PlanError};
use mutual_trust::store::BlockSelector;
use mutual_trust::{CurrentTime, Fingerprint, Policy, TrustSnapshot};

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

const CURRENT: &str = "trust-store";
const FOLDER: &str = "MUTUAL_TRUST_TEST_SHARED";
const WHO: &str = "MUTUAL_TRUST_TEST_SHARED_WHO";
const CHANGES: &str = "MUTUAL_TRUST_TEST_SHARED_CHANGES";

fn open(folder: &Folder) -> DurableStore {
    DurableStore::open(folder.path(), settings()).unwrap().0
}

fn add(store: &mut DurableStore, id: &str) {
    store
        .change(|store| store.add_server(server_id(id), []))
        .unwrap();
}

#[test]
fn a_change_is_made_on_what_another_process_stored() {
    let folder = Folder::new("shared-change");
    let mut one = durable(folder.path());
    let mut two = open(&folder);
    add(&mut one, "by-one");
    // Not refreshed: the change reads it first.
    add(&mut two, "by-two");
    for id in ["by-one", "by-two"] {
        assert!(two.contents().server(&server_id(id)).is_some(), "{id}");
    }
    let error = two.change(|store| store.add_server(server_id("by-one"), []));
    assert!(matches!(error, Err(DurableError::Store(_))), "{error:?}");
    assert!(one.refresh().unwrap());
    assert_eq!(facts(one.contents()), facts(two.contents()));
    assert_eq!(facts(&one.live().current()), facts(two.contents()));
    assert_eq!(one.contents().generation(), two.contents().generation());
    assert!(one.health().is_good() && two.health().is_good());
}

#[test]
fn a_block_of_another_process_outlives_what_this_one_changes() {
    let folder = Folder::new("shared-block");
    let mut service = durable(folder.path());
    let gone = pin("gone");
    let block = BlockSelector::certificate(&gone);
    let mut command = open(&folder);
    assert!(command.block(&gone).unsaved.is_none());
    drop(command);
    // The lock file is removed as well: that does not let them pass each other.
    fs::remove_file(folder.file("trust-store.lock")).unwrap();
    add(&mut service, "later");
    let has = |store: &DurableStore| store.contents().blocks().any(|held| *held == block);
    assert!(has(&service) && has(&open(&folder)));
    assert!(service.live().current().blocks().any(|held| *held == block));
}

#[test]
fn a_plan_on_what_another_process_has_changed_is_refused_and_made_again() {
    let folder = Folder::new("shared-plan");
    let mut one = durable(folder.path());
    let mut two = open(&folder);
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let now = CurrentTime::Known(at(NOW));
    let plan = |store: &DurableStore| {
        let plan = store.plan(&policy, &seen, now, |store| {
            store.add_server(server_id("planned"), [])
        });
        plan.unwrap()
    };
    let planned = plan(&one);
    add(&mut two, "meanwhile");
    let none = LockoutAllowance::none();
    let stale = one.apply(&planned, &seen, now, &none);
    assert!(
        matches!(stale, Err(GuardedError::Plan(PlanError::Store(_)))),
        "{stale:?}"
    );
    assert!(one.contents().server(&server_id("meanwhile")).is_some());
    let planned = plan(&one);
    one.apply(&planned, &seen, now, &none).unwrap();
    two.refresh().unwrap();
    assert!(two.contents().server(&server_id("planned")).is_some());
}

/// A restored backup, a copied folder, a volume that was swapped.
#[test]
fn an_older_store_at_the_place_is_an_error_and_is_not_overwritten() {
    let folder = Folder::new("shared-restored");
    let mut service = durable(folder.path());
    let backup = fs::read(folder.file(CURRENT)).unwrap();
    let gone = pin("gone");
    assert!(service.block(&gone).unsaved.is_none());
    let newest = service.contents().generation();
    // In place, by another file of the name, and by another folder.
    let in_place = |folder: &Folder| fs::write(folder.file(CURRENT), &backup).unwrap();
    let renamed = |folder: &Folder| {
        fs::write(folder.file("new"), &backup).unwrap();
        fs::rename(folder.file("new"), folder.file(CURRENT)).unwrap();
    };
    let folder_swapped = |folder: &Folder| {
        fs::rename(folder.path(), folder.path().with_extension("old")).unwrap();
        fs::create_dir(folder.path()).unwrap();
        fs::write(folder.file(CURRENT), &backup).unwrap();
    };
    let swaps: [&dyn Fn(&Folder); 3] = [&in_place, &renamed, &folder_swapped];
    for swap in swaps {
        swap(&folder);
        for error in [
            service.refresh().map(drop),
            service
                .change(|store| store.add_server(server_id("x"), []))
                .map(drop),
            Err(service.block(&pin("y")).unsaved.unwrap()),
        ] {
            assert!(
                matches!(error, Err(DurableError::Replaced { .. })),
                "{error:?}"
            );
        }
        assert!(!service.health().is_good());
        let blocked = BlockSelector::certificate(&gone);
        let live = service.live().current();
        assert!(
            live.blocks().any(|held| *held == blocked),
            "it stays in force"
        );
        assert!(live.generation() > newest);
        assert_eq!(fs::read(folder.file(CURRENT)).unwrap(), backup);
    }
    fs::remove_dir_all(folder.path().with_extension("old")).unwrap();
    // Who opens it takes it: that is what a restore is for.
    assert_eq!(open(&folder).contents().blocks().count(), 4);
}

#[test]
fn another_store_of_the_same_generation_is_not_taken_for_this_one() {
    let [folder, other] = ["shared-same", "shared-other"].map(Folder::new);
    let (mut one, mut two) = (durable(folder.path()), durable(other.path()));
    let mut three = open(&folder);
    let generation = one.contents().generation();
    assert_eq!(generation, two.contents().generation());
    fs::copy(other.file(CURRENT), folder.file(CURRENT)).unwrap();
    let error = one.refresh();
    assert!(
        matches!(error, Err(DurableError::Replaced { current, offered, .. })
            if (current, offered) == (generation, generation)),
        "{error:?}"
    );
    // A newer one is read whole, but not by a process that has seen that it is another one.
    add(&mut two, "newer");
    fs::copy(other.file(CURRENT), folder.file(CURRENT)).unwrap();
    let error = one.refresh();
    assert!(
        matches!(error, Err(DurableError::Replaced { .. })),
        "{error:?}"
    );
    assert!(three.refresh().unwrap());
    for store in [three, open(&folder)] {
        assert_eq!(facts(store.contents()), facts(two.contents()));
    }
}

/// An older store that others change reaches a higher generation. It is still another store: what was taken back in this
/// one may be trusted there.
#[test]
fn a_store_that_was_replaced_stays_so_when_the_other_one_is_changed() {
    let folder = Folder::new("shared-overtaken");
    let mut service = durable(folder.path());
    let backup = fs::read(folder.file(CURRENT)).unwrap();
    let gone = pin("gone");
    assert!(service.block(&gone).unsaved.is_none());
    let own = fs::read(folder.file(CURRENT)).unwrap();
    let generation = service.contents().generation();
    fs::write(folder.file(CURRENT), &backup).unwrap();
    service.refresh().unwrap_err();
    let mut admin = open(&folder);
    for name in ["one", "two", "three"] {
        add(&mut admin, name);
        let errors = [
            service.refresh().map(drop),
            service
                .change(|store| store.add_server(server_id("x"), []))
                .map(drop),
        ];
        for error in errors {
            assert!(
                matches!(error, Err(DurableError::Replaced { current, .. }) if current == generation),
                "{error:?}"
            );
        }
        let blocked = BlockSelector::certificate(&gone);
        let live = service.live().current();
        assert!(live.blocks().any(|held| *held == blocked));
        assert!(!service.health().is_good());
    }
    assert!(admin.contents().generation() > generation);
    // Its own store at the place again, and what others change there.
    fs::write(folder.file(CURRENT), &own).unwrap();
    assert!(!service.refresh().unwrap());
    add(&mut open(&folder), "behind");
    assert!(service.refresh().unwrap());
    assert!(service.health().is_good(), "{}", service.health());
}

/// A block that the disk refused stays in force through what others change, and is stored at the first chance.
#[test]
fn an_unsaved_block_outlives_refreshes_and_is_stored_by_the_next() {
    let folder = Folder::new("shared-unsaved");
    let mut service = durable(folder.path());
    let live = service.live();
    let away = folder.path().with_extension("away");
    let gone = pin("gone");
    let block = BlockSelector::certificate(&gone);
    fs::rename(folder.path(), &away).unwrap();
    assert!(service.block(&gone).unsaved.is_some());
    let unsaved = live.current().generation();
    fs::rename(&away, folder.path()).unwrap();
    // Another process makes changes with the numbers that this one has in force.
    let mut other = open(&folder);
    for id in ["a", "b", "c"] {
        add(&mut other, id);
    }
    assert!(!other.contents().blocks().any(|held| *held == block));
    assert!(service.refresh().unwrap());
    let view = live.current();
    assert!(view.generation() > unsaved && view.generation() > other.contents().generation());
    assert!(view.blocks().any(|held| *held == block));
    assert!(view.server(&server_id("c")).is_some());
    assert!(service.health().is_good(), "{}", service.health());
    other.refresh().unwrap();
    assert_eq!(facts(other.contents()), facts(&view));
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    let last = &history.changes.last().unwrap().head;
    assert!(last.asked[0].0.starts_with("block certificate"), "{last:?}");
}

#[test]
fn a_block_that_two_processes_make_at_once_is_one_block() {
    let folder = Folder::new("shared-twice");
    let mut service = durable(folder.path());
    let live = service.live();
    let away = folder.path().with_extension("away");
    let gone = pin("gone");
    fs::rename(folder.path(), &away).unwrap();
    assert!(service.block(&gone).unsaved.is_some());
    fs::rename(&away, folder.path()).unwrap();
    let mut other = open(&folder);
    assert!(other.block(&gone).unsaved.is_none());
    add(&mut other, "more");
    service.refresh().unwrap();
    assert_eq!(live.current().blocks().count(), 5);
    assert!(live.current().server(&server_id("more")).is_some());
    assert!(service.health().is_good(), "{}", service.health());
    add(&mut service, "then");
    other.refresh().unwrap();
    assert_eq!(facts(other.contents()), facts(&live.current()));
}

/// While another process changes the store, a block is in force at once; it is stored when that is done.
#[test]
fn a_block_does_not_wait_for_the_lock_to_be_in_force() {
    let folder = Folder::new("shared-waiting");
    let mut service = durable(folder.path());
    let live = service.live();
    let lock = fs::File::options()
        .write(true)
        .open(folder.file("trust-store.lock"))
        .unwrap();
    lock.lock().unwrap();
    let gone = pin("gone");
    std::thread::scope(|scope| {
        let blocking = scope.spawn(|| service.block(&gone).unsaved.is_none());
        for round in 0.. {
            if live.current().blocks().count() == 5 {
                break;
            }
            assert!(round < 4_000, "it waits");
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(
            !blocking.is_finished(),
            "it is stored after the lock is free"
        );
        lock.unlock().unwrap();
        assert!(blocking.join().unwrap());
    });
    assert_eq!(open(&folder).contents().blocks().count(), 5);
}

/// Another process lifts a block, and this one, which has not read that, blocks again: the later call counts.
#[test]
fn a_block_that_another_process_lifted_is_made_again() {
    let folder = Folder::new("shared-lifted");
    let mut service = durable(folder.path());
    let live = service.live();
    let gone = pin("gone");
    let block = BlockSelector::certificate(&gone);
    let has = |view: &TrustSnapshot| view.blocks().any(|held| *held == block);
    let lift = || {
        let mut other = open(&folder);
        drop(other.change(|store| store.unblock(&block)).unwrap());
    };
    assert!(service.block(&gone).unsaved.is_none());
    lift();
    // While a third process holds the lock.
    let lock = fs::File::options()
        .write(true)
        .open(folder.file("trust-store.lock"))
        .unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        let blocking = scope.spawn(|| service.block(&gone).unsaved.is_none());
        std::thread::sleep(Duration::from_millis(50));
        lock.unlock().unwrap();
        assert!(blocking.join().unwrap());
    });
    assert!(has(&live.current()) && has(open(&folder).contents()));
    lift();
    // While the disk fails.
    let away = folder.path().with_extension("away");
    fs::rename(folder.path(), &away).unwrap();
    assert!(service.block(&gone).unsaved.is_some());
    fs::rename(&away, folder.path()).unwrap();
    assert!(has(&live.current()));
    service.refresh().unwrap();
    assert!(has(&live.current()) && has(open(&folder).contents()));
    assert!(service.health().is_good(), "{}", service.health());
    // It is stored already, which this process cannot know.
    fs::rename(folder.path(), &away).unwrap();
    assert!(service.block(&gone).unsaved.is_some());
    assert!(!service.health().is_good());
    fs::rename(&away, folder.path()).unwrap();
    service.refresh().unwrap();
    assert!(service.health().is_good(), "{}", service.health());
}

#[test]
fn an_administrator_may_remove_what_a_stopped_process_left() {
    let folder = Folder::new("shared-left");
    drop(durable(folder.path()));
    apart(folder.path());
    fs::write(folder.file(".trust-store-1-0.tmp"), "half of a").unwrap();
    fs::write(
        folder.file(".mutual-trust-1-0.tmp"),
        "a key that is being written",
    )
    .unwrap();
    // Only what writes a snapshot looks for it.
    add(&mut open(&folder), "new");
    let names = folder.names();
    assert!(
        !names.contains(&".trust-store-1-0.tmp".to_owned()),
        "{names:?}"
    );
    assert!(
        names.contains(&".mutual-trust-1-0.tmp".to_owned()),
        "{names:?}"
    );
}

/// Changes a store that others change, in the processes that the test below starts; else does nothing. Each change is
/// told when it is confirmed.
#[test]
fn changer() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let (who, changes) = (std::env::var(WHO).unwrap(), std::env::var(CHANGES).unwrap());
    let (mut store, _) = DurableStore::open(Path::new(&folder), settings()).unwrap();
    store.set_actor(Some(&who)).unwrap();
    let live = store.live();
    let mut blocked = Vec::new();
    let mut last = live.current().generation();
    for number in 0..changes.parse::<u32>().unwrap() {
        let id = format!("{who}-{number}");
        match number % 5 {
            0 => {
                let mut bytes = [0_u8; 32];
                bytes[..4].copy_from_slice(&number.to_be_bytes());
                bytes[4] = who.as_bytes()[who.len() - 1];
                let block = BlockSelector::Fingerprint(Fingerprint::from_bytes(bytes));
                let done = store.block_selector(block.clone());
                assert!(done.unsaved.is_none(), "{:?}", done.unsaved);
                blocked.push(block);
                println!("blocked {}", Fingerprint::from_bytes(bytes));
            }
            4 => {
                let gone = server_id(&format!("{who}-{}", number - 1));
                let removed = store.change(|store| store.remove_server(&gone));
                let _ = removed.unwrap();
                println!("removed {gone}");
            }
            _ => {
                add(&mut store, &id);
                println!("added {id}");
            }
        }
        if number % 7 == 0 {
            store.refresh().unwrap();
        }
        let view = live.current();
        assert!(view.generation() > last, "generations rise");
        last = view.generation();
        for block in &blocked {
            assert!(view.blocks().any(|held| held == block), "{block}");
        }
    }
    println!("done");
}

fn start(folder: &Folder, who: &str, changes: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durable::shared::changer", "--nocapture"])
        .env(FOLDER, folder.path())
        .env(WHO, who)
        .env(CHANGES, changes.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Four processes change one store at once, over several snapshots: all that they were told is confirmed is there.
#[test]
fn four_processes_change_a_store_at_once_and_nothing_is_lost() {
    let folder = Folder::new("shared-four");
    drop(DurableStore::create(folder.path(), settings()).unwrap());
    let (mut reader, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let names = ["p0", "p1", "p2", "p3"];
    let mut children: Vec<Child> = names.iter().map(|who| start(&folder, who, 250)).collect();
    // One that only follows sees each state whole.
    let mut last = 0;
    while children
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        reader.refresh().unwrap();
        let now = reader.contents().generation();
        assert!(now >= last);
        last = now;
        let bytes = fs::read(folder.file(CURRENT)).unwrap();
        read(&bytes, keys(), None).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    let said: Vec<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(
                output.status.success() && said.contains("\ndone\n"),
                "{said}"
            );
            said
        })
        .collect();
    reader.refresh().unwrap();
    let (store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    assert_eq!(facts(store.contents()), facts(reader.contents()));
    let view = store.contents();
    let mut confirmed = 0;
    let removed: Vec<&str> = said
        .iter()
        .flat_map(|said| {
            said.lines()
                .filter_map(|line| line.strip_prefix("removed "))
        })
        .collect();
    for line in said.iter().flat_map(|said| said.lines()) {
        if let Some(id) = line.strip_prefix("added ") {
            let there = view.server(&server_id(id)).is_some();
            assert_eq!(there, !removed.contains(&id), "{id}");
            confirmed += 1;
        } else if let Some(fingerprint) = line.strip_prefix("blocked ") {
            let block = BlockSelector::Fingerprint(fingerprint.parse().unwrap());
            assert!(view.blocks().any(|held| *held == block), "{line}");
            confirmed += 1;
        } else if line.starts_with("removed ") {
            confirmed += 1;
        }
    }
    assert_eq!(confirmed, 1_000);
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    assert_eq!(history.previous, None);
    let pairs = history.changes.windows(2);
    assert!(
        pairs
            .clone()
            .all(|pair| pair[0].head.to == pair[1].head.from)
    );
    assert_eq!(view.generation(), history.changes.last().unwrap().head.to);
}
