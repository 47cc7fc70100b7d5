//! Types of keys that can be generated.

use core::fmt;

/// The type of a key to generate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on NIST P-256, the default. Every key server accepts it, and it signs fast.
    #[default]
    P256,
    /// ECDSA on NIST P-384.
    P384,
    /// Ed25519 (RFC 8410). Several TLS libraries in use do not support it.
    Ed25519,
    /// RSA with 2048 bits, for key servers that support nothing else. All RSA keys need aws-lc-rs.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits. Generating one takes seconds.
    Rsa4096,
    /// ML-DSA-44 (FIPS 204, RFC 9881), post-quantum. All ML-DSA keys need aws-lc-rs and TLS 1.3. Few peers support
    /// them: OpenSSL from 3.5 on, Go from 1.27 on.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87, the strongest. Its certificates have 7.5 kB.
    MlDsa87,
}

impl KeyType {
    /// All types.
    #[doc(hidden)]
    pub const ALL: &'static [Self] = &[
        Self::P256,
        Self::P384,
        Self::Ed25519,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "ECDSA P-256",
            Self::P384 => "ECDSA P-384",
            Self::Ed25519 => "Ed25519",
            Self::Rsa2048 => "RSA 2048",
            Self::Rsa3072 => "RSA 3072",
            Self::Rsa4096 => "RSA 4096",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        })
    }
}
