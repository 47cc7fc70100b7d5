//! A recovery keeps what is listed, names what it cannot know, and does not widen trust without saying so.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use mutual_trust::admin::{DurableSettings, DurableStore, RecoveryReport};
use mutual_trust::error::{DurableError, StoreFileError};
use mutual_trust::store::{BlockSelector, EntryKey, ValidityRule};
use mutual_trust::{AuthorityScope, PinMatch, PinScope, TrustSnapshot};

use crate::durable::common::*;
use crate::support::folder::Folder;
use crate::support::*;

const CURRENT: &str = "trust-store";
const PREVIOUS: &str = "trust-store.previous";
const DAMAGED: &str = "trust-store.damaged";

fn keys_of(view: &TrustSnapshot) -> Vec<EntryKey> {
    view.entries().iter().map(|entry| entry.key()).collect()
}

/// Whether a report has the entry in it.
fn names(report: &RecoveryReport, key: &EntryKey) -> bool {
    report.to_string().contains(&key.to_string())
}

fn at_of(content: &[u8], text: &str) -> usize {
    let found = content
        .windows(text.len())
        .position(|part| part == text.as_bytes());
    found.unwrap_or_else(|| panic!("no {text:?}"))
}

fn last_at_of(content: &[u8], text: &str) -> usize {
    let found = content
        .windows(text.len())
        .rposition(|part| part == text.as_bytes());
    found.unwrap_or_else(|| panic!("no {text:?}"))
}

fn pin_labelled(store: &mut DurableStore, name: &str) {
    let done = store.change(|store| {
        store.install_pin(PinScope::Clients, pin(name), options().with_label(name))
    });
    let _ = done.unwrap();
}

/// A snapshot with two pins, a change behind it that adds a third, and the previous file of before.
fn with_snapshot(test: &str) -> (Folder, PathBuf) {
    let folder = Folder::new(test);
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    pin_labelled(&mut store, "a");
    pin_labelled(&mut store, "b");
    let snapshot = text_of(store.contents());
    drop(store);
    let path = folder.file(CURRENT);
    fs::write(&path, &snapshot).unwrap();
    let backup = folder.file("backup");
    fs::write(&backup, &snapshot).unwrap();
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    pin_labelled(&mut store, "c");
    drop(store);
    assert!(folder.file(PREVIOUS).exists());
    (folder, backup)
}

#[test]
fn a_damaged_digest_line_removes_no_listed_entry() {
    for damage in ["zeros", "bit", "cut", "cut below"] {
        for with_backup in [false, true] {
            let (folder, backup) = with_snapshot("damaged-digest");
            let path = folder.file(CURRENT);
            let mut content = fs::read(&path).unwrap();
            let at = at_of(&content, "digest sha256 ");
            match damage {
                "zeros" => content[at..at + 99].fill(0),
                "bit" => content[at] ^= 1,
                "cut" => content.truncate(at),
                _ => content.truncate(at + 30),
            }
            fs::write(&path, content).unwrap();
            let recovered = if with_backup {
                fs::remove_file(folder.file(PREVIOUS)).unwrap();
                DurableStore::recover_from(folder.path(), settings(), &backup)
            } else {
                DurableStore::recover(folder.path(), settings())
            };
            let (store, report) = recovered.unwrap();
            let view = store.contents();
            assert!(report.removed.is_empty(), "{damage}: {report}");
            for label in ["a", "b"] {
                let key = key_of(view, label);
                let is_told = report.brought_back.items().contains(&key);
                // A damaged digest hides no change if the next one begins where the snapshot ends.
                assert!(is_told || damage == "bit", "{damage}: {report}");
            }
        }
    }
}

