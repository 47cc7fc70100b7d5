//! The extensions that verdicts depend on.

use super::Role;

/// The `basicConstraints` extension (RFC 5280 section 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct BasicConstraints {
    /// Whether the certificate is a CA.
    pub ca: bool,
    /// `pathLenConstraint`: how many CA certificates may be between this one and the end entity.
    pub path_len: Option<u32>,
}

/// An optional [`BasicConstraints`] in less memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constraints {
    ca: Option<bool>,
    limited: bool,
    // A byte array has no alignment, so there is no padding.
    path_len: [u8; 4],
}

impl Constraints {
    pub(super) const ABSENT: Self = Self {
        ca: None,
        limited: false,
        path_len: [0; 4],
    };

    pub(super) fn new(constraints: BasicConstraints) -> Self {
        Self {
            ca: Some(constraints.ca),
            limited: constraints.path_len.is_some(),
            path_len: constraints.path_len.unwrap_or(0).to_ne_bytes(),
        }
    }

    pub(super) fn get(self) -> Option<BasicConstraints> {
        Some(BasicConstraints {
            ca: self.ca?,
            path_len: self.limited.then_some(u32::from_ne_bytes(self.path_len)),
        })
    }
}

/// The `keyUsage` extension (RFC 5280 section 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct KeyUsage(pub(super) u16);

impl KeyUsage {
    /// Reads the bits in the order of RFC 5280: the first bit is the most significant bit of the first byte.
    pub(super) fn from_bits(bits: &[u8]) -> Self {
        let byte = |index| bits.get(index).copied().unwrap_or(0_u8).reverse_bits();
        Self(u16::from_le_bytes([byte(0), byte(1)]))
    }

    /// Whether `digitalSignature` is set, which a TLS handshake needs.
    pub const fn digital_signature(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether `keyCertSign` is set: the key may sign certificates.
    pub const fn key_cert_sign(self) -> bool {
        self.0 & (1 << 5) != 0
    }

    /// Whether no bit is set.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `cRLSign` is set: the key may sign revocation lists.
    pub const fn crl_sign(self) -> bool {
        self.0 & (1 << 6) != 0
    }
}

/// The `extKeyUsage` extension (RFC 5280 section 4.2.1.12), as far as TLS uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct ExtendedKeyUsage {
    /// Whether `anyExtendedKeyUsage` is listed.
    pub any: bool,
    /// Whether `id-kp-serverAuth` is listed.
    pub server_auth: bool,
    /// Whether `id-kp-clientAuth` is listed.
    pub client_auth: bool,
}

impl ExtendedKeyUsage {
    /// Whether a peer in `role` may use the certificate: the purpose or `anyExtendedKeyUsage` is listed.
    pub const fn allows(self, role: Role) -> bool {
        self.any || self.names(role)
    }

    /// Whether the purpose of `role` itself is listed. A chain needs it: `anyExtendedKeyUsage` alone is not enough.
    pub(crate) const fn names(self, role: Role) -> bool {
        match role {
            Role::Server => self.server_auth,
            Role::Client => self.client_auth,
        }
    }
}
