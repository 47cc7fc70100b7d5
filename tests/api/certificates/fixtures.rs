//! Every certificate in `tests/fixtures` has the facts that `PROVENANCE.md` states.

use std::collections::BTreeSet;

use mutual_trust::Fingerprint;
use mutual_trust::certificate::{Certificate, KeyKind};
use sha2::{Digest, Sha256};

use crate::certificates::facts::{DAYS, expected};
use crate::support::der::{Body, Der, tree};
use crate::support::*;

/// The lines of `index.tsv`: file, shape, key, fingerprint.
fn index() -> Vec<[String; 4]> {
    let text = String::from_utf8(fixture_bytes("index.tsv")).unwrap();
    let line = |line: &str| {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        cells.try_into().unwrap()
    };
    text.lines().map(line).collect()
}

fn read(file: &str) -> Certificate {
    let bytes = fixture_bytes(file);
    match file.ends_with(".der") {
        true => Certificate::from_der(&bytes).unwrap(),
        false => Certificate::from_pem(&bytes).unwrap(),
    }
}

/// Name without extension, shape and fingerprint of every file that contains one certificate within the limit.
fn certificates() -> Vec<(String, String, String, Certificate)> {
    let mut found = Vec::new();
    for [file, shape, _, fingerprint] in index() {
        if fingerprint != "-" && file != "huge-over-limit.pem" {
            let certificate = read(&file);
            let name = file.rsplit_once('.').unwrap().0.to_owned();
            found.push((name, shape, fingerprint, certificate));
        }
    }
    assert!(found.len() > 60, "the index is cut short");
    found
}

#[test]
fn every_file_of_the_fixtures_is_in_the_index_and_the_other_way_round() {
    let listed: BTreeSet<String> = index().into_iter().map(|[file, ..]| file).collect();
    let root = format!("{}/tests/fixtures", env!("CARGO_MANIFEST_DIR"));
    let mut there = BTreeSet::new();
    for folder in ["", "malformed/"] {
        for file in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".pem") || name.ends_with(".der") {
                there.insert(format!("{folder}{name}"));
            }
        }
    }
    assert_eq!(listed, there);
}

#[test]
fn fingerprints_are_those_that_openssl_prints() {
    for (name, _, fingerprint, certificate) in certificates() {
        let ours = certificate.fingerprint();
        assert_eq!(ours.to_string().to_lowercase(), fingerprint, "{name}");
        assert_eq!(
            ours.as_bytes()[..],
            Sha256::digest(certificate.der())[..],
            "{name}"
        );
        // The output of openssl 3 and of openssl 1.1.
        let upper = fingerprint.to_uppercase();
        for printed in [
            format!("sha256 Fingerprint={upper}\n"),
            format!("SHA256 Fingerprint={upper}\n"),
            fingerprint.clone(),
            fingerprint.replace(':', ""),
        ] {
            assert_eq!(printed.parse::<Fingerprint>().unwrap(), ours, "{printed}");
        }
    }
}

#[test]
fn the_facts_of_every_fixture_are_as_its_provenance_says() {
    for (name, shape, _, found) in certificates() {
        let want = expected(&name);
        assert_eq!(found.version(), want.version, "{name}");
        assert_eq!(found.subject(), want.subject, "{name}");
        assert_eq!(found.issuer(), want.issuer, "{name}");
        assert_eq!(found.key_kind().to_string(), want.key, "{name}");
        assert_eq!(found.signature_algorithm(), want.signature, "{name}");
        let names: Vec<String> = found.names().map(|name| name.to_string()).collect();
        assert_eq!(names, want.names, "{name}");
        let basic = found.basic_constraints();
        assert_eq!(basic.map(|b| (b.ca, b.path_len)), want.basic, "{name}");
        assert_eq!(
            found.is_ca(),
            want.basic.is_some_and(|(ca, _)| ca),
            "{name}"
        );
        let usage = found.key_usage();
        let usage = usage.map(|u| (u.digital_signature(), u.key_cert_sign(), u.crl_sign()));
        assert_eq!(usage, want.usage, "{name}");
        let extended = found.extended_key_usage();
        let extended = extended.map(|e| (e.any, e.server_auth, e.client_auth));
        assert_eq!(extended, want.extended, "{name}");
        assert_eq!(found.authority_key_id().is_some(), want.aki, "{name}: AKI");
        assert_eq!(found.subject_key_id().is_some(), want.ski, "{name}: SKI");
        let self_issued = want.subject == want.issuer;
        assert_eq!(found.is_self_issued(), self_issued, "{name}");
        match shape.as_str() {
            "v1" => assert_eq!(found.version(), 1, "{name}"),
            "ca" => assert!(found.is_ca() && self_issued, "{name}"),
            "intermediate" => assert!(found.is_ca() && !self_issued, "{name}"),
            "leaf" => assert!(!found.is_ca() && !self_issued, "{name}"),
            "end-entity" => assert!(!found.is_ca() && self_issued, "{name}"),
            other => panic!("{name}: shape {other}"),
        }
        let validity = found.validity();
        match (want.from, want.to) {
            (Some(from), Some(to)) => {
                let found = (
                    validity.not_before().seconds(),
                    validity.not_after().seconds(),
                );
                assert_eq!(found, (from, to), "{name}");
            }
            _ => {
                let length = validity.not_after().seconds() - validity.not_before().seconds();
                assert_eq!(length, DAYS, "{name}");
                assert!(validity.contains(at(NOW)), "{name}");
            }
        }
    }
}

