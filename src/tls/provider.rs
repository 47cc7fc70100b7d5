//! Ready crypto providers, one for each feature. None of them becomes a process default.

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use std::sync::Arc;

#[cfg(feature = "aws-lc-rs")]
use rustls::NamedGroup;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use rustls::crypto::CryptoProvider;

/// aws-lc-rs (feature `aws-lc-rs`), which wipes private keys when it drops them.
///
/// In TLS 1.3, the key exchange prefers X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem). A link to a key server carries
/// encryption keys, so a later quantum computer must not be able to read recorded traffic. A client sends one key share
/// for this group and one for X25519 in its first message. So a peer with the group and a peer without it need no second
/// round trip. The first message is about 1.2 kB longer.
///
/// rustls's own `default_provider` has the group as its last choice, unless its feature `prefer-post-quantum` is on.
/// The builders do not change the order of a provider that they are given.
#[cfg(feature = "aws-lc-rs")]
pub fn aws_lc_rs() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // rustls's feature would change the order in configurations that are not ours. The sort is stable.
    provider
        .kx_groups
        .sort_by_key(|group| group.name() != NamedGroup::X25519MLKEM768);
    Arc::new(provider)
}

/// ring (feature `ring`). It does not wipe private keys, and has no P-521, no ML-DSA and no post-quantum key exchange:
/// its key exchange is X25519, P-256 or P-384.
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
