//! Each observation is read once, in the order of its sender, or is counted as dropped. No sender waits, and no reader
//! waits for another one where it does not wait for an observation.

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
            use core::time::Duration;
            use std::sync::{Arc, Mutex};

            use mutual_trust_schedules::queue::$name::{
                ObservationReader, Observations, observation_queue,
            };
            use mutual_trust_schedules::queue::{MAX_BYTES, Observation};
            use shuttle::thread::{self, JoinHandle};

            fn queue(capacity: usize) -> (Observations, Arc<ObservationReader>) {
                let (queue, reader) = observation_queue(capacity).unwrap();
                (queue, Arc::new(reader))
            }

            /// Sends some of one byte each, of which each second one is accepted.
            fn sender(queue: &Observations, by: usize, count: usize) -> JoinHandle<()> {
                let queue = queue.clone();
                thread::spawn(move || {
                    for number in 0..count {
                        queue.send(Observation::new(by, number, number % 2 == 0, 1));
                    }
                })
            }

            /// What one thread read, and what another one did.
            type Read = Arc<Mutex<Vec<Observation>>>;

            /// Reads until no sender is left.
            fn runner(reader: &Arc<ObservationReader>, read: &Read) -> JoinHandle<()> {
                let (reader, read) = (reader.clone(), read.clone());
                thread::spawn(move || {
                    reader.run(|found| read.lock().unwrap().push(found.clone()));
                })
            }

            fn join_all(threads: impl IntoIterator<Item = JoinHandle<()>>) {
                threads.into_iter().for_each(|one| one.join().unwrap());
            }

            /// Each of what was sent is there once or is dropped.
            fn check(read: &[Observation], dropped: u64, senders: usize, count: usize) {
                let all = read.iter().map(|found| (found.by, found.number));
                let all: std::collections::BTreeSet<_> = all.collect();
                assert_eq!(all.len(), read.len(), "one was read twice");
                let dropped = usize::try_from(dropped).unwrap();
                assert_eq!(read.len() + dropped, senders * count);
            }

            pub fn a_reader_is_told_of_all() {
                let (queue, reader) = queue(2);
                let read = Read::default();
                let running = runner(&reader, &read);
                join_all([sender(&queue, 0, 3), sender(&queue, 1, 3)]);
                drop(queue);
                running.join().unwrap();
                let read = read.lock().unwrap();
                check(&read, reader.dropped(), 2, 3);
                for by in 0..2 {
                    let numbers = read.iter().filter(|found| found.by == by);
                    assert!(numbers.is_sorted_by_key(|found| found.number));
                }
            }

            /// No thread reads, and each sender is done.
            pub fn what_is_in_it_is_bounded() {
                let (queue, reader) = queue(4);
                let refused = |by| {
                    let queue = queue.clone();
                    thread::spawn(move || {
                        for number in 0..2 {
                            queue.send(Observation::new(by, number, false, 4));
                        }
                    })
                };
                // Of refused peers, two have a place, but for one the bytes are missing once another is accepted.
                join_all([refused(0), sender(&queue, 1, 2), refused(2)]);
                let read = reader.try_iter();
                check(&read, reader.dropped(), 3, 2);
                let refused = read.iter().filter(|found| !found.accepted);
                assert!(refused.count() <= 2);
                let presented = read.iter().flat_map(|found| &found.presented);
                assert!(presented.map(Vec::len).sum::<usize>() <= MAX_BYTES);
            }

            /// Two senders at once, more than there is room for, and no thread reads.
            pub fn each_that_is_dropped_is_counted() {
                let (queue, reader) = queue(1);
                join_all([sender(&queue, 0, 3), sender(&queue, 1, 3)]);
                let read = reader.try_iter();
                assert_eq!(read.len(), 1);
                check(&read, reader.dropped(), 2, 3);
            }

            /// What was read and what was dropped leave the room that there was.
            pub fn room_comes_back() {
                let (queue, reader) = queue(2);
                let mut read = reader.try_iter();
                let senders = [sender(&queue, 0, 2), sender(&queue, 1, 2)];
                read.extend((0..2).flat_map(|_| reader.try_iter()));
                join_all(senders);
                read.extend(reader.try_iter());
                let dropped = reader.dropped();
                check(&read, dropped, 2, 2);
                queue.send(Observation::new(2, 0, false, MAX_BYTES / 2));
                queue.send(Observation::new(2, 1, true, MAX_BYTES / 2));
                assert_eq!(reader.try_iter().len(), 2);
                assert_eq!(reader.dropped(), dropped);
            }

            pub fn several_readers_share_all_and_each_ends() {
                let (queue, reader) = queue(4);
                let read = Read::default();
                let mut threads = vec![runner(&reader, &read), runner(&reader, &read)];
                let (looking, looked) = (reader.clone(), read.clone());
                threads.push(thread::spawn(move || {
                    for _ in 0..2 {
                        let found = looking.recv_timeout(Duration::from_secs(1));
                        looked.lock().unwrap().extend(found);
                        let found = looking.try_iter();
                        looked.lock().unwrap().extend(found);
                    }
                }));
                join_all([sender(&queue, 0, 2), sender(&queue, 1, 2)]);
                drop(queue);
                join_all(threads);
                check(&read.lock().unwrap(), reader.dropped(), 2, 2);
            }

            pub fn a_look_waits_for_no_reader() {
                let (queue, reader) = queue(2);
                let read = Read::default();
                let running = runner(&reader, &read);
                let looked = reader.try_iter();
                assert!(looked.is_empty());
                let waited = reader.recv_timeout(Duration::from_secs(1));
                assert!(waited.is_none());
                drop(queue);
                running.join().unwrap();
            }
        }
    };
}

