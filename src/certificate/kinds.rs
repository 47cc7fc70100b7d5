//! The kinds of public keys, and the names of those that are told apart by name alone.

use core::fmt;

use super::dotted;

/// Kinds of keys that have no variant in [`KeyKind`]; curves by the identifier of the curve (RFC 5480, RFC 5639, SEC 2).
#[rustfmt::skip]
pub(super) const NAMED: &[(&[u8], &str)] = &[
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07", "RSAES-OAEP"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSASSA-PSS"),
    (b"\x2a\x86\x48\xce\x38\x04\x01", "DSA"),
    (b"\x2a\x86\x48\xce\x3e\x02\x01", "Diffie-Hellman"),
    (b"\x2b\x65\x6e", "X25519"),
    (b"\x2b\x65\x6f", "X448"),
    (b"\x2b\x65\x71", "Ed448"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x14", "SLH-DSA-SHA2-128s"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x15", "SLH-DSA-SHA2-128f"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x16", "SLH-DSA-SHA2-192s"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x17", "SLH-DSA-SHA2-192f"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x18", "SLH-DSA-SHA2-256s"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x19", "SLH-DSA-SHA2-256f"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1a", "SLH-DSA-SHAKE-128s"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1b", "SLH-DSA-SHAKE-128f"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1c", "SLH-DSA-SHAKE-192s"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1d", "SLH-DSA-SHAKE-192f"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1e", "SLH-DSA-SHAKE-256s"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1f", "SLH-DSA-SHAKE-256f"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x20", "HashML-DSA-44"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x21", "HashML-DSA-65"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x22", "HashML-DSA-87"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x04\x01", "ML-KEM-512"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x04\x02", "ML-KEM-768"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x04\x03", "ML-KEM-1024"),
    (b"\x2a\x86\x48\xce\x3d\x03\x01\x01", "ECDSA P-192"),
    (b"\x2b\x81\x04\x00\x21", "ECDSA P-224"),
    (b"\x2b\x81\x04\x00\x0a", "ECDSA secp256k1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x01", "ECDSA brainpoolP160r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x02", "ECDSA brainpoolP160t1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x03", "ECDSA brainpoolP192r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x04", "ECDSA brainpoolP192t1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x05", "ECDSA brainpoolP224r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x06", "ECDSA brainpoolP224t1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07", "ECDSA brainpoolP256r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x08", "ECDSA brainpoolP256t1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x09", "ECDSA brainpoolP320r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0a", "ECDSA brainpoolP320t1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", "ECDSA brainpoolP384r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0c", "ECDSA brainpoolP384t1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", "ECDSA brainpoolP512r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0e", "ECDSA brainpoolP512t1"),
    (b"\x2a\x81\x1c\xcf\x55\x01\x82\x2d", "SM2"),
];

/// The kind and size of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum KeyKind {
    /// RSA with a modulus of this many bits.
    #[non_exhaustive]
    Rsa {
        /// Length of the modulus in bits.
        bits: u32,
    },
    /// ECDSA on NIST P-256 (secp256r1).
    P256,
    /// ECDSA on NIST P-384 (secp384r1).
    P384,
    /// ECDSA on NIST P-521 (secp521r1).
    P521,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// ML-DSA-44 (RFC 9881).
    MlDsa44,
    /// ML-DSA-65 (RFC 9881).
    MlDsa65,
    /// ML-DSA-87 (RFC 9881).
    MlDsa87,
    /// A kind that has a name only. Whether it is accepted depends on the algorithms of the crypto provider.
    Named(NamedKey),
    /// An unknown kind. Whether it is accepted depends on the algorithms of the crypto provider.
    Other,
}

impl KeyKind {
    /// Whether the provider `aws-lc-rs` of rustls accepts keys of this kind and its provider `ring` does not.
    pub(crate) const fn needs_aws_lc_rs(self) -> bool {
        matches!(
            self,
            Self::P521 | Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87
        )
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::P256 => f.write_str("ECDSA P-256"),
            Self::P384 => f.write_str("ECDSA P-384"),
            Self::P521 => f.write_str("ECDSA P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::MlDsa44 => f.write_str("ML-DSA-44"),
            Self::MlDsa65 => f.write_str("ML-DSA-65"),
            Self::MlDsa87 => f.write_str("ML-DSA-87"),
            Self::Named(named) => fmt::Display::fmt(named, f),
            Self::Other => f.write_str("unknown key type"),
        }
    }
}

/// A kind of key that has a name only. Whether such a key is accepted depends on the algorithms of the crypto provider.
#[derive(Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub struct NamedKey(u8);

impl NamedKey {
    /// An `id-ecPublicKey` whose curve is written out instead of named.
    pub(super) const EXPLICIT_CURVE: Self = Self(u8::MAX);

    pub(super) fn find(id: &[u8]) -> Option<Self> {
        let place = NAMED.iter().position(|(known, _)| *known == id)?;
        u8::try_from(place).ok().map(Self)
    }

    fn entry(self) -> Option<&'static (&'static [u8], &'static str)> {
        NAMED.get(usize::from(self.0))
    }

    /// The name alone: `Ed448`.
    pub fn name(self) -> &'static str {
        self.entry()
            .map_or("ECDSA with explicit curve parameters", |(_, name)| name)
    }
}

/// The name with the object identifier: `Ed448 (1.3.101.113)`.
impl fmt::Display for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self.entry() {
            Some((id, _)) => write!(f, " ({})", dotted(id)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
