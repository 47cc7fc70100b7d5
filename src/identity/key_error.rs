//! Errors of reading a private key. No error carries a byte of the key.

use core::fmt;
use std::io;

use thiserror::Error;

/// What the input is, if it is not a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum FoundKind {
    /// A certificate.
    Certificate,
    /// A public key.
    PublicKey,
    /// A certificate request (PKCS#10).
    CertificateRequest,
    /// A certificate revocation list.
    RevocationList,
    /// The parameters of an algorithm, without a key.
    Parameters,
    /// A keystore: PKCS#12, or a Java keystore.
    Keystore,
}

impl fmt::Display for FoundKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "a certificate",
            Self::PublicKey => "a public key",
            Self::CertificateRequest => "a certificate request",
            Self::RevocationList => "a certificate revocation list",
            Self::Parameters => "parameters without a key",
            Self::Keystore => "a keystore (extract the key with `openssl pkcs12`)",
        })
    }
}

/// Why a file was not read.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadFileError {
    /// The operating system or the reader failed.
    #[error(transparent)]
    #[doc(hidden)]
    Io(io::Error),
    /// It is a directory, a pipe or a device.
    #[error("it is not a regular file")]
    #[doc(hidden)]
    NotAFile,
    /// The file is empty.
    #[error("it is empty")]
    #[doc(hidden)]
    Empty,
    /// The file is too large.
    #[error("it has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLarge {
        /// Size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// It has fewer bytes than stated: the file was truncated while it was read, or the reader is shorter.
    #[error("it ends after {found} of {size} bytes")]
    #[non_exhaustive]
    #[doc(hidden)]
    UnexpectedEof {
        /// Size in bytes, as stated before reading.
        size: usize,
        /// The number of bytes read.
        found: usize,
    },
    /// It has more bytes than stated: the file grew while it was read, or the reader is longer.
    #[error("it has more than the {size} bytes stated before reading")]
    #[non_exhaustive]
    #[doc(hidden)]
    Grew {
        /// Size in bytes, as stated before reading.
        size: usize,
    },
    /// Other users than the owner have access to the file.
    #[error(
        "its group or others have access (mode {mode:04o}): run `chmod 600` on it, or let root own it with mode 0640 and a group of this process, which is not root"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    Mode {
        /// The permission bits.
        mode: u32,
    },
    /// The file belongs to another user, who can replace the key.
    #[error("it belongs to user {owner}, not to root or to the user {user} of this process")]
    #[non_exhaustive]
    #[doc(hidden)]
    Owner {
        /// The owner of the file.
        owner: u32,
        /// The effective user of the process.
        user: u32,
    },
}

impl From<io::Error> for ReadFileError {
    /// Keeps the error of the operating system. Of any other error it keeps the kind only: the message of a reader
    /// may contain anything, also a part of the key.
    fn from(error: io::Error) -> Self {
        Self::Io(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => error.kind().into(),
        })
    }
}

/// Why an encrypted key was not decrypted.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[cfg(feature = "encrypted-keys")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// The description of the encryption does not follow RFC 5958 and RFC 8018.
    #[error(
        "the description of its encryption is not valid PKCS#8 and PKCS#5: is the file damaged?"
    )]
    #[doc(hidden)]
    Malformed,
    /// The encryption is not PBES2, or it uses an unsupported algorithm.
    #[error("{algorithm} is not supported: convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc`")]
    #[non_exhaustive]
    #[doc(hidden)]
    Algorithm {
        /// The unsupported algorithm, by name if the name is known.
        algorithm: &'static str,
    },
    /// PBKDF2 would take too long.
    #[error("PBKDF2 would need {iterations} iterations, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Iterations {
        /// The iterations that the file states.
        iterations: u64,
        /// The limit.
        limit: u32,
    },
    /// scrypt would take too much memory or too long.
    #[error(
        "scrypt is too costly with N = {n}, r = {r}, p = {p}: the limit of N × r × p is {limit}"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    ScryptCost {
        /// The cost.
        n: u64,
        /// The block size.
        r: u64,
        /// The parallelization.
        p: u64,
        /// The limit of their product.
        limit: u32,
    },
    /// The passphrase is wrong, or the encrypted part is damaged. The two cases look the same.
    #[error("the passphrase is wrong, or the key is damaged")]
    Passphrase,
}
