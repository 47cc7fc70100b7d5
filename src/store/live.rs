//! The pointer to the snapshot in force. Administrators replace it; handshakes read it.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};

use super::error::PublishError;
use super::{View, trace};

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
    /// What verdicts read. Locked only while a pointer is copied or put in place.
    view: RwLock<View>,
    /// The generation in force, for those who publish and those who wait; readers of the view never touch it.
    generation: Mutex<u64>,
    published: Condvar,
}

impl LiveTrust {
    /// Puts a first view in force.
    pub fn new(view: View) -> Self {
        Self(Arc::new(Inner {
            generation: Mutex::new(view.generation()),
            view: RwLock::new(view),
            published: Condvar::new(),
        }))
    }

    /// The view in force. Holds a lock only while a pointer is copied.
    pub fn current(&self) -> View {
        // No code that can panic runs under the lock, so poisoning says nothing about the view.
        let view = self.0.view.read();
        view.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a newer view in force. Verdicts made from then on use it.
    ///
    /// # Security
    /// Connections that are open stay open: ask again with a
    /// [`PeerCheck`](crate::tls::PeerCheck) and close those that no longer stand (rule S3).
    ///
    /// # Errors
    /// The generation is not newer than the one in force.
    pub fn publish(&self, view: View) -> Result<(), PublishError> {
        let offered = view.generation();
        let generation = self.0.generation.lock();
        let mut generation = generation.unwrap_or_else(PoisonError::into_inner);
        if offered <= *generation {
            return Err(PublishError::NotNewer {
                current: *generation,
                offered,
            });
        }
        let place = self.0.view.write();
        let mut place = place.unwrap_or_else(PoisonError::into_inner);
        let old = core::mem::replace(&mut *place, view);
        drop(place);
        // Only now: a thread that wakes finds the new snapshot in place.
        *generation = offered;
        drop(generation);
        self.0.published.notify_all();
        // A view of a million entries takes its time to be freed; no verdict waits for that.
        drop(old);
        trace::published(offered);
        Ok(())
    }

    /// Waits until a view is in force that is newer than `generation`, at most for `timeout`. Returns at once if
    /// there is one already; with no time to wait, it only looks.
    ///
    /// Use it to act on each change, for example to check open connections again. Pass the generation of the snapshot
    /// that was handled last: then no publication is missed, and of several the newest is returned.
    ///
    /// ```
    /// use mutual_trust::{LiveTrust, View};
    /// use std::time::Duration;
    ///
    /// fn follow(trust: &LiveTrust, act_on: impl Fn(&View), is_over: impl Fn() -> bool) {
    ///     let mut view = trust.current();
    ///     act_on(&view);
    ///     while !is_over() {
    ///         if let Some(newer) = trust.wait_newer_than(view.generation(), Duration::from_secs(1)) {
    ///             view = newer;
    ///             act_on(&view);
    ///         }
    ///     }
    /// }
    /// # follow(&LiveTrust::new(View::default()), |_| {}, || true);
    /// ```
    pub fn wait_newer_than(&self, generation: u64, timeout: Duration) -> Option<View> {
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
}

impl From<View> for LiveTrust {
    fn from(view: View) -> Self {
        Self::new(view)
    }
}

impl fmt::Debug for LiveTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveTrust").field(&self.current()).finish()
    }
}
