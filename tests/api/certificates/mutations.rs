//! Truncated or changed certificates never cause a panic, and never equal the original.

use mutual_trust::certificate::Certificate;

use crate::support::{fixture, host};

/// An end entity, a CA, a leaf with all extensions, version 1, and each kind of key.
const CHANGED: &[&str] = &["ca-false", "ca-root", "chain-server", "v1", "ee-ed25519"];

/// Calls every accessor of a certificate.
fn ask(certificate: &Certificate) {
    let shown = format!("{certificate:?} {}", certificate.to_pem());
    assert!(!shown.is_empty());
    let _ = (certificate.subject(), certificate.issuer());
    let _ = certificate
        .names()
        .map(|name| name.to_string())
        .collect::<Vec<_>>();
    let _ = (
        certificate.serial(),
        certificate.key_kind(),
        certificate.key_pin(),
    );
    let _ = (
        certificate.signature_algorithm(),
        certificate.validity().to_string(),
    );
    let _ = (certificate.basic_constraints(), certificate.key_usage());
    let _ = (certificate.authority_key_id(), certificate.subject_key_id());
    let _ = (
        certificate.extended_key_usage(),
        certificate.covers(&host("a.example")),
    );
    let _ = crate::support::keys().check(certificate);
}

#[test]
fn a_certificate_cut_at_any_byte_is_an_error() {
    for name in CHANGED {
        let whole = fixture(name);
        let der = whole.der();
        for length in 0..der.len() {
            assert!(
                Certificate::from_der(&der[..length]).is_err(),
                "{name}: {length}"
            );
        }
        for start in 1..der.len() {
            assert!(
                Certificate::from_der(&der[start..]).is_err(),
                "{name}: from {start}"
            );
        }
    }
}

#[test]
fn a_changed_bit_is_an_error_or_another_certificate() {
    for name in CHANGED {
        let whole = fixture(name);
        let mut der = whole.der().to_vec();
        let mut read = 0;
        for place in 0..der.len() * 8 {
            let (byte, bit) = (place / 8, 1 << (place % 8));
            der[byte] ^= bit;
            if let Ok(other) = Certificate::from_der(&der) {
                assert_ne!(other.fingerprint(), whole.fingerprint(), "{name}: {place}");
                assert_ne!(other, whole, "{name}: {place}");
                ask(&other);
                read += 1;
            }
            der[byte] ^= bit;
        }
        // Most bytes of a certificate can have any value. Otherwise this test would test nothing.
        assert!(read > der.len(), "{name}");
        assert_eq!(Certificate::from_der(&der).unwrap(), whole);
    }
}

#[test]
fn a_byte_lost_or_added_is_an_error() {
    for name in CHANGED {
        let whole = fixture(name);
        let der = whole.der();
        for at in 0..der.len() {
            let lost = [&der[..at], &der[at + 1..]].concat();
            assert!(Certificate::from_der(&lost).is_err(), "{name}: lost {at}");
            for new in [0x00, 0x30, 0x80, 0xff] {
                let more = [&der[..at], &[new], &der[at..]].concat();
                assert!(
                    Certificate::from_der(&more).is_err(),
                    "{name}: {new} at {at}"
                );
            }
        }
    }
}

#[test]
fn any_byte_in_place_of_a_tag_or_length_is_survived() {
    // All values of the bytes that define the structure, in the smallest certificate.
    let whole = fixture("ee-ed25519");
    let mut der = whole.der().to_vec();
    for at in 0..der.len() {
        let kept = der[at];
        for value in [
            0x00, 0x01, 0x1f, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xbf, 0xfe, 0xff,
        ] {
            der[at] = value;
            if let Ok(read) = Certificate::from_der(&der) {
                ask(&read);
                assert_eq!(read == whole, value == kept, "{value:#x} at {at}");
            }
        }
        der[at] = kept;
    }
}
