//! The kinds of keys that a policy accepts, as text.

use core::fmt;

use pki_types::{AlgorithmIdentifier, SignatureVerificationAlgorithm, alg_id};

use crate::limits::MAX_RSA_BITS;

/// The kinds of keys that a key policy accepts. `Display` lists them, so that a refusal can say what is accepted
/// instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct AllowedKeys {
    /// One bit for each of [`AllowedKeys::KINDS`].
    kinds: u8,
    min_rsa_bits: u32,
}

impl AllowedKeys {
    const KINDS: [(AlgorithmIdentifier, &'static str); 8] = [
        (alg_id::RSA_ENCRYPTION, "RSA"),
        (alg_id::ECDSA_P256, "ECDSA P-256"),
        (alg_id::ECDSA_P384, "ECDSA P-384"),
        (alg_id::ECDSA_P521, "ECDSA P-521"),
        (alg_id::ED25519, "Ed25519"),
        (alg_id::ML_DSA_44, "ML-DSA-44"),
        (alg_id::ML_DSA_65, "ML-DSA-65"),
        (alg_id::ML_DSA_87, "ML-DSA-87"),
    ];

    pub(super) fn from_algorithms(
        algorithms: &[&dyn SignatureVerificationAlgorithm],
        min_rsa_bits: u32,
    ) -> Self {
        let mut kinds = 0;
        for (place, (id, _)) in Self::KINDS.iter().enumerate() {
            if algorithms
                .iter()
                .any(|known| known.public_key_alg_id() == *id)
            {
                kinds |= 1 << place;
            }
        }
        Self {
            kinds,
            min_rsa_bits,
        }
    }
}

/// `RSA from 2048 to 8192 bits, ECDSA P-256, ECDSA P-384`.
impl fmt::Display for AllowedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = Self::KINDS.iter().enumerate();
        let taken = all.filter(|(place, _)| self.kinds & (1 << place) != 0);
        let mut first = true;
        for (place, (_, name)) in taken {
            if !first {
                f.write_str(", ")?;
            }
            first = false;
            f.write_str(name)?;
            if place == 0 {
                write!(f, " from {} to {MAX_RSA_BITS} bits", self.min_rsa_bits)?;
            }
        }
        if first {
            f.write_str("no kind with a name here")?;
        }
        Ok(())
    }
}
