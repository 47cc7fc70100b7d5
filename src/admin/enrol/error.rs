//! Errors of letting unknown peers wait, and of accepting them.

use thiserror::Error;

use super::PendingId;
use crate::store::error::StoreError;

/// Why enrolment was not opened, or a peer was not accepted or rejected. Nothing has changed then.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EnrolmentError {
    /// A window cannot be measured without a clock.
    #[error("the clock is not set, so that nobody could tell when enrolment ends: set it first")]
    ClockUnset,
    /// A window of no length, or a longer one than the limit.
    #[error("enrolment is opened for a second at least and {limit} hours at most")]
    #[non_exhaustive]
    #[doc(hidden)]
    Window {
        /// The limit in hours.
        limit: u64,
    },
    /// No place, or more than the limit.
    #[error("between 1 and {limit} peers can wait at a time")]
    #[non_exhaustive]
    #[doc(hidden)]
    Places {
        /// The limit.
        limit: usize,
    },
    /// As many fingerprints are expected as can be.
    #[error("{limit} fingerprints are expected already: stop expecting one that will not come")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyExpected {
        /// The limit.
        limit: usize,
    },
    /// There is no such peer, or no more.
    #[error(
        "no peer waits under the number {0}: it was decided about, has aged out, or lost its place to others of its network"
    )]
    NotPending(PendingId),
    /// The fingerprint that was given is not that of the certificate. Neither is shown.
    #[error(
        "the fingerprint is not that of the certificate that was presented: have it read out again at the machine itself, with `openssl x509 -fingerprint -sha256`; if it stays so, somebody else presented himself"
    )]
    OtherFingerprint,
    /// The peer never proved that it has the key.
    #[error("the peer did not prove that it has the private key of what it presented")]
    NotProved,
    /// A client accepted as a server, or the reverse.
    #[error("what was presented by a {role} cannot be accepted in this scope")]
    #[non_exhaustive]
    #[doc(hidden)]
    Scope {
        /// The role in which it was presented.
        role: crate::certificate::Role,
    },
    /// Whoever decides must say who he is.
    #[error("the name of whoever decides is one line of 1 to {limit} bytes")]
    #[non_exhaustive]
    #[doc(hidden)]
    By {
        /// The limit in bytes.
        limit: usize,
    },
    /// The store refused the certificate.
    #[error(transparent)]
    #[doc(hidden)]
    Store(#[from] StoreError),
}
