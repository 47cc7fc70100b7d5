//! Which keys and signatures are strong enough to rest a verdict on.

use core::fmt;

use pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};

use super::algorithms;
use super::kinds::KeyKind;
use super::{AllowedKeys, Certificate, Crl, der, variants};
use crate::error::SettingError;
use crate::limits::{MAX_RSA_BITS, MIN_RSA_BITS};

/// Which public keys may decide anything: those that the crypto provider verifies, that are not weak, and under which
/// a signature can verify at all.
///
/// It is asked at import and again of every certificate on which a verdict rests (rule I4).
#[derive(Clone, Copy)]
pub struct KeyPolicy {
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    min_rsa_bits: u32,
}

/// Why a key policy refuses a certificate's key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRefusal {
    /// The provider has no algorithm for keys of this kind.
    #[non_exhaustive]
    Unsupported {
        /// What the certificate has.
        key: KeyKind,
        /// The object identifier of the kind, in dotted form, if it has no name here.
        oid: Option<Box<str>>,
        /// The kinds that would do, if a provider was asked.
        allowed: Option<AllowedKeys>,
    },
    /// The modulus is shorter than the policy asks.
    #[non_exhaustive]
    Weak {
        /// What the certificate has.
        key: KeyKind,
        /// The least number of bits.
        min_bits: u32,
    },
    /// No signature verifies under the key, whoever makes it.
    #[non_exhaustive]
    VerifiesNothing {
        /// What the certificate has.
        key: KeyKind,
        /// What is wrong with it.
        fault: KeyFault,
    },
}

/// What is wrong with a public key under which no signature verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFault {
    /// The point is not on the curve (SEC 1 section 3.2.2.1).
    OffCurve,
    /// The RSA modulus is even, so it is no product of two odd primes (RFC 8017 section 3.1).
    EvenModulus,
    /// The RSA exponent is 1 or even (RFC 8017 section 3.1: odd, at least 3).
    Exponent,
    /// The RSA exponent is longer than any that providers take ([`MAX_RSA_EXPONENT_BITS`](crate::limits::MAX_RSA_EXPONENT_BITS)).
    LongExponent,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OffCurve => "its point is not on the curve",
            Self::EvenModulus => "its modulus is even",
            Self::Exponent => "its exponent is 1 or even",
            Self::LongExponent => {
                "its exponent has more than 33 bits, which crypto providers do not take"
            }
        })
    }
}

impl fmt::Display for KeyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported { key, oid, allowed } => {
                write!(f, "the crypto provider cannot verify this key ({key}")?;
                if let Some(oid) = oid {
                    write!(f, ", {oid}")?;
                }
                match allowed {
                    Some(allowed) => write!(f, "); it takes {allowed}"),
                    None => f.write_str(")"),
                }
            }
            Self::Weak { key, min_bits } => {
                write!(f, "the key ({key}) is below the {min_bits} bits asked for")
            }
            Self::VerifiesNothing { key, fault } => {
                write!(f, "the key ({key}) verifies no signature: {fault}")
            }
        }
    }
}

