//! The key server's end: a rustls server configuration for the systems that are its clients.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls::{NoKeyLog, ServerConfig};

#[cfg(feature = "enrol")]
use super::EnrolmentAcceptor;
use super::resolver::ServerResolver;
use super::settings::{Settings, refused_by_rustls};
use super::verifier::ClientVerifier;
use super::watch::Watch;
use super::{Identities, PeerCheck, TlsVersion};
#[cfg(feature = "enrol")]
use crate::admin::Enrolment;
use crate::certificate::{Role, TimeSource};
use crate::observe::Observations;
use crate::policy::{ChainMemory, Policy};
use crate::store::LiveTrust;
use crate::tls::error::ConfigError;

/// Builds rustls server configurations that accept systems under the rules. A client certificate is always
/// demanded.
///
/// Sessions are not resumed and no tickets are sent; no data is taken or sent before the client is judged;
/// no CA names are sent; keys are not logged.
#[derive(Clone, Debug)]
pub struct ServerConfigBuilder(Settings);

impl ServerConfigBuilder {
    /// Takes what decides security: the crypto provider, what is installed, what is demanded, and who we are.
    ///
    /// `trust` is a [`View`](crate::store::View), or a [`LiveTrust`] whose publications the configuration
    /// follows. `identities` is an [`Identity`](super::Identity), or [`Identities`] whose changes it follows: a
    /// next one is presented once it was activated for all.
    pub fn new(
        provider: Arc<CryptoProvider>,
        trust: impl Into<LiveTrust>,
        policy: Policy,
        identities: impl Into<Identities>,
    ) -> Self {
        let (trust, identities) = (trust.into(), identities.into());
        Self(Settings::new(provider, trust, policy, identities))
    }

    /// Application protocols to accept, in order of preference (RFC 7301). None by default.
    #[must_use]
    pub fn alpn(mut self, protocols: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.0.alpn = protocols.into_iter().collect();
        self
    }

    /// Protocol versions to accept. TLS 1.2 and 1.3 by default.
    #[must_use]
    pub fn versions(mut self, versions: &[TlsVersion]) -> Self {
        self.0.set_versions(versions);
        self
    }

    /// Keeps to the versions and cipher suites of the profiles of KMIP 2.1 (KMIP Profiles Version 2.1, sections 3.1.1,
    /// 3.1.2 and 3.2), narrowing the provider's: TLS 1.3 with its two mandatory suites, and TLS 1.2 with
    /// AES-GCM for ECDSA keys. A server must speak TLS 1.3.
    ///
    /// The profiles say nothing of the groups for key exchange, so the provider's stay, in their order: with
    /// [`aws_lc_rs`](super::provider::aws_lc_rs), X25519MLKEM768 is preferred.
    ///
    /// Off by default: key servers in service speak TLS 1.2 with RSA keys, for which the profiles list suites without
    /// authenticated encryption alone; rustls has none of these.
    #[must_use]
    pub fn kmip_profile(mut self) -> Self {
        self.0.keep_to_kmip_profile(Role::Server);
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

    /// Says who the client of a connection is, and later whether that still stands.
    pub fn peer_check(&self) -> PeerCheck {
        self.0.peer_check()
    }

    /// The chains that are remembered for all configurations and checks of this builder and its clones, if the policy
    /// says so ([`Policy::remember_chains`]), with how much that spares.
    pub fn chain_memory(&self) -> ChainMemory {
        self.0.memory.clone()
    }

    /// The configuration.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    pub fn build(&self) -> Result<Arc<ServerConfig>, ConfigError> {
        self.0.check()?;
        configure(&self.0, Arc::new(ClientVerifier::new(&self.0)))
    }

    /// Lets clients that nothing installed knows wait in `enrolment` while that is open. They are refused all the
    /// same.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    #[cfg(feature = "enrol")]
    pub fn enrolment(&self, enrolment: &Enrolment) -> Result<EnrolmentAcceptor, ConfigError> {
        self.0.check()?;
        EnrolmentAcceptor::new(self.0.clone(), enrolment.clone())
    }
}

/// A configuration with a verifier, and with everything switched off that would pass by the verdict.
pub(super) fn configure(
    settings: &Settings,
    verifier: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, ConfigError> {
    let mut config = ServerConfig::builder_with_provider(settings.provider.clone())
        .with_protocol_versions(&settings.rustls_versions()?)
        .map_err(refused_by_rustls)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(ServerResolver(settings.identities.clone())));
    config.alpn_protocols.clone_from(&settings.alpn);
    config.time_provider = settings.time_provider();
    // S2: a resumed session calls no verifier. The ticketer is rustls's default, which makes none.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    config.enable_secret_extraction = false;
    config.key_log = Arc::new(NoKeyLog {});
    Ok(Arc::new(config))
}
