//! Texts and formats that are given by mistake, and how to get the right ones.

use core::fmt;

use thiserror::Error;

/// A format that is often given instead of a certificate or list. Its text has the command that converts it, where there
/// is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum OtherFormat {
    /// PKCS#7 or CMS (RFC 5652).
    Pkcs7,
    /// A PKCS#12 keystore (RFC 7292).
    Pkcs12,
    /// A keystore of Java, in its own format.
    JavaKeystore,
    /// A file that gzip compressed (RFC 1952).
    Gzip,
    /// A ZIP archive.
    Zip,
    /// Base64 of DER without the boundaries of PEM.
    Base64,
    /// Lines that end with a carriage return alone.
    CarriageReturn,
    /// A public key of SSH.
    SshKey,
    /// A private key in DER.
    PrivateKey,
    /// A public key in DER.
    PublicKey,
    /// A revocation list in DER.
    RevocationList,
    /// A certificate request in DER (RFC 2986).
    Request,
}

impl fmt::Display for OtherFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs7 => {
                "PKCS#7: extract its certificates with `openssl pkcs7 -inform DER -print_certs -in FILE -out NEW`"
            }
            Self::Pkcs12 => {
                "a PKCS#12 keystore: extract its certificates with `openssl pkcs12 -nokeys -in FILE -out NEW`"
            }
            Self::JavaKeystore => {
                "a Java keystore (JKS): list it with `keytool -list -keystore FILE`, and extract a certificate with `keytool -exportcert -rfc -keystore FILE -alias ALIAS -file NEW`"
            }
            Self::Gzip => "compressed with gzip: convert it with `gunzip -c FILE > NEW`",
            Self::Zip => "a ZIP archive: extract its files with `unzip FILE`",
            Self::Base64 => {
                "base64 without a BEGIN and an END line: convert it with `base64 -d FILE > NEW`"
            }
            Self::CarriageReturn => {
                "text with lines that end with a carriage return alone: convert it with `tr '\\r' '\\n' < FILE > NEW`"
            }
            Self::SshKey => "an SSH public key, which TLS does not use",
            Self::PrivateKey => {
                "a private key: name the file of its certificate, and pass the key on to no one"
            }
            Self::PublicKey => "a public key without a certificate",
            Self::RevocationList => "a revocation list, which is no certificate",
            Self::Request => {
                "a certificate request: the certificate is what the CA makes of it"
            }
        })
    }
}

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
