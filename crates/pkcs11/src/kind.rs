//! Kinds of keys, and how a token signs with them.

use cryptoki::error::Error as CallError;
use cryptoki::mechanism::dsa::{HedgeType, SignAdditionalContext};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{KeyType, MlDsaParameterSetType, ObjectHandle, ParameterSetType};
use cryptoki::session::Session;
use mutual_trust::certificate::KeyKind;
use rustls::{SignatureAlgorithm, SignatureScheme};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::der;

/// A kind of key that TLS can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ec(Curve),
    Rsa,
    Ed25519,
    MlDsa(Level),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    L44,
    L65,
    L87,
}

impl Curve {
    pub(crate) const fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => der::P256,
            Self::P384 => der::P384,
            Self::P521 => der::P521,
        }
    }

    pub(crate) fn of(oid: &[u8]) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521]
            .into_iter()
            .find(|curve| curve.oid() == oid)
    }

    /// The length of a coordinate in bytes.
    pub(crate) const fn length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl Level {
    /// The last arc of the identifier (RFC 9881 section 2), and the length of a public key (FIPS 204 table 2).
    pub(crate) const fn public(self) -> (u8, usize) {
        match self {
            Self::L44 => (17, 1312),
            Self::L65 => (18, 1952),
            Self::L87 => (19, 2592),
        }
    }

    pub(crate) fn of(set: ParameterSetType) -> Option<Self> {
        [Self::L44, Self::L65, Self::L87]
            .into_iter()
            .find(|level| *ParameterSetType::from(level.set()) == *set)
    }

    pub(crate) const fn set(self) -> MlDsaParameterSetType {
        match self {
            Self::L44 => MlDsaParameterSetType::ML_DSA_44,
            Self::L65 => MlDsaParameterSetType::ML_DSA_65,
            Self::L87 => MlDsaParameterSetType::ML_DSA_87,
        }
    }
}

