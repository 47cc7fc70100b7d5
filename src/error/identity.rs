//! Errors of loading who we are.

use thiserror::Error;

use super::{CertificateError, PemError};
use crate::certificate::Fingerprint;

/// Why an identity cannot be presented.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is no certificate.
    #[error("an identity needs at least one certificate")]
    NoCertificate,
    /// More certificates than any peer accepts.
    #[error("{count} certificates in the chain, the limit is {limit}")]
    #[non_exhaustive]
    TooMany {
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A certificate of the chain was not issued by the next one.
    #[error(
        "certificate {index} of the chain does not follow: the one before it names another issuer"
    )]
    #[non_exhaustive]
    ChainBroken {
        /// Number of the certificate that does not follow, from 0.
        index: usize,
    },
    /// The certificates could not be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The PEM of the key could not be read.
    #[error("the private key: {0}")]
    KeyPem(PemError),
    /// The file holds no private key, or more than one.
    #[error("the file holds {found} private keys where exactly one is wanted")]
    #[non_exhaustive]
    NotOneKey {
        /// How many there are.
        found: usize,
    },
    /// The key is encrypted.
    #[error("the private key is encrypted: decrypt it first (`openssl pkey`)")]
    EncryptedKey,
    /// The key is not in one of the forms that are read.
    #[error("the private key is damaged, or neither PKCS#8, PKCS#1 nor SEC 1")]
    KeyMalformed,
    /// More bytes than any key has.
    #[error("the private key has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    KeyTooLarge {
        /// Size in bytes of DER.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The provider cannot load the key.
    #[error("the crypto provider cannot use this private key")]
    KeyUnusable,
    /// The key does not belong to the first certificate (K1).
    #[error("the private key does not belong to the certificate {certificate}")]
    #[non_exhaustive]
    KeyMismatch {
        /// Fingerprint of the certificate.
        certificate: Fingerprint,
    },
    /// The provider does not say which public key a private key has, so that K1 cannot be checked.
    #[error("the provider does not tell the public key of this private key")]
    KeyUnknown,
}
