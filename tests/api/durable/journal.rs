//! The changes behind a snapshot: each is read whole or not at all, and only one that was never confirmed is left out.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use mutual_trust::admin::file::read;
use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::error::{DurableError, StoreError, StoreFileError};
use mutual_trust::limits::MAX_JOURNAL_AGE;
use mutual_trust::store::BlockSelector;
use mutual_trust::{CurrentTime, PinScope, TrustStore};
use sha2::{Digest, Sha256};

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

const CURRENT: &str = "trust-store";
const PREVIOUS: &str = "trust-store.previous";

fn sealed() -> DurableSettings {
    settings().with_seal(Arc::new(Key))
}

type Edit = fn(&mut TrustStore) -> Result<(), StoreError>;

/// Changes that take out, put in and replace each kind of record.
fn edits() -> Vec<Edit> {
    vec![
        |store| {
            fill(store)?;
            Ok(())
        },
        |store| {
            let key = store.contents().entries()[0].key();
            store.update(&key, options().with_label("other"))?;
            Ok(())
        },
        |store| {
            store.add_name(&server_id("keys-3"), host("three.example"))?;
            store.join_group(&"empty".parse().unwrap(), &server_id("keys-3"))?;
            Ok(())
        },
        |store| {
            let block = store.contents().blocks().next().unwrap().clone();
            store.unblock(&block)?;
            store.block(&pin("blocked later"));
            Ok(())
        },
        |store| {
            let _ = store.release_group(&"site-a".parse().unwrap())?;
            let _ = store.remove_group(&"site-a".parse().unwrap())?;
            let _ = store.remove_server(&server_id("keys-2"))?;
            Ok(())
        },
        |store| {
            let list = store.contents().crls().next().unwrap().crl().fingerprint();
            store.remove_crl(list)?;
            let issuer = store
                .contents()
                .revocation_checked_issuers()
                .last()
                .unwrap();
            store.disable_revocation_checks(&issuer)?;
            Ok(())
        },
        |store| {
            store.reset_floor(Some(at(NOW - DAY)));
            Ok(())
        },
        |store| {
            let keys: Vec<_> = store
                .contents()
                .entries()
                .iter()
                .map(|entry| entry.key())
                .collect();
            for key in keys {
                let _ = store.remove(&key)?;
            }
            Ok(())
        },
    ]
}

/// A store that made all of them: its facts after each, and how long its file was then.
fn made(folder: &Folder, with: &DurableSettings) -> Vec<(Vec<String>, usize)> {
    let mut store = DurableStore::create(folder.path(), with.clone()).unwrap();
    let length = || fs::read(folder.file(CURRENT)).unwrap().len();
    let mut states = vec![(facts(store.contents()), length())];
    for edit in edits() {
        store.set_actor(Some("alice")).unwrap();
        store.change(edit).unwrap();
        states.push((facts(store.contents()), length()));
    }
    states
}

#[test]
fn every_change_is_read_as_it_was_made_by_those_who_open_and_by_those_who_follow() {
    for (name, with) in [("plain", settings()), ("sealed", sealed())] {
        let folder = Folder::new(&format!("journal-{name}"));
        drop(DurableStore::create(folder.path(), with.clone()).unwrap());
        let (mut store, _) = DurableStore::open(folder.path(), with.clone()).unwrap();
        let (mut other, _) = DurableStore::open(folder.path(), with.clone()).unwrap();
        let live = other.live();
        for edit in edits() {
            store.change(edit).unwrap();
            assert!(other.refresh().unwrap());
            assert!(!other.refresh().unwrap(), "nothing new");
            assert_eq!(facts(&live.current()), facts(store.contents()));
            assert_eq!(other.digest(), store.digest());
            let (opened, report) = DurableStore::open(folder.path(), with.clone()).unwrap();
            assert_eq!(facts(opened.contents()), facts(store.contents()));
            assert_eq!((report.digest, report.cut), (store.digest(), 0));
            assert_eq!(report.entries, store.contents().entries().len());
        }
        let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
        assert!(text.starts_with("mutual-trust store 2.0\n"), "{text}");
        assert_eq!(folder.names(), ["trust-store", "trust-store.lock"]);
    }
}

