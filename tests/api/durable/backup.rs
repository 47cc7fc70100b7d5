//! Backups: a copy is a whole store, and a restore keeps what takes trust away (rule S4).

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use mutual_trust::admin::file::SealState;
use mutual_trust::admin::{DurableStore, LockoutAllowance, Peer, PeerHistory};
use mutual_trust::error::{DurableError, GuardedError, PlanError, StoreFileError};
use mutual_trust::store::{BlockSelector, Claim, Kept, RolledBack};
use mutual_trust::{CurrentTime, PinScope, Policy, TrustSnapshot};

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

fn clock() -> CurrentTime {
    CurrentTime::Known(at(NOW))
}

/// All but the generation and the floor.
fn content(view: &TrustSnapshot) -> Vec<String> {
    let numbers = |line: &String| line.starts_with("generation ") || line.starts_with("floor ");
    let facts = facts(view).into_iter();
    facts.filter(|line| !numbers(line)).collect()
}

fn backup(folder: &Folder) -> PathBuf {
    let file = folder.file("backup");
    let _ = DurableStore::backup(folder.path(), &settings(), &file).unwrap();
    file
}

fn restore(store: &mut DurableStore, file: &std::path::Path) -> Result<RolledBack, GuardedError> {
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let plan = store.plan_restore(file, &policy, &seen, clock())?;
    let lost: Vec<Peer> = plan.effects().all_lost().cloned().collect();
    let allowed = LockoutAllowance::allow(lost);
    let _ = store.apply(&plan, &seen, clock(), &allowed)?;
    Ok(plan.outcome().clone())
}

#[test]
fn a_backup_is_the_store_with_its_history_and_replaces_no_file() {
    let folder = Folder::new("backup");
    let mut store = durable(folder.path());
    store
        .change(|store| store.add_server(server_id("new"), []))
        .unwrap();
    // A change that was not stored to its end is left out.
    let path = folder.file("trust-store");
    let whole = fs::read(&path).unwrap();
    let mut cut = whole.clone();
    cut.extend_from_slice(b"change 99 ");
    fs::write(&path, cut).unwrap();
    let file = folder.file("backup");
    let copied = DurableStore::backup(folder.path(), &settings(), &file).unwrap();
    assert_eq!(copied.generation, store.contents().generation());
    assert!(fs::read(&file).unwrap() == whole);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let again = DurableStore::backup(folder.path(), &settings(), &file);
    assert!(
        matches!(again, Err(DurableError::BackupNotWritten(_))),
        "{again:?}"
    );
    assert!(fs::read(&file).unwrap() == whole);
    // A damaged store is not copied.
    let mut bad = whole;
    bad[200] ^= 1;
    fs::write(&path, bad).unwrap();
    let other = folder.file("other");
    let damaged = DurableStore::backup(folder.path(), &settings(), &other);
    assert!(
        matches!(damaged, Err(DurableError::File { .. })),
        "{damaged:?}"
    );
    assert!(!other.exists());
}