impl Kind {
    /// That of a certificate's key.
    pub(crate) fn of_certificate(kind: KeyKind) -> Option<Self> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the kinds that are not named have no signature in TLS, or none that is known"
        )]
        match kind {
            KeyKind::P256 => Some(Self::Ec(Curve::P256)),
            KeyKind::P384 => Some(Self::Ec(Curve::P384)),
            KeyKind::P521 => Some(Self::Ec(Curve::P521)),
            KeyKind::Rsa { .. } => Some(Self::Rsa),
            KeyKind::Ed25519 => Some(Self::Ed25519),
            KeyKind::MlDsa44 => Some(Self::MlDsa(Level::L44)),
            KeyKind::MlDsa65 => Some(Self::MlDsa(Level::L65)),
            KeyKind::MlDsa87 => Some(Self::MlDsa(Level::L87)),
            _ => None,
        }
    }

    /// Its name in messages of the library, where that of RSA needs the size.
    pub(crate) const fn of_key(self) -> KeyKind {
        match self {
            Self::Ec(Curve::P256) => KeyKind::P256,
            Self::Ec(Curve::P384) => KeyKind::P384,
            Self::Ec(Curve::P521) => KeyKind::P521,
            Self::Rsa => KeyKind::Other,
            Self::Ed25519 => KeyKind::Ed25519,
            Self::MlDsa(Level::L44) => KeyKind::MlDsa44,
            Self::MlDsa(Level::L65) => KeyKind::MlDsa65,
            Self::MlDsa(Level::L87) => KeyKind::MlDsa87,
        }
    }

    pub(crate) const fn key_type(self) -> KeyType {
        match self {
            Self::Ec(_) => KeyType::EC,
            Self::Rsa => KeyType::RSA,
            Self::Ed25519 => KeyType::EC_EDWARDS,
            Self::MlDsa(_) => KeyType::ML_DSA,
        }
    }

    pub(crate) const fn algorithm(self) -> SignatureAlgorithm {
        match self {
            Self::Ec(_) => SignatureAlgorithm::ECDSA,
            Self::Rsa => SignatureAlgorithm::RSA,
            Self::Ed25519 => SignatureAlgorithm::ED25519,
            // As rustls does: TLS 1.2 has none.
            Self::MlDsa(_) => SignatureAlgorithm::Unknown(0),
        }
    }

    /// The schemes of TLS for the key, the preferred one first.
    ///
    /// For RSA, SHA-256 comes first: it is as strong as the key, and a token that restricts the parameters of PSS has it.
    fn schemes(self) -> &'static [(SignatureScheme, Way)] {
        use SignatureScheme as Scheme;
        use Way::{Ecdsa, Eddsa, MlDsa, Pkcs1, Pss};

        match self {
            Self::Ec(Curve::P256) => &[(Scheme::ECDSA_NISTP256_SHA256, Ecdsa(Hash::Sha256))],
            Self::Ec(Curve::P384) => &[(Scheme::ECDSA_NISTP384_SHA384, Ecdsa(Hash::Sha384))],
            Self::Ec(Curve::P521) => &[(Scheme::ECDSA_NISTP521_SHA512, Ecdsa(Hash::Sha512))],
            Self::Ed25519 => &[(Scheme::ED25519, Eddsa)],
            Self::MlDsa(Level::L44) => &[(Scheme::ML_DSA_44, MlDsa)],
            Self::MlDsa(Level::L65) => &[(Scheme::ML_DSA_65, MlDsa)],
            Self::MlDsa(Level::L87) => &[(Scheme::ML_DSA_87, MlDsa)],
            Self::Rsa => &[
                (Scheme::RSA_PSS_SHA256, Pss(Hash::Sha256)),
                (Scheme::RSA_PSS_SHA384, Pss(Hash::Sha384)),
                (Scheme::RSA_PSS_SHA512, Pss(Hash::Sha512)),
                (Scheme::RSA_PKCS1_SHA256, Pkcs1(Hash::Sha256)),
                (Scheme::RSA_PKCS1_SHA384, Pkcs1(Hash::Sha384)),
                (Scheme::RSA_PKCS1_SHA512, Pkcs1(Hash::Sha512)),
            ],
        }
    }

    /// What the token can sign with the key, by the mechanisms that it has.
    pub(crate) fn plans(self, mechanisms: &[MechanismType]) -> Vec<Plan> {
        let has = |mechanism| mechanisms.contains(&mechanism);
        let schemes = self.schemes().iter();
        let plans = schemes.filter_map(|(scheme, way)| {
            let (raw, hashing) = way.mechanisms();
            // The digest is made here where the token takes it: less goes to the token.
            let hashes = match (has(raw), hashing.is_some_and(has)) {
                (true, _) => false,
                (false, true) => true,
                (false, false) => return None,
            };
            Some(Plan {
                scheme: *scheme,
                way: *way,
                hashes,
            })
        });
        plans.collect()
    }
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Ecdsa(Hash),
    Pss(Hash),
    Pkcs1(Hash),
    Eddsa,
    MlDsa,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    /// RFC 8446 section 4.2.3: the salt is as long as the digest, which MGF1 uses too.
    fn pss(self) -> PkcsPssParams {
        let (hash_alg, mgf, length) = match self {
            Self::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32),
            Self::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, 48),
            Self::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, 64),
        };
        PkcsPssParams {
            hash_alg,
            mgf,
            s_len: length.into(),
        }
    }
}

