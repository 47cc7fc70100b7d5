//! Gauges of one store, for the recorder of the facade `metrics`: what ends and when, and what is wrong.

#[cfg(feature = "enrol")]
mod enrolment;
mod health;
mod presented;
mod trust;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use crate::admin::expiry::one_line;
use crate::certificate::{CurrentTime, Timestamp};
use crate::limits::MAX_METRIC_ITEMS;
use crate::observe::meter::Series;

pub(crate) use trust::earliest;

/// Sets the gauges of one store and of our own certificates, for the recorder of the facade
/// [`metrics`](https://docs.rs/metrics). `docs/METRICS.md` lists them.
///
/// Make one for each store, and set the gauges after each publication and from a timer, so that what has ended stays visible
/// and a program that hangs is noticed:
///
/// ```
/// use mutual_trust::admin::{DurableStore, Gauges};
/// use mutual_trust::certificate::{SystemClock, TimeSource};
/// use mutual_trust::{LiveTrust, Policy};
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// /// Runs in a thread of its own, after the program has installed a recorder.
/// fn watch(trust: &LiveTrust, store: &Mutex<DurableStore>, policy: &Policy, is_over: impl Fn() -> bool) {
///     mutual_trust::observe::describe_metrics();
///     let (mut gauges, clock) = (Gauges::new("main"), SystemClock::new());
///     while !is_over() {
///         let view = trust.current();
///         gauges.set_trust(&view, policy, clock.now());
///         let health = store.lock().map(|store| store.health());
///         if let Ok(health) = health {
///             gauges.set_health(&health);
///         }
///         let _ = trust.wait_newer_than(view.generation(), Duration::from_secs(60));
///     }
/// }
/// ```
///
/// The series of an item that is gone becomes NaN, which fulfils no comparison: the facade cannot remove a series. Let the
/// exporter drop series that are no longer set, for example with `idle_timeout` of `metrics-exporter-prometheus`.
///
/// # Security
/// The labels are of what an administrator installed and of names that the program gives. Each metric has at most 1,024
/// items, those that end first, and `mutual_trust_items_omitted` counts the others.
#[cfg_attr(docsrs, doc(cfg(all(feature = "admin", feature = "metrics"))))]
pub struct Gauges {
    store: String,
    /// The series that each part has set, to end those of items that are gone.
    shown: BTreeMap<Part, BTreeSet<Series>>,
}

/// What is set by one call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Trust,
    Presented,
    Health,
    #[cfg(feature = "enrol")]
    Enrolment,
    Identity(String),
}

/// The series that one call sets.
pub(crate) struct Found {
    store: String,
    all: BTreeMap<Series, f64>,
}

