//! Generates keys, and describes the certificates and requests for them. [`tls::SigningKeyPair`](crate::tls::SigningKeyPair) signs,
//! because the keys are inside a crypto provider.

pub(super) mod error;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod generate;
mod kind;
mod profile;
mod request;
mod spec;

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use generate::GeneratedKey;
pub use kind::KeyType;
pub use request::CertificateRequest;
pub use spec::{CertificateSpec, SubjectPart};

pub(crate) use profile::{SERIAL_BYTES, request, self_signed};
pub(crate) use request::is_self_signed;
