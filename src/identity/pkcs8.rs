//! Turning the older forms of private keys into PKCS#8 (RFC 5958), in buffers that are wiped.
//!
//! Providers do it too, and some leave copies behind; so they get one form only.

use zeroize::Zeroizing;

use crate::certificate::der::{self, Value};

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// `[0] parameters` of an `ECPrivateKey` (RFC 5915).
const PARAMETERS: u8 = 0xa0;

/// `AlgorithmIdentifier` of rsaEncryption with its NULL (RFC 3279 section 2.3.1).
const RSA: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// Object identifier of id-ecPublicKey (RFC 5480 section 2.1.1).
const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// Object identifiers of the curves, by the length of their scalars (RFC 5480 section 2.1.1.1).
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];

/// The form of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Pkcs8,
    Pkcs1,
    Sec1,
}

/// The fields of the outer sequence of a private key.
fn fields(key: &[u8]) -> Option<Vec<Value<'_>>> {
    let (outer, rest) = der::take(key)?;
    if outer.tag != SEQUENCE || !rest.is_empty() {
        return None;
    }
    der::children(outer.content).ok()
}

/// The form of a key in DER, by the tags of its first two fields.
pub(super) fn form_of(key: &[u8]) -> Option<Form> {
    let fields = fields(key)?;
    match (fields.first()?.tag, fields.get(1)?.tag) {
        (INTEGER, SEQUENCE) => Some(Form::Pkcs8),
        (INTEGER, INTEGER) => Some(Form::Pkcs1),
        (INTEGER, OCTET_STRING) => Some(Form::Sec1),
        _ => None,
    }
}

/// The key as PKCS#8. `None` if it is not of the form that it claims.
pub(super) fn from(form: Form, key: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
    if form_of(&key)? != form {
        return None;
    }
    match form {
        Form::Pkcs8 => Some(key),
        Form::Pkcs1 => Some(wrap(&[RSA], &key)),
        Form::Sec1 => {
            let fields = fields(&key)?;
            let parameters = fields.iter().find(|field| field.tag == PARAMETERS);
            let curve = match (parameters, fields.get(1)?.content.len()) {
                (Some(parameters), _) => parameters.content,
                (None, 32) => P256,
                (None, 48) => P384,
                (None, 66) => P521,
                (None, _) => return None,
            };
            let (tag_and_length, used) = header(SEQUENCE, EC.len().saturating_add(curve.len()));
            let algorithm = [tag_and_length.get(..used)?, EC, curve];
            Some(wrap(&algorithm, &key))
        }
    }
}

/// `PrivateKeyInfo` of an algorithm, in pieces, and a key.
fn wrap(algorithm: &[&[u8]], key: &[u8]) -> Zeroizing<Vec<u8>> {
    const VERSION: &[u8] = &[INTEGER, 1, 0];
    let (octets, octets_used) = header(OCTET_STRING, key.len());
    let lengths = algorithm.iter().map(|piece| piece.len());
    let content = lengths
        .fold(VERSION.len(), usize::saturating_add)
        .saturating_add(octets_used)
        .saturating_add(key.len());
    let (outer, outer_used) = header(SEQUENCE, content);
    // Sized before it is filled: a buffer that grows leaves its old block behind.
    let mut wrapped = Zeroizing::new(Vec::with_capacity(content.saturating_add(outer_used)));
    wrapped.extend_from_slice(outer.get(..outer_used).unwrap_or(&[]));
    wrapped.extend_from_slice(VERSION);
    for piece in algorithm {
        wrapped.extend_from_slice(piece);
    }
    wrapped.extend_from_slice(octets.get(..octets_used).unwrap_or(&[]));
    wrapped.extend_from_slice(key);
    wrapped
}

/// Tag and length in the shortest form, and how many bytes of it are used.
fn header(tag: u8, length: usize) -> ([u8; 4], usize) {
    // Whatever was read had a length of two bytes at most; what is added to it is less than 64.
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    match (high, low) {
        (0, 0..=0x7f) => ([tag, low, 0, 0], 2),
        (0, _) => ([tag, 0x81, low, 0], 3),
        _ => ([tag, 0x82, high, low], 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_in_the_shortest_form() {
        assert_eq!(header(4, 0x7f), ([4, 0x7f, 0, 0], 2));
        assert_eq!(header(4, 0x80), ([4, 0x81, 0x80, 0], 3));
        assert_eq!(header(4, 0xff), ([4, 0x81, 0xff, 0], 3));
        assert_eq!(header(4, 0x100), ([4, 0x82, 1, 0], 4));
    }

    #[test]
    fn forms_are_told_by_their_fields() {
        assert_eq!(form_of(&[0x30, 5, 2, 1, 0, 0x30, 0]), Some(Form::Pkcs8));
        assert_eq!(form_of(&[0x30, 6, 2, 1, 0, 2, 1, 5]), Some(Form::Pkcs1));
        assert_eq!(form_of(&[0x30, 5, 2, 1, 1, 4, 0]), Some(Form::Sec1));
        assert_eq!(form_of(&[0x30, 3, 2, 1, 0]), None);
        assert_eq!(form_of(&[0x30, 5, 2, 1, 0, 0x30, 0, 0]), None);
        assert_eq!(form_of(&[]), None);
    }

    #[test]
    fn a_key_that_is_not_of_its_form_is_no_key() {
        let pkcs8 = Zeroizing::new(vec![0x30, 5, 2, 1, 0, 0x30, 0]);
        assert!(from(Form::Pkcs1, pkcs8.clone()).is_none());
        assert!(from(Form::Pkcs8, pkcs8).is_some());
    }
}