impl KeyPolicy {
    /// A policy that accepts what `algorithms` verify, with RSA from 2048 bits (NIST SP 800-131A).
    ///
    /// For rustls, `algorithms` is `provider.signature_verification_algorithms.all`.
    pub const fn new(algorithms: &'static [&'static dyn SignatureVerificationAlgorithm]) -> Self {
        Self {
            algorithms,
            min_rsa_bits: MIN_RSA_BITS,
        }
    }

    /// Demands RSA keys of at least `bits`. A further call may demand more.
    ///
    /// # Errors
    /// The number is below 2048 or above 8192, between which providers verify; or an earlier call demanded more.
    pub fn require_rsa_bits(mut self, bits: u32) -> Result<Self, SettingError> {
        let setting = "bits of an RSA key";
        let [found, set] = [bits, self.min_rsa_bits].map(u64::from);
        SettingError::check(setting, found, MIN_RSA_BITS.into(), MAX_RSA_BITS.into())?;
        if found < set {
            return Err(SettingError::Lowered {
                setting,
                found,
                set,
            });
        }
        self.min_rsa_bits = bits;
        Ok(self)
    }

    /// Judges the key of a certificate by two policies, of which the stricter decides.
    pub(crate) fn check_with(
        &self,
        other: Option<&Self>,
        certificate: &Certificate,
    ) -> Result<(), KeyRefusal> {
        match other {
            None => self.check(certificate),
            // Almost always: both were made of one provider.
            Some(other) if core::ptr::eq(self.algorithms, other.algorithms) => {
                let stricter = self.min_rsa_bits < other.min_rsa_bits;
                let stricter = if stricter { other } else { self };
                stricter.check(certificate)
            }
            Some(other) => {
                self.check(certificate)?;
                other.check(certificate)
            }
        }
    }

    /// Judges the key of a certificate.
    ///
    /// # Errors
    /// The reason for which the key is refused.
    pub fn check(&self, certificate: &Certificate) -> Result<(), KeyRefusal> {
        let key = certificate.key_kind();
        if let KeyKind::Rsa { bits } = key {
            if bits < self.min_rsa_bits {
                return Err(KeyRefusal::Weak {
                    key,
                    min_bits: self.min_rsa_bits,
                });
            }
            if bits > MAX_RSA_BITS {
                return Err(self.unsupported(key, None));
            }
        }
        if let Some(fault) = certificate.key_fault() {
            return Err(KeyRefusal::VerifiesNothing { key, fault });
        }
        let spki = certificate.subject_public_key_info();
        let known = der::algorithm_of_spki(spki).is_some_and(|found| {
            let mut algorithms = self.algorithms.iter();
            algorithms.any(|algorithm| algorithm.public_key_alg_id().as_ref() == found)
        });
        if known {
            Ok(())
        } else {
            let oid = certificate.unnamed_key_oid();
            Err(self.unsupported(key, oid.map(String::into_boxed_str)))
        }
    }

    /// The kinds of keys that it takes.
    pub fn allowed(&self) -> AllowedKeys {
        AllowedKeys::of(self.algorithms, self.min_rsa_bits)
    }

    fn unsupported(&self, key: KeyKind, oid: Option<Box<str>>) -> KeyRefusal {
        let allowed = Some(self.allowed());
        KeyRefusal::Unsupported { key, oid, allowed }
    }

    /// Whether `issued` carries a signature made with the key `issuer_spki`.
    pub(crate) fn check_signature(
        &self,
        issuer_spki: &[u8],
        issued: &Certificate,
    ) -> SignatureCheck {
        checked(self.verify_with(issuer_spki, issued))
    }

    /// Whether `crl` carries a signature made with the key `issuer_spki`.
    pub(crate) fn check_crl_signature(&self, issuer_spki: &[u8], crl: &Crl) -> SignatureCheck {
        let (message, signature) = (crl.to_be_signed(), crl.signature());
        checked(self.verify_signed(issuer_spki, crl.algorithm_id(), message, signature))
    }

    /// The algorithm under which the signature on `issued` verifies with the key `issuer_spki`.
    pub(super) fn verify_with(
        &self,
        issuer_spki: &[u8],
        issued: &Certificate,
    ) -> Result<&'static dyn SignatureVerificationAlgorithm, SignatureCheck> {
        let Some(algorithm_id) = der::signature_algorithm(issued.der()) else {
            return Err(SignatureCheck::Wrong);
        };
        let (message, signature) = (issued.to_be_signed(), issued.signature());
        self.verify_signed(issuer_spki, algorithm_id, message, signature)
    }

    fn verify_signed(
        &self,
        issuer_spki: &[u8],
        algorithm_id: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<&'static dyn SignatureVerificationAlgorithm, SignatureCheck> {
        let Some(key_id) = der::algorithm_of_spki(issuer_spki) else {
            return Err(SignatureCheck::Wrong);
        };
        if !variants::is_form_of(algorithm_id, signature) {
            return Err(SignatureCheck::Wrong);
        }
        let spki = SubjectPublicKeyInfoDer::from(issuer_spki);
        let Ok(key) = webpki::RawPublicKeyEntity::try_from(&spki) else {
            return Err(SignatureCheck::Wrong);
        };
        // A key of another kind than the algorithm asks for has not made it, whatever the provider has.
        let mut result = match algorithms::signs_with(key_id, algorithm_id) {
            Some(false) => SignatureCheck::Wrong,
            Some(true) | None => SignatureCheck::Unsupported,
        };
        for algorithm in self.fitting(algorithm_id, key_id) {
            match key.verify_signature(algorithm, message, signature) {
                Ok(()) => return Ok(algorithm),
                Err(_) => result = SignatureCheck::Wrong,
            }
        }
        Err(result)
    }

    /// Whether the provider has an algorithm for the signature on `issued` under the kind of key of `issuer`: without
    /// one, no signature needs to be looked at.
    pub(crate) fn can_verify(&self, issued: &Certificate, issuer: &Certificate) -> bool {
        let (Some(algorithm_id), Some(key_id)) = (
            der::signature_algorithm(issued.der()),
            der::algorithm_of_spki(issuer.subject_public_key_info()),
        ) else {
            return false;
        };
        self.fitting(algorithm_id, key_id).next().is_some()
    }

    /// Whether `algorithm` is one of those of this policy, the very same and not another one of its name: two may
    /// differ in the sizes of keys that they verify.
    pub(super) fn has(&self, algorithm: &'static dyn SignatureVerificationAlgorithm) -> bool {
        let mut all = self.algorithms.iter();
        all.any(|known| core::ptr::eq(*known, algorithm))
    }

    fn fitting(
        &self,
        algorithm_id: &[u8],
        key_id: &[u8],
    ) -> impl Iterator<Item = &'static dyn SignatureVerificationAlgorithm> {
        let all = self.algorithms.iter().copied();
        all.filter(move |algorithm| {
            algorithm.signature_alg_id().as_ref() == algorithm_id
                && algorithm.public_key_alg_id().as_ref() == key_id
        })
    }
}

fn checked<T>(result: Result<T, SignatureCheck>) -> SignatureCheck {
    match result {
        Ok(_) => SignatureCheck::Verified,
        Err(other) => other,
    }
}

impl fmt::Debug for KeyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPolicy")
            .field("algorithms", &self.algorithms.len())
            .field("min_rsa_bits", &self.min_rsa_bits)
            .finish()
    }
}

/// What came of checking the signature on a certificate or a revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureCheck {
    Verified,
    Wrong,
    /// The provider has no algorithm for it (SHA-1, or a key type it does not know).
    Unsupported,
}
