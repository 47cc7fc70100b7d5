//! Certificates that anyone can derive from a given one without a key.
//!
//! Everything in a certificate except its signature is signed, and the grammar accepts one encoding of the rest.
//! Ed25519, RSA and ML-DSA signatures have one value and one form. An ECDSA signature (r, s) does not: if it verifies,
//! so does (r, n-s), where n is the order of the curve. SEC 1 section 4.1.4 uses only the x-coordinate of a point,
//! which a point and its negative share. So the same content has two certificates with two fingerprints.

use sha2::{Digest, Sha256};

use super::Fingerprint;
use super::der::{self, BIT_STRING, INTEGER, SEQUENCE, Value};

/// The common prefix of the object identifiers of ECDSA signatures: ansi-X9-62 signatures, 1.2.840.10045.4 (RFC 5758
/// section 3.2).
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];

/// Size in bytes of the greatest order, that of P-521.
const BYTES: usize = 66;

/// A big-endian number. Numbers compare like their bytes.
type Number = [u8; BYTES];

/// The orders of P-256, P-384 and P-521 (SP 800-186 section 3.2.1), without leading zeros.
const ORDERS: [&[u8]; 3] = [
    &[
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ],
    &[
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37,
        0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc,
        0xc5, 0x29, 0x73,
    ],
    &[
        0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01,
        0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f,
        0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09,
    ],
];

/// `r` is a random coordinate, so on its own curve it is this many bytes shorter than the order only once in 2^128
/// signatures. Curves with longer orders are ruled out by its length.
const SHORTER: usize = 16;

/// The fingerprints of the certificates that equal `der` except for the other value of the ECDSA signature, one for
/// each possible curve. The curve is that of the issuer's key, which is unknown here. The length of `r` leaves one of
/// the three. Empty if the signature has another algorithm.
///
/// `der` need not be a readable certificate.
pub(crate) fn fingerprints(der: &[u8]) -> impl Iterator<Item = Fingerprint> {
    let parts = Parts::read(der);
    let orders = ORDERS.iter();
    orders.filter_map(move |order| parts?.other(order))
}

/// Whether a signature is in a form that may be verified. For ECDSA that is the DER of two positive integers. Some
/// verifiers accept other forms too: the same content would then have many certificates, and no block would match them.
pub(super) fn is_form_of(algorithm_id: &[u8], signature: &[u8]) -> bool {
    let ecdsa = der::take(algorithm_id).is_some_and(|(oid, _)| oid.content.starts_with(ECDSA));
    !ecdsa || numbers(signature).is_some()
}

/// A certificate with an ECDSA signature, in parts.
#[derive(Clone, Copy)]
struct Parts<'a> {
    to_be_signed: &'a [u8],
    algorithm: &'a [u8],
    r: Value<'a>,
    s: Value<'a>,
}

impl<'a> Parts<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let (outer, _) = der::take(der)?;
        let (to_be_signed, rest) = der::take(outer.content)?;
        let (algorithm, rest) = der::take(rest)?;
        let (signature, _) = der::take(rest)?;
        let (_, bits) = signature.content.split_first()?;
        let (r, s) = numbers(bits)?;
        Some(Self {
            to_be_signed: to_be_signed.whole,
            algorithm: algorithm.whole,
            r,
            s,
        })
    }

    /// The fingerprint with `order - s`.
    fn other(&self, order: &[u8]) -> Option<Fingerprint> {
        let r_bytes = self.r.content.iter().skip_while(|byte| **byte == 0).count();
        if r_bytes.saturating_add(SHORTER) <= order.len() {
            return None;
        }
        let (r, s) = (padded(self.r.content)?, padded(self.s.content)?);
        let order = padded(order)?;
        if r >= order || s >= order {
            return None;
        }
        let other = difference(&order, &s);
        let used = other.iter().skip_while(|byte| **byte == 0).count();
        let digits = other.get(BYTES.saturating_sub(used)..)?;
        // The highest bit of a positive INTEGER is clear.
        let clear: &[u8] = match digits.first() {
            Some(0x80..) => &[0],
            Some(_) | None => &[],
        };
        let s_length = clear.len().saturating_add(digits.len());
        let s_header = header(INTEGER, s_length);
        let pair_length = [self.r.whole.len(), s_header.bytes().len(), s_length];
        let pair_length = pair_length.into_iter().fold(0, usize::saturating_add);
        let pair_header = header(SEQUENCE, pair_length);
        let bits_length = pair_header.bytes().len().saturating_add(pair_length);
        let bits_header = header(BIT_STRING, bits_length.saturating_add(1));
        let parts: [&[u8]; 9] = [
            self.to_be_signed,
            self.algorithm,
            bits_header.bytes(),
            // The number of unused bits.
            &[0],
            pair_header.bytes(),
            self.r.whole,
            s_header.bytes(),
            clear,
            digits,
        ];
        let whole = parts.iter().map(|part| part.len());
        let outer_header = header(SEQUENCE, whole.fold(0, usize::saturating_add));
        let mut digest = Sha256::new();
        digest.update(outer_header.bytes());
        for part in parts {
            digest.update(part);
        }
        Some(Fingerprint::from_bytes(digest.finalize().into()))
    }
}

