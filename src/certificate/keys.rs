//! Which keys and signatures are strong enough for a verdict.

use core::fmt;

use pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};

use super::algorithms;
use super::kinds::KeyKind;
use super::{AllowedKeys, Certificate, Crl, der, variants};
use crate::certificate::error::SettingError;
use crate::limits::{MAX_RSA_BITS, MIN_RSA_BITS};

/// The public keys that are accepted: the crypto provider verifies them, they are strong enough, and a signature can
/// verify under them.
///
/// It is checked when a certificate is installed, and again for every certificate that a verdict depends on (rule I4).
#[derive(Clone, Copy)]
pub struct KeyPolicy {
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    min_rsa_bits: u32,
}

/// Why a key policy refuses a certificate's key.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRefusal {
    /// The crypto provider has no algorithm for keys of this kind.
    #[non_exhaustive]
    #[doc(hidden)]
    Unsupported {
        /// The key of the certificate.
        key: KeyKind,
        /// The object identifier of the kind in dotted form, if the kind has no name here.
        oid: Option<Box<str>>,
        /// The kinds that are accepted, if a provider is known.
        allowed: Option<AllowedKeys>,
    },
    /// The modulus is shorter than the policy requires.
    #[non_exhaustive]
    #[doc(hidden)]
    Weak {
        /// The key of the certificate.
        key: KeyKind,
        /// The required number of bits.
        min_bits: u32,
    },
    /// No signature can verify under the key.
    #[non_exhaustive]
    #[doc(hidden)]
    VerifiesNothing {
        /// The key of the certificate.
        key: KeyKind,
        /// What is wrong with it.
        fault: KeyFault,
    },
}

/// The fault of a public key under which no signature verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum KeyFault {
    /// The point is not on the curve (SEC 1 section 3.2.2.1).
    OffCurve,
    /// The RSA modulus is even, so it is not a product of two odd primes (RFC 8017 section 3.1).
    EvenModulus,
    /// The RSA exponent is 1 or even. RFC 8017 section 3.1 requires an odd number of at least 3.
    Exponent,
    /// The RSA exponent has more than 33 bits. Crypto providers do not accept that.
    LongExponent,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OffCurve => "its point is not on the curve",
            Self::EvenModulus => "its modulus is even",
            Self::Exponent => "its exponent is 1 or even",
            Self::LongExponent => {
                "its exponent has more than 33 bits, which crypto providers do not accept"
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
                    Some(allowed) => write!(f, "); it accepts {allowed}"),
                    None => f.write_str(")"),
                }
            }
            Self::Weak { key, min_bits } => {
                write!(
                    f,
                    "the key ({key}) has less than the required {min_bits} bits"
                )
            }
            Self::VerifiesNothing { key, fault } => {
                write!(f, "the key ({key}) verifies no signature: {fault}")
            }
        }
    }
}

impl KeyPolicy {
    /// Accepts the keys that `algorithms` verify, RSA from 2048 bits (NIST SP 800-131A).
    ///
    /// For rustls, `algorithms` is `provider.signature_verification_algorithms.all`.
    pub const fn new(algorithms: &'static [&'static dyn SignatureVerificationAlgorithm]) -> Self {
        Self {
            algorithms,
            min_rsa_bits: MIN_RSA_BITS,
        }
    }

    /// Requires RSA keys of at least `bits` bits. A further call may require more.
    ///
    /// # Errors
    /// The number is below 2048 or above 8192, the range that providers verify. Or an earlier call required more.
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

    /// Checks a key under two policies. The stricter one decides.
    pub(crate) fn check_with(
        &self,
        other: Option<&Self>,
        certificate: &Certificate,
    ) -> Result<(), KeyRefusal> {
        match other {
            None => self.check(certificate),
            // The usual case: both policies were made from the same provider.
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

    /// Checks the key of a certificate.
    ///
    /// # Errors
    /// The reason why the key is refused.
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

    /// Whether both have the same algorithms and bounds.
    #[cfg(feature = "bundle")]
    pub(crate) fn is(&self, other: &Self) -> bool {
        core::ptr::eq(self.algorithms, other.algorithms) && self.min_rsa_bits == other.min_rsa_bits
    }

    /// The kinds of keys that are accepted.
    #[doc(hidden)]
    pub fn allowed(&self) -> AllowedKeys {
        AllowedKeys::from_algorithms(self.algorithms, self.min_rsa_bits)
    }

    fn unsupported(&self, key: KeyKind, oid: Option<Box<str>>) -> KeyRefusal {
        let allowed = Some(self.allowed());
        KeyRefusal::Unsupported { key, oid, allowed }
    }

    /// Whether the key `issuer_spki` signed `issued`.
    pub(crate) fn check_signature(
        &self,
        issuer_spki: &[u8],
        issued: &Certificate,
    ) -> SignatureCheck {
        checked(self.verify_with(issuer_spki, issued))
    }

    /// Whether the key `issuer_spki` signed `crl`.
    pub(crate) fn check_crl_signature(&self, issuer_spki: &[u8], crl: &Crl) -> SignatureCheck {
        let (message, signature) = (crl.to_be_signed(), crl.signature());
        checked(self.verify_signed(issuer_spki, crl.algorithm_id(), message, signature))
    }

    /// Whether the key `spki` signed a message with the algorithm of this identifier.
    #[cfg(feature = "bundle")]
    pub(crate) fn check_message(
        &self,
        spki: &[u8],
        algorithm_id: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> SignatureCheck {
        checked(self.verify_signed(spki, algorithm_id, message, signature))
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
        // A key of another kind than the algorithm needs cannot have made the signature, whatever the provider
        // supports.
        let mut result = match algorithms::signs_with(key_id, algorithm_id) {
            Some(false) => SignatureCheck::Wrong,
            Some(true) | None => SignatureCheck::Unsupported,
        };
        for algorithm in self.fitting(algorithm_id, key_id) {
            #[cfg(test)]
            count::add();
            match key.verify_signature(algorithm, message, signature) {
                Ok(()) => return Ok(algorithm),
                Err(_) => result = SignatureCheck::Wrong,
            }
        }
        Err(result)
    }

    /// Whether the provider has an algorithm for the signature on `issued` and the kind of key of `issuer`. Without
    /// one, no signature needs to be checked.
    pub(crate) fn can_verify(&self, issued: &Certificate, issuer: &Certificate) -> bool {
        let (Some(algorithm_id), Some(key_id)) = (
            der::signature_algorithm(issued.der()),
            der::algorithm_of_spki(issuer.subject_public_key_info()),
        ) else {
            return false;
        };
        self.fitting(algorithm_id, key_id).next().is_some()
    }

    /// Whether `algorithm` is one of this policy's. It must be the same object, not only of the same name: two
    /// algorithms of one name may accept different sizes of keys.
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

/// Counts the signatures that this thread has verified, or found wrong.
#[cfg(test)]
pub(crate) mod count {
    use core::cell::Cell;

    thread_local! {
        static VERIFIED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn add() {
        VERIFIED.set(VERIFIED.get() + 1);
    }

    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub(crate) fn take() -> usize {
        VERIFIED.take()
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

/// The result of checking the signature on a certificate or revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureCheck {
    Verified,
    Wrong,
    /// The provider has no algorithm for the signature (SHA-1, or an unknown type of key).
    Unsupported,
}
