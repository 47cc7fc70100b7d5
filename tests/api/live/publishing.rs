//! Views are put in force one after the other, and no thread waits for another or misses one (rule S1).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust::error::PublishError;
use mutual_trust::{LiveTrust, TrustSnapshot, TrustStore};

use crate::support::{server_id, store};

/// No test waits for it unless it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Every generation has one server more: a view is told by what is in it, and by its number.
fn grow(store: &mut TrustStore) -> TrustSnapshot {
    let next = store.contents().servers().count();
    let id = server_id(&format!("keys-{next}"));
    store.add_server(id, []).unwrap();
    store.snapshot()
}

#[test]
fn only_a_newer_view_can_be_published() {
    let mut store = store();
    let first = store.snapshot();
    let second = grow(&mut store);
    let trust = LiveTrust::new(first.clone());
    trust.publish(second.clone()).unwrap();
    for stale in [first, second.clone()] {
        let PublishError::NotNewer {
            current, offered, ..
        } = trust.publish(stale.clone()).unwrap_err()
        else {
            panic!("another error")
        };
        assert_eq!(
            (current, offered),
            (second.generation(), stale.generation())
        );
        assert_eq!(trust.current().generation(), second.generation());
    }
}

#[test]
fn a_view_that_was_taken_stays_what_it_was() {
    let mut store = store();
    let trust = LiveTrust::new(store.snapshot());
    let taken = trust.current();
    trust.publish(grow(&mut store)).unwrap();
    assert_eq!(taken.servers().count(), 0);
    assert_eq!(trust.current().servers().count(), 1);
}

#[test]
fn readers_get_whole_views_that_only_grow_while_a_writer_publishes() {
    // Neither waits for long: every thread makes progress, on however few cores.
    let mut store = store();
    let first = store.snapshot();
    let start = first.generation();
    let trust = LiveTrust::new(first);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (trust, over, last) = (trust.clone(), &over, Arc::new(AtomicU64::new(start)));
                let told = last.clone();
                let reader = scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        let view = trust.current();
                        let generation = view.generation();
                        assert!(generation >= told.load(Ordering::Relaxed));
                        let servers = u64::try_from(view.servers().count()).unwrap();
                        assert_eq!(servers, generation - start, "half a view");
                        told.store(generation, Ordering::Relaxed);
                    }
                });
                (reader, last)
            })
            .collect();
        for _ in 0..1_000 {
            trust.publish(grow(&mut store)).unwrap();
        }
        // Every reader gets to the last one, unless it has failed.
        let newest = trust.current().generation();
        for (reader, last) in &readers {
            while last.load(Ordering::Relaxed) < newest && !reader.is_finished() {
                thread::yield_now();
            }
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn of_several_who_publish_the_newest_view_stays() {
    let mut store = store();
    let first = store.snapshot();
    let views: Vec<TrustSnapshot> = (0..64).map(|_| grow(&mut store)).collect();
    let newest = views[63].generation();
    let trust = LiveTrust::new(first);
    thread::scope(|scope| {
        for part in views.chunks(8) {
            let trust = trust.clone();
            scope.spawn(move || {
                for view in part {
                    // Refused if another one was faster.
                    let _ = trust.publish(view.clone());
                }
            });
        }
    });
    assert_eq!(trust.current().generation(), newest);
}

#[test]
fn a_publication_between_a_look_and_the_wait_is_not_missed() {
    let mut store = store();
    let trust = LiveTrust::new(store.snapshot());
    let acted_on = trust.current();
    trust.publish(grow(&mut store)).unwrap();
    // It is there already; however long the patience.
    let newer = trust.wait_newer_than(acted_on.generation(), Duration::from_secs(86_400));
    assert_eq!(newer.unwrap().servers().count(), 1);
}

#[test]
fn who_waits_in_vain_gets_nothing() {
    let trust = LiveTrust::new(store().snapshot());
    let generation = trust.current().generation();
    for patience in [Duration::ZERO, Duration::from_millis(1)] {
        assert!(trust.wait_newer_than(generation, patience).is_none());
    }
    // A look without patience at what is there.
    assert!(
        trust
            .wait_newer_than(generation.wrapping_sub(1), Duration::ZERO)
            .is_some()
    );
}

#[test]
fn of_several_publications_the_newest_is_returned() {
    let mut store = store();
    let trust = LiveTrust::new(store.snapshot());
    let acted_on = trust.current().generation();
    for _ in 0..3 {
        trust.publish(grow(&mut store)).unwrap();
    }
    let newest = trust.wait_newer_than(acted_on, Duration::ZERO).unwrap();
    assert_eq!(newest.generation(), store.contents().generation());
}

#[test]
fn everybody_who_waits_is_woken_and_acts_on_the_newest_of_several() {
    let mut store = store();
    let trust = LiveTrust::new(store.snapshot());
    let last = {
        let mut last = trust.current().generation();
        last += 50;
        last
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            let trust = trust.clone();
            scope.spawn(move || {
                let mut acted_on = trust.current().generation();
                while acted_on < last {
                    let start = Instant::now();
                    let view = trust.wait_newer_than(acted_on, PATIENCE).unwrap();
                    assert!(start.elapsed() < PATIENCE, "found only when time was up");
                    assert!(view.generation() > acted_on);
                    acted_on = view.generation();
                }
            });
        }
        for _ in 0..50 {
            trust.publish(grow(&mut store)).unwrap();
            thread::yield_now();
        }
    });
}

#[test]
fn all_clones_follow_the_same_publications() {
    let mut store = store();
    let trust = LiveTrust::new(store.snapshot());
    let clone = trust.clone();
    clone.publish(grow(&mut store)).unwrap();
    assert_eq!(trust.current().generation(), clone.current().generation());
    let generation = store.contents().generation();
    assert!(format!("{trust:?}").contains(&format!("generation: {generation}")));
}
