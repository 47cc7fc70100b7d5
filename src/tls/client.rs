//! The client end, which is the system's: a rustls client configuration for a key server.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::{ClientConfig, NoKeyLog};

use super::builder::ConfigBuilder;
use super::judge::ServerJudge;
use super::resolver::ClientResolver;
use super::settings::{Settings, refused_by_rustls};
use super::verifier::Verifier;
use super::{ClientAuthFailures, ClientConfigs};
use crate::store::ServerId;
use crate::tls::error::ConfigError;

/// Builds rustls client configurations that connect to key servers under the rules.
///
/// Sessions are not resumed, early data is not sent, keys are not logged. In TLS 1.3, a client's handshake ends before
/// the server has judged the client's certificate: a refusal arrives with the first read.
///
/// # With other crates
/// [`build_for`](Self::build_for) and [`build_by_name`](Self::build_by_name) return a plain [`ClientConfig`], as the
/// builder of rustls does. Move it into what takes one by value, and wrap it in an [`Arc`] for what shares one:
///
/// | crate | call |
/// |---|---|
/// | rustls | `ClientConnection::new(Arc::new(config), name)` |
/// | tokio-rustls | `TlsConnector::from(Arc::new(config))` |
/// | reqwest | `Client::builder().use_preconfigured_tls(config)` |
/// | hyper-rustls | `HttpsConnectorBuilder::new().with_tls_config(config)` |
///
/// reqwest takes a value of any type and compares the type when the client is built. It takes the configuration itself,
/// and refuses an `Arc` of one with `Unknown TLS backend`: give it what `build_for` returns.
pub type ClientConfigBuilder = ConfigBuilder<ClientConfig>;

impl ClientConfigBuilder {
    /// The handshakes in which a server asked for our certificate, and those in which it offered no signature scheme for our
    /// key (rule K3), of all configurations of this builder and its clones.
    pub fn client_auth_failures(&self) -> ClientAuthFailures {
        self.settings().unsent.clone()
    }

    /// Builds a configuration for one server. The peer must be that server, whatever address is dialled. This is the
    /// recommended configuration: it does not depend on how a name is written or resolved.
    ///
    /// # Errors
    /// The server is not in the view in force; the identity, the versions or the application protocols cannot be used.
    pub fn build_for(&self, server: &ServerId) -> Result<ClientConfig, ConfigError> {
        self.check_known(server)?;
        self.build_config(Some(server.clone()))
    }

    /// Builds a configuration for all listed servers: the dialled name says which one the peer must be.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    pub fn build_by_name(&self) -> Result<ClientConfig, ConfigError> {
        self.build_config(None)
    }

    /// Hands out a configuration for each server when it is asked for, by the view in force then.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    pub fn client_configs(&self) -> Result<ClientConfigs, ConfigError> {
        self.settings().check()?;
        Ok(ClientConfigs::new(self.clone()))
    }

    pub(super) fn check_known(&self, server: &ServerId) -> Result<(), ConfigError> {
        match self.settings().trust.current().server(server) {
            Some(_) => Ok(()),
            None => Err(ConfigError::UnknownServer(server.clone())),
        }
    }

    pub(super) fn build_config(
        &self,
        server: Option<ServerId>,
    ) -> Result<ClientConfig, ConfigError> {
        let settings = self.settings();
        settings.check()?;
        let resolver = ClientResolver {
            identities: settings.identities.clone(),
            server: server.clone(),
            unsent: settings.unsent.clone(),
            clock: settings.clock.clone(),
        };
        let verifier = Verifier::new(ServerJudge::of_servers(settings, server));
        let config = ClientConfig::builder_with_provider(settings.provider.clone())
            .with_protocol_versions(&settings.rustls_versions()?)
            .map_err(refused_by_rustls)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(resolver));
        Ok(restrict(config, settings))
    }
}

/// Switches off what would bypass the verdict.
pub(super) fn restrict(mut config: ClientConfig, settings: &Settings) -> ClientConfig {
    config.alpn_protocols.clone_from(&settings.alpn_protocols);
    config.time_provider = settings.time_provider();
    // S2: a resumed session calls no verifier.
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.enable_secret_extraction = false;
    config.key_log = Arc::new(NoKeyLog {});
    config
}
