//! Bytes from a peer or a file: DER.

use mutual_trust::{Certificate, Fingerprint, HostName, KeyPin, Role};

use crate::CERTIFICATE_BYTES;
use crate::differential::general;

/// A certificate that is read can be asked everything, is the same when read again from DER and PEM, and
/// shows nothing that could forge a line of a log or turn its direction.
pub fn certificate(der: &[u8]) -> bool {
    if der.len() > CERTIFICATE_BYTES {
        return false;
    }
    match Certificate::from_der(der) {
        Ok(certificate) => {
            assert_eq!(certificate.der(), der, "the bytes are kept");
            accepted(&certificate);
            general(&certificate);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

/// What holds for each certificate that was read.
pub(crate) fn accepted(certificate: &Certificate) {
    let der = certificate.der();
    let again = Certificate::from_der(der).expect("it was read before");
    assert_eq!(&again, certificate);
    let pem = certificate.to_pem();
    let from_pem = Certificate::from_pem(pem.as_bytes()).expect("our own PEM is read");
    assert_eq!(&from_pem, certificate);
    assert_eq!(from_pem.to_pem(), pem);

    let fingerprint = certificate.fingerprint();
    assert_eq!(
        fingerprint.to_string().parse::<Fingerprint>().unwrap(),
        fingerprint
    );
    assert_eq!(again.fingerprint(), fingerprint);
    let key = certificate.key_pin();
    assert_eq!(key.to_string().parse::<KeyPin>().unwrap(), key);
    assert_eq!(again.key_pin(), key);

    for text in [
        certificate.subject(),
        certificate.issuer(),
        format!("{certificate:?}"),
    ] {
        assert!(!text.chars().any(unsafe_to_show), "{text:?}");
    }
    for name in certificate.names() {
        let text = name.to_string();
        let one = |byte: u8| byte.is_ascii_graphic() && byte != b',';
        assert!(text.bytes().all(one), "{text:?}");
    }
    let host: HostName = "kms1.example".parse().unwrap();
    assert!(!certificate.covers(&host) || certificate.names().count() > 0);

    assert!((1..=3).contains(&certificate.version()));
    assert!(!certificate.serial().is_empty());
    let validity = certificate.validity();
    assert!(validity.not_before() <= validity.not_after());
    for part in [
        certificate.serial(),
        certificate.subject_der(),
        certificate.issuer_der(),
        certificate.subject_public_key_info(),
        certificate.authority_key_id().unwrap_or_default(),
        certificate.subject_key_id().unwrap_or_default(),
    ] {
        assert!(der.windows(part.len().max(1)).any(|window| window == part) || part.is_empty());
    }
    assert_eq!(
        certificate.is_self_issued(),
        certificate.subject_der() == certificate.issuer_der()
    );
    assert_eq!(
        certificate.is_ca(),
        certificate
            .basic_constraints()
            .is_some_and(|found| found.ca)
    );
    if certificate.version() < 3 {
        let extensions = certificate.basic_constraints().is_some()
            || certificate.key_usage().is_some()
            || certificate.extended_key_usage().is_some()
            || certificate.names().count() > 0;
        assert!(!extensions, "extensions came with version 3");
    }
    if let Some(usage) = certificate.extended_key_usage() {
        assert_eq!(usage.allows(Role::Server), usage.any || usage.server_auth);
        assert_eq!(usage.allows(Role::Client), usage.any || usage.client_auth);
    }
    let algorithm = certificate.signature_algorithm();
    let dotted = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    assert!(
        algorithm.bytes().all(dotted) && !algorithm.is_empty(),
        "{algorithm:?}"
    );
    for text in [
        certificate.key_kind().to_string(),
        certificate.key_name(),
        certificate.signature_algorithm_name(),
        validity.to_string(),
    ] {
        assert!(!text.is_empty());
    }
}

/// Characters without a visible form, by code point: controls, separators except the space, direction marks, fillers,
/// joiners, variation selectors, annotations and tags. It shares no code with the library.
fn unsafe_to_show(letter: char) -> bool {
    const UNSEEN: [(u32, u32); 23] = [
        (0x0000, 0x001f),
        (0x007f, 0x00a0),
        (0x00ad, 0x00ad),
        (0x034f, 0x034f),
        (0x061c, 0x061c),
        (0x115f, 0x1160),
        (0x1680, 0x1680),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x2000, 0x200f),
        (0x2028, 0x202f),
        (0x205f, 0x206f),
        (0x2800, 0x2800),
        (0x3000, 0x3000),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xfff0, 0xfffc),
        (0x1bca0, 0x1bca3),
        (0x1d159, 0x1d159),
        (0x1d173, 0x1d17a),
        (0xe0000, 0xe0fff),
    ];
    let code = u32::from(letter);
    UNSEEN
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&code))
}
