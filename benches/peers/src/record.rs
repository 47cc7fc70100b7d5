//! Measurements by name, as lines `name<TAB>value`, in files that the figures are made from. Times are in
//! nanoseconds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

/// Where `benches/run` keeps what was measured.
pub fn folder() -> PathBuf {
    env::var_os("MUTUAL_TRUST_FIGURES")
        .map_or_else(|| PathBuf::from("target/figures"), PathBuf::from)
}

/// What one program measured.
#[derive(Default)]
pub struct Record(Vec<(String, f64)>);

impl Record {
    /// Adds one, and shows it.
    pub fn put(&mut self, name: impl Into<String>, value: f64) {
        let name = name.into();
        println!("{name}\t{value:.2}");
        self.0.push((name, value));
    }

    /// Replaces what the program kept before.
    pub fn save(&self, program: &str) {
        let lines: String = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}\t{value}\n"))
            .collect();
        fs::create_dir_all(folder()).unwrap();
        fs::write(folder().join(format!("{program}.tsv")), lines).unwrap();
    }
}

/// All that all programs kept, and what criterion did: of each benchmark, the fastest of its samples in all rounds, since
/// other work on the machine, or beside a virtual one, only adds to the time.
pub fn all() -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let files = fs::read_dir(folder()).into_iter().flatten();
    for file in files.map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|kind| kind == "tsv") {
            for line in fs::read_to_string(&file).unwrap().lines() {
                let (name, value) = line.split_once('\t').unwrap();
                found.insert(name.to_owned(), value.parse().unwrap());
            }
        }
    }
    criterion(&folder().join("criterion"), &mut found);
    found
}

/// Goes down to each `new/`, in which criterion keeps the name and the samples of a benchmark.
fn criterion(folder: &std::path::Path, found: &mut BTreeMap<String, f64>) {
    let json = |file: &str| {
        let text = fs::read(folder.join("new").join(file)).ok()?;
        serde_json::from_slice::<serde_json::Value>(&text).ok()
    };
    if let (Some(name), Some(sample)) = (json("benchmark.json"), json("sample.json")) {
        let name = name.pointer("/full_id").and_then(|name| name.as_str());
        let numbers = |what: &str| {
            let all = sample.get(what).and_then(|all| all.as_array());
            all.into_iter()
                .flatten()
                .filter_map(|number| number.as_f64())
        };
        let each = numbers("times").zip(numbers("iters"));
        let fastest = each.map(|(time, times)| time / times).reduce(f64::min);
        if let (Some(name), Some(fastest)) = (name, fastest) {
            let kept = found.entry(name.to_owned()).or_insert(fastest);
            *kept = kept.min(fastest);
        }
    }
    for below in fs::read_dir(folder).into_iter().flatten() {
        let below = below.unwrap().path();
        if below.is_dir() {
            criterion(&below, found);
        }
    }
}
