//! Certificates with one change in their DER: malformed ones are refused (rule I4).

use mutual_trust::certificate::{Certificate, KeyKind};
use mutual_trust::error::{CertificateError as E, KeyRefusal};
use mutual_trust::limits::{
    MAX_DER_DEPTH, MAX_EXTENSIONS, MAX_SERIAL_BYTES, MAX_SUBJECT_ALT_NAMES,
};
use rcgen::{CustomExtension, SerialNumber};

use crate::certificates::common::*;
use crate::support::der::{
    Body, Der, INTEGER, NULL, OCTETS, OID, SEQUENCE, bytes, parts, tree, wrap,
};
use crate::support::pki::spec;
use crate::support::{fixture, keys};

#[test]
fn extensions_need_version_3() {
    // RFC 5280 section 4.1.2.9.
    let version = |number: u8| parts(0xa0, vec![bytes(INTEGER, &[number])]);
    let version_1 = edited("ca-false", |der| {
        der.at(&[0]).list().remove(0);
    });
    assert_is!(version_1, E::ExtensionsNeedVersion3);
    for number in [0, 1] {
        let result = edited("ca-false", |der| *der.field(0) = version(number));
        assert_is!(result, E::ExtensionsNeedVersion3);
    }
    // An empty list of extensions still counts as one, and RFC 5280 does not allow it.
    let empty = |der: &mut Der| {
        let list = parts(0xa3, vec![parts(SEQUENCE, Vec::new())]);
        der.at(&[0]).list().push(list);
    };
    assert!(edited("v1", empty).is_err());
}

#[test]
fn a_version_that_does_not_exist_or_is_written_out_as_the_default_is_refused() {
    // X.690 section 11.5: a default is not encoded.
    for number in [0, 3, 4, 127] {
        let result = edited("v1", |der| {
            let version = parts(0xa0, vec![bytes(INTEGER, &[number])]);
            der.at(&[0]).list().insert(0, version);
        });
        assert_is!(result, E::Malformed { .. });
    }
    // Version 2 has no extensions, but may be stated.
    let result = edited("v1", |der| {
        let version = parts(0xa0, vec![bytes(INTEGER, &[1])]);
        der.at(&[0]).list().insert(0, version);
    });
    assert_eq!(result.unwrap().version(), 2);
}

#[test]
fn the_signature_algorithm_inside_must_be_the_one_outside() {
    // RFC 5280 section 4.1.1.2.
    const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
    let outside = edited("ca-false", |der| {
        *der.at(&[1, 0]).content() = ECDSA_SHA384.to_vec();
    });
    assert_is!(outside, E::SignatureAlgorithmMismatch);
    let inside = edited("ca-false", |der| {
        *der.field(2).at(&[0]).content() = ECDSA_SHA384.to_vec();
    });
    assert_is!(inside, E::SignatureAlgorithmMismatch);
    // The same algorithm with other parameters.
    let parameters = edited("ee-rsa2048", |der| {
        der.at(&[1]).list().pop();
    });
    assert_is!(parameters, E::SignatureAlgorithmMismatch);
    let both = edited("ca-false", |der| {
        *der.at(&[1, 0]).content() = ECDSA_SHA384.to_vec();
        *der.field(2).at(&[0]).content() = ECDSA_SHA384.to_vec();
    });
    assert_eq!(both.unwrap().signature_algorithm(), "1.2.840.10045.4.3.3");
}

#[test]
fn a_period_that_ends_before_it_begins_is_refused() {
    let reversed = edited("ca-false", |der| der.field(4).list().reverse());
    assert_is!(reversed, E::ValidityReversed);
    // A period of one second is valid.
    let moment = edited("ca-false", |der| {
        let from = der.field(4).list()[0].clone();
        der.field(4).list()[1] = from;
    });
    let validity = moment.unwrap().validity();
    assert_eq!(validity.not_before(), validity.not_after());
}