#[test]
fn the_history_says_who_asked_for_what_and_each_generation_can_be_read() {
    let folder = Folder::new("journal-history");
    let states = made(&folder, &settings());
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    assert_eq!(history.changes.len(), edits().len());
    assert_eq!(history.previous, None);
    let mut last = history.since;
    for (change, (expected, _)) in history.changes.iter().zip(&states[1..]) {
        assert_eq!(change.head.from, last);
        last = change.head.to;
        assert_eq!(change.head.at, Some(at(NOW)));
        let found = DurableStore::read_at(folder.path(), &settings(), last).unwrap();
        assert_eq!(facts(found.store.contents()), *expected);
    }
    let asked = |at: usize| history.changes[at].head.asked.clone();
    let by = |who: &str| Some(who.to_owned());
    let (call, who) = &asked(1)[0];
    assert!(call.starts_with("update ") && *who == by("alice"), "{call}");
    let calls: Vec<String> = asked(4).into_iter().map(|(call, _)| call).collect();
    assert_eq!(
        calls[calls.len() - 2..],
        ["group remove site-a", "server remove keys-2"]
    );
    // Of many calls some are named, and the others are counted.
    assert_eq!(asked(0).len(), 16);
    assert!(history.changes[0].head.more > 10);
    let error = DurableStore::read_at(folder.path(), &settings(), last + 1).unwrap_err();
    assert!(
        matches!(error, DurableError::NoGeneration { .. }),
        "{error}"
    );
}

/// A write that was torn at any byte leaves the change out; the next change follows on what was confirmed.
/// The calls for a group act on its members. A group may have none, and its pins are removed all the same.
#[test]
fn the_history_names_who_released_a_group_without_members() {
    let folder = Folder::new("journal-group");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    let group: mutual_trust::GroupId = "empty".parse().unwrap();
    let fill = |store: &mut TrustStore| {
        store.add_group(group.clone())?;
        store.install_pin(PinScope::Group(group.clone()), pin("a"), options())
    };
    store.change(fill).unwrap();
    store.set_actor(Some("mallory")).unwrap();
    let until = at(NOW + 30 * DAY);
    let migrated = store.change(|store| store.migrate_group(&group, until));
    drop(migrated.unwrap());
    drop(store.change(|store| store.release_group(&group)).unwrap());
    assert!(store.contents().entries().is_empty());
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    let asked = |at: usize| history.changes[at].head.asked.clone();
    let by = |call: &str| vec![(call.to_owned(), Some("mallory".to_owned()))];
    let migrated = "group migrate empty until 2027-01-31T00:00:00Z";
    assert_eq!(asked(1), by(migrated));
    assert_eq!(asked(2), by("group release empty"));
}

#[test]
fn a_change_that_is_torn_at_any_byte_was_never_made() {
    for (name, with) in [("plain", settings()), ("sealed", sealed())] {
        let folder = Folder::new(&format!("journal-torn-{name}"));
        let mut store = DurableStore::create(folder.path(), with.clone()).unwrap();
        store
            .change(|store| store.add_server(server_id("a"), [host("a.example")]))
            .unwrap();
        let before = fs::read(folder.file(CURRENT)).unwrap();
        let old = facts(store.contents());
        store
            .change(|store| {
                let server = store.add_server(server_id("b"), [])?;
                store.install_pin(server_pin("b"), pin("b"), options().with_label("Größe"))?;
                Ok(server)
            })
            .unwrap();
        let new = facts(store.contents());
        drop(store);
        let after = fs::read(folder.file(CURRENT)).unwrap();
        for length in before.len()..=after.len() {
            for padding in [0, 8, 5000] {
                let mut torn = after[..length].to_vec();
                if length == after.len() && padding > 0 {
                    continue;
                }
                torn.resize(length + padding, 0);
                let loaded = read(&torn, keys(), with.seal().map(|seal| &**seal)).unwrap();
                let whole = length == after.len();
                assert_eq!(
                    facts(loaded.store.contents()),
                    if whole { new.clone() } else { old.clone() }
                );
                assert_eq!(
                    loaded.report.cut,
                    if whole { 0 } else { torn.len() - before.len() }
                );
                let told = loaded.report.to_string().contains("was left out");
                assert_eq!(told, loaded.report.cut > 0);
            }
            if length % 97 == 0 || length + 3 > after.len() {
                fs::write(folder.file(CURRENT), &after[..length]).unwrap();
                let (mut store, _) = DurableStore::open(folder.path(), with.clone()).unwrap();
                store
                    .change(|store| store.add_server(server_id("c"), []))
                    .unwrap();
                let expected = facts(store.contents());
                let (opened, report) = DurableStore::open(folder.path(), with.clone()).unwrap();
                assert_eq!((facts(opened.contents()), report.cut), (expected, 0));
            }
        }
    }
}

