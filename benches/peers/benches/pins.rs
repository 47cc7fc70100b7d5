//! Verdicts on pins: by how many are installed, for few peers and for many, and by how they match; beside webpki,
//! OpenSSL, and the comparison of bytes that people write by hand.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed; a figure may be rounded"
)]

use std::collections::HashSet;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{
    Certificate, EntryOptions, PinMatch, PinScope, ReasonCode, TrustSnapshot, decide,
};
use mutual_trust_peers::clock::{self, CpuTime};
use mutual_trust_peers::synthetic::{Key, Maker};
use mutual_trust_peers::{World, is_quick, jumps, variants};
use pki_types::CertificateDer;

/// How many peers a system talks to.
const FEW: u32 = 16;

fn sizes() -> &'static [u32] {
    if is_quick() {
        &[1, 100, 10_000]
    } else {
        &[1, 100, 10_000, 1_000_000]
    }
}

fn ders(all: &[Vec<u8>]) -> Vec<CertificateDer<'_>> {
    all.iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect()
}

fn server(world: &World, view: &TrustSnapshot, der: &CertificateDer<'_>, expected: ReasonCode) {
    let target = ExpectedServer::id(&world.id, Some(&world.name));
    let verdict = decide(
        view,
        &world.policy,
        &VerifyRequest::server(target, der, &[], world.clock),
    );
    assert_eq!(verdict.reason(), expected);
    drop(black_box(verdict));
}

fn client(world: &World, view: &TrustSnapshot, der: &CertificateDer<'_>) -> mutual_trust::Verdict {
    let verdict = decide(
        view,
        &world.policy,
        &VerifyRequest::client(der, &[], world.clock),
    );
    assert_eq!(verdict.reason(), ReasonCode::PinMatched);
    verdict
}

/// One pin for the server, all others for clients.
fn by_number(criterion: &mut Criterion<CpuTime>) {
    let world = World::default();
    let maker = Maker::new();
    let pin = maker.end_entity(1, Key::P256);
    let presented = CertificateDer::from(pin.as_slice());
    let template = maker.end_entity(2, Key::P256);
    for &size in sizes() {
        let clients = variants(&template, size.saturating_sub(1).max(1));
        let mut store = world.store();
        let certificate = Certificate::from_der(&pin).unwrap();
        let scope = PinScope::Server(world.id.clone());
        store
            .install_pin(scope, certificate, EntryOptions::new())
            .unwrap();
        world.install_clients(&mut store, &clients);
        let view = store.snapshot();
        drop(store);
        let mut group = criterion.benchmark_group("pin");
        group.bench_function(BenchmarkId::new("server", size), |bencher| {
            bencher.iter(|| server(&world, &view, &presented, ReasonCode::PinMatched));
        });
        let few = &clients[..clients.len().min(FEW as usize)];
        let (few, mut next) = (ders(few), 0);
        group.bench_function(BenchmarkId::new("client-few", size), |bencher| {
            bencher.iter(|| {
                next = (next + 1) % few.len();
                drop(black_box(client(&world, &view, &few[next])));
            });
        });
        let mut jump = jumps(clients.len());
        group.bench_function(BenchmarkId::new("client-any", size), |bencher| {
            // What a peer presents has just come from the network, so it is in a cache: so many of them are.
            bencher.iter_batched(
                || CertificateDer::from(clients[jump()].clone()),
                |der| client(&world, &view, &der),
                BatchSize::NumIterations(64),
            );
        });
        let known: HashSet<&[u8]> = clients.iter().map(Vec::as_slice).collect();
        group.bench_function(BenchmarkId::new("bytes", size), |bencher| {
            bencher.iter(|| {
                next = (next + 1) % few.len();
                assert!(black_box(known.contains(&*few[next])));
            });
        });
        group.finish();
    }
}

