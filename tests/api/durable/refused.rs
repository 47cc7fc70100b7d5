//! Refused changes in the journal: they are recorded if the program asks for it, change nothing, and are bounded.

use std::fs;
use std::sync::Arc;

use mutual_trust::admin::file::read;
use mutual_trust::admin::{DurableSettings, DurableStore, History, LockoutAllowance, PeerHistory};
use mutual_trust::error::{DurableError, GuardedError, PlanError};
use mutual_trust::limits::{MAX_ASKED, MAX_REFUSALS, MAX_REFUSED_BYTES, REFUSAL_WINDOW};
use mutual_trust::{CurrentTime, Policy};

use crate::durable::common::*;
use crate::support::clock::Moved;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

const CURRENT: &str = "trust-store";

fn recording() -> DurableSettings {
    settings().with_refusals_recorded()
}

fn history(folder: &Folder) -> History {
    DurableStore::history(folder.path(), &settings()).unwrap()
}

/// A change that the store refuses: there is no such server.
fn refused(store: &mut DurableStore, id: &str) {
    let error = store.change(|store| store.remove_server(&server_id(id)).map(drop));
    assert!(matches!(error, Err(DurableError::Store(_))), "{error:?}");
}

#[test]
fn a_refused_change_is_recorded_with_who_asked_when_and_why_and_changes_nothing() {
    let sealed = recording().with_seal(Arc::new(Key));
    for (name, with) in [("plain", recording()), ("sealed", sealed)] {
        let folder = Folder::new(&format!("refused-{name}"));
        let mut store = DurableStore::create(folder.path(), with.clone()).unwrap();
        store.set_actor(Some("alice")).unwrap();
        let installed = store.change(|store| {
            store.add_server(server_id("keys-1"), [])?;
            store.install_pin(server("keys-1"), pin("keys-1"), options())
        });
        let key = installed.unwrap().entries().items()[0].clone();
        let (policy, seen, clock) = (
            Policy::new(keys()),
            PeerHistory::new(),
            CurrentTime::Known(at(NOW)),
        );
        let (mut other, _) = DurableStore::open(folder.path(), with.clone()).unwrap();
        let waiting = other
            .plan(&policy, &seen, clock, |store| {
                store.add_server(server_id("keys-2"), [])
            })
            .unwrap();
        let before = (facts(store.contents()), store.digest());

        refused(&mut store, "keys-9");
        store.set_actor(Some("bob")).unwrap();
        let removal = store
            .plan(&policy, &seen, clock, |store| store.remove(&key))
            .unwrap();
        let lost = store.apply(&removal, &seen, clock, &LockoutAllowance::none());
        assert!(
            matches!(lost, Err(GuardedError::Plan(PlanError::Loses { .. }))),
            "{lost:?}"
        );
        let error: Result<(), Box<dyn std::error::Error>> = store.try_change(|store| {
            store.add_server(server_id("keys-3"), [])?;
            Err("not today".into())
        });
        error.unwrap_err();
        assert_eq!(facts(store.contents()), before.0);
        assert_ne!(store.digest(), before.1, "it is in the chain");

        let history = DurableStore::history(folder.path(), &with).unwrap();
        assert_eq!(history.changes.len(), 1);
        let found: Vec<_> = history
            .refusals
            .iter()
            .map(|one| {
                assert_eq!(one.head.from, store.contents().generation());
                assert_eq!((one.head.to, one.head.at), (one.head.from, Some(at(NOW))));
                assert_eq!(one.omitted, 0);
                (one.head.asked.clone(), one.because.clone())
            })
            .collect();
        let by = |call: &str, who: &str| (call.to_owned(), Some(who.to_owned()));
        let unnamed = "a call that was refused";
        assert_eq!(found.len(), 3, "{found:#?}");
        assert_eq!(found[0].0, [by(unnamed, "alice")]);
        assert!(found[0].1.contains("keys-9"), "{}", found[0].1);
        let removed = format!("remove pin server keys-1 {}", key.fingerprint);
        assert_eq!(found[1].0, [by(&removed, "bob")]);
        assert!(
            found[1].1.contains("would lock out server keys-1"),
            "{}",
            found[1].1
        );
        assert_eq!(
            found[2].0,
            [by("server add keys-3", "bob"), by(unnamed, "bob")]
        );

        // Others take it over without a new generation, and their plans stay valid.
        assert!(!other.refresh().unwrap());
        assert_eq!(other.digest(), store.digest());
        other
            .apply(&waiting, &seen, clock, &LockoutAllowance::none())
            .unwrap();
        assert!(store.refresh().unwrap());
        let (opened, report) = DurableStore::open(folder.path(), with.clone()).unwrap();
        assert_eq!(facts(opened.contents()), facts(store.contents()));
        assert_eq!((report.digest, report.cut), (store.digest(), 0));
        for generation in [history.since, store.contents().generation()] {
            DurableStore::read_at(folder.path(), &with, generation).unwrap();
        }
    }
}

