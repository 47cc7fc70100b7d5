//! Why a certificate is not installed where it could never be accepted.

use thiserror::Error;

use crate::certificate::Role;

/// Why a certificate could never be accepted in a slot and scope (rule I6).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[doc(hidden)]
pub enum UnusablePinReason {
    /// The extended key usage is for the other role or for none.
    #[error(
        "its extended key usage does not allow the role of {role} (for a pin, the option any_role waives this)"
    )]
    #[non_exhaustive]
    ExtendedKeyUsage {
        /// The role that it would have to allow.
        role: Role,
    },
    /// A critical extension that is not understood.
    #[error("its critical extension {oid} is not understood")]
    #[non_exhaustive]
    CriticalExtension {
        /// The object identifier in dotted form.
        oid: String,
    },
    /// The path builder cannot read the certificate.
    #[error("the path builder cannot read it")]
    Unreadable,
}