/// The two integers of an ECDSA signature (RFC 3279 section 2.2.3) in DER.
fn numbers(signature: &[u8]) -> Option<(Value<'_>, Value<'_>)> {
    let (pair, []) = der::take(signature)? else {
        return None;
    };
    let (r, rest) = der::take(pair.content)?;
    let (s, []) = der::take(rest)? else {
        return None;
    };
    (pair.tag == SEQUENCE && r.is_positive_integer() && s.is_positive_integer()).then_some((r, s))
}

fn padded(digits: &[u8]) -> Option<Number> {
    let used = digits.iter().skip_while(|byte| **byte == 0).count();
    let digits = digits.get(digits.len().saturating_sub(used)..)?;
    let mut number = [0; BYTES];
    let place = number.get_mut(BYTES.checked_sub(used)?..)?;
    place.copy_from_slice(digits);
    Some(number)
}

/// `greater - less`.
fn difference(greater: &Number, less: &Number) -> Number {
    let mut difference = [0; BYTES];
    let mut borrow = false;
    let digits = greater.iter().zip(less).rev();
    for (place, (from, take)) in difference.iter_mut().rev().zip(digits) {
        let (once, below) = from.overflowing_sub(*take);
        let (twice, below_again) = once.overflowing_sub(u8::from(borrow));
        *place = twice;
        borrow = below || below_again;
    }
    difference
}

/// A tag and a length in the shortest form.
struct Header {
    bytes: [u8; 4],
    used: usize,
}

impl Header {
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or(&[])
    }
}

fn header(tag: u8, length: usize) -> Header {
    // No part of a certificate has more than 65,535 bytes: see `der::take`.
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let (bytes, used) = match (high, low) {
        (0, 0..=0x7f) => ([tag, low, 0, 0], 2),
        (0, _) => ([tag, 0x81, low, 0], 3),
        _ => ([tag, 0x82, high, low], 4),
    };
    Header { bytes, used }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Certificate;

    fn number(text: &str) -> Number {
        let digits = text.bytes().map(|digit| digit.wrapping_sub(b'0'));
        padded(&digits.collect::<Vec<u8>>()).unwrap()
    }

    #[test]
    fn a_number_is_taken_from_another_digit_by_digit() {
        let mut one = [0; BYTES];
        one[BYTES - 1] = 1;
        let mut carry = [0; BYTES];
        carry[BYTES - 3] = 1;
        let mut below = [0; BYTES];
        below[BYTES - 2..].fill(0xff);
        assert_eq!(difference(&carry, &one), below);
        assert_eq!(difference(&carry, &below), one);
        assert_eq!(difference(&number("123"), &number("023")), number("100"));
    }

    #[test]
    fn headers_are_in_the_shortest_form() {
        let written = |length| header(SEQUENCE, length).bytes().to_vec();
        assert_eq!(written(0x7f), [0x30, 0x7f]);
        assert_eq!(written(0x80), [0x30, 0x81, 0x80]);
        assert_eq!(written(0xff), [0x30, 0x81, 0xff]);
        assert_eq!(written(0x100), [0x30, 0x82, 0x01, 0x00]);
    }

    #[test]
    fn only_ecdsa_signatures_have_another_value() {
        let read = |pem: &[u8]| Certificate::from_pem(pem).unwrap();
        let count = |certificate: &Certificate| fingerprints(certificate.der()).count();
        assert_eq!(
            count(&read(include_bytes!("../../tests/fixtures/ee-rsa2048.pem"))),
            0
        );
        assert_eq!(
            count(&read(include_bytes!("../../tests/fixtures/ee-ed25519.pem"))),
            0
        );
        // One fingerprint each: the length of `r` tells the curve.
        for pem in [
            &include_bytes!("../../tests/fixtures/ee-p256.pem")[..],
            include_bytes!("../../tests/fixtures/ee-p384.pem"),
            include_bytes!("../../tests/fixtures/ee-p521.pem"),
        ] {
            assert_eq!(count(&read(pem)), 1);
        }
        for none in [&[][..], &[0x30, 0x00], &[0x30, 0x02, 0x05, 0x00]] {
            assert_eq!(fingerprints(none).count(), 0);
        }
    }

    #[test]
    fn an_ecdsa_signature_is_two_positive_numbers_in_der() {
        let sha256 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
        let good = [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x7f];
        assert!(is_form_of(&sha256, &good));
        for bad in [
            &[][..],
            &[0x31, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x7f],
            &[0x30, 0x81, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x7f],
            &[0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x7f, 0x00],
            &[0x30, 0x03, 0x02, 0x01, 0x01],
            &[
                0x30, 0x09, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01,
            ],
            &[0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x7f],
            &[0x30, 0x06, 0x02, 0x01, 0x81, 0x02, 0x01, 0x7f],
            &[0x30, 0x07, 0x02, 0x02, 0x00, 0x01, 0x02, 0x01, 0x7f],
            &[0x30, 0x05, 0x02, 0x00, 0x02, 0x01, 0x7f],
            &[0x30, 0x06, 0x03, 0x01, 0x01, 0x02, 0x01, 0x7f],
        ] {
            assert!(!is_form_of(&sha256, bad), "{bad:02x?}");
        }
        // Another algorithm: its verifier decides.
        assert!(is_form_of(&[0x06, 0x03, 0x2b, 0x65, 0x70], &[1, 2, 3]));
    }
}