#[test]
fn an_extension_that_stands_twice_is_named_with_its_number() {
    // RFC 5280 section 4.2. Also an unknown extension, and with other content.
    for (name, last, oid, index) in [
        ("chain-server", 19, "2.5.29.19", 6),
        ("chain-server", 17, "2.5.29.17", 6),
        ("ca-root", 15, "2.5.29.15", 3),
    ] {
        let result = edited(name, |der| {
            let again = der.extension(last).clone();
            der.extensions().push(again);
        });
        assert_is!(
            result,
            E::DuplicateExtension { oid: found, index: at, .. } if found == oid && *at == index
        );
    }
    let unknown = edited("unknown-critical-extension", |der| {
        let mut again = der.extensions().last().unwrap().clone();
        *again.list().last_mut().unwrap().content() = vec![0x05, 0x00];
        der.extensions().insert(0, again);
    });
    assert_is!(unknown, E::DuplicateExtension { oid, .. } if oid == "1.2.3.4.5.6");
}

#[test]
fn leftovers_at_the_end_of_the_certificate_and_of_its_body_are_refused() {
    for name in WHOLE.iter().chain(&["v1"]) {
        for path in [&[][..], &[0]] {
            for more in [
                bytes(NULL, &[]),
                bytes(OCTETS, b"x"),
                parts(SEQUENCE, Vec::new()),
            ] {
                let result = edited(name, |der| der.at(path).list().push(more));
                assert_is!(result, E::Malformed { .. });
            }
        }
    }
}

