//! Converts private keys of every format to PKCS#8 version 1 (RFC 5958), in buffers that are wiped.
//!
//! Providers could convert keys too, but some leave copies in memory. So they get one format only.

use zeroize::Zeroizing;

use super::form::Form;
use crate::certificate::der::{self, Value};
use crate::certificate::{KeyKind, algorithms};
use crate::identity::error::IdentityError;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0] parameters` of an `ECPrivateKey` (RFC 5915); `[0] attributes` of PKCS#8.
const CONTEXT_0: u8 = 0xa0;
/// `[1] publicKey` of an `ECPrivateKey`; the same of PKCS#8 version 2 in ring's encoding.
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

/// A key in PKCS#8 version 1, with its properties.
pub(super) struct Pkcs8 {
    pub(super) der: Zeroizing<Vec<u8>>,
    pub(super) kind: KeyKind,
    /// Whether an elliptic curve key has no public part, which it usually has.
    pub(super) lacks_public_part: bool,
}

/// Converts a key to PKCS#8. `curve` is the object identifier in an `EC PARAMETERS` section beside a SEC 1 key.
///
/// # Errors
/// The key does not have the stated format, or it has explicit curve parameters.
pub(super) fn from(
    form: Form,
    key: Zeroizing<Vec<u8>>,
    curve: Option<&[u8]>,
) -> Result<Pkcs8, IdentityError> {
    match form {
        Form::Pkcs8 => from_pkcs8(key),
        Form::Pkcs1 => Ok(Pkcs8 {
            kind: rsa(&key).ok_or(IdentityError::KeyMalformed)?,
            der: wrap(&[RSA], &key),
            lacks_public_part: false,
        }),
        Form::Sec1 => from_sec1(&key, curve),
        Form::Encrypted => Err(IdentityError::KeyMalformed),
    }
}

fn from_sec1(key: &[u8], beside: Option<&[u8]>) -> Result<Pkcs8, IdentityError> {
    let malformed = IdentityError::KeyMalformed;
    let inner = EcKey::read(key).ok_or(malformed)?;
    let curve = match (inner.curve()?, beside) {
        (Some(inner), Some(beside)) if inner != beside => return Err(IdentityError::KeyMalformed),
        (Some(curve), _) | (None, Some(curve)) => curve,
        // Without parameters, the length of the scalar tells the curve. It is exact (RFC 5915 section 3), except that
        // some tools write an additional zero.
        (None, None) => {
            let is_long = |length: usize| match inner.scalar {
                [0, rest @ ..] => rest.len() == length,
                _ => false,
            };
            let mut curves = CURVES.iter();
            let found =
                curves.find(|(_, length, _)| inner.scalar.len() == *length || is_long(*length));
            found.ok_or(IdentityError::KeyMalformed)?.0
        }
    };
    let (kind, exact) = inner.on(curve).ok_or(IdentityError::KeyMalformed)?;
    let (header, used) = header(SEQUENCE, EC.len().saturating_add(curve.len()));
    let algorithm = [header.get(..used).unwrap_or(&[]), EC, curve];
    Ok(Pkcs8 {
        kind,
        der: wrap(&algorithm, exact.as_deref().map_or(key, |key| key)),
        lacks_public_part: !inner.has_public,
    })
}

/// Checks a key that is PKCS#8 already. Removes the attributes and the public part of version 2: providers compute the
/// public part, and ring reads neither.
fn from_pkcs8(key: Zeroizing<Vec<u8>>) -> Result<Pkcs8, IdentityError> {
    let parts = Parts::read(&key).ok_or(IdentityError::KeyMalformed)?;
    let mut lacks_public_part = false;
    let mut exact = None;
    let kind = match parts.oid {
        RSA_OID => rsa(parts.key),
        EC => {
            let parameters = named(parts.parameters)?;
            let inner = EcKey::read(parts.key).ok_or(IdentityError::KeyMalformed)?;
            if inner.curve()?.is_some_and(|curve| curve != parameters) {
                return Err(IdentityError::KeyMalformed);
            }
            lacks_public_part = !inner.has_public;
            inner.on(parameters).map(|(kind, key)| {
                exact = key;
                kind
            })
        }
        ED25519 => {
            let seed = der::take(parts.key);
            let good = seed.is_some_and(|(seed, rest)| {
                seed.tag == OCTET_STRING && seed.content.len() == 32 && rest.is_empty()
            });
            good.then_some(KeyKind::Ed25519)
        }
        // The provider decides.
        _ => Some(algorithms::key_kind(parts.kind)),
    };
    let kind = kind.ok_or(IdentityError::KeyMalformed)?;
    let der = match exact {
        Some(inner) => Some(wrap(&[parts.algorithm], &inner)),
        None if parts.is_plain => None,
        None => Some(wrap(&[parts.algorithm], parts.key)),
    };
    Ok(Pkcs8 {
        der: der.unwrap_or(key),
        kind,
        lacks_public_part,
    })
}

/// The fields of a PKCS#8 key (RFC 5958 section 2).
struct Parts<'a> {
    /// The whole `AlgorithmIdentifier`.
    algorithm: &'a [u8],
    /// The contents of the `AlgorithmIdentifier`: the object identifier and the parameters.
    kind: &'a [u8],
    oid: &'a [u8],
    parameters: &'a [u8],
    key: &'a [u8],
    /// Whether it has version 1 and no attributes.
    is_plain: bool,
}

impl<'a> Parts<'a> {
    fn read(key: &'a [u8]) -> Option<Self> {
        let fields = fields(key)?;
        let (version, algorithm, octets) = (fields.first()?, fields.get(1)?, fields.get(2)?);
        let more = fields.get(3..)?.iter().map(|field| field.tag);
        let more: Vec<u8> = more.collect();
        let is_v1 = version.content == [0];
        let known = match more.as_slice() {
            [] | [CONTEXT_0] => true,
            [IMPLICIT_1 | CONTEXT_1] | [CONTEXT_0, IMPLICIT_1 | CONTEXT_1] => !is_v1,
            _ => false,
        };
        let (oid, parameters) = der::take(algorithm.content)?;
        (known && oid.tag == OID).then_some(Self {
            algorithm: algorithm.whole,
            kind: algorithm.content,
            oid: oid.whole,
            parameters,
            key: octets.content,
            is_plain: is_v1 && more.is_empty(),
        })
    }
}

/// The fields of a sequence that is followed by nothing.
fn fields(key: &[u8]) -> Option<Vec<Value<'_>>> {
    let (outer, rest) = der::take(key)?;
    if outer.tag != SEQUENCE || !rest.is_empty() {
        return None;
    }
    der::children(outer.content).ok()
}

/// The size of an `RSAPrivateKey` (RFC 8017 appendix A.1.2): a version and eight numbers, of which the first is the
/// modulus.
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
    scalar: &'a [u8],
    /// The contents of the parameters: the object identifier of a curve, or explicit parameters.
    parameters: Option<&'a [u8]>,
    has_public: bool,
    /// The version field, and all fields after the scalar.
    version: &'a [u8],
    behind: &'a [u8],
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
        let (outer, _) = der::take(key)?;
        let before = version.whole.len().checked_add(scalar.whole.len())?;
        Some(Self {
            scalar: scalar.content,
            parameters: parameters.map(|field| field.content),
            has_public: more.contains(&CONTEXT_1),
            version: version.whole,
            behind: outer.content.get(before..)?,
        })
    }

    /// The object identifier of the curve, if the key states it.
    fn curve(&self) -> Result<Option<&'a [u8]>, IdentityError> {
        self.parameters.map(named).transpose()
    }

    /// The kind of key on `curve`. Also the key with a corrected scalar, if its length is not that of the curve (RFC
    /// 5915 section 3): old tools omit leading zeros, and GnuTLS and mbed TLS add one if the first bit is set. `None`
    /// if the scalar is too long for the curve.
    fn on(&self, curve: &[u8]) -> Option<(KeyKind, Option<Zeroizing<Vec<u8>>>)> {
        let known = CURVES.iter().find(|(oid, ..)| *oid == curve);
        let Some((_, length, kind)) = known else {
            return Some((algorithms::curve_kind(curve), None));
        };
        if self.scalar.len() == *length {
            return Some((*kind, None));
        }
        let beyond = self.scalar.len().saturating_sub(*length);
        let (zeros, digits) = self.scalar.split_at_checked(beyond)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return None;
        }
        Some((*kind, Some(self.written(digits, *length))))
    }

    /// The same key with a scalar of `length` bytes. There must not be more `digits`.
    fn written(&self, digits: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
        let (octets, octets_used) = header(OCTET_STRING, length);
        let content = [self.version.len(), octets_used, length, self.behind.len()];
        let content = content.into_iter().fold(0, usize::saturating_add);
        let (outer, outer_used) = header(SEQUENCE, content);
        // Allocated at its final size, as in `wrap`.
        let mut key = Zeroizing::new(Vec::with_capacity(content.saturating_add(outer_used)));
        key.extend_from_slice(outer.get(..outer_used).unwrap_or(&[]));
        key.extend_from_slice(self.version);
        key.extend_from_slice(octets.get(..octets_used).unwrap_or(&[]));
        key.extend(core::iter::repeat_n(0, length.saturating_sub(digits.len())));
        key.extend_from_slice(digits);
        key.extend_from_slice(self.behind);
        key
    }
}

/// Encodes a `PrivateKeyInfo` from the parts of its algorithm and the key.
fn wrap(algorithm: &[&[u8]], key: &[u8]) -> Zeroizing<Vec<u8>> {
    const VERSION: &[u8] = &[INTEGER, 1, 0];
    let (octets, octets_used) = header(OCTET_STRING, key.len());
    let lengths = algorithm.iter().map(|piece| piece.len());
    let content = lengths
        .fold(VERSION.len(), usize::saturating_add)
        .saturating_add(octets_used)
        .saturating_add(key.len());
    let (outer, outer_used) = header(SEQUENCE, content);
    // Allocated at its final size: a buffer that grows leaves a copy behind.
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

/// A tag and a length in the shortest form, and the number of bytes used.
fn header(tag: u8, length: usize) -> ([u8; 4], usize) {
    // The input has at most `MAX_PRIVATE_KEY_BYTES`, and less than 64 bytes are added to it.
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    match (high, low) {
        (0, 0..=0x7f) => ([tag, low, 0, 0], 2),
        (0, _) => ([tag, 0x81, low, 0], 3),
        _ => ([tag, 0x82, high, low], 4),
    }
}

/// The object identifier in the DER of an `EC PARAMETERS` section.
///
/// # Errors
/// It has explicit curve parameters, or is malformed.
pub(super) fn named_curve(parameters: &[u8]) -> Result<&[u8], IdentityError> {
    match der::take(parameters) {
        Some((value, [])) if value.tag == OID => Ok(value.whole),
        Some((value, [])) if is_described(&value) => Err(IdentityError::ExplicitCurve),
        _ => Err(IdentityError::KeyMalformed),
    }
}

/// The parameters of a key. Explicit curve parameters are refused. The caller compares them with known curves.
fn named(parameters: &[u8]) -> Result<&[u8], IdentityError> {
    match der::take(parameters) {
        Some((value, [])) if is_described(&value) => Err(IdentityError::ExplicitCurve),
        _ => Ok(parameters),
    }
}

/// Whether a value is a `SpecifiedECDomain` (SEC 1 section C.2): a sequence whose first field is its version.
fn is_described(value: &Value<'_>) -> bool {
    let version = der::take(value.content).map(|(version, _)| version.tag);
    value.tag == SEQUENCE && version == Some(INTEGER)
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

    /// A SEC 1 key with this scalar, followed by `more`.
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
            assert!(from(Form::Sec1, sec1(&vec![7; length - 1], &[]), None).is_err());
        }
    }

    #[test]
    fn a_scalar_of_another_length_is_written_with_the_length_of_its_curve() {
        for (oid, length, kind) in CURVES {
            let parameters = [&[CONTEXT_0, u8::try_from(oid.len()).unwrap()][..], oid].concat();
            let good = from(Form::Sec1, sec1(&vec![7; length], &parameters), None).unwrap();
            for zeros in [1, 2, 20] {
                let long = [vec![0; zeros], vec![7; length]].concat();
                let made = from(Form::Sec1, sec1(&long, &parameters), None).unwrap();
                assert_eq!((made.kind, &made.der), (kind, &good.der), "{zeros}");
                assert_eq!(made.der.capacity(), made.der.len());
            }
            // Without parameters, the curve is found with at most one additional zero.
            let found = from(Form::Sec1, sec1(&vec![7; length], &[]), None).unwrap();
            let long = [vec![0], vec![7; length]].concat();
            let made = from(Form::Sec1, sec1(&long, &[]), None).unwrap();
            assert_eq!((made.kind, &made.der), (kind, &found.der));
            assert!(from(Form::Sec1, sec1(&[vec![0], long].concat(), &[]), None).is_err());
            // One byte shorter, because the number is 2^8 times smaller.
            let short = from(Form::Sec1, sec1(&vec![7; length - 1], &parameters), None).unwrap();
            let zero = [vec![0], vec![7; length - 1]].concat();
            let padded = from(Form::Sec1, sec1(&zero, &parameters), None).unwrap();
            assert_eq!(short.der, padded.der);
            let other = [vec![1], vec![7; length]].concat();
            assert!(from(Form::Sec1, sec1(&other, &parameters), None).is_err());
        }
    }

    #[test]
    fn parameters_beside_a_sec1_key_say_its_curve() {
        // secp256k1, whose scalars are as long as those of P-256.
        const OTHER: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a];
        let made = from(Form::Sec1, sec1(&[7; 32], &[]), Some(OTHER)).unwrap();
        assert_eq!(made.kind.to_string(), "ECDSA secp256k1 (1.3.132.0.10)");
        let p256 = CURVES[0].0;
        let mut parameters = vec![CONTEXT_0, 10];
        parameters.extend(p256);
        let key = sec1(&[7; 32], &parameters);
        assert!(from(Form::Sec1, key.clone(), Some(OTHER)).is_err());
        let made = from(Form::Sec1, key, Some(p256)).unwrap();
        assert_eq!(made.kind, KeyKind::P256);
        assert!(from(Form::Sec1, sec1(&[7; 33], &parameters), None).is_err());
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
            assert!(from(Form::Pkcs8, other, None).is_err());
        }
    }
}