#[test]
fn what_stands_in_the_der_is_handed_out_byte_for_byte() {
    for (name, _, _, found) in certificates() {
        let mut der = tree(&found);
        assert_eq!(&der.write()[..], found.der(), "{name}");
        // A certificate of version 1 has no version field, so all fields are one position earlier.
        let skip = usize::from(found.version() != 1);
        let content = |der: &mut Der, at: usize| match &der.at(&[0, at]).body {
            Body::Bytes(content) => content.clone(),
            Body::Parts(_) => der.at(&[0, at]).write(),
        };
        assert_eq!(content(&mut der, skip), found.serial(), "{name}");
        let whole = |der: &mut Der, at: usize| der.at(&[0, skip + at]).write();
        assert_eq!(whole(&mut der, 2), found.issuer_der(), "{name}");
        assert_eq!(whole(&mut der, 4), found.subject_der(), "{name}");
        let key = whole(&mut der, 5);
        assert_eq!(key, found.subject_public_key_info(), "{name}");
        let pin = found.key_pin();
        assert_eq!(pin.as_bytes()[..], Sha256::digest(&key)[..], "{name}");
        if let Some(id) = found.subject_key_id() {
            let id = [&[0x04, id.len().try_into().unwrap()], id].concat();
            assert_eq!(*der.extension_value(14), id, "{name}");
        }
        if let Some(id) = found.authority_key_id() {
            let value = Der::read(der.extension_value(35))
                .at(&[0])
                .content()
                .clone();
            assert_eq!(value, id, "{name}");
        }
    }
}

#[test]
fn the_serial_numbers_of_openssl_ca_have_their_length_and_sign() {
    // `rand_serial` writes 20 bytes with a clear highest bit, which may leave 19.
    for name in ["ca-root", "ee-p256", "chain-server"] {
        let serial = fixture(name).serial().to_vec();
        assert!(matches!(serial.len(), 19 | 20), "{name}");
        assert!(serial[0] < 0x80, "{name}");
    }
}

#[test]
fn pem_that_we_write_is_the_pem_that_openssl_writes() {
    for name in ["ee-p256", "ca-root", "v1", "huge"] {
        let text = String::from_utf8(fixture_bytes(&format!("{name}.pem"))).unwrap();
        assert_eq!(fixture(name).to_pem(), text, "{name}");
    }
}

#[test]
fn line_ends_and_text_around_a_section_make_no_difference() {
    let plain = read("ee-p256.der");
    for file in [
        "ee-p256.pem",
        "crlf.pem",
        "text-before.pem",
        "malformed/bom.pem",
    ] {
        assert_eq!(read(file), plain, "{file}");
    }
}

#[test]
fn a_bundle_is_read_in_its_order() {
    let bundle = Certificate::many_from_pem(&fixture_bytes("bundle-mixed.pem")).unwrap();
    let names = ["ca-root", "ca-intermediate", "chain-server", "ca-false"];
    assert_eq!(bundle, names.map(fixture));
}

#[test]
fn certificates_of_one_key_have_one_key_pin() {
    let (old, new) = (fixture("reissued-old"), fixture("reissued-new"));
    assert_eq!(old.key_pin(), new.key_pin());
    assert_ne!(old.fingerprint(), new.fingerprint());
    assert_ne!(old, new);
    let other = fixture("same-subject-other-key");
    assert_eq!(other.subject_der(), old.subject_der());
    assert_ne!(other.key_pin(), old.key_pin());
}

#[test]
fn the_common_name_is_never_a_name() {
    // RFC 9525 section 2: only subject alternative names are names.
    let certificate = fixture("openssl-req-default");
    assert_eq!(certificate.subject(), "CN=kms1.example");
    assert_eq!(certificate.names().count(), 0);
    assert!(!certificate.covers(&host("kms1.example")));
}

#[test]
fn alternative_names_cover_what_they_name_and_nothing_else() {
    let covers = |name: &str, text: &str| fixture(name).covers(&host(text));
    for name in ["kms1.example", "KMS1.EXAMPLE.", "127.0.0.1", "[::1]"] {
        assert!(covers("ee-p256", name), "{name}");
    }
    for name in ["kms2.example", "a.kms1.example", "127.0.0.2", "::2"] {
        assert!(!covers("ee-p256", name), "{name}");
    }
    assert!(covers("wildcard-san", "a.kms.example"));
    assert!(!covers("wildcard-san", "kms.example"));
    assert!(!covers("wildcard-san", "a.b.kms.example"));
    assert!(covers("ipv6-san-only", "::1") && !covers("ipv6-san-only", "127.0.0.1"));
    assert!(covers("ip-san-only", "::ffff:127.0.0.1"));
    assert!(!covers("v1", "kms1.example"));
    assert!(!covers("chain-client", "kms1.example"));
}

#[test]
fn the_size_of_an_rsa_key_is_a_number() {
    assert!(matches!(
        fixture("rsa1024").key_kind(),
        KeyKind::Rsa { bits: 1024, .. }
    ));
}