fn server_pin(id: &str) -> PinScope {
    PinScope::Server(server_id(id))
}

/// What a process has read whole was confirmed: if it is gone, that is no torn write.
#[test]
fn what_was_confirmed_and_is_missing_is_an_error_for_those_who_know_it() {
    let folder = Folder::new("journal-missing");
    let states = made(&folder, &settings());
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let live = store.live();
    let newest = store.contents().generation();
    let text = fs::read(folder.file(CURRENT)).unwrap();
    let (_, before) = &states[states.len() - 2];
    for length in [*before, before + 10, text.len() - 1] {
        fs::write(folder.file(CURRENT), &text[..length]).unwrap();
        for error in [
            store.refresh().map(drop),
            store
                .change(|store| store.add_server(server_id("x"), []))
                .map(drop),
        ] {
            assert!(
                matches!(error, Err(DurableError::Replaced { current, .. }) if current == newest),
                "{error:?}"
            );
        }
        assert_eq!(live.current().generation(), newest, "it stays in force");
        assert!(!store.health().is_good());
        let minimum = settings().with_minimum_generation(newest);
        let error = DurableStore::open(folder.path(), minimum).unwrap_err();
        assert!(matches!(error, DurableError::RolledBack { .. }), "{error}");
        assert_eq!(
            fs::read(folder.file(CURRENT)).unwrap(),
            &text[..length],
            "nothing is written"
        );
    }
    fs::write(folder.file(CURRENT), &text).unwrap();
    store.refresh().unwrap();
    assert!(store.health().is_good(), "{}", store.health());
}

/// Each byte of a file with a journal: what is changed is an error that names a line, or it was the end of an unconfirmed
/// change.
#[test]
fn any_changed_byte_of_a_change_is_refused() {
    for (name, with) in [("plain", settings()), ("sealed", sealed())] {
        let folder = Folder::new(&format!("journal-bytes-{name}"));
        let mut store = DurableStore::create(folder.path(), with.clone()).unwrap();
        for (id, gone) in [("a", "x"), ("b", "y")] {
            store
                .change(|store| {
                    store.block_selector(BlockSelector::Key(pin(gone).key_pin()));
                    store.add_server(server_id(id), [])
                })
                .unwrap();
        }
        drop(store);
        let text = fs::read(folder.file(CURRENT)).unwrap();
        let seal = with.seal().map(|seal| &**seal);
        for at in 0..text.len() {
            for bit in [0x01, 0x08, 0x40, 0x80] {
                let mut changed = text.clone();
                changed[at] ^= bit;
                let found = read(&changed, keys(), seal);
                assert!(
                    found.is_err(),
                    "byte {at}: {:?}",
                    found.map(|found| found.report)
                );
            }
        }
        // A line that is missing, doubled or moved.
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        let end = lines.len() - 1;
        for line in 0..lines.len() {
            let mut doubled = lines.clone();
            doubled.insert(line, lines[line]);
            assert!(
                read(&doubled.concat(), keys(), seal).is_err(),
                "line {line}"
            );
            let mut moved = lines.clone();
            moved.swap(line, (line + 1) % lines.len());
            if moved != lines {
                assert!(read(&moved.concat(), keys(), seal).is_err(), "line {line}");
            }
            let mut missing = lines.clone();
            missing.remove(line);
            let found = read(&missing.concat(), keys(), seal);
            // Without its last line, the last change was not stored to its end.
            let is_cut = found.as_ref().is_ok_and(|found| found.report.cut > 0);
            assert_eq!(is_cut, line >= end, "line {line}");
            assert!(found.is_err() || is_cut, "line {line}");
        }
    }
}

