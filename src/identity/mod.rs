//! Who we are: a chain of certificates, and the private key that belongs to the first.
//!
//! The chain and the holder of the key are here; that they belong together, and that each certificate is signed by
//! the next, is checked where the crypto provider is known, when a [`tls::Identity`](crate::tls::Identity) is built
//! (rule K1).

mod advice;
mod chain;
#[cfg(feature = "encrypted-keys")]
mod encrypted;
pub(crate) mod error;
mod file;
mod form;
#[cfg(feature = "issue")]
mod issue;
mod key;
mod key_error;
mod pkcs8;
mod reader;
mod scrub;
#[cfg(feature = "encrypted-keys")]
mod scrypt;
mod write;
mod write_error;

pub use advice::IdentityAdvice;
pub use chain::Chain;
#[cfg(feature = "encrypted-keys")]
pub use encrypted::Passphrase;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
pub use issue::NewKey;
#[cfg(feature = "issue")]
pub use issue::{CertificateRequest, CertificateSpec, KeyType, SubjectPart};
pub use key::PrivateKey;
pub use reader::KeyReader;
pub use write::Existing;
#[cfg(unix)]
pub use write::{write_certificates, write_private};

#[cfg(feature = "admin")]
pub(crate) use write::{Readers, link_as, prepare};

pub(crate) use advice::{advice, signs_with_ml_dsa};
#[cfg(feature = "issue")]
pub(crate) use issue::{SERIAL_BYTES, is_self_signed, request, self_signed};
pub(crate) use scrub::scrub_stack;
