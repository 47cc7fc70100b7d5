//! The system's end: a rustls client configuration for a key server.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, NoKeyLog};

#[cfg(feature = "enrol")]
use super::Probe;
use super::resolver::ClientResolver;
use super::settings::{Settings, refused_by_rustls};
use super::verifier::ServerVerifier;
use super::watch::Watch;
use super::{Identities, Links, PeerCheck, TlsVersion, UnsentCertificates};
use crate::certificate::{Role, TimeSource};
use crate::observe::Observations;
use crate::policy::{ChainMemory, Policy};
use crate::store::LiveTrust;
use crate::store::ServerId;
use crate::tls::error::ConfigError;

/// Builds rustls client configurations that connect to key servers under the rules.
///
/// Sessions are not resumed, early data is not sent, keys are not logged. In TLS 1.3 a client's handshake
/// ends before the server has judged the client's certificate: a refusal arrives with the first read.
#[derive(Clone, Debug)]
pub struct ClientConfigBuilder(Settings);

impl ClientConfigBuilder {
    /// Takes what decides security: the crypto provider, what is installed, what is demanded, and who we are.
    ///
    /// `trust` is a [`View`](crate::store::View), or a [`LiveTrust`] whose publications the configurations
    /// follow. `identities` is an [`Identity`](super::Identity), or [`Identities`] whose changes they follow.
    pub fn new(
        provider: Arc<CryptoProvider>,
        trust: impl Into<LiveTrust>,
        policy: Policy,
        identities: impl Into<Identities>,
    ) -> Self {
        let (trust, identities) = (trust.into(), identities.into());
        Self(Settings::new(provider, trust, policy, identities))
    }

    /// Application protocols to offer, in order of preference (RFC 7301). None by default: KMIP has none.
    #[must_use]
    pub fn alpn(mut self, protocols: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.0.alpn = protocols.into_iter().collect();
        self
    }

    /// Protocol versions to offer. TLS 1.2 and 1.3 by default.
    #[must_use]
    pub fn versions(mut self, versions: &[TlsVersion]) -> Self {
        self.0.set_versions(versions);
        self
    }

    /// Keeps to the versions and cipher suites of the profiles of KMIP 2.1 (KMIP Profiles Version 2.1, sections 3.1.1,
    /// 3.1.2 and 3.2), narrowing the provider's: TLS 1.3 with its two mandatory suites, and TLS 1.2 with
    /// AES-GCM for ECDSA keys. [`versions`](Self::versions) narrows it further.
    ///
    /// The profiles say nothing of the groups for key exchange, so the provider's stay, in their order: with
    /// [`aws_lc_rs`](super::provider::aws_lc_rs), X25519MLKEM768 is preferred.
    ///
    /// Off by default: key servers in service speak TLS 1.2 with RSA keys, for which the profiles list suites without
    /// authenticated encryption alone; rustls has none of these.
    #[must_use]
    pub fn kmip_profile(mut self) -> Self {
        self.0.keep_to_kmip_profile(Role::Client);
        self
    }

    /// The clock by which verdicts are made (rule M7). The system's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn TimeSource>) -> Self {
        self.0.clock = clock;
        self
    }

    /// Tells `observations` what handshakes show: who was refused, and who was accepted and proved that it has its
    /// key. Nobody is told by default. No handshake waits for it (rule S5).
    #[must_use]
    pub fn observer(mut self, observations: Observations) -> Self {
        self.0.watch = Watch::telling(observations);
        self
    }

    /// A check of open connections with the same trust, policy and clock.
    pub fn peer_check(&self) -> PeerCheck {
        self.0.peer_check()
    }

    /// The chains that are remembered for all configurations and checks of this builder and its clones, if the policy
    /// says so ([`Policy::remember_chains`]), with how much that spares.
    pub fn chain_memory(&self) -> ChainMemory {
        self.0.memory.clone()
    }

    /// The handshakes in which a server offered no signature scheme for our key (rule K3), of all configurations
    /// of this builder and its clones.
    pub fn unsent_certificates(&self) -> UnsentCertificates {
        self.0.unsent.clone()
    }

    /// A configuration for one server, which must be that server whatever address is dialled. The recommended
    /// way: a name that is spelled otherwise, or resolved elsewhere, changes nothing.
    ///
    /// # Errors
    /// The server is not in the view in force; the identity, the versions or the application protocols cannot
    /// be used.
    pub fn build_for(&self, server: &ServerId) -> Result<Arc<ClientConfig>, ConfigError> {
        self.known(server)?;
        self.build(Some(server.clone()))
    }

    /// A configuration for any listed server: the dialled name says which one the peer must be.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    pub fn build_by_name(&self) -> Result<Arc<ClientConfig>, ConfigError> {
        self.build(None)
    }

    /// Hands out configurations for one server each, as often as they are asked for, by the view in force then.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    pub fn links(&self) -> Result<Links, ConfigError> {
        self.0.check()?;
        Ok(Links::new(self.clone()))
    }

    /// A look at what a server presents, before anything is installed for it. The server must be in the view in
    /// force.
    ///
    /// # Errors
    /// The server is not in the view in force; the versions or the application protocols cannot be used.
    #[cfg(feature = "enrol")]
    pub fn probe(&self, server: &ServerId) -> Result<Probe, ConfigError> {
        self.known(server)?;
        Probe::new(&self.0, server)
    }

    pub(super) fn trust(&self) -> &LiveTrust {
        &self.0.trust
    }

    fn known(&self, server: &ServerId) -> Result<(), ConfigError> {
        match self.0.trust.current().server(server) {
            Some(_) => Ok(()),
            None => Err(ConfigError::UnknownServer(server.clone())),
        }
    }

    pub(super) fn build(&self, server: Option<ServerId>) -> Result<Arc<ClientConfig>, ConfigError> {
        let settings = &self.0;
        settings.check()?;
        let resolver = ClientResolver {
            identities: settings.identities.clone(),
            server: server.clone(),
            unsent: settings.unsent.clone(),
            clock: settings.clock.clone(),
        };
        let verifier = ServerVerifier::new(settings, server);
        let config = ClientConfig::builder_with_provider(settings.provider.clone())
            .with_protocol_versions(&settings.rustls_versions()?)
            .map_err(refused_by_rustls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(resolver));
        Ok(Arc::new(restrict(config, settings)))
    }
}

/// Switches off what would pass by the verdict.
pub(super) fn restrict(mut config: ClientConfig, settings: &Settings) -> ClientConfig {
    config.alpn_protocols.clone_from(&settings.alpn);
    config.time_provider = settings.time_provider();
    // S2: a resumed session calls no verifier.
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.enable_secret_extraction = false;
    config.key_log = Arc::new(NoKeyLog {});
    config
}