/// What the others take for the same certificate: webpki for one that a CA signed, as it knows no pins.
fn peers(criterion: &mut Criterion<CpuTime>) {
    let world = World::default();
    let maker = Maker::new();
    let chain = maker.chain(1);
    let sent = [chain.leaf.clone(), chain.intermediate.clone()];
    let sent = ders(&sent);
    let root = CertificateDer::from(chain.root.as_slice());
    let anchors = [webpki::anchor_from_trusted_cert(&root).unwrap()];
    let mut group = criterion.benchmark_group("pin-peers");
    group.bench_function("webpki", |bencher| {
        bencher.iter(|| world.webpki(&anchors, &sent[0], &sent[1..]).unwrap());
    });
    // One signature less.
    let below = CertificateDer::from(chain.intermediate.as_slice());
    let anchors = [webpki::anchor_from_trusted_cert(&below).unwrap()];
    group.bench_function("webpki-one", |bencher| {
        bencher.iter(|| world.webpki(&anchors, &sent[0], &[]).unwrap());
    });
    #[cfg(feature = "openssl")]
    for size in [1, 100] {
        use mutual_trust_peers::openssl;
        // OpenSSL reads the key, which must be one.
        let own = |number| {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut params = rcgen::CertificateParams::new([format!("array-{number}")]).unwrap();
            params.not_before = rcgen::date_time_ymd(2026, 1, 1);
            params.not_after = rcgen::date_time_ymd(2036, 1, 1);
            params.self_signed(&key).unwrap().der().to_vec()
        };
        let ders: Vec<Vec<u8>> = (1..=size).map(own).collect();
        let store = openssl::store(ders.iter().map(Vec::as_slice));
        let presented = &ders[..1];
        let parsed = openssl::parse(presented);
        group.bench_function(BenchmarkId::new("openssl-parsed", size), |bencher| {
            bencher.iter(|| assert!(openssl::verify(&store, &parsed)));
        });
        group.bench_function(BenchmarkId::new("openssl", size), |bencher| {
            bencher.iter(|| assert!(openssl::verify(&store, &openssl::parse(presented))));
        });
    }
    group.finish();
}

/// By the whole certificate, by its key, and by its fingerprint.
fn by_match(criterion: &mut Criterion<CpuTime>) {
    let world = World::default();
    let maker = Maker::new();
    let scope = || PinScope::Server(world.id.clone());
    let mut group = criterion.benchmark_group("match");
    for (kind, key) in [("P-256", Key::P256), ("RSA-2048", Key::Rsa2048)] {
        let der = maker.end_entity(1, key);
        let certificate = Certificate::from_der(&der).unwrap();
        let presented = CertificateDer::from(der.as_slice());
        let renewed = maker.renewed(1, key);
        let renewed = CertificateDer::from(renewed.as_slice());
        let pinned = |options| {
            let mut store = world.store();
            store
                .install_pin(scope(), certificate.clone(), options)
                .unwrap();
            store.snapshot()
        };
        let whole = pinned(EntryOptions::new());
        let by_key = pinned(EntryOptions::new().with_matching(PinMatch::PublicKey));
        let mut store = world.store();
        store
            .install_pin_fingerprint(scope(), certificate.fingerprint(), EntryOptions::new())
            .unwrap();
        let bare = store.snapshot();
        for (name, view, der, expected) in [
            ("certificate", &whole, &presented, ReasonCode::PinMatched),
            ("key", &by_key, &presented, ReasonCode::KeyMatched),
            ("key-renewed", &by_key, &renewed, ReasonCode::KeyMatched),
            (
                "fingerprint",
                &bare,
                &presented,
                ReasonCode::FingerprintMatched,
            ),
            ("refused", &whole, &renewed, ReasonCode::RenewedWithSameKey),
        ] {
            group.bench_function(BenchmarkId::new(name, kind), |bencher| {
                bencher.iter(|| server(&world, view, der, expected));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = clock::criterion();
    targets = by_match, peers, by_number
}
criterion_main!(benches);
