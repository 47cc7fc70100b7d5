//! Errors of building configurations, of probing servers and of changing identities.

#[cfg(feature = "admin")]
use core::fmt;
#[cfg(feature = "admin")]
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::certificate::Fingerprint;
#[cfg(feature = "admin")]
use crate::certificate::{Timestamp, Validity};
use crate::identity::error::IdentityError;
#[cfg(all(feature = "admin", feature = "issue"))]
use crate::identity::error::IssueError;
#[cfg(feature = "admin")]
use crate::identity::error::{ReadFileError, WriteError};
use crate::store::ServerId;
#[cfg(feature = "admin")]
use crate::tls::folder::ServerRotation;

/// Why a TLS configuration cannot be built.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The provider and the protocol versions do not fit.
    #[error("rustls refuses the configuration: {0}")]
    #[doc(hidden)]
    Rustls(String),
    /// The server id is not in the view.
    #[error("there is no server {0} in the trust store")]
    UnknownServer(ServerId),
    /// The identity cannot be used with any signature scheme of the provider (K3).
    #[error("no signature scheme of the provider fits the identity's key")]
    #[doc(hidden)]
    IdentityUnusable,
    /// The identity's key signs in TLS 1.3 only (ML-DSA, RFC 9881), and only TLS 1.2 is allowed (K3).
    #[error(
        "the key of the identity signs with ML-DSA, in TLS 1.3 only, and the configuration allows TLS 1.2 alone: \
         allow TLS 1.3, or present an identity with another kind of key"
    )]
    #[doc(hidden)]
    IdentityOnlyTls13,
    /// The chain of an identity with an external signer, which no provider has looked at before, is not in order
    /// (K1).
    #[error(transparent)]
    #[doc(hidden)]
    Identity(#[from] IdentityError),
    /// No protocol version was given.
    #[error("no protocol version is allowed")]
    #[doc(hidden)]
    NoVersion,
    /// The provider or the versions lack what the profiles of KMIP 2.1 ask for.
    #[error("the profile of KMIP 2.1 asks for {missing}, which is not available here")]
    #[non_exhaustive]
    #[doc(hidden)]
    KmipProfile {
        /// What is not there.
        missing: &'static str,
    },
    /// An application protocol that ALPN cannot carry (RFC 7301 section 3.1).
    #[error("an application protocol has 1 to 255 bytes")]
    #[doc(hidden)]
    Alpn,
}

/// Why a probe did not show what a server presents.
#[cfg(feature = "enrol")]
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The stream failed, or the handshake did before the server had proved anything; what rustls says of it is
    /// inside. A refusal of ours is inside that if the server's certificate is malformed.
    #[error("the server was not probed")]
    Io(#[from] std::io::Error),
    /// The handshake came to its end without a look at a certificate.
    #[error("the server was not probed: it presented no certificate")]
    NotProbed,
}

/// Why an identity was not staged, activated or made the current one. Nothing has changed then.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RotationError {
    /// There is no next identity.
    #[error("no next identity is staged")]
    #[doc(hidden)]
    NothingStaged,
    /// The next identity would present what the current one presents.
    #[error("the certificate {} is the current one already", certificate.short())]
    #[non_exhaustive]
    #[doc(hidden)]
    AlreadyCurrent {
        /// Fingerprint of the certificate.
        certificate: Fingerprint,
    },
    /// A next identity is presented to servers, which accepted that one and not yet another.
    #[error(
        "the next identity, {}, is presented to servers: go back or finish first",
        certificate.short()
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    InUse {
        /// Fingerprint of the certificate that is presented.
        certificate: Fingerprint,
    },
    /// The current identity is still presented to some servers.
    #[error("the current identity is still presented: activate the next one for all servers first")]
    #[doc(hidden)]
    NotForAll,
}