/// A change with something in each of its lines: the line that is damaged is the one that the error names, also where the
/// line has no checksum of its own.
#[test]
fn a_damaged_change_names_the_line_that_is_damaged() {
    for (name, with) in [("plain", settings()), ("sealed", sealed())] {
        let with = with.with_refusals_recorded();
        let folder = Folder::new(&format!("journal-lines-{name}"));
        let mut store = DurableStore::create(folder.path(), with.clone()).unwrap();
        store.set_actor(Some("alice")).unwrap();
        store.change(fill).unwrap();
        store.change(edits()[1]).unwrap();
        let refused = store.change(|store| store.remove_server(&server_id("x")).map(drop));
        refused.unwrap_err();
        store
            .change(|store| store.add_server(server_id("last"), []))
            .unwrap();
        let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
        let seal = with.seal().map(|seal| &**seal);
        let lines: Vec<&str> = text.lines().collect();
        let first = line_of(&text, "change ");
        assert!(lines.len() > first + 200);
        let mut named = 0;
        for number in first..=lines.len() {
            let line = lines[number - 1];
            if line.starts_with("seal ") {
                continue;
            }
            let last = line.chars().next_back().unwrap();
            let other = if last == 'A' { 'B' } else { 'A' };
            let [middle, end] = [line.len() / 2, line.len() - last.len_utf8()];
            let at_the_end = format!("{}{other}", &line[..end]);
            let within = format!("{}\u{1}{}", &line[..middle], &line[middle + 1..]);
            let longer = format!("{line}{other}");
            for damaged in [at_the_end, within, longer] {
                // A character of control is found first, and its line with it.
                let is_longer = damaged.len() > line.len();
                let mut all = lines.clone();
                all[number - 1] = &damaged;
                let changed = all.join("\n") + "\n";
                let found = read(changed.as_bytes(), keys(), seal);
                let error = found.map(|found| found.report).unwrap_err().to_string();
                // What is longer moves the end of the change.
                if !is_longer {
                    let name = format!("line {number}");
                    let is_named = error.starts_with(&format!("{name} "))
                        || error.starts_with(&format!("{name}:"));
                    assert!(is_named, "line {number} {line}: {error}");
                    named += 1;
                }
            }
        }
        assert!(named > 400, "{named}");
    }
}

/// A change that fits by its own digest, but that is not what follows.
#[test]
fn a_change_that_does_not_follow_is_refused_even_if_its_digests_fit() {
    let folder = Folder::new("journal-fitting");
    made(&folder, &settings());
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    let at = text.rfind("\nchange ").unwrap() + 1;
    let (before, last) = text.split_at(at);
    let edited = |from: &str, to: &str| {
        assert!(last.contains(from), "{from}: {last}");
        format!("{before}{}", sealed_change(&last.replacen(from, to, 1)))
    };
    let unedited = format!("{before}{}", sealed_change(last));
    assert_eq!(unedited, text);
    let first = last.lines().find(|line| line.starts_with("-pin ")).unwrap();
    let digest = last.lines().nth(1).unwrap();
    let before_digest = digest.to_owned();
    let digit = if digest.ends_with('0') { '1' } else { '0' };
    let other_digest = format!("{}{digit}", &digest[..digest.len() - 1]);
    let none = first
        .replace(':', "")
        .replace("-pin ", "-pin server nowhere ");
    for (from, to, said) in [
        (
            "  before sha256 ",
            "  before sha256 0",
            "a field of a change",
        ),
        ("  at 2027", "  at 2028", ""),
        ("  asked remove", "  asked\u{7f}remove", "not allowed"),
        ("  by alice", "  who alice", "a field of a change"),
        (&before_digest, &other_digest, "expected `before sha256"),
        (
            "  before sha256",
            "  more 0\n  before sha256",
            "in this place",
        ),
        (first, &none, "a record that the store holds"),
        ("-pin ", "+pin ", ""),
        ("-authority ", "-generation ", ""),
    ] {
        let text = edited(from, to);
        let found = load(&text);
        if from.starts_with("  at") {
            // The time is only told: nothing contradicts it but a seal.
            assert!(found.is_ok());
            continue;
        }
        let error = found.map(|found| found.report).unwrap_err().to_string();
        assert!(error.contains(said), "{from}: {error}");
    }
    // The same change twice, and one that is left out.
    let error = load(&format!("{text}{last}")).unwrap_err();
    assert!(
        error.to_string().contains("a change after generation"),
        "{error}"
    );
    let third = text.match_indices("\nchange ").nth(2).unwrap().0 + 1;
    let fourth = text.match_indices("\nchange ").nth(3).unwrap().0 + 1;
    let without = format!("{}{}", &text[..third], &text[fourth..]);
    assert!(load(&without).is_err());
}

