//! What is read as a revocation list, and what is not.

use mutual_trust::certificate::{Crl, CrlDeviation, CrlKinds, RevocationReason};
use mutual_trust::error::{CrlError, PemError};
use mutual_trust::limits::{MAX_CRL_BYTES, MAX_CRL_PEM_BYTES};

use super::common::ca;
use super::support::crl::*;
use super::support::der::*;
use super::support::pki::Made;

/// The list with one change, signed again.
fn changed(issuer: &Made, spec: &CrlSpec, change: impl FnOnce(&mut Der)) -> Vec<u8> {
    let mut tree = spec.tree(issuer);
    change(&mut tree);
    sign(&mut tree, issuer);
    tree.write()
}

/// Refused, with this in what is said.
fn refused(what: &str, der: &[u8], says: &str) {
    match Crl::from_der(der) {
        Ok(_) => panic!("{what} is read"),
        Err(error) => assert!(error.to_string().contains(says), "{what}: {error}"),
    }
}

/// Version 2 with entries: 0 version, 1 algorithm, 2 issuer, 3 thisUpdate, 4 nextUpdate, 5 entries, 6 extensions.
fn whole() -> CrlSpec {
    crl()
        .entry(entry_with(&[1], vec![reason(1)]))
        .entry(entry(&[2]))
        .scope(vec![point(&["http://ca.example/1"]), flag(0x81)])
}

#[test]
fn two_lists_are_equal_if_their_bytes_are() {
    let issuer = ca("CA");
    let list = crl().entry(entry(&[1])).signed_by(&issuer);
    assert_eq!(list, list.clone());
    assert_eq!(list, Crl::from_der(list.der()).unwrap());
    assert_ne!(list, crl().entry(entry(&[2])).signed_by(&issuer));
}

#[test]
fn whether_an_extension_is_critical_is_yes_or_no() {
    let issuer = ca("CA");
    let marked = |mark: Der| {
        let fields = vec![bytes(OID, &[0x2a, 1]), mark, bytes(OCTETS, &[5, 0])];
        crl().extension(parts(SEQUENCE, fields)).der(&issuer)
    };
    assert!(Crl::from_der(&marked(bytes(0x01, &[0]))).is_ok());
    for mark in [&[1][..], &[0xff, 0xff], &[]] {
        refused("a mark", &marked(bytes(0x01, mark)), "extensions");
    }
}

#[test]
fn an_identifier_that_is_none_is_refused_wherever_it_stands_in_a_list() {
    // I4. A critical issuingDistributionPoint under a padded identifier would count as understood by its text, and
    // make a list of some certificates count as one of all.
    let read =
        |name: &str| Crl::from_pem(&super::support::fixture_bytes(&format!("field/{name}.pem")));
    assert!(read("crl-distribution-point-plain").is_ok());
    let error = read("crl-distribution-point-padded").unwrap_err();
    let error = mutual_trust::error::with_causes(&error);
    assert!(error.contains("object identifier at byte"), "{error}");

    let issuer = ca("CA");
    let id = |content: &[u8]| bytes(OID, content);
    let values = |content: &[u8]| -> Vec<Der> {
        let name = |tag| parts(tag, vec![bytes(0x88, content)]);
        vec![
            extension(content, false, &bytes(NULL, &[])),
            standard(18, false, &parts(SEQUENCE, vec![bytes(0x88, content)])),
            standard(
                28,
                true,
                &parts(SEQUENCE, vec![parts(0xa0, vec![name(0xa0)])]),
            ),
            standard(35, false, &parts(SEQUENCE, vec![name(0xa1)])),
            extension(&[0x2a, 3], false, &parts(SEQUENCE, vec![id(content)])),
        ]
    };
    let entries = |content: &[u8]| -> Vec<Der> {
        vec![
            extension(content, false, &bytes(NULL, &[])),
            standard(23, false, &id(content)),
            standard(29, false, &parts(SEQUENCE, vec![bytes(0x88, content)])),
        ]
    };
    let plain = |extension: Der| {
        let mut spec = crl();
        spec.key_id = false;
        spec.extension(extension)
    };
    let lists = |content: &[u8]| -> Vec<Vec<u8>> {
        let in_lists = values(content)
            .into_iter()
            .map(|one| plain(one).der(&issuer));
        let in_entries = entries(content)
            .into_iter()
            .map(|one| crl().entry(entry_with(&[1], vec![one])).der(&issuer));
        let algorithm = changed(&issuer, &whole(), |tree| {
            for path in [&[0, 1][..], &[1]] {
                tree.at(path).list().push(id(content));
            }
        });
        let name = changed(&issuer, &whole(), |tree| {
            *tree.at(&[0, 2, 0, 0, 0]).content() = content.to_vec();
        });
        in_lists
            .chain(in_entries)
            .chain([algorithm, name])
            .collect()
    };
    let all = lists(&[0x2a, 0x81, 0x01]);
    assert_eq!(all.len(), 10);
    for (number, good) in all.iter().enumerate() {
        let read = Crl::from_der(good);
        assert!(read.is_ok(), "{number}: {read:?}");
    }
    for bad in [
        &[0x2a, 0x80, 0x01][..],
        &[0x80, 0x2a, 0x01],
        &[],
        &[0x2a, 0x81],
    ] {
        for (number, list) in lists(bad).iter().enumerate() {
            refused(
                &format!("{number} {bad:02x?}"),
                list,
                "object identifier at byte",
            );
        }
    }
}