/// The pin and the authority are narrowed by the last change.
fn narrowed(test: &str, settings: &DurableSettings) -> (Folder, PathBuf) {
    let folder = Folder::new(test);
    let mut store = DurableStore::create(folder.path(), settings.clone()).unwrap();
    let wide = options()
        .with_label("wide")
        .with_matching(PinMatch::PublicKey)
        .with_validity(ValidityRule::Grace(std::time::Duration::from_secs(86_400)))
        .with_any_role();
    let done = store.change(|store| {
        let _ = store.install_pin(PinScope::Clients, pin("p"), wide)?;
        let root = ca("Client root");
        let of_root = options().with_label("root");
        store.install_authority(AuthorityScope::Clients, root.certificate(), of_root)
    });
    let _ = done.unwrap();
    let backup = folder.file("backup");
    let _ = DurableStore::backup(folder.path(), settings, &backup).unwrap();
    let (pin, root) = (
        key_of(store.contents(), "wide"),
        key_of(store.contents(), "root"),
    );
    let done = store.change(|store| {
        let patterns = ["dns:*.arrays.example".parse().unwrap()];
        let of_root = options().with_label("root").with_san_patterns(patterns);
        let _ = store.update(&root, of_root)?;
        let strict = options()
            .with_label("wide")
            .with_validity(ValidityRule::Enforce)
            .with_end(at(NOW + 10 * DAY));
        store.update(&pin, strict)
    });
    let _ = done.unwrap();
    (folder, backup)
}

fn is_narrow_or_named(view: &TrustSnapshot, report: &RecoveryReport) {
    let (pin, root) = (key_of(view, "wide"), key_of(view, "root"));
    let of_root = view.entry(&root).unwrap().options().clone();
    assert!(
        of_root.san_patterns().len() == 1 || names(report, &root),
        "{report}"
    );
    let of_pin = view.entry(&pin).unwrap().options().clone();
    let is_narrow = of_pin.matching() == PinMatch::Certificate
        && of_pin.validity() == Some(ValidityRule::Enforce)
        && !of_pin.is_any_role()
        && of_pin.end().is_some();
    assert!(is_narrow || names(report, &pin), "{report}");
}

#[test]
fn narrowed_options_stay_or_are_told_where_a_certificate_below_them_is_damaged() {
    for is_sealed in [false, true] {
        let settings = match is_sealed {
            true => settings().with_seal(Arc::new(Key)),
            false => settings(),
        };
        for with_backup in [false, true] {
            let (folder, backup) = narrowed("damaged-narrowed", &settings);
            let path = folder.file(CURRENT);
            let mut content = fs::read(&path).unwrap();
            // With a backup, also the store's first change is damaged.
            let first = at_of(&content, "+-----BEGIN CERTIFICATE-----");
            let last = last_at_of(&content, "+-----BEGIN CERTIFICATE-----");
            for at in [last, first].iter().take(1 + usize::from(with_backup)) {
                let letter = &mut content[at + 40];
                *letter = if *letter == b'B' { b'C' } else { b'B' };
            }
            fs::write(&path, content).unwrap();
            let settings = settings.clone();
            let recovered = match with_backup {
                true => DurableStore::recover_from(folder.path(), settings, &backup),
                false => DurableStore::recover(folder.path(), settings),
            };
            let (store, report) = recovered.unwrap();
            let view = store.contents();
            is_narrow_or_named(view, &report);
            if !is_sealed {
                // The sums of the change show which line is damaged, so that its other lines are certain.
                let root = view.entry(&key_of(view, "root")).unwrap();
                assert_eq!(root.options().san_patterns().len(), 1, "{report}");
                assert_eq!(report.damaged_lines.len(), 1 + usize::from(with_backup));
                assert!(report.brought_back.is_empty(), "{report}");
            }
        }
    }
}

#[test]
fn a_disable_whose_line_is_damaged_is_kept_or_told_whatever_the_damage_is() {
    let folder = Folder::new("damaged-disable");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    pin_labelled(&mut store, "a");
    let key = key_of(store.contents(), "a");
    let backup = folder.file("backup");
    let _ = DurableStore::backup(folder.path(), &settings(), &backup).unwrap();
    let _ = store
        .change(|store| store.disable(&key, "ticket 17"))
        .unwrap();
    drop(store);
    let path = folder.file(CURRENT);
    let whole = fs::read(&path).unwrap();
    let at = last_at_of(&whole, "+  disabled ticket 17");
    let end = at + "+  disabled ticket 17\n".len();
    // The line end before the line as well.
    for at in at - 1..end {
        for flip in [0x01, 0x02, 0x04, 0x10, 0x20, 0x40, 0x80] {
            let mut content = whole.clone();
            content[at] ^= flip;
            fs::write(&path, content).unwrap();
            let recovered = DurableStore::recover_from(folder.path(), settings(), &backup);
            let (store, report) = recovered.unwrap();
            let entry = store.contents().entry(&key).unwrap().clone();
            let is_disabled = entry.disabled().is_some();
            assert!(
                is_disabled || names(&report, &key),
                "{at} {flip:#x}: {report}"
            );
            fs::remove_file(folder.file(DAMAGED)).unwrap();
        }
    }
}