/// Each record fits, and what they leave has no snapshot.
#[test]
fn a_change_that_leaves_a_pin_without_its_server_or_its_claim_is_refused() {
    let folder = Folder::new("journal-places");
    let mut store = durable(folder.path());
    let before = load(&fs::read_to_string(folder.file(CURRENT)).unwrap()).unwrap();
    let held = before.store.contents();
    assert!(held.server(&server_id("keys-1")).is_some());
    store
        .change(|store| store.add_name(&server_id("keys-1"), host("other.example")))
        .unwrap();
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    let at = text.rfind("\nchange ").unwrap() + 1;
    let (before, last) = text.split_at(at);
    assert!(last.contains("+server keys-1 claimed"), "{last}");
    let because = |to: &str| {
        let changed = last.replacen("+server keys-1 claimed", to, 1);
        let found = load(&format!("{before}{}", sealed_change(&changed)));
        match found.map(|found| found.report).unwrap_err() {
            StoreFileError::Contradiction { source, .. } => *source,
            other => panic!("{to}: {other}"),
        }
    };
    let error = because("+server keys-9 claimed");
    assert!(
        matches!(&error, StoreError::UnknownServer(id) if *id == server_id("keys-1")),
        "{error}"
    );
    let error = because("+server keys-1 unclaimed");
    assert!(
        matches!(&error, StoreError::NotClaimed { server, .. } if *server == server_id("keys-1")),
        "{error}"
    );
}

