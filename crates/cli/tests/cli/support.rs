//! What these tests share with those of the library.

#[path = "../../../../tests/support/crl.rs"]
pub(crate) mod crl;
#[path = "../../../../tests/support/der.rs"]
pub(crate) mod der;
#[path = "../../../../tests/support/pki.rs"]
pub(crate) mod pki;
#[path = "../../../../tests/support/skips.rs"]
pub(crate) mod skips;

use std::sync::Arc;
use std::time::Duration;

use mutual_trust::certificate::Certificate;
use mutual_trust::{HostName, KeyPolicy, ServerId};
use pki_types::UnixTime;
use rustls::crypto::CryptoProvider;

/// 2027-01-01T00:00:00Z: all fixtures that should be valid are.
pub(crate) const NOW: u64 = 1_798_761_600;
pub(crate) const DAY: u64 = 24 * 60 * 60;

pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// The file of a fixture of the library.
pub(crate) fn fixture_bytes(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/../../tests/fixtures/{name}");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A certificate of the fixtures, by its name without `.pem`.
pub(crate) fn fixture(name: &str) -> Certificate {
    Certificate::from_pem(&fixture_bytes(&format!("{name}.pem"))).unwrap()
}

pub(crate) fn server_id(text: &str) -> ServerId {
    text.parse().unwrap()
}

pub(crate) fn host(text: &str) -> HostName {
    text.parse().unwrap()
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    mutual_trust::tls::provider::default_provider()
}

pub(crate) fn keys() -> KeyPolicy {
    mutual_trust::tls::key_policy(&provider())
}
