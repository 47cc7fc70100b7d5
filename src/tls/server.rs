//! The server end, which is the key server's: a rustls server configuration for the systems that are its clients.

use std::sync::Arc;

use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls::{NoKeyLog, ServerConfig};

use super::builder::ConfigBuilder;
use super::judge::ClientJudge;
use super::resolver::ServerResolver;
use super::settings::{Settings, refused_by_rustls};
use super::verifier::Verifier;
use crate::tls::error::ConfigError;

/// Builds rustls server configurations that accept systems under the rules. A client certificate is always demanded.
///
/// Sessions are not resumed and no tickets are sent; no data is taken or sent before the client is judged; no CA names
/// are sent; keys are not logged.
pub type ServerConfigBuilder = ConfigBuilder<ServerConfig>;

impl ServerConfigBuilder {
    /// Builds the configuration. Wrap it in an [`Arc`] for `rustls::ServerConnection::new` and
    /// `tokio_rustls::TlsAcceptor::from`.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    pub fn build(&self) -> Result<ServerConfig, ConfigError> {
        let settings = self.settings();
        settings.check()?;
        configure(settings, Verifier::new(ClientJudge::of_clients(settings)))
    }
}

/// A configuration with a verifier. Switches off what would bypass the verdict.
pub(super) fn configure(
    settings: &Settings,
    verifier: Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, ConfigError> {
    let mut config = ServerConfig::builder_with_provider(settings.provider.clone())
        .with_protocol_versions(&settings.rustls_versions()?)
        .map_err(refused_by_rustls)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(ServerResolver(settings.identities.clone())));
    config.alpn_protocols.clone_from(&settings.alpn_protocols);
    config.time_provider = settings.time_provider();
    // S2: a resumed session calls no verifier. The ticketer is rustls's default, which makes none.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    config.enable_secret_extraction = false;
    config.key_log = Arc::new(NoKeyLog {});
    Ok(config)
}