/// Why a folder of our identity was not read or changed. The state of the folder is that from before, except after
/// [`WriteError::NotDurable`], and after a failure to remove an old file.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[cfg(feature = "admin")]
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FolderError {
    /// There is no identity in the folder.
    #[error("{path} has no identity: make it from the files of one first")]
    #[non_exhaustive]
    NoIdentity {
        /// The folder.
        path: PathBuf,
    },
    /// There is an identity in the folder already.
    #[error("{path} exists: the folder has an identity, and it is kept")]
    #[non_exhaustive]
    #[doc(hidden)]
    Exists {
        /// The file of the state.
        path: PathBuf,
    },
    /// The state is damaged, or was changed by hand.
    #[error("{path} is damaged{}: restore it from a backup", Line(*line))]
    #[non_exhaustive]
    Damaged {
        /// The file of the state.
        path: PathBuf,
        /// The line, from 1; `None` if the checksum does not match.
        line: Option<usize>,
    },
    /// The state was written by a newer version of this library.
    #[error(
        "{path} is of version {version}, and this program reads version 1: use the newer program"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    Version {
        /// The file of the state.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// A file has another certificate than the state says.
    #[error("{path} has another certificate than the state of the folder says")]
    #[non_exhaustive]
    #[doc(hidden)]
    OtherCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Another process changes the folder.
    #[error("another process changes the folder: {path} is locked")]
    #[non_exhaustive]
    #[doc(hidden)]
    Busy {
        /// The file that is locked.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}: cannot {doing}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Servers are not presented the next identity, or were not seen to accept it.
    #[error("the current identity is still needed: {}", Servers(servers))]
    #[non_exhaustive]
    Lagging {
        /// The servers. None if the next identity is activated for all, and no server was seen to accept it.
        servers: Vec<ServerRotation>,
    },
    /// A certificate that is to become ours is not valid now.
    #[error("the certificate is valid from {validity}, and now it is {now}")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotValidNow {
        /// When it is valid.
        validity: Validity,
        /// The clock.
        now: Timestamp,
    },
    /// Other users can write the folder: they could put their own identity into it.
    #[error(
        "{path}: other users can write this folder: take that from them (`chmod 700`), or name a new folder in it"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    WritableByOthers {
        /// The folder.
        path: PathBuf,
    },
    /// No request for a certificate was made in the folder.
    #[cfg(feature = "issue")]
    #[error("{path} has no request for a certificate")]
    #[non_exhaustive]
    #[doc(hidden)]
    NoRequest {
        /// The folder.
        path: PathBuf,
    },
    /// More servers than a state can name.
    #[error("the state names more than {limit} servers: activate the next identity for all")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyServers {
        /// The limit.
        limit: usize,
    },
    /// The phase does not allow the step.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// The files of an identity are not usable.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The next certificate, or a request for it, cannot be made.
    #[cfg(feature = "issue")]
    #[error(transparent)]
    #[doc(hidden)]
    Issue(#[from] IssueError),
    /// A file cannot be written.
    #[error(transparent)]
    #[doc(hidden)]
    Write(#[from] WriteError),
}

#[cfg(feature = "admin")]
impl FolderError {
    pub(super) fn from_key_file(path: &Path, source: ReadFileError) -> Self {
        let path = path.to_owned();
        Self::Identity(IdentityError::KeyFile { path, source })
    }
}

#[cfg(feature = "admin")]
struct Line(Option<usize>);

#[cfg(feature = "admin")]
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(line) => write!(f, " at line {line}"),
            None => f.write_str(": its checksum does not match"),
        }
    }
}

/// The first servers of a list, in one line.
#[cfg(feature = "admin")]
struct Servers<'a>(&'a [ServerRotation]);

#[cfg(feature = "admin")]
impl fmt::Display for Servers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        if self.0.is_empty() {
            return f.write_str("no server was seen to accept the next one");
        }
        for (index, server) in self.0.iter().take(SHOWN).enumerate() {
            f.write_str(if index == 0 { "" } else { "; " })?;
            server.fmt(f)?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