impl Found {
    /// A label without a value is left out: no value and an empty one are the same to Prometheus.
    pub(crate) fn series(&self, name: &'static str, labels: &[(&'static str, &str)]) -> Series {
        let own = [("store", self.store.as_str())];
        let labels = own.iter().chain(labels);
        let labels = labels.filter(|(_, value)| !value.is_empty());
        let labels = labels.map(|(key, value)| (*key, one_line(value)));
        Series::new(name, labels.collect())
    }

    pub(crate) fn set(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        let series = self.series(name, labels);
        self.all.insert(series, value);
    }

    fn count(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: usize) {
        let value = u64::try_from(value).unwrap_or(u64::MAX);
        self.set(name, labels, number(value));
    }

    fn is(&mut self, name: &'static str, labels: &[(&'static str, &str)], holds: bool) {
        self.set(name, labels, if holds { 1.0 } else { 0.0 });
    }

    pub(crate) fn time(
        &mut self,
        name: &'static str,
        labels: &[(&'static str, &str)],
        time: Timestamp,
    ) {
        self.set(name, labels, time_number(time.seconds()));
    }

    pub(crate) fn renewals(&self, identity: &str, succeeded: bool) -> Series {
        let outcome = if succeeded { "renewed" } else { "failed" };
        let labels = [("identity", identity), ("outcome", outcome)];
        self.series("mutual_trust_renewals_total", &labels)
    }

    fn show(&self) {
        for (series, value) in &self.all {
            series.set(*value);
        }
    }

    /// How many items of a metric have no series.
    fn omitted(&mut self, metric: &'static str, count: usize) {
        self.count("mutual_trust_items_omitted", &[("metric", metric)], count);
    }
}

impl Gauges {
    /// Gauges of a store. The name is the label `store` of each of them: one line of at most 128 bytes, of which the rest is
    /// cut off.
    pub fn new(store: &str) -> Self {
        Self {
            store: one_line(store),
            shown: BTreeMap::new(),
        }
    }

    /// Counts an attempt to renew our own certificate. The name is that of the identity in
    /// [`set_identity`](Self::set_identity).
    ///
    /// An identity that was never renewed has no time of its last renewal.
    pub fn count_renewal(&mut self, identity: &str, clock: CurrentTime, succeeded: bool) {
        let mut found = self.found();
        found.renewals(identity, succeeded).add(1);
        if let (true, CurrentTime::Known(now)) = (succeeded, clock) {
            let name = "mutual_trust_renewal_success_timestamp_seconds";
            found.time(name, &[("identity", identity)], Timestamp::from(now));
        }
        found.show();
    }

    pub(crate) fn found(&self) -> Found {
        Found {
            store: self.store.clone(),
            all: BTreeMap::new(),
        }
    }

    /// Sets the gauges of a part, and ends those of items that are gone.
    pub(crate) fn put(&mut self, part: Part, found: Found) {
        let shown = self.shown.entry(part).or_default();
        let gone = shown
            .iter()
            .filter(|series| !found.all.contains_key(series));
        gone.for_each(|series| series.set(f64::NAN));
        found.show();
        *shown = found.all.into_keys().collect();
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauges")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The items that have a series, and the number of the others. Half of the places are for what has ended, the latest first,
/// and the rest for what ends first.
fn shown<T>(mut items: Vec<(i64, T)>, now: Option<i64>) -> (Vec<(i64, T)>, usize) {
    let omitted = items.len().saturating_sub(MAX_METRIC_ITEMS);
    if omitted > 0 {
        items.sort_by_key(|(end, _)| *end);
        let ended = now.map_or(0, |now| items.partition_point(|(end, _)| *end <= now));
        let coming = items.len().saturating_sub(ended);
        // What has ended takes more than its half only if nothing else needs the places.
        let half = (MAX_METRIC_ITEMS / 2).max(MAX_METRIC_ITEMS.saturating_sub(coming));
        items.drain(..ended.saturating_sub(half));
        items.truncate(MAX_METRIC_ITEMS);
    }
    (items, omitted)
}

/// A number as the facade takes it: exact up to 2^53.
fn number(number: u64) -> f64 {
    let [high, low] = [number >> 32, number & 0xffff_ffff]
        .map(|half| f64::from(u32::try_from(half).unwrap_or(u32::MAX)));
    high * 4_294_967_296.0 + low
}

/// Seconds since 1970, or before.
fn time_number(seconds: i64) -> f64 {
    let size = number(seconds.unsigned_abs());
    if seconds < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        for value in [0, 1, 4_294_967_295, 4_294_967_296, 253_402_300_799] {
            assert_eq!(format!("{}", number(value)), value.to_string());
        }
        assert_eq!(time_number(-5).to_string(), "-5");
    }

    #[test]
    fn what_ends_first_is_shown_and_what_has_ended_has_half_of_the_places() {
        let most = i64::try_from(MAX_METRIC_ITEMS).unwrap();
        let items = |from: i64, to: i64| (from..to).map(|end| (end, ())).collect::<Vec<_>>();
        let (all, omitted) = shown(items(0, most), Some(0));
        assert_eq!((all.len(), omitted), (MAX_METRIC_ITEMS, 0));
        // Many have ended: the latest of them, and the earliest of the others.
        let (kept, omitted) = shown(items(-3 * most, 3 * most), Some(0));
        assert_eq!(
            (kept.len(), omitted),
            (MAX_METRIC_ITEMS, 5 * MAX_METRIC_ITEMS)
        );
        assert_eq!(kept.first().unwrap().0, 1 - most / 2);
        assert_eq!(kept.last().unwrap().0, most / 2);
        // Nothing else needs the places.
        let (kept, _) = shown(items(-3 * most, 2), Some(0));
        assert_eq!(kept.first().unwrap().0, 2 - most);
        assert_eq!(kept.last().unwrap().0, 1);
        // Nothing has ended.
        let (kept, _) = shown(items(1, 3 * most), Some(0));
        assert_eq!((kept.first().unwrap().0, kept.len()), (1, MAX_METRIC_ITEMS));
    }
}
