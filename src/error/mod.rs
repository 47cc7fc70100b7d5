//! What can go wrong outside a verdict: one error enum per room, all of them typed data.
//!
//! Refusals of a peer are not here. They are [verdicts](crate::policy::Verdict).

mod certificate;
mod identity;
mod store;
mod tls;

pub use certificate::{CertificateError, FingerprintError, HostNameError, PemError};
pub use identity::IdentityError;
pub use store::{IdError, NeverMatch, SanPatternError, StoreError};
pub use tls::{ConfigError, PublishError};

pub use crate::certificate::KeyRefusal;
