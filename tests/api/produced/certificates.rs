//! Certificates, PEM, fingerprints, names and patterns.

use mutual_trust::certificate::{Certificate, Fingerprint, HostName, Timestamp};
use mutual_trust::error::{CertificateError, PemError};
use mutual_trust::limits::{
    MAX_CERTIFICATE_BYTES, MAX_PEM_BYTES, MAX_PEM_SECTIONS, MAX_SUBJECT_ALT_NAMES,
};
use mutual_trust::store::SanPattern;
use mutual_trust::{GroupId, ServerId};
use pki_types::{ServerName, UnixTime};

use crate::produced::Produced;
use crate::support::der::{Der, NULL, OCTETS, OID, SEQUENCE, bytes, parts, tree};
use crate::support::{fixture, fixture_bytes};

fn edited(name: &str, change: impl FnOnce(&mut Der)) -> Result<Certificate, CertificateError> {
    let mut der = tree(&fixture(name));
    change(&mut der);
    Certificate::from_der(&der.write())
}

pub(crate) fn produce(produced: &mut Produced) {
    der(produced);
    pem(produced);
    names(produced);
}

fn der(produced: &mut Produced) {
    produced.error(Certificate::from_der(&[]));
    produced.error(Certificate::from_der(&vec![
        0x30;
        MAX_CERTIFICATE_BYTES + 1
    ]));
    produced.error(Certificate::from_der(b"hello"));
    let trailing = [fixture("ca-false").der(), &[0]].concat();
    produced.error(Certificate::from_der(&trailing));
    produced.error(edited("ca-root", |der| {
        let again = der.extension(15).clone();
        der.extensions().push(again);
    }));
    // Without the version, which is 1 then.
    produced.error(edited("ca-false", |der| {
        drop(der.at(&[0]).list().remove(0))
    }));
    produced.error(edited("ca-false", |der| {
        for last in 0..33 {
            let id = bytes(OID, &[0x2a, 3, last]);
            let value = bytes(OCTETS, &bytes(NULL, &[]).write());
            der.extensions().push(parts(SEQUENCE, vec![id, value]));
        }
    }));
    produced.error(edited("ca-false", |der| {
        let names = vec![bytes(0x82, b"a"); MAX_SUBJECT_ALT_NAMES + 1];
        *der.extension_value(17) = parts(SEQUENCE, names).write();
    }));
    produced.error(edited("ca-false", |der| {
        *der.at(&[1, 0]).content() = vec![0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    }));
    produced.error(edited("ca-false", |der| der.field(4).list().reverse()));
    for name in ["field/bundle-der.p7b", "field/keystore.p12"] {
        match produced.error(Certificate::from_der(&fixture_bytes(name))) {
            CertificateError::OtherFormat { found, .. } => produced.value(&found),
            other => panic!("{name}: {other}"),
        }
    }
    for name in ["p256-pkcs8.der", "request.der", "public-key.der", "crl.der"] {
        let der = fixture_bytes(&format!("keys-formats/{name}"));
        match produced.error(Certificate::from_der(&der)) {
            CertificateError::OtherFormat { found, .. } => produced.value(&found),
            other => panic!("{name}: {other}"),
        }
    }
}

fn pem(produced: &mut Produced) {
    let one = fixture_bytes("ca-false.pem");
    let text = String::from_utf8(one.clone()).unwrap();
    produced.error(Certificate::from_pem(&one.repeat(2)));
    produced.error(Certificate::many_from_pem(&fixture_bytes(
        "malformed/cert-with-private-key.pem",
    )));
    let section = produced.error(Certificate::many_from_pem(&fixture_bytes(
        "malformed/empty-section.pem",
    )));
    let CertificateError::Section { source, .. } = section else {
        panic!("{section}");
    };
    produced.value(&*source);
    let many =
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".repeat(MAX_PEM_SECTIONS + 1);
    let headers = text.replacen("-----\n", "-----\nProc-Type: 4\n\n", 1);
    let cases: Vec<Vec<u8>> = vec![
        vec![b'x'; MAX_PEM_BYTES + 1],
        vec![0xff],
        fixture_bytes("field/utf16.pem"),
        Vec::new(),
        text.replace("-----END", " -----END").into_bytes(),
        fixture_bytes("malformed/missing-end.pem"),
        text.replace("END CERTIFICATE", "END OTHER").into_bytes(),
        text.replace("CERTIFICATE", "TRUSTED CERTIFICATE")
            .into_bytes(),
        headers.into_bytes(),
        fixture_bytes("malformed/base64-garbage.pem"),
        many.into_bytes(),
    ];
    for text in cases {
        match produced.error(Certificate::many_from_pem(&text)) {
            CertificateError::Pem(error) => produced.value(&error),
            other => panic!("{other}"),
        }
    }
    let kinds: [&[u8]; 6] = [
        b"\x1f\x8b\x08",
        b"PK\x03\x04",
        b"\xfe\xed\xfe\xed\0\0\0\x02",
        b"ssh-ed25519 AAAA me",
        b"MIIB\nAAAA\n",
        b"-----BEGIN CERTIFICATE-----\rAAAA\r",
    ];
    for text in kinds {
        match produced.error(Certificate::many_from_pem(text)) {
            CertificateError::Pem(error) => {
                produced.value(&error);
                let PemError::OtherFormat { found, .. } = error else {
                    panic!("{error}");
                };
                produced.value(&found);
            }
            other => panic!("{other}"),
        }
    }
}

fn names(produced: &mut Produced) {
    for text in [
        "ab",
        "SHA1 Fingerprint=00",
        &format!("{}  keys-1.pem", "00".repeat(32)),
        &"zz".repeat(32),
        &"0".repeat(1000),
    ] {
        produced.error(text.parse::<Fingerprint>());
    }
    produced.error("soon".parse::<Timestamp>());
    produced.error(UnixTime::try_from(Timestamp::from_seconds(-1)));
    let long = "a.".repeat(200);
    for text in [
        "",
        &long,
        "[a]",
        "fe80::1%1",
        "*.a",
        "ä",
        "a..b",
        "10.0.0.256",
    ] {
        produced.error(text.parse::<HostName>());
    }
    for text in ["", &"a".repeat(300), "a b"] {
        produced.error(text.parse::<ServerId>());
        produced.error(text.parse::<GroupId>());
    }
    for text in ["a.example", "dns:", "dns:a*.example"] {
        produced.error(text.parse::<SanPattern>());
    }
    assert!(HostName::try_from(&ServerName::try_from("a.example").unwrap()).is_ok());
}
