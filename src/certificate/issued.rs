//! Signatures between certificates, each verified once.
//!
//! The search for a path meets the same two certificates in many paths. It verifies each signature once. For the path
//! that it judges, the path builder then gets these results in place of signature algorithms.

use core::fmt;

use pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::{Certificate, KeyPolicy, SignatureCheck, der};

/// Proof that the key of `above` signed `below`.
///
/// Only [`KeyPolicy::verify_issued`] constructs it.
#[derive(Clone)]
pub(crate) struct Issued {
    below: Certificate,
    above: Certificate,
    algorithm: &'static dyn SignatureVerificationAlgorithm,
}

impl KeyPolicy {
    /// Verifies that the key of `above` signed `below`.
    pub(crate) fn verify_issued(
        &self,
        below: &Certificate,
        above: &Certificate,
    ) -> Result<Issued, SignatureCheck> {
        let algorithm = self.verify_with(above.subject_public_key_info(), below)?;
        Ok(Issued {
            below: below.clone(),
            above: above.clone(),
            algorithm,
        })
    }

    /// Whether this policy would accept a signature that was verified before, perhaps under another policy: it has the
    /// same algorithm object. [`check`](Self::check) decides whether it accepts the keys.
    pub(crate) fn stands_by(&self, issued: &Issued) -> bool {
        self.has(issued.algorithm)
    }
}

impl Issued {
    /// The signed certificate and its issuer.
    pub(crate) fn pair(&self) -> (&Certificate, &Certificate) {
        (&self.below, &self.above)
    }

    /// Whether both are the same signature under the same key, verified by the same algorithm object.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.below == other.below
            && self.above.has_key_of(&other.above)
            && core::ptr::eq(self.algorithm, other.algorithm)
    }

    fn is(&self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        self.below.to_be_signed() == message
            && self.below.signature() == signature
            && der::key_of_spki(self.above.subject_public_key_info()) == Some(key)
    }
}

/// An algorithm that accepts exactly the verified signatures of one path. It refuses all others without any work.
#[derive(Clone, Copy)]
pub(crate) struct OfPath<'p> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    pairs: &'p [Issued],
}

impl<'p> OfPath<'p> {
    /// The algorithms of the signatures of a path, each once.
    pub(crate) fn algorithms(pairs: &'p [Issued]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::with_capacity(1);
        for pair in pairs {
            let algorithm = pair.algorithm;
            let same = |known: &Self| {
                known.algorithm.signature_alg_id() == algorithm.signature_alg_id()
                    && known.algorithm.public_key_alg_id() == algorithm.public_key_alg_id()
            };
            if !all.iter().any(same) {
                all.push(Self { algorithm, pairs });
            }
        }
        all
    }
}

impl SignatureVerificationAlgorithm for OfPath<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let known = |pair: &Issued| pair.is(public_key, message, signature);
        if self.pairs.iter().any(known) {
            return Ok(());
        }
        Err(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}

impl fmt::Debug for OfPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfPath")
            .field("pairs", &self.pairs.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use super::*;

    fn fixture(text: &[u8]) -> Certificate {
        Certificate::from_pem(text).unwrap()
    }

    /// A certificate and its issuer.
    fn pair() -> (Certificate, Certificate) {
        (
            fixture(include_bytes!("../../tests/fixtures/ca-intermediate.pem")),
            fixture(include_bytes!("../../tests/fixtures/ca-root.pem")),
        )
    }

    fn keys() -> KeyPolicy {
        crate::tls::key_policy(&crate::tls::provider::default_provider())
    }

    #[test]
    fn only_a_verified_signature_makes_a_pair() {
        let (below, above) = pair();
        let issued = keys().verify_issued(&below, &above).unwrap();
        assert_eq!(issued.pair(), (&below, &above));
        let reversed = keys().verify_issued(&above, &below);
        assert_eq!(reversed.err(), Some(SignatureCheck::Wrong));
    }

    #[test]
    fn a_path_knows_its_own_signatures_and_no_others() {
        let (below, above) = pair();
        let pairs = [keys().verify_issued(&below, &above).unwrap()];
        let all = OfPath::algorithms(&pairs);
        assert_eq!(all.len(), 1);
        let algorithm = all.first().unwrap();
        let key = der::key_of_spki(above.subject_public_key_info()).unwrap();
        let other = der::key_of_spki(below.subject_public_key_info()).unwrap();
        let verify = |key, message, signature| algorithm.verify_signature(key, message, signature);
        let (message, signature) = (below.to_be_signed(), below.signature());
        assert!(verify(key, message, signature).is_ok());
        assert!(verify(other, message, signature).is_err());
        assert!(verify(key, above.to_be_signed(), signature).is_err());
        // A valid signature of another path.
        assert!(verify(key, above.to_be_signed(), above.signature()).is_err());
        assert!(verify(key, message, above.signature()).is_err());
    }
}
