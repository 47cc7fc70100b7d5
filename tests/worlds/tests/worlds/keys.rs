//! Signature algorithms that verify each signature once: the worlds share a handful of certificates.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use mutual_trust::KeyPolicy;
use pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

/// A key, what it signed, and the signature, one behind the other with their lengths.
type Signed = Vec<u8>;

thread_local! {
    static KNOWN: RefCell<HashMap<Signed, bool>> = RefCell::default();
}

#[derive(Debug)]
struct Remembered(&'static dyn SignatureVerificationAlgorithm);

impl SignatureVerificationAlgorithm for Remembered {
    fn verify_signature(
        &self,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let mut signed = Vec::with_capacity(key.len() + message.len() + signature.len() + 16);
        for part in [key, message, signature] {
            signed.extend(part.len().to_be_bytes());
            signed.extend(part);
        }
        KNOWN.with_borrow_mut(|known| {
            let verified = known
                .entry(signed)
                .or_insert_with(|| self.0.verify_signature(key, message, signature).is_ok());
            if *verified {
                Ok(())
            } else {
                Err(InvalidSignature)
            }
        })
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }
}

pub(crate) fn keys() -> KeyPolicy {
    static ALL: LazyLock<Vec<&'static dyn SignatureVerificationAlgorithm>> = LazyLock::new(|| {
        let provider = mutual_trust_test_support::provider();
        let all = provider.signature_verification_algorithms.all.iter();
        all.map(|one| {
            let remembered: &'static Remembered = Box::leak(Box::new(Remembered(*one)));
            let remembered: &'static dyn SignatureVerificationAlgorithm = remembered;
            remembered
        })
        .collect()
    });
    KeyPolicy::new(&ALL)
}
