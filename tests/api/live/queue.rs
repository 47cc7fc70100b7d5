//! The queue of observations: bounded, never waited for, and not to be filled by unknown peers (rule S5).

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use mutual_trust::error::SettingError;
use mutual_trust::limits::{MAX_OBSERVATIONS, MAX_OBSERVED_BYTES};
use mutual_trust::observe::{Observation, ObservationReader, Observations, observation_queue};
use mutual_trust::{PinScope, VerifyRequest, decide};
use pki_types::CertificateDer;

use crate::support::link::pin;
use crate::support::{fixture, now, policy, store};

fn observation(accepted: bool, extra: usize) -> Observation {
    let certificate = fixture("ee-p256");
    let mut store = store();
    if accepted {
        pin(&mut store, PinScope::Clients, &certificate);
    }
    let question = VerifyRequest::client(certificate.der(), &[], now());
    let verdict = decide(&store.snapshot(), &policy(), &question);
    let extra = CertificateDer::from(vec![0; extra]);
    Observation::new(Arc::new(verdict), vec![extra], now(), true)
}

fn offer(queue: &Observations, accepted: bool, count: usize) {
    let observation = observation(accepted, 100);
    (0..count).for_each(|_| queue.send(observation.clone()));
}

/// How many accepted and refused ones there are.
fn counts(reader: &ObservationReader) -> (usize, usize) {
    let all = reader.try_iter();
    let accepted = all.iter().filter(|found| found.is_accepted()).count();
    (accepted, all.len() - accepted)
}

#[test]
fn what_does_not_fit_is_counted_and_the_rest_is_read_in_order() {
    let (queue, reader) = observation_queue(4).unwrap();
    for extra in 0..6 {
        queue.send(observation(true, extra));
    }
    assert_eq!((queue.dropped(), reader.dropped()), (2, 2));
    let lengths: Vec<_> = reader
        .try_iter()
        .iter()
        .map(|found| found.presented[0].len())
        .collect();
    assert_eq!(lengths, [0, 1, 2, 3]);
    assert!(reader.try_iter().is_empty());
}

#[test]
fn an_observer_is_told_of_each_in_order_until_nobody_is_left_who_could_put_one_in() {
    let (queue, reader) = observation_queue(4).unwrap();
    let told = Mutex::new(Vec::new());
    let observer = |found: &Observation| told.lock().unwrap().push(found.presented[0].len());
    thread::scope(|scope| {
        let serving = scope.spawn(|| reader.run(observer));
        // One at a time, so that each finds the place that the one before it left.
        for extra in 0..6 {
            queue.send(observation(true, extra));
            while told.lock().unwrap().len() <= extra {
                assert!(!serving.is_finished(), "it stopped after {extra}");
                thread::yield_now();
            }
        }
        // Else the thread would wait for ever, and this scope for it.
        drop(queue);
    });
    assert_eq!(told.into_inner().unwrap(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(reader.dropped(), 0);
}

#[test]
fn refused_peers_take_half_of_it_at_most() {
    let (queue, reader) = observation_queue(8).unwrap();
    offer(&queue, false, 20);
    assert_eq!(queue.dropped(), 16);
    offer(&queue, true, 20);
    assert_eq!(queue.dropped(), 32);
    assert_eq!(counts(&reader), (4, 4));
    // What was read makes room again.
    offer(&queue, false, 20);
    assert_eq!(counts(&reader), (0, 4));
    offer(&queue, true, 20);
    assert_eq!(counts(&reader), (8, 0));
}

#[test]
fn bytes_are_bounded_however_much_peers_present() {
    let (queue, reader) = observation_queue(1024).unwrap();
    let large = observation(true, 60_000);
    (0..1024).for_each(|_| queue.send(large.clone()));
    assert_eq!(reader.try_iter().len(), MAX_OBSERVED_BYTES / 60_000);
    queue.send(large.clone());
    assert_eq!(
        reader.recv_timeout(Duration::ZERO).unwrap().presented[0].len(),
        60_000
    );
    // And all of it is given back.
    (0..1024).for_each(|_| queue.send(large.clone()));
    assert_eq!(reader.try_iter().len(), MAX_OBSERVED_BYTES / 60_000);
}

#[test]
fn a_queue_has_a_place_and_a_reader_that_is_gone_costs_nothing() {
    for out_of_range in [0, MAX_OBSERVATIONS + 1, usize::MAX] {
        let refused = observation_queue(out_of_range);
        assert!(matches!(refused, Err(SettingError::OutOfRange { .. })));
    }
    assert!(observation_queue(MAX_OBSERVATIONS).is_ok());
    let (queue, reader) = observation_queue(1).unwrap();
    offer(&queue, true, 2);
    assert_eq!(counts(&reader), (1, 0));
    drop(reader);
    offer(&queue, true, 3);
    assert_eq!(queue.dropped(), 1 + 3);
}

#[test]
fn who_reads_can_wait_and_is_told_when_nobody_is_left() {
    let (queue, reader) = observation_queue(4).unwrap();
    assert!(reader.recv_timeout(Duration::from_millis(1)).is_none());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| reader.recv_timeout(Duration::from_secs(60)));
        queue.send(observation(false, 1));
        assert!(waiting.join().unwrap().is_some());
    });
    drop(queue);
    assert!(reader.recv_timeout(Duration::from_secs(86_400)).is_none());
}

#[test]
fn nothing_is_lost_or_counted_twice_by_many_threads() {
    let (queue, reader) = observation_queue(16).unwrap();
    let mut read = 0;
    thread::scope(|scope| {
        for number in 0..4 {
            let queue = queue.clone();
            scope.spawn(move || offer(&queue, number % 2 == 0, 500));
        }
        for _ in 0..200 {
            read += reader.try_iter().len();
        }
    });
    read += reader.try_iter().len();
    let dropped = usize::try_from(reader.dropped()).unwrap();
    assert_eq!(read + dropped, 4 * 500);
}
