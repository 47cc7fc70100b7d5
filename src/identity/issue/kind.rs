//! The kinds of keys that can be made.

use core::fmt;

/// The kind of a key to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on NIST P-256, the default: every key server takes it, and it signs fast.
    #[default]
    P256,
    /// ECDSA on NIST P-384.
    P384,
    /// Ed25519 (RFC 8410). Several TLS libraries in service do not know it.
    Ed25519,
    /// RSA with 2048 bits, for key servers that know nothing else. Only with aws-lc-rs, as all of RSA.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits. Making one takes seconds.
    Rsa4096,
    /// ML-DSA-44 (FIPS 204, RFC 9881), post-quantum. As all of ML-DSA only with aws-lc-rs and in TLS 1.3, and known to
    /// few peers: OpenSSL has it from 3.5 on, Go from 1.27 on.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87, the strongest, which a certificate of 7.5 kB carries.
    MlDsa87,
}

impl KeyType {
    /// Every kind.
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
