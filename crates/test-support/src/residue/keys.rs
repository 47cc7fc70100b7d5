//! Private keys taken apart, and written in every form.

use std::ops::Range;

use num_bigint::BigUint;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// FIPS 186-4 appendix D.1.2.
    pub fn order(self) -> BigUint {
        let text: &[u8] = match self {
            Self::P256 => b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
            Self::P384 => {
                b"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"
            }
            Self::P521 => {
                b"01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
            }
        };
        BigUint::parse_bytes(text, 16).unwrap()
    }
}

pub struct Rsa {
    pub d: BigUint,
    pub p: BigUint,
    pub q: BigUint,
    pub dp: BigUint,
    pub dq: BigUint,
    pub qinv: BigUint,
}

/// The secret numbers of a key.
pub enum Key {
    Ec {
        curve: Curve,
        scalar: BigUint,
    },
    Ed25519 {
        seed: [u8; 32],
        public: [u8; 32],
    },
    Rsa(Rsa),
    /// Of FIPS 204, with all that follows from the seed (algorithm 6).
    MlDsa {
        seed: Vec<u8>,
        expanded: Vec<u8>,
    },
}

/// A key in DER: the bytes, and which of them are secret.
#[derive(Clone)]
pub struct Der {
    pub bytes: Vec<u8>,
    pub secrets: Vec<Range<usize>>,
}

/// A key: what it holds, and its DER.
pub struct Fixture {
    pub key: Key,
    pub pkcs8: Der,
    /// PKCS#1 or SEC 1, if it is of such a kind.
    pub older: Option<Der>,
}

/// One value: its tag, its content, where it ends.
fn value(der: &[u8], at: usize) -> (u8, Range<usize>) {
    let (tag, first) = (der[at], usize::from(der[at + 1]));
    let (length, from) = match first {
        0..=0x7f => (first, at + 2),
        0x81 => (usize::from(der[at + 2]), at + 3),
        0x82 => (
            usize::from(der[at + 2]) << 8 | usize::from(der[at + 3]),
            at + 4,
        ),
        _ => panic!("no such length in a key"),
    };
    (tag, from..from + length)
}

fn children(der: &[u8], of: &Range<usize>) -> Vec<(u8, Range<usize>)> {
    let mut at = of.start;
    let mut found = Vec::new();
    while at < of.end {
        let child = value(der, at);
        at = child.1.end;
        found.push(child);
    }
    found
}

/// r and s of an ECDSA signature.
pub fn signature(der: &[u8]) -> Option<(BigUint, BigUint)> {
    let fields = children(der, &value(der, 0).1);
    let of = |number: usize| BigUint::from_bytes_be(&der[fields[number].1.clone()]);
    (fields.len() == 2).then(|| (of(0), of(1)))
}

/// What of a certificate is signed, and the signature.
pub fn signed_parts(certificate: &[u8]) -> (&[u8], &[u8]) {
    let fields = children(certificate, &value(certificate, 0).1);
    let start = value(certificate, 0).1.start;
    // The first byte of a bit string counts unused bits.
    let signature = fields[2].1.start + 1..fields[2].1.end;
    (
        &certificate[start..fields[0].1.end],
        &certificate[signature],
    )
}

impl Fixture {
    /// Takes a file with PKCS#8 in PEM apart.
    pub fn of_file(path: &str) -> Self {
        use pki_types::PrivatePkcs8KeyDer;
        use pki_types::pem::PemObject;
        let der = PrivatePkcs8KeyDer::from_pem_file(path).unwrap();
        Self::new(der.secret_pkcs8_der().to_vec())
    }

    /// Takes PKCS#8 apart.
    pub fn new(bytes: Vec<u8>) -> Self {
        let fields = children(&bytes, &value(&bytes, 0).1);
        let inner = fields[2].1.clone();
        let (outer_tag, content) = value(&bytes, inner.start);
        let older_from = |secrets: &[Range<usize>]| {
            Some(Der {
                bytes: bytes[inner.clone()].to_vec(),
                secrets: secrets
                    .iter()
                    .map(|range| range.start - inner.start..range.end - inner.start)
                    .collect(),
            })
        };
        let (key, secrets, older);
        let oid = &bytes[value(&bytes, fields[1].1.start).1];
        if let Some(expanded) = expand_ml_dsa(oid, &bytes) {
            // RFC 9881 section 6: the seed under an implicit tag.
            assert_eq!((outer_tag, content.len()), (0x80, 32));
            key = Key::MlDsa {
                seed: bytes[content.clone()].to_vec(),
                expanded,
            };
            secrets = vec![content];
            older = None;
        } else if outer_tag == 0x04 {
            // RFC 8410: an octet string in the octet string.
            let pair = rcgen::KeyPair::try_from(&bytes[..]).unwrap();
            key = Key::Ed25519 {
                seed: bytes[content.clone()].try_into().unwrap(),
                public: rcgen::PublicKeyData::der_bytes(&pair).try_into().unwrap(),
            };
            secrets = vec![content];
            older = None;
        } else {
            let fields = children(&bytes, &content);
            if fields[1].0 == 0x04 {
                let scalar = fields[1].1.clone();
                let curve = match scalar.len() {
                    32 => Curve::P256,
                    48 => Curve::P384,
                    66 => Curve::P521,
                    length => panic!("no curve has scalars of {length} bytes"),
                };
                key = Key::Ec {
                    curve,
                    scalar: BigUint::from_bytes_be(&bytes[scalar.clone()]),
                };
                secrets = vec![scalar];
            } else {
                let of = |number: usize| BigUint::from_bytes_be(&bytes[fields[number].1.clone()]);
                key = Key::Rsa(Rsa {
                    d: of(3),
                    p: of(4),
                    q: of(5),
                    dp: of(6),
                    dq: of(7),
                    qinv: of(8),
                });
                secrets = (3..9).map(|number| fields[number].1.clone()).collect();
            }
            older = older_from(&secrets);
        }
        Self {
            key,
            pkcs8: Der { bytes, secrets },
            older,
        }
    }
}

/// The private key of FIPS 204, if it is one: rho, K, tr, s1, s2 and t0, one after another.
#[cfg(feature = "aws-lc-rs")]
fn expand_ml_dsa(oid: &[u8], pkcs8: &[u8]) -> Option<Vec<u8>> {
    use aws_lc_rs::encoding::AsRawBytes;
    use aws_lc_rs::signature::{
        ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
    };

    let number = oid.strip_prefix(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3])?;
    let algorithm = match number {
        [0x11] => &ML_DSA_44_SIGNING,
        [0x12] => &ML_DSA_65_SIGNING,
        [0x13] => &ML_DSA_87_SIGNING,
        _ => return None,
    };
    let pair = PqdsaKeyPair::from_pkcs8(algorithm, pkcs8).unwrap();
    let raw = pair.private_key().as_raw_bytes().unwrap();
    Some(raw.as_ref().to_vec())
}

#[cfg(not(feature = "aws-lc-rs"))]
fn expand_ml_dsa(_: &[u8], _: &[u8]) -> Option<Vec<u8>> {
    None
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let word = u32::from_be_bytes(word);
        for position in 0..4 {
            if position <= chunk.len() {
                let six = word >> (18 - 6 * position) & 63;
                text.push(char::from(LETTERS[usize::try_from(six).unwrap()]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// Characters to a line, as RFC 7468 has it.
pub const WIDTH: usize = 64;

pub fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let body = base64(der);
    for line in body.as_bytes().chunks(WIDTH) {
        text.push_str(str::from_utf8(line).unwrap());
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
