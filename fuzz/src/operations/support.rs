//! What the shared model asks of the support of its tests.

use std::time::Duration;

use mutual_trust::{HostName, KeyPolicy, Policy, ServerId};
use pki_types::UnixTime;

/// 2027-01-01.
pub const NOW: u64 = 1_798_761_600;
pub const DAY: u64 = 24 * 60 * 60;

pub fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

pub fn server_id(text: &str) -> ServerId {
    text.parse().unwrap()
}

pub fn host(text: &str) -> HostName {
    text.parse().unwrap()
}

pub fn keys() -> KeyPolicy {
    crate::keys()
}

pub fn policy() -> Policy {
    Policy::new(keys())
}
