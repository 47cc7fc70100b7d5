//! What readers lose while a generation is published 1,000 times a second: verdicts and handshakes on one thread and
//! on two, which go on while short stretches with publishing and without take turns. The views are made before, so
//! that only putting them in force is measured; in the stretches without, a thread wakes as often and puts nothing in
//! force. Time is what passes, in which a reader that waits would show; kept is the median of what neighbouring
//! stretches say, since the machine is faster at one time than at another.

#![allow(
    clippy::as_conversions,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed; a figure may be rounded"
)]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{LiveTrust, TlsVersion, TrustSnapshot, TrustStore, decide};
use mutual_trust_peers::handshake::Pair;
use mutual_trust_peers::record::Record;
use mutual_trust_peers::{World, is_quick, median};
use pki_types::CertificateDer;

const EVERY: Duration = Duration::from_millis(1);
/// Short, so that neighbours have the same machine, and long enough for a hundred handshakes.
const STRETCH: Duration = Duration::from_millis(60);

/// What one reader has done, with nothing beside it that another thread writes.
#[repr(align(128))]
#[derive(Default)]
struct Done(AtomicU64);

/// How often `work` was done in a second of a stretch in which `tick` is called each millisecond.
fn rate(done: &[Done], mut tick: impl FnMut()) -> f64 {
    let count = || -> u64 { done.iter().map(|one| one.0.load(Ordering::Relaxed)).sum() };
    let (begin, before) = (Instant::now(), count());
    let mut next = begin;
    while begin.elapsed() < STRETCH {
        next += EVERY;
        thread::sleep(next.saturating_duration_since(Instant::now()));
        tick();
    }
    (count() - before) as f64 / begin.elapsed().as_secs_f64()
}

fn compare(
    record: &mut Record,
    what: &str,
    live: &LiveTrust,
    store: &mut TrustStore,
    work: impl Fn() + Sync,
) {
    for threads in [1, 2] {
        let over = AtomicBool::new(false);
        let done: Vec<Done> = (0..threads).map(|_| Done::default()).collect();
        let (mut alone, mut ratios) = (Vec::new(), Vec::new());
        thread::scope(|scope| {
            for one in &done {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        work();
                        one.0.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            for turn in 0..if is_quick() { 4 } else { 200 } {
                let views: Vec<TrustSnapshot> = (0..STRETCH.as_millis() + 20)
                    .map(|_| {
                        store.add_server("passing".parse().unwrap(), []).unwrap();
                        store.remove_server(&"passing".parse().unwrap()).unwrap();
                        store.snapshot()
                    })
                    .collect();
                let mut views = views.iter();
                let mut publish = || {
                    if let Some(view) = views.next() {
                        live.publish(view.clone()).unwrap();
                    }
                };
                // Who comes first changes.
                let (without, with) = if turn % 2 == 0 {
                    let without = rate(&done, || {});
                    (without, rate(&done, &mut publish))
                } else {
                    let with = rate(&done, &mut publish);
                    (rate(&done, || {}), with)
                };
                alone.push(without);
                ratios.push(with / without);
            }
            over.store(true, Ordering::Relaxed);
        });
        let name = format!("publishing/{what}/{threads}");
        record.put(format!("{name}/without"), median(&mut alone));
        record.put(format!("{name}/kept"), median(&mut ratios));
    }
}

fn main() {
    let mut record = Record::default();
    let world = World::default();
    let pair = Pair::pinned(&world, &rcgen::PKCS_ECDSA_P256_SHA256);
    let (ends, [(live, mut store), _]) = pair.ours(&world, TlsVersion::Tls13);
    let der = pair.installed_server();
    let presented = CertificateDer::from(der);
    let ask = || {
        let target = ExpectedServer::id(&world.id, Some(&world.name));
        let verdict = decide(
            &live.current(),
            &world.policy,
            &VerifyRequest::server(target, &presented, &[], world.clock),
        );
        assert!(verdict.is_accepted());
        drop(black_box(verdict));
    };
    compare(&mut record, "verdict", &live, &mut store, ask);
    compare(&mut record, "handshake", &live, &mut store, || ends.shake());
    record.save("publishing");
}
