//! A client configuration for each server, when it is asked for.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;

use super::ClientConfigBuilder;
use crate::limits::MAX_CACHED_LINKS;
use crate::store::ServerId;
use crate::tls::error::ConfigError;

/// Hands out client configurations, one for each server, by the view in force at the time of the call. Made by
/// [`ClientConfigBuilder::client_configs`]. Cheap to clone: all clones share one cache.
///
/// For a system that talks to several key servers. Each server may be presented another
/// [identity](super::Identities), and servers come and go while the system runs.
///
/// ```
/// use mutual_trust::{ServerId, error::ConfigError, tls::ClientConfigs};
/// use rustls::ClientConnection;
///
/// fn dial(configs: &ClientConfigs, server: &ServerId) -> Result<ClientConnection, Box<dyn std::error::Error>> {
///     Ok(ClientConnection::new(configs.config_for(server)?, "kms1.example".try_into()?)?)
/// }
/// ```
#[derive(Clone)]
pub struct ClientConfigs(Arc<Inner>);

struct Inner {
    builder: ClientConfigBuilder,
    cache: Mutex<BTreeMap<ServerId, Arc<ClientConfig>>>,
}

impl ClientConfigs {
    pub(super) fn new(builder: ClientConfigBuilder) -> Self {
        let cache = Mutex::default();
        Self(Arc::new(Inner { builder, cache }))
    }

    /// The configuration for one server. The peer must be that server, whatever address is dialled.
    ///
    /// Ask for it before each connection: it is the same one while it is cached. A configuration that was handed out
    /// follows the view in force as well. Once its server is deleted, it refuses every peer.
    ///
    /// # Errors
    /// The server is not in the view in force; the identity cannot be used.
    pub fn config_for(&self, server: &ServerId) -> Result<Arc<ClientConfig>, ConfigError> {
        let view = self.0.builder.settings().trust.current();
        let cache = self.0.cache.lock();
        let mut cache = cache.unwrap_or_else(PoisonError::into_inner);
        if view.server(server).is_none() {
            cache.remove(server);
            return Err(ConfigError::UnknownServer(server.clone()));
        }
        if let Some(config) = cache.get(server) {
            return Ok(config.clone());
        }
        let config = Arc::new(self.0.builder.build_config(Some(server.clone()))?);
        if cache.len() >= MAX_CACHED_LINKS {
            cache.retain(|id, _| view.server(id).is_some());
        }
        if cache.len() >= MAX_CACHED_LINKS {
            // Any one: building it again takes a microsecond.
            cache.pop_first();
        }
        cache.insert(server.clone(), config.clone());
        Ok(config)
    }

    /// How many configurations are cached.
    #[doc(hidden)]
    pub fn cached(&self) -> usize {
        let cache = self.0.cache.lock();
        cache.unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl fmt::Debug for ClientConfigs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfigs")
            .field("cached", &self.cached())
            .finish_non_exhaustive()
    }
}
