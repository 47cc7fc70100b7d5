//! Gauges of the health of a durable store and of its followed sources.

use super::{Gauges, Part};
use crate::admin::Health;
use crate::admin::follow::SourceHealth;
use crate::certificate::Timestamp;
use crate::limits::MAX_METRIC_ITEMS;

const SOURCE: &str = "mutual_trust_source_healthy";

impl Gauges {
    /// Sets the gauges of health: good or not, each fault by its name, and the followed sources.
    ///
    /// What is not known has no series: a source that was never taken over has no last success.
    pub fn set_health(&mut self, health: &Health) {
        let mut found = self.found();
        found.is("mutual_trust_healthy", &[], health.is_good());
        let faults = [
            ("unsaved_blocks", !health.unsaved_blocks.is_empty()),
            ("refused_change_on_disk", health.refused_change_on_disk),
            ("clock", !health.clock.is_good()),
            ("not_stored", health.last_error.is_some()),
            ("counter", health.counter_error.is_some()),
            ("writable_by_others", !health.writable_by_others.is_empty()),
            ("source", !health.sources.iter().all(SourceHealth::is_good)),
        ];
        for (fault, holds) in faults {
            found.is("mutual_trust_fault", &[("fault", fault)], holds);
        }
        let unsaved = health.unsaved_blocks.len();
        found.count("mutual_trust_unsaved_blocks", &[], unsaved);
        // The sources that fail come first.
        let mut sources: Vec<&SourceHealth> = health.sources.iter().collect();
        sources.sort_by_key(|source| source.is_good());
        found.omitted(SOURCE, sources.len().saturating_sub(MAX_METRIC_ITEMS));
        for source in sources.into_iter().take(MAX_METRIC_ITEMS) {
            let labels = [("source", source.name.as_str())];
            found.is(SOURCE, &labels, source.is_good());
            if let Some(at) = source.last_success {
                let name = "mutual_trust_source_success_timestamp_seconds";
                found.time(name, &labels, Timestamp::from(at));
            }
            if let Some(since) = source.since {
                let name = "mutual_trust_source_failing_timestamp_seconds";
                found.time(name, &labels, Timestamp::from(since));
            }
        }
        self.put(Part::Health, found);
    }
}