#[test]
fn a_label_that_is_not_known_is_not_repeated() {
    let secret = "83pmYAnn4UnQ6hI0Yl3xkcQ7A5vP3kV0";
    let text = format!("-----BEGIN {secret}-----\nAAAA\n-----END {secret}-----\n");
    let error = Crl::from_pem(text.as_bytes()).unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(
        !said.contains(&secret[..6]) && said.contains("(unknown label)"),
        "{said}"
    );
}

#[test]
fn reasons_have_no_bits_behind_their_end() {
    // X.690 section 11.2.1: readers that pass over their count would read more reasons than the CA means.
    let issuer = ca("CA");
    let some = |bits: &[u8]| crl().scope(vec![bytes(0x83, bits)]).der(&issuer);
    assert!(!Crl::from_der(&some(&[1, 0x7e])).unwrap().has_all_reasons());
    refused("reasons", &some(&[6, 0x7f]), "issuingDistributionPoint");
    refused(
        "reasons",
        &some(&[6, 0x7f, 0x80 | 0x40 | 0x20]),
        "issuingDistributionPoint",
    );
}

#[test]
fn a_number_is_its_bytes() {
    let list = crl().number(7).signed_by(&ca("CA"));
    assert_eq!(list.number().unwrap().as_bytes(), [7]);
}

#[test]
fn a_list_is_read_as_it_was_written() {
    let issuer = ca("CA");
    let list = whole().signed_by(&issuer);
    assert_eq!(list.version(), 2);
    assert_eq!(list.issuer_der(), issuer.certificate.subject_der());
    assert_eq!(list.authority_key_id(), issuer.certificate.subject_key_id());
    assert_eq!(list.number().unwrap().to_string(), "1");
    assert_eq!(list.revoked_count(), 2);
    assert_eq!(list.kinds(), CrlKinds::EndEntities);
    let revoked = list.revoked(&[1]).unwrap();
    assert_eq!(revoked.reason, RevocationReason::KeyCompromise);
    assert_eq!(revoked.date, whole().this_update);
    assert_eq!(
        list.revoked(&[2]).unwrap().reason,
        RevocationReason::Unspecified
    );
    for other in [&[3][..], &[1, 1], &[0, 0x81], &[]] {
        assert_eq!(list.revoked(other), None, "{other:?}");
    }
    assert_eq!(list.deviations(), []);
    let again = Crl::from_pem(list.to_pem().as_bytes()).unwrap();
    assert_eq!(again, list);
    assert_eq!(again.fingerprint(), list.fingerprint());
}

