//! What can go wrong outside a verdict: one error enum per room, all of them typed data.
//!
//! Refusals of a peer are not here. They are [verdicts](crate::policy::Verdict).

mod certificate;
mod crl;
mod enrolment;
mod identity;
#[cfg(feature = "issue")]
mod issue;
mod key;
mod persist;
mod plan;
mod rotation;
mod setting;
mod store;
mod tls;
mod write;

pub use certificate::{
    CertificateError, FingerprintError, HostNameError, MomentError, OtherFormat, PemError,
};
pub use crl::{CrlError, CrlRefusal};
pub use enrolment::EnrolmentError;
pub use identity::IdentityError;
#[cfg(feature = "issue")]
pub use issue::{IssueError, SubjectProblem};
#[cfg(feature = "encrypted-keys")]
pub use key::DecryptError;
pub use key::{FoundInstead, ReadFileError};
pub use persist::{DurableError, GuardedError, SourceError, StoreFileError};
pub use plan::{PlanError, WindowsError};
pub use rotation::RotationError;
pub use setting::SettingError;
pub use store::{IdError, NeverMatch, SanPatternError, StoreError};
pub use tls::{ConfigError, ProbeError, PublishError};
pub use write::{WriteError, WriteStep};

pub use crate::certificate::{KeyFault, KeyRefusal};
