//! Errors of loading who we are.

use thiserror::Error;

use crate::certificate::error::{CertificateError, PemError};
use crate::certificate::{Fingerprint, KeyKind, KeyRefusal};

#[cfg(feature = "issue")]
pub use super::issue::error::{IssueError, SubjectProblem};
#[cfg(feature = "encrypted-keys")]
pub use super::key_error::DecryptError;
pub use super::key_error::{FoundInstead, ReadFileError};
pub use super::write_error::{WriteError, WriteStep};

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
    /// A certificate of the chain issued none of the others: one between them is missing, or it belongs to
    /// another chain.
    #[error(
        "certificate {index} (from 0) does not belong to the chain, which leads from {leaf} as far as the issuer \
         {issuer}: is one between them missing?"
    )]
    #[non_exhaustive]
    ChainBroken {
        /// Number of the certificate that does not follow, from 0, as given.
        index: usize,
        /// Subject of the certificate that was taken for our own.
        leaf: String,
        /// The last issuer that the chain names.
        issuer: String,
    },
    /// The order of the certificates cannot be told: several could be the issuer, by name and key identifier.
    #[error(
        "the order of the chain cannot be told: certificates {first} and {second} (from 0) could both be the \
         issuer of the same one; leave one out, or give them in their order"
    )]
    #[non_exhaustive]
    ChainAmbiguous {
        /// Number of one of them, from 0, as given.
        first: usize,
        /// Number of another.
        second: usize,
    },
    /// A certificate of the chain is not signed by the next one, which has the name of its issuer and another key
    /// (K1).
    #[error(
        "certificate {index} (from 0, our own) of the chain, {subject}, is not signed by the next, {issuer}, which \
         has the name of its issuer and another key: put the certificate there whose key signed it"
    )]
    #[non_exhaustive]
    ChainNotSigned {
        /// Its number in the chain, from 0, which is our own.
        index: usize,
        /// Its subject.
        subject: String,
        /// The subject of the next certificate.
        issuer: String,
    },
    /// Every certificate is the issuer of another, so none is our own.
    #[error("every certificate of the chain issued another of it: our own is missing")]
    ChainWithoutLeaf,
    /// The certificates could not be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The file of the chain could not be read.
    #[error("the file of the chain: {0}")]
    ChainFile(ReadFileError),
    /// The file of the key could not be read, or others have access to it.
    #[error("the file of the private key: {0}")]
    KeyFile(ReadFileError),
    /// The PEM of the key could not be read.
    #[error("the private key: {0}")]
    KeyPem(PemError),
    /// There is something else where a private key was wanted.
    #[error("there is no private key but {found}")]
    #[non_exhaustive]
    NotAKey {
        /// What there is.
        found: FoundInstead,
    },
    /// There is more than one private key.
    #[error("there are {found} private keys where exactly one is wanted")]
    #[non_exhaustive]
    NotOneKey {
        /// How many there are.
        found: usize,
    },
    /// The key is encrypted, and there is no passphrase.
    #[cfg_attr(
        feature = "encrypted-keys",
        error(
            "the private key is encrypted: give its passphrase, or decrypt it first (`openssl pkey`)"
        )
    )]
    #[cfg_attr(
        not(feature = "encrypted-keys"),
        error(
            "the private key is encrypted: the feature `encrypted-keys` reads it, or decrypt it first \
             (`openssl pkey`)"
        )
    )]
    EncryptedKey,
    /// The key is encrypted in the old form of OpenSSL, with headers inside the section (RFC 1421).
    #[error(
        "the private key is encrypted in the old form (`Proc-Type: 4,ENCRYPTED`), whose passphrase one round of \
         MD5 protects and which is not read: write it anew with `openssl pkcs8 -topk8`, or decrypt it"
    )]
    LegacyEncryptedKey,
    /// The key is encrypted and could not be decrypted.
    #[cfg(feature = "encrypted-keys")]
    #[error("the private key is encrypted: {0}")]
    Decrypt(DecryptError),
    /// The key is not in one of the forms that are read.
    #[error("the private key is damaged, or neither PKCS#8, PKCS#1 nor SEC 1")]
    KeyMalformed,
    /// The key of an elliptic curve describes its curve instead of naming it, which RFC 5480 section 2.1.1 forbids:
    /// whoever may choose a curve's numbers can choose a weak one.
    #[error(
        "the private key describes its curve by explicit parameters, where RFC 5480 wants the name of one: write it \
         anew with `openssl pkey -in KEY -out NEW -ec_param_enc named_curve`"
    )]
    ExplicitCurve,
    /// The key is cut short.
    #[error("the private key is truncated: it has {found} of {size} bytes")]
    #[non_exhaustive]
    KeyTruncated {
        /// Size in bytes of DER, as it states itself.
        size: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// There are bytes behind the key.
    #[error("{count} bytes follow the private key")]
    #[non_exhaustive]
    KeyTrailing {
        /// How many bytes follow.
        count: usize,
    },
    /// More bytes than any key has.
    #[error("the private key has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    KeyTooLarge {
        /// Size in bytes of DER.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The key is weaker or larger than any that is used.
    #[error("the private key: {0}")]
    KeyRefused(KeyRefusal),
    /// The provider cannot load the key.
    #[error("the crypto provider cannot use this private key ({key})")]
    #[non_exhaustive]
    KeyUnusable {
        /// What it is.
        key: KeyKind,
    },
    /// The provider cannot load the key, which lacks its public part. aws-lc-rs computes it.
    #[error(
        "the crypto provider needs the public part of this private key ({key}), which lacks it: write it anew \
         with `openssl pkey`"
    )]
    #[non_exhaustive]
    KeyLacksPublicPart {
        /// What it is.
        key: KeyKind,
    },
    /// The key does not belong to the first certificate (K1).
    #[error("the private key does not belong to the certificate {certificate}")]
    #[non_exhaustive]
    KeyMismatch {
        /// Fingerprint of the certificate.
        certificate: Fingerprint,
    },
    /// The provider or signer does not say which public key a private key has, so that K1 cannot be checked.
    #[error("the provider or signer does not tell the public key of this private key")]
    KeyUnknown,
}
