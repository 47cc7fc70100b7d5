//! Recovery: to the last good version, by a call of its own, losing nothing that takes trust away.

use std::fs;
use std::sync::Arc;

use mutual_trust::CurrentTime;
use mutual_trust::admin::{Counter, DurableStore};
use mutual_trust::error::{DurableError, with_causes};
use mutual_trust::store::{BlockSelector, Claim, Kept, TrustSource};

use crate::durable::common::*;
use crate::durable::store::Counted;
use crate::support::folder::Folder;
use crate::support::*;

const CURRENT: &str = "trust-store";
const PREVIOUS: &str = "trust-store.previous";

/// Writes over a line of the current file.
fn damage(folder: &Folder, start: &str) -> usize {
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    let line = line_of(&text, start);
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    lines[line - 1].replace_range(..3, "???");
    fs::write(folder.file(CURRENT), lines.join("\n") + "\n").unwrap();
    line
}

/// The day after, so that the floor rises.
fn next_day() -> mutual_trust::admin::DurableSettings {
    settings().with_clock(Arc::new(CurrentTime::Known(at(NOW + DAY))))
}

#[test]
fn nothing_that_takes_trust_away_is_lost() {
    let folder = Folder::new("sticky");
    drop(durable(folder.path()));
    let (mut store, _) = DurableStore::open(folder.path(), next_day()).unwrap();
    let gone = pin("gone");
    // One change: the version before has nothing of it.
    store
        .change(|store| {
            store.block(&gone);
            store.install_pin(server("keys-3"), pin("pin of keys-3"), options())?;
            store.stop_migrating(&server_id("keys-2"))?;
            store.add_server(server_id("keys-5"), [host("kms5.example")])?;
            store.install_pin(server("keys-5"), pin("pin of keys-5"), options())?;
            let entries = store.contents().entries();
            let clients = entries.iter().find(|entry| entry.certificate().is_none());
            let clients = clients.unwrap().key().clone();
            store.remove(&clients)
        })
        .unwrap();
    let lost = store.contents().generation();
    drop(store);
    apart(folder.path());
    let line = damage(&folder, "  by alice");

    let error = DurableStore::open(folder.path(), settings()).unwrap_err();
    assert!(
        with_causes(&error).contains(&format!("line {line}")),
        "{error}"
    );
    let damaged = fs::read(folder.file(CURRENT)).unwrap();
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    let view = store.contents();
    // The block, the claims, the name of the claimed server, the floor.
    let block = BlockSelector::certificate(&gone);
    assert!(view.blocks().any(|found| *found == block));
    assert_eq!(report.blocks.items(), [block]);
    for id in ["keys-2", "keys-3", "keys-5"] {
        let server = view.server(&server_id(id)).unwrap();
        assert_eq!(server.claim(), Claim::Claimed, "{id}");
        assert!(report.claims.items().contains(&server_id(id)), "{report}");
    }
    let keys_5 = view.server_of(&host("kms5.example")).unwrap();
    assert_eq!(view.level(keys_5), TrustSource::NoUsablePin);
    assert_eq!(view.floor(), Some(at(NOW + DAY)));
    assert_eq!(report.floor, view.floor());
    // What was removed is not brought back; what was installed is told.
    assert_eq!(report.removed.len(), 1, "{report}");
    assert!(
        view.entries()
            .iter()
            .all(|entry| entry.certificate().is_some())
    );
    assert_eq!(
        (report.lost.len(), report.brought_back.len()),
        (2, 0),
        "{report}"
    );
    // Nothing of the damaged file gives trust.
    assert_eq!(view.entries().len(), 6);
    // The numbers.
    assert_eq!(report.lost_generation, Some(lost));
    assert!(report.from_generation < lost && report.generation > lost);
    assert_eq!(view.generation(), report.generation);
    assert_eq!(report.damaged_lines.items(), [line]);
    // What was damaged is kept for those who want to know.
    assert_eq!(
        fs::read(folder.file("trust-store.damaged")).unwrap(),
        damaged
    );
    let said = report.to_string();
    for part in [
        "block kept",
        "claim kept of server: keys-5",
        "lost, install it again",
        "floor",
    ] {
        assert!(said.contains(part), "{said}");
    }
    drop(store);
    let (store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    assert_eq!(store.contents().generation(), report.generation);
}

#[test]
fn whatever_line_is_damaged_the_rest_is_kept() {
    let folder = Folder::new("each-line");
    drop(durable(folder.path()));
    let (mut store, _) = DurableStore::open(folder.path(), next_day()).unwrap();
    let gone = pin("gone");
    store
        .change(|store| {
            store.block(&gone);
            store.install_pin(server("keys-3"), pin("pin of keys-3"), options())
        })
        .unwrap();
    drop(store);
    apart(folder.path());
    let text = fs::read_to_string(folder.file(CURRENT)).unwrap();
    let previous = fs::read(folder.file(PREVIOUS)).unwrap();
    let block = BlockSelector::certificate(&gone);
    let lines: Vec<&str> = text.lines().collect();
    for (at_line, line) in lines.iter().enumerate() {
        let mut damaged = text.clone().into_bytes();
        let start: usize = lines[..at_line].iter().map(|line| line.len() + 1).sum();
        damaged[start + line.len() / 2] ^= 0x04;
        fs::write(folder.file(CURRENT), &damaged).unwrap();
        fs::write(folder.file(PREVIOUS), &previous).unwrap();
        let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
        let view = store.contents();
        let own = format!("block certificate {}", gone.fingerprint());
        let is = |start: &str| line.starts_with(start);
        assert_eq!(
            view.blocks().any(|found| *found == block),
            !is(&own),
            "{line}"
        );
        let keys_3 = view.server(&server_id("keys-3")).unwrap();
        assert_eq!(
            keys_3.claim() == Claim::Claimed,
            !is("server keys-3"),
            "{line}"
        );
        assert_eq!(view.floor() == Some(at(NOW + DAY)), !is("floor"), "{line}");
        assert!(
            report.generation > report.from_generation + 1 || is("generation"),
            "{line}"
        );
        // What stood before the damage is in any case.
        assert!(
            view.blocks().count() >= 4 && view.entries().len() == 7,
            "{line}"
        );
        drop(store);
    }
}

#[test]
fn a_cut_file_brings_back_what_it_does_not_tell_of_and_says_so() {
    let folder = Folder::new("cut");
    drop(durable(folder.path()));
    let (mut store, _) = DurableStore::open(folder.path(), next_day()).unwrap();
    store
        .change(|store| {
            let first = store.contents().entries()[0].key().clone();
            store.remove(&first)
        })
        .unwrap();
    drop(store);
    apart(folder.path());
    let text = fs::read(folder.file(CURRENT)).unwrap();
    fs::write(folder.file(CURRENT), &text[..text.len() / 2]).unwrap();
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    assert_eq!(store.contents().entries().len(), 7);
    assert_eq!(report.removed.len(), 0);
    assert!(report.brought_back.len() >= 2, "{report}");
    assert!(
        report.to_string().contains("it may have been removed"),
        "{report}"
    );
}

#[test]
fn a_file_that_is_missing_empty_or_noise_is_recovered_from_the_one_before() {
    for (number, content) in [None, Some(vec![]), Some(vec![0xff; 5000])]
        .into_iter()
        .enumerate()
    {
        let folder = Folder::new(&format!("noise-{number}"));
        drop(durable(folder.path()));
        apart(folder.path());
        fs::copy(folder.file(CURRENT), folder.file(PREVIOUS)).unwrap();
        match content {
            Some(content) => fs::write(folder.file(CURRENT), content).unwrap(),
            None => fs::remove_file(folder.file(CURRENT)).unwrap(),
        }
        assert!(DurableStore::open(folder.path(), settings()).is_err());
        let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
        assert_eq!(store.contents().entries().len(), 7);
        assert_eq!(report.lost_generation, None);
        assert_eq!(
            report.brought_back.len(),
            7,
            "nothing tells what was removed"
        );
        assert!(report.generation > report.from_generation);
    }
}

/// The previous file is the one before the last snapshot: without the file, all changes since then are gone, and the report
/// says so. If something of the file is left, it says what.
#[test]
fn the_report_says_that_changes_since_the_last_snapshot_are_lost() {
    let folder = Folder::new("lost-file");
    drop(durable(folder.path()));
    apart(folder.path());
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let snapshot = store.contents().generation();
    store
        .change(|store| store.add_server(server_id("before"), []))
        .unwrap();
    let gone = pin("gone");
    store.change(|store| Ok(store.block(&gone))).unwrap();
    let newest = store.contents().generation();
    drop(store);
    let text = fs::read(folder.file(CURRENT)).unwrap();
    let end = format!("what was changed after generation {snapshot} is lost");
    for (left, is_lost) in [
        (None, true),
        (Some(&text[..0]), true),
        (Some(&text[..text.len() - 9]), false),
    ] {
        match left {
            None => fs::remove_file(folder.file(CURRENT)).unwrap(),
            Some(left) => fs::write(folder.file(CURRENT), left).unwrap(),
        }
        let opened = DurableStore::open(folder.path(), settings());
        if !is_lost {
            // A change that is cut is left out when the store is opened.
            assert!(opened.is_ok());
            continue;
        }
        assert!(opened.is_err());
        let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
        assert_eq!(report.from_generation, snapshot);
        let said = report.to_string();
        assert!(said.contains(&end), "{said}");
        assert!(said.contains("blocks and removals"), "{said}");
        assert_eq!(
            store.contents().blocks().count(),
            filled().contents().blocks().count()
        );
    }
    // A damaged snapshot: the changes behind it are made on the previous file, and nothing is lost.
    let damaged = String::from_utf8(text)
        .unwrap()
        .replacen("server keys-1", "server kays-1", 1);
    fs::write(folder.file(CURRENT), damaged).unwrap();
    let (_, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    assert_eq!(report.from_generation, newest);
    let said = report.to_string();
    assert!(!said.contains("is lost unless"), "{said}");
}

#[test]
fn beside_a_backup_of_the_same_number_nothing_is_lost_removed_or_in_doubt() {
    let folder = Folder::new("backup");
    drop(durable(folder.path()));
    apart(folder.path());
    fs::copy(folder.file(CURRENT), folder.file(PREVIOUS)).unwrap();
    let line = damage(&folder, "pin clients");
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    assert_eq!(store.contents().entries().len(), 7);
    assert_eq!(report.damaged_lines.items(), [line]);
    assert_eq!(report.lost_generation, Some(report.from_generation));
    let entries = (&report.lost, &report.removed, &report.brought_back);
    assert!(
        entries.0.is_empty() && entries.1.is_empty() && entries.2.is_empty(),
        "{report}"
    );
    assert_eq!(report.floor, None, "both had it so high");
}

#[test]
fn a_store_that_can_be_opened_is_not_recovered() {
    let folder = Folder::new("whole");
    drop(durable(folder.path()));
    let before = fs::read(folder.file(CURRENT)).unwrap();
    let error = DurableStore::recover(folder.path(), settings()).unwrap_err();
    assert!(matches!(error, DurableError::NotDamaged { .. }), "{error}");
    assert_eq!(fs::read(folder.file(CURRENT)).unwrap(), before);
}

#[test]
fn without_a_good_version_nothing_is_made_up() {
    let folder = Folder::new("nothing-left");
    drop(durable(folder.path()));
    apart(folder.path());
    damage(&folder, "server keys-1");
    fs::write(folder.file(PREVIOUS), "not a store\n").unwrap();
    let error = DurableStore::recover(folder.path(), settings()).unwrap_err();
    // Of each it says what is wrong with it.
    let is = |error: &DurableError, file: &str| matches!(error, DurableError::File { path, .. } if *path == folder.file(file));
    assert!(
        matches!(&error, DurableError::NothingLeft { current, previous, .. }
            if is(current, CURRENT) && is(previous, PREVIOUS)),
        "{error}"
    );
    fs::remove_file(folder.file(PREVIOUS)).unwrap();
    let error = DurableStore::recover(folder.path(), settings()).unwrap_err();
    assert!(matches!(error, DurableError::NothingLeft { .. }), "{error}");
}

#[test]
fn with_a_counter_a_person_must_accept_what_is_older() {
    let folder = Folder::new("counted");
    let counter = Arc::new(Counted::default());
    let with = || settings().with_counter(counter.clone());
    let mut store = DurableStore::create(folder.path(), with()).unwrap();
    store.change(fill).unwrap();
    store
        .change(|store| store.add_server(server_id("new"), []))
        .unwrap();
    drop(store);
    apart(folder.path());
    damage(&folder, "server new");
    let before = fs::read(folder.file(CURRENT)).unwrap();
    let error = DurableStore::recover(folder.path(), with()).unwrap_err();
    assert!(matches!(error, DurableError::RolledBack { .. }), "{error}");
    assert_eq!(fs::read(folder.file(CURRENT)).unwrap(), before);
    let counted = counter.read().unwrap();
    let (store, report) =
        DurableStore::recover(folder.path(), with().with_roll_back_accepted()).unwrap();
    assert!(report.generation > counted);
    assert_eq!(counter.read().unwrap(), report.generation);
    drop(store);
    drop(DurableStore::open(folder.path(), with()).unwrap());
}

#[test]
fn of_a_whole_file_that_was_put_back_and_a_newer_one_before_it_the_newer_is_taken() {
    let folder = Folder::new("put-back");
    let mut store = durable(folder.path());
    let old = text_of(store.contents());
    for id in ["new", "newer"] {
        store
            .change(|store| store.add_server(server_id(id), []))
            .unwrap();
    }
    let minimum = store.contents().generation();
    drop(store);
    apart(folder.path());
    fs::write(folder.file(CURRENT), old).unwrap();
    let with = settings()
        .with_minimum_generation(minimum)
        .with_roll_back_accepted();
    let (store, report) = DurableStore::recover(folder.path(), with).unwrap();
    assert!(store.contents().server(&server_id("new")).is_some());
    assert_eq!(report.from_generation, minimum - 1);
    assert_eq!(
        (
            report.removed.len(),
            report.lost.len(),
            report.brought_back.len()
        ),
        (0, 0, 0)
    );
}

#[test]
fn a_migration_is_kept_no_longer_than_either_says() {
    let folder = Folder::new("migration");
    let mut store = durable(folder.path());
    store
        .change(|store| store.migrate(&server_id("keys-2"), at(NOW + 60 * DAY)))
        .unwrap();
    store
        .change(|store| store.migrate(&server_id("keys-1"), at(NOW + 5 * DAY)))
        .unwrap();
    drop(store);
    apart(folder.path());
    damage(&folder, "  label rack");
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    let claim = |id| store.contents().server(&server_id(id)).unwrap().claim();
    assert_eq!(claim("keys-1"), Claim::Claimed, "a claim is not loosened");
    assert_eq!(
        claim("keys-2"),
        Claim::Migrating {
            until: at(NOW + 60 * DAY)
        }
    );
    assert_eq!(report.claims.len(), 0, "{report}");
}

#[test]
fn of_two_ends_of_a_migration_the_earlier_one_stays() {
    for (before, after) in [(60, 30), (30, 60)] {
        let folder = Folder::new("two-ends");
        let mut store = durable(folder.path());
        for days in [before, after] {
            store
                .change(|store| store.migrate(&server_id("keys-2"), at(NOW + days * DAY)))
                .unwrap();
        }
        drop(store);
        apart(folder.path());
        damage(&folder, "  label rack");
        let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
        let server = store.contents().server(&server_id("keys-2")).unwrap();
        let until = at(NOW + 30 * DAY);
        assert_eq!(
            server.claim(),
            Claim::Migrating { until },
            "{before} {after}"
        );
        assert_eq!(report.claims.len(), usize::from(after < before), "{report}");
    }
}

/// Words of the rules, *server*: from an unclaimed server a name goes to the claimed one, never the other way.
#[test]
fn a_name_of_a_claimed_server_goes_with_its_claim() {
    let folder = Folder::new("names");
    let mut store = durable(folder.path());
    let (claimed, free) = (host("kms1.example"), host("old.example"));
    store
        .change(|store| store.add_name(&server_id("keys-3"), free.clone()))
        .unwrap();
    store
        .change(|store| {
            store.move_name(&free, &server_id("keys-1"))?;
            store.release_name(&claimed)?;
            store.add_server(server_id("keys-9"), [claimed.clone()])?;
            store.install_pin(server("keys-9"), pin("nine"), options())
        })
        .unwrap();
    drop(store);
    apart(folder.path());
    damage(&folder, "  label rack");
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    let owner = |name| store.contents().server_of(name).unwrap().id().clone();
    // The pins of keys-1 are not trusted for one more name: a person moves it.
    assert_eq!(owner(&free), server_id("keys-3"));
    let left = Kept::Name(server_id("keys-1"), free.clone());
    assert!(report.names_left.items().contains(&left), "{report}");
    assert_eq!(
        owner(&claimed),
        server_id("keys-1"),
        "it had one in the version before"
    );
}
