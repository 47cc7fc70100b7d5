//! Whose the files of a store are, who can write them, and what stands in the way of a new one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use mutual_trust::admin::DurableStore;
use mutual_trust::error::DurableError;

use crate::durable::common::*;
use crate::support::folder::Folder;
use crate::support::skips::skipped;
use crate::support::*;

const CURRENT: &str = "trust-store";
const PREVIOUS: &str = "trust-store.previous";
const LOCK: &str = "trust-store.lock";
/// No account of the machine that runs the tests.
const SERVICE: (u32, u32) = (54_321, 54_322);
const OTHERS: u32 = 54_323;
const FOLDER: &str = "MUTUAL_TRUST_TEST_OWNER";

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn whose(path: &Path) -> (u32, u32, u32) {
    let found = fs::metadata(path).unwrap();
    (found.uid(), found.gid(), found.mode() & 0o7777)
}

fn change(folder: &Folder, id: &str) {
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    drop(
        store
            .change(|store| store.add_server(server_id(id), []))
            .unwrap(),
    );
}

/// Gives a store to the service, as the service would have made it.
fn given(folder: &Folder, folder_mode: u32) -> bool {
    drop(durable(folder.path()));
    apart(folder.path());
    for name in [CURRENT, PREVIOUS, LOCK] {
        if chown(folder.file(name), Some(SERVICE.0), Some(SERVICE.1)).is_err() {
            skipped("not run as root, so no file was given to another user");
            return false;
        }
        set_mode(&folder.file(name), 0o640);
    }
    // New files of a folder with this bit get its group.
    chown(folder.path(), Some(SERVICE.0), Some(OTHERS)).unwrap();
    set_mode(folder.path(), folder_mode);
    true
}

#[test]
fn root_changes_a_store_and_its_files_stay_the_owners() {
    for mode in [0o700, 0o2750] {
        let folder = Folder::new("owned");
        if !given(&folder, mode) {
            return;
        }
        let is_the_owners = |name: &str, when: &str| {
            let expected = (SERVICE.0, SERVICE.1, 0o640);
            assert_eq!(whose(&folder.file(name)), expected, "{name} {when}");
        };
        // The first change writes a new file, and the second is added to it.
        for when in ["new", "added"] {
            change(&folder, when);
            is_the_owners(CURRENT, when);
            is_the_owners(PREVIOUS, when);
        }
        fs::remove_file(folder.file(LOCK)).unwrap();
        change(&folder, "lock");
        assert_eq!(whose(&folder.file(LOCK)).0, SERVICE.0);
        let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
        fs::write(folder.file(CURRENT), text.replacen("+server", "+sirver", 1)).unwrap();
        drop(DurableStore::recover(folder.path(), settings()).unwrap());
        is_the_owners(CURRENT, "recovered");
        is_the_owners("trust-store.damaged", "recovered");
        // The file is gone: the previous one says whose it was.
        fs::remove_file(folder.file(CURRENT)).unwrap();
        drop(DurableStore::recover(folder.path(), settings()).unwrap());
        is_the_owners(CURRENT, "made again");
    }
}

/// Changes a store, in the processes that the test below starts; else does nothing.
#[test]
fn owner() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    println!("started");
    let opened = DurableStore::open(Path::new(&folder), settings());
    let changed = opened.and_then(|(mut store, _)| {
        store.change(|store| store.add_server(server_id("own"), []).map(drop))
    });
    println!("changed: {changed:?}");
}

/// An administrator gave the files to a group in which their owner is not: the owner cannot give it a new file.
#[test]
fn an_owner_outside_the_group_of_the_file_changes_it_if_the_group_may_do_nothing() {
    for (mode, changes) in [(0o600, true), (0o640, false)] {
        let folder = Folder::new("owned-group");
        if !given(&folder, 0o700) {
            return;
        }
        set_mode(&folder.file(CURRENT), mode);
        let before = fs::read(folder.file(CURRENT)).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durable::owned::owner", "--nocapture"])
            .env(FOLDER, folder.path())
            .uid(SERVICE.0)
            .gid(OTHERS)
            .output();
        let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let said = said.unwrap_or_default();
        if !said.contains("started") {
            return skipped("another user cannot run the tests, so none changed a store");
        }
        assert_eq!(said.contains("changed: Ok"), changes, "{said}");
        let group = if changes { OTHERS } else { SERVICE.1 };
        assert_eq!(whose(&folder.file(CURRENT)), (SERVICE.0, group, mode));
        assert_eq!(fs::read(folder.file(CURRENT)).unwrap() == before, !changes);
    }
}

