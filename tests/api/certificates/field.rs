//! Files that tools and devices write: they are read. Certificates that two readers would read differently are refused
//! (rule I4).

use mutual_trust::certificate::{Certificate, KeyFault, KeyKind};
use mutual_trust::error::{CertificateError as E, KeyRefusal, PemError as P};

use crate::certificates::common::*;
use crate::support::der::{Der, OCTETS, OID, SEQUENCE, bytes, parts, tree, wrap};
use crate::support::{fixture, fixture_bytes, keys};

fn field_file(name: &str) -> Result<Vec<Certificate>, E> {
    Certificate::many_from_pem(&fixture_bytes(&format!("field/{name}")))
}

fn one(name: &str) -> Result<Certificate, E> {
    Certificate::from_pem(&fixture_bytes(&format!("field/{name}.pem")))
}

/// Malformed object identifiers: padded at the start or within, empty, or unfinished.
fn no_identifiers(good: &[u8]) -> Vec<Vec<u8>> {
    let (first, rest) = good.split_first().unwrap();
    let mut unfinished = good.to_vec();
    *unfinished.last_mut().unwrap() |= 0x80;
    vec![
        [&[0x80], good].concat(),
        [&[*first, 0x80], rest].concat(),
        Vec::new(),
        unfinished,
    ]
}

macro_rules! assert_no_identifier {
    ($result:expr, $what:expr) => {{
        let what = $what;
        let error = $result.map(|_| what.clone()).expect_err(&what);
        let E::Malformed { field, offset, .. } = &error else {
            panic!("{what}: {error:?}");
        };
        assert_eq!(*field, "object identifier", "{what}");
        offset.unwrap_or_else(|| panic!("{what}: no offset"))
    }};
}

#[test]
fn a_padded_identifier_of_a_critical_extension_is_refused_at_reading() {
    // The extension would count as known by its text, but no reader would apply it.
    assert!(one("name-constraints-plain").is_ok());
    for name in [
        "name-constraints-padded",
        "name-constraints-padded-last",
        "extended-key-usage-padded",
        "pin-extended-key-usage-padded",
        "extended-key-usage-empty-identifier",
    ] {
        let error = one(name).expect_err(name);
        let E::Section { source, .. } = error else {
            panic!("{name}: {error:?}");
        };
        let offset = assert_no_identifier!(Err::<(), _>(*source), name.to_owned());
        assert!(offset > 100, "{name}: {offset}");
    }
}

#[test]
fn an_identifier_that_is_none_is_refused_wherever_it_stands() {
    let mut places = 0;
    for name in WHOLE {
        let der = tree(&fixture(name));
        for path in der.paths() {
            let mut value = der.clone();
            if value.at(&path).tag != OID {
                continue;
            }
            places += 1;
            let good = value.at(&path).content().clone();
            for bad in no_identifiers(&good) {
                let what = format!("{name} {path:?} {bad:02x?}");
                *value.at(&path).content() = bad;
                let whole = value.write();
                let offset = assert_no_identifier!(Certificate::from_der(&whole), what.clone());
                assert_eq!(whole[offset], OID, "{what}");
            }
        }
    }
    assert!(places > 60, "{places}");
}

