//! Certificates with another signature than the issued one, made without the issuer's key.

use mutual_trust::certificate::Certificate;
use num_bigint::BigUint;

use super::der::{self, Der, INTEGER, SEQUENCE, tree, wrap};

/// The order of P-256, with which the test PKI signs.
pub const P256: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
pub const P384: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
pub const P521: &str = "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";

pub fn number(hexadecimal: &str) -> BigUint {
    BigUint::parse_bytes(hexadecimal.as_bytes(), 16).unwrap()
}

/// The signature of a certificate, without the number of unused bits.
pub fn signature(certificate: &Certificate) -> Vec<u8> {
    tree(certificate).at(&[2]).content()[1..].to_vec()
}

/// The certificate with these bits as its signature.
pub fn with_signature(certificate: &Certificate, bits: &[u8]) -> Vec<u8> {
    let mut tree = tree(certificate);
    *tree.at(&[2]).content() = [&[0], bits].concat();
    tree.write()
}

/// The two numbers of an ECDSA signature.
pub fn numbers(signature: &[u8]) -> [BigUint; 2] {
    let mut pair = Der::read(signature);
    [0, 1].map(|at| BigUint::from_bytes_be(pair.at(&[at]).content()))
}

/// A positive INTEGER.
pub fn integer(number: &BigUint) -> Der {
    let mut digits = number.to_bytes_be();
    if digits[0] & 0x80 != 0 {
        digits.insert(0, 0);
    }
    der::bytes(INTEGER, &digits)
}

pub fn pair(r: &BigUint, s: &BigUint) -> Vec<u8> {
    let both = [integer(r).write(), integer(s).write()].concat();
    wrap(SEQUENCE, &both)
}

/// The certificate with the other valid value of its ECDSA signature, for a key on the curve of this order.
pub fn other_of(certificate: &Certificate, order: &str) -> Certificate {
    let [r, s] = numbers(&signature(certificate));
    let other = pair(&r, &(number(order) - s));
    Certificate::from_der(&with_signature(certificate, &other)).unwrap()
}

/// The same, under a key of P-256.
pub fn other(certificate: &Certificate) -> Certificate {
    other_of(certificate, P256)
}
