//! Asynchronous tasks that wait for a change.
//!
//! They use only the futures and wakers of the standard library, so any runtime can poll them.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The tasks that wait. Cheap to clone: all clones share them.
///
/// There is one waker for each waiting [`Until`], and dropping the future removes it. So there are at most as many
/// wakers as futures.
#[derive(Clone, Default)]
pub(crate) struct Waiters(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next_key: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Waiters {
    /// Completes with what `ready` returns, once it returns something. It is called when the future is polled, which
    /// [`wake_all`](Self::wake_all) causes.
    pub(crate) fn until<T, F: FnMut() -> Option<T> + Unpin>(&self, ready: F) -> Until<F> {
        Until {
            waiters: self.clone(),
            key: None,
            ready,
        }
    }

    /// Wakes all tasks that wait. To be called after a change that `ready` sees.
    pub(crate) fn wake_all(&self) {
        let wakers = core::mem::take(&mut self.lock().wakers);
        // Outside the lock: a runtime may poll a task while it wakes it.
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    /// Replaces the waker with this key, or adds it under a new key. Returns the key.
    fn put(&self, key: Option<u64>, waker: &Waker) -> u64 {
        // Wakers are cloned and dropped outside the lock. They are code of a runtime: the last one of a task may drop
        // the task, and with it a future of this kind, which takes the lock.
        let waker = waker.clone();
        let mut waiting = self.lock();
        let key = key.unwrap_or_else(|| {
            // At a billion waits a second, the numbers last for 500 years.
            let key = waiting.next_key;
            waiting.next_key = key.wrapping_add(1);
            key
        });
        let old = waiting.wakers.insert(key, waker);
        drop(waiting);
        drop(old);
        key
    }

    fn remove(&self, key: u64) {
        let old = self.lock().wakers.remove(&key);
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No code that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waiters")
            .field(&self.lock().wakers.len())
            .finish()
    }
}

/// Waits until a function returns something. Dropping it cancels the wait.
pub(crate) struct Until<F> {
    waiters: Waiters,
    /// Where the waker is, once there was one.
    key: Option<u64>,
    ready: F,
}

impl<T, F: FnMut() -> Option<T> + Unpin> Future for Until<F> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        // The waker is stored first, then `ready` is called. `ready` sees an earlier change, and a later change finds
        // the waker. So no change is missed.
        this.key = Some(this.waiters.put(this.key, context.waker()));
        match (this.ready)() {
            Some(value) => {
                this.cancel();
                Poll::Ready(value)
            }
            None => Poll::Pending,
        }
    }
}

impl<F> Until<F> {
    fn cancel(&mut self) {
        if let Some(key) = self.key.take() {
            self.waiters.remove(key);
        }
    }
}

