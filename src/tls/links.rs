//! A configuration for each server, when it is asked for.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;

use super::ClientConfigBuilder;
use crate::limits::MAX_CACHED_LINKS;
use crate::store::ServerId;
use crate::tls::error::ConfigError;

/// Hands out client configurations, one for each server, by the view in force at the time of the call. Made by
/// [`ClientConfigBuilder::links`]; cheap to clone, and all clones share what they keep.
///
/// For a system that talks to several key servers: each may be presented an
/// [identity](super::Identities) of its own, and servers come and go while the system runs.
///
/// ```
/// use mutual_trust::{ServerId, error::ConfigError, tls::Links};
/// use rustls::ClientConnection;
///
/// fn dial(links: &Links, server: &ServerId) -> Result<ClientConnection, Box<dyn std::error::Error>> {
///     Ok(ClientConnection::new(links.link(server)?, "kms1.example".try_into()?)?)
/// }
/// ```
#[derive(Clone)]
pub struct Links(Arc<Inner>);

struct Inner {
    builder: ClientConfigBuilder,
    kept: Mutex<BTreeMap<ServerId, Arc<ClientConfig>>>,
}

impl Links {
    pub(super) fn new(builder: ClientConfigBuilder) -> Self {
        let kept = Mutex::default();
        Self(Arc::new(Inner { builder, kept }))
    }

    /// A configuration for one server, which must be that server whatever address is dialled.
    ///
    /// The same one as long as it is kept, so ask for it before each connection. What was handed out follows the
    /// view in force as well: for a server that was deleted since, it refuses everybody.
    ///
    /// # Errors
    /// The server is not in the view in force; the identity cannot be used.
    pub fn link(&self, server: &ServerId) -> Result<Arc<ClientConfig>, ConfigError> {
        let view = self.0.builder.trust().current();
        let kept = self.0.kept.lock();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        if view.server(server).is_none() {
            kept.remove(server);
            return Err(ConfigError::UnknownServer(server.clone()));
        }
        if let Some(config) = kept.get(server) {
            return Ok(config.clone());
        }
        let config = self.0.builder.build(Some(server.clone()))?;
        if kept.len() >= MAX_CACHED_LINKS {
            kept.retain(|id, _| view.server(id).is_some());
        }
        if kept.len() >= MAX_CACHED_LINKS {
            // Any: it is made anew in a microsecond.
            kept.pop_first();
        }
        kept.insert(server.clone(), config.clone());
        Ok(config)
    }

    /// How many configurations are kept.
    pub fn kept(&self) -> usize {
        let kept = self.0.kept.lock();
        kept.unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links")
            .field("kept", &self.kept())
            .finish_non_exhaustive()
    }
}
