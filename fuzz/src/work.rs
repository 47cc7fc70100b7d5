//! Counts verified signatures: the work that a peer can cause is counted, since times vary.

use std::cell::Cell;
use std::sync::LazyLock;

use pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

thread_local! {
    static VERIFIED: Cell<usize> = const { Cell::new(0) };
}

/// An algorithm of ring that counts.
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

pub(crate) fn algorithms() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    static ALL: LazyLock<Vec<&'static dyn SignatureVerificationAlgorithm>> = LazyLock::new(|| {
        let provider = rustls::crypto::ring::default_provider();
        let all = provider.signature_verification_algorithms.all.iter();
        all.map(|one| {
            let counted: &'static Counted = Box::leak(Box::new(Counted(*one)));
            let counted: &'static dyn SignatureVerificationAlgorithm = counted;
            counted
        })
        .collect()
    });
    &ALL
}

/// The result of a call, and how many signatures it verified.
pub(crate) fn counted<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = VERIFIED.get();
    let result = call();
    (result, VERIFIED.get() - before)
}
