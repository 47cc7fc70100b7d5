//! What a recovery takes from damaged files, where both are damaged, and what it says of what it cannot know.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mutual_trust::admin::{DurableSettings, DurableStore, RecoveryReport};
use mutual_trust::store::{BlockSelector, Claim, EntryKey, Kept, Scope};
use mutual_trust::{PinScope, TrustSnapshot};

use crate::durable::common::*;
use crate::support::folder::Folder;
use crate::support::*;

const CURRENT: &str = "trust-store";
const PREVIOUS: &str = "trust-store.previous";

fn backup(folder: &Folder, settings: &DurableSettings) -> PathBuf {
    let file = folder.file("backup");
    let _ = DurableStore::backup(folder.path(), settings, &file).unwrap();
    file
}

/// Changes a line so that it can no longer be read.
fn damaged(text: &str, line: &str) -> String {
    assert!(text.contains(line), "no {line:?} in {text}");
    text.replacen(
        line,
        &line.replacen(|letter: char| letter.is_alphabetic(), "?", 2),
        1,
    )
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// A store with a backup, and behind it changes that take trust away.
struct Changed {
    folder: Folder,
    backup: PathBuf,
    block: BlockSelector,
    removed: EntryKey,
    disabled: EntryKey,
    newest: u64,
}

fn changed(test: &str, settings: &DurableSettings) -> Changed {
    let folder = Folder::new(test);
    let mut store = DurableStore::create(folder.path(), settings.clone()).unwrap();
    store.change(fill).unwrap();
    for name in ["removed", "disabled"] {
        let done = store.change(|store| {
            store.install_pin(PinScope::Clients, pin(name), options().with_label(name))
        });
        let _ = done.unwrap();
    }
    let backup = backup(&folder, settings);
    let block = BlockSelector::certificate(&pin("gone"));
    let removed = key_of(store.contents(), "removed");
    let disabled = key_of(store.contents(), "disabled");
    assert!(store.block_selector(block.clone()).unsaved.is_none());
    store
        .change(|store| {
            store.add_server(server_id("late"), [host("late.example")])?;
            store.install_pin(server("late"), pin("late"), options())?;
            let _ = store.disable(&disabled, "ticket 12")?;
            store.remove(&removed)
        })
        .unwrap();
    let newest = store.contents().generation();
    Changed {
        folder,
        backup,
        block,
        removed,
        disabled,
        newest,
    }
}

impl Changed {
    /// Puts the store at the name of the previous file, with a line of its first change damaged, and noise in its place.
    fn damage_both(&self) {
        let path = self.folder.file(CURRENT);
        let previous = damaged(&text(&path), "+pin server keys-1 ");
        fs::write(self.folder.file(PREVIOUS), previous).unwrap();
        fs::write(path, vec![0; 4000]).unwrap();
    }

    fn is_kept(&self, view: &TrustSnapshot, report: &RecoveryReport) {
        assert!(view.blocks().any(|found| *found == self.block), "{report}");
        assert_eq!(
            report.blocks.items(),
            std::slice::from_ref(&self.block),
            "{report}"
        );
        let late = view.server(&server_id("late")).unwrap();
        assert_eq!(late.claim(), Claim::Claimed, "{report}");
        assert_eq!(report.claims.items(), [server_id("late")], "{report}");
        // The number of the lost version is not used again.
        assert_eq!(report.lost_generation, Some(self.newest), "{report}");
        assert!(view.generation() > self.newest, "{report}");
    }
}

#[test]
fn of_two_damaged_files_both_are_read_beside_a_backup() {
    let made = changed("salvaged-both", &settings());
    made.damage_both();
    let (folder, backup) = (made.folder.path(), &made.backup);
    let (store, report) = DurableStore::recover_from(folder, settings(), backup).unwrap();
    let view = store.contents();
    made.is_kept(view, &report);
    assert!(view.entry(&made.removed).is_none(), "{report}");
    assert_eq!(report.removed.items(), std::slice::from_ref(&made.removed));
    let disabled = view.entry(&made.disabled).unwrap();
    assert_eq!(disabled.disabled(), Some("ticket 12"));
    assert_eq!(
        report.disabled.items(),
        std::slice::from_ref(&made.disabled)
    );
    let is_late = |key: &EntryKey| key.scope == Scope::Server(server_id("late"));
    assert!(report.lost.items().iter().all(is_late), "{report}");
    assert_eq!(report.lost.len(), 1, "{report}");
    // The newest file shows nothing, so that every entry may have been removed since.
    assert_eq!(report.brought_back.len(), view.entries().len(), "{report}");
    assert!(report.changes_unknown);
    let said = report.to_string();
    for part in [
        "damaged as well: ",
        "trust-store.previous",
        "stays disabled: pin ",
        "a kept claim may have been released since",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    drop(store);
    let again = DurableStore::read(folder, &settings()).unwrap();
    assert_eq!(again.report.generation, report.generation);
}

#[test]
fn what_stands_behind_the_damage_of_the_previous_file_is_read_without_a_backup() {
    for is_missing in [false, true] {
        let made = changed("salvaged-previous", &settings());
        made.damage_both();
        if is_missing {
            fs::remove_file(made.folder.file(CURRENT)).unwrap();
        }
        let (store, report) = DurableStore::recover(made.folder.path(), settings()).unwrap();
        made.is_kept_of_all(store.contents(), &report);
        assert!(report.changes_unknown, "{report}");
    }
}

impl Changed {
    /// All of the store was behind the damage.
    fn is_kept_of_all(&self, view: &TrustSnapshot, report: &RecoveryReport) {
        assert!(view.blocks().any(|found| *found == self.block), "{report}");
        for id in ["late", "keys-1", "keys-2"] {
            let server = view.server(&server_id(id));
            assert!(
                server.is_some_and(|server| server.claim() != Claim::Unclaimed),
                "{id}: {report}"
            );
        }
        assert_eq!(report.lost_generation, Some(self.newest), "{report}");
        assert!(view.generation() > self.newest, "{report}");
        assert!(view.entries().is_empty());
        assert!(!report.lost.items().contains(&self.removed), "{report}");
        assert!(report.lost.items().contains(&self.disabled), "{report}");
    }
}

/// Anyone may have written a previous file without the seal.
#[test]
fn a_previous_file_without_the_seal_removes_nothing() {
    let own = settings().with_seal(Arc::new(Key));
    let made = changed("salvaged-sealed", &own);
    let path = made.folder.file(CURRENT);
    let previous = damaged(&text(&path), "+pin server keys-1 ");
    fs::write(made.folder.file(PREVIOUS), previous).unwrap();
    fs::write(path, vec![0; 4000]).unwrap();
    let (folder, backup) = (made.folder.path(), &made.backup);
    let (store, report) = DurableStore::recover_from(folder, own, backup).unwrap();
    let view = store.contents();
    assert!(view.blocks().any(|found| *found == made.block), "{report}");
    assert!(view.server(&server_id("late")).is_none());
    assert!(view.server_of(&host("late.example")).is_none());
    assert!(view.entry(&made.removed).is_some(), "{report}");
    assert!(report.brought_back.items().contains(&made.removed));
    // Disabled, it gives way to no other entry.
    let disabled = view.entry(&made.disabled).unwrap();
    assert!(disabled.disabled().is_some(), "{report}");
}

/// The previous file was replaced by the snapshot of the store: what was lifted between them does not come back.
#[test]
fn an_older_previous_file_is_not_read_beside_a_whole_snapshot_and_a_newer_one_is() {
    for is_newer in [false, true] {
        let folder = Folder::new("salvaged-older");
        let mut store = durable(folder.path());
        let block = BlockSelector::certificate(&pin("lifted"));
        let old = text_of(store.contents());
        assert!(store.block_selector(block.clone()).unsaved.is_none());
        let blocked = text_of(store.contents());
        let newest = store.contents().generation();
        let _ = store.change(|store| store.unblock(&block)).unwrap();
        let snapshot = if is_newer {
            old
        } else {
            text_of(store.contents())
        };
        drop(store);
        let path = folder.file(CURRENT);
        fs::write(&path, snapshot).unwrap();
        let _ = fs::remove_file(folder.file(PREVIOUS));
        // The snapshot gets a change, which is damaged.
        let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
        store
            .change(|store| store.add_server(server_id("last"), []))
            .unwrap();
        drop(store);
        fs::write(&path, damaged(&text(&path), "+server last ")).unwrap();
        fs::write(folder.file(PREVIOUS), damaged(&blocked, "  label rack")).unwrap();
        let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
        let view = store.contents();
        let has = view.blocks().any(|found| *found == block);
        assert_eq!(has, is_newer, "{report}");
        assert!(view.generation() > newest);
    }
}

/// A claim or block that was lifted stays, since to lift it gives trust. The report says so.
#[test]
fn a_release_and_an_unblock_that_a_damaged_file_shows_are_told() {
    let folder = Folder::new("salvaged-released");
    let mut store = durable(folder.path());
    let block = BlockSelector::certificate(&pin("lifted"));
    assert!(store.block_selector(block.clone()).unsaved.is_none());
    let file = backup(&folder, &settings());
    let between = BlockSelector::certificate(&pin("between"));
    store
        .change(|store| {
            store.add_server(server_id("between"), [])?;
            store.install_pin(server("between"), pin("between"), options())?;
            Ok(store.block_selector(between.clone()))
        })
        .unwrap();
    store
        .change(|store| {
            let _ = store.release(&server_id("between"))?;
            let _ = store.unblock(&between)?;
            let _ = store.release(&server_id("keys-1"))?;
            store.unblock(&block)
        })
        .unwrap();
    drop(store);
    let path = folder.file(CURRENT);
    fs::write(&path, damaged(&text(&path), "+pin server keys-1 ")).unwrap();
    let (store, report) = DurableStore::recover_from(folder.path(), settings(), &file).unwrap();
    let view = store.contents();
    for id in ["keys-1", "between"] {
        let id = server_id(id);
        assert_eq!(view.server(&id).unwrap().claim(), Claim::Claimed);
        assert!(report.lifted.items().contains(&Kept::Claim(id)), "{report}");
    }
    for block in [block, between] {
        assert!(view.blocks().any(|found| *found == block));
        let told = Kept::Block(block);
        assert!(report.lifted.items().contains(&told), "{report}");
    }
    assert_eq!(report.lifted.len(), 4, "{report}");
    let said = report.to_string();
    let wanted = "kept, although it was lifted since: lift it again if that is right: claim of server between";
    assert!(said.contains(wanted), "{said}");
}

/// A claim that was lifted and made again, and a block, are not lifted.
#[test]
fn what_was_lifted_and_made_again_is_not_told_as_lifted() {
    let folder = Folder::new("salvaged-again");
    let mut store = durable(folder.path());
    let file = backup(&folder, &settings());
    let block = BlockSelector::certificate(&pin("again"));
    for _ in 0..2 {
        assert!(store.block_selector(block.clone()).unsaved.is_none());
        store
            .change(|store| {
                let _ = store.install_pin(server("keys-3"), pin("three"), options())?;
                store.add_name(&server_id("keys-3"), host("again.example"))
            })
            .unwrap();
        store
            .change(|store| {
                let _ = store.unblock(&block)?;
                let _ = store.release_name(&host("again.example"))?;
                store.release(&server_id("keys-3"))
            })
            .unwrap();
    }
    assert!(store.block_selector(block.clone()).unsaved.is_none());
    store
        .change(|store| store.install_pin(server("keys-3"), pin("three"), options()))
        .unwrap();
    drop(store);
    let path = folder.file(CURRENT);
    fs::write(&path, damaged(&text(&path), "+pin server keys-1 ")).unwrap();
    let (_store, report) = DurableStore::recover_from(folder.path(), settings(), &file).unwrap();
    assert_eq!(report.claims.items(), [server_id("keys-3")], "{report}");
    assert!(report.lifted.is_empty(), "{report}");
}

#[test]
fn an_entry_stays_disabled_and_one_whose_line_is_damaged_is_told() {
    for damage in ["+pin server keys-1 ", "+  disabled ticket 12"] {
        let made = changed("salvaged-disabled", &settings());
        let path = made.folder.file(CURRENT);
        let first = damaged(&text(&path), "+pin server keys-1 ");
        let content = match first.contains(damage) {
            true => first.replacen(damage, "+  dis?bled ticket 12", 1),
            false => first,
        };
        fs::write(&path, content).unwrap();
        let (folder, backup) = (made.folder.path(), &made.backup);
        let (store, report) = DurableStore::recover_from(folder, settings(), backup).unwrap();
        let entry = store.contents().entry(&made.disabled).unwrap().clone();
        let keys = [made.disabled.clone()];
        if damage.contains("disabled") {
            assert_eq!(entry.disabled(), None);
            assert_eq!(report.in_doubt.items(), keys, "{report}");
            assert!(report.disabled.is_empty());
            let said = report.to_string();
            assert!(
                said.contains("an unreadable line may have disabled it: pin"),
                "{said}"
            );
        } else {
            assert_eq!(entry.disabled(), Some("ticket 12"), "{report}");
            assert_eq!(report.disabled.items(), keys, "{report}");
            assert!(report.in_doubt.is_empty(), "{report}");
        }
    }
}

/// An entry that was enabled after it was disabled is not disabled by an older line.
#[test]
fn an_entry_that_was_enabled_again_stays_enabled() {
    let made = changed("salvaged-enabled", &settings());
    let (mut store, _) = DurableStore::open(made.folder.path(), settings()).unwrap();
    let _ = store.change(|store| store.enable(&made.disabled)).unwrap();
    drop(store);
    let path = made.folder.file(CURRENT);
    fs::write(&path, damaged(&text(&path), "+pin server keys-1 ")).unwrap();
    let (folder, backup) = (made.folder.path(), &made.backup);
    let (store, report) = DurableStore::recover_from(folder, settings(), backup).unwrap();
    let entry = store.contents().entry(&made.disabled).unwrap();
    assert_eq!(entry.disabled(), None, "{report}");
    assert!(
        report.disabled.is_empty() && report.in_doubt.is_empty(),
        "{report}"
    );
}

/// The list of a damaged snapshot says nothing of a removal behind it that cannot be read.
#[test]
fn an_entry_whose_removal_may_stand_in_a_damaged_line_is_told() {
    for is_hidden in [true, false] {
        let made = changed("salvaged-hidden", &settings());
        let path = made.folder.file(CURRENT);
        let mut content = damaged(&text(&path), "+pin server keys-1 ");
        if is_hidden {
            for line in content
                .clone()
                .lines()
                .filter(|line| line.starts_with("-pin clients "))
            {
                content = damaged(&content, line);
            }
        }
        fs::write(&path, content).unwrap();
        let (folder, backup) = (made.folder.path(), &made.backup);
        let (store, report) = DurableStore::recover_from(folder, settings(), backup).unwrap();
        let held = store.contents().entry(&made.removed).is_some();
        assert_eq!(held, is_hidden, "{report}");
        assert_eq!(
            report.brought_back.items().contains(&made.removed),
            is_hidden,
            "{report}"
        );
    }
}

#[test]
fn a_planned_recovery_says_the_same_and_changes_no_file() {
    let made = changed("salvaged-plan", &settings());
    let (folder, backup) = (made.folder.path(), made.backup.as_path());
    let whole = DurableStore::plan_recovery(folder, &settings(), Some(backup));
    assert!(matches!(
        whole,
        Err(mutual_trust::error::DurableError::NotDamaged { .. })
    ));
    made.damage_both();
    fs::write(made.folder.file(".trust-store.left"), "left").unwrap();
    let before = files(folder);
    let alone = DurableStore::plan_recovery(folder, &settings(), None).unwrap();
    let planned = DurableStore::plan_recovery(folder, &settings(), Some(backup)).unwrap();
    assert_ne!(alone.from_generation, planned.from_generation);
    assert!(files(folder) == before);
    let (_store, report) = DurableStore::recover_from(folder, settings(), backup).unwrap();
    assert_eq!(planned.to_string(), report.to_string());
    assert_eq!(planned.generation, report.generation);
    // Also where there is no folder.
    let nowhere = folder.join("nowhere");
    let planned = DurableStore::plan_recovery(&nowhere, &settings(), Some(backup)).unwrap();
    assert_eq!(planned.generation, planned.from_generation + 1);
    assert!(!nowhere.exists());
}