/// A reader takes a bounded number of calls: a refusal of more is recorded within it.
#[test]
fn a_refusal_of_more_calls_than_a_record_has_is_read_by_others() {
    for calls in MAX_ASKED - 1..MAX_ASKED + 2 {
        let folder = Folder::new(&format!("refused-calls-{calls}"));
        let mut store = DurableStore::create(folder.path(), recording()).unwrap();
        let (mut other, _) = DurableStore::open(folder.path(), recording()).unwrap();
        let error = store.change(|store| {
            for number in 0..calls {
                store.add_server(server_id(&format!("keys-{number}")), [])?;
            }
            store.remove_server(&server_id("keys-99")).map(drop)
        });
        assert!(matches!(error, Err(DurableError::Store(_))), "{error:?}");
        store
            .change(|store| store.add_server(server_id("behind"), []))
            .unwrap();
        let history = history(&folder);
        let head = &history.refusals[0].head;
        assert_eq!(head.asked.len(), MAX_ASKED.min(calls + 1));
        assert_eq!(head.asked.len() + head.more, calls + 1);
        assert!(other.refresh().unwrap());
        let (opened, _) = DurableStore::open(folder.path(), recording()).unwrap();
        for store in [&other, &opened] {
            assert!(store.contents().server(&server_id("behind")).is_some());
        }
    }
}

#[test]
fn without_the_setting_nothing_is_written() {
    let folder = Folder::new("refused-not");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    let before = fs::read(folder.file(CURRENT)).unwrap();
    refused(&mut store, "keys-9");
    store.record_refused("a change", "it is late").unwrap();
    assert_eq!(fs::read(folder.file(CURRENT)).unwrap(), before);
}

/// A file of version 1 stays one that its programs can read.
#[test]
fn a_refused_change_does_not_begin_a_journal() {
    let folder = Folder::new("refused-version-1");
    drop(durable(folder.path()));
    apart(folder.path());
    let before = fs::read(folder.file(CURRENT)).unwrap();
    let (mut store, _) = DurableStore::open(folder.path(), recording()).unwrap();
    refused(&mut store, "keys-9");
    assert_eq!(fs::read(folder.file(CURRENT)).unwrap(), before);
    store
        .change(|store| store.add_server(server_id("new"), []))
        .unwrap();
    refused(&mut store, "keys-9");
    let refusals = history(&folder).refusals;
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].omitted, 1, "the one before is counted");
}

#[test]
fn a_program_that_fails_again_and_again_fills_no_file_and_drives_no_snapshot() {
    let folder = Folder::new("refused-often");
    let clock = Moved::new(NOW);
    let with = || recording().with_clock(Arc::new(clock.clone()));
    let mut store = DurableStore::create(folder.path(), with()).unwrap();
    let length = || fs::read(folder.file(CURRENT)).unwrap().len();
    let empty = length();
    // The same again is one record, also of another process.
    for _ in 0..10 {
        refused(&mut store, "same");
        let (mut other, _) = DurableStore::open(folder.path(), with()).unwrap();
        refused(&mut other, "same");
        // So do two that take turns.
        refused(&mut store, "in-turn");
    }
    assert_eq!(history(&folder).refusals.len(), 2);
    for number in 0..1000 {
        refused(&mut store, &format!("other-{number}"));
    }
    assert_eq!(history(&folder).refusals.len(), MAX_REFUSALS);
    let all = length() - empty;
    assert!(all < 16 * 1024, "{all}");
    // The window moves on, and what was left out is counted.
    clock.to(NOW + REFUSAL_WINDOW.as_secs() - 1);
    refused(&mut store, "in-the-window");
    assert_eq!(history(&folder).refusals.len(), MAX_REFUSALS);
    clock.to(NOW + REFUSAL_WINDOW.as_secs());
    refused(&mut store, "behind-it");
    let refusals = history(&folder).refusals;
    assert_eq!(refusals.len(), MAX_REFUSALS + 1);
    assert_eq!(refusals[0].omitted, 0);
    assert_eq!(
        refusals[2].omitted, 18,
        "those of this process that are the same"
    );
    // All that had no place, and the one in the window.
    let without = 1000 - (u64::try_from(MAX_REFUSALS).unwrap() - 2) + 1;
    assert_eq!(refusals[MAX_REFUSALS].omitted, without);

    // For weeks: the file has a bound, no snapshot is written, and each change is kept.
    store
        .change(|store| store.add_server(server_id("kept"), []))
        .unwrap();
    let mut number = 0_u64;
    let mut before = 0;
    while before != length() {
        before = length();
        for _ in 0..50 {
            number += 1;
            clock.to(NOW + number * REFUSAL_WINDOW.as_secs());
            let long: String = format!("{number:0>60}");
            store
                .record_refused(&long.repeat(60), &long.repeat(60))
                .unwrap();
        }
        assert!(number < 5_000);
    }
    let grown = length() - empty;
    assert!(grown > MAX_REFUSED_BYTES - 4096, "{grown}");
    assert!(grown < MAX_REFUSED_BYTES + 1024, "{grown}");
    assert_eq!(folder.names(), ["trust-store", "trust-store.lock"]);
    // Their bytes do not make a snapshot due, and each change has its place.
    for number in 0..20 {
        store
            .change(|store| store.add_server(server_id(&format!("s-{number}")), []))
            .unwrap();
    }
    assert_eq!(folder.names(), ["trust-store", "trust-store.lock"]);
    assert_eq!(history(&folder).changes.len(), 21);
}

