//! The runtime of the connections, and how a thread without one waits for it.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::io;
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};

use tokio::runtime;

/// One thread that reads and writes the connections of all who share it.
#[derive(Debug)]
pub(super) struct Runtime(Option<runtime::Runtime>);

impl Runtime {
    pub(super) fn new() -> io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("etcd")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs something that belongs to this runtime, in this thread.
    pub(super) fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
        let _entered = self.0.as_ref().map(runtime::Runtime::enter);
        run()
    }

    /// Waits for a task in this thread. That of tokio panics in a thread that runs tasks itself; this one blocks it.
    pub(super) fn block_on<T>(&self, task: impl Future<Output = T>) -> T {
        self.enter(|| {
            let waker = Waker::from(Arc::new(Unpark(thread::current())));
            let mut context = Context::from_waker(&waker);
            let mut task = pin!(task);
            loop {
                if let Poll::Ready(value) = task.as_mut().poll(&mut context) {
                    return value;
                }
                thread::park();
            }
        })
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // The last one may be dropped by a task of another runtime, which must not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
