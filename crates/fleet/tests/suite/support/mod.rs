//! What the tests share.

use mutual_trust::certificate::Timestamp;
use mutual_trust_fleet::{Fetched, NodeReport, Part, Tag, TransportError};

pub fn time() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

pub fn report(node: &str) -> NodeReport {
    let fleet = "prod".parse().unwrap();
    NodeReport::new(node.parse().unwrap(), fleet, Part::All, time())
}

/// What must be new.
#[track_caller]
pub fn new(fetched: Result<Fetched, TransportError>) -> (Vec<u8>, Tag) {
    match fetched.unwrap() {
        Fetched::New { bytes, tag } => (bytes, tag),
        Fetched::Unchanged => panic!("unchanged"),
    }
}

pub mod node;
pub mod published;
#[cfg(feature = "http")]
pub mod world;
