//! A process without the key of a sealed store changes nothing of it; sealing and unsealing are changes of their own.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mutual_trust::admin::{
    DurableSettings, DurableStore, Feeds, Follower, LockoutAllowance, PeerHistory, Seal, SealKey,
    Source,
};
use mutual_trust::error::{DurableError, StoreFileError};
use mutual_trust::{CurrentTime, PinScope, Policy};

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

const CURRENT: &str = "trust-store";
const PREVIOUS: &str = "trust-store.previous";

fn key(byte: u8) -> Arc<dyn Seal> {
    Arc::new(SealKey::new(vec![byte; 32]).unwrap())
}

fn with(byte: u8) -> DurableSettings {
    settings().with_seal(key(byte))
}

/// A sealed store with a change behind its snapshot, and a file before it.
fn sealed_store(folder: &Path) -> DurableStore {
    let mut store = DurableStore::create(folder, settings()).unwrap();
    store.change(fill).unwrap();
    store.set_seal(Some(key(1))).unwrap();
    store
        .change(|store| store.add_server(server_id("later"), []))
        .unwrap();
    store
}

#[track_caller]
fn is_sealed<T>(done: Result<T, DurableError>) {
    let error = done.err().expect("it was changed");
    let is_sealed = matches!(error, DurableError::Unwritable(StoreFileError::Sealed));
    assert!(is_sealed, "{error:?}");
}

#[test]
fn no_call_of_a_process_without_the_key_changes_a_sealed_store() {
    let folder = Folder::new("keyless");
    let mut owner = sealed_store(folder.path());
    let before = files(folder.path());
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let unchanged = |what: &str| assert!(files(folder.path()) == before, "{what}");

    is_sealed(store.change(|store| store.add_server(server_id("a"), [])));
    unchanged("change");
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let plan = store
        .plan(&policy, &seen, now(), |store| {
            store.add_server(server_id("a"), [])
        })
        .unwrap();
    let everyone = LockoutAllowance::none();
    assert!(store.apply(&plan, &seen, now(), &everyone).is_err());
    unchanged("apply");
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    let earlier = history.changes.last().unwrap().head.from;
    let plan = store.plan_rollback(earlier, &policy, &seen, now()).unwrap();
    assert!(store.apply(&plan, &seen, now(), &everyone).is_err());
    unchanged("roll back");
    is_sealed(store.set_seal(None));
    is_sealed(store.set_seal(Some(key(2))));
    unchanged("seal");
    let pins = folder.file("pins.pem");
    fs::write(&pins, pin("followed").to_pem()).unwrap();
    let before = files(folder.path());
    let unchanged = |what: &str| assert!(files(folder.path()) == before, "{what}");
    let source = Source::new("pins", &pins, Feeds::Pins(PinScope::Clients));
    let mut follower = Follower::new([source]).unwrap();
    for _ in 0..3 {
        let _ = follower.poll(&mut store);
    }
    unchanged("follow");
    let count = store.contents().blocks().count();
    let blocked = store.block(&pin("a"));
    is_sealed(blocked.unsaved.map_or(Ok(()), Err));
    assert_eq!(store.live().current().blocks().count(), count + 1);
    unchanged("block");
    // What was in force and not stored is not stored by a refresh either, which still takes over what others change.
    owner
        .change(|store| store.add_server(server_id("of-the-owner"), []))
        .unwrap();
    let before = files(folder.path());
    is_sealed(store.refresh());
    assert!(
        store
            .live()
            .current()
            .server(&server_id("of-the-owner"))
            .is_some()
    );
    assert!(files(folder.path()) == before, "refresh");
    // An accepted roll-back is a change.
    let minimum = settings().with_minimum_generation(1000);
    is_sealed(DurableStore::open(
        folder.path(),
        minimum.with_roll_back_accepted(),
    ));
    assert!(files(folder.path()) == before, "accept the roll-back");
    assert!(DurableStore::open(folder.path(), with(1)).is_ok());
}

#[test]
fn a_process_without_the_key_leaves_the_floor_to_those_who_have_it() {
    let folder = Folder::new("keyless-floor");
    drop(sealed_store(folder.path()));
    let before = files(folder.path());
    let CurrentTime::Known(later) = now() else {
        panic!("no time");
    };
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let later = pki_types::UnixTime::since_unix_epoch(
        std::time::Duration::from_secs(later.as_secs()) + day,
    );
    let at = |settings: DurableSettings| settings.with_clock(Arc::new(CurrentTime::Known(later)));
    let (mut store, _) = DurableStore::open(folder.path(), at(settings())).unwrap();
    assert!(!store.refresh().unwrap());
    assert!(store.health().is_good(), "{}", store.health());
    assert!(files(folder.path()) == before);
    let (mut store, _) = DurableStore::open(folder.path(), at(with(1))).unwrap();
    assert!(store.refresh().unwrap());
    assert!(files(folder.path()) != before);
}

