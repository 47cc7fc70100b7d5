//! The pointer at which the administrator's path and the handshake path meet.

use core::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::PublishError;
use crate::store::View;

/// The view in force. Cheap to clone: all clones follow the same publications.
///
/// A verdict takes the view once and ends on it, whatever is published meanwhile (rule S1).
///
/// ```
/// use mutual_trust::admin::LiveTrust;
/// use mutual_trust::{KeyPolicy, TrustStore};
///
/// let mut store = TrustStore::new(KeyPolicy::new(&[]));
/// let trust = LiveTrust::new(store.view());
/// store.add_server("keys-1".parse()?, [])?;
/// trust.publish(store.view())?;
/// assert_eq!(trust.view().generation(), store.contents().generation());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LiveTrust(Arc<RwLock<View>>);

impl LiveTrust {
    /// Puts a first view in force.
    pub fn new(view: View) -> Self {
        Self(Arc::new(RwLock::new(view)))
    }

    /// The view in force. Holds a lock only while a pointer is copied.
    pub fn view(&self) -> View {
        // No code that can panic runs under the lock, so poisoning says nothing about the view.
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if view.generation() <= current.generation() {
            return Err(PublishError::NotNewer {
                current: current.generation(),
                offered: view.generation(),
            });
        }
        *current = view;
        Ok(())
    }
}

impl From<View> for LiveTrust {
    fn from(view: View) -> Self {
        Self::new(view)
    }
}

impl fmt::Debug for LiveTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveTrust").field(&self.view()).finish()
    }
}