#[test]
fn a_store_that_root_makes_in_the_folder_of_a_service_is_the_services() {
    let folder = Folder::new("owned-create");
    if chown(folder.path(), Some(SERVICE.0), Some(SERVICE.1)).is_err() {
        return skipped("not run as root, so no folder was given to another user");
    }
    drop(DurableStore::create(folder.path(), settings()).unwrap());
    for name in [CURRENT, LOCK] {
        assert_eq!(
            whose(&folder.file(name)),
            (SERVICE.0, SERVICE.1, 0o600),
            "{name}"
        );
    }
}

#[test]
fn what_other_users_can_write_is_reported() {
    let folder = Folder::new("exposed");
    let mut store = durable(folder.path());
    set_mode(folder.path(), 0o700);
    assert!(store.health().is_good(), "{}", store.health());
    assert!(DurableStore::writable_by_others(folder.path()).is_empty());
    let file = folder.file(CURRENT);
    for (path, mode, good) in [
        (folder.path(), 0o777, 0o700),
        (folder.path(), 0o1777, 0o700),
        (file.as_path(), 0o666, 0o600),
    ] {
        set_mode(path, mode);
        let found = DurableStore::writable_by_others(folder.path());
        assert_eq!(found, [path]);
        // A change is made all the same: a block must be.
        assert!(store.block(&pin(&format!("{mode}"))).unsaved.is_none());
        let health = store.health();
        assert_eq!(health.writable_by_others, found);
        assert!(!health.is_good());
        let text = format!("other users can write {}", path.display());
        assert!(health.to_string().contains(&text), "{health}");
        set_mode(path, good);
    }
    // The group of a user that has it alone is no other user.
    let (uid, gid, _) = whose(folder.path());
    set_mode(folder.path(), 0o770);
    let found = DurableStore::writable_by_others(folder.path());
    assert_eq!(found.is_empty(), uid == gid);
    if chown(folder.path(), None, Some(OTHERS)).is_ok() {
        assert_eq!(
            DurableStore::writable_by_others(folder.path()),
            [folder.path()]
        );
    }
}

#[test]
fn whoever_has_the_lock_removes_what_a_stopped_process_left() {
    let folder = Folder::new("left");
    let left = folder.file(".trust-store-1-0.tmp");
    let is_left = || {
        let there = left.exists();
        fs::write(&left, "half of a store").unwrap();
        there
    };
    is_left();
    drop(DurableStore::create(folder.path(), settings()).unwrap());
    assert!(!is_left(), "create");
    change(&folder, "opened");
    assert!(!is_left(), "open");
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    fs::write(folder.file(CURRENT), text.replacen("+server", "+sirver", 1)).unwrap();
    drop(DurableStore::recover(folder.path(), settings()).unwrap());
    assert!(!left.exists(), "recover");
}

/// Names that are taken by what cannot be removed, as many as a process counts.
#[test]
fn a_temporary_name_that_is_taken_blocks_no_change() {
    let folder = Folder::new("taken");
    drop(durable(folder.path()));
    apart(folder.path());
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let id = std::process::id();
    for number in 0..1_000 {
        fs::create_dir(folder.file(&format!(".trust-store-{id}-{number}.tmp"))).unwrap();
    }
    assert!(store.block(&pin("gone")).unsaved.is_none());
    assert!(folder.file(PREVIOUS).exists());
}

#[test]
fn no_store_is_made_where_one_was_lost() {
    let folder = Folder::new("lost");
    let mut store = durable(folder.path());
    let _ = store.block(&pin("gone"));
    let generation = store.contents().generation();
    drop(store);
    fs::rename(folder.file(CURRENT), folder.file(PREVIOUS)).unwrap();
    let previous = fs::read(folder.file(PREVIOUS)).unwrap();
    let error = DurableStore::create(folder.path(), settings()).unwrap_err();
    assert!(matches!(error, DurableError::Lost { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains(PREVIOUS) && text.contains("recover"),
        "{text}"
    );
    assert!(!folder.file(CURRENT).exists());
    assert_eq!(fs::read(folder.file(PREVIOUS)).unwrap(), previous);
    let (store, _) = DurableStore::recover(folder.path(), settings()).unwrap();
    assert!(store.contents().generation() > generation);
    assert_eq!(store.contents().blocks().count(), 5);
}
