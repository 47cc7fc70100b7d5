//! Errors of building configurations, of probing servers and of changing identities.

use thiserror::Error;

use crate::certificate::Fingerprint;
use crate::identity::error::IdentityError;
use crate::store::ServerId;

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
