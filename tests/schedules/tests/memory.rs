//! An answer from memory is what would be decided on the snapshot that is asked about: while others ask, while a newer
//! snapshot comes in force, and while a slow thread is done with an older one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the modules of a test have no outside, and a fault needs one scenario"
)]

use mutual_trust_schedules::found_after;

/// The scenarios for one copy of the files.
macro_rules! scenarios {
    ($name:ident) => {
        mod $name {
            use std::sync::Arc;

            use mutual_trust_schedules::memory::$name::ChainMemory;
            use mutual_trust_schedules::memory::{
                Der, Policy, REMEMBERED_BYTES_PER_CHAIN, TrustSnapshot, VerifyRequest, judge,
            };
            use shuttle::sync::Mutex;
            use shuttle::thread::{self, JoinHandle};

            const END: i64 = 100;
            const NOW: Option<i64> = Some(50);

            fn view(generation: u64, trusted: &[u8]) -> TrustSnapshot {
                TrustSnapshot::new(generation, trusted, END)
            }

            fn memory(most: usize) -> ChainMemory {
                ChainMemory::new(Policy(most))
            }

            /// Asks, and compares with what is decided. Whether the peer is accepted.
            fn ask(
                memory: &ChainMemory,
                view: &TrustSnapshot,
                peer: &Der,
                clock: Option<i64>,
            ) -> bool {
                let question = VerifyRequest::client(peer, &[], clock);
                let verdict = memory.ask(view, &question);
                assert_eq!(verdict, judge(view, &question).0);
                verdict.is_accepted()
            }

            fn start(does: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
                thread::spawn(does)
            }

            fn join_all(threads: impl IntoIterator<Item = JoinHandle<()>>) {
                threads.into_iter().for_each(|one| one.join().unwrap());
            }

            /// One peer is trusted, is not, and is again, while two threads ask.
            pub fn a_change_of_trust_counts_at_once() {
                let memory = memory(2);
                let trust = Arc::new(Mutex::new(view(1, &[1, 2])));
                let askers = [1, 2].map(|other| {
                    let (memory, trust) = (memory.clone(), trust.clone());
                    start(move || {
                        for peer in [1, other, 1] {
                            let view = trust.lock().unwrap().clone();
                            ask(&memory, &view, &Der::new(peer, peer.into()), NOW);
                        }
                    })
                });
                for (generation, trusted) in [(2, &[2][..]), (3, &[1, 2])] {
                    *trust.lock().unwrap() = view(generation, trusted);
                }
                join_all(askers);
                let statistics = memory.statistics();
                assert_eq!(statistics.answered + statistics.decided, 6);
                assert!(statistics.chains <= 2);
                let last = trust.lock().unwrap().clone();
                assert!(ask(&memory, &last, &Der::new(1, 1), NOW));
            }

            /// A slow thread is done with the older snapshot, which did not trust what the newer one trusts, or did.
            pub fn a_late_answer_is_for_its_own_snapshot() {
                let memory = memory(2);
                let views = [view(1, &[1]), view(2, &[2])];
                let askers = views.clone().map(|view| {
                    let memory = memory.clone();
                    start(move || {
                        for peer in [1, 2] {
                            ask(&memory, &view, &Der::new(peer, 0), NOW);
                        }
                    })
                });
                for view in &views {
                    ask(&memory, view, &Der::new(1, 0), NOW);
                }
                join_all(askers);
                // Of the newer one, nothing is forgotten for it.
                let [older, newer] = &views;
                assert!(ask(&memory, newer, &Der::new(2, 0), NOW));
                assert!(ask(&memory, older, &Der::new(1, 0), NOW));
                assert!(!ask(&memory, newer, &Der::new(1, 0), NOW));
                let before = memory.statistics().answered;
                assert!(ask(&memory, newer, &Der::new(2, 0), NOW));
                assert_eq!(memory.statistics().answered, before + 1);
            }

            /// Two stores have the same generation.
            pub fn a_generation_is_no_snapshot() {
                let memory = memory(2);
                let askers = [&[1][..], &[]].map(|trusted| {
                    let (memory, view) = (memory.clone(), view(1, trusted));
                    start(move || {
                        for _ in 0..2 {
                            ask(&memory, &view, &Der::new(1, 0), NOW);
                        }
                    })
                });
                join_all(askers);
            }

            /// A snapshot is gone, and the next one has its place in memory.
            pub fn a_place_is_no_snapshot() {
                let memory = memory(2);
                let askers = [1, 2].map(|peer| {
                    let memory = memory.clone();
                    start(move || {
                        for generation in 1..4 {
                            let trusted = Vec::from_iter((generation != 2).then_some(peer));
                            let view = view(generation, &trusted);
                            ask(&memory, &view, &Der::new(peer, 0), NOW);
                        }
                    })
                });
                join_all(askers);
            }

            /// A peer that is refused takes no place, however often it comes, and one beside it keeps its own.
            pub fn no_refusal_is_remembered() {
                let memory = memory(2);
                let view = view(1, &[1]);
                let refused = {
                    let (memory, view) = (memory.clone(), view.clone());
                    start(move || {
                        for clock in [NOW, NOW, Some(END)] {
                            assert!(!ask(&memory, &view, &Der::new(2, 2), clock));
                        }
                    })
                };
                assert!(ask(&memory, &view, &Der::new(1, 1), NOW));
                // Once it is over, and while no clock is known.
                assert!(!ask(&memory, &view, &Der::new(1, 1), Some(END)));
                assert!(ask(&memory, &view, &Der::new(1, 1), None));
                join_all([refused]);
                assert_eq!(memory.statistics().answered, 0);
                assert!(memory.statistics().chains <= 1);
            }

            /// Peers that have one place in the table ask at once.
            pub fn no_other_certificate_is_meant() {
                let memory = memory(2);
                let view = view(1, &[1, 2]);
                let askers = [1, 2, 3].map(|peer| {
                    let (memory, view) = (memory.clone(), view.clone());
                    start(move || {
                        for _ in 0..2 {
                            let accepted = ask(&memory, &view, &Der::new(peer, 0), NOW);
                            assert_eq!(accepted, peer != 3);
                        }
                    })
                });
                join_all(askers);
                assert!(memory.statistics().chains <= 1);
            }

            /// Peers of some bytes more than there is room for.
            fn peers(memory: &ChainMemory, bytes: usize) {
                let view = view(1, &[1, 2, 3, 4]);
                let peer = move |number: u8| Der::new(number, bytes + usize::from(number));
                assert!(ask(memory, &view, &peer(4), NOW));
                let askers = [1, 2, 3].map(|number| {
                    let (memory, view) = (memory.clone(), view.clone());
                    start(move || {
                        ask(&memory, &view, &peer(number), NOW);
                    })
                });
                join_all(askers);
            }

            pub fn bounds_hold() {
                let small = memory(2);
                peers(&small, 0);
                assert!((1..=2).contains(&small.statistics().chains));
                // Of these, two take more bytes than there are.
                let large = memory(2);
                peers(&large, REMEMBERED_BYTES_PER_CHAIN / 3);
                assert_eq!(large.statistics().chains, 1);
                assert!(large.statistics().bytes <= 2 * REMEMBERED_BYTES_PER_CHAIN);
            }
        }
    };
}

