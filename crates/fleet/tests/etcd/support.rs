//! Nodes and publishers.

use std::time::{Duration, Instant};

use mutual_trust_fleet::etcd::{Cluster, Etcd};
use mutual_trust_fleet::{Fetched, NodeReport, Part, Tag, Transport, TransportError};

pub const PREFIX: &str = "/fleets/prod";
pub const HEAD: &str = "/fleets/prod/current/head";
pub const BODY: &str = "/fleets/prod/current/body";

/// Longer than anything takes on a busy machine, and shorter than the default poll interval.
pub const SOON: Duration = Duration::from_secs(20);

pub fn etcd(address: &str) -> Etcd {
    let cluster = Cluster::in_plain_text(&[address]).unwrap();
    Etcd::new(&cluster, PREFIX).unwrap()
}

pub fn report(node: &str) -> NodeReport {
    let time = "2026-11-30T12:00:00Z".parse().unwrap();
    let fleet = "prod".parse().unwrap();
    NodeReport::new(node.parse().unwrap(), fleet, Part::All, time)
}

/// Bytes that are no repetition of a piece.
pub fn blob(seed: u8, size: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(size).collect()
}

#[track_caller]
pub fn new(fetched: Result<Fetched, TransportError>) -> (Vec<u8>, Tag) {
    match fetched.unwrap() {
        Fetched::New { bytes, tag } => (bytes, tag),
        Fetched::Unchanged => panic!("unchanged"),
    }
}

/// A node as an agent runs it: waits, fetches, and on an error tries again.
pub struct Node {
    pub etcd: Etcd,
    pub tag: Option<Tag>,
    pub bytes: Vec<u8>,
    pub errors: Vec<TransportError>,
}

impl Node {
    pub fn new(etcd: Etcd) -> Self {
        Self {
            etcd,
            tag: None,
            bytes: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Waits until it holds these bytes.
    #[track_caller]
    pub fn has(&mut self, bytes: &[u8], within: Duration) {
        let begin = Instant::now();
        while self.bytes != bytes {
            let passed = begin.elapsed();
            let _ = self.step(within.saturating_sub(passed));
            // What is fetched when the time is over was not heard in time.
            assert!(
                begin.elapsed() < within,
                "not within {within:?}; errors: {:?}",
                self.errors
            );
        }
    }

    /// One round. Whether something new came.
    pub fn step(&mut self, at_most: Duration) -> bool {
        let waited = self.etcd.wait(at_most);
        let fetched = waited.and_then(|_| self.etcd.fetch(self.tag.as_ref()));
        match fetched {
            Ok(Fetched::New { bytes, tag }) => {
                self.bytes = bytes;
                self.tag = Some(tag);
                return true;
            }
            Ok(Fetched::Unchanged) => {}
            Err(error) => {
                self.errors.push(error);
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        false
    }
}