#[test]
fn a_value_too_many_is_refused_in_every_part_of_a_certificate() {
    // I4: malformed DER. No structure of a certificate may end with a NULL.
    let mut accepted = Vec::new();
    for name in WHOLE.iter().chain(&["v1"]) {
        let der = tree(&fixture(name));
        for path in der.paths() {
            let mut changed = der.clone();
            let Body::Parts(list) = &mut changed.at(&path).body else {
                continue;
            };
            list.push(bytes(NULL, &[]));
            if Certificate::from_der(&changed.write()).is_ok() {
                accepted.push(format!("{name} {path:?}"));
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn bytes_behind_the_value_of_an_extension_are_refused_with_its_name() {
    for (name, last) in with_extensions() {
        for more in [&[0x00][..], &[0x05, 0x00]] {
            let result = edited(name, |der| der.extension_value(last).extend(more));
            assert_is!(result, E::Malformed { field: found, .. } if *found == field(last));
        }
        let result = edited(name, |der| der.extension_value(last).clear());
        assert_is!(result, E::Malformed { field: found, .. } if *found == field(last));
        let result = edited(name, |der| {
            der.extension_value(last).pop();
        });
        assert_is!(result, E::Malformed { field: found, .. } if *found == field(last));
    }
}

#[test]
fn a_value_too_many_is_refused_inside_every_extension_that_is_read() {
    let mut accepted = Vec::new();
    for (name, last) in with_extensions() {
        let value = Der::read(tree(&fixture(name)).extension_value(last));
        for path in value.paths() {
            let mut changed = value.clone();
            let Body::Parts(list) = &mut changed.at(&path).body else {
                continue;
            };
            list.push(bytes(NULL, &[]));
            let result = edited(name, |der| *der.extension_value(last) = changed.write());
            if result.is_ok() {
                accepted.push(format!("{name} {} {path:?}", field(last)));
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn an_extension_that_cannot_be_read_is_not_an_extension_that_is_absent() {
    // Another type in place of each field. If it were skipped, a CA would have no constraints.
    for (name, last) in with_extensions() {
        for other in [
            &[0x05, 0x00][..],
            &[0x02, 0x01, 0x05],
            &[0x30, 0x03, 0x02, 0x01, 0x05],
        ] {
            let result = edited(name, |der| *der.extension_value(last) = other.to_vec());
            // A basicConstraints may have a path length and no CA; an authorityKeyIdentifier has optional parts only;
            // an extKeyUsage is a list. Other tests cover leftover values there.
            if matches!(last, 19 | 35 | 37) && other[0] == 0x30 {
                continue;
            }
            assert!(result.is_err(), "{name} {}: {other:02x?}", field(last));
        }
    }
}

#[test]
fn name_constraints_that_cannot_be_read_are_refused() {
    let ca = spec("limited").ca().permit_dns("example").self_signed();
    let with = |value: &[u8]| {
        let mut der = tree(&ca.certificate);
        *der.extension_value(30) = value.to_vec();
        Certificate::from_der(&der.write())
    };
    let good = tree(&ca.certificate).extension_value(30).clone();
    assert!(with(&good).is_ok());
    for bad in [
        [&good[..], &[0]].concat(),
        [&good[..], &[5, 0]].concat(),
        good[..good.len() - 1].to_vec(),
        Vec::new(),
        vec![5, 0],
    ] {
        assert_is!(
            with(&bad),
            E::Malformed {
                field: "nameConstraints",
                ..
            }
        );
    }
}

#[test]
fn the_bit_string_of_the_signature_is_whole_bytes() {
    // Also if the unused bits are zero, as DER requires (X.690 section 11.2.1).
    for last in [0xff, 0x00] {
        let result = edited("ca-false", |der| {
            let signature = der.at(&[2]).content();
            signature[0] = 1;
            *signature.last_mut().unwrap() = last;
        });
        assert_is!(result, E::Malformed { .. });
    }
}

#[test]
fn counts_are_bounded_and_the_bound_itself_is_allowed() {
    let with_extensions = |count: usize| {
        let made = spec("many").params(|params| {
            // The certificate already has a basicConstraints, a subject key identifier and a key usage.
            for number in 0..count {
                let oid = [1, 2, 3, 4, u64::try_from(number).unwrap()];
                let extension = CustomExtension::from_oid_content(&oid, vec![5, 0]);
                params.custom_extensions.push(extension);
            }
        });
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = None;
        let _spec = made.params(|found| params = Some(found.clone()));
        let certificate = params.unwrap().self_signed(&key).unwrap();
        let mut der = Der::read(certificate.der());
        (
            der.extensions().len(),
            Certificate::from_der(certificate.der()),
        )
    };
    let (there, _) = with_extensions(0);
    let (count, result) = with_extensions(MAX_EXTENSIONS - there);
    assert_eq!(count, MAX_EXTENSIONS);
    assert!(result.is_ok());
    let (_, result) = with_extensions(MAX_EXTENSIONS - there + 1);
    assert_is!(
        result,
        E::TooManyExtensions { count, limit: MAX_EXTENSIONS, .. } if *count == MAX_EXTENSIONS + 1
    );

    let with_names = |count: usize| {
        edited("ca-false", |der| {
            let names = vec![bytes(0x82, b"a"); count];
            *der.extension_value(17) = parts(SEQUENCE, names).write();
        })
    };
    let read = with_names(MAX_SUBJECT_ALT_NAMES).unwrap();
    assert_eq!(read.names().count(), MAX_SUBJECT_ALT_NAMES);
    assert_is!(
        with_names(MAX_SUBJECT_ALT_NAMES + 1),
        E::TooManyNames { count, limit: MAX_SUBJECT_ALT_NAMES, .. }
            if *count == MAX_SUBJECT_ALT_NAMES + 1
    );

    let with_serial = |length: usize| {
        edited("ca-false", |der| {
            *der.field(1) = bytes(INTEGER, &vec![0x11; length])
        })
    };
    assert!(with_serial(MAX_SERIAL_BYTES).is_ok());
    for length in [0, MAX_SERIAL_BYTES + 1] {
        assert!(with_serial(length).is_err(), "{length}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let mut value = parts(SEQUENCE, Vec::new());
        for _ in 0..depth {
            value = parts(SEQUENCE, vec![value]);
        }
        value
    };
    // As parameters of the key's algorithm, where any value is allowed.
    let result = edited("ca-false", |der| {
        der.field(6).at(&[0]).list()[1] = nested(MAX_DER_DEPTH);
    });
    assert_is!(
        result,
        E::Malformed {
            field: "encoding",
            offset: Some(_),
            ..
        }
    );
    // Nested so deeply that a reader without a limit would overflow its stack, at the top level and in an extension.
    let mut deep = vec![0x30, 0x00];
    while deep.len() < 60_000 {
        deep = wrap(SEQUENCE, &deep);
    }
    assert!(Certificate::from_der(&deep).is_err());
    for last in [17, 19] {
        let result = edited("ca-false", |der| *der.extension_value(last) = deep.clone());
        assert_is!(result, E::Malformed { field: found, .. } if *found == field(last));
    }
}

#[test]
fn a_key_that_cannot_be_read_is_refused_and_an_unknown_one_is_read() {
    let garbage = edited("ee-rsa2048", |der| {
        let key = der.field(6).at(&[1]).content();
        *key = vec![0, 0x05, 0x00];
    });
    assert_is!(
        garbage,
        E::Malformed {
            field: "subject public key",
            ..
        }
    );
    // The key policy refuses unknown algorithms.
    let unknown = edited("ca-false", |der| {
        *der.field(6).at(&[0]) = parts(SEQUENCE, vec![bytes(OID, &[0x2a, 0x03])]);
    });
    assert_eq!(unknown.unwrap().key_kind(), KeyKind::Other);
}

#[test]
fn an_rsa_key_is_judged_by_the_bits_of_its_modulus() {
    let judged = |modulus: &[u8]| {
        let numbers = vec![bytes(INTEGER, modulus), bytes(INTEGER, &[1, 0, 1])];
        let key = [vec![0], parts(SEQUENCE, numbers).write()].concat();
        let certificate = edited("ee-rsa2048", |der| *der.field(6).at(&[1]).content() = key);
        keys().check(&certificate.unwrap())
    };
    let whole_bytes = |count: usize| [vec![0], vec![0xff; count]].concat();
    assert!(judged(&whole_bytes(2048 / 8)).is_ok());
    assert!(judged(&whole_bytes(8192 / 8)).is_ok());
    assert_is!(
        judged(&[0x7f; 2048 / 8]),
        KeyRefusal::Weak {
            key: KeyKind::Rsa { bits: 2047, .. },
            min_bits: 2048,
            ..
        }
    );
    assert_is!(
        judged(&[&[1][..], &[0xff; 8192 / 8]].concat()),
        KeyRefusal::Unsupported {
            key: KeyKind::Rsa { bits: 8193, .. },
            ..
        }
    );
}

#[test]
fn a_long_serial_number_of_a_real_tool_is_read() {
    let made = spec("serial").params(|params| {
        params.serial_number = Some(SerialNumber::from(vec![0x7f; 20]));
    });
    assert_eq!(made.self_signed().certificate.serial(), [0x7f; 20]);
}

#[test]
fn every_field_has_the_tag_of_the_grammar() {
    // RFC 5280 section 4.1. Paths in the signed part, and what they are.
    const UTF8: u8 = 0x0c;
    let places: [(&[usize], &str); 13] = [
        (&[0, 0], "version"),
        (&[1], "serial number"),
        (&[3, 0, 0, 0], "issuer"),
        (&[3, 0, 0], "issuer"),
        (&[3, 0], "issuer"),
        (&[4, 0], "validity"),
        (&[4, 1], "validity"),
        (&[5, 0, 0, 0], "subject"),
        (&[6, 0, 0], "subject public key"),
        (&[6, 1], "subject public key"),
        (&[7, 0, 0, 0], "extensions"),
        (&[7, 0, 0], "extensions"),
        (&[7, 0], "extensions"),
    ];
    for name in ["ca-root", "chain-server", "ee-rsa2048"] {
        for (place, expected) in places {
            let other = |tag: u8| match tag {
                SEQUENCE => 0x31,
                0x31 => SEQUENCE,
                _ => UTF8,
            };
            let result = edited(name, |der| {
                let part = der.at(&[0]).at(place);
                part.tag = other(part.tag);
            });
            assert_is!(result, E::Malformed { field, .. } if *field == expected);
        }
        // In both fields, so that only the tag is wrong.
        let result = edited(name, |der| {
            der.at(&[1, 0]).tag = UTF8;
            der.field(2).at(&[0]).tag = UTF8;
        });
        assert_is!(result, E::Malformed { field, .. } if *field == "signature algorithm");
        let result = edited(name, |der| der.at(&[2]).tag = OCTETS);
        assert_is!(result, E::Malformed { field, .. } if *field == "signature");
        let value = edited(name, |der| {
            der.extensions()[0].list().last_mut().unwrap().tag = UTF8;
        });
        assert_is!(value, E::Malformed { field, .. } if *field == "extensions");
    }
}

#[test]
fn a_unique_identifier_is_a_bit_string_and_needs_version_2() {
    // RFC 5280 section 4.1.2.8, BIT STRING in X.690 section 11.2.
    let with = |version: Option<u8>, tag: u8, content: &[u8]| {
        edited("v1", |der| {
            let body = der.at(&[0]).list();
            body.push(bytes(tag, content));
            if let Some(version) = version {
                body.insert(0, parts(0xa0, vec![bytes(INTEGER, &[version])]));
            }
        })
    };
    for tag in [0x81, 0x82] {
        assert_is!(with(None, tag, &[0, 1]), E::Malformed { field, .. } if field.starts_with("unique identifier"));
        for content in [&[0][..], &[0, 1], &[7, 0x80]] {
            assert_eq!(with(Some(1), tag, content).unwrap().version(), 2);
        }
        for content in [&[][..], &[8, 1], &[1]] {
            assert_is!(with(Some(1), tag, content), E::Malformed { field, .. } if *field == "unique identifier");
        }
    }
}

#[test]
fn what_stands_in_a_name_of_another_form_is_der() {
    // otherName (RFC 5280 section 4.2.1.6) with a value that states a longer length than it has.
    let named = |value: &[u8]| {
        let other = [&[0xa0, 7, 6, 1, 0x2a][..], value].concat();
        edited("chain-server", |der| {
            *der.extension_value(17) = [&[0x30, 9][..], &other].concat();
        })
    };
    assert!(named(&[0xa0, 2, 0x05, 0x00]).is_ok());
    assert_is!(named(&[0xa0, 2, 0x05, 0x01]), E::Malformed { field, .. } if *field == "subjectAltName");
    // It must begin with an identifier.
    let unnamed = edited("chain-server", |der| {
        *der.extension_value(17) = vec![0x30, 9, 0xa0, 7, 4, 1, 0x2a, 0xa0, 2, 0x05, 0x00];
    });
    assert_is!(unnamed, E::Malformed { field, .. } if *field == "subjectAltName");
}

#[test]
fn constraints_on_names_have_their_grammar() {
    // RFC 5280 section 4.2.1.10: permitted before excluded, each once; a subtree is a base and two distances.
    let constrained = |value: &[u8]| {
        edited("ca-root", |der| {
            let oid = bytes(OID, &[0x55, 0x1d, 30]);
            let extension = parts(SEQUENCE, vec![oid, bytes(OCTETS, value)]);
            der.extensions().push(extension);
        })
    };
    let subtree = |more: &[u8]| wrap(SEQUENCE, &[&[0x82, 1, b'x'][..], more].concat());
    let lists = |lists: &[(u8, &[u8])]| {
        let lists = lists.iter().map(|(tag, more)| wrap(*tag, &subtree(more)));
        wrap(SEQUENCE, &lists.collect::<Vec<_>>().concat())
    };
    for good in [
        lists(&[(0xa0, &[])]),
        lists(&[(0xa1, &[])]),
        lists(&[(0xa0, &[]), (0xa1, &[])]),
        lists(&[(0xa0, &[0x80, 1, 0, 0x81, 1, 7])]),
    ] {
        assert!(constrained(&good).is_ok(), "{good:02x?}");
    }
    for bad in [
        lists(&[(0xa1, &[]), (0xa0, &[])]),
        lists(&[(0xa0, &[]), (0xa0, &[])]),
        lists(&[(0xa2, &[])]),
        lists(&[(0xa0, &[0x82, 1, 0])]),
        lists(&[(0xa0, &[2, 1, 0])]),
    ] {
        let result = constrained(&bad);
        assert_is!(result, E::Malformed { field, .. } if *field == "nameConstraints");
    }
}

#[test]
fn a_key_usage_is_one_or_two_bytes_of_bits() {
    // RFC 5280 section 4.2.1.3: nine bits.
    let usage = |value: &[u8]| edited("ca-root", |der| *der.extension_value(15) = value.to_vec());
    assert!(
        usage(&[3, 2, 2, 0x04])
            .unwrap()
            .key_usage()
            .unwrap()
            .key_cert_sign()
    );
    assert!(usage(&[3, 3, 7, 0x04, 0x80]).is_ok());
    // No bits, in the form that DER requires.
    assert!(usage(&[3, 1, 0]).is_ok());
    for bad in [
        &[3, 4, 0, 4, 0, 0][..],
        &[3, 2, 8, 4],
        &[3, 1, 1],
        &[3, 0],
        &[4, 2, 2, 4],
        &[3, 2, 2, 4, 0],
    ] {
        let result = usage(bad);
        assert_is!(result, E::Malformed { field, .. } if *field == "keyUsage");
    }
}
