//! Algorithms that count what they verify, so that what a verdict costs is never timed. They are not those of a store
//! that has the provider's, so no signature counts as verified by them there.

use core::cell::Cell;
use std::sync::LazyLock;

use mutual_trust::KeyPolicy;
use pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::support::provider;

thread_local! {
    static VERIFIED: Cell<usize> = const { Cell::new(0) };
}

/// An algorithm of the provider that counts what it verifies in this thread.
#[derive(Debug)]
struct Counted(&'static dyn SignatureVerificationAlgorithm);

impl SignatureVerificationAlgorithm for Counted {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        VERIFIED.set(VERIFIED.get() + 1);
        self.0.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }
}

type Algorithms = &'static [&'static dyn SignatureVerificationAlgorithm];

/// Other objects of the same algorithms with each call.
pub fn algorithms() -> Algorithms {
    let all = provider().signature_verification_algorithms.all.iter();
    let all = all.map(|algorithm| -> &'static dyn SignatureVerificationAlgorithm {
        Box::leak(Box::new(Counted(*algorithm)))
    });
    Box::leak(all.collect())
}

/// A policy of keys by algorithms that count.
pub fn counting() -> KeyPolicy {
    static COUNTED: LazyLock<Algorithms> = LazyLock::new(algorithms);
    KeyPolicy::new(*COUNTED)
}

/// What comes of a call, and how many signatures were verified in it.
pub fn counted<T>(call: impl FnOnce() -> T) -> (T, usize) {
    VERIFIED.set(0);
    let result = call();
    (result, VERIFIED.get())
}
