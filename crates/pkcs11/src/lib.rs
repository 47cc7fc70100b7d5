//! [mutual-trust](https://docs.rs/mutual-trust) with keys in hardware: identities whose private key is in a PKCS#11
//! token, that is an HSM, a TPM or a smart card.
//!
//! ```no_run
//! use mutual_trust::identity::CertificateChain;
//! use mutual_trust::{Identity, tls};
//! use mutual_trust_pkcs11::{PinSource, Token, TokenSettings, Uri};
//!
//! fn identity() -> Result<Identity, Box<dyn std::error::Error>> {
//!     let provider = tls::provider::default_provider();
//!     let uri: Uri = "pkcs11:token=array;object=link?module-name=softhsm2".parse()?;
//!     let pin = PinSource::file("/run/credentials/array/pin");
//!     let token = Token::open(&uri, Some(pin), TokenSettings::new())?;
//!     let chain = CertificateChain::from_file("/etc/array/chain.pem")?;
//!     Ok(token.identity(&uri, chain, &provider)?)
//! }
//! ```
//!
//! The identity goes to both configuration builders of the library, and into the rotation of identities, as one with a key
//! in a file does.
//!
//! - [`Uri`] names the module, the token and the key (RFC 7512).
//! - [`Token`] is logged in to once. It has a bounded pool of sessions, and finds the key again after a reset.
//! - [`TokenKey`] signs for TLS; [`Token::generate`] makes one in the token, and [`TokenKey::signing_key_pair`] makes
//!   certificates and requests with it.
//! - [`PinSource`] is asked for the PIN at each log-in. A log-in that was refused is not repeated.
//!
//! What the keys can be is the token's matter: ECDSA on P-256, P-384 and P-521, RSA (PKCS#1 and PSS), Ed25519, ML-DSA.
//!
//! # Time
//! A signature is a call of the module, which has no time limit and for which the thread waits: a fraction of a millisecond
//! in a software token, milliseconds in an HSM on a network, more in a TPM. In an async service, handshakes belong on
//! threads that may wait.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test that cannot go on has failed"
    )
)]

mod access;
mod der;
mod error;
mod fault;
mod find;
mod generate;
mod key;
mod kind;
pub mod limits;
mod log_ins;
mod module;
mod percent;
mod pin;
mod pool;
mod public;
mod settings;
mod token;
mod uri;

pub use error::{Error, UriError};
pub use generate::KeyType;
pub use key::TokenKey;
pub use pin::{Pin, PinSource};
pub use settings::TokenSettings;
pub use token::Token;
pub use uri::Uri;

/// The program on the crate's page compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Page;
