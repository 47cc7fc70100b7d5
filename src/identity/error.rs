//! Errors of loading a certificate chain and its private key.

use std::path::PathBuf;

use thiserror::Error;

use crate::certificate::error::{CertificateError, PemError};
use crate::certificate::{Fingerprint, KeyKind, KeyRefusal};

#[cfg(feature = "issue")]
pub use super::issue::error::{IssueError, SubjectError};
#[cfg(feature = "encrypted-keys")]
pub use super::key_error::DecryptError;
pub use super::key_error::{FoundKind, ReadFileError};
pub use super::write_error::{WriteError, WriteStep};

/// Why an identity, or its chain or private key, cannot be loaded.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The chain has no certificate.
    #[error("there is no certificate: an identity needs at least one")]
    #[doc(hidden)]
    NoCertificate,
    /// The chain has more certificates than any peer accepts.
    #[error("the chain has {count} certificates, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooMany {
        /// The number of certificates.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A certificate does not belong to the chain. A certificate between them is missing, or this one is from another
    /// chain.
    #[error(
        "certificate {index} (from 0) does not belong to the chain, which goes from {leaf} up to the issuer \
         {issuer}: is a certificate between them missing?"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    ChainBroken {
        /// Position of the certificate in the input, from 0.
        index: usize,
        /// Subject of the certificate that was taken as the end entity.
        leaf: String,
        /// Name of the last issuer in the chain.
        issuer: String,
    },
    /// Several certificates could be the issuer of the same one, by name and key identifier.
    #[error(
        "the order of the chain is ambiguous: certificates {first} and {second} (from 0) could both be the issuer of \
         the same certificate; remove one, or give the certificates in order"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    ChainAmbiguous {
        /// Position of one of them in the input, from 0.
        first: usize,
        /// Position of the other.
        second: usize,
    },
    /// A certificate is not signed by the next one, which has the name of its issuer but another key (rule K1).
    #[error(
        "certificate {index} (from 0, the end entity) of the chain, {subject}, is not signed by the next one, \
         {issuer}, which has its issuer's name but another key: replace it with the certificate of the key that signed"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    ChainNotSigned {
        /// Position of the certificate in the chain, from 0, the end entity.
        index: usize,
        /// Its subject.
        subject: String,
        /// The subject of the next certificate.
        issuer: String,
    },
    /// Every certificate is the issuer of another, so none is the end entity.
    #[error("the end-entity certificate is missing: every certificate of the chain issued another")]
    #[doc(hidden)]
    ChainWithoutLeaf,
    /// The certificates could not be read.
    #[error(transparent)]
    #[doc(hidden)]
    Certificate(#[from] CertificateError),
    /// The certificate file could not be read.
    #[error("cannot read the certificate file {path}")]
    #[non_exhaustive]
    ChainFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadFileError,
    },
    /// The private key file could not be read, or other users have access to it.
    #[error("cannot read the private key file {path}")]
    #[non_exhaustive]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadFileError,
    },
    /// The files of a followed identity could not be used for a while. The identity from before is presented.
    #[error(
        "{chain} and {key} were no usable identity at the last {polls} polls; the one from before is presented"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    Followed {
        /// The file of the chain.
        chain: PathBuf,
        /// The file of the private key.
        key: PathBuf,
        /// The polls in a row.
        polls: usize,
        /// What the last attempt to read them found.
        source: Box<dyn core::error::Error + Send + Sync>,
    },
    /// The files of a followed identity were changed before each poll, so they were not taken over.
    #[error("the files keep changing")]
    #[doc(hidden)]
    FilesChanging,
    /// The private key could not be read from a reader.
    #[error("cannot read the private key from its reader")]
    #[doc(hidden)]
    KeyReader(#[source] ReadFileError),
    /// The PEM of the private key could not be read.
    #[error("the PEM of the private key cannot be read")]
    #[doc(hidden)]
    KeyPem(#[source] PemError),
    /// The input is something else than a private key.
    #[error("expected a private key, found {found}")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotAKey {
        /// What the input is.
        found: FoundKind,
    },
    /// The input has more than one private key.
    #[error("found {found} private keys, exactly one is expected")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotOneKey {
        /// The number of keys.
        found: usize,
    },
    /// The key is encrypted, and no passphrase was given.
    #[cfg_attr(
        feature = "encrypted-keys",
        error(
            "the private key is encrypted: give its passphrase, or decrypt it first (`openssl pkey`)"
        )
    )]
    #[cfg_attr(
        not(feature = "encrypted-keys"),
        error(
            "the private key is encrypted: enable the feature `encrypted-keys`, or decrypt it first (`openssl pkey`)"
        )
    )]
    EncryptedKey,
    /// The key is encrypted in OpenSSL's legacy format, with headers inside the section (RFC 1421).
    #[error(
        "the private key is encrypted in the legacy format (`Proc-Type: 4,ENCRYPTED`), which protects the passphrase \
         with one round of MD5 and is not supported: convert it with `openssl pkcs8 -topk8`, or decrypt it"
    )]
    #[doc(hidden)]
    LegacyEncryptedKey,
    /// The key is encrypted and could not be decrypted.
    #[cfg(feature = "encrypted-keys")]
    #[error("the private key cannot be decrypted")]
    Decrypt(#[source] DecryptError),
    /// The key is in no supported format, or damaged.
    #[error("the private key is damaged, or is not PKCS#8, PKCS#1 or SEC 1")]
    #[doc(hidden)]
    KeyMalformed,
    /// The elliptic curve key has explicit curve parameters instead of the name of a curve. RFC 5480 section 2.1.1
    /// forbids them: chosen parameters can describe a weak curve.
    #[error(
        "the private key has explicit curve parameters, RFC 5480 requires a named curve: convert it with \
         `openssl pkey -in KEY -out NEW -ec_param_enc named_curve`"
    )]
    #[doc(hidden)]
    ExplicitCurve,
    /// The key is truncated.
    #[error("the private key is truncated: it has {found} of {size} bytes")]
    #[non_exhaustive]
    #[doc(hidden)]
    KeyTruncated {
        /// Size in bytes that the DER states.
        size: usize,
        /// Size in bytes of the input.
        found: usize,
    },
    /// Other bytes follow the key.
    #[error("{count} bytes follow the private key")]
    #[non_exhaustive]
    #[doc(hidden)]
    KeyTrailing {
        /// How many bytes follow.
        count: usize,
    },
    /// The key is larger than any supported key.
    #[error("the private key has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    KeyTooLarge {
        /// Size in bytes of DER.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The key is too weak or too large.
    #[error("the private key is refused: {0}")]
    #[doc(hidden)]
    KeyRefused(KeyRefusal),
    /// The crypto provider cannot load the key.
    #[error("the crypto provider cannot use this private key ({key})")]
    #[non_exhaustive]
    #[doc(hidden)]
    KeyUnusable {
        /// The kind of key.
        key: KeyKind,
    },
    /// The crypto provider cannot load the key, because the file lacks the public part. aws-lc-rs computes that part,
    /// ring does not.
    #[error(
        "the private key ({key}) lacks its public part, which the crypto provider needs: rewrite it with `openssl pkey`"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    KeyLacksPublicPart {
        /// The kind of key.
        key: KeyKind,
    },
    /// The key does not belong to the first certificate (rule K1).
    #[error("the private key does not belong to the certificate {}", certificate.short())]
    #[non_exhaustive]
    KeyMismatch {
        /// Fingerprint of the certificate.
        certificate: Fingerprint,
    },
    /// The crypto provider or the signer does not tell the public key, so rule K1 cannot be checked.
    #[error("the crypto provider or the signer does not tell the public key of this private key")]
    #[doc(hidden)]
    KeyUnknown,
}
