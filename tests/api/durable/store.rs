//! What is changed is stored, and only then in force (rule S4).

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mutual_trust::TrustStore;
use mutual_trust::admin::{Counter, DurableStore};
use mutual_trust::error::{DurableError, StoreError, WriteError};

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

/// A counter in memory.
#[derive(Debug, Default)]
pub struct Counted {
    number: AtomicU64,
    broken: AtomicBool,
}

impl Counted {
    fn answer(&self) -> io::Result<()> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(io::Error::other("no answer"));
        }
        Ok(())
    }
}

impl Counter for Counted {
    fn read(&self) -> io::Result<u64> {
        self.answer()?;
        Ok(self.number.load(Ordering::Relaxed))
    }

    fn raise(&self, generation: u64) -> io::Result<()> {
        self.answer()?;
        self.number.fetch_max(generation, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn what_was_changed_is_there_after_a_restart_and_in_force_at_once() {
    let folder = Folder::new("restart");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    let live = store.live();
    store.set_actor(Some("alice")).unwrap();
    store.change(fill).unwrap();
    assert_eq!(facts(&live.current()), facts(store.contents()));
    assert!(store.health().is_good(), "{}", store.health());
    assert_eq!(store.health().generation, store.health().stored);
    let (before, digest) = (facts(store.contents()), store.digest());
    drop(store);
    let (store, report) = DurableStore::open(folder.path(), settings()).unwrap();
    assert_eq!(facts(store.contents()), before);
    assert_eq!(facts(&store.live().current()), before);
    assert_eq!((report.digest, store.digest()), (digest, digest));
    let health = store.health();
    assert!(health.is_good() && health.generation > 0, "{health}");
    assert_eq!(health.generation, store.contents().generation());
    // A change is added to the file: there is no file before it yet.
    assert_eq!(folder.names(), ["trust-store", "trust-store.lock"]);
}

/// A change writes no version anew: it stands behind what was there, and the versions before it can be read.
#[test]
fn the_version_before_is_kept() {
    let folder = Folder::new("previous");
    let mut store = durable(folder.path());
    let (before, old) = (
        fs::read(folder.file("trust-store")).unwrap(),
        facts(store.contents()),
    );
    let generation = store.contents().generation();
    store
        .change(|store| store.add_server(server_id("new"), []))
        .unwrap();
    let after = fs::read(folder.file("trust-store")).unwrap();
    assert!(after.starts_with(&before) && after.len() > before.len());
    let kept = DurableStore::read_at(folder.path(), &settings(), generation).unwrap();
    assert_eq!(facts(kept.store.contents()), old);
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("modes");
    drop(durable(folder.path()));
    for name in folder.names() {
        let mode = fs::metadata(folder.file(&name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_change_that_is_refused_or_changes_nothing_is_not_stored() {
    let folder = Folder::new("refused");
    let mut store = durable(folder.path());
    let (before, text) = (
        facts(store.contents()),
        fs::read(folder.file("trust-store")).unwrap(),
    );
    let error = store.change(|store| {
        store.add_server(server_id("new"), [])?;
        store.add_server(server_id("keys-1"), [])
    });
    let error = error.unwrap_err();
    assert!(
        matches!(error, DurableError::Store(StoreError::ServerExists(_))),
        "{error}"
    );
    store.change(|_| Ok(())).unwrap();
    assert_eq!(facts(store.contents()), before);
    assert_eq!(facts(&store.live().current()), before);
    assert_eq!(fs::read(folder.file("trust-store")).unwrap(), text);
}

#[test]
fn an_edit_that_panics_leaves_the_store_as_it_was() {
    let folder = Folder::new("panics");
    let mut store = durable(folder.path());
    let before = facts(store.contents());
    let edit = std::panic::AssertUnwindSafe(|| {
        store.change(|store| -> Result<(), StoreError> {
            store.add_server(server_id("new"), [])?;
            panic!("on purpose");
        })
    });
    assert!(std::panic::catch_unwind(edit).is_err());
    assert_eq!(facts(store.contents()), before);
    store
        .change(|store| store.add_server(server_id("new"), []))
        .unwrap();
}

#[test]
fn another_store_cannot_be_put_in_the_place_of_the_one_that_is_edited() {
    let folder = Folder::new("replaced");
    let mut store = durable(folder.path());
    let before = facts(store.contents());
    let error = store.change(|store| {
        *store = TrustStore::new(keys());
        Ok(())
    });
    assert!(matches!(
        error,
        Err(DurableError::Replaced { offered: 0, .. })
    ));
    assert_eq!(facts(store.contents()), before);
}

/// A program of version 1.0 holds the lock as long as it has the store open, and one of this version while it changes it.
#[test]
fn a_second_writer_is_kept_out_until_the_first_is_gone() {
    let folder = Folder::new("locked");
    drop(durable(folder.path()));
    let lock = fs::File::options()
        .write(true)
        .open(folder.file("trust-store.lock"));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    let path = folder.path();
    std::thread::scope(|scope| {
        let seconds = [
            scope.spawn(|| DurableStore::open(path, settings()).map(drop)),
            scope.spawn(|| DurableStore::create(path, settings()).map(drop)),
            scope.spawn(|| DurableStore::recover(path, settings()).map(drop)),
        ];
        for second in seconds {
            let second = second.join().unwrap();
            assert!(
                matches!(second, Err(DurableError::Locked { .. })),
                "{second:?}"
            );
        }
    });
    drop(lock);
    drop(DurableStore::open(folder.path(), settings()).unwrap());
}

#[test]
fn a_change_waits_for_the_lock_as_long_as_it_is_told_and_says_which_process_has_it() {
    let folder = Folder::new("waits");
    drop(durable(folder.path()));
    let within = |wait: Duration| settings().with_lock_wait(wait);
    assert_eq!(settings().lock_wait(), Duration::from_secs(10));
    let (mut store, _) =
        DurableStore::open(folder.path(), within(Duration::from_millis(200))).unwrap();
    for name in ["trust-store.lock", "trust-store"] {
        let lock = fs::File::options().write(true).open(folder.file(name));
        let lock = lock.unwrap();
        lock.lock().unwrap();
        let started = Instant::now();
        let error = store
            .change(|store| store.add_server(server_id("late"), []))
            .unwrap_err();
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(100), "{took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        let DurableError::Locked { path, holder, .. } = &error else {
            panic!("{error}");
        };
        assert!(path.ends_with(name), "{error}");
        // Containers do not always show their locks.
        if cfg!(target_os = "linux")
            && fs::read_to_string("/proc/locks").is_ok_and(|all| all.contains("FLOCK"))
        {
            let own = format!("process {} (", std::process::id());
            assert!(
                holder
                    .as_deref()
                    .is_some_and(|holder| holder.starts_with(&own)),
                "{error}"
            );
            assert!(error.to_string().contains(&own), "{error}");
        }
        let at_once = Instant::now();
        let opened = DurableStore::open(folder.path(), within(Duration::ZERO)).map(drop);
        assert!(
            matches!(opened, Err(DurableError::Locked { .. })),
            "{opened:?}"
        );
        assert!(at_once.elapsed() < Duration::from_millis(500));
        // A process that waits longer gets it.
        let free = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            drop(lock);
        });
        let waits = within(Duration::from_secs(60));
        drop(DurableStore::open(folder.path(), waits).unwrap());
        free.join().unwrap();
    }
    store
        .change(|store| store.add_server(server_id("late"), []))
        .unwrap();
}

#[test]
fn a_store_that_cannot_be_read_is_not_taken_for_none() {
    let folder = Folder::new("unreadable");
    let file = folder.file("trust-store");
    // A link to itself: opening it fails for every user, and it is there.
    std::os::unix::fs::symlink(&file, &file).unwrap();
    let opened = DurableStore::open(folder.path(), settings()).map(drop);
    assert!(matches!(opened, Err(DurableError::Io { .. })), "{opened:?}");
    let made = DurableStore::create(folder.path(), settings()).map(drop);
    let no_file =
        |error: &DurableError| matches!(error, DurableError::NotSaved(WriteError::NotAFile { .. }));
    assert!(made.as_ref().is_err_and(no_file), "{made:?}");
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let opened = DurableStore::open(folder.path(), settings()).map(drop);
    let told = opened.map_err(|error| mutual_trust::error::with_causes(&error));
    let wanted = format!(
        "{} cannot be used: it is not a regular file",
        file.display()
    );
    assert_eq!(told, Err(wanted));
}

#[test]
fn a_store_is_neither_made_by_opening_nor_overwritten_by_making_one() {
    let folder = Folder::new("made");
    let none = DurableStore::open(folder.path(), settings()).map(drop);
    assert!(
        matches!(none, Err(DurableError::NoStore { .. })),
        "{none:?}"
    );
    let store = durable(folder.path());
    let before = fs::read(folder.file("trust-store")).unwrap();
    drop(store);
    let again = DurableStore::create(folder.path(), settings()).map(drop);
    assert!(
        matches!(again, Err(DurableError::Exists { .. })),
        "{again:?}"
    );
    assert_eq!(fs::read(folder.file("trust-store")).unwrap(), before);
    let nowhere = DurableStore::open(&folder.file("nowhere"), settings()).map(drop);
    assert!(
        matches!(nowhere, Err(DurableError::Io { .. })),
        "{nowhere:?}"
    );
}

#[test]
fn the_floor_is_stored_and_published_by_a_refresh() {
    let folder = Folder::new("floor");
    let store = durable(folder.path());
    let floor = store.contents().floor();
    assert_eq!(floor, Some(at(NOW)));
    drop(store);
    let later = settings().with_clock(Arc::new(mutual_trust::CurrentTime::Known(at(NOW + DAY))));
    let (mut store, _) = DurableStore::open(folder.path(), later).unwrap();
    assert_eq!(store.contents().floor(), floor, "opening writes nothing");
    let live = store.live();
    store.refresh().unwrap();
    assert_eq!(live.current().floor(), Some(at(NOW + DAY)));
    drop(store);
    let unset = settings().with_clock(Arc::new(mutual_trust::CurrentTime::Unset));
    let (store, _) = DurableStore::open(folder.path(), unset).unwrap();
    assert_eq!(store.contents().floor(), Some(at(NOW + DAY)));
}

#[test]
fn somebody_who_published_meanwhile_is_told() {
    let folder = Folder::new("published");
    let mut store = durable(folder.path());
    let mut other = filled();
    for _ in 0..100 {
        other.reset_floor(None);
    }
    store.live().publish(other.snapshot()).unwrap();
    let error = store.change(|store| store.add_server(server_id("new"), []));
    assert!(
        matches!(error, Err(DurableError::NotPublished(_))),
        "{error:?}"
    );
}

#[test]
fn a_store_that_is_older_than_the_counter_is_refused_unless_that_is_accepted() {
    let folder = Folder::new("counter");
    let counter = Arc::new(Counted::default());
    let with = || settings().with_counter(counter.clone());
    let mut store = DurableStore::create(folder.path(), with()).unwrap();
    store.change(fill).unwrap();
    let old = fs::read(folder.file("trust-store")).unwrap();
    let old_generation = store.contents().generation();
    let gone = pin("gone");
    store.change(|store| Ok(store.block(&gone))).unwrap();
    let newest = store.contents().generation();
    assert_eq!(counter.read().unwrap(), newest);
    drop(store);

    fs::write(folder.file("trust-store"), &old).unwrap();
    let error = DurableStore::open(folder.path(), with()).unwrap_err();
    assert!(
        matches!(error, DurableError::RolledBack { found, minimum, .. }
            if (found, minimum) == (old_generation, newest)),
        "{error}"
    );
    // The other controller's number does as well.
    let minimum = settings().with_minimum_generation(newest);
    let error = DurableStore::open(folder.path(), minimum).unwrap_err();
    assert!(matches!(error, DurableError::RolledBack { .. }), "{error}");
    assert_eq!(fs::read(folder.file("trust-store")).unwrap(), old);

    let (store, report) =
        DurableStore::open(folder.path(), with().with_roll_back_accepted()).unwrap();
    assert_eq!(report.generation, old_generation);
    assert!(
        store.contents().generation() > newest,
        "no number is given twice"
    );
    assert!(store.contents().blocks().count() == 4, "the block is lost");
    drop(store);
    // It was accepted once, and is the newest now: opening writes nothing.
    let newest = fs::read(folder.file("trust-store")).unwrap();
    drop(DurableStore::open(folder.path(), with()).unwrap());
    assert_eq!(fs::read(folder.file("trust-store")).unwrap(), newest);
}

#[test]
fn a_store_is_not_made_anew_where_the_counter_says_that_there_was_one() {
    let folder = Folder::new("anew");
    let counter = Arc::new(Counted::default());
    let with = || settings().with_counter(counter.clone());
    counter.raise(40).unwrap();
    let error = DurableStore::create(folder.path(), with()).unwrap_err();
    assert!(
        matches!(
            error,
            DurableError::RolledBack {
                found: 0,
                minimum: 40,
                ..
            }
        ),
        "{error}"
    );
    let store = DurableStore::create(folder.path(), with().with_roll_back_accepted()).unwrap();
    assert!(store.contents().generation() > 40);
    // Where there was none, it is counted as a store in memory is.
    let first = Folder::new("first");
    let made = DurableStore::create(first.path(), settings()).unwrap();
    assert_eq!(
        made.contents().generation(),
        TrustStore::new(keys())
            .with_clock(Arc::new(now()))
            .snapshot()
            .generation()
    );
}

#[test]
fn a_counter_that_does_not_answer_is_an_error_at_first_and_a_matter_of_health_later() {
    let folder = Folder::new("broken-counter");
    let counter = Arc::new(Counted::default());
    let with = || settings().with_counter(counter.clone());
    let mut store = DurableStore::create(folder.path(), with()).unwrap();
    counter.broken.store(true, Ordering::Relaxed);
    store
        .change(|store| store.add_server(server_id("a"), []))
        .unwrap();
    assert!(!store.health().is_good());
    assert!(
        store.health().to_string().contains("counter"),
        "{}",
        store.health()
    );
    counter.broken.store(false, Ordering::Relaxed);
    store.refresh().unwrap();
    assert!(store.health().is_good(), "{}", store.health());
    assert_eq!(counter.read().unwrap(), store.contents().generation());
    drop(store);
    counter.broken.store(true, Ordering::Relaxed);
    let error = DurableStore::open(folder.path(), with()).unwrap_err();
    assert!(matches!(error, DurableError::Counter(_)), "{error}");
}

/// The folder is away while the store is open: nothing can be written. Where there is no store, none is made of what a
/// process has in memory: it may be another folder.
#[test]
fn what_cannot_be_stored_is_not_in_force_except_a_block() {
    let folder = Folder::new("gone");
    let mut store = durable(folder.path());
    let (before, live) = (facts(store.contents()), store.live());
    let away = folder.path().with_extension("away");
    fs::rename(folder.path(), &away).unwrap();
    let error = store.change(|store| store.add_server(server_id("new"), []));
    assert!(matches!(error, Err(DurableError::Io { .. })), "{error:?}");
    assert_eq!(facts(&live.current()), before);
    assert!(store.contents().server(&server_id("new")).is_none());
    assert!(!store.health().is_good() && store.health().unsaved_blocks.is_empty());

    let gone = pin("gone");
    let blocked = store.block(&gone);
    assert!(matches!(blocked.unsaved, Some(DurableError::Io { .. })));
    assert_eq!(blocked.report.done(), mutual_trust::store::Outcome::Added);
    assert_eq!(live.current().blocks().count(), 5);
    let health = store.health();
    assert_eq!(health.unsaved_blocks.len(), 1);
    assert!(health.generation > health.stored);
    assert!(
        health
            .to_string()
            .contains("in force and not stored: block of"),
        "{health}"
    );
    // A change that is refused meanwhile does not lose it; asking for it again tries again.
    let not_saved = |done| matches!(done, Err(DurableError::Io { .. }));
    let refused = store.change(|store| store.add_server(server_id("new"), []));
    assert!(not_saved(refused.map(drop)));
    assert!(store.block(&gone).unsaved.is_some());
    assert!(not_saved(store.refresh().map(drop)));
    assert_eq!(live.current().blocks().count(), 5);

    fs::create_dir(folder.path()).unwrap();
    let empty = store.refresh();
    assert!(
        matches!(empty, Err(DurableError::NoStore { .. })),
        "{empty:?}"
    );
    assert_eq!(live.current().blocks().count(), 5);
    fs::remove_dir_all(folder.path()).unwrap();
    fs::rename(&away, folder.path()).unwrap();
    store
        .change(|store| store.add_server(server_id("new"), []))
        .unwrap();
    assert!(store.health().is_good(), "{}", store.health());
    let text = fs::read_to_string(folder.file("trust-store")).unwrap();
    let stored = load(&text).unwrap().store;
    assert_eq!(stored.contents().blocks().count(), 5);
    assert_eq!(facts(stored.contents()), facts(&live.current()));
}

#[test]
fn numbers_only_grow_whatever_fails() {
    let folder = Folder::new("numbers");
    let mut store = durable(folder.path());
    let live = store.live();
    let mut last = live.current().generation();
    for round in 0..4 {
        let away = folder.path().with_extension("away");
        fs::rename(folder.path(), &away).unwrap();
        let refused = store.change(|store| store.add_server(server_id("refused"), []));
        assert!(
            matches!(refused, Err(DurableError::Io { .. })),
            "{refused:?}"
        );
        let certificate = pin(&round.to_string());
        assert!(store.block(&certificate).unsaved.is_some());
        fs::rename(&away, folder.path()).unwrap();
        store.refresh().unwrap();
        store.change(|store| Ok(store.reset_floor(None))).unwrap();
        let now = live.current().generation();
        assert!(now > last);
        assert_eq!(now, store.contents().generation());
        last = now;
    }
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    #[derive(Debug)]
    struct Nothing;
    impl mutual_trust::admin::Seal for Nothing {
        fn seal(&self, _: &[u8]) -> Vec<u8> {
            Vec::new()
        }
        fn verify(&self, _: &[u8], _: &[u8]) -> bool {
            false
        }
    }
    let folder = Folder::new("unwritable");
    let with = settings().with_seal(Arc::new(Nothing));
    let error = DurableStore::create(folder.path(), with).unwrap_err();
    assert!(matches!(error, DurableError::Unwritable(_)), "{error}");
    assert_eq!(folder.names(), ["trust-store.lock"]);
}

#[test]
fn what_a_later_version_wrote_outlives_changes() {
    let folder = Folder::new("kept");
    drop(durable(folder.path()));
    apart(folder.path());
    let text = fs::read_to_string(folder.file("trust-store")).unwrap();
    let later = text.replacen("store 1.0", "store 1.3", 1).replacen(
        "end groups",
        "zone blue #\nend groups",
        1,
    );
    fs::write(folder.file("trust-store"), fitting(&later)).unwrap();
    let (mut store, report) = DurableStore::open(folder.path(), settings()).unwrap();
    assert_eq!(report.later_minor, Some(3));
    store
        .change(|store| store.add_server(server_id("new"), []))
        .unwrap();
    let text = fs::read_to_string(folder.file("trust-store")).unwrap();
    assert!(text.starts_with("mutual-trust store 2.3\n"));
    assert!(text.contains(&checked("zone blue")), "{text}");
}
