//! What readers lose while a generation is published 1,000 times a second: verdicts and handshakes on one thread and
//! on two, in short stretches with publishing and without, in turn. The views are made before, so that only putting
//! them in force is measured; in the stretches without, a thread wakes as often and puts nothing in force.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust::policy::{Question, Target};
use mutual_trust::{LiveTrust, TlsVersion, TrustStore, View, decide};
use mutual_trust_peers::clock;
use mutual_trust_peers::handshake::Pair;
use mutual_trust_peers::record::Record;
use mutual_trust_peers::{World, is_quick, median};
use pki_types::CertificateDer;

const EVERY: Duration = Duration::from_millis(1);
const STRETCH: Duration = Duration::from_millis(200);

/// How often `work` is done, on so many threads, while `tick` is called each millisecond: in a second of the threads'
/// own time, and in a second that passes, in which other work on the machine has its part.
fn rates(threads: usize, work: &(impl Fn() + Sync), mut tick: impl FnMut()) -> [f64; 2] {
    let (over, done, ran) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let (mut count, from) = (0, clock::now());
                while !over.load(Ordering::Relaxed) {
                    work();
                    count += 1;
                }
                done.fetch_add(count, Ordering::Relaxed);
                let time = (clock::now() - from).as_nanos();
                ran.fetch_add(time.try_into().unwrap(), Ordering::Relaxed);
            });
        }
        let mut next = begin;
        while begin.elapsed() < STRETCH {
            next += EVERY;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            tick();
        }
        over.store(true, Ordering::Relaxed);
    });
    let passed = begin.elapsed().as_secs_f64();
    let done = done.load(Ordering::Relaxed) as f64;
    let own = ran.load(Ordering::Relaxed) as f64 / 1e9 / threads as f64;
    [done / own, done / passed]
}

fn compare(
    record: &mut Record,
    what: &str,
    live: &LiveTrust,
    store: &mut TrustStore,
    work: impl Fn() + Sync,
) {
    for threads in [1, 2] {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for turn in 0..if is_quick() { 4 } else { 30 } {
            if turn % 2 == 0 {
                without.push(rates(threads, &work, || {}));
                continue;
            }
            let views: Vec<View> = (0..STRETCH.as_millis() + 20)
                .map(|_| {
                    store.add_server("passing".parse().unwrap(), []).unwrap();
                    store.remove_server(&"passing".parse().unwrap()).unwrap();
                    store.view()
                })
                .collect();
            let mut views = views.iter();
            with.push(rates(threads, &work, || {
                if let Some(view) = views.next() {
                    live.publish(view.clone()).unwrap();
                }
            }));
        }
        for (way, rates) in [("with", with), ("without", without)] {
            for (at, time) in ["own", "passed"].into_iter().enumerate() {
                let mut rates: Vec<f64> = rates.iter().map(|rates| rates[at]).collect();
                record.put(
                    format!("publishing/{what}/{threads}/{way}/{time}"),
                    median(&mut rates),
                );
            }
        }
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
        let target = Target::id(&world.id, Some(&world.name));
        let verdict = decide(
            &live.view(),
            &world.policy,
            &Question::server(target, &presented, &[], world.clock),
        );
        assert!(verdict.is_accepted());
        drop(black_box(verdict));
    };
    compare(&mut record, "verdict", &live, &mut store, ask);
    compare(&mut record, "handshake", &live, &mut store, || ends.shake());
    record.save("publishing");
}