#[test]
fn a_restore_brings_content_back_and_keeps_blocks_and_claims() {
    let folder = Folder::new("restore");
    let mut store = durable(folder.path());
    let stays = pin("stays");
    let stolen = pin("stolen");
    let fill = |store: &mut mutual_trust::TrustStore| {
        let _ = store.install_pin(PinScope::Clients, stays.clone(), options())?;
        store.install_pin(PinScope::Clients, stolen.clone(), options())
    };
    let _ = store.change(fill).unwrap();
    let file = backup(&folder);
    let good = store.contents().clone();
    let claimed = server_id("claimed");
    let blocked = BlockSelector::certificate(&stolen);
    let change = |store: &mut mutual_trust::TrustStore| {
        let keys: Vec<_> = store
            .contents()
            .entries()
            .iter()
            .map(|one| one.key())
            .collect();
        for key in keys {
            let _ = store.remove(&key)?;
        }
        let _ = store.block_selector(blocked.clone());
        let _ = store.add_server(claimed.clone(), [host("claimed.example")])?;
        store.install_pin(server("claimed"), pin("claimed"), options())
    };
    let _ = store.change(change).unwrap();
    let bad = store.contents().generation();

    // The pin that was installed since would be lost.
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let plan = store.plan_restore(&file, &policy, &seen, clock()).unwrap();
    let refused = store.apply(&plan, &seen, clock(), &LockoutAllowance::none());
    assert!(
        matches!(refused, Err(GuardedError::Plan(PlanError::Loses { .. }))),
        "{refused:?}"
    );
    assert_eq!(store.contents().generation(), bad);

    let done = restore(&mut store, &file).unwrap();
    let view = store.contents();
    assert!(view.generation() > bad);
    assert!(done.kept.items().contains(&Kept::Block(blocked.clone())));
    assert_eq!(done.left_out.items()[0].fingerprint, stolen.fingerprint());
    assert!(view.blocks().any(|block| *block == blocked));
    assert_eq!(view.server(&claimed).unwrap().claim(), Claim::Claimed);
    let missing = content(&good)
        .into_iter()
        .filter(|line| !content(view).contains(line));
    let missing: Vec<String> = missing.collect();
    let of_stolen = stolen.fingerprint().to_string();
    assert!(
        missing.iter().all(|line| line.contains(&of_stolen)),
        "{missing:?}"
    );
    assert!(!missing.is_empty());
    // As it is stored.
    let read = DurableStore::read(folder.path(), &settings()).unwrap();
    assert_eq!(facts(read.store.contents()), facts(view));
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    let asked = &history.changes.last().unwrap().head.asked;
    assert_eq!(
        asked[0].0,
        format!("restore of generation {}", good.generation())
    );
}

#[test]
fn a_restored_store_has_a_higher_number_than_both() {
    let folder = Folder::new("restore-number");
    let store = durable(folder.path());
    let file = backup(&folder);
    let newer = store.contents().generation();
    drop(store);
    // An older store is there, with the same content but for its number.
    fs::remove_file(folder.file("trust-store")).unwrap();
    let _ = fs::remove_file(folder.file("trust-store.previous"));
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    assert!(store.contents().generation() < newer);
    let _ = restore(&mut store, &file).unwrap();
    assert!(store.contents().generation() > newer);
}