#[test]
fn a_first_line_without_proof_does_not_raise_the_generation_without_bound() {
    for is_sealed in [false, true] {
        for number in [(1 << 62) - 1, (1 << 62) - 2, (1 << 62) - 4] {
            let own = match is_sealed {
                true => settings().with_seal(Arc::new(Key)),
                false => settings(),
            };
            let folder = Folder::new("damaged-generation");
            let mut store = DurableStore::create(folder.path(), own.clone()).unwrap();
            pin_labelled(&mut store, "a");
            drop(store);
            let path = folder.file(CURRENT);
            let mut content = fs::read_to_string(&path).unwrap();
            let line: u64 = number;
            content.push_str(&checked(&format!("change {line} after 2 bytes 10")));
            content.push_str("\nnothing of a change\ndone sha256 \n");
            fs::write(&path, content).unwrap();
            let (mut store, report) = DurableStore::recover(folder.path(), own.clone()).unwrap();
            assert!(store.contents().generation() < 1 << 32, "{report}");
            for name in ["one", "two", "three"] {
                let selector = BlockSelector::certificate(&pin(name));
                assert!(store.block_selector(selector).unsaved.is_none());
            }
            drop(store);
            let (store, _) = DurableStore::open(folder.path(), own).unwrap();
            assert_eq!(store.contents().blocks().count(), 3);
        }
    }
}

