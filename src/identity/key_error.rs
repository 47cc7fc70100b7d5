//! Errors of reading a private key. None carries a byte of it.

use core::fmt;
use std::io;

use thiserror::Error;

/// What was found where a private key was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundInstead {
    /// A certificate.
    Certificate,
    /// A public key.
    PublicKey,
    /// A certificate request (PKCS#10).
    CertificateRequest,
    /// A certificate revocation list.
    RevocationList,
    /// The parameters of a key's algorithm without the key.
    Parameters,
    /// A keystore: PKCS#12, or one of Java's.
    Keystore,
}

impl fmt::Display for FoundInstead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "a certificate",
            Self::PublicKey => "a public key",
            Self::CertificateRequest => "a certificate request",
            Self::RevocationList => "a certificate revocation list",
            Self::Parameters => "parameters without a key",
            Self::Keystore => "a keystore (`openssl pkcs12` takes the key out)",
        })
    }
}

/// Why a file was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadFileError {
    /// The operating system or the reader refused.
    #[error("{0}")]
    Io(io::ErrorKind),
    /// A directory, a pipe, a device.
    #[error("not a regular file")]
    NotAFile,
    /// There are no bytes.
    #[error("empty")]
    Empty,
    /// More bytes than the limit.
    #[error("it has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// It ended before its size was reached: cut short while it was read, or by a reader of another size.
    #[error("it ends after {found} of {size} bytes")]
    #[non_exhaustive]
    UnexpectedEof {
        /// Size in bytes, as stated before reading.
        size: usize,
        /// How many bytes there were.
        found: usize,
    },
    /// It went on after its size: it grew while it was read, or the reader is of another size.
    #[error("there are more than its {size} bytes")]
    #[non_exhaustive]
    Grew {
        /// Size in bytes, as stated before reading.
        size: usize,
    },
    /// The file can be used by others than its owner.
    #[error("its group or others have access (mode {mode:04o}): `chmod 600` it")]
    #[non_exhaustive]
    Mode {
        /// The permission bits.
        mode: u32,
    },
    /// The file belongs to another user, who can change it.
    #[error("it belongs to user {owner}, who is neither root nor the user {user} of this process")]
    #[non_exhaustive]
    Owner {
        /// The owner of the file.
        owner: u32,
        /// The effective user of the process.
        user: u32,
    },
}

impl From<io::Error> for ReadFileError {
    /// Keeps the kind only: what a reader says besides could be anything.
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Why an encrypted key was not decrypted.
#[cfg(feature = "encrypted-keys")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// The encryption is not described as RFC 5958 and RFC 8018 say.
    #[error("its encryption is not described as PKCS#8 and PKCS#5 say: is the file damaged?")]
    Malformed,
    /// Not PBES2, or with an algorithm that is not read.
    #[error("{algorithm} is not read; write it anew with `openssl pkcs8 -topk8 -v2 aes-256-cbc`")]
    #[non_exhaustive]
    Algorithm {
        /// What is not read, by name if the name is known.
        algorithm: &'static str,
    },
    /// PBKDF2 would take too long.
    #[error("PBKDF2 with {iterations} iterations, the limit is {limit}")]
    #[non_exhaustive]
    Iterations {
        /// The iterations asked for.
        iterations: u64,
        /// The limit.
        limit: u32,
    },
    /// scrypt would take too much memory or too long.
    #[error("scrypt with N = {n}, r = {r}, p = {p}: N × r × p is limited to {limit}")]
    #[non_exhaustive]
    ScryptCost {
        /// The cost.
        n: u64,
        /// The size of a block.
        r: u64,
        /// The parallelization.
        p: u64,
        /// The limit of their product.
        limit: u32,
    },
    /// The passphrase is another, or the encrypted part is damaged: the two cannot be told apart.
    #[error("the passphrase is wrong, or the key is damaged")]
    Passphrase,
}
