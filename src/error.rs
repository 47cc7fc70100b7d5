//! What can go wrong outside a verdict: each error, from the room that has it. All of them are typed data.
//!
//! `Display` says what happened and where, once; `source()` gives the cause. Print the chain to show both. A program
//! matches on the variants that are documented. The others only word the message: match them with `_`.
//!
//! Refusals of a peer are not here. They are [verdicts](crate::policy::Verdict).

#[cfg(feature = "bundle")]
pub use crate::admin::bundle::error::BundleError;
#[cfg(feature = "bundle")]
pub use crate::admin::bundle::member::error::MemberError;
#[cfg(feature = "bundle")]
pub use crate::admin::bundle::names_error::FleetNameError;
#[cfg(feature = "admin")]
pub use crate::admin::durable::error::{DurableError, GuardedError};
#[cfg(feature = "enrol")]
pub use crate::admin::enrol::error::EnrolmentError;
#[cfg(feature = "admin")]
pub use crate::admin::expiry::error::WindowsError;
#[cfg(feature = "admin")]
pub use crate::admin::file::error::StoreFileError;
#[cfg(feature = "admin")]
pub use crate::admin::follow::error::SourceError;
#[cfg(feature = "admin")]
pub use crate::admin::plan::error::PlanError;
#[cfg(feature = "admin")]
pub use crate::admin::seal::SealKeyError;
pub use crate::certificate::error::{
    CertificateError, CrlError, FingerprintError, HostNameError, OtherFormat, PemError,
    SettingError, TimestampError, UnsupportedCrl, with_causes,
};
#[doc(no_inline)]
pub use crate::certificate::{KeyFault, KeyRefusal};
#[cfg(feature = "encrypted-keys")]
pub use crate::identity::error::DecryptError;
pub use crate::identity::error::{FoundKind, IdentityError, ReadFileError, WriteError, WriteStep};
#[cfg(feature = "issue")]
pub use crate::identity::error::{IssueError, SubjectError};
pub use crate::store::error::{
    IdError, PublishError, SanPatternError, StoreError, UnusablePinReason,
};
#[cfg(feature = "admin")]
pub use crate::tls::error::FolderError;
#[cfg(feature = "enrol")]
pub use crate::tls::error::ProbeError;
pub use crate::tls::error::{ConfigError, RotationError};