#[test]
fn nothing_is_recovered_or_made_in_the_place_of_a_sealed_store_without_the_key() {
    let folder = Folder::new("keyless-recovery");
    drop(sealed_store(folder.path()));
    let path = folder.file(CURRENT);
    let mut damaged = fs::read(&path).unwrap();
    damaged[200] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let before = files(folder.path());
    is_sealed(DurableStore::recover(folder.path(), settings()));
    assert!(files(folder.path()) == before);
    // The file itself is gone, the one before it is sealed.
    fs::remove_file(&path).unwrap();
    let before = files(folder.path());
    is_sealed(DurableStore::recover(folder.path(), settings()));
    let made = DurableStore::create(folder.path(), settings());
    assert!(matches!(made, Err(DurableError::Lost { .. })), "{made:?}");
    assert!(files(folder.path()) == before);
    fs::write(&path, &damaged).unwrap();
    let (store, report) = DurableStore::recover(folder.path(), with(1)).unwrap();
    assert!(
        store.contents().server(&server_id("keys-1")).is_some(),
        "{report}"
    );
    drop(store);
    assert!(DurableStore::open(folder.path(), with(1)).is_ok());
}

#[test]
fn a_store_is_sealed_sealed_anew_and_unsealed_by_changes_that_its_history_tells() {
    let folder = Folder::new("keyless-resealed");
    let mut store = sealed_store(folder.path());
    let (mut other, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let content = facts(store.contents());
    let opens = |settings: DurableSettings| DurableStore::open(folder.path(), settings).is_ok();
    assert!(opens(with(1)) && !opens(with(2)));
    assert!(
        fs::read_to_string(folder.file(PREVIOUS))
            .unwrap()
            .contains("\nseal ")
    );

    store.set_seal(Some(key(2))).unwrap();
    assert!(!opens(with(1)) && opens(with(2)));
    store
        .change(|store| store.add_server(server_id("anew"), []))
        .unwrap();
    is_sealed(other.change(|store| store.add_server(server_id("without"), [])));
    assert_eq!(other.contents().generation(), store.contents().generation());
    let asked = |settings: &DurableSettings| {
        let history = DurableStore::history(folder.path(), settings).unwrap();
        assert_eq!(history.previous, None);
        let calls = history
            .changes
            .into_iter()
            .flat_map(|change| change.head.asked);
        calls.map(|(call, _)| call).collect::<Vec<String>>()
    };
    assert_eq!(asked(&with(2)), ["seal", "server add anew"]);

    store.set_seal(None).unwrap();
    assert!(opens(settings()) && !opens(with(2)));
    assert_eq!(asked(&settings()), ["unseal"]);
    assert!(!files(folder.path()).values().any(|text| {
        text.split(|byte| *byte == b'\n')
            .any(|line| line.starts_with(b"seal "))
    }));
    other
        .change(|store| store.remove_server(&server_id("anew")))
        .unwrap();
    // All but the generation, which comes first.
    assert_eq!(facts(other.contents())[1..], content[1..]);
}

#[test]
fn a_store_whose_new_seal_cannot_be_written_keeps_the_one_it_has() {
    let folder = Folder::new("keyless-unwritten");
    let mut store = sealed_store(folder.path());
    // The name of the file before it is taken by a folder, which no file can replace.
    fs::remove_file(folder.file(PREVIOUS)).unwrap();
    fs::create_dir(folder.file(PREVIOUS)).unwrap();
    let error = store.set_seal(None).unwrap_err();
    assert!(matches!(error, DurableError::NotSaved(_)), "{error}");
    store
        .change(|store| store.add_server(server_id("afterwards"), []))
        .unwrap();
    assert!(DurableStore::open(folder.path(), with(1)).is_ok());
    fs::remove_dir(folder.file(PREVIOUS)).unwrap();
    store.set_seal(None).unwrap();
    assert!(DurableStore::open(folder.path(), settings()).is_ok());
}

/// A whole file is not damaged, whatever the key: nothing takes its place.
#[test]
fn a_whole_store_of_another_key_or_of_a_later_version_is_not_recovered() {
    let folder = Folder::new("keyless-other-key");
    let mut store = sealed_store(folder.path());
    let file = folder.file("backup");
    let _ = DurableStore::backup(folder.path(), &with(1), &file).unwrap();
    store.set_seal(Some(key(2))).unwrap();
    store
        .change(|store| store.add_server(server_id("anew"), []))
        .unwrap();
    let sealed = files(folder.path());
    let refused = |settings: DurableSettings, is: fn(&StoreFileError) -> bool| {
        let before = files(folder.path());
        let from = DurableStore::recover_from(folder.path(), settings.clone(), &file);
        let alone = DurableStore::recover(folder.path(), settings);
        for done in [from, alone] {
            let is = matches!(&done, Err(DurableError::File { source, .. }) if is(source));
            assert!(is, "{done:?}");
        }
        assert!(files(folder.path()) == before);
    };
    refused(with(1), |e| matches!(e, StoreFileError::SealWrong));
    store.set_seal(None).unwrap();
    refused(with(1), |e| matches!(e, StoreFileError::SealMissing));
    let path = folder.file(CURRENT);
    let text = String::from_utf8(sealed[CURRENT].clone()).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let at = first.rfind(' ').unwrap();
    fs::write(&path, format!("{} 3.0\n{rest}", &first[..at])).unwrap();
    refused(with(1), |e| {
        matches!(e, StoreFileError::NewerVersion { .. })
    });
    // Of a damaged file nothing says that its key is another one: of a damaged snapshot, or of a damaged change behind it.
    let text = String::from_utf8(sealed[CURRENT].clone()).unwrap();
    let change = text.find("+server anew ").unwrap();
    for at in [200, change + 2] {
        let mut damaged = sealed[CURRENT].clone();
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        let done = DurableStore::recover_from(folder.path(), with(1), &file);
        assert!(done.is_ok(), "{at}: {done:?}");
    }
}

/// Anyone may have written a file whose seal is missing: it gives no trust, and takes none away that stands in the way of
/// other trust.
#[test]
fn a_damaged_file_without_the_seal_moves_no_name_and_removes_nothing() {
    for is_sealed in [true, false] {
        let folder = Folder::new("keyless-forged");
        let own = || if is_sealed { with(1) } else { settings() };
        let mut store = DurableStore::create(folder.path(), own()).unwrap();
        store.change(fill).unwrap();
        let (free, new) = (host("free.example"), host("z.example"));
        store
            .change(|store| store.add_name(&server_id("keys-3"), free.clone()))
            .unwrap();
        let entries = store.contents().entries().len();
        drop(store);
        let path = folder.file(CURRENT);
        fs::copy(&path, folder.file(PREVIOUS)).unwrap();

        let other = Folder::new("keyless-forger");
        let whole = fs::read_to_string(&path).unwrap();
        let lines = whole.split_inclusive('\n');
        let bare: String = lines.filter(|line| !line.starts_with("seal ")).collect();
        fs::write(other.file(CURRENT), bare).unwrap();
        let (mut forged, _) = DurableStore::open(other.path(), settings()).unwrap();
        let blocked = pin("blocked");
        forged
            .change(|store| {
                store.move_name(&free, &server_id("keys-1"))?;
                store.add_server(server_id("z"), [new.clone()])?;
                store.install_pin(server("z"), pin("z"), options())?;
                store.migrate(&server_id("z"), at(NOW + 60 * DAY))?;
                store.block(&blocked);
                let entries = store.contents().entries();
                let first = entries.iter().find(|entry| entry.certificate().is_none());
                let first = first.unwrap().key().clone();
                store.remove(&first)
            })
            .unwrap();
        forged
            .change(|store| store.add_server(server_id("last"), []))
            .unwrap();
        let text = text_of(forged.contents());
        fs::write(&path, text.replacen("  label rack", "??label rack", 1)).unwrap();

        let (store, report) = DurableStore::recover(folder.path(), own()).unwrap();
        let view = store.contents();
        assert!(report.from_generation < report.lost_generation.unwrap());
        assert_eq!(report.blocks.len(), 1, "{report}");
        assert_eq!(view.server_of(&free).unwrap().id(), &server_id("keys-3"));
        let removed = usize::from(!is_sealed);
        assert_eq!(view.entries().len(), entries - removed, "{report}");
        assert_eq!(report.brought_back.len(), 1 - removed, "{report}");
        match view.server(&server_id("z")) {
            None => assert!(is_sealed),
            Some(z) => {
                assert!(!is_sealed);
                assert_eq!(z.claim(), mutual_trust::store::Claim::Claimed);
                assert_eq!(report.names.len(), 1, "{report}");
            }
        }
    }
}
