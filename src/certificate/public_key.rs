//! Reads public keys (RFC 5280 section 4.1.2.7). Accepts exactly one encoding per key type, so that a block on a key
//! cannot be evaded by re-encoding.

use super::algorithms::key_kind;
use super::curve;
use super::der::{self, BIT_STRING, SEQUENCE, Value};
use super::keys::KeyFault;
use super::kinds::KeyKind;
use super::list::{algorithm, list};
use crate::limits::MAX_RSA_EXPONENT_BITS;

/// The kind of a key, and why no signature can verify under it, if that is so.
pub(crate) type Read = (KeyKind, Option<KeyFault>);

/// Reads a key: points must be uncompressed, and keys must have their exact length.
pub(super) fn read(value: &Value<'_>) -> Result<Read, &'static str> {
    let field = "subject public key";
    let [algorithm_id, key] = &list(value, SEQUENCE, field)?[..] else {
        return Err(field);
    };
    algorithm(algorithm_id, field)?;
    let Some((0, key)) = key
        .content
        .split_first()
        .map(|(unused, rest)| (*unused, rest))
        .filter(|_| key.tag == BIT_STRING)
    else {
        return Err(field);
    };
    let exact = |length| key.len() == length;
    let point = |length| exact(length) && key.first() == Some(&0x04);
    let mut fault = None;
    // The contents of the AlgorithmIdentifier: the identifier and, for elliptic curves, the curve.
    let (kind, good) = match algorithm_id.content {
        // id-ecPublicKey (RFC 5480) with P-256, P-384, P-521
        [
            0x06,
            0x07,
            0x2a,
            0x86,
            0x48,
            0xce,
            0x3d,
            0x02,
            0x01,
            curve @ ..,
        ] => match curve {
            [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => {
                (KeyKind::P256, point(65))
            }
            [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22] => (KeyKind::P384, point(97)),
            [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23] => (KeyKind::P521, point(133)),
            _ => (key_kind(algorithm_id.content), true),
        },
        // id-Ed25519 (RFC 8410)
        [0x06, 0x03, 0x2b, 0x65, 0x70, parameters @ ..] => {
            (KeyKind::Ed25519, parameters.is_empty() && exact(32))
        }
        // rsaEncryption (RFC 3279) with NULL parameters. Some tools omit them.
        [
            0x06,
            0x09,
            0x2a,
            0x86,
            0x48,
            0x86,
            0xf7,
            0x0d,
            0x01,
            0x01,
            0x01,
            parameters @ ..,
        ] => {
            let (modulus, exponent) = rsa_numbers(key).ok_or(field)?;
            let bits = bits_of(modulus);
            fault = rsa_fault(modulus, exponent);
            (
                KeyKind::Rsa { bits },
                matches!(parameters, [] | [0x05, 0x00]),
            )
        }
        other => {
            let kind = key_kind(other);
            // FIPS 204 table 2.
            let lengths = [
                (KeyKind::MlDsa44, 1312),
                (KeyKind::MlDsa65, 1952),
                (KeyKind::MlDsa87, 2592),
            ];
            let mut lengths = lengths.iter().filter(|(known, _)| *known == kind);
            (kind, lengths.all(|(_, length)| exact(*length)))
        }
    };
    if !good {
        return Err(field);
    }
    if !curve::has_point(kind, key.get(1..).unwrap_or(&[])) {
        fault = Some(KeyFault::OffCurve);
    }
    Ok((kind, fault))
}

/// Reads a whole `SubjectPublicKeyInfo` with nothing behind it.
#[cfg(feature = "bundle")]
pub(crate) fn read_whole(spki: &[u8]) -> Option<Read> {
    match der::take(spki)? {
        (value, []) => read(&value).ok(),
        _ => None,
    }
}

/// Why no signature verifies under an RSA key with these numbers, if that is so.
fn rsa_fault(modulus: &[u8], exponent: &[u8]) -> Option<KeyFault> {
    let is_even = |number: &[u8]| number.last().is_none_or(|last| last & 1 == 0);
    if is_even(modulus) {
        return Some(KeyFault::EvenModulus);
    }
    if exponent == [1] || is_even(exponent) {
        return Some(KeyFault::Exponent);
    }
    (bits_of(exponent) > MAX_RSA_EXPONENT_BITS).then_some(KeyFault::LongExponent)
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 appendix A.1.1): two positive integers in their shortest form.
fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (outer, []) = der::take(key)? else {
        return None;
    };
    match &list(&outer, SEQUENCE, "subject public key").ok()?[..] {
        [modulus, exponent] if modulus.is_positive_integer() && exponent.is_positive_integer() => {
            Some((modulus.content, exponent.content))
        }
        _ => None,
    }
}

/// The length in bits of a big-endian number.
fn bits_of(modulus: &[u8]) -> u32 {
    let mut digits = modulus.iter().skip_while(|byte| **byte == 0);
    match digits.next() {
        None => 0,
        Some(first) => {
            let whole = u32::try_from(digits.count()).unwrap_or(u32::MAX);
            let highest = 8 - first.leading_zeros();
            whole.saturating_mul(8).saturating_add(highest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{bits_of, rsa_fault, rsa_numbers};
    use crate::certificate::keys::KeyFault;

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    #[test]
    fn an_rsa_key_is_two_positive_numbers_in_their_shortest_form() {
        let key = |parts: &[Vec<u8>]| value(0x30, &parts.concat());
        let number = |content: &[u8]| value(2, content);
        let good = key(&[number(&[0, 0x80]), number(&[3])]);
        assert_eq!(rsa_numbers(&good), Some((&[0, 0x80][..], &[3][..])));
        assert!(rsa_numbers(&key(&[number(&[0x7f]), number(&[0, 0xff])])).is_some());
        for bad in [&[][..], &[0x80], &[0, 0x7f], &[0]] {
            assert!(rsa_numbers(&key(&[number(bad), number(&[3])])).is_none());
            assert!(rsa_numbers(&key(&[number(&[3]), number(bad)])).is_none());
        }
        for bad in [
            key(&[value(3, &[3]), number(&[3])]),
            key(&[number(&[3]), value(3, &[3])]),
            key(&[number(&[3])]),
            key(&[number(&[3]), number(&[3]), number(&[3])]),
            value(0x31, &[number(&[3]), number(&[3])].concat()),
            [good, vec![0]].concat(),
        ] {
            assert!(rsa_numbers(&bad).is_none(), "{bad:02x?}");
        }
    }

    #[test]
    fn an_rsa_key_of_an_even_number_or_the_exponent_1_verifies_nothing() {
        assert_eq!(rsa_fault(&[0, 0xff], &[3]), None);
        assert_eq!(rsa_fault(&[0, 0xff], &[1, 0, 1]), None);
        assert_eq!(rsa_fault(&[0, 0xff], &[1, 0xff, 0xff, 0xff, 0xff]), None);
        let long = [3, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(rsa_fault(&[0, 0xff], &long), Some(KeyFault::LongExponent));
        assert_eq!(rsa_fault(&[0, 0xfe], &[3]), Some(KeyFault::EvenModulus));
        for exponent in [&[1][..], &[2], &[1, 0, 0]] {
            assert_eq!(rsa_fault(&[0, 0xff], exponent), Some(KeyFault::Exponent));
        }
    }

    #[test]
    fn the_size_of_a_modulus_is_its_highest_bit() {
        assert_eq!(bits_of(&[]), 0);
        assert_eq!(bits_of(&[0, 0]), 0);
        assert_eq!(bits_of(&[0, 1]), 1);
        assert_eq!(bits_of(&[0x80, 0]), 16);
        assert_eq!(bits_of(&[0, 0x7f, 0xff]), 15);
    }
}
