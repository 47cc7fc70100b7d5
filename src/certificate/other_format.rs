//! Recognises files of other formats by the tags of their first fields.

use super::der::{BIT_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE, take};
use super::format_error::OtherFormat;

/// Recognises other formats that contain certificates, by their first fields.
pub(super) fn other_format(der: &[u8]) -> Option<OtherFormat> {
    // 1.2.840.113549.1.7 (pkcs-7)
    const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    let (outer, _) = take(der)?;
    let (first, rest) = take(outer.content)?;
    match (first.tag, first.content, rest.first()) {
        (OID, id, Some(0xa0)) if id.starts_with(PKCS7) => Some(OtherFormat::Pkcs7),
        // PFX: version 3 and a ContentInfo.
        (INTEGER, [3], Some(&SEQUENCE)) => Some(OtherFormat::Pkcs12),
        // PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) of two primes, SEC 1 (RFC 5915).
        (INTEGER, [0 | 1], Some(&SEQUENCE))
        | (INTEGER, [0], Some(&INTEGER))
        | (INTEGER, [1], Some(&OCTET_STRING)) => Some(OtherFormat::PrivateKey),
        // Encrypted PKCS#8.
        (SEQUENCE, _, Some(&OCTET_STRING)) => Some(OtherFormat::PrivateKey),
        (SEQUENCE, _, Some(&BIT_STRING)) => Some(OtherFormat::PublicKey),
        (SEQUENCE, signed, Some(&SEQUENCE)) => signed_format(signed),
        _ => None,
    }
}

/// Which signed structure other than a certificate this is, by the tags of what is signed.
fn signed_format(signed: &[u8]) -> Option<OtherFormat> {
    let mut tags = [0_u8; 4];
    let mut rest = signed;
    for tag in &mut tags {
        let (field, behind) = take(rest)?;
        (*tag, rest) = (field.tag, behind);
    }
    match tags {
        // The version can be left out of a list: signature, issuer, thisUpdate (UTCTime or GeneralizedTime).
        [INTEGER, SEQUENCE, SEQUENCE, 0x17 | 0x18] | [SEQUENCE, SEQUENCE, 0x17 | 0x18, _] => {
            Some(OtherFormat::RevocationList)
        }
        [INTEGER, SEQUENCE, SEQUENCE, 0xa0] => Some(OtherFormat::Request),
        _ => None,
    }
}

/// The format of a file without a section, by its first bytes, or of text by its kind.
pub(super) fn format_of_text(text: &[u8]) -> Option<OtherFormat> {
    let starts: [(&[u8], OtherFormat); 8] = [
        (b"\x1f\x8b", OtherFormat::Gzip),
        (b"PK\x03\x04", OtherFormat::Zip),
        (b"\xfe\xed\xfe\xed", OtherFormat::JavaKeystore),
        (b"\xce\xce\xce\xce", OtherFormat::JavaKeystore),
        (b"ssh-rsa ", OtherFormat::SshKey),
        (b"ssh-ed25519 ", OtherFormat::SshKey),
        (b"ecdsa-sha2-", OtherFormat::SshKey),
        (b"sk-ssh-", OtherFormat::SshKey),
    ];
    let mut starts = starts.iter();
    if let Some((_, found)) = starts.find(|(start, _)| text.starts_with(start)) {
        return Some(*found);
    }
    // A SEQUENCE with a length of two bytes, as certificates and lists have.
    let is_base64 = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r' | b' ')
    };
    (text.starts_with(b"MII") && text.iter().all(is_base64)).then_some(OtherFormat::Base64)
}
