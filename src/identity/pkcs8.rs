//! Turning every form of private key into PKCS#8 of version 1 (RFC 5958), in buffers that are wiped.
//!
//! Providers do it too, and some leave copies behind; so they get one form only.

use zeroize::Zeroizing;

use super::form::Form;
use crate::certificate::der::{self, Value};
use crate::certificate::{KeyKind, algorithms};

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0] parameters` of an `ECPrivateKey` (RFC 5915), `[0] attributes` of PKCS#8.
const CONTEXT_0: u8 = 0xa0;
/// `[1] publicKey` of an `ECPrivateKey`; of PKCS#8 version 2 as ring wrote it.
const CONTEXT_1: u8 = 0xa1;
/// `[1] publicKey` of PKCS#8 version 2.
const IMPLICIT_1: u8 = 0x81;

/// `AlgorithmIdentifier` of rsaEncryption with its NULL (RFC 3279 section 2.3.1).
const RSA: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// Object identifier of rsaEncryption.
const RSA_OID: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
];
/// Object identifier of id-ecPublicKey (RFC 5480 section 2.1.1).
const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// Object identifier of id-Ed25519 (RFC 8410 section 3).
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
/// Object identifiers of the curves (RFC 5480 section 2.1.1.1), with the lengths of their scalars.
const CURVES: [(&[u8], usize, KeyKind); 3] = [
    (
        &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        32,
        KeyKind::P256,
    ),
    (
        &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22],
        48,
        KeyKind::P384,
    ),
    (
        &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
        66,
        KeyKind::P521,
    ),
];

/// A key in the one form that providers get, and what can be said about it.
pub(super) struct Pkcs8 {
    pub(super) der: Zeroizing<Vec<u8>>,
    pub(super) kind: KeyKind,
    /// The public part is missing where it is usual: in a key of an elliptic curve.
    pub(super) lacks_public_part: bool,
}

/// The key as PKCS#8. `None` if it is not of the form that it claims. `curve` is an object identifier that
/// stands beside a SEC 1 key, in a section of its own.
pub(super) fn from(form: Form, key: Zeroizing<Vec<u8>>, curve: Option<&[u8]>) -> Option<Pkcs8> {
    match form {
        Form::Pkcs8 => from_pkcs8(key),
        Form::Pkcs1 => Some(Pkcs8 {
            kind: rsa(&key)?,
            der: wrap(&[RSA], &key),
            lacks_public_part: false,
        }),
        Form::Sec1 => {
            let inner = EcKey::read(&key)?;
            let curve = match (inner.curve, curve) {
                (Some(inner), Some(beside)) if inner != beside => return None,
                (Some(curve), _) | (None, Some(curve)) => curve,
                // Without parameters: by the length, which is exact (RFC 5915 section 3).
                (None, None) => {
                    let mut curves = CURVES.iter();
                    curves.find(|(_, length, _)| *length == inner.scalar)?.0
                }
            };
            let (header, used) = header(SEQUENCE, EC.len().saturating_add(curve.len()));
            Some(Pkcs8 {
                kind: inner.kind(curve)?,
                der: wrap(&[header.get(..used)?, EC, curve], &key),
                lacks_public_part: !inner.has_public,
            })
        }
        Form::Encrypted => None,
    }
}

/// Judges a key that is PKCS#8 already, and leaves out what only version 2 has and attributes: providers
/// compute the public part, and ring reads neither.
fn from_pkcs8(key: Zeroizing<Vec<u8>>) -> Option<Pkcs8> {
    let fields = fields(&key)?;
    let (version, algorithm, octets) = (fields.first()?, fields.get(1)?, fields.get(2)?);
    let more = fields.get(3..)?.iter().map(|field| field.tag);
    let more: Vec<u8> = more.collect();
    let is_v1 = version.content == [0];
    let known = match more.as_slice() {
        [] | [CONTEXT_0] => true,
        [IMPLICIT_1 | CONTEXT_1] | [CONTEXT_0, IMPLICIT_1 | CONTEXT_1] => !is_v1,
        _ => false,
    };
    if !known {
        return None;
    }
    let (oid, parameters) = der::take(algorithm.content)?;
    if oid.tag != OID {
        return None;
    }
    let mut lacks_public_part = false;
    let kind = match oid.whole {
        RSA_OID => rsa(octets.content)?,
        EC => {
            let inner = EcKey::read(octets.content)?;
            if inner.curve.is_some_and(|curve| curve != parameters) {
                return None;
            }
            lacks_public_part = !inner.has_public;
            inner.kind(parameters)?
        }
        ED25519 => {
            let (seed, rest) = der::take(octets.content)?;
            let good = seed.tag == OCTET_STRING && seed.content.len() == 32 && rest.is_empty();
            good.then_some(KeyKind::Ed25519)?
        }
        // For the provider to say.
        _ => algorithms::key_kind(algorithm.content),
    };
    let der = if is_v1 && more.is_empty() {
        None
    } else {
        Some(wrap(&[algorithm.whole], octets.content))
    };
    Some(Pkcs8 {
        der: der.unwrap_or(key),
        kind,
        lacks_public_part,
    })
}

/// The fields of a sequence with nothing behind it.
fn fields(key: &[u8]) -> Option<Vec<Value<'_>>> {
    let (outer, rest) = der::take(key)?;
    if outer.tag != SEQUENCE || !rest.is_empty() {
        return None;
    }
    der::children(outer.content).ok()
}

/// An `RSAPrivateKey` (RFC 8017 appendix A.1.2): a version and eight numbers, the first of them the modulus.
fn rsa(key: &[u8]) -> Option<KeyKind> {
    let fields = fields(key)?;
    let numbers = fields.iter().take(9);
    if numbers.filter(|field| field.tag == INTEGER).count() != 9 {
        return None;
    }
    let modulus = fields.get(1)?.content;
    let zeros = modulus.iter().take_while(|digit| **digit == 0).count();
    let modulus = modulus.get(zeros..)?;
    let bits = u32::try_from(modulus.len()).ok()?.checked_mul(8)?;
    let bits = bits.checked_sub(modulus.first()?.leading_zeros())?;
    Some(KeyKind::Rsa { bits })
}

/// An `ECPrivateKey` (RFC 5915).
struct EcKey<'a> {
    /// Length of the scalar in bytes.
    scalar: usize,
    /// What stands in the parameters: the object identifier of a curve, or the curve itself.
    curve: Option<&'a [u8]>,
    has_public: bool,
}

impl<'a> EcKey<'a> {
    fn read(key: &'a [u8]) -> Option<Self> {
        let fields = fields(key)?;
        let (version, scalar) = (fields.first()?, fields.get(1)?);
        let more: Vec<u8> = fields.get(2..)?.iter().map(|field| field.tag).collect();
        let known = matches!(
            more.as_slice(),
            [] | [CONTEXT_0] | [CONTEXT_1] | [CONTEXT_0, CONTEXT_1]
        );
        let is_key = version.tag == INTEGER && version.content == [1];
        if !known || !is_key || scalar.tag != OCTET_STRING || scalar.content.is_empty() {
            return None;
        }
        let parameters = fields.get(2).filter(|field| field.tag == CONTEXT_0);
        Some(Self {
            scalar: scalar.content.len(),
            curve: parameters.map(|field| field.content),
            has_public: more.contains(&CONTEXT_1),
        })
    }

    /// The kind of key on `curve`. `None` if the scalar is too long for it.
    fn kind(&self, curve: &[u8]) -> Option<KeyKind> {
        let known = CURVES.iter().find(|(oid, ..)| *oid == curve);
        known.map_or(Some(algorithms::curve_kind(curve)), |(_, length, kind)| {
            // Old writers left out leading zeros.
            (self.scalar <= *length).then_some(*kind)
        })
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
    // Whatever was read has at most `MAX_PRIVATE_KEY_BYTES`; what is added to it is less than 64.
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    match (high, low) {
        (0, 0..=0x7f) => ([tag, low, 0, 0], 2),
        (0, _) => ([tag, 0x81, low, 0], 3),
        _ => ([tag, 0x82, high, low], 4),
    }
}

/// The object identifier in the DER of an `EC PARAMETERS` section; `None` if there is anything else.
pub(super) fn named_curve(parameters: &[u8]) -> Option<&[u8]> {
    let (value, rest) = der::take(parameters)?;
    (value.tag == OID && rest.is_empty()).then_some(value.whole)
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

    /// A SEC 1 key of one scalar, with `more` behind it.
    fn sec1(scalar: &[u8], more: &[u8]) -> Zeroizing<Vec<u8>> {
        let length = |bytes: usize| u8::try_from(bytes).unwrap();
        let mut key = vec![0x30, length(5 + scalar.len() + more.len())];
        key.extend([2, 1, 1, 4, length(scalar.len())]);
        key.extend(scalar);
        key.extend(more);
        Zeroizing::new(key)
    }

    #[test]
    fn a_sec1_key_without_parameters_is_of_the_curve_of_its_length() {
        for (oid, length, kind) in CURVES {
            let made = from(Form::Sec1, sec1(&vec![7; length], &[]), None).unwrap();
            assert_eq!(made.kind, kind);
            assert!(made.lacks_public_part);
            assert!(made.der.windows(oid.len()).any(|window| window == oid));
            assert!(from(Form::Sec1, sec1(&vec![7; length - 1], &[]), None).is_none());
        }
    }

    #[test]
    fn parameters_beside_a_sec1_key_say_its_curve() {
        // secp256k1, whose scalars are as long as those of P-256
        const OTHER: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a];
        let made = from(Form::Sec1, sec1(&[7; 32], &[]), Some(OTHER)).unwrap();
        assert_eq!(made.kind.to_string(), "ECDSA secp256k1 (1.3.132.0.10)");
        let p256 = CURVES[0].0;
        let mut parameters = vec![CONTEXT_0, 10];
        parameters.extend(p256);
        let key = sec1(&[7; 32], &parameters);
        assert!(from(Form::Sec1, key.clone(), Some(OTHER)).is_none());
        let made = from(Form::Sec1, key, Some(p256)).unwrap();
        assert_eq!(made.kind, KeyKind::P256);
        assert!(from(Form::Sec1, sec1(&[7; 33], &parameters), None).is_none());
    }

    #[test]
    fn what_version_2_adds_is_left_out() {
        let algorithm = [&[SEQUENCE, 5][..], ED25519].concat();
        let seed = [&[OCTET_STRING, 34, OCTET_STRING, 32][..], &[7; 32]].concat();
        let attributes = [CONTEXT_0, 0];
        let public = [&[IMPLICIT_1, 33, 0][..], &[9; 32]].concat();
        let key = |version: u8, more: &[&[u8]]| {
            let more = more.concat();
            let content = [&[INTEGER, 1, version][..], &algorithm, &seed, &more].concat();
            let length = u8::try_from(content.len()).unwrap();
            Zeroizing::new([&[SEQUENCE, length][..], &content].concat())
        };
        let plain = key(0, &[]);
        for same in [
            key(0, &[]),
            key(0, &[&attributes]),
            key(1, &[]),
            key(1, &[&public]),
            key(1, &[&attributes, &public]),
        ] {
            let made = from(Form::Pkcs8, same, None).unwrap();
            assert_eq!(made.der, plain);
            assert_eq!(made.kind, KeyKind::Ed25519);
            assert_eq!(made.der.capacity(), made.der.len());
        }
        for other in [
            key(0, &[&public]),
            key(1, &[&public, &attributes]),
            key(1, &[&public, &public]),
        ] {
            assert!(from(Form::Pkcs8, other, None).is_none());
        }
    }
}
