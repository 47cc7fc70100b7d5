//! Certificates and revocation lists in PKCS#7 (RFC 2315) or CMS (RFC 5652), as `openssl crl2pkcs7` and Windows write them.

use ::pkcs12::cms::content_info::ContentInfo;
use der::asn1::ObjectIdentifier;
use der::{AnyRef, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use super::{Held, HeldCertificate, behind_header, ber, damaged};
use crate::output::Failure;

/// RFC 5652 section 5.1.
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

const WHAT: &str = "the PKCS#7 structure";

/// Whether this is PKCS#7 or CMS, whole or not.
pub(super) fn is_one(content: &[u8]) -> bool {
    // An object identifier of nine bytes, 1.2.840.113549.1.7 and one number more.
    const START: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    behind_header(content).is_some_and(|inner| inner.starts_with(START))
}

/// Reads it. What is signed, and by whose key, has no meaning here: the structure is a box for certificates.
pub(super) fn read(content: &[u8]) -> Result<Held, Failure> {
    let content = ber::as_der(content);
    let info = ContentInfo::from_der(&content).map_err(|_| damaged(WHAT))?;
    if info.content_type != SIGNED_DATA {
        let text = "PKCS#7 of another kind than signed data, which holds no certificates";
        return Err(Failure::new("file/Unsupported", text));
    }
    if info.content.tag() != Tag::Sequence {
        return Err(damaged(WHAT));
    }
    fields(info.content.value()).map_err(|_| damaged(WHAT))
}

fn fields(signed: &[u8]) -> der::Result<Held> {
    let mut reader = SliceReader::new(signed)?;
    let mut held = Held::default();
    // The version, the digests and what is signed.
    for _ in 0..3 {
        reader.tlv_bytes()?;
    }
    while !reader.is_finished() {
        let field = AnyRef::decode(&mut reader)?;
        if field.tag() == choice(0) {
            let ders = each(field.value())?.into_iter();
            held.certificates = ders
                .map(|der| HeldCertificate {
                    der,
                    alias: None,
                    key_id: None,
                })
                .collect();
        } else if field.tag() == choice(1) {
            held.lists = each(field.value())?;
        } else {
            // The signatures.
            field.tag().assert_eq(Tag::Set)?;
        }
    }
    Ok(held)
}

const fn choice(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    }
}

/// The values of a set, byte for byte. Only certificates and lists are SEQUENCEs: attribute certificates have other tags.
fn each(set: &[u8]) -> der::Result<Vec<Vec<u8>>> {
    let mut reader = SliceReader::new(set)?;
    let mut all = Vec::new();
    while !reader.is_finished() {
        let one = reader.tlv_bytes()?;
        AnyRef::from_der(one)?.tag().assert_eq(Tag::Sequence)?;
        all.push(one.to_vec());
    }
    Ok(all)
}