/// Each byte of the record is held by its digest, and one that is torn was never there.
#[test]
fn any_changed_byte_of_a_refusal_is_refused_and_a_torn_one_is_left_out() {
    let sealed = recording().with_seal(Arc::new(Key));
    for (name, with) in [("plain", recording()), ("sealed", sealed)] {
        let folder = Folder::new(&format!("refused-bytes-{name}"));
        let mut store = DurableStore::create(folder.path(), with.clone()).unwrap();
        store
            .change(|store| store.add_server(server_id("a"), []))
            .unwrap();
        let whole = fs::read(folder.file(CURRENT)).unwrap().len();
        store.set_actor(Some("alice")).unwrap();
        refused(&mut store, "b");
        let end = fs::read(folder.file(CURRENT)).unwrap().len();
        let seal = with.seal().map(|seal| &**seal);
        let expected = facts(store.contents());
        let text = fs::read(folder.file(CURRENT)).unwrap();
        for length in whole..end {
            for padding in [0, 8] {
                let mut torn = text[..length].to_vec();
                torn.resize(length + padding, 0);
                let found = read(&torn, keys(), seal).unwrap();
                assert_eq!(found.report.cut, torn.len() - whole);
                assert_eq!(facts(found.store.contents()), expected);
            }
        }
        store
            .change(|store| store.add_server(server_id("c"), []))
            .unwrap();
        let text = fs::read(folder.file(CURRENT)).unwrap();
        for at in whole..text.len() {
            for bit in [0x01, 0x08, 0x40, 0x80] {
                let mut changed = text.clone();
                changed[at] ^= bit;
                assert!(read(&changed, keys(), seal).is_err(), "byte {at}");
            }
        }
        // A record that is taken out breaks the chain.
        let without = [&text[..whole], &text[end..]].concat();
        assert!(read(&without, keys(), seal).is_err());
    }
}

/// Digests that fit do not make something else of it.
#[test]
fn a_refusal_has_one_form() {
    let folder = Folder::new("refused-form");
    let mut store = DurableStore::create(folder.path(), recording()).unwrap();
    store.set_actor(Some("alice")).unwrap();
    store
        .change(|store| store.add_server(server_id("a"), []))
        .unwrap();
    refused(&mut store, "b");
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    let at = text.rfind("\nrefused after ").unwrap() + 1;
    let (before, last) = text.split_at(at);
    let edited = |from: &str, to: &str| {
        assert!(last.contains(from), "{from}: {last}");
        let last = crate::durable::journal::sealed_change(&last.replacen(from, to, 1));
        load(&format!("{before}{last}"))
    };
    assert!(edited("  because ", "  because of ").is_ok());
    let now = store.contents().generation();
    let first = format!("refused after {now}");
    for (from, to, said) in [
        (first.as_str(), "refused after 9", "after generation"),
        (
            &first,
            &format!("change {now} after {now}"),
            "its generations",
        ),
        ("  because ", "  why ", "a field of a change"),
        ("  because ", "  omitted 0\n  because ", "in this place"),
        ("  because ", "  omitted 3\n  because ", "in this place"),
        (
            "done sha256",
            "+server c unclaimed #\ndone sha256",
            "in this place",
        ),
        (
            "done sha256",
            "-server a unclaimed #\ndone sha256",
            "in this place",
        ),
    ] {
        let error = edited(from, to).map(|found| found.report).unwrap_err();
        assert!(error.to_string().contains(said), "{from} to {to}: {error}");
    }
    let because = last.lines().find(|line| line.starts_with("  because"));
    let missing = edited(&format!("{}\n", because.unwrap()), "");
    let error = missing.map(|found| found.report).unwrap_err();
    assert!(error.to_string().contains("`because`"), "{error}");
}

/// A recovery reads over refusals before the damage, and behind a damaged snapshot.
#[test]
fn a_recovery_knows_refusals() {
    let folder = Folder::new("refused-recovery");
    drop(durable(folder.path()));
    apart(folder.path());
    let (mut store, _) = DurableStore::open(folder.path(), recording()).unwrap();
    store
        .change(|store| store.add_server(server_id("first"), []))
        .unwrap();
    refused(&mut store, "nowhere");
    let gone = pin("gone");
    store.change(|store| Ok(store.block(&gone))).unwrap();
    let expected = (
        store.contents().generation(),
        store.contents().entries().len(),
    );
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    for (from, to, generation) in [
        ("server keys-1", "server kays-1", expected.0),
        ("+block certificate", "+block certificato", expected.0 - 1),
        ("  because ", "  becausa ", expected.0 - 1),
    ] {
        fs::write(folder.file(CURRENT), text.replacen(from, to, 1)).unwrap();
        let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
        assert_eq!(report.from_generation, generation, "{from}: {report}");
        let view = store.contents();
        assert!(view.server(&server_id("first")).is_some(), "{from}");
        assert_eq!(view.entries().len(), expected.1, "{from}");
    }
}
