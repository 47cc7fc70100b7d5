//! Signatures of one certificate on another, each verified once.
//!
//! A search for a path meets one pair of certificates in many paths. It verifies the pair once, and the path builder
//! is given the pairs of the one path that it judges, in place of algorithms.

use core::fmt;

use pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::{Certificate, KeyPolicy, SignatureCheck, der};

/// That `below` carries a signature made with the key of `above`, which has been verified.
///
/// [`KeyPolicy::verify_issued`] alone makes one.
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
}

impl Issued {
    /// The pair.
    pub(crate) fn pair(&self) -> (&Certificate, &Certificate) {
        (&self.below, &self.above)
    }

    fn is(&self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        self.below.to_be_signed() == message
            && self.below.signature() == signature
            && der::key_of_spki(self.above.subject_public_key_info()) == Some(key)
    }
}

/// An algorithm that knows the signatures of one path and no others: what is not in the path is refused without
/// any work.
#[derive(Clone, Copy)]
pub(crate) struct OfPath<'p> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    pairs: &'p [Issued],
}

impl<'p> OfPath<'p> {
    /// The algorithms with which the signatures of a path were verified, each once.
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
