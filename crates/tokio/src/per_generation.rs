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
/// type Error = Box<dyn std::error::Error + Send + Sync>;
///
/// fn client(builder: ClientConfigBuilder) -> PerGeneration<Client, Error> {
///     let trust = builder.peer_check().trust().clone();
///     PerGeneration::new(trust, move || {
///         let config = builder.build_by_name()?;
///         // With reqwest 0.13: reqwest::Client::builder().tls_backend_preconfigured(config).build()?
///         Ok(Client::with_config(config))
///     })
/// }
/// ```
///
/// It is the second choice: any publication costs the pooled connections of all servers, a request that is under way
/// goes on after a block, and an idle connection ends with the next call of [`get`](Self::get). A connector of ours has
/// none of these.
pub struct PerGeneration<T, E> {
    trust: LiveTrust,
    make: Box<dyn Fn() -> Result<T, E> + Send + Sync>,
    made: Mutex<Option<(u64, T)>>,
}

impl<T: Clone, E> PerGeneration<T, E> {
    /// Makes the client with `make`, when it is asked for.
    pub fn new(trust: LiveTrust, make: impl Fn() -> Result<T, E> + Send + Sync + 'static) -> Self {
        Self {
            trust,
            make: Box::new(make),
            made: Mutex::default(),
        }
    }

    /// The client of the view in force: ask for it before each request.
    ///
    /// # Errors
    /// It cannot be made. The client of an earlier view is not handed out.
    pub fn get(&self) -> Result<T, E> {
        // Before the client is made: a later publication makes another one.
        let generation = self.trust.current().generation();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, client)) = &*made
            && *of >= generation
        {
            return Ok(client.clone());
        }
        // The old one and its pool end first, also if there is no new one.
        *made = None;
        let client = (self.make)()?;
        *made = Some((generation, client.clone()));
        Ok(client)
    }
}

impl<T, E> fmt::Debug for PerGeneration<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerGeneration").finish_non_exhaustive()
    }
}
