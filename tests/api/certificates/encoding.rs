//! Each value has exactly one encoding in DER: lengths, tags and booleans (rule I4).

use mutual_trust::certificate::Certificate;
use mutual_trust::error::CertificateError as E;

use crate::certificates::common::*;
use crate::support::der::{Body, Der, tree, wrap};
use crate::support::fixture;

/// All lengths that DER does not allow (X.690 section 10.1), including the indefinite form.
fn other_lengths(tag: u8, content: &[u8]) -> Vec<Vec<u8>> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let mut forms = vec![
        [&[tag, 0x83], &length[1..], content].concat(),
        [&[tag, 0x84], &length[..], content].concat(),
    ];
    if content.len() < 0x100 {
        forms.push([&[tag, 0x82], &length[2..], content].concat());
    }
    if content.len() < 0x80 {
        forms.push([&[tag, 0x81], &length[3..], content].concat());
    }
    if tag & 0x20 != 0 {
        forms.push([&[tag, 0x80], content, &[0, 0]].concat());
    }
    forms
}

#[test]
fn no_length_but_the_shortest_is_read_anywhere() {
    for name in ["chain-server", "v1"] {
        let der = tree(&fixture(name));
        for path in der.paths() {
            // The number of forms depends on the value, so it is counted once.
            let count = std::cell::Cell::new(0);
            der.write_with(&path, &|tag, content| {
                count.set(other_lengths(tag, content).len());
                Vec::new()
            });
            for form in 0..count.get() {
                let bytes = der.write_with(&path, &|tag, content| {
                    other_lengths(tag, content).swap_remove(form)
                });
                let result = Certificate::from_der(&bytes);
                assert_is!(
                    result,
                    E::Malformed {
                        field: "encoding",
                        offset: Some(_),
                        ..
                    }
                );
            }
        }
    }
}

#[test]
fn no_length_but_the_shortest_is_read_inside_an_extension() {
    for (name, last) in with_extensions() {
        let value = Der::read(tree(&fixture(name)).extension_value(last));
        for path in value.paths() {
            for form in 0..2 {
                let bytes = value.write_with(&path, &|tag, content| {
                    other_lengths(tag, content).swap_remove(form)
                });
                let result = edited(name, |der| *der.extension_value(last) = bytes);
                assert_is!(result, E::Malformed { field: found, .. } if *found == field(last));
            }
        }
    }
}

#[test]
fn the_offset_of_an_error_leads_to_the_value_that_is_wrong() {
    let der = tree(&fixture("chain-server"));
    // The second validity time, with a length of two bytes.
    let mut place = None;
    let bytes = der.write_with(&[0, 4, 1], &|tag, content| {
        let length = u8::try_from(content.len()).unwrap();
        [&[tag, 0x81, length], content].concat()
    });
    for at in 0..bytes.len() - 1 {
        if bytes[at..at + 2] == [0x18, 0x81] || bytes[at..at + 2] == [0x17, 0x81] {
            place = Some(at);
            break;
        }
    }
    assert_is!(
        Certificate::from_der(&bytes),
        E::Malformed { offset, .. } if offset.is_some() && *offset == place
    );
}

/// Whether any value is allowed at a path: the value of an attribute of a name, the parameters of an algorithm.
fn is_open(certificate: &str, path: &[usize]) -> bool {
    // Version 1 has no version field, so all fields are one position earlier.
    let field = |number: usize| number - usize::from(certificate == "v1");
    match path {
        [0, at, _, _, 1] => *at == field(3) || *at == field(5),
        [0, at, 1] => *at == field(2),
        [0, at, 0, 1] => *at == field(6),
        [1, 1] => true,
        _ => false,
    }
}

#[test]
fn a_value_is_constructed_if_its_type_is_and_primitive_if_not() {
    // X.690 sections 8.9.1, 8.11.1 and 10.2. Otherwise one certificate would have many encodings and fingerprints.
    let mut accepted = Vec::new();
    for name in WHOLE.iter().chain(&["v1"]) {
        let der = tree(&fixture(name));
        for path in der.paths() {
            let changed = der.write_with(&path, &|tag, content| wrap(tag ^ 0x20, content));
            if Certificate::from_der(&changed).is_ok() {
                accepted.push(format!("{name} {path:?}"));
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn a_tag_of_another_class_is_another_tag() {
    // X.690 section 8.1.2.2: the two highest bits.
    let mut accepted = Vec::new();
    for name in WHOLE.iter().chain(&["v1"]) {
        let der = tree(&fixture(name));
        for path in der.paths() {
            if is_open(name, &path) {
                continue;
            }
            for class in [0x40, 0x80, 0xc0] {
                let changed = der.write_with(&path, &|tag, content| wrap(tag ^ class, content));
                if Certificate::from_der(&changed).is_ok() {
                    accepted.push(format!("{name} {path:?} {class:#x}"));
                }
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn inside_an_extension_too_a_tag_is_exactly_that_tag() {
    let mut accepted = Vec::new();
    for (name, last) in with_extensions() {
        let value = Der::read(tree(&fixture(name)).extension_value(last));
        for path in value.paths() {
            // A directory name has values of any type.
            if last == 35 && path.len() > 2 {
                continue;
            }
            for bits in [0x20, 0x40, 0x80, 0xc0] {
                let changed = value.write_with(&path, &|tag, content| wrap(tag ^ bits, content));
                if edited(name, |der| *der.extension_value(last) = changed).is_ok() {
                    accepted.push(format!("{name} {} {path:?} {bits:#x}", field(last)));
                }
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn what_a_wrong_tag_holds_is_not_passed_over_unread() {
    // A body or list of extensions with a primitive tag must not hide its contents: here, a length that is not the
    // shortest.
    fn stretched(content: &[u8]) -> Vec<u8> {
        let (tag, rest) = (content[0], &content[1..]);
        let (length, header) = match rest[0] {
            0x81 => (u32::from(rest[1]), 2),
            0x82 => (u32::from(rest[1]) << 8 | u32::from(rest[2]), 3),
            short => (u32::from(short), 1),
        };
        [&[tag, 0x84], &length.to_be_bytes()[..], &rest[header..]].concat()
    }
    let der = tree(&fixture("chain-server"));
    let mut accepted = Vec::new();
    for path in der.paths() {
        if path.len() > 3
            || path.is_empty()
            || !matches!(der.clone().at(&path).body, Body::Parts(_))
        {
            continue;
        }
        for bits in [0x00, 0x20] {
            let changed =
                der.write_with(&path, &|tag, content| wrap(tag ^ bits, &stretched(content)));
            if Certificate::from_der(&changed).is_ok() {
                accepted.push(format!("{path:?} {bits:#x}"));
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn true_has_one_form_in_der() {
    // X.690 section 11.1: all bits are set.
    let critical = edited("ca-root", |der| {
        *der.extension(19).list()[1].content() = vec![0x01];
    });
    assert!(critical.is_err(), "critical: {critical:?}");
    let ca = edited("ca-root", |der| {
        *der.extension_value(19) = vec![0x30, 0x03, 0x01, 0x01, 0x01];
    });
    assert!(ca.is_err(), "cA: {ca:?}");
}
