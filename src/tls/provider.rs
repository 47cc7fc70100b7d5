//! Ready crypto providers, one for each feature. None of them becomes a process default.

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use std::sync::Arc;

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use rustls::crypto::CryptoProvider;

/// aws-lc-rs (feature `aws-lc-rs`), which wipes private keys when it lets go of them.
#[cfg(feature = "aws-lc-rs")]
pub fn aws_lc_rs() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// ring (feature `ring`). It does not wipe private keys, and has no P-521.
#[cfg(feature = "ring")]
pub fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// aws-lc-rs if its feature is on, else ring.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub fn default_provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = aws_lc_rs();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = ring();
    provider
}
