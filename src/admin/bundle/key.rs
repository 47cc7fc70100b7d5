//! The public keys that sign for a fleet.

use core::fmt;
use std::sync::Arc;

use pki_types::{AlgorithmIdentifier, alg_id};

use super::error::BundleError;
use crate::certificate::{KeyKind, KeyPin, KeyPolicy, SignatureCheck, pem, read_public_key};
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
    pub fn der(&self) -> &[u8] {
        &self.spki
    }

    /// The name of its algorithm.
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

impl fmt::Debug for BundleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleKey({}, {})", self.kind.name(), self.id)
    }
}
