//! Damage of any kind is refused, with the line and what should stand there.

use mutual_trust::error::{StoreError, StoreFileError};
use mutual_trust::store::Slot;

use crate::durable::common::*;
use crate::support::facts::facts;

#[test]
fn any_change_of_any_byte_is_refused() {
    let text = text_of(small().contents());
    for at in 0..text.len() {
        // A bit, the case of a letter, another digit, a line end, no text at all.
        for change in [0x01, 0x20, 0x03, b'\n', 0x80] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= change;
            let read = mutual_trust::admin::file::read(&bytes, crate::support::keys(), None);
            assert!(read.is_err(), "byte {at} by {change:#x}");
        }
    }
}

#[test]
fn any_cut_any_doubled_and_any_missing_line_is_refused() {
    let text = text_of(small().contents());
    for end in 0..text.len() {
        assert!(load(&text[..end]).is_err(), "cut at {end}");
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for at in 0..lines.len() {
        let mut missing = lines.clone();
        missing.remove(at);
        assert!(load(&missing.concat()).is_err(), "without line {at}");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        assert!(load(&doubled.concat()).is_err(), "twice line {at}");
    }
    assert!(load(&format!("{text}\n")).is_err());
    assert!(load(&format!("{text}{text}")).is_err());
}

/// An attacker who can make the checks and the digest fit cannot make the file say two things either.
#[test]
fn a_file_with_fitting_checks_is_still_held_to_its_one_form() {
    let text = text_of(filled().contents());
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut refused = 0;
    for at in 1..lines.len() - 1 {
        // Two lines change places, or one stands twice, or one is missing.
        lines.swap(at, at - 1);
        let swapped = fitting(&lines.concat());
        lines.swap(at, at - 1);
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        for (how, text) in [
            ("swapped", swapped),
            ("doubled", fitting(&doubled.concat())),
        ] {
            let error = load(&text).err();
            assert!(error.is_some(), "{how} at {at}: {text}");
            refused += 1;
        }
    }
    assert!(refused > 200);
}

#[test]
fn an_error_names_the_line_and_what_should_stand_there() {
    let text = text_of(filled().contents());
    let line = |start: &str| line_of(&text, start);
    let edit = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let cases: Vec<(String, usize, &str)> = vec![
        (
            edit("server keys-1 claimed", "server keys-1 unclaimed"),
            line("server keys-1"),
            "check",
        ),
        (
            edit("  name 192.0.2.7", "  nam 192.0.2.7"),
            line("  name 192"),
            "a field of this record",
        ),
        (
            edit("  name 192.0.2.7", "  name 192.0.2.777"),
            line("  name 192"),
            "a name",
        ),
        (
            edit("  match public-key", "  match key"),
            line("  match"),
            "match public-key",
        ),
        (
            edit("  role any", "  role some"),
            line("  role"),
            "role any",
        ),
        (
            edit("  validity enforce", "  validity no"),
            line("  validity enf"),
            "validity enforce",
        ),
        (
            edit("  ends 2027", "  ends 2027-"),
            line("  ends"),
            "a time",
        ),
        (
            edit("  san dns:*", "  san dns*"),
            line("  san"),
            "a pattern",
        ),
        (
            edit("  installed 2027", "  installed 20277"),
            line("  installed"),
            "a time",
        ),
        (edit("  by alice", "  by"), 0, ""),
        (
            edit("mutual-trust store 1.0", "mutual-trust store one"),
            1,
            "mutual-trust store 2.1",
        ),
        (
            edit("mutual-trust store 1.0", "mutual-trust store 0.9"),
            1,
            "mutual-trust store 2.1",
        ),
        (
            edit("digest sha256", "digest sha1"),
            line("digest"),
            "digest sha256",
        ),
    ];
    for (text, line, wanted) in cases {
        let error = load(&text).unwrap_err();
        let said = error.to_string();
        if line > 0 {
            assert!(
                said.contains(&format!("line {line}")),
                "{said}, not in line {line}"
            );
        }
        assert!(said.contains(wanted), "{said}, without {wanted}");
    }
}

#[test]
fn what_does_not_belong_in_a_record_is_named() {
    let text = text_of(filled().contents());
    let section = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for start in ["generation ", "group ", "server ", "block "] {
        let head = text.lines().find(|line| line.starts_with(start)).unwrap();
        for (more, said) in [
            (section, "no PEM section in this record"),
            ("  colour red\n", "a field of this record"),
        ] {
            let with = text.replacen(&format!("{head}\n"), &format!("{head}\n{more}"), 1);
            let error = load(&fitting(&with)).unwrap_err().to_string();
            assert!(error.contains(said), "{start}: {error}");
        }
    }
}

#[test]
fn each_kind_of_damage_has_its_error() {
    use StoreFileError as E;
    let text = text_of(filled().contents());
    let digest_at = text.find("digest sha256 ").unwrap() + "digest sha256 ".len();
    let mut other_digest = text.clone();
    let digit = if text.as_bytes()[digest_at] == b'0' {
        "1"
    } else {
        "0"
    };
    other_digest.replace_range(digest_at..=digest_at, digit);
    let cut = text.find("server keys-2").unwrap();
    type Expected = fn(&E) -> bool;
    let cases: Vec<(String, Expected)> = vec![
        (String::new(), |e| matches!(e, E::Empty)),
        ("\n".into(), |e| matches!(e, E::Line { line: 1, .. })),
        (text.replace("site-a", "site-\u{202e}a"), |e| {
            matches!(e, E::NotText { .. })
        }),
        (text.replacen("claimed", "claimet", 1), |e| {
            matches!(e, E::ChecksumMismatch { .. })
        }),
        (text[..cut].into(), |e| matches!(e, E::Truncated { .. })),
        (text[..cut + 5].into(), |e| matches!(e, E::Truncated { .. })),
        (other_digest, |e| matches!(e, E::Digest)),
        (text.replacen("1.0", "3.0", 1), |e| {
            matches!(
                e,
                E::NewerVersion {
                    major: 3,
                    known: 2,
                    ..
                }
            )
        }),
        (format!("{text}more\n"), |e| matches!(e, E::Line { .. })),
        (format!("{text}seal !\n"), |e| matches!(e, E::Line { .. })),
    ];
    for (text, expected) in cases {
        let error = load(&text).unwrap_err();
        assert!(expected(&error), "{error:?}");
    }
    let said = load(&fitting(&text.replacen("blocks 4", "blocks 5", 1)))
        .unwrap_err()
        .to_string();
    let end = line_of(&text, "end groups");
    assert!(
        said.contains(&format!("line {end}")) && said.contains("blocks 4"),
        "{said}"
    );
    let mut bytes = text.into_bytes();
    let at = bytes.iter().filter(|byte| **byte == b'\n').count();
    *bytes.last_mut().unwrap() = 0xff;
    let error = mutual_trust::admin::file::read(&bytes, crate::support::keys(), None).unwrap_err();
    assert!(
        matches!(error, E::NotText { line, .. } if line == at),
        "{error:?}"
    );
}

/// With fitting checks, what one line says against another is an error of its own.
#[test]
fn lines_that_contradict_each_other_are_refused() {
    use StoreError as E;
    let text = text_of(filled().contents());
    type Expected = fn(&StoreError) -> bool;
    let cases: Vec<(String, &str, Expected)> = vec![
        // P2: who holds a pin is claimed.
        (
            text.replacen("server keys-1 claimed", "server keys-1 unclaimed", 1),
            "pin server keys-1",
            |e| matches!(e, E::NotClaimed { .. }),
        ),
        (
            text.replacen(
                "keys-2 migrating until 2027-01-31T00:00:00Z",
                "keys-2 unclaimed",
                1,
            ),
            "pin group site-a",
            |e| matches!(e, E::NotClaimed { .. }),
        ),
        (
            text.replacen("group empty", "group site-a", 1),
            "group site-a",
            |e| matches!(e, E::GroupExists(_)),
        ),
        (
            text.replacen("server keys-3", "server keys-2", 1),
            "server keys-2",
            |e| matches!(e, E::ServerExists(_)),
        ),
        (
            text.replacen("name kms2.example", "name kms1.example", 1),
            "server keys-2",
            |e| matches!(e, E::NameTaken { .. }),
        ),
        (
            text.replacen("  group site-a", "  group site-b", 1),
            "server keys-2",
            |e| matches!(e, E::UnknownGroup(_)),
        ),
        (
            text.replacen("pin server keys-1", "pin server keys-9", 1),
            "pin server keys-9",
            |e| matches!(e, E::UnknownServer(_)),
        ),
    ];
    for (text, line, expected) in cases {
        let text = fitting(&text);
        let error = load(&text).unwrap_err();
        let StoreFileError::Contradiction {
            line: found,
            source,
            ..
        } = &error
        else {
            panic!("{error:?}");
        };
        assert!(expected(source), "{error}");
        let named = text.lines().nth(found - 1).unwrap();
        assert!(named.starts_with(line), "{named}, not {line}");
    }
}

#[test]
fn a_certificate_that_is_not_the_one_of_its_line_is_refused() {
    let store = filled();
    let text = text_of(store.contents());
    let entry = store.contents().entries()[0].clone();
    let installed = entry.certificate().unwrap().to_pem();
    let other = fitting(&text.replacen(&installed, &pin("another").to_pem(), 1));
    let said = load(&other).unwrap_err().to_string();
    assert!(said.contains(&entry.fingerprint().to_string()), "{said}");
    // Of a pin, the fingerprint is enough; of a CA it is not.
    let mut entries = store.contents().entries().into_iter();
    let authority = entries
        .find(|entry| entry.slot() == Slot::Authority)
        .unwrap();
    let installed = authority.certificate().unwrap().to_pem();
    let none = fitting(&text.replacen(&installed, "", 1));
    let said = load(&none).unwrap_err().to_string();
    assert!(said.contains("a certificate below it"), "{said}");
    // Slots have their scopes: there is no pin for any server.
    for (from, to) in [
        ("authority any-server", "pin any-server"),
        ("authority any-server", "intermediate any-server"),
        ("pin group site-a", "authority group site-a"),
        ("pin clients", "intermediate clients"),
    ] {
        let text = fitting(&text.replacen(from, to, 1));
        let said = load(&text).unwrap_err().to_string();
        assert!(said.contains("a slot, a scope that it has"), "{said}");
    }
}

#[test]
fn a_generation_that_could_not_grow_is_refused() {
    let store = filled();
    let text = text_of(store.contents());
    let now = format!("generation {}", store.contents().generation());
    let most = fitting(&text.replacen(&now, &format!("generation {}", (1_u64 << 62) - 1), 1));
    assert!(load(&most).is_ok());
    for more in [1 << 62, u64::MAX] {
        let text = fitting(&text.replacen(&now, &format!("generation {more}"), 1));
        let said = load(&text).unwrap_err().to_string();
        assert!(said.contains("a number below 2^62"), "{more}: {said}");
    }
    assert_eq!(
        facts(load(&text).unwrap().store.contents()),
        facts(store.contents())
    );
}
