//! Later versions: what is not known of a minor one is kept, and a major one is refused.

use mutual_trust::admin::file::{read, write};
use mutual_trust::error::StoreFileError;
use mutual_trust::store::Scope;

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::*;

/// The file of a later minor version, with fields and records of its own.
fn later() -> String {
    let text = text_of(filled().contents());
    let text = text
        .replacen("store 1.0", "store 1.7", 1)
        .replacen("server keys-3", "  zone blue\n  zone-note two  spaces\nserver keys-3", 1)
        .replacen("-----BEGIN", "  seen 2028-01-01T00:00:00Z\n-----BEGIN", 1)
        .replacen(
            "end groups",
            "note some words #\n  field one\n-----BEGIN NOTE-----\nAAAA\n-----END NOTE-----\nend groups",
            1,
        );
    fitting(&text)
}

#[test]
fn what_a_later_minor_version_wrote_is_kept_where_it_was() {
    let text = later();
    let loaded = load(&text).unwrap();
    assert_eq!(loaded.report.later_minor, Some(7));
    assert!(!loaded.kept.is_empty());
    let known = load(&text_of(loaded.store.contents())).unwrap();
    assert!(known.kept.is_empty());
    assert_eq!(
        facts(known.store.contents()),
        facts(loaded.store.contents())
    );
    let written = write(loaded.store.contents(), &loaded.kept, None)
        .unwrap()
        .0;
    assert_eq!(written, text);
}

#[test]
fn a_field_or_a_record_alone_is_something_that_is_kept() {
    let text = text_of(filled().contents()).replacen("store 1.0", "store 1.7", 1);
    let none = load(&fitting(&text)).unwrap();
    assert!(none.kept.is_empty());
    for (before, kept) in [
        ("server keys-3", "  zone blue\n"),
        ("end groups", "note #\n"),
    ] {
        let text = text.replacen(before, &format!("{kept}{before}"), 1);
        assert!(!load(&fitting(&text)).unwrap().kept.is_empty(), "{kept}");
    }
}

#[test]
fn what_is_kept_goes_with_what_it_belongs_to_and_with_nothing_else() {
    let mut loaded = load(&later()).unwrap();
    let of_keys_1 = Scope::Server(server_id("keys-1"));
    let entries = loaded.store.contents().entries();
    let key = entries.iter().find(|entry| entry.key().scope == of_keys_1);
    let key = key.unwrap().key().clone();
    loaded.store.add_server(server_id("keys-4"), []).unwrap();
    let written = write(loaded.store.contents(), &loaded.kept, None)
        .unwrap()
        .0;
    for line in [
        "  zone blue",
        "  zone-note two  spaces",
        "  field one",
        "-----BEGIN NOTE-----",
    ] {
        assert!(written.lines().any(|found| found == line), "{line}");
    }
    assert!(read(written.as_bytes(), keys(), None).is_ok());
    loaded.store.remove(&key).unwrap();
    let written = write(loaded.store.contents(), &loaded.kept, None)
        .unwrap()
        .0;
    assert!(
        !written.contains("  seen ") && written.contains("  zone blue"),
        "{written}"
    );
    assert!(read(written.as_bytes(), keys(), None).is_ok());
}

#[test]
fn this_version_does_not_pass_over_what_it_does_not_know() {
    let text = fitting(&later().replacen("store 1.7", "store 1.0", 1));
    let error = load(&text).unwrap_err();
    assert!(matches!(error, StoreFileError::Line { .. }), "{error}");
    let text = text_of(filled().contents());
    let record = fitting(&text.replacen("end groups", "note x #\nend groups", 1));
    let said = load(&record).unwrap_err().to_string();
    assert!(said.contains("a record of this version"), "{said}");
}

#[test]
fn a_later_minor_version_may_not_change_what_is_known() {
    let text = later();
    for (from, to) in [
        ("  match public-key", "  match name"),
        ("server keys-1 claimed", "server keys-1 perhaps"),
        ("block key", "block name"),
        ("  zone blue", "  name blue..example"),
    ] {
        let text = fitting(&text.replacen(from, to, 1));
        let line = 1 + text.lines().position(|line| line.starts_with(to)).unwrap();
        let said = load(&text).unwrap_err().to_string();
        assert!(said.contains(&format!("line {line}")), "{to}: {said}");
    }
}

#[test]
fn a_later_major_version_is_refused_whatever_follows() {
    for text in [
        later().replacen("store 1.7", "store 3.0", 1),
        "mutual-trust store 4294967295.1\nanything".into(),
    ] {
        let error = load(&text).unwrap_err();
        assert!(
            matches!(error, StoreFileError::NewerVersion { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("newer firmware"));
    }
    for odd in ["1", "01.0", "1.00", "+1.0", "1.0 ", "4294967296.0", "0.1"] {
        let text = later().replacen("store 1.7", &format!("store {odd}"), 1);
        let error = load(&text).unwrap_err();
        assert!(
            matches!(error, StoreFileError::Line { line: 1, .. }),
            "{odd}: {error}"
        );
    }
}
