//! The pointer to the snapshot in force. Administrators replace it; handshakes read it.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::trace;
use crate::store::TrustSnapshot;
use crate::store::error::PublishError;
use crate::store::pointer::Pointer;
use crate::store::waiters::Waiters;

/// The snapshot in force. Cheap to clone: all clones follow the same publications.
///
/// A verdict takes the snapshot once and uses it to the end, whatever is published meanwhile (rule S1).
///
/// ```
/// use mutual_trust::store::LiveTrust;
/// use mutual_trust::{KeyPolicy, TrustStore};
///
/// let mut store = TrustStore::new(KeyPolicy::new(&[]));
/// let trust = LiveTrust::new(store.snapshot());
/// store.add_server("keys-1".parse()?, [])?;
/// trust.publish(store.snapshot())?;
/// assert_eq!(trust.current().generation(), store.contents().generation());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LiveTrust(Arc<Inner>);

struct Inner {
    /// The snapshot that verdicts read.
    view: Pointer,
    /// The generation in force, for publishers and waiters. Readers of the snapshot do not lock it.
    generation: Mutex<u64>,
    published: Condvar,
    /// The asynchronous tasks that wait.
    waiters: Waiters,
}

impl LiveTrust {
    /// Puts a first snapshot in force.
    pub fn new(view: TrustSnapshot) -> Self {
        Self(Arc::new(Inner {
            generation: Mutex::new(view.generation()),
            view: Pointer::new(view),
            published: Condvar::new(),
            waiters: Waiters::default(),
        }))
    }

    /// The snapshot in force. After a publication it may wait while another thread copies a few pointers, and for nothing else.
    pub fn current(&self) -> TrustSnapshot {
        self.0.view.current()
    }

    /// Calls a function with the snapshot in force. What is published meanwhile is for the next call (rule S1).
    pub(crate) fn with_current<R>(&self, read: impl FnOnce(&TrustSnapshot) -> R) -> R {
        self.0.view.with(read)
    }

    /// Puts a newer snapshot in force. Later verdicts use it.
    ///
    /// # Security
    /// Open connections stay open. Check them again with a [`PeerCheck`](crate::tls::PeerCheck), and close those whose
    /// peer is no longer trusted (rule S3).
    ///
    /// # Errors
    /// The generation is not newer than the one in force.
    pub fn publish(&self, view: TrustSnapshot) -> Result<(), PublishError> {
        let offered = view.generation();
        // No code that can panic runs under the lock, so a poisoned lock does not affect the number.
        let generation = self.0.generation.lock();
        let mut generation = generation.unwrap_or_else(PoisonError::into_inner);
        if offered <= *generation {
            return Err(PublishError::NotNewer {
                current: *generation,
                offered,
            });
        }
        let old = self.0.view.replace(view);
        // The generation changes last: a thread that wakes up finds the new snapshot.
        *generation = offered;
        drop(generation);
        self.0.published.notify_all();
        self.0.waiters.wake_all();
        // Freeing a snapshot of a million entries takes time. It happens outside the lock, so no
        // publication waits for it.
        drop(old);
        trace::published(offered);
        Ok(())
    }

    /// Waits for a snapshot that is newer than `generation`, at most for `timeout`. Returns at once if there is one
    /// already. With a timeout of zero it only checks.
    ///
    /// Use it to act on each change, for example to check open connections again. Pass the generation of the last
    /// handled snapshot. Then no publication is missed, and after several publications the newest snapshot is returned.
    ///
    /// ```
    /// use mutual_trust::{LiveTrust, TrustSnapshot};
    /// use std::time::Duration;
    ///
    /// fn follow(trust: &LiveTrust, act_on: impl Fn(&TrustSnapshot), is_over: impl Fn() -> bool) {
    ///     let mut view = trust.current();
    ///     act_on(&view);
    ///     while !is_over() {
    ///         if let Some(newer) = trust.wait_newer_than(view.generation(), Duration::from_secs(1)) {
    ///             view = newer;
    ///             act_on(&view);
    ///         }
    ///     }
    /// }
    /// # follow(&LiveTrust::new(TrustSnapshot::default()), |_| {}, || true);
    /// ```
    pub fn wait_newer_than(&self, generation: u64, timeout: Duration) -> Option<TrustSnapshot> {
        let current = self.0.generation.lock();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .0
            .published
            .wait_timeout_while(current, timeout, |current| *current <= generation);
        let (current, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let newer = *current > generation;
        drop(current);
        newer.then(|| self.current())
    }

    /// Completes with the first snapshot that is newer than `generation`: the same as
    /// [`wait_newer_than`](Self::wait_newer_than) for asynchronous tasks. Any runtime can poll it, and it needs no
    /// thread.
    ///
    /// Pass the generation of the last handled snapshot. A publication before the call is then not missed, and after
    /// several publications the newest snapshot is returned. Dropping the future cancels the wait, so it can be one
    /// branch of a `select`.
    ///
    /// The future shares this `LiveTrust`. It never completes if nothing is published any more. Time alone publishes
    /// nothing: when a certificate expires, no task is woken.
    ///
    /// In a server with one task for each connection, each task asks about its own connection after a change:
    ///
    /// ```
    /// use mutual_trust::{LiveTrust, PeerCheck};
    /// use rustls::ServerConnection;
    ///
    /// /// Returns once the client of this connection is no longer trusted. Run it beside the task's reads, and close the
    /// /// connection then.
    /// async fn until_untrusted(trust: LiveTrust, check: PeerCheck, connection: &ServerConnection) {
    ///     let mut generation = trust.current().generation();
    ///     while check.client(connection).is_ok() {
    ///         generation = trust.newer_than(generation).await.generation();
    ///     }
    /// }
    /// ```
    pub fn newer_than(
        &self,
        generation: u64,
    ) -> impl Future<Output = TrustSnapshot> + Send + Sync + Unpin + use<> {
        let trust = self.clone();
        self.0.waiters.until(move || {
            let view = trust.current();
            (view.generation() > generation).then_some(view)
        })
    }
}

impl From<TrustSnapshot> for LiveTrust {
    fn from(view: TrustSnapshot) -> Self {
        Self::new(view)
    }
}

impl fmt::Debug for LiveTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveTrust").field(&self.current()).finish()
    }
}