#[test]
fn a_lost_store_is_made_again_from_a_backup() {
    for damaged in [false, true] {
        let folder = Folder::new("restore-lost");
        let mut store = durable(folder.path());
        let file = backup(&folder);
        let good = store.contents().clone();
        let blocked = BlockSelector::certificate(&pin("stolen"));
        assert!(store.block_selector(blocked.clone()).unsaved.is_none());
        let generation = store.contents().generation();
        drop(store);
        let path = folder.file("trust-store");
        if damaged {
            // Damaged: what takes trust away is read from it.
            let mut bad = fs::read(&path).unwrap();
            let wanted = b"server keys-1 ";
            let mut places = bad.windows(wanted.len());
            let at = places.position(|found| found == wanted).unwrap();
            bad[at + 3] ^= 1;
            fs::write(&path, bad).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        let _ = fs::remove_file(folder.file("trust-store.previous"));
        if !damaged {
            let _ = DurableStore::recover(folder.path(), settings()).unwrap_err();
        }
        let (store, report) = DurableStore::recover_from(folder.path(), settings(), &file).unwrap();
        let view = store.contents();
        assert!(view.generation() > good.generation());
        assert_eq!(report.generation, view.generation());
        if damaged {
            assert!(view.generation() > generation);
            assert!(view.blocks().any(|block| *block == blocked), "{report}");
        } else {
            assert_eq!(content(view), content(&good));
        }
        // A store that is whole is not recovered.
        drop(store);
        let whole = DurableStore::recover_from(folder.path(), settings(), &file);
        assert!(matches!(whole, Err(DurableError::NotDamaged { .. })));
    }
}

/// One damaged line does not hide the removals that can be read.
#[test]
fn a_backup_does_not_bring_back_what_a_damaged_file_shows_to_be_removed() {
    let folder = Folder::new("restore-removed");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    let pins = ["one", "two", "three"].map(pin);
    for one in &pins {
        let done =
            store.change(|store| store.install_pin(PinScope::Clients, one.clone(), options()));
        let _ = done.unwrap();
    }
    let to = store.contents().generation();
    let file = backup(&folder);
    let entries = store.contents().entries();
    let one = entries
        .iter()
        .find(|entry| entry.fingerprint() == pins[0].fingerprint());
    let gone = one.unwrap().key().clone();
    let _ = store.change(|store| store.remove(&gone)).unwrap();
    drop(store);
    let path = folder.file("trust-store");
    let text = fs::read_to_string(&path).unwrap();
    let head = format!("change {} {to} ", to - 1);
    let head = match text.contains(&head) {
        true => head,
        false => format!("change {to} "),
    };
    assert!(text.contains(&head), "{text}");
    fs::write(
        &path,
        text.replacen(&head, &head.replace("change", "chenge"), 1),
    )
    .unwrap();
    let (store, report) = DurableStore::recover_from(folder.path(), settings(), &file).unwrap();
    assert_eq!(report.from_generation, to, "{report}");
    assert!(store.contents().entry(&gone).is_none(), "{report}");
    assert_eq!(report.removed.items(), [gone]);
    assert_eq!(report.brought_back.len(), 0, "{report}");
}

#[test]
fn a_sealed_backup_stays_sealed_and_is_restored_only_with_the_seal() {
    let folder = Folder::new("backup-sealed");
    let sealed = settings().with_seal(Arc::new(Key));
    let mut store = DurableStore::create(folder.path(), sealed.clone()).unwrap();
    store.change(fill).unwrap();
    // A backup needs no seal: it copies what is there.
    let file = folder.file("backup");
    let copied = DurableStore::backup(folder.path(), &settings(), &file).unwrap();
    assert_eq!(copied.seal, SealState::NotVerified);
    let read = DurableStore::read_backup(&file, &sealed).unwrap();
    assert_eq!(read.report.seal, SealState::Verified);
    store
        .change(|store| store.add_server(server_id("new"), []))
        .unwrap();
    let _ = restore(&mut store, &file).unwrap();
    assert!(store.contents().server(&server_id("new")).is_none());
    drop(store);
    let is_sealed =
        |error: DurableError| matches!(error, DurableError::Unwritable(StoreFileError::Sealed));
    let (mut bare, _) = DurableStore::open(folder.path(), settings()).unwrap();
    match restore(&mut bare, &file) {
        Err(GuardedError::Durable(error)) => assert!(is_sealed(error)),
        other => panic!("{other:?}"),
    }
    // Nor is a lost store made again without it. Then it is the backup that is sealed, not the store.
    let is_backup = |error: DurableError| matches!(error, DurableError::BackupSealed { path, .. } if path == file);
    fs::remove_file(folder.file("trust-store")).unwrap();
    let error = DurableStore::recover_from(folder.path(), settings(), &file).unwrap_err();
    assert!(is_backup(error));
    let error = DurableStore::plan_recovery(folder.path(), &settings(), Some(&file)).unwrap_err();
    assert!(is_backup(error));
    assert!(!folder.file("trust-store").exists());
    let (again, _) = DurableStore::recover_from(folder.path(), sealed.clone(), &file).unwrap();
    drop(again);
    let loaded = DurableStore::read(folder.path(), &sealed).unwrap();
    assert_eq!(loaded.report.seal, SealState::Verified);
    // A store without a seal is not called sealed because the backup is.
    let bare = Folder::new("backup-sealed-bare");
    let mut bare = durable(bare.path());
    match restore(&mut bare, &file) {
        Err(GuardedError::Durable(error)) => assert!(is_backup(error)),
        other => panic!("{other:?}"),
    }
    // An unsealed backup is refused where a seal is required.
    let other = Folder::new("backup-bare");
    drop(durable(other.path()));
    let bare = backup(&other);
    assert!(DurableStore::read_backup(&bare, &sealed).is_err());
    assert!(DurableStore::recover_from(folder.path(), sealed, &bare).is_err());
}
