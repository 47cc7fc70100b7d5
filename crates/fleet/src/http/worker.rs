//! Runs requests for callers that wait.

use core::time::Duration;
use std::future::Future;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::AbortHandle;

use crate::limits::WORKER_SLACK;
use crate::setting::SettingError;

/// Where requests run: a thread of our own, or the runtime of the program.
///
/// The caller waits on a channel. So a call from a task of a runtime blocks that task, as any call that waits, and does
/// not panic.
#[derive(Debug)]
pub(crate) struct Worker {
    handle: Handle,
    /// Taken when dropped.
    own: Option<Runtime>,
}

impl Worker {
    /// With a thread of its own.
    pub(crate) fn start() -> Result<Self, SettingError> {
        let built = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("mutual-trust-fleet")
            .enable_io()
            .enable_time()
            .build();
        let failed = |error: std::io::Error| SettingError::new("no thread", error.to_string());
        let own = built.map_err(failed)?;
        Ok(Self {
            handle: own.handle().clone(),
            own: Some(own),
        })
    }

    /// In the runtime of the program.
    pub(crate) fn on(handle: Handle) -> Self {
        Self { handle, own: None }
    }

    /// Starts a task.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Pending<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let running = self.handle.spawn(async move {
            let _ = sender.send(task.await);
        });
        Pending {
            receiver,
            task: running.abort_handle(),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(own) = self.own.take() {
            // Without waiting for a look-up of a name that is under way.
            own.shutdown_background();
        }
    }
}

/// A task that runs. Dropping it ends the task.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    receiver: Receiver<T>,
    task: AbortHandle,
}

/// Why a task has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoResult {
    /// Not yet.
    Late,
    /// Never: it panicked, or the runtime ended.
    Ended,
}

impl<T> Pending<T> {
    /// Waits for the result.
    pub(crate) fn wait(&self, at_most: Duration) -> Result<T, NoResult> {
        self.receiver
            .recv_timeout(at_most)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => NoResult::Late,
                RecvTimeoutError::Disconnected => NoResult::Ended,
            })
    }

    /// Waits for a task that ends by itself within a time.
    pub(crate) fn finish(&self, within: Duration) -> Result<T, NoResult> {
        self.wait(within.saturating_add(WORKER_SLACK))
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
