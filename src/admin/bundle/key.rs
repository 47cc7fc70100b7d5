//! The public keys that sign for a fleet.

use core::fmt;
use std::sync::Arc;

use pki_types::{AlgorithmIdentifier, alg_id};

use super::error::BundleError;
use crate::certificate::{KeyKind, KeyPin, KeyPolicy, SignatureCheck, der, pem, read_public_key};
use crate::limits::MAX_FLEET_KEY_BYTES;

/// The label of a public key in PEM (RFC 7468 section 13).
pub(super) const LABEL: &str = "PUBLIC KEY";

/// The kinds of keys that sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ed25519,
    P256,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl Kind {
    fn of(kind: KeyKind) -> Option<Self> {
        Some(match kind {
            KeyKind::Ed25519 => Self::Ed25519,
            KeyKind::P256 => Self::P256,
            KeyKind::MlDsa44 => Self::MlDsa44,
            KeyKind::MlDsa65 => Self::MlDsa65,
            KeyKind::MlDsa87 => Self::MlDsa87,
            KeyKind::Rsa { .. }
            | KeyKind::P384
            | KeyKind::P521
            | KeyKind::Named(_)
            | KeyKind::Other => return None,
        })
    }

    /// The one algorithm that each kind signs with.
    const fn algorithm(self) -> AlgorithmIdentifier {
        match self {
            Self::Ed25519 => alg_id::ED25519,
            Self::P256 => alg_id::ECDSA_SHA256,
            Self::MlDsa44 => alg_id::ML_DSA_44,
            Self::MlDsa65 => alg_id::ML_DSA_65,
            Self::MlDsa87 => alg_id::ML_DSA_87,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::P256 => "ECDSA P-256 with SHA-256",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        }
    }
}

/// A public key that signs for a fleet: Ed25519, ECDSA P-256 with SHA-256, or ML-DSA. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct BundleKey {
    spki: Arc<[u8]>,
    kind: Kind,
    id: KeyPin,
}

impl BundleKey {
    /// Reads a `PUBLIC KEY` in PEM, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// It is not exactly one such section, or as [`from_der`](Self::from_der).
    pub fn from_pem(text: &[u8]) -> Result<Self, BundleError> {
        let wrong = |why: String| BundleError::Key { why };
        let found = pem::sections(text).map_err(|error| wrong(error.to_string()))?;
        let [only] = found.as_slice() else {
            return Err(wrong("there is more than one section".into()));
        };
        if only.label != LABEL {
            let label = pem::shown_label(only.label);
            return Err(wrong(format!(
                "a section `{LABEL}` is expected, found {label}"
            )));
        }
        let der = only.decode_public();
        Self::from_der(&der.map_err(|error| wrong(error.to_string()))?)
    }

    /// Reads a `SubjectPublicKeyInfo` in DER.
    ///
    /// # Errors
    /// It is malformed, of another kind, or a key under which no signature means anything.
    #[doc(hidden)]
    pub fn from_der(spki: &[u8]) -> Result<Self, BundleError> {
        let wrong = |why: String| BundleError::Key { why };
        if spki.len() > MAX_FLEET_KEY_BYTES {
            return Err(BundleError::TooLarge {
                what: "signing key",
                size: spki.len(),
                limit: MAX_FLEET_KEY_BYTES,
            });
        }
        let read = read_public_key(spki);
        let (kind, fault) = read.ok_or_else(|| wrong("it is malformed".into()))?;
        if let Some(fault) = fault {
            return Err(wrong(fault.to_string()));
        }
        let kind = Kind::of(kind).ok_or_else(|| {
            wrong(format!(
                "it is of the kind {kind}: use Ed25519, ECDSA P-256 or ML-DSA"
            ))
        })?;
        if kind == Kind::Ed25519 && !der::key_of_spki(spki).is_some_and(is_sound) {
            return Err(wrong(
                "it has another form of its point, or one under which anyone can sign".into(),
            ));
        }
        Ok(Self {
            spki: spki.into(),
            kind,
            id: KeyPin::over(spki),
        })
    }

    /// SHA-256 over its DER: what signatures name it by.
    pub fn id(&self) -> KeyPin {
        self.id
    }

    /// Its `SubjectPublicKeyInfo` in DER.
    #[doc(hidden)]
    pub fn der(&self) -> &[u8] {
        &self.spki
    }

    /// The name of its algorithm.
    #[doc(hidden)]
    pub fn algorithm(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether it signed a message.
    pub(super) fn check(
        &self,
        message: &[u8],
        signature: &[u8],
        keys: &KeyPolicy,
    ) -> SignatureCheck {
        let algorithm = self.kind.algorithm();
        keys.check_message(&self.spki, algorithm.as_ref(), message, signature)
    }
}

/// The y-coordinates of the points of small order of edwards25519, little-endian, without the bit of the sign. Under such
/// a key, anyone can make signatures that verifiers accept (RFC 8032 section 8.9 leaves the check to its users).
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    with_ends(0x01, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    with_ends(0xec, 0xff, 0x7f),
];

/// The prime 2^255 - 19, little-endian.
const PRIME: [u8; 32] = with_ends(0xed, 0xff, 0x7f);

/// Thirty-two bytes: the first, thirty of one value, and the last.
const fn with_ends(first: u8, inner: u8, last: u8) -> [u8; 32] {
    let mut bytes = [inner; 32];
    let [start, .., end] = &mut bytes;
    *start = first;
    *end = last;
    bytes
}

/// Whether an Ed25519 key has its one form (RFC 8032 section 5.1.3 step 1), and a point that is not of small order.
fn is_sound(key: &[u8]) -> bool {
    let Ok(mut y) = <[u8; 32]>::try_from(key) else {
        return false;
    };
    let [.., last] = &mut y;
    *last &= 0x7f;
    y.iter().rev().lt(PRIME.iter().rev()) && !SMALL_ORDER.contains(&y)
}

impl fmt::Debug for BundleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleKey({}, {})", self.kind.name(), self.id)
    }
}
