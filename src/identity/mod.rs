//! Our own identity: a certificate chain, and the private key of its first certificate.
//!
//! This module reads chains and keys, encrypted keys too, and writes them. With the feature `issue` it also generates
//! keys, certificates and requests. [`tls::Identity`](crate::tls::Identity) puts chain and key together. It checks that
//! the key belongs to the first certificate and that each certificate is signed by the next (rule K1), because these
//! checks need the crypto provider.
//!
//! ```no_run
//! use mutual_trust::Identity;
//! use mutual_trust::identity::{CertificateChain, KeyReader};
//!
//! # fn provider() -> rustls::crypto::CryptoProvider { unimplemented!() }
//! let chain = CertificateChain::from_file("array-7.pem")?;
//! // An orchestrator mounts the key, so its group may read it.
//! let key = KeyReader::new().allow_shared_file().file("/run/secrets/array-7.key")?;
//! let identity = Identity::new(chain, key, &provider())?;
//! # Ok::<(), mutual_trust::error::IdentityError>(())
//! ```

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
mod open;
#[cfg(feature = "admin")]
mod owner;
#[cfg(feature = "encrypted-keys")]
mod passphrase;
mod pkcs8;
mod reader;
mod renewal;
mod scrub;
#[cfg(feature = "encrypted-keys")]
mod scrypt;
mod write;
mod write_error;

pub use advice::IdentityAdvice;
pub use chain::CertificateChain;
#[cfg(all(feature = "issue", any(feature = "aws-lc-rs", feature = "ring")))]
pub use issue::GeneratedKey;
#[cfg(feature = "issue")]
pub use issue::{CertificateRequest, CertificateSpec, KeyType, SubjectPart};
pub use key::PrivateKey;
#[cfg(feature = "encrypted-keys")]
pub use passphrase::Passphrase;
pub use reader::KeyReader;
pub use renewal::RenewalSchedule;
pub use write::IfExists;
#[cfg(unix)]
pub use write::{write_certificates, write_private, write_public};

#[cfg(feature = "admin")]
pub(crate) use file::read_private;
#[cfg(feature = "admin")]
pub(crate) use owner::{Owner, is_writable_by_others};
#[cfg(feature = "admin")]
pub(crate) use write::{STORE_TEMPORARY, TEMPORARY_END, link_as, prepare_store};

pub(crate) use advice::{advice, signs_with_ml_dsa};
#[cfg(feature = "issue")]
pub(crate) use issue::{SERIAL_BYTES, is_self_signed, request, self_signed};
#[cfg(feature = "admin")]
pub(crate) use open::text_within;
pub(crate) use open::{FileState, open};
pub(crate) use scrub::scrub_stack;