#[test]
fn nothing_that_is_not_exactly_a_list_is_read() {
    let issuer = ca("CA");
    let good = whole().der(&issuer);
    let change = |change: fn(&mut Der)| changed(&issuer, &whole(), change);
    refused("nothing", &[], "empty");
    for count in [1, 3] {
        refused(
            "trailing bytes",
            &[&good[..], &vec![0; count]].concat(),
            &format!("{count} bytes follow"),
        );
    }
    refused("a truncated one", &good[..good.len() - 1], "structure");
    refused(
        "a certificate",
        issuer.certificate.der(),
        "signature algorithm",
    );
    let v2 = |what: &str, der: Vec<u8>, says: &str| refused(what, &der, says);
    v2(
        "version 3",
        change(|tree| *tree.at(&[0, 0]).content() = vec![2]),
        "version",
    );
    v2(
        "version 1 said",
        change(|tree| *tree.at(&[0, 0]).content() = vec![0]),
        "version",
    );
    v2(
        "a second version",
        change(|tree| {
            let version = tree.at(&[0, 0]).clone();
            tree.at(&[0]).list().insert(1, version);
        }),
        "signature algorithm",
    );
    v2(
        "two algorithms",
        change(|tree| {
            *tree.at(&[1, 0]).content() = vec![0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
        }),
        "not the one outside",
    );
    v2(
        "no issuer",
        change(|tree| *tree.at(&[0, 2]) = parts(SEQUENCE, vec![])),
        "issuer",
    );
    v2(
        "an odd issuer",
        change(|tree| {
            *tree.at(&[0, 2]) = parts(SEQUENCE, vec![parts(SEQUENCE, vec![])]);
        }),
        "issuer",
    );
    v2(
        "no thisUpdate",
        change(|tree| {
            tree.at(&[0]).list().drain(3..5);
        }),
        "thisUpdate",
    );
    v2(
        "an odd thisUpdate",
        change(|tree| {
            *tree.at(&[0, 3]).content() = b"2612310000Z".to_vec();
        }),
        "thisUpdate",
    );
    v2(
        "an odd nextUpdate",
        change(|tree| {
            *tree.at(&[0, 4]).content() = b"261331000000Z".to_vec();
        }),
        "nextUpdate",
    );
    v2(
        "three times",
        change(|tree| {
            let time = tree.at(&[0, 4]).clone();
            tree.at(&[0]).list().insert(5, time);
        }),
        "structure",
    );
    v2(
        "a period turned round",
        change(|tree| tree.at(&[0]).list().swap(3, 4)),
        "before its own",
    );
    let one_second = crl().valid(0, 0);
    assert!(Crl::from_der(&one_second.der(&issuer)).is_ok());
    v2(
        "two lists of entries",
        change(|tree| {
            let list = tree.at(&[0, 5]).clone();
            tree.at(&[0]).list().insert(5, list);
        }),
        "structure",
    );
    v2(
        "something behind the extensions",
        change(|tree| {
            tree.at(&[0]).list().push(bytes(NULL, &[]));
        }),
        "structure",
    );
    v2(
        "two in the wrapper of extensions",
        change(|tree| {
            let list = tree.at(&[0, 6, 0]).clone();
            tree.at(&[0, 6]).list().push(list);
        }),
        "extensions",
    );
    v2(
        "no extensions in the wrapper",
        change(|tree| tree.at(&[0, 6, 0]).list().clear()),
        "extensions",
    );
    v2(
        "an extension without value",
        change(|tree| {
            tree.at(&[0, 6, 0, 0]).list().pop();
        }),
        "extensions",
    );
    v2(
        "an extension with more",
        change(|tree| {
            tree.at(&[0, 6, 0, 0]).list().push(bytes(NULL, &[]));
        }),
        "extensions",
    );
    v2(
        "something behind the signature",
        {
            let mut tree = whole().tree(&issuer);
            tree.list().push(bytes(NULL, &[]));
            tree.write()
        },
        "structure",
    );
    v2(
        "a signature of part of a byte",
        {
            let mut tree = whole().tree(&issuer);
            tree.at(&[2]).content()[0] = 1;
            tree.write()
        },
        "signature",
    );
    v2(
        "no signature",
        {
            let mut tree = whole().tree(&issuer);
            *tree.at(&[2]).content() = Vec::new();
            tree.write()
        },
        "signature",
    );
}

#[test]
fn entries_are_held_to_their_grammar() {
    let issuer = ca("CA");
    let with = |entry: Der| crl().entry(entry).der(&issuer);
    let entry_of = |values: Vec<Der>| with(parts(SEQUENCE, values));
    let number = || bytes(INTEGER, &[1]);
    let date = || utc(1_000_000_000);
    refused("no date", &entry_of(vec![number()]), "revocation date");
    refused(
        "no serial number",
        &entry_of(vec![date()]),
        "revoked serial number",
    );
    refused(
        "an empty serial number",
        &entry_of(vec![bytes(INTEGER, &[]), date()]),
        "serial number",
    );
    refused(
        "an endless serial number",
        &entry_of(vec![bytes(INTEGER, &[1; 33]), date()]),
        "serial number",
    );
    refused(
        "an odd date",
        &entry_of(vec![number(), bytes(UTC_TIME, b"0")]),
        "revocation date",
    );
    refused(
        "more",
        &entry_of(vec![number(), date(), bytes(NULL, &[])]),
        "revoked certificate",
    );
    refused(
        "more behind extensions",
        &entry_of(vec![
            number(),
            date(),
            parts(SEQUENCE, vec![reason(1)]),
            bytes(NULL, &[]),
        ]),
        "revoked certificate",
    );
    refused(
        "no entry",
        &with(bytes(INTEGER, &[1])),
        "revoked certificate",
    );
    for code in [7, 11, 0xff] {
        refused(
            "an unknown reason",
            &with(entry_with(&[1], vec![reason(code)])),
            "reason code",
        );
    }
    let long = standard(21, false, &bytes(ENUMERATED, &[0, 1]));
    refused(
        "a long reason",
        &with(entry_with(&[1], vec![long])),
        "reason code",
    );
    let integer = standard(21, false, &bytes(INTEGER, &[1]));
    refused(
        "a reason of another tag",
        &with(entry_with(&[1], vec![integer])),
        "reason code",
    );
    let twice = with(entry_with(&[1], vec![reason(1), reason(1)]));
    assert!(matches!(
        Crl::from_der(&twice),
        Err(CrlError::DuplicateExtension { oid, .. }) if oid == "2.5.29.21"
    ));
    let many = |count: u8| {
        let all = (0..count).map(|last| standard(60 + last, false, &bytes(NULL, &[])));
        with(entry_with(&[1], all.collect()))
    };
    assert!(Crl::from_der(&many(32)).is_ok());
    assert!(matches!(
        Crl::from_der(&many(33)),
        Err(CrlError::TooManyExtensions { limit: 32, .. })
    ));
    let in_version_1 = crl().version_1().entry(entry_with(&[1], vec![reason(1)]));
    assert!(matches!(
        Crl::from_der(&in_version_1.der(&issuer)),
        Err(CrlError::ExtensionsNeedVersion2)
    ));

    // What tools write and what harms nobody.
    let longest = [1; 32];
    let odd = crl()
        .entry(entry(&longest))
        .entry(entry(&[0x80]))
        .entry(entry(&[0]))
        .entry(entry(&[9]))
        .entry(entry_with(&[5], vec![]))
        .entry(entry_with(&[0, 9], vec![reason(4)]))
        .entry(entry_with(
            &[6],
            vec![extension(&[0x2a, 3, 4], false, &bytes(NULL, &[]))],
        ))
        .signed_by(&issuer);
    assert_eq!(odd.revoked_count(), 7);
    // As long as can be; negative, as old tools number; 0; twice, of which the first counts; a leading zero more.
    for serial in [
        &longest[..],
        &[0x80],
        &[0xff, 0x80],
        &[0],
        &[9],
        &[0, 9],
        &[0, 0, 9],
        &[5],
        &[6],
    ] {
        assert!(odd.revoked(serial).is_some(), "{serial:?}");
    }
    assert_eq!(
        odd.revoked(&[9]).unwrap().reason,
        RevocationReason::Unspecified
    );
    for serial in [&[0, 0x80][..], &[0x81], &[9, 0], &[7]] {
        assert!(odd.revoked(serial).is_none(), "{serial:?}");
    }
}

#[test]
fn serial_numbers_that_begin_alike_are_told_apart() {
    let issuer = ca("CA");
    let serial = |number: u8| [&[0x55; 12][..], &[number.wrapping_mul(37), 1]].concat();
    let list = (0..100).fold(crl(), |list, number| list.entry(entry(&serial(number))));
    let list = list.signed_by(&issuer);
    assert!((0..100).all(|number| list.revoked(&serial(number)).is_some()));
    assert!((100..=255).all(|number| list.revoked(&serial(number)).is_none()));
}

#[test]
fn extensions_are_held_to_their_grammar() {
    let issuer = ca("CA");
    let with = |extension: Der| crl().extension(extension).der(&issuer);
    let number = |content: &[u8]| {
        let value = standard(20, false, &bytes(INTEGER, content));
        crl().no_number().extension(value).der(&issuer)
    };
    for content in [&[][..], &[0x80], &[0, 1], &[1; 21]] {
        refused("a number", &number(content), "cRLNumber");
    }
    let tag = standard(20, false, &bytes(ENUMERATED, &[1]));
    refused(
        "a number of another tag",
        &crl().no_number().extension(tag).der(&issuer),
        "cRLNumber",
    );
    let twice = with(standard(20, false, &bytes(INTEGER, &[1])));
    assert!(matches!(
        Crl::from_der(&twice),
        Err(CrlError::DuplicateExtension { oid, .. }) if oid == "2.5.29.20"
    ));
    let key = |value: &Der| {
        crl()
            .no_key_id()
            .extension(standard(35, false, value))
            .der(&issuer)
    };
    refused(
        "a key identifier",
        &key(&bytes(OCTETS, &[1])),
        "authorityKeyIdentifier",
    );
    let odd = parts(SEQUENCE, vec![bytes(0x80, &[1]), bytes(0x80, &[2])]);
    refused("two key identifiers", &key(&odd), "authorityKeyIdentifier");
    // The key identifier and the number are there already.
    let many = |more: u8| {
        let more = (0..more).map(|last| standard(60 + last, false, &bytes(NULL, &[])));
        more.fold(crl(), CrlSpec::extension).der(&issuer)
    };
    assert!(Crl::from_der(&many(30)).is_ok());
    assert!(matches!(
        Crl::from_der(&many(31)),
        Err(CrlError::TooManyExtensions { limit: 32, .. })
    ));
    let in_version_1 = crl().version_1().number(1).der(&issuer);
    assert!(matches!(
        Crl::from_der(&in_version_1),
        Err(CrlError::ExtensionsNeedVersion2)
    ));
}

#[test]
fn a_scope_that_means_nothing_or_two_things_is_not_read() {
    let issuer = ca("CA");
    let name = || point(&["http://ca.example/1"]);
    let reasons = |content: &[u8]| bytes(0x83, content);
    let many: Vec<String> = (0..17)
        .map(|number| format!("http://ca.example/{number}"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (what, fields) in [
        ("empty", vec![]),
        ("end entities and CAs", vec![flag(0x81), flag(0x82)]),
        ("end entities and attributes", vec![flag(0x81), flag(0x85)]),
        ("another truth", vec![bytes(0x81, &[1])]),
        ("in another order", vec![flag(0x82), flag(0x81)]),
        ("twice", vec![flag(0x81), flag(0x81)]),
        ("the point last", vec![flag(0x81), name()]),
        ("another field", vec![flag(0x81), flag(0x86)]),
        ("no reasons", vec![reasons(&[0, 0])]),
        ("an unused reason", vec![reasons(&[7, 0x80])]),
        ("odd reasons", vec![reasons(&[8, 0x40])]),
        ("no names", vec![parts(0xa0, vec![parts(0xa0, vec![])])]),
        ("no choice", vec![parts(0xa0, vec![])]),
        (
            "two choices",
            vec![parts(
                0xa0,
                vec![
                    parts(0xa0, vec![uri("http://ca.example/1")]),
                    parts(0xa1, vec![]),
                ],
            )],
        ),
        (
            "no general name",
            vec![parts(0xa0, vec![parts(0xa0, vec![bytes(0x89, b"x")])])],
        ),
        ("17 names", vec![point(&many)]),
    ] {
        let der = crl().scope(fields).der(&issuer);
        refused(what, &der, "issuingDistributionPoint");
    }
    // FALSE is a default and should be left out, but it is clear.
    let said = crl().scope(vec![bytes(0x81, &[0])]).signed_by(&issuer);
    assert_eq!(said.kinds(), CrlKinds::All);
    let at_the_limit = crl().scope(vec![point(&many[..16])]).signed_by(&issuer);
    assert_eq!(at_the_limit.distribution_point().count(), 16);
    // Other names, and texts that would not stay on their line, are not told.
    let uris = [uri("http://ca.example/1"), uri("http://ca.example/a b")];
    let names = [&uris[..], &[bytes(0x82, b"ca.example")]].concat();
    let named = vec![parts(0xa0, vec![parts(0xa0, names)])];
    let list = crl().scope(named).signed_by(&issuer);
    let told: Vec<&str> = list.distribution_point().collect();
    assert_eq!(told, ["http://ca.example/1"]);
    let not_critical = standard(28, false, &parts(SEQUENCE, vec![flag(0x82)]));
    let list = crl().extension(not_critical).signed_by(&issuer);
    assert_eq!(list.kinds(), CrlKinds::Authorities, "applied all the same");
    assert_eq!(
        list.deviations(),
        [CrlDeviation::DistributionPointNotCritical]
    );
}

#[test]
fn lists_over_the_limits_are_not_read() {
    let mut long = vec![0x30; MAX_CRL_BYTES];
    assert!(matches!(
        Crl::from_der(&long),
        Err(CrlError::TrailingBytes { offset: 50, .. })
    ));
    long.push(0x30);
    assert!(matches!(
        Crl::from_der(&long),
        Err(CrlError::TooLarge { size, limit: MAX_CRL_BYTES, .. }) if size == long.len()
    ));
    let text = vec![b'\n'; MAX_CRL_PEM_BYTES + 1];
    assert!(matches!(
        Crl::many_from_pem(&text),
        Err(CrlError::Pem(PemError::TooLarge {
            limit: MAX_CRL_PEM_BYTES,
            ..
        }))
    ));
}

#[test]
fn a_pem_file_gives_all_its_lists_or_names_the_section_that_is_bad() {
    let issuer = ca("CA");
    let one = crl().signed_by(&issuer);
    let two = crl().number(2).signed_by(&issuer);
    let file = format!("text\n{}more text\n{}", one.to_pem(), two.to_pem());
    assert_eq!(
        Crl::many_from_pem(file.as_bytes()).unwrap(),
        [one.clone(), two.clone()]
    );
    assert!(matches!(
        Crl::from_pem(file.as_bytes()),
        Err(CrlError::NotOne { found: 2, .. })
    ));
    // A list of a kind that is not installed spoils no other.
    let delta = crl()
        .extension(standard(27, true, &bytes(INTEGER, &[1])))
        .signed_by(&issuer);
    let file = format!("{}{}", delta.to_pem(), one.to_pem());
    assert_eq!(Crl::many_from_pem(file.as_bytes()).unwrap().len(), 2);

    let bad = two.to_pem().replacen('M', "N", 1);
    let file = format!("{}{bad}", one.to_pem());
    let error = Crl::many_from_pem(file.as_bytes()).unwrap_err();
    assert!(
        matches!(error, CrlError::Section { index: 1, .. }),
        "{error}"
    );
    let file = format!("{}{}", one.to_pem(), issuer.certificate.to_pem());
    assert!(matches!(
        Crl::many_from_pem(file.as_bytes()),
        Err(CrlError::Pem(PemError::Label { index: 1, label, .. })) if label == "CERTIFICATE"
    ));
    let cut = &file.as_bytes()[..one.to_pem().len() - 10];
    assert!(matches!(
        Crl::many_from_pem(cut),
        Err(CrlError::Pem(
            PemError::Boundary { .. } | PemError::MissingEnd { .. }
        ))
    ));
    for damaged in [
        "----BEGIN X509 CRL-----",
        "-- BEGIN X509 CRL --",
        "begin x509 crl",
    ] {
        let file = format!("{}{damaged}\n", one.to_pem());
        assert!(
            matches!(
                Crl::many_from_pem(file.as_bytes()),
                Err(CrlError::Pem(PemError::Boundary { .. }))
            ),
            "{damaged}"
        );
    }
    assert!(matches!(
        Crl::many_from_pem(b"nothing"),
        Err(CrlError::Pem(PemError::NoSection))
    ));
}

// RFC 5280 section 5.3.1, but for the number 7, which is nobody's, and what is taken back.
#[test]
fn each_reason_is_read_by_its_number_and_has_its_name() {
    let issuer = ca("CA");
    for (number, name) in [
        (0, "unspecified"),
        (1, "keyCompromise"),
        (2, "cACompromise"),
        (3, "affiliationChanged"),
        (4, "superseded"),
        (5, "cessationOfOperation"),
        (6, "certificateHold"),
        (8, "removeFromCRL"),
        (9, "privilegeWithdrawn"),
        (10, "aACompromise"),
    ] {
        let list = crl()
            .entry(entry_with(&[5], vec![reason(number)]))
            .signed_by(&issuer);
        let revoked = list.revoked(&[5]).unwrap();
        assert_eq!(revoked.reason.to_string(), name);
    }
}