/// A change with the check, the length and the digest that fit what stands in it.
pub fn sealed_change(text: &str) -> String {
    let (first, rest) = text.split_once('\n').unwrap();
    let rest = &rest[..rest.rfind("done sha256 ").unwrap()];
    let head = first.rsplit_once(" bytes ").unwrap().0;
    let rest: String = rest
        .lines()
        .map(|line| {
            let (sign, inner) = line.split_at(1);
            let is_head = sign != " " && inner.contains(" #");
            let line = if is_head {
                format!("{sign}{}", checked(inner))
            } else {
                line.to_owned()
            };
            line + "\n"
        })
        .collect();
    let first = checked(&format!("{head} bytes {} #", rest.len()));
    let change = format!("{first}\n{rest}");
    let digest: String = Sha256::digest(change.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let sums = mutual_trust::admin::file::line_sums(&change);
    format!("{change}done sha256 {digest} lines {sums}\n")
}

#[test]
fn a_store_that_is_sealed_is_changed_only_by_who_can_seal() {
    let folder = Folder::new("journal-unsealed");
    drop(DurableStore::create(folder.path(), sealed()).unwrap());
    let before = fs::read(folder.file(CURRENT)).unwrap();
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let error = store.change(|store| store.add_server(server_id("a"), []));
    assert!(
        matches!(error, Err(DurableError::Unwritable(StoreFileError::Sealed))),
        "{error:?}"
    );
    let blocked = store.block(&pin("a"));
    assert!(blocked.unsaved.is_some());
    assert_eq!(
        store.live().current().blocks().count(),
        1,
        "it is in force all the same"
    );
    assert_eq!(fs::read(folder.file(CURRENT)).unwrap(), before);
    let (mut store, _) = DurableStore::open(folder.path(), sealed()).unwrap();
    store
        .change(|store| store.add_server(server_id("a"), []))
        .unwrap();
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    assert_eq!(text.matches("\nseal ").count(), 2, "{text}");
}

/// A store of version 1.0 is opened as it is. The first change makes it one of version 2, which a program of version 1.0
/// refuses by its first line.
#[test]
fn the_first_change_of_a_store_of_version_1_begins_a_journal() {
    let folder = Folder::new("journal-first");
    drop(durable(folder.path()));
    apart(folder.path());
    let old = fs::read_to_string(folder.file(CURRENT)).unwrap();
    assert!(old.starts_with("mutual-trust store 1.0\n"));
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    assert_eq!(
        fs::read_to_string(folder.file(CURRENT)).unwrap(),
        old,
        "opening writes nothing"
    );
    let before = facts(store.contents());
    let generation = store.contents().generation();
    store
        .change(|store| store.add_server(server_id("new"), []))
        .unwrap();
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    assert!(text.starts_with("mutual-trust store 2.0\n"));
    assert_eq!(text.matches("\nchange ").count(), 1);
    assert_eq!(fs::read_to_string(folder.file(PREVIOUS)).unwrap(), old);
    let kept = DurableStore::read_at(folder.path(), &settings(), generation).unwrap();
    assert_eq!(facts(kept.store.contents()), before);
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    assert_eq!((history.changes.len(), history.previous), (1, None));
    store
        .change(|store| store.add_server(server_id("newer"), []))
        .unwrap();
    let more = fs::read_to_string(folder.file(CURRENT)).unwrap();
    assert!(more.starts_with(&text), "the second one is added");
}

/// The journal is as long as its bound says; then a snapshot is written, and the history goes on.
#[test]
fn a_new_snapshot_is_written_at_a_bound_and_loses_nothing() {
    let folder = Folder::new("journal-bound");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    let (mut other, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let (mut slow, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let mut snapshots = BTreeSet::new();
    let mut longest = 0;
    let mut changes = 0_u32;
    while snapshots.len() < 3 {
        changes += 1;
        assert!(changes < 3_000);
        let label = format!("{changes:0>120}");
        store
            .change(|store| {
                let id = format!("keys-{}", changes % 40);
                if store.contents().server(&server_id(&id)).is_none() {
                    store.add_server(server_id(&id), [])?;
                }
                let names = (0..8).map(|name| host(&format!("n{name}-{label}.example")[..60]));
                store.set_reference_names(&server_id(&id), names)
            })
            .unwrap();
        let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
        let at = text.find("\nchange ").unwrap();
        longest = longest.max(text.len() - at);
        if snapshots.insert(text[..at].to_owned()) || changes.is_multiple_of(100) {
            assert!(other.refresh().unwrap());
            assert_eq!(facts(other.contents()), facts(store.contents()));
            assert_eq!(other.digest(), store.digest());
        }
    }
    assert!(longest <= 256 * 1024, "{longest}");
    assert!(longest > 200 * 1024, "{longest}");
    // One that has missed two snapshots reads the newest.
    slow.refresh().unwrap();
    assert_eq!(facts(slow.contents()), facts(store.contents()));
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    assert_eq!(history.previous, None);
    assert!(history.changes.len() > 100);
    let last = history.changes.last().unwrap();
    assert_eq!(last.head.to, store.contents().generation());
    assert!(
        history
            .changes
            .windows(2)
            .all(|pair| pair[0].head.to == pair[1].head.from)
    );
    assert_eq!(
        folder.names(),
        ["trust-store", "trust-store.lock", "trust-store.previous"]
    );
}

/// A journal that is short begins anew after a year, and what it displaces was older.
#[test]
fn a_new_snapshot_is_written_when_the_oldest_change_is_a_year_old() {
    let folder = Folder::new("journal-age");
    let on = |days: u64| {
        let clock = CurrentTime::Known(at(NOW + days * DAY));
        settings().with_clock(Arc::new(clock))
    };
    let age = MAX_JOURNAL_AGE.as_secs() / DAY;
    let mut names = 0_u32;
    let mut change = |days: u64| {
        names += 1;
        let (mut store, _) = DurableStore::open(folder.path(), on(days)).unwrap();
        let id = server_id(&format!("keys-{names}"));
        store.change(|store| store.add_server(id, [])).unwrap();
        let history = DurableStore::history(folder.path(), &on(days)).unwrap();
        assert_eq!(history.previous, None);
        let snapshots = folder.names().contains(&PREVIOUS.to_owned());
        (history.changes.len(), snapshots)
    };
    drop(DurableStore::create(folder.path(), on(0)).unwrap());
    // A change each quarter keeps the floor near the clock.
    assert_eq!(change(0), (1, false));
    for (quarter, count) in (1..=4).zip(2..) {
        assert_eq!(change(quarter * 90), (count, false));
    }
    assert_eq!(change(age - 1), (6, false), "a day too early");
    assert_eq!(change(age), (7, true), "the year before is kept");
    for (quarter, count) in (1..=4).zip(8..) {
        assert_eq!(change(age + quarter * 90), (count, true));
    }
    // The first year goes when the second one ends.
    assert_eq!(change(2 * age), (6, true));
    let history = DurableStore::history(folder.path(), &on(2 * age)).unwrap();
    let oldest = history.changes[0].head.at.unwrap();
    assert_eq!(oldest, at(NOW + age * DAY));
    // A clock far ahead of the floor may be wrong: it displaces nothing.
    assert_eq!(change(5 * age), (7, true));
    // One process that has it open all the time does the same.
    let folder = Folder::new("journal-age-open");
    let mut store = DurableStore::create(folder.path(), on(0)).unwrap();
    for id in ["a", "b"] {
        store
            .change(|store| store.add_server(server_id(id), []))
            .unwrap();
    }
    drop(store);
    let (mut store, _) = DurableStore::open(folder.path(), on(age)).unwrap();
    store
        .change(|store| store.add_server(server_id("c"), []))
        .unwrap();
    assert!(folder.names().contains(&PREVIOUS.to_owned()));
    let length = fs::read(folder.file(CURRENT)).unwrap().len();
    store
        .change(|store| store.add_server(server_id("d"), []))
        .unwrap();
    assert!(fs::read(folder.file(CURRENT)).unwrap().len() > length);
}

/// Of a damaged journal all before the damage is kept, and what behind it takes trust away.
#[test]
fn a_recovery_keeps_all_changes_before_the_damage_and_the_blocks_behind_it() {
    let folder = Folder::new("journal-recovery");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    store.change(fill).unwrap();
    store
        .change(|store| store.add_server(server_id("before"), []))
        .unwrap();
    let kept = store.contents().generation();
    store
        .change(|store| store.add_server(server_id("damaged"), []))
        .unwrap();
    let gone = pin("gone");
    store
        .change(|store| {
            store.block(&gone);
            let entries = store.contents().entries();
            let clients = entries.iter().find(|entry| entry.certificate().is_none());
            let clients = clients.unwrap().key();
            let _ = store.remove(&clients)?;
            let installed = store.install_pin(server_pin("keys-3"), pin("lost"), options())?;
            Ok(installed)
        })
        .unwrap();
    let newest = store.contents().generation();
    drop(store);
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    fs::write(
        folder.file(CURRENT),
        text.replacen("+server damaged", "+server demaged", 1),
    )
    .unwrap();
    assert!(DurableStore::open(folder.path(), settings()).is_err());
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    let view = store.contents();
    assert_eq!(
        (report.from_generation, report.lost_generation),
        (kept, Some(newest))
    );
    assert!(view.server(&server_id("before")).is_some());
    assert!(view.server(&server_id("damaged")).is_none());
    let block = BlockSelector::certificate(&gone);
    assert_eq!(report.blocks.items(), [block]);
    assert_eq!(
        (report.removed.len(), report.lost.len()),
        (1, 1),
        "{report}"
    );
    assert!(
        report.claims.items().contains(&server_id("keys-3")),
        "{report}"
    );
    assert!(
        view.entries()
            .iter()
            .all(|entry| entry.certificate().is_some())
    );
    assert!(view.generation() > newest);
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    let last = history.changes.last().unwrap();
    assert_eq!(last.head.asked, [("recover".to_owned(), None)]);
}

/// The snapshot is damaged, the changes behind it are not: with the file before, nothing is lost.
#[test]
fn a_damaged_snapshot_is_made_again_from_the_file_before() {
    let folder = Folder::new("journal-snapshot");
    drop(durable(folder.path()));
    apart(folder.path());
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    store
        .change(|store| store.add_server(server_id("first"), []))
        .unwrap();
    let gone = pin("gone");
    store.change(|store| Ok(store.block(&gone))).unwrap();
    let expected = store.contents().generation();
    let entries = store.contents().entries().len();
    drop(store);
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    fs::write(
        folder.file(CURRENT),
        text.replacen("server keys-1", "server kays-1", 1),
    )
    .unwrap();
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    assert_eq!(report.from_generation, expected, "{report}");
    assert!(
        report.lost.is_empty() && report.brought_back.is_empty(),
        "{report}"
    );
    let view = store.contents();
    assert!(
        view.server(&server_id("first")).is_some() && view.server(&server_id("keys-1")).is_some()
    );
    assert_eq!(view.entries().len(), entries);
    assert!(
        view.blocks()
            .any(|block| *block == BlockSelector::certificate(&gone))
    );
}
