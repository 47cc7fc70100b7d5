//! Verdicts that remember signatures at the same time lose none that one of them found again, keep to the bounds, and
//! find no other signature than the one they ask for.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]
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
            use mutual_trust_schedules::verified::$name::Data;
            use shuttle::thread;

            /// Adds a signature as a verdict does, and returns whether it is there then.
            fn verdict(data: &Data, number: u8, by: u8, depth: usize) -> bool {
                if !data.has(number, by) {
                    data.add(number, by, depth);
                }
                data.has(number, by)
            }

            fn verdicts(data: &Data, all: &[(u8, u8, usize)]) -> Vec<bool> {
                let threads: Vec<_> = all
                    .iter()
                    .map(|&(number, by, depth)| {
                        let data = data.clone();
                        thread::spawn(move || verdict(&data, number, by, depth))
                    })
                    .collect();
                threads.into_iter().map(|one| one.join().unwrap()).collect()
            }

            fn is_kept(data: &Data, all: &[(u8, u8, usize)]) -> Vec<bool> {
                let kept = all.iter().map(|&(number, by, _)| data.has(number, by));
                kept.collect()
            }

            /// There is room for all: what was there once stays.
            pub fn none_is_lost() {
                let data = Data::default();
                let all = [(1, 101, 0), (2, 101, 0), (3, 102, 1)];
                let found = verdicts(&data, &all);
                assert!(found.contains(&true));
                assert_eq!(is_kept(&data, &all), found);
                // The next verdict adds what was not added.
                for &(number, by, depth) in &all {
                    assert!(verdict(&data, number, by, depth));
                }
            }

            /// Another key or another certificate is not what is remembered.
            pub fn others_are_not_found() {
                let data = Data::default();
                let all = [(1, 101, 0), (2, 102, 0)];
                drop(verdicts(&data, &all));
                assert!(!data.has(1, 102) && !data.has(2, 101) && !data.has(3, 101));
            }

            /// More than there is room for, of which some displace others.
            pub fn bounds_hold() {
                let data = Data::default();
                let all = [
                    (1, 101, 1),
                    (2, 101, 1),
                    (3, 101, 1),
                    (4, 102, 2),
                    (5, 103, 0),
                ];
                drop(verdicts(&data, &all));
                let count = |all: Vec<bool>| all.into_iter().filter(|kept| *kept).count();
                assert!(count(is_kept(&data, &all)) <= 3);
                assert!(count(is_kept(&data, &all[..3])) <= 2);
                // One after the other, what is nearest to the authority and what ends last are there.
                for &(number, by, depth) in all.iter().rev() {
                    verdict(&data, number, by, depth);
                }
                let kept = is_kept(&data, &all);
                assert_eq!(kept[1..], [true, true, false, true]);
            }
        }
    };
}

scenarios!(real);
scenarios!(read_before_the_lock);
scenarios!(any_key);
scenarios!(any_bytes);
scenarios!(any_bytes_read);

const SCHEDULES: usize = 500;

const REAL: [fn(); 3] = [
    real::none_is_lost,
    real::others_are_not_found,
    real::bounds_hold,
];

#[test]
fn what_is_remembered_is_right_in_random_schedules() {
    for scenario in REAL {
        shuttle::check_random(scenario, SCHEDULES);
    }
}

#[test]
fn what_is_remembered_is_right_in_schedules_with_few_switches() {
    for scenario in REAL {
        shuttle::check_pct(scenario, SCHEDULES, 3);
    }
}

#[test]
fn each_planted_fault_is_found() {
    let planted: [(&str, fn()); 4] = [
        ("a lost signature", read_before_the_lock::none_is_lost),
        ("another key", any_key::others_are_not_found),
        ("other bytes", any_bytes::others_are_not_found),
        ("other bytes, read", any_bytes_read::others_are_not_found),
    ];
    for (name, scenario) in planted {
        let found = found_after(scenario, SCHEDULES);
        println!("{name}: found after {found:?} schedules");
        assert!(found.is_some(), "{name}");
    }
}
