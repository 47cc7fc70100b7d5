//! Events of enrolment.

use core::fmt;

/// An event of enrolment.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnrolmentEvent {
    /// Enrolment was opened.
    #[doc(hidden)]
    Opened,
    /// Enrolment was closed before its end.
    #[doc(hidden)]
    Closed,
    /// A new peer waits for a decision.
    Requested,
    /// A peer was turned away: there was no place, or its certificate was too large.
    #[doc(hidden)]
    NoCapacity,
    /// The fingerprint that was given for a peer did not match.
    #[doc(hidden)]
    OtherFingerprint,
    /// A peer was accepted.
    Accepted,
    /// A peer was rejected.
    Rejected,
}

impl EnrolmentEvent {
    /// One word for a label.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Requested => "requested",
            Self::NoCapacity => "no_capacity",
            Self::OtherFingerprint => "other_fingerprint",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for EnrolmentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Requested => "requested",
            Self::NoCapacity => "no capacity",
            Self::OtherFingerprint => "another fingerprint was given",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        })
    }
}