scenarios!(real);
scenarios!(room_looked_at_first);
scenarios!(room_taken_after_the_sending);
scenarios!(room_not_given_back);
scenarios!(count_read_and_written);
scenarios!(sender_waits);
scenarios!(look_waits);
scenarios!(turn_kept_at_the_end);
scenarios!(told_before_the_turn);

/// Schedules of each scenario of the real file.
const SCHEDULES: usize = 500;
/// Schedules in which a planted fault must be found.
const MORE: usize = 2_000;

const REAL: [fn(); 6] = [
    real::a_reader_is_told_of_all,
    real::what_is_in_it_is_bounded,
    real::each_that_is_dropped_is_counted,
    real::room_comes_back,
    real::several_readers_share_all_and_each_ends,
    real::a_look_waits_for_no_reader,
];

#[test]
fn none_is_lost_in_random_schedules() {
    for scenario in REAL {
        shuttle::check_random(scenario, SCHEDULES);
    }
}

#[test]
fn none_is_lost_in_schedules_with_few_switches() {
    for scenario in REAL {
        shuttle::check_pct(scenario, SCHEDULES, 3);
    }
}

#[test]
fn each_planted_fault_is_found() {
    let planted: [(&str, fn()); 8] = [
        (
            "two in one place",
            room_looked_at_first::what_is_in_it_is_bounded,
        ),
        (
            "room below none",
            room_taken_after_the_sending::room_comes_back,
        ),
        ("less and less room", room_not_given_back::room_comes_back),
        (
            "a lost count",
            count_read_and_written::each_that_is_dropped_is_counted,
        ),
        (
            "a handshake that waits",
            sender_waits::each_that_is_dropped_is_counted,
        ),
        ("a look that waits", look_waits::a_look_waits_for_no_reader),
        (
            "a turn that is kept",
            turn_kept_at_the_end::several_readers_share_all_and_each_ends,
        ),
        (
            "told too early",
            told_before_the_turn::several_readers_share_all_and_each_ends,
        ),
    ];
    for (name, scenario) in planted {
        let found = found_after(scenario, MORE);
        println!("{name}: found after {found:?} schedules");
        assert!(found.is_some(), "{name}");
    }
}
