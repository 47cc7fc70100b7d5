//! No publication is missed in any order of the threads: not by a thread that waits, not by a task, and not by a task
//! that gave up beside another. A wait that never ends is found as a deadlock.

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
            use core::future::Future;
            use core::pin::Pin;
            use core::task::{Context, Poll, Waker};
            use core::time::Duration;

            use mutual_trust_schedules::waits::$name::TrustSnapshot;
            use mutual_trust_schedules::waits::$name::live::LiveTrust;
            use shuttle::{future, thread};

            const LAST: u64 = 3;

            fn publisher(trust: &LiveTrust, generations: Vec<u64>) -> thread::JoinHandle<()> {
                let trust = trust.clone();
                thread::spawn(move || {
                    for number in generations {
                        // Another publisher may have been faster.
                        let _ = trust.publish(TrustSnapshot::new(number));
                        assert!(trust.current().generation() >= number);
                    }
                })
            }

            /// A thread that waits until the last one.
            fn waiter(trust: &LiveTrust) -> thread::JoinHandle<()> {
                let trust = trust.clone();
                thread::spawn(move || {
                    let mut seen = 0;
                    while seen < LAST {
                        let newer = trust.wait_newer_than(seen, Duration::MAX).unwrap();
                        assert!(newer.generation() > seen);
                        seen = newer.generation();
                    }
                })
            }

            /// The same as a task.
            fn task(trust: &LiveTrust) -> thread::JoinHandle<()> {
                let trust = trust.clone();
                thread::spawn(move || {
                    future::block_on(async move {
                        let mut seen = 0;
                        while seen < LAST {
                            let newer = trust.newer_than(seen).await;
                            assert!(newer.generation() > seen);
                            seen = newer.generation();
                        }
                    });
                })
            }

            /// Polls once and gives up.
            fn given_up(trust: &LiveTrust) {
                let mut wait = trust.newer_than(LAST);
                let mut context = Context::from_waker(Waker::noop());
                assert!(matches!(
                    Pin::new(&mut wait).poll(&mut context),
                    Poll::Pending
                ));
            }

            pub fn threads() {
                let trust = LiveTrust::new(TrustSnapshot::new(0));
                let waiters = [waiter(&trust), waiter(&trust)];
                publisher(&trust, vec![1, 2, LAST]).join().unwrap();
                for waiter in waiters {
                    waiter.join().unwrap();
                }
            }

            pub fn tasks() {
                let trust = LiveTrust::new(TrustSnapshot::new(0));
                let tasks = [task(&trust), task(&trust)];
                let publisher = publisher(&trust, vec![1, 2, LAST]);
                given_up(&trust);
                publisher.join().unwrap();
                for task in tasks {
                    task.join().unwrap();
                }
                assert!(format!("{trust:?}").contains('3'));
            }

            pub fn one_task() {
                let trust = LiveTrust::new(TrustSnapshot::new(0));
                let task = task(&trust);
                publisher(&trust, vec![LAST]).join().unwrap();
                task.join().unwrap();
            }

            pub fn publishers() {
                let trust = LiveTrust::new(TrustSnapshot::new(0));
                let waiters = [waiter(&trust), task(&trust)];
                let publishers = [vec![1, LAST], vec![2, LAST]].map(|all| publisher(&trust, all));
                for publisher in publishers {
                    publisher.join().unwrap();
                }
                for waiter in waiters {
                    waiter.join().unwrap();
                }
                assert_eq!(trust.current().generation(), LAST);
            }
        }
    };
}

scenarios!(real);
scenarios!(woken_before_the_swap);
scenarios!(looked_before_the_waker);
scenarios!(told_before_the_swap);

/// Random schedules of each scenario of the real files.
const SCHEDULES: usize = 2_000;
/// Schedules in which a planted fault must be found.
const FEW: usize = 1_000;

#[test]
fn no_publication_is_missed_in_random_schedules() {
    for scenario in [real::threads, real::tasks, real::one_task, real::publishers] {
        shuttle::check_random(scenario, SCHEDULES);
    }
}

// Few switches between threads, each at a place that is chosen by chance: finds faults that need a certain order.
#[test]
fn no_publication_is_missed_in_schedules_with_few_switches() {
    for scenario in [real::threads, real::tasks, real::one_task, real::publishers] {
        shuttle::check_pct(scenario, SCHEDULES, 3);
    }
}

#[test]
fn a_planted_lost_wake_up_is_found_within_few_schedules() {
    let planted: [(&str, fn()); 3] = [
        ("tasks woken before the swap", woken_before_the_swap::tasks),
        ("a look before the waker", looked_before_the_waker::one_task),
        (
            "threads told before the swap",
            told_before_the_swap::threads,
        ),
    ];
    for (name, scenario) in planted {
        let found = found_after(scenario, FEW);
        println!("{name}: found after {found:?} schedules");
        assert!(found.is_some(), "{name}");
    }
}
