//! What stores take of memory by their size, beyond the certificates themselves, and what verdicts allocate.

#![allow(
    clippy::as_conversions,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed; a figure may be rounded"
)]

use std::hint::black_box;

use allocation_counter::measure;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{Certificate, EntryOptions, PinScope, decide};
use mutual_trust_peers::record::Record;
use mutual_trust_peers::synthetic::{Key, Maker};
use mutual_trust_peers::{World, is_quick, variants};
use pki_types::CertificateDer;

fn main() {
    let mut record = Record::default();
    let world = World::default();
    let maker = Maker::new();
    let template = maker.end_entity(2, Key::P256);
    let sizes: &[u32] = if is_quick() {
        &[10, 1_000]
    } else {
        &[10, 1_000, 100_000]
    };
    for &size in sizes {
        let ders = variants(&template, size);
        let mut kept = None;
        let taken = measure(|| {
            let mut store = world.store();
            world.install_clients(&mut store, &ders);
            kept = Some(store);
        });
        let ders: usize = ders.iter().map(Vec::len).sum();
        let beyond = (taken.bytes_current as f64 - ders as f64) / f64::from(size);
        record.put(format!("memory/entry/{size}"), beyond);
        record.put(format!("memory/store/{size}"), taken.bytes_current as f64);
    }
    let der = maker.end_entity(1, Key::P256);
    let mut store = world.store();
    let scope = PinScope::Server(world.id.clone());
    let certificate = Certificate::from_der(&der).unwrap();
    store
        .install_pin(scope, certificate, EntryOptions::new())
        .unwrap();
    let view = store.snapshot();
    let presented = CertificateDer::from(der);
    let target = ExpectedServer::id(&world.id, Some(&world.name));
    let question = VerifyRequest::server(target, &presented, &[], world.clock);
    let verdict = measure(|| drop(black_box(decide(&view, &world.policy, &question))));
    record.put("memory/verdict/allocations", verdict.count_total as f64);
    record.put("memory/verdict/bytes", verdict.bytes_total as f64);
    record.save("memory");
}
