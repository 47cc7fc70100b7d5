//! Gauges of the health of a durable store and of its followed sources.

use pki_types::UnixTime;

use super::{Gauges, Part};
use crate::admin::Health;
use crate::certificate::Timestamp;
use crate::limits::MAX_METRIC_ITEMS;

const SOURCE: &str = "mutual_trust_source_healthy";

impl Gauges {
    /// Sets the gauges of health: good or not, each fault by its name, and the followed sources.
    ///
    /// What is not known has no series: a source that was never taken over has no last success.
    pub fn set_health(&mut self, health: &Health) {
        let mut found = self.found();
        let mut states = states(health);
        found.is("mutual_trust_healthy", &[], health.is_good());
        let faults = [
            ("unsaved_blocks", !health.unsaved_blocks.is_empty()),
            ("refused_change_on_disk", health.refused_change_on_disk),
            ("clock", !health.clock.is_good()),
            ("not_stored", health.last_error.is_some()),
            ("counter", health.counter_error.is_some()),
            ("writable_by_others", !health.writable_by_others.is_empty()),
            ("source", !states.iter().all(|state| state.is_good)),
        ];
        for (fault, holds) in faults {
            found.is("mutual_trust_fault", &[("fault", fault)], holds);
        }
        let unsaved = health.unsaved_blocks.len();
        found.count("mutual_trust_unsaved_blocks", &[], unsaved);
        // The sources that fail come first.
        states.sort_by_key(|state| state.is_good);
        found.omitted(SOURCE, states.len().saturating_sub(MAX_METRIC_ITEMS));
        for state in states.into_iter().take(MAX_METRIC_ITEMS) {
            let labels = [("source", state.name.as_str())];
            found.is(SOURCE, &labels, state.is_good);
            if let Some(at) = state.last_success {
                let name = "mutual_trust_source_success_timestamp_seconds";
                found.time(name, &labels, Timestamp::from(at));
            }
            if let Some(since) = state.since {
                let name = "mutual_trust_source_failing_timestamp_seconds";
                found.time(name, &labels, Timestamp::from(since));
            }
        }
        self.put(Part::Health, found);
    }
}

/// The state of a followed source, or of a fleet.
struct State {
    name: String,
    is_good: bool,
    last_success: Option<UnixTime>,
    since: Option<UnixTime>,
}

/// The followed sources, and the fleets by the source that their entries have.
fn states(health: &Health) -> Vec<State> {
    let sources = health.sources.iter().map(|source| State {
        name: source.name.clone(),
        is_good: source.is_good(),
        last_success: source.last_success,
        since: source.since,
    });
    #[cfg(feature = "bundle")]
    let sources = sources.chain(health.fleets.iter().map(|fleet| State {
        name: crate::admin::bundle::source(&fleet.state.fleet),
        is_good: fleet.is_good(),
        last_success: fleet.last_success,
        since: fleet.since,
    }));
    sources.collect()
}
