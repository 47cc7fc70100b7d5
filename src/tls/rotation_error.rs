//! Errors of changing who we are while connections are made.

use thiserror::Error;

use crate::certificate::Fingerprint;

/// Why an identity was not staged, activated or made the current one. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RotationError {
    /// There is no next identity.
    #[error("no next identity is staged")]
    NothingStaged,
    /// The next identity would present what the current one presents.
    #[error("the certificate {certificate} is the current one already")]
    #[non_exhaustive]
    AlreadyCurrent {
        /// Fingerprint of the certificate.
        certificate: Fingerprint,
    },
    /// A next identity is presented to servers, which accepted that one and not yet another.
    #[error("the next identity, {certificate}, is presented to servers: go back or finish first")]
    #[non_exhaustive]
    InUse {
        /// Fingerprint of the certificate that is presented.
        certificate: Fingerprint,
    },
    /// The current identity is still presented to some servers.
    #[error("the current identity is still presented: activate the next one for all servers first")]
    NotForAll,
}
