//! Asynchronous tasks wait for the next view without a runtime of ours and without a thread.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use mutual_trust::{LiveTrust, PinScope, TrustSnapshot, TrustStore};

use crate::support::handshake::handshake;
use crate::support::link::{keys_1, pin, settings};
use crate::support::pki::self_signed;
use crate::support::{server_id, store};

fn grow(store: &mut TrustStore) -> TrustSnapshot {
    let next = store.contents().servers().count();
    let id = server_id(&format!("keys-{next}"));
    store.add_server(id, []).unwrap();
    store.snapshot()
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future in this thread, by wake-ups alone.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_publication_wakes_all_tasks_that_wait_and_gives_them_the_newest_view() {
    let mut store = store();
    let trust = LiveTrust::new(store.snapshot());
    let first = trust.current().generation();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut context = Context::from_waker(&waker);
    let mut all: Vec<_> = (0..100)
        .map(|_| Box::pin(trust.newer_than(first)))
        .collect();
    for future in &mut all {
        assert!(future.as_mut().poll(&mut context).is_pending());
    }
    trust.publish(grow(&mut store)).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 100);
    let newest = grow(&mut store);
    trust.publish(newest.clone()).unwrap();
    for future in &mut all {
        let Poll::Ready(view) = future.as_mut().poll(&mut context) else {
            panic!("it was woken and is not ready")
        };
        assert_eq!(view.generation(), newest.generation());
    }
}

#[test]
fn a_view_that_is_newer_already_is_given_at_once() {
    let mut store = store();
    let trust = LiveTrust::new(store.snapshot());
    let first = trust.current().generation();
    let second = grow(&mut store);
    trust.publish(second.clone()).unwrap();
    let view = block_on(trust.newer_than(first));
    assert_eq!(view.generation(), second.generation());
}

#[test]
fn a_cancelled_wait_is_not_woken() {
    let mut store = store();
    let trust = LiveTrust::new(store.snapshot());
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut future = Box::pin(trust.newer_than(trust.current().generation()));
    let mut context = Context::from_waker(&waker);
    assert!(future.as_mut().poll(&mut context).is_pending());
    drop(future);
    trust.publish(grow(&mut store)).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn tasks_that_act_on_each_view_end_on_the_last_one() {
    const LAST: usize = 300;
    let mut store = store();
    let trust = LiveTrust::new(store.snapshot());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut view = trust.current();
                while view.servers().count() < LAST {
                    let newer = block_on(trust.newer_than(view.generation()));
                    assert!(newer.generation() > view.generation());
                    view = newer;
                }
            });
        }
        for _ in 0..LAST {
            trust.publish(grow(&mut store)).unwrap();
        }
    });
}

#[test]
fn each_task_learns_that_its_own_peer_is_no_longer_trusted() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let machines = [
            self_signed("array-7.example"),
            self_signed("array-8.example"),
        ];
        let mut store = setting.store();
        for machine in &machines {
            pin(&mut store, PinScope::Clients, &machine.certificate);
        }
        let trust = LiveTrust::new(store.snapshot());
        let builder = setting.server(trust.clone(), key_server.identity(&[], &setting.provider));
        let server = Arc::new(builder.build().unwrap());
        let check = builder.peer_check();
        let connections = machines.each_ref().map(|machine| {
            let trusted = setting.pinning_server(&key_server.certificate).snapshot();
            let client = setting.client(trusted, machine.identity(&[], &setting.provider));
            let outcome = handshake(
                &client.build_for(&keys_1()).unwrap(),
                &server,
                "kms1.example",
            );
            outcome.expect_link(&setting.name);
            outcome.server_connection
        });
        let before = trust.current().generation();
        let [first, second] = &connections;
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let mut generation = before;
                while check.client(first).is_ok() {
                    generation = block_on(trust.newer_than(generation)).generation();
                }
            });
            // A change that is not about it leaves the first one waiting, or is not seen at all.
            trust.publish(grow(&mut store)).unwrap();
            store.block(&machines[0].certificate);
            trust.publish(store.snapshot()).unwrap();
            waiting.join().unwrap();
        });
        assert!(check.client(second).is_ok(), "{}", setting.name);
    }
}
