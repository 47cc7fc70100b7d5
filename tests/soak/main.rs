//! Everything at once: verdicts and real handshakes on all cores while trust changes thousands of times, unknown
//! clients flood in, and an administrator accepts some of them; files that a durable store follows are replaced and
//! broken, and the store starts again.
//!
//! Each verdict is held against what was installed in the view of its generation, which the writer notes down before
//! it publishes: no peer is accepted, refused, or refused for a reason, that this view did not ask for.
//!
//! A program of its own: it measures how the memory of its process grows.
//!
//! A few seconds long in `cargo test`. In earnest:
//! `MUTUAL_TRUST_SOAK_SECONDS=300 cargo test --release --test soak -- --nocapture`

#![cfg(all(
    feature = "admin",
    feature = "enrol",
    any(feature = "aws-lc-rs", feature = "ring")
))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use mutual_trust_test_support as support;
use support::folder;

mod files;
mod load;
mod oracle;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use files::Files;
use load::Site;

/// Generations that are published at least, however short the time.
const LEAST_GENERATIONS: u64 = 200;

/// How much larger the process may be at the end than when it was warm: less than a thousandth of what would be held
/// if each connection of some minutes left a kilobyte behind.
const MAX_GROWTH: u64 = 24 * 1024 * 1024;

/// What was done.
#[derive(Default)]
struct Counts {
    generations: AtomicU64,
    verdicts: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    rechecked: AtomicU64,
    observed: AtomicU64,
    knocks: AtomicU64,
    enrolled: AtomicU64,
    replaced: AtomicU64,
    broken: AtomicU64,
    restarts: AtomicU64,
}

fn count(of: &AtomicU64) -> u64 {
    of.load(Ordering::Relaxed)
}

fn add(to: &AtomicU64, how_many: usize) {
    to.fetch_add(how_many.try_into().unwrap(), Ordering::Relaxed);
}

/// Bytes that the process holds in memory, where the system tells.
fn resident() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

fn duration() -> Duration {
    let seconds = std::env::var("MUTUAL_TRUST_SOAK_SECONDS");
    let seconds = seconds.map_or(4, |text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds)
}

#[test]
fn under_load_every_verdict_is_that_of_its_view_and_nothing_grows() {
    let (counts, over) = (Counts::default(), AtomicBool::new(false));
    let ((site, seen), files) = (Site::new(), Files::new());
    let (duration, start) = (duration(), Instant::now());
    // A thread that fails ends it for all.
    let guarded = |work: &dyn Fn()| {
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                if thread::panicking() {
                    self.0.store(true, Ordering::Relaxed);
                }
            }
        }
        let _over = Over(&over);
        while !over.load(Ordering::Relaxed) {
            work();
        }
    };
    let mut warm = None;
    thread::scope(|scope| {
        let (site, files, counts, guarded) = (&site, &files, &counts, &guarded);
        let mut writer = site.writer();
        scope.spawn(move || {
            let work = std::cell::RefCell::new(&mut writer);
            guarded(&|| work.borrow_mut().publish(counts));
        });
        for seed in 0..2 {
            let mut reader = site.reader(seed);
            scope.spawn(move || {
                let work = std::cell::RefCell::new(&mut reader);
                guarded(&|| work.borrow_mut().judge(counts));
            });
            let mut links = site.linker(seed);
            scope.spawn(move || {
                let work = std::cell::RefCell::new(&mut links);
                guarded(&|| work.borrow_mut().connect(counts));
            });
        }
        let mut crowd = site.crowd();
        scope.spawn(move || {
            let work = std::cell::RefCell::new(&mut crowd);
            guarded(&|| work.borrow_mut().knock(counts));
        });
        let mut replacer = files.replacer();
        scope.spawn(move || {
            let work = std::cell::RefCell::new(&mut replacer);
            guarded(&|| work.borrow_mut().step(counts));
        });
        let mut asker = files.asker();
        scope.spawn(move || {
            let work = std::cell::RefCell::new(&mut asker);
            guarded(&|| work.borrow_mut().judge(counts));
        });
        while !over.load(Ordering::Relaxed) {
            for observation in seen.try_iter() {
                site.check_observation(&observation);
                add(&counts.observed, 1);
            }
            let enough = count(&counts.generations) >= LEAST_GENERATIONS
                && count(&counts.accepted) > 0
                && count(&counts.refused) > 0
                && count(&counts.enrolled) > 0
                && count(&counts.rechecked) > 0
                && [&counts.replaced, &counts.broken, &counts.restarts]
                    .iter()
                    .all(|done| count(done) > 0);
            if warm.is_none() && start.elapsed() >= duration / 4 && enough {
                warm = resident();
            }
            if start.elapsed() >= duration && enough {
                over.store(true, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(2));
        }
    });
    let now = resident();
    let megabytes = |bytes: Option<u64>| bytes.map(|bytes| bytes / (1024 * 1024));
    println!(
        "{} s: {} generations; {} verdicts; handshakes: {} accepted, {} refused; {} connections asked again; \
         {} knocks of strangers, {} enrolled; files: {} replaced, {} broken, {} restarts; \
         {} observed, {} dropped; memory {:?} MB warm, {:?} MB at the end",
        start.elapsed().as_secs(),
        count(&counts.generations),
        count(&counts.verdicts),
        count(&counts.accepted),
        count(&counts.refused),
        count(&counts.rechecked),
        count(&counts.knocks),
        count(&counts.enrolled),
        count(&counts.replaced),
        count(&counts.broken),
        count(&counts.restarts),
        count(&counts.observed),
        seen.dropped(),
        megabytes(warm),
        megabytes(now),
    );
    if let (Some(warm), Some(now)) = (warm, now) {
        assert!(
            now.saturating_sub(warm) <= MAX_GROWTH,
            "{warm} grew to {now}"
        );
    }
}
