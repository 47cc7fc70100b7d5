//! What an operator should know beside a verdict.

use crate::certificate::{Fingerprint, Timestamp};
use crate::store::ClockState;

/// Something that an operator should know although, or because, the verdict is what it is.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerdictWarning {
    /// The clock does not count: ends were judged at the floor, beginnings not at all (rule M7).
    ClockUnset(ClockState),
    /// The clock counts and is far above the floor: what has ended by it may be valid, if the clock is wrong (rule M7).
    #[doc(hidden)]
    ClockJumped(ClockState),
    /// The pin's certificate has expired and is accepted within its grace (rule M3).
    #[non_exhaustive]
    InGrace {
        /// `notAfter` of the certificate.
        not_after: Timestamp,
    },
    /// A revocation list has expired and counts within its grace (rule C4).
    #[non_exhaustive]
    CrlInGrace {
        /// `nextUpdate` of the list.
        next_update: Timestamp,
    },
    /// The server migrates, and an authority vouched for what it presented (rule P3).
    #[non_exhaustive]
    Migrating {
        /// The end of the migration.
        until: Timestamp,
    },
    /// The dialled name belongs to no server (rule P6).
    UnlistedName,
    /// The certificate does not cover the dialled name. The pin's scope vouches for it (rule M5).
    #[doc(hidden)]
    NameNotCovered,
    /// `keyUsage` of the end entity lacks digitalSignature (rules M4 and C1).
    #[doc(hidden)]
    NoDigitalSignature,
    /// The extended key usage is for another role and was waived for the pin (rule I6).
    #[doc(hidden)]
    RoleWaived,
    /// A certificate of the chain breaks RFC 5280 harmlessly (rule C1).
    #[non_exhaustive]
    #[doc(hidden)]
    Profile {
        /// The name of the rule, as in the table of [`ChainProfile`](super::ChainProfile).
        rule: &'static str,
        /// The certificate.
        fingerprint: Fingerprint,
    },
    /// The provider cannot verify the signature of a self-signed certificate that was matched by its
    /// fingerprint (rule I4).
    #[doc(hidden)]
    SelfSignatureUnsupported,
}
