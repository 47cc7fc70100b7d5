//! A handshake whose signature verified finds a verdict about its certificate that was not put there before its own
//! certificate step, or what is missing is counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the modules of a test have no outside, and a fault needs one scenario"
)]

use mutual_trust_schedules::found_after;

/// The scenarios for one copy of the file.
macro_rules! scenarios {
    ($name:ident) => {
        mod $name {
            use std::sync::Arc;
            use std::sync::atomic::{AtomicUsize, Ordering};

            use mutual_trust_schedules::sink::$name::Place;
            use mutual_trust_schedules::sink::{MAX_PARKED, Verdict};
            use shuttle::thread::{self, JoinHandle};

            /// A place, and how many things happened there.
            #[derive(Clone)]
            struct Server(Arc<Place>, Arc<AtomicUsize>);

            impl Server {
                fn new() -> Self {
                    Self(Arc::new(Place::new()), Arc::default())
                }

                fn count(&self) -> usize {
                    self.1.fetch_add(1, Ordering::Relaxed)
                }

                /// The certificate step of a connection. Returns when it began.
                fn judge(&self, certificate: u8) -> usize {
                    let begun = self.count();
                    let verdict = Arc::new(Verdict {
                        begun,
                        there: AtomicUsize::new(usize::MAX),
                    });
                    self.0.put(certificate, &verdict);
                    verdict.there.store(self.count(), Ordering::Relaxed);
                    begun
                }

                /// The signature step. Whether a verdict was found.
                fn prove(&self, certificate: u8, begun: usize) -> bool {
                    let found = self.0.take(certificate);
                    let there = found
                        .as_ref()
                        .map(|found| found.there.load(Ordering::Relaxed));
                    assert!(there.is_none_or(|there| there > begun), "an older verdict");
                    found.is_some()
                }

                /// A peer that has its key, some times. Returns how often none was found.
                fn connect(&self, certificate: u8, times: usize) -> JoinHandle<usize> {
                    let server = self.clone();
                    thread::spawn(move || {
                        let missing = (0..times).filter(|_| {
                            let begun = server.judge(certificate);
                            !server.prove(certificate, begun)
                        });
                        missing.count()
                    })
                }
            }

            fn sum(threads: impl IntoIterator<Item = JoinHandle<usize>>) -> usize {
                threads.into_iter().map(|one| one.join().unwrap()).sum()
            }

            /// One shows the certificate of another, and has not its key.
            pub fn no_older_verdict_is_found() {
                let server = Server::new();
                server.judge(1);
                let missing = sum([
                    server.connect(1, 2),
                    server.connect(1, 1),
                    server.connect(2, 2),
                ]);
                assert!(missing <= server.0.dropped());
            }

            /// Two with one certificate and its key, such as members of a group.
            pub fn two_have_one_certificate() {
                let server = Server::new();
                let missing = sum([server.connect(1, 2), server.connect(1, 2)]);
                assert!(missing <= server.0.dropped());
                if server.0.dropped() == 0 {
                    assert!(server.0.take(1).is_none());
                }
            }

            /// Peers with certificates of their own: what one puts there is what it finds, or is counted.
            pub fn what_is_missing_is_counted() {
                let server = Server::new();
                let missing = sum([1, 2, 3].map(|number| server.connect(number, 2)));
                assert!(missing <= server.0.dropped());
                if server.0.dropped() == 0 {
                    assert!((1..4).all(|number| server.0.take(number).is_none()));
                }
            }

            /// Peers without a key leave no more than there is room for.
            pub fn what_waits_is_bounded() {
                let server = Server::new();
                let threads = [1, 2].map(|number| {
                    let server = server.clone();
                    thread::spawn(move || {
                        for _ in 0..MAX_PARKED {
                            server.judge(number);
                        }
                        0
                    })
                });
                sum(threads);
                // The first look finds that one is missing, and empties the place, or takes one.
                let found = (0..2 * MAX_PARKED).flat_map(|_| [1, 2]);
                let found = found
                    .filter(|number| server.0.take(*number).is_some())
                    .count();
                assert!(found <= MAX_PARKED);
                assert_eq!(found + server.0.dropped(), 2 * MAX_PARKED);
            }
        }
    };
}

scenarios!(real);
scenarios!(older_one_found);
scenarios!(asked_before_the_lock);
scenarios!(drained_without_a_count);
scenarios!(oldest_first);
scenarios!(newest_goes);

/// Schedules of each scenario of the real file.
const SCHEDULES: usize = 500;
/// Schedules in which a planted fault must be found.
const MORE: usize = 5_000;

const REAL: [fn(); 4] = [
    real::no_older_verdict_is_found,
    real::two_have_one_certificate,
    real::what_is_missing_is_counted,
    real::what_waits_is_bounded,
];

#[test]
fn each_proof_finds_its_verdict_in_random_schedules() {
    for scenario in REAL {
        shuttle::check_random(scenario, SCHEDULES);
    }
}

#[test]
fn each_proof_finds_its_verdict_in_schedules_with_few_switches() {
    for scenario in REAL {
        shuttle::check_pct(scenario, SCHEDULES, 3);
    }
}

#[test]
fn each_planted_fault_is_found() {
    let planted: [(&str, fn()); 5] = [
        (
            "an older verdict",
            older_one_found::no_older_verdict_is_found,
        ),
        (
            "asked before the lock",
            asked_before_the_lock::no_older_verdict_is_found,
        ),
        (
            "drained without a count",
            drained_without_a_count::what_waits_is_bounded,
        ),
        ("the oldest", oldest_first::no_older_verdict_is_found),
        ("the newest goes", newest_goes::two_have_one_certificate),
    ];
    for (name, scenario) in planted {
        let found = found_after(scenario, MORE);
        println!("{name}: found after {found:?} schedules");
        assert!(found.is_some(), "{name}");
    }
}
