//! A client that is made again after each publication.

use core::fmt;
use std::sync::{Mutex, PoisonError};

use mutual_trust::LiveTrust;

/// A client of a library that takes a configuration and no connector, made again after each publication: its pool
/// does not outlive a block. For reqwest, whose connector layers cannot wrap a stream.
///
/// ```
/// use mutual_trust::ClientConfigBuilder;
/// use mutual_trust_tokio::PerGeneration;
///
/// # #[derive(Clone)] struct Client;
/// # impl Client { fn with_config(_: rustls::ClientConfig) -> Self { Self } }
/// fn client(builder: ClientConfigBuilder) -> PerGeneration<Client> {
///     let trust = builder.peer_check().trust().clone();
///     PerGeneration::new(trust, move || {
///         let config = builder.build_by_name().ok()?;
///         // With reqwest: Client::builder().use_preconfigured_tls(config).build().ok()
///         Some(Client::with_config(config))
///     })
/// }
/// ```
///
/// It is the second choice: any publication costs the pooled connections of all servers, a request that is under way
/// goes on after a block, and an idle connection ends with the next call of [`get`](Self::get). A connector of ours has
/// none of these.
pub struct PerGeneration<T> {
    trust: LiveTrust,
    make: Box<dyn Fn() -> Option<T> + Send + Sync>,
    made: Mutex<Option<(u64, T)>>,
}

impl<T: Clone> PerGeneration<T> {
    /// Makes the client with `make`, when it is asked for.
    pub fn new(trust: LiveTrust, make: impl Fn() -> Option<T> + Send + Sync + 'static) -> Self {
        Self {
            trust,
            make: Box::new(make),
            made: Mutex::default(),
        }
    }

    /// The client of the view in force: ask for it before each request. `None` if it cannot be made.
    pub fn get(&self) -> Option<T> {
        // Before the client is made: a later publication makes another one.
        let generation = self.trust.current().generation();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, client)) = &*made
            && *of >= generation
        {
            return Some(client.clone());
        }
        // The old one and its pool end first, also if there is no new one.
        *made = None;
        let client = (self.make)()?;
        *made = Some((generation, client.clone()));
        Some(client)
    }
}

impl<T> fmt::Debug for PerGeneration<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerGeneration").finish_non_exhaustive()
    }
}
