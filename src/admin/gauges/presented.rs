//! Gauges of what servers presented when they were last accepted.

use super::{Gauges, Part};
use crate::admin::{Peer, PeerHistory};
use crate::certificate::Timestamp;
use crate::limits::MAX_METRIC_ITEMS;
use crate::store::{Server, TrustSnapshot};

const NOT_AFTER: &str = "mutual_trust_presented_not_after_timestamp_seconds";

impl Gauges {
    /// Sets the gauges of servers that were accepted: when, and when the certificate ends that they presented. With an
    /// authority, nothing else tells when the certificate of a server ends.
    ///
    /// Only servers of the store have a series, and only what was accepted counts: no other machine can create or set one.
    pub fn set_presented(&mut self, view: &TrustSnapshot, seen: &PeerHistory) {
        let mut found = self.found();
        let last = |server: &'_ Server| seen.last(&Peer::Server(server.id().clone()));
        let servers = view.servers();
        let accepted: Vec<_> = servers
            .filter_map(|server| Some((server, last(server)?)))
            .collect();
        let omitted = accepted.len().saturating_sub(MAX_METRIC_ITEMS);
        found.omitted(NOT_AFTER, omitted);
        for (server, last) in accepted.into_iter().take(MAX_METRIC_ITEMS) {
            let labels = [("server", server.id().as_str())];
            if let Some(leaf) = last.certificate() {
                found.time(NOT_AFTER, &labels, leaf.validity().not_after());
            }
            if let Some(at) = last.at() {
                let name = "mutual_trust_server_accepted_timestamp_seconds";
                found.time(name, &labels, Timestamp::from(at));
            }
        }
        self.put(Part::Presented, found);
    }
}