#[test]
fn an_identifier_in_an_extension_is_one_as_well() {
    const GOOD: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    let id = |content: &[u8]| bytes(OID, content);
    let list = |all: Vec<Der>| parts(SEQUENCE, all);
    let other_name = |content: &[u8]| {
        parts(
            0xa0,
            vec![id(content), parts(0xa0, vec![bytes(0x0c, b"x")])],
        )
    };
    let attribute = |content: &[u8]| {
        let value = list(vec![id(content), bytes(0x0c, b"x")]);
        parts(0xa4, vec![list(vec![parts(0x31, vec![value])])])
    };
    let registered = |content: &[u8]| bytes(0x88, content);
    let uri = || bytes(0x86, b"http://x");
    type Make<'a> = &'a dyn Fn(&[u8]) -> Der;
    let ce = |last: u8| vec![0x55, 0x1d, last];
    let pe = |last: u8| vec![0x2b, 6, 1, 5, 5, 7, 1, last];
    let cases: &[(&str, Vec<u8>, Make<'_>)] = &[
        ("extKeyUsage", ce(37), &|x| list(vec![id(x)])),
        ("other name", ce(17), &|x| list(vec![other_name(x)])),
        ("registered id", ce(17), &|x| list(vec![registered(x)])),
        ("directory name", ce(17), &|x| list(vec![attribute(x)])),
        ("issuer's registered id", ce(18), &|x| {
            list(vec![registered(x)])
        }),
        ("constraint", ce(30), &|x| {
            list(vec![parts(0xa1, vec![list(vec![registered(x)])])])
        }),
        ("distribution point", ce(31), &|x| {
            list(vec![list(vec![parts(
                0xa0,
                vec![parts(0xa0, vec![registered(x)])],
            )])])
        }),
        ("authority's issuer", ce(35), &|x| {
            list(vec![parts(0xa1, vec![registered(x)])])
        }),
        ("policy", ce(32), &|x| list(vec![list(vec![id(x)])])),
        ("qualifier", ce(32), &|x| {
            list(vec![list(vec![
                id(GOOD),
                list(vec![list(vec![id(x), bytes(0x16, b"x")])]),
            ])])
        }),
        ("mapping", ce(33), &|x| {
            list(vec![list(vec![id(GOOD), id(x)])])
        }),
        ("access method", pe(1), &|x| {
            list(vec![list(vec![id(x), uri()])])
        }),
        ("access place", pe(11), &|x| {
            list(vec![list(vec![id(GOOD), registered(x)])])
        }),
        ("directory attribute", ce(9), &|x| {
            list(vec![list(vec![
                id(x),
                parts(0x31, vec![bytes(0x0c, b"x")]),
            ])])
        }),
        ("of an extension of others", vec![0x2a, 3], &|x| {
            list(vec![id(x)])
        }),
    ];
    for (what, extension, make) in cases {
        let with = |value: Vec<u8>| {
            edited("ca-root", |der| {
                der.extensions()
                    .retain(|one| one.clone().at(&[0]).content() != extension);
                let all = vec![bytes(OID, extension), bytes(OCTETS, &value)];
                der.extensions().push(parts(SEQUENCE, all));
            })
        };
        let good = with(make(GOOD).write());
        assert!(good.is_ok(), "{what}: {good:?}");
        for bad in no_identifiers(GOOD) {
            let what = format!("{what} {bad:02x?}");
            assert_no_identifier!(with(make(&bad).write()), what);
        }
    }
    // Other readers may understand an unknown extension whose value is not DER.
    let raw = edited("ca-root", |der| {
        let all = vec![bytes(OID, &[0x2a, 3]), bytes(OCTETS, &[6, 1, 0x80, 7])];
        der.extensions().push(parts(SEQUENCE, all));
    });
    assert!(raw.is_ok(), "{raw:?}");
}

#[test]
fn a_string_in_pieces_is_not_der() {
    // X.690 section 10.2. BER readers join the pieces, other readers read each piece.
    let pieces = |tag: u8| {
        edited("ca-root", |der| {
            let value = der.field(5).at(&[0, 0, 1]);
            let content = value.content().clone();
            *value = parts(tag | 0x20, vec![bytes(tag, &content)]);
        })
    };
    for tag in [0x0c, 0x13, 0x14, 0x16, 0x1e, OCTETS] {
        assert_is!(
            pieces(tag),
            E::Malformed {
                field: "encoding",
                ..
            }
        );
    }
}

#[test]
fn a_key_usage_without_any_use_is_read_in_each_of_its_forms() {
    // RFC 5280 section 4.2.1.3 requires at least one bit: the chain profile checks that. X.690 section 11.2.2 defines
    // the form without bits.
    for name in ["key-usage-empty", "key-usage-one-zero-bit"] {
        let usage = one(name).expect(name).key_usage().unwrap();
        assert!(
            !usage.digital_signature() && !usage.key_cert_sign() && !usage.crl_sign(),
            "{name}"
        );
    }
}

#[test]
fn a_bit_behind_the_end_of_a_key_usage_is_refused() {
    // X.690 section 11.2.1. OpenSSL and Go read the first of these without keyCertSign, other readers with it.
    for bad in [&[3, 2, 7, 0x84][..], &[3, 2, 1, 0x81], &[3, 3, 7, 0, 0xc0]] {
        let read = edited("ca-root", |der| *der.extension_value(15) = bad.to_vec());
        assert_is!(
            read,
            E::Malformed {
                field: "keyUsage",
                ..
            }
        );
    }
    for (good, signs) in [(&[3, 2, 2, 0x04][..], true), (&[3, 2, 7, 0x80], false)] {
        let read = edited("ca-root", |der| *der.extension_value(15) = good.to_vec());
        assert_eq!(read.unwrap().key_usage().unwrap().key_cert_sign(), signs);
    }
}

#[test]
fn a_key_under_which_nothing_verifies_is_refused_by_the_key_policy() {
    for (name, wanted, text) in [
        (
            "key-off-curve",
            KeyFault::OffCurve,
            "its point is not on the curve",
        ),
        (
            "key-zero",
            KeyFault::OffCurve,
            "its point is not on the curve",
        ),
        (
            "key-rsa-e1",
            KeyFault::Exponent,
            "its exponent is 1 or even",
        ),
        (
            "key-rsa-e2",
            KeyFault::Exponent,
            "its exponent is 1 or even",
        ),
        (
            "key-rsa-long-exponent",
            KeyFault::LongExponent,
            "its exponent has more than 33 bits",
        ),
        ("key-rsa-even", KeyFault::EvenModulus, "its modulus is even"),
    ] {
        let refusal = keys().check(&one(name).expect(name)).expect_err(name);
        let KeyRefusal::VerifiesNothing { fault, .. } = refusal else {
            panic!("{name}: {refusal:?}");
        };
        assert_eq!(fault, wanted, "{name}");
        let said = refusal.to_string();
        assert!(
            said.contains("verifies no signature") && said.contains(text),
            "{said}"
        );
    }
    // Not in the only accepted form of a point.
    for name in ["key-infinity", "key-compressed"] {
        assert!(one(name).is_err(), "{name}");
    }
    // Every other point, on each curve, and RSA with the exponent 3, which is in use.
    for (name, kind) in [
        ("ee-p256", KeyKind::P256),
        ("ee-p384", KeyKind::P384),
        ("ee-p521", KeyKind::P521),
    ] {
        assert!(!matches!(
            keys().check(&fixture(name)),
            Err(KeyRefusal::VerifiesNothing { .. })
        ));
        let moved = edited(name, |der| {
            *der.field(6).at(&[1]).content().last_mut().unwrap() ^= 1;
        });
        let refusal = keys().check(&moved.unwrap()).unwrap_err();
        assert!(
            matches!(
                refusal,
                KeyRefusal::VerifiesNothing { key, fault: KeyFault::OffCurve, .. } if key == kind
            ),
            "{name}: {refusal:?}"
        );
    }
    let three = edited("ee-rsa2048", |der| {
        let key = der.field(6).at(&[1]).content();
        let mut numbers = Der::read(&key[1..]);
        *numbers.at(&[1]).content() = vec![3];
        *key = [vec![0], numbers.write()].concat();
    });
    assert!(keys().check(&three.unwrap()).is_ok());
}

#[test]
fn text_around_sections_may_be_of_any_encoding() {
    // RFC 7468 section 2: parsers must not fail on text outside of the boundaries.
    assert_eq!(field_file("latin1-comment.pem").unwrap().len(), 1);
    assert_eq!(field_file("pkcs12-alias-umlaut.pem").unwrap().len(), 2);
    let leaf = fixture("ee-p256").to_pem().into_bytes();
    for junk in [&b"\xe9\n"[..], b"\xff\xfe\n", b"caf\xe9: 0x\n", b"\0\n"] {
        let text = [junk, &leaf, junk, &leaf, junk].concat();
        let read = Certificate::many_from_pem(&text);
        assert_eq!(read.map(|all| all.len()).map_err(|e| e.to_string()), Ok(2));
    }
    // In the content or in a boundary, it is damage.
    let mut inside = leaf.clone();
    inside[40] = 0xe9;
    let error = Certificate::from_pem(&inside).unwrap_err();
    assert!(
        matches!(error, E::Pem(P::Base64 { line: 2, .. })),
        "{error:?}"
    );
    let joined = [b"\xe9", &leaf[..]].concat();
    let error = Certificate::from_pem(&joined).unwrap_err();
    assert!(
        matches!(error, E::Pem(P::Boundary { line: 1, .. })),
        "{error:?}"
    );
}

#[test]
fn utf_16_is_said_to_be_with_the_way_to_convert_it() {
    let error = field_file("utf16.pem").unwrap_err();
    assert!(matches!(error, E::Pem(P::Utf16)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("UTF-16") && text.contains("iconv"), "{text}");
}

#[test]
fn white_space_in_front_of_base64_is_passed_over_and_in_front_of_a_boundary_is_not() {
    let read = field_file("indented-body.pem").unwrap();
    assert_eq!(read[0].subject(), "O=Store Lab, CN=Lab Root");
    let text = String::from_utf8(fixture_bytes("field/indented-body.pem")).unwrap();
    for indented in [
        text.replace("-----END", " -----END"),
        text.replace("-----BEGIN", "\t-----BEGIN"),
    ] {
        let error = Certificate::from_pem(indented.as_bytes()).unwrap_err();
        assert!(matches!(error, E::Pem(P::Boundary { .. })), "{error:?}");
    }
}

#[test]
fn base64_has_one_form_of_its_last_letter() {
    // RFC 4648 section 3.5.
    assert!(one("base64-canonical").is_ok());
    let error = one("base64-not-canonical").unwrap_err();
    assert!(
        matches!(error, E::Pem(P::Base64 { index: 0, .. })),
        "{error:?}"
    );
}

#[test]
fn a_label_of_another_tool_comes_with_the_way_to_convert_it_and_an_unknown_one_is_not_repeated() {
    for (name, label, command) in [
        ("bundle.p7b", "PKCS7", "openssl pkcs7 -print_certs"),
        ("trusted.pem", "TRUSTED CERTIFICATE", "openssl x509 -in"),
        ("x509label.pem", "X509 CERTIFICATE", "openssl x509 -in"),
    ] {
        let text = field_file(name).unwrap_err().to_string();
        assert!(text.contains(label) && text.contains(command), "{text}");
    }
    let secret = "83pmYAnn4UnQ6hI0Yl3xkcQ7A5vP3kV0";
    let good = fixture("ee-p256").to_pem();
    for text in [
        good.replace("CERTIFICATE", secret),
        good.replace("END CERTIFICATE", &format!("END {secret}")),
        good.replace("BEGIN CERTIFICATE", &format!("BEGIN {secret}")),
        format!("-----BEGIN {secret}-----\n"),
    ] {
        for error in [
            Certificate::many_from_pem(text.as_bytes())
                .unwrap_err()
                .to_string(),
            format!("{:?}", Certificate::many_from_pem(text.as_bytes())),
            format!("{:?}", Certificate::from_pem(text.as_bytes())),
        ] {
            assert!(!error.contains(&secret[..6]), "{error}");
            assert!(error.contains("(unknown label)"), "{error}");
        }
    }
}

#[test]
fn der_of_another_kind_is_named() {
    for (name, words) in [
        ("bundle-der.p7b", "openssl pkcs7 -inform DER -print_certs"),
        ("keystore.p12", "openssl pkcs12 -nokeys"),
    ] {
        let error = Certificate::from_der(&fixture_bytes(&format!("field/{name}"))).unwrap_err();
        assert!(matches!(error, E::OtherFormat { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    for (name, words) in [
        ("p256-pkcs8.der", "a private key"),
        ("p256-sec1.der", "a private key"),
        ("rsa2048-pkcs1.der", "a private key"),
        ("rsa2048-pbkdf2-aes128.der", "a private key"),
        ("request.der", "a certificate request"),
        ("public-key.der", "a public key"),
        ("crl.der", "a revocation list"),
    ] {
        let der = fixture_bytes(&format!("keys-formats/{name}"));
        let error = Certificate::from_der(&der).unwrap_err();
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
    let junk = wrap(SEQUENCE, &wrap(OID, &[0x2a, 3]));
    assert!(matches!(
        Certificate::from_der(&junk),
        Err(E::Malformed { .. })
    ));
}

#[test]
fn a_file_of_another_kind_is_named_with_the_command_that_converts_it() {
    let good = String::from_utf8(fixture_bytes("ca-false.pem")).unwrap();
    let bare: String = good
        .lines()
        .filter(|line| !line.starts_with("---"))
        .map(|line| format!("{line}\n"))
        .collect();
    let jks = fixture_bytes("keys-formats/keystore.jks");
    for (content, words) in [
        (&b"\x1f\x8b\x08\0"[..], "gunzip -c FILE > NEW"),
        (b"PK\x03\x04\x14", "unzip FILE"),
        (&jks, "keytool -exportcert -rfc"),
        (b"ssh-ed25519 AAAAC3 me@here\n", "an SSH public key"),
        (bare.as_bytes(), "base64 -d FILE > NEW"),
        (bare.replace('\n', "").as_bytes(), "base64 -d FILE > NEW"),
        (
            good.replace('\n', "\r").as_bytes(),
            "tr '\\r' '\\n' < FILE > NEW",
        ),
        (
            good.replace("-----BEGIN", "> -----BEGIN").as_bytes(),
            "it has a line of its own",
        ),
        (
            good.replace('\n', " ").as_bytes(),
            "it has a line of its own",
        ),
    ] {
        let error = Certificate::many_from_pem(content).unwrap_err();
        let text = mutual_trust::error::with_causes(&error);
        assert!(text.contains(words), "{words}: {text}");
    }
}
