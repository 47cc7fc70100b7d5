//! What the tests share: fixed times, fixtures, certificates made on the spot, handshakes in memory.
//!
//! For the tests in `tests/` of each package. The unit tests in `src/` of the library must not use it: they would see
//! two copies of the library.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::missing_errors_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "its users are tests: what cannot go on has failed"
)]

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub mod accept_all;
pub mod clock;
pub mod crl;
pub mod der;
pub mod facts;
pub mod folder;
pub mod handshake;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub mod link;
pub mod openssl;
pub mod pki;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub mod plain;
pub mod random;
pub mod report;
#[cfg(target_os = "linux")]
pub mod residue;
pub mod skips;
pub mod variants;

pub use report::Lists;

use std::sync::Arc;
use std::time::Duration;

use mutual_trust::certificate::Certificate;
use mutual_trust::{CurrentTime, HostName, Identity, ServerId};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use mutual_trust::{KeyPolicy, Policy, TrustStore};
use pki_types::UnixTime;
use rustls::crypto::CryptoProvider;

/// 2027-01-01T00:00:00Z: all fixtures that should be valid are.
pub const NOW: u64 = 1_798_761_600;
pub const DAY: u64 = 24 * 60 * 60;

pub fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

pub fn now() -> CurrentTime {
    CurrentTime::Known(at(NOW))
}

pub fn fixture_bytes(name: &str) -> Vec<u8> {
    let path = fixture_path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file of `tests/fixtures`.
pub fn fixture_path(name: &str) -> String {
    format!("{}/../../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A certificate of `tests/fixtures`, by its name without `.pem`.
pub fn fixture(name: &str) -> Certificate {
    Certificate::from_pem(&fixture_bytes(&format!("{name}.pem"))).unwrap()
}

pub fn fixture_key(name: &str) -> Vec<u8> {
    fixture_bytes(&format!("keys/{name}.key.pem"))
}

/// The identity of a fixture whose key is `keys/<key>.key.pem`.
pub fn fixture_identity(name: &str, key: &str, provider: &CryptoProvider) -> Identity {
    let chain = fixture_bytes(&format!("{name}.pem"));
    Identity::from_pem(&chain, &fixture_key(key), provider).unwrap()
}

pub fn server_id(text: &str) -> ServerId {
    text.parse().unwrap()
}

pub fn host(text: &str) -> HostName {
    text.parse().unwrap()
}

/// Every provider that the features offer, with its name.
pub fn providers() -> Vec<(&'static str, Arc<CryptoProvider>)> {
    vec![
        #[cfg(feature = "aws-lc-rs")]
        ("aws-lc-rs", mutual_trust::tls::provider::aws_lc_rs()),
        #[cfg(feature = "ring")]
        ("ring", mutual_trust::tls::provider::ring()),
    ]
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub fn provider() -> Arc<CryptoProvider> {
    mutual_trust::tls::provider::default_provider()
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub fn keys() -> KeyPolicy {
    mutual_trust::tls::key_policy(&provider())
}

/// An empty store at [`NOW`].
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub fn store() -> TrustStore {
    TrustStore::new(keys()).with_clock(Arc::new(now()))
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub fn policy() -> Policy {
    Policy::new(keys())
}
