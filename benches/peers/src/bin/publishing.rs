//! What readers gain by a second thread, and what they lose while a generation is published 1,000 times a second:
//! verdicts about one busy peer and about many, and handshakes, on one thread and on two. Short stretches take turns: one
//! thread and two, with publishing and without. The views are made before, so that only putting them in force is
//! measured; in the stretches without, a thread wakes as often and puts nothing in force.
//!
//! Time is what passes, in which a reader that waits would show. Kept is the median of what neighbouring stretches say,
//! since the machine is faster at one time than at another.
//!
//! What a second thread gains is told by batches of some microseconds: how often the thread did its work and, beside it,
//! how often the other thread did meanwhile. Compared is where the fastest twentieth begins, with the other thread and
//! without: other work on the machine, which stops a thread for milliseconds, is in neither, and what two threads wait for
//! each other is in all that count.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed; a figure may be rounded"
)]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{LiveTrust, TlsVersion, TrustSnapshot, TrustStore, decide};
use mutual_trust_peers::handshake::Pair;
use mutual_trust_peers::record::Record;
use mutual_trust_peers::synthetic::{Key, Maker};
use mutual_trust_peers::{World, is_quick, median, variants};
use pki_types::CertificateDer;

const EVERY: Duration = Duration::from_millis(1);
/// Short, so that neighbours have the same machine, and long enough for a hundred handshakes.
const STRETCH: Duration = Duration::from_millis(60);
/// The clients that come in turn where there are many.
const MANY: u32 = 10_000;
/// The readers.
const THREADS: usize = 2;

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

/// What was measured with so many threads.
#[derive(Default)]
struct Measured {
    alone: Vec<f64>,
    kept: Vec<f64>,
}

/// How much more two threads do than one. `batch` is how often `work` is done between two looks at the time.
fn gain(batch: u64, work: impl Fn(usize, u64) + Sync) -> f64 {
    let (over, both) = (AtomicBool::new(false), AtomicBool::new(false));
    let done: [Done; THREADS] = Default::default();
    let run = |number: usize| {
        let (own, other) = (&done[number].0, &done[1 - number].0);
        let mut rates = [Vec::new(), Vec::new()];
        while !over.load(Ordering::Relaxed) {
            let with = both.load(Ordering::Relaxed);
            if number > 0 && !with {
                thread::sleep(EVERY);
                continue;
            }
            let (begin, before) = (Instant::now(), other.load(Ordering::Relaxed));
            let first = own.load(Ordering::Relaxed);
            for times in first..first + batch {
                work(number, times);
                own.store(times + 1, Ordering::Relaxed);
            }
            let (time, meanwhile) = (begin.elapsed(), other.load(Ordering::Relaxed) - before);
            if with || meanwhile == 0 {
                let rate = (batch + meanwhile) as f64 / time.as_secs_f64();
                rates[usize::from(with)].push(rate);
            }
        }
        rates
    };
    let [mut alone, mut together] = thread::scope(|scope| {
        let readers = [0, 1].map(|number| scope.spawn(move || run(number)));
        for _ in 0..if is_quick() { 4 } else { 100 } {
            both.fetch_not(Ordering::Relaxed);
            thread::sleep(STRETCH / 2);
        }
        over.store(true, Ordering::Relaxed);
        // Those of the first, which is the same thread in both.
        let [first, _] = readers.map(|reader| reader.join().unwrap());
        first
    });
    println!("{} batches alone, {} together", alone.len(), together.len());
    best(&mut together) / best(&mut alone)
}

/// Where the fastest twentieth begins.
fn best(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates
        .get(rates.len() * 19 / 20)
        .copied()
        .unwrap_or(f64::NAN)
}

/// `work` is told the number of its thread and how often that has done it.
fn compare(
    record: &mut Record,
    (what, batch): (&str, u64),
    live: &LiveTrust,
    store: &mut TrustStore,
    work: impl Fn(usize, u64) + Sync,
) {
    let (over, busy) = (AtomicBool::new(false), AtomicUsize::new(0));
    let done: [Done; THREADS] = Default::default();
    let mut measured: [Measured; THREADS] = Default::default();
    thread::scope(|scope| {
        for (number, one) in done.iter().enumerate() {
            let (work, over, busy) = (&work, &over, &busy);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    if busy.load(Ordering::Relaxed) <= number {
                        thread::sleep(EVERY);
                        continue;
                    }
                    for _ in 0..16 {
                        work(number, one.0.load(Ordering::Relaxed));
                        one.0.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        for turn in 0..if is_quick() { 4 } else { 200 } {
            for (threads, found) in (1..).zip(&mut measured) {
                busy.store(threads, Ordering::Relaxed);
                // All of them are awake.
                thread::sleep(4 * EVERY);
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
                found.alone.push(without);
                found.kept.push(with / without);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    record.put(format!("publishing/{what}/2/gain"), gain(batch, work));
    for (threads, mut found) in (1..).zip(measured) {
        let name = format!("publishing/{what}/{threads}");
        record.put(format!("{name}/without"), median(&mut found.alone));
        record.put(format!("{name}/kept"), median(&mut found.kept));
    }
}

fn main() {
    let mut record = Record::default();
    let world = World::default();
    let pair = Pair::pinned(&world, &rcgen::PKCS_ECDSA_P256_SHA256);
    let (ends, [(live, mut store), _]) = pair.ours(&world, TlsVersion::Tls13);
    let der = pair.installed_server();
    let presented = CertificateDer::from(der);
    let busy = |_, _| {
        let target = ExpectedServer::id(&world.id, Some(&world.name));
        let question = VerifyRequest::server(target, &presented, &[], world.clock);
        let verdict = decide(&live.current(), &world.policy, &question);
        assert!(verdict.is_accepted());
        drop(black_box(verdict));
    };
    compare(&mut record, ("verdict", 64), &live, &mut store, busy);
    compare(&mut record, ("handshake", 2), &live, &mut store, |_, _| {
        ends.shake();
    });
    let many = if is_quick() { 100 } else { MANY };
    let clients = variants(&Maker::new().end_entity(2, Key::P256), many);
    let mut store = world.store();
    world.install_clients(&mut store, &clients);
    let live = LiveTrust::new(store.snapshot());
    let clients = clients.into_iter().map(CertificateDer::from);
    let clients: Vec<CertificateDer<'_>> = clients.collect();
    let of_many = |number, times: u64| {
        // Each thread jumps about in its own order.
        let jump = times
            .wrapping_mul(7_919)
            .wrapping_add(number as u64 * 4_999);
        let client = &clients[usize::try_from(jump).unwrap() % clients.len()];
        let question = VerifyRequest::client(client, &[], world.clock);
        let verdict = decide(&live.current(), &world.policy, &question);
        assert!(verdict.is_accepted());
        drop(black_box(verdict));
    };
    compare(
        &mut record,
        ("verdict-many", 64),
        &live,
        &mut store,
        of_many,
    );
    record.save("publishing");
}
