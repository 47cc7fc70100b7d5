//! The file: the same content is the same text, and comes back to the last fact.

use mutual_trust::admin::file::{UnknownRecords, write};
use mutual_trust::error::StoreFileError;
use mutual_trust::limits::{MAX_STORE_LINE, MAX_STORE_WITH_JOURNAL};
use mutual_trust::{CurrentTime, EntryOptions, TrustStore};
use std::sync::Arc;

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::*;

#[test]
fn a_store_with_one_of_everything_comes_back_to_the_last_fact() {
    let store = filled();
    let text = text_of(store.contents());
    let loaded = load(&text).unwrap();
    assert_eq!(facts(loaded.store.contents()), facts(store.contents()));
    assert_eq!((loaded.report.entries, loaded.report.crls), (7, 3));
    assert!(loaded.report.disabled_crls.is_empty(), "{}", loaded.report);
    assert_eq!(loaded.report.later_minor, None);
    assert!(loaded.report.disabled.is_empty(), "{}", loaded.report);
    assert_eq!(text_of(loaded.store.contents()), text);
    assert_eq!(
        load(&text_of(&Default::default())).unwrap().report.entries,
        0
    );
}

#[test]
fn the_text_does_not_depend_on_the_order_of_the_calls() {
    let (one, two) = (pin("one"), pin("two"));
    let make = |turned: bool| {
        let mut store = store();
        let mut steps = ["a", "b"];
        let mut pins = [one.clone(), two.clone()];
        if turned {
            steps.reverse();
            pins.reverse();
        }
        for id in steps {
            store.add_server(server_id(id), []).unwrap();
        }
        for pin in pins {
            store.install_pin(server("a"), pin, options()).unwrap();
        }
        text_of(store.contents())
    };
    assert_eq!(make(false), make(true));
}

#[test]
fn a_change_of_one_thing_is_a_change_of_its_lines() {
    let mut store = filled();
    let before = text_of(store.contents());
    store
        .add_name(&server_id("keys-2"), host("new.example"))
        .unwrap();
    let after = text_of(store.contents());
    let new: Vec<&str> = after
        .lines()
        .filter(|line| !before.lines().any(|other| other == *line))
        .collect();
    let [generation, name, digest] = new.as_slice() else {
        panic!("{new:#?}");
    };
    assert!(generation.starts_with("generation "));
    assert_eq!(*name, "  name new.example");
    assert!(digest.starts_with("digest sha256 "));
}

#[test]
fn a_person_can_read_it() {
    let text = text_of(filled().contents());
    for line in [
        "mutual-trust store 1.0",
        &checked("floor 2027-01-01T00:00:00Z"),
        &checked("group site-a"),
        &checked("server keys-1 claimed"),
        "  name 192.0.2.7",
        "  name kms1.example",
        &checked("server keys-2 migrating until 2027-01-31T00:00:00Z"),
        "  group site-a",
        &checked("server keys-3 unclaimed"),
        "  expect a.example",
        "  label rack 4, left # server claimed",
        "  installed 2027-01-01T00:00:00Z",
        "  by alice@example, ticket 7",
        "  by bob",
        "-----BEGIN X509 CRL-----",
        "  match public-key",
        "  validity grace 86400.500000000 s",
        "  validity enforce",
        "  role any",
        "  ends 2027-04-11T00:00:00Z",
        "  san dns:*.arrays.example",
        "  disabled looked at: ticket 9",
        &checked("end groups 2 servers 3 entries 7 blocks 4 checked 3 crls 3"),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.lines().all(|line| line.len() < MAX_STORE_LINE));
}

#[test]
fn the_digest_is_the_one_of_the_report_and_tells_every_change() {
    let mut store = filled();
    let (text, digest) = write(store.contents(), &UnknownRecords::default(), None).unwrap();
    assert_eq!(load(&text).unwrap().report.digest, digest);
    assert!(text.contains(&format!("digest sha256 {digest}\n")));
    store.block(&pin("other"));
    let (_, other) = write(store.contents(), &UnknownRecords::default(), None).unwrap();
    assert_ne!(digest, other);
    assert_ne!(digest.as_bytes(), other.as_bytes());
}

#[test]
fn times_beyond_the_year_9999_and_an_unset_clock_come_back() {
    let mut store = TrustStore::new(keys()).with_clock(Arc::new(CurrentTime::Unset));
    store.add_server(server_id("a"), []).unwrap();
    let end = EntryOptions::new().with_end(at(u64::MAX));
    store.install_pin(server("a"), pin("a"), end).unwrap();
    let text = text_of(store.contents());
    assert!(text.contains("  ends @18446744073709551615\n"), "{text}");
    assert!(
        !text.contains("floor") && !text.contains("installed"),
        "{text}"
    );
    let loaded = load(&text).unwrap();
    assert_eq!(facts(loaded.store.contents()), facts(store.contents()));
}

#[test]
fn what_is_too_large_to_be_read_is_refused_with_the_limit() {
    let long = "x".repeat(MAX_STORE_LINE + 1);
    let error = load(&format!("mutual-trust store 1.0\n{long}\n")).unwrap_err();
    assert!(
        matches!(error, StoreFileError::LineTooLong { line: 2, .. }),
        "{error}"
    );
    // So long and without an end, a line is one byte too long; below that, it may have been cut.
    let open = |length: usize| load(&"x".repeat(length)).unwrap_err();
    let too_long = open(MAX_STORE_LINE);
    let is = matches!(too_long, StoreFileError::LineTooLong { line: 1, .. });
    assert!(is, "{too_long}");
    let cut = open(MAX_STORE_LINE - 1);
    assert!(
        matches!(cut, StoreFileError::Truncated { line: 1, .. }),
        "{cut}"
    );
    // Touched at its start alone, so that it takes no memory.
    let mut huge = vec![0; MAX_STORE_WITH_JOURNAL + 1];
    huge[0] = 0xff;
    let largest = &huge[..MAX_STORE_WITH_JOURNAL];
    let error = mutual_trust::admin::file::read(largest, keys(), None).unwrap_err();
    let is = matches!(error, StoreFileError::NotText { line: 1, .. });
    assert!(is, "{error}");
    let error = mutual_trust::admin::file::read(&huge, keys(), None).unwrap_err();
    let size = MAX_STORE_WITH_JOURNAL + 1;
    assert!(
        matches!(error, StoreFileError::TooLarge { size: found, .. } if found == size),
        "{error}"
    );
}