impl<F> Drop for Until<F> {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::task::Wake;
    use std::thread::{self, Thread};

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn counting() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (count.clone(), count.into())
    }

    fn woken(count: &Count) -> usize {
        count.0.load(Ordering::SeqCst)
    }

    fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(waker))
    }

    fn waiting(waiters: &Waiters) -> usize {
        waiters.lock().wakers.len()
    }

    #[test]
    fn a_change_wakes_the_task_once_and_the_next_poll_completes() {
        let (waiters, flag) = (Waiters::default(), AtomicBool::new(false));
        let (count, waker) = counting();
        let mut future = waiters.until(|| flag.load(Ordering::SeqCst).then_some(7));
        assert_eq!(poll(&mut future, &waker), Poll::Pending);
        assert_eq!(woken(&count), 0);
        flag.store(true, Ordering::SeqCst);
        waiters.wake_all();
        waiters.wake_all();
        assert_eq!(woken(&count), 1);
        assert_eq!(poll(&mut future, &waker), Poll::Ready(7));
        assert_eq!(waiting(&waiters), 0);
    }

    #[test]
    fn a_change_before_the_first_poll_completes_it_at_once() {
        let waiters = Waiters::default();
        let (count, waker) = counting();
        let mut future = waiters.until(|| Some(7));
        assert_eq!(poll(&mut future, &waker), Poll::Ready(7));
        assert_eq!((waiting(&waiters), woken(&count)), (0, 0));
    }

    #[test]
    fn a_change_between_the_waker_and_the_look_is_not_missed() {
        let waiters = Waiters::default();
        let (count, waker) = counting();
        // The function is called after the waker was put there: a change then wakes the task.
        let mut future = waiters.until(|| {
            waiters.wake_all();
            None::<()>
        });
        assert_eq!(poll(&mut future, &waker), Poll::Pending);
        assert_eq!(woken(&count), 1);
    }

    #[test]
    fn a_change_that_is_not_the_awaited_one_leaves_the_task_waiting() {
        let waiters = Waiters::default();
        let (count, waker) = counting();
        let mut future = waiters.until(|| None::<()>);
        for round in 1..=3 {
            assert_eq!(poll(&mut future, &waker), Poll::Pending);
            waiters.wake_all();
            assert_eq!(woken(&count), round);
        }
    }

    #[test]
    fn only_the_waker_of_the_last_poll_is_woken() {
        let waiters = Waiters::default();
        let ((first, old), (second, new)) = (counting(), counting());
        let mut future = waiters.until(|| None::<()>);
        assert_eq!(poll(&mut future, &old), Poll::Pending);
        assert_eq!(poll(&mut future, &new), Poll::Pending);
        assert_eq!(waiting(&waiters), 1);
        waiters.wake_all();
        assert_eq!((woken(&first), woken(&second)), (0, 1));
        // Nothing of the first is held.
        drop(old);
        assert_eq!(Arc::strong_count(&first), 1);
    }

    #[test]
    fn a_dropped_future_leaves_nothing_and_is_not_woken() {
        let waiters = Waiters::default();
        let (count, waker) = counting();
        let mut kept = waiters.until(|| None::<()>);
        assert_eq!(poll(&mut kept, &waker), Poll::Pending);
        for _ in 0..1000 {
            let mut dropped = waiters.until(|| None::<()>);
            assert_eq!(poll(&mut dropped, &waker), Poll::Pending);
        }
        assert_eq!(waiting(&waiters), 1);
        waiters.wake_all();
        assert_eq!(woken(&count), 1);
        drop(kept);
        assert_eq!(waiting(&waiters), 0);
    }

    type Never = fn() -> Option<()>;

    /// A task that holds a future. Its last waker drops both.
    struct Task {
        _future: Mutex<Until<Never>>,
    }

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_waker_whose_drop_cancels_another_wait_does_not_block() {
        let waiters = Waiters::default();
        let task = |waiters: &Waiters| {
            let never: Never = || None;
            let mut held = waiters.until(never);
            assert_eq!(poll(&mut held, Waker::noop()), Poll::Pending);
            let _future = Mutex::new(held);
            Waker::from(Arc::new(Task { _future }))
        };
        let mut future = waiters.until(|| None::<()>);
        // Replaced, woken, and removed: each time the waker is the last of its task.
        for _ in 0..2 {
            let waker = task(&waiters);
            assert_eq!(poll(&mut future, &waker), Poll::Pending);
        }
        waiters.wake_all();
        let waker = task(&waiters);
        assert_eq!(poll(&mut future, &waker), Poll::Pending);
        drop(waker);
        drop(future);
        assert_eq!(waiting(&waiters), 0);
    }

    #[test]
    fn a_runtime_that_polls_while_it_wakes_does_not_block() {
        /// Polls another future of the same kind in `wake`.
        struct Eager(Waiters);

        impl Wake for Eager {
            fn wake(self: Arc<Self>) {
                let mut other = self.0.until(|| Some(()));
                assert_eq!(poll(&mut other, Waker::noop()), Poll::Ready(()));
            }
        }

        let waiters = Waiters::default();
        let waker = Waker::from(Arc::new(Eager(waiters.clone())));
        let mut future = waiters.until(|| None::<()>);
        assert_eq!(poll(&mut future, &waker), Poll::Pending);
        waiters.wake_all();
    }

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    /// Runs a future in this thread. Waits for wake-ups alone: one that is lost is a test that never ends.
    fn block_on<F: Future>(future: F) -> F::Output {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut future = pin!(future);
        loop {
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            match polled {
                Poll::Ready(value) => return value,
                Poll::Pending => thread::park(),
            }
        }
    }

    #[test]
    fn no_wake_up_is_lost_between_threads() {
        const LAST: usize = 2_000;
        let (waiters, number) = (Waiters::default(), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut seen = 0;
                    while seen < LAST {
                        let newer = || {
                            let now = number.load(Ordering::SeqCst);
                            (now > seen).then_some(now)
                        };
                        seen = block_on(waiters.until(newer));
                    }
                });
            }
            for _ in 0..LAST {
                number.fetch_add(1, Ordering::SeqCst);
                waiters.wake_all();
            }
        });
        assert_eq!(waiting(&waiters), 0);
    }
}