impl Way {
    /// The mechanism that takes a digest (or hashes nothing), and the one that hashes.
    const fn mechanisms(self) -> (MechanismType, Option<MechanismType>) {
        use MechanismType as Type;

        match self {
            Self::Eddsa => (Type::EDDSA, None),
            Self::MlDsa => (Type::ML_DSA, None),
            Self::Ecdsa(Hash::Sha256) => (Type::ECDSA, Some(Type::ECDSA_SHA256)),
            Self::Ecdsa(Hash::Sha384) => (Type::ECDSA, Some(Type::ECDSA_SHA384)),
            Self::Ecdsa(Hash::Sha512) => (Type::ECDSA, Some(Type::ECDSA_SHA512)),
            Self::Pss(Hash::Sha256) => (Type::RSA_PKCS_PSS, Some(Type::SHA256_RSA_PKCS_PSS)),
            Self::Pss(Hash::Sha384) => (Type::RSA_PKCS_PSS, Some(Type::SHA384_RSA_PKCS_PSS)),
            Self::Pss(Hash::Sha512) => (Type::RSA_PKCS_PSS, Some(Type::SHA512_RSA_PKCS_PSS)),
            Self::Pkcs1(Hash::Sha256) => (Type::RSA_PKCS, Some(Type::SHA256_RSA_PKCS)),
            Self::Pkcs1(Hash::Sha384) => (Type::RSA_PKCS, Some(Type::SHA384_RSA_PKCS)),
            Self::Pkcs1(Hash::Sha512) => (Type::RSA_PKCS, Some(Type::SHA512_RSA_PKCS)),
        }
    }
}

/// How the token makes a signature for one scheme of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) scheme: SignatureScheme,
    way: Way,
    /// Whether the token hashes.
    hashes: bool,
}

impl Plan {
    /// Whether another plan differs from this one in the digest alone.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        core::mem::discriminant(&self.way) == core::mem::discriminant(&other.way)
    }

    /// Signs, and gives the signature as TLS has it.
    pub(crate) fn sign(
        &self,
        session: &Session,
        key: ObjectHandle,
        message: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        use Mechanism as Call;

        let (mechanism, hash) = match (self.way, self.hashes) {
            (Way::Eddsa, _) => (
                Call::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)),
                None,
            ),
            (Way::MlDsa, _) => {
                let context = SignAdditionalContext::new(HedgeType::Preferred, None);
                (Call::MlDsa(context), None)
            }
            (Way::Ecdsa(hash), false) => (Call::Ecdsa, Some(hash)),
            (Way::Ecdsa(Hash::Sha256), true) => (Call::EcdsaSha256, None),
            (Way::Ecdsa(Hash::Sha384), true) => (Call::EcdsaSha384, None),
            (Way::Ecdsa(Hash::Sha512), true) => (Call::EcdsaSha512, None),
            (Way::Pss(hash), false) => (Call::RsaPkcsPss(hash.pss()), Some(hash)),
            (Way::Pss(hash @ Hash::Sha256), true) => (Call::Sha256RsaPkcsPss(hash.pss()), None),
            (Way::Pss(hash @ Hash::Sha384), true) => (Call::Sha384RsaPkcsPss(hash.pss()), None),
            (Way::Pss(hash @ Hash::Sha512), true) => (Call::Sha512RsaPkcsPss(hash.pss()), None),
            (Way::Pkcs1(hash), false) => (Call::RsaPkcs, Some(hash)),
            (Way::Pkcs1(Hash::Sha256), true) => (Call::Sha256RsaPkcs, None),
            (Way::Pkcs1(Hash::Sha384), true) => (Call::Sha384RsaPkcs, None),
            (Way::Pkcs1(Hash::Sha512), true) => (Call::Sha512RsaPkcs, None),
        };
        let digest = hash.map(|hash| hash.digest(message));
        let digest = match (self.way, digest) {
            (Way::Pkcs1(_), Some(digest)) => {
                Some(der::digest_info(&digest).ok_or(CallError::InvalidValue)?)
            }
            (_, digest) => digest,
        };
        let signature = session.sign(&mechanism, key, digest.as_deref().unwrap_or(message))?;
        if let Way::Ecdsa(_) = self.way {
            // PKCS#11 has the two halves; TLS has them in DER.
            return der::ecdsa_signature(&signature).ok_or(CallError::InvalidValue);
        }
        Ok(signature)
    }
}
