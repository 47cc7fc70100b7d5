//! Loading, saving and changing stores by their size. Half of the entries are pins for clients, half pins of a
//! server of its own. The least of a few runs is kept: of the thread's own time, but for what goes to the
//! disk, of the time that passes.

#![allow(
    clippy::as_conversions,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed; a figure may be rounded"
)]

use std::fs;
use std::time::Instant;

use mutual_trust::admin::file::{UnknownRecords, read, write};
use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::store::LiveTrust;
use mutual_trust::{Certificate, EntryOptions, PinScope, ServerId, TrustStore};
use mutual_trust_peers::clock;
use mutual_trust_peers::record::Record;
use mutual_trust_peers::synthetic::{Key, Maker};
use mutual_trust_peers::{World, is_quick, variants};

fn least(runs: u32, mut run: impl FnMut()) -> f64 {
    (0..runs)
        .map(|_| clock::time(&mut run))
        .fold(f64::MAX, f64::min)
}

/// With the waits for the disk.
fn passed(mut run: impl FnMut()) -> f64 {
    let begin = Instant::now();
    run();
    begin.elapsed().as_secs_f64() * 1e9
}

fn install(store: &mut TrustStore, number: usize, der: &[u8]) {
    let scope = if number.is_multiple_of(2) {
        PinScope::Clients
    } else {
        let id: ServerId = format!("server-{number}").parse().unwrap();
        let name = format!("server-{number}.example").parse().unwrap();
        store.add_server(id.clone(), [name]).unwrap();
        PinScope::Server(id)
    };
    let certificate = Certificate::from_der(der).unwrap();
    store
        .install_pin(scope, certificate, EntryOptions::new())
        .unwrap();
}

fn main() {
    let mut record = Record::default();
    let world = World::default();
    let template = Maker::new().end_entity(2, Key::P256);
    let folder = std::env::temp_dir().join(format!("mutual-trust-stores-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let sizes: &[u32] = if is_quick() {
        &[10, 1_000]
    } else {
        &[10, 1_000, 100_000]
    };
    for &size in sizes {
        let ders = variants(&template, size + 100);
        let (first, more) = ders.split_at(size as usize);
        let mut store = world.store();
        let begin = Instant::now();
        for (number, der) in first.iter().enumerate() {
            install(&mut store, number, der);
        }
        let installing = begin.elapsed().as_secs_f64() * 1e9;
        let mut put = |what: &str, value| record.put(format!("store/{what}/{size}"), value);
        put("install", installing);
        let written = || {
            write(store.contents(), &UnknownRecords::default(), None)
                .unwrap()
                .0
        };
        let text = written();
        put("bytes", text.len() as f64);
        put("write", least(5, || drop(written())));
        let keys = *world.policy.key_policy();
        put(
            "read",
            least(5, || drop(read(text.as_bytes(), keys, None).unwrap())),
        );
        let live = LiveTrust::new(store.snapshot());
        let mut number = first.len();
        let mut more = more.iter();
        // The first change copies what is shared with the view that was taken before.
        put(
            "publish-pin",
            least(50, || {
                number += 2;
                install(&mut store, number & !1, more.next().unwrap());
                live.publish(store.snapshot()).unwrap();
            }),
        );
        put(
            "publish-server",
            least(50, || {
                number += 1;
                store
                    .add_server(format!("new-{number}").parse().unwrap(), [])
                    .unwrap();
                live.publish(store.snapshot()).unwrap();
            }),
        );
        drop((store, live));
        fs::write(folder.join("trust-store"), &text).unwrap();
        // Otherwise the disk is still busy with it while changes are measured.
        let written = fs::File::open(folder.join("trust-store")).unwrap();
        written.sync_all().unwrap();
        let settings = || DurableSettings::new(keys);
        put(
            "open",
            least(1, || drop(DurableStore::open(&folder, settings()).unwrap())),
        );
        let mut durable = DurableStore::open(&folder, settings()).unwrap().0;
        let mut change = || {
            number += 1;
            let id: ServerId = format!("new-{number}").parse().unwrap();
            durable.change(|store| store.add_server(id, [])).unwrap();
        };
        put(
            "change",
            (0..50)
                .map(|_| passed(&mut change))
                .fold(f64::MAX, f64::min),
        );
        drop(durable);
        fs::remove_file(folder.join("trust-store")).unwrap();
        let _ = fs::remove_file(folder.join("trust-store.previous"));
    }
    let _ = fs::remove_dir_all(&folder);
    record.save("stores");
}
