//! Counters and gauges for the recorder of the facade `metrics`. Without the feature `metrics` they do nothing.
//!
//! The labels of a counter are words of fixed lists, and those of a gauge are of what is installed. No text that a peer
//! chose is in a label, so no peer can create a series.

#[cfg(feature = "metrics")]
mod table;

#[cfg(feature = "metrics")]
pub use table::describe_metrics;

use crate::certificate::Role;
use crate::policy::{ReasonCode, Verdict};

/// A peer was judged in a handshake.
pub(crate) fn judged(verdict: &Verdict) {
    counted(verdict.role(), verdict.is_accepted(), verdict.reason());
}

/// A peer of this role was accepted, and no verdict was kept.
pub(crate) fn accepted(role: Role, reason: ReasonCode) {
    counted(role, true, reason);
}

fn counted(role: Role, is_accepted: bool, reason: ReasonCode) {
    #[cfg(feature = "metrics")]
    metrics::counter!(
        "mutual_trust_verdicts_total",
        "role" => match role {
            Role::Server => "server",
            Role::Client => "client",
        },
        "outcome" => if is_accepted { "accepted" } else { "refused" },
        "reason" => reason.code()
    )
    .increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (role, is_accepted, reason);
}

/// The handshake with a peer of this role was decided: the peer was accepted and proved that it has its key, or not.
pub(crate) fn decided(peer: Role, is_accepted: bool) {
    #[cfg(feature = "metrics")]
    handshakes(peer, is_accepted).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (peer, is_accepted);
}

/// With labels that are literals, nothing is allocated for the look-up.
#[cfg(feature = "metrics")]
fn handshakes(peer: Role, is_accepted: bool) -> metrics::Counter {
    macro_rules! counter {
        ($role:literal, $outcome:literal) => {
            metrics::counter!("mutual_trust_handshakes_total", "role" => $role, "outcome" => $outcome)
        };
    }
    match (peer, is_accepted) {
        (Role::Server, true) => counter!("server", "accepted"),
        (Role::Server, false) => counter!("server", "refused"),
        (Role::Client, true) => counter!("client", "accepted"),
        (Role::Client, false) => counter!("client", "refused"),
    }
}

/// An observation was dropped.
pub(super) fn dropped() {
    #[cfg(feature = "metrics")]
    metrics::counter!("mutual_trust_observations_dropped_total").increment(1);
}

/// Something happened in enrolment.
#[cfg(feature = "enrol")]
pub(crate) fn enrolment(event: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("mutual_trust_enrolment_events_total", "event" => event).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = event;
}

/// A gauge, or a counter, with its labels.
#[cfg(all(feature = "admin", feature = "metrics"))]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    name: &'static str,
    labels: Vec<(&'static str, String)>,
}

#[cfg(all(feature = "admin", feature = "metrics"))]
impl Series {
    pub(crate) fn new(name: &'static str, labels: Vec<(&'static str, String)>) -> Self {
        Self { name, labels }
    }

    pub(crate) fn set(&self, value: f64) {
        metrics::gauge!(self.name, self.labels()).set(value);
    }

    pub(crate) fn add(&self, count: u64) {
        metrics::counter!(self.name, self.labels()).increment(count);
    }

    fn labels(&self) -> Vec<metrics::Label> {
        let labels = self.labels.iter();
        labels
            .map(|(key, value)| metrics::Label::new(*key, value.clone()))
            .collect()
    }
}
