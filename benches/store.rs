//! What a durable store costs: loading and saving it, and publishing a small change.
//!
//! ```sh
//! cargo bench --bench store
//! ```
//!
//! A save writes the whole file: its time is that of its bytes, and of the disk's flushes. A publication while the
//! view before it is in use copies the tables of pointers that the change touches, and no certificate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    reason = "a benchmark that cannot go on has failed"
)]

mod synthetic;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mutual_trust::admin::file::{UnknownRecords, read, write};
use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::certificate::Certificate;
use mutual_trust::error::StoreError;
use mutual_trust::store::LiveTrust;
use mutual_trust::{CurrentTime, EntryOptions, KeyPolicy, PinScope, ServerId, TrustStore, tls};
use synthetic::{Key, Maker};

/// Half of the entries are pins for clients, half pins of a server of their own.
fn install(store: &mut TrustStore, number: u32, made: &[u8]) -> Result<(), StoreError> {
    let certificate = Certificate::from_der(made).unwrap();
    let scope = if number.is_multiple_of(2) {
        PinScope::Clients
    } else {
        let id: ServerId = format!("server-{number}").parse()?;
        store.add_server(id.clone(), [format!("server-{number}.example").parse()?])?;
        PinScope::Server(id)
    };
    store.install_pin(scope, certificate, EntryOptions::new())?;
    Ok(())
}

/// The best of a few runs: what it costs, without what the machine did meanwhile.
fn best(runs: u32, mut run: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..runs).map(time).min().unwrap()
}

fn shown(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

struct Bench {
    keys: KeyPolicy,
    maker: Maker,
}

impl Bench {
    fn store(&self, size: u32) -> TrustStore {
        let now = CurrentTime::Known(synthetic::now());
        let mut store = TrustStore::new(self.keys).with_clock(Arc::new(now));
        for number in 0..size {
            let made = self.maker.end_entity(number, Key::P256);
            install(&mut store, number, &made).unwrap();
        }
        store
    }

    /// Text, load, change on disk, and what of that change is publication.
    fn row(&self, size: u32, folder: &Path, runs: u32) {
        let mut store = self.store(size);
        let live = LiveTrust::new(store.snapshot());
        let text = write(store.contents(), &UnknownRecords::default(), None)
            .unwrap()
            .0;
        let writing = best(runs, || {
            write(store.contents(), &UnknownRecords::default(), None).unwrap();
        });
        let reading = best(runs, || {
            read(text.as_bytes(), self.keys, None).unwrap();
        });
        let mut number = 10_000_000;
        let mut publish = |edit: &mut dyn FnMut(&mut TrustStore, u32)| {
            best(runs, || {
                number += 1;
                edit(&mut store, number);
                live.publish(store.snapshot()).unwrap();
            })
        };
        let server = publish(&mut |store, number| {
            let id = format!("new-{number}").parse().unwrap();
            store.add_server(id, []).unwrap();
        });
        let pin = publish(&mut |store, number| {
            let made = self.maker.end_entity(number, Key::P256);
            install(store, number & !1, &made).unwrap();
        });
        drop(store);
        let file = folder.join("trust-store");
        fs::write(&file, &text).unwrap();
        let settings = DurableSettings::new(self.keys);
        let opening = best(1, || {
            let _ = DurableStore::open(folder, settings.clone()).unwrap();
        });
        let mut durable = DurableStore::open(folder, settings).unwrap().0;
        let mut number = 0;
        let change = best(runs, || {
            number += 1;
            let id = format!("new-{number}").parse().unwrap();
            durable.change(|store| store.add_server(id, [])).unwrap();
        });
        drop(durable);
        fs::remove_file(file).unwrap();
        println!(
            "| {size} | {:.1} | {} | {} | {} | {} | {} | {} |",
            text.len() as f64 / 1e6,
            shown(writing),
            shown(reading),
            shown(opening),
            shown(change),
            shown(server),
            shown(pin),
        );
    }
}

fn main() {
    // `cargo test --benches` only shows that it runs.
    let whole = std::env::args().any(|argument| argument == "--bench");
    let sizes: &[u32] = if whole { &[10, 1_000, 100_000] } else { &[10] };
    let provider = tls::provider::aws_lc_rs();
    let bench = Bench {
        keys: tls::key_policy(&provider),
        maker: Maker::new(),
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-store");
    fs::create_dir_all(&folder).unwrap();
    println!(
        "| entries | file, MB | as text | from text | open | a change, stored and in force | publish a server | publish a pin |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for &size in sizes {
        bench.row(size, &folder, 5);
    }
    let _ = fs::remove_dir_all(&folder);
}