scenarios!(real);
scenarios!(any_snapshot);
scenarios!(late_answer_kept);
scenarios!(two_locks);
scenarios!(late_answer_forgets);
scenarios!(known_by_its_address);
scenarios!(refusals_remembered);
scenarios!(any_certificate);
scenarios!(room_looked_at_first);

/// Schedules of each scenario of the real files.
const SCHEDULES: usize = 500;
/// Schedules in which a planted fault must be found.
const MORE: usize = 2_000;

const REAL: [fn(); 7] = [
    real::a_change_of_trust_counts_at_once,
    real::a_late_answer_is_for_its_own_snapshot,
    real::a_generation_is_no_snapshot,
    real::a_place_is_no_snapshot,
    real::no_refusal_is_remembered,
    real::no_other_certificate_is_meant,
    real::bounds_hold,
];

#[test]
fn an_answer_is_what_is_decided_in_random_schedules() {
    for scenario in REAL {
        shuttle::check_random(scenario, SCHEDULES);
    }
}

#[test]
fn an_answer_is_what_is_decided_in_schedules_with_few_switches() {
    for scenario in REAL {
        shuttle::check_pct(scenario, SCHEDULES, 3);
    }
}

#[test]
fn each_planted_fault_is_found() {
    let planted: [(&str, fn()); 8] = [
        (
            "any snapshot",
            any_snapshot::a_change_of_trust_counts_at_once,
        ),
        (
            "a late answer",
            late_answer_kept::a_late_answer_is_for_its_own_snapshot,
        ),
        (
            "two locks",
            two_locks::a_late_answer_is_for_its_own_snapshot,
        ),
        (
            "forgotten for a late answer",
            late_answer_forgets::a_late_answer_is_for_its_own_snapshot,
        ),
        (
            "a place in memory",
            known_by_its_address::a_place_is_no_snapshot,
        ),
        ("a refusal", refusals_remembered::no_refusal_is_remembered),
        (
            "any certificate",
            any_certificate::no_other_certificate_is_meant,
        ),
        ("two in one room", room_looked_at_first::bounds_hold),
    ];
    for (name, scenario) in planted {
        let found = found_after(scenario, MORE);
        println!("{name}: found after {found:?} schedules");
        assert!(found.is_some(), "{name}");
    }
}
