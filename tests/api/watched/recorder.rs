//! A recorder that keeps everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use metrics::atomics::AtomicU64;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Counter,
    Gauge,
}

/// A name with its labels.
type Series = (String, BTreeMap<String, String>);

#[derive(Default)]
struct Kept {
    described: BTreeMap<String, (Kind, Option<Unit>, String)>,
    values: BTreeMap<(Kind, Series), Arc<AtomicU64>>,
}

#[derive(Clone, Default)]
pub struct Keeper(Arc<Mutex<Kept>>);

impl Keeper {
    /// Does something while this recorder is that of the thread.
    pub fn keep<T>(&self, what: impl FnOnce() -> T) -> T {
        metrics::with_local_recorder(self, what)
    }

    pub fn described(&self) -> BTreeMap<String, (Kind, Option<Unit>, String)> {
        self.0.lock().unwrap().described.clone()
    }

    /// Each name with its kind and the keys of its labels.
    pub fn emitted(&self) -> BTreeMap<String, (Kind, BTreeSet<String>)> {
        let mut all = BTreeMap::new();
        for (kind, (name, labels)) in self.0.lock().unwrap().values.keys() {
            let found = all.entry(name.clone()).or_insert((*kind, BTreeSet::new()));
            assert_eq!(found.0, *kind, "{name} is of two kinds");
            found.1.extend(labels.keys().cloned());
        }
        all
    }

    /// The series, as `name key=value …`, that have a value; NaN is none.
    pub fn series(&self) -> BTreeMap<String, f64> {
        let kept = self.0.lock().unwrap();
        let values = kept.values.iter().map(|((kind, (name, labels)), value)| {
            let labels = labels.iter().map(|(key, value)| format!(" {key}={value}"));
            let bits = value.load(Ordering::Relaxed);
            let value = match kind {
                Kind::Counter => u32::try_from(bits).unwrap().into(),
                Kind::Gauge => f64::from_bits(bits),
            };
            (format!("{name}{}", labels.collect::<String>()), value)
        });
        values.filter(|(_, value)| !value.is_nan()).collect()
    }

    /// The value of a series, without the prefix that all names have.
    pub fn value(&self, series: &str) -> Option<f64> {
        self.series()
            .get(&format!("mutual_trust_{series}"))
            .copied()
    }

    /// The series with this name, without the prefix.
    pub fn named(&self, name: &str) -> Vec<(String, f64)> {
        let start = format!("mutual_trust_{name} ");
        let all = self.series().into_iter();
        let named = all.filter_map(|(series, value)| {
            let labels = series.strip_prefix(&start)?;
            Some((labels.to_owned(), value))
        });
        named.collect()
    }

    fn place(&self, kind: Kind, key: &Key) -> Arc<AtomicU64> {
        let labels = key.labels();
        let labels = labels.map(|label| (label.key().to_owned(), label.value().to_owned()));
        let series = (key.name().to_owned(), labels.collect());
        let mut kept = self.0.lock().unwrap();
        kept.values.entry((kind, series)).or_default().clone()
    }

    fn describe(&self, kind: Kind, name: KeyName, unit: Option<Unit>, text: SharedString) {
        let mut kept = self.0.lock().unwrap();
        let row = (kind, unit, text.into_owned());
        let before = kept.described.insert(name.as_str().to_owned(), row);
        assert!(before.is_none(), "{} is described twice", name.as_str());
    }
}

impl Recorder for Keeper {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(Kind::Counter, name, unit, text);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(Kind::Gauge, name, unit, text);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("{} is a histogram", name.as_str());
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.place(Kind::Counter, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.place(Kind::Gauge, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("{} is a histogram", key.name());
    }
}
