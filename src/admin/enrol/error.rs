//! Errors of enrolment.

use thiserror::Error;

use super::PendingId;
use crate::store::error::StoreError;

/// Why enrolment was not opened, or a peer was not accepted or rejected. Nothing was changed.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EnrolmentError {
    /// Enrolment has an end, so it needs a clock.
    #[error(
        "the clock is not set, so the end of enrolment cannot be determined: set the clock first"
    )]
    ClockUnset,
    /// The time is zero or over the limit.
    #[error("enrolment can be opened for at least one second and at most {limit} hours")]
    #[non_exhaustive]
    #[doc(hidden)]
    Window {
        /// The limit in hours.
        limit: u64,
    },
    /// The number of places is zero or over the limit.
    #[error("between 1 and {limit} peers can wait at a time")]
    #[non_exhaustive]
    #[doc(hidden)]
    Places {
        /// The limit.
        limit: usize,
    },
    /// The limit of expected fingerprints is reached.
    #[error("{limit} fingerprints are expected already: remove one that is no longer needed")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyExpected {
        /// The limit.
        limit: usize,
    },
    /// No peer waits under this number, or it no longer waits.
    #[error(
        "no peer waits under the number {0}: a decision was made, its time has passed, or other peers took its place"
    )]
    NotPending(PendingId),
    /// The fingerprint that was given is not that of the certificate. Neither fingerprint is shown.
    #[error(
        "the fingerprint does not match the presented certificate: read it again at the machine itself, with `openssl x509 -fingerprint -sha256`; if it still differs, another machine presented the certificate"
    )]
    OtherFingerprint,
    /// The peer did not prove possession of the key.
    #[error("the peer did not prove that it has the private key of what it presented")]
    NotProved,
    /// A client cannot be accepted as a server, and a server cannot be accepted as a client.
    #[error("what was presented by a {role} cannot be accepted in this scope")]
    #[non_exhaustive]
    #[doc(hidden)]
    Scope {
        /// The role in which it was presented.
        role: crate::certificate::Role,
    },
    /// The name of the administrator is missing or not one line of text.
    #[error("the name of the administrator must be one line of 1 to {limit} bytes")]
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
