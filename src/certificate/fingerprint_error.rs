//! Why a text is no fingerprint.

use thiserror::Error;

/// Why a text is not a fingerprint.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// The fingerprint does not have 32 bytes.
    #[error(
        "the fingerprint has {found} bytes{}, SHA-256 has 32: print it with `openssl x509 -noout -fingerprint -sha256`",
        digest_of(*found)
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    Length {
        /// The number of bytes.
        found: usize,
    },
    /// The label before the fingerprint names another digest.
    #[error(
        "a fingerprint of another digest than SHA-256, such as SHA-1: print it with `openssl x509 -noout -fingerprint -sha256`"
    )]
    #[doc(hidden)]
    OtherDigest,
    /// The digest is over a PEM file, as its name says, and not over the certificate.
    #[error(
        "a digest over a PEM file is not the fingerprint of its certificate: print it with `openssl x509 -noout -fingerprint -sha256`"
    )]
    #[doc(hidden)]
    OfPem,
    /// The fingerprint is not hexadecimal, or has colons between some bytes only.
    #[error("the fingerprint is not hexadecimal at byte {offset}")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotHex {
        /// Offset in the value, without the label.
        offset: usize,
    },
    /// The text is longer than any form of a fingerprint.
    #[error("the fingerprint has {length} bytes of text, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit.
        limit: usize,
    },
}

/// The digest whose values have this many bytes, where it is taken for SHA-256.
const fn digest_of(bytes: usize) -> &'static str {
    match bytes {
        16 => " (MD5)",
        20 => " (SHA-1)",
        48 => " (SHA-384)",
        64 => " (SHA-512)",
        _ => "",
    }
}