/// The last number that can be read: a change would have one that cannot.
#[test]
fn a_change_whose_generation_cannot_be_read_again_is_refused() {
    let folder = Folder::new("damaged-last");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    pin_labelled(&mut store, "a");
    let last = (1_u64 << 62) - 1;
    let text = text_of(store.contents());
    let text = fitting(&text.replacen("generation 2 ", &format!("generation {last} "), 1));
    drop(store);
    fs::write(folder.file(CURRENT), text).unwrap();
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let refused = store.change(|store| store.add_server(server_id("late"), []));
    let is_refused = |error: &DurableError| {
        matches!(
            error,
            DurableError::Unwritable(StoreFileError::NoGenerationLeft { .. })
        )
    };
    assert!(refused.is_err_and(|error| is_refused(&error)));
    let blocked = store.block_selector(BlockSelector::certificate(&pin("b")));
    assert!(blocked.unsaved.is_some_and(|error| is_refused(&error)));
    drop(store);
    let (store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    assert_eq!(store.contents().generation(), last);
}

#[test]
fn a_second_recovery_keeps_the_damaged_file_of_the_first() {
    let folder = Folder::new("damaged-twice");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    pin_labelled(&mut store, "a");
    drop(store);
    let path = folder.file(CURRENT);
    let mut found = Vec::new();
    for round in 0..3 {
        let mut content = fs::read(&path).unwrap();
        content.extend_from_slice(format!("damage {round}\n").as_bytes());
        fs::write(&path, &content).unwrap();
        let _ = DurableStore::recover(folder.path(), settings()).unwrap();
        found.push(content);
    }
    let kept = [DAMAGED, "trust-store.damaged-2", "trust-store.damaged-3"];
    for (name, content) in kept.iter().zip(found) {
        assert!(fs::read(folder.file(name)).unwrap() == content, "{name}");
    }
}

#[test]
fn a_pin_of_a_line_without_the_seal_is_not_recommended() {
    let own = settings().with_seal(Arc::new(Key));
    let folder = Folder::new("damaged-forged");
    let mut store = DurableStore::create(folder.path(), own.clone()).unwrap();
    pin_labelled(&mut store, "a");
    let block = BlockSelector::certificate(&pin("blocked"));
    assert!(store.block_selector(block.clone()).unsaved.is_none());
    drop(store);
    // Someone without the key of the seal writes behind the store.
    let forger = Folder::new("damaged-forger");
    let mut forged = DurableStore::create(forger.path(), settings()).unwrap();
    pin_labelled(&mut forged, "evil");
    let evil = key_of(forged.contents(), "evil");
    assert!(forged.block_selector(block.clone()).unsaved.is_none());
    let _ = forged.change(|store| store.unblock(&block)).unwrap();
    drop(forged);
    let forged = fs::read_to_string(forger.file(CURRENT)).unwrap();
    let changes = &forged[forged.find("change ").unwrap()..];
    let path = folder.file(CURRENT);
    let mut content = fs::read_to_string(&path).unwrap();
    content.push_str(changes);
    fs::write(&path, content).unwrap();
    let (store, report) = DurableStore::recover(folder.path(), own).unwrap();
    assert!(store.contents().entry(&evil).is_none());
    assert!(report.lost.is_empty(), "{report}");
    assert!(report.lifted.is_empty(), "{report}");
    let said = report.to_string();
    assert!(!said.contains("install it again: pin"), "{said}");
    assert!(names(&report, &evil), "{said}");
}

#[test]
fn an_update_whose_new_line_is_damaged_is_no_removal() {
    for damage in ["+pin ", "-pin "] {
        let folder = Folder::new("damaged-update");
        let mut store = DurableStore::create(folder.path(), settings()).unwrap();
        pin_labelled(&mut store, "a");
        pin_labelled(&mut store, "b");
        let (a, b) = (key_of(store.contents(), "a"), key_of(store.contents(), "b"));
        let done = store.change(|store| store.update(&a, options().with_end(at(NOW + DAY))));
        let _ = done.unwrap();
        let _ = store.change(|store| store.remove(&b)).unwrap();
        drop(store);
        let path = folder.file(CURRENT);
        let mut content = fs::read(&path).unwrap();
        let at = match damage {
            "+pin " => last_at_of(&content, damage),
            _ => at_of(&content, damage),
        };
        content[at + 1] ^= 1;
        fs::write(&path, content).unwrap();
        let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
        let view = store.contents();
        assert!(view.entry(&a).is_some(), "{report}");
        assert!(names(&report, &a), "{report}");
        assert!(!report.removed.items().contains(&a), "{report}");
        // Of the other one, the change says that it was removed.
        assert!(view.entry(&b).is_none(), "{report}");
        assert_eq!(report.removed.items(), [b], "{report}");
    }
}

#[test]
fn a_removal_is_certain_if_the_call_of_a_damaged_change_says_so() {
    let folder = Folder::new("damaged-removal");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    pin_labelled(&mut store, "a");
    pin_labelled(&mut store, "b");
    let (a, b) = (key_of(store.contents(), "a"), key_of(store.contents(), "b"));
    let done = store.change(|store| {
        let _ = store.remove(&a)?;
        store.update(&b, options().with_end(at(NOW + DAY)))
    });
    let _ = done.unwrap();
    drop(store);
    let path = folder.file(CURRENT);
    let mut content = fs::read(&path).unwrap();
    let at = last_at_of(&content, "+pin ");
    content[at + 1] ^= 1;
    fs::write(&path, content).unwrap();
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    assert!(store.contents().entry(&a).is_none(), "{report}");
    assert!(store.contents().entry(&b).is_some(), "{report}");
}

/// A server that is expected to show other names than its own.
#[test]
fn the_fields_of_a_server_that_differ_are_told() {
    let folder = Folder::new("damaged-server");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    let done = store.change(|store| store.add_server(server_id("keys-1"), [host("kms.example")]));
    let _ = done.unwrap();
    let backup = folder.file("backup");
    let _ = DurableStore::backup(folder.path(), &settings(), &backup).unwrap();
    let done = store
        .change(|store| store.set_reference_names(&server_id("keys-1"), [host("strict.example")]));
    let _ = done.unwrap();
    pin_labelled(&mut store, "a");
    drop(store);
    let path = folder.file(CURRENT);
    let mut content = fs::read(&path).unwrap();
    let at = at_of(&content, "+server keys-1 ");
    content[at + 1] ^= 1;
    fs::write(&path, content).unwrap();
    let (store, report) = DurableStore::recover_from(folder.path(), settings(), &backup).unwrap();
    let server = store.contents().server(&server_id("keys-1")).unwrap();
    let is_kept = server.expected_names().count() == 1;
    let is_told = report
        .to_string()
        .contains("may have others, server: keys-1");
    assert!(is_kept || is_told, "{report}");
}

/// A store in which each kind of loss is possible, small enough to damage it at many places.
fn varied(folder: &Folder) -> TrustSnapshot {
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    for name in ["a", "b", "c"] {
        pin_labelled(&mut store, name);
    }
    let snapshot = text_of(store.contents());
    drop(store);
    fs::write(folder.file(CURRENT), snapshot).unwrap();
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let view = store.contents().clone();
    let [a, b, c] = ["a", "b", "c"].map(|label| key_of(&view, label));
    let _ = store.change(|store| store.disable(&a, "ticket")).unwrap();
    let strict = options().with_label("b").with_end(at(NOW + DAY));
    let _ = store.change(|store| store.update(&b, strict)).unwrap();
    let _ = store.change(|store| store.remove(&c)).unwrap();
    pin_labelled(&mut store, "d");
    store.contents().clone()
}

#[test]
fn after_any_damage_each_entry_is_there_or_named_and_no_option_is_wider_in_silence() {
    let folder = Folder::new("damaged-any");
    let newest = varied(&folder);
    let path = folder.file(CURRENT);
    let (whole, previous) = (
        fs::read(&path).unwrap(),
        fs::read(folder.file(PREVIOUS)).unwrap(),
    );
    let damages: [fn(&mut Vec<u8>, usize); 6] = [
        |content, at| content[at] ^= 0x01,
        |content, at| content[at] ^= 0x20,
        |content, at| content[at] ^= 0x80,
        |content, at| {
            let end = content.len().min(at + 99);
            content[at..end].fill(0);
        },
        |content, at| {
            let end = content.len().min(at + 150);
            content.drain(at..end);
        },
        |content, at| content[at] = if content[at] == b'\n' { b'J' } else { b'\n' },
    ];
    let stride = 61;
    let mut line_ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
    line_ends.retain(|at| {
        whole[at + 1..]
            .first()
            .is_some_and(|next| !next.is_ascii_alphabetic())
    });
    for (kind, damage) in damages.iter().enumerate() {
        let places = (kind..whole.len()).step_by(stride);
        for at in places.chain(line_ends.iter().copied()) {
            let mut content = whole.clone();
            damage(&mut content, at);
            fs::write(&path, &content).unwrap();
            fs::write(folder.file(PREVIOUS), &previous).unwrap();
            let Ok((store, report)) = DurableStore::recover(folder.path(), settings()) else {
                // What is left is whole: the file ends earlier.
                assert!(DurableStore::read(folder.path(), &settings()).is_ok());
                continue;
            };
            check(&newest, store.contents(), &report, (kind, at));
            drop(store);
            fs::remove_file(folder.file(DAMAGED)).unwrap();
        }
    }
}

fn check(
    newest: &TrustSnapshot,
    view: &TrustSnapshot,
    report: &RecoveryReport,
    at: (usize, usize),
) {
    let tells_of_damage = !report.damaged_lines.is_empty() || report.changes_unknown;
    for entry in newest.entries() {
        let key = entry.key();
        assert!(!report.removed.items().contains(&key), "{at:?}: {report}");
        let Some(found) = view.entry(&key) else {
            assert!(names(report, &key) || tells_of_damage, "{at:?}: {report}");
            continue;
        };
        let is_kept = found.disabled().is_some() == entry.disabled().is_some()
            && found.options().end() == entry.options().end();
        assert!(is_kept || names(report, &key), "{at:?} {key}: {report}");
    }
    for key in keys_of(view) {
        let is_listed = newest.entry(&key).is_some();
        assert!(is_listed || names(report, &key), "{at:?} {key}: {report}");
    }
    assert!(
        names_all(newest, view, report) || tells_of_damage,
        "{at:?}: {report}"
    );
}

fn names_all(newest: &TrustSnapshot, view: &TrustSnapshot, report: &RecoveryReport) -> bool {
    let entries = newest.entries();
    let mut lost = entries
        .iter()
        .filter(|entry| view.entry(&entry.key()).is_none());
    lost.all(|entry| names(report, &entry.key()))
}
