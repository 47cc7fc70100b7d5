//! The builder of both ends: what they share.

use core::marker::PhantomData;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, ServerConfig};

use super::settings::Settings;
use super::sink::ObservationSink;
use super::{Identities, PeerCheck, TlsVersion};
use crate::certificate::{Role, TimeSource};
use crate::observe::Observations;
use crate::policy::{ChainMemory, Policy};
use crate::store::LiveTrust;

/// Builds rustls configurations that enforce the rules. As in rustls, one builder serves both ends: use it as
/// [`ClientConfigBuilder`](super::ClientConfigBuilder) or [`ServerConfigBuilder`](super::ServerConfigBuilder).
#[derive(Clone, Debug)]
pub struct ConfigBuilder<S: ConfigSide> {
    settings: Settings,
    side: PhantomData<fn() -> S>,
}

/// The end of a connection that a [`ConfigBuilder`] is for, by the type of its configurations.
#[doc(hidden)]
pub trait ConfigSide: sealed::Sealed {}

impl ConfigSide for ClientConfig {}

impl ConfigSide for ServerConfig {}

mod sealed {
    use super::{ClientConfig, Role, ServerConfig};

    #[expect(
        unnameable_types,
        reason = "only the two configurations of rustls are an end"
    )]
    pub trait Sealed {
        /// Our own role.
        const ROLE: Role;
    }

    impl Sealed for ClientConfig {
        const ROLE: Role = Role::Client;
    }

    impl Sealed for ServerConfig {
        const ROLE: Role = Role::Server;
    }
}

impl<S: ConfigSide> ConfigBuilder<S> {
    /// Takes what decides security: the crypto provider, what is installed, what is demanded, and our identity.
    ///
    /// `trust` is a [`TrustSnapshot`](crate::store::TrustSnapshot), or a [`LiveTrust`] whose publications the configurations follow.
    /// `identities` is an [`Identity`](super::Identity), or [`Identities`] whose changes they follow. A server presents
    /// a next identity once it is activated for all.
    pub fn new(
        provider: Arc<CryptoProvider>,
        trust: impl Into<LiveTrust>,
        policy: Policy,
        identities: impl Into<Identities>,
    ) -> Self {
        Self {
            settings: Settings::new(provider, trust.into(), policy, identities.into()),
            side: PhantomData,
        }
    }

    /// Sets the application protocols that a client offers and a server accepts, in order of preference (RFC 7301).
    /// None by default: KMIP has none.
    ///
    /// Libraries differ in what they add themselves. `h2` and `http/1.1` are HTTP/2 and HTTP/1.1:
    ///
    /// | library | set here |
    /// |---|---|
    /// | reqwest | what you want of `h2`, `http/1.1`; without any it speaks HTTP/1.1 |
    /// | hyper-rustls | nothing: it adds its own, and panics if there are some |
    /// | tonic, at either end | `h2`; nothing if the connector is hyper-rustls |
    /// | axum, axum-server, poem | `h2`, `http/1.1` |
    /// | actix-web | nothing: it adds both |
    /// | quinn | the protocol of your application, such as `h3`; required |
    /// | ureq, databases, brokers | nothing |
    ///
    /// A protocol name that ALPN cannot carry is an error when a configuration is built.
    #[must_use]
    pub fn with_alpn_protocols(mut self, protocols: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.settings.alpn_protocols = protocols.into_iter().collect();
        self
    }

    /// The application protocols, in order of preference.
    pub fn alpn_protocols(&self) -> &[Vec<u8>] {
        &self.settings.alpn_protocols
    }

    /// Sets the protocol versions that are allowed. TLS 1.2 and 1.3 by default.
    ///
    /// Without any version, building a configuration is an error.
    #[must_use]
    pub fn with_protocol_versions(mut self, versions: &[TlsVersion]) -> Self {
        self.settings.set_protocol_versions(versions);
        self
    }

    /// The protocol versions that are allowed, the older first.
    pub fn protocol_versions(&self) -> &[TlsVersion] {
        self.settings.protocol_versions()
    }

    /// Restricts versions and cipher suites to the profiles of KMIP 2.1 (KMIP Profiles Version 2.1, sections 3.1.1,
    /// 3.1.2 and 3.2): TLS 1.3 with its two mandatory suites, and TLS 1.2 with AES-GCM for ECDSA keys. A server must
    /// speak TLS 1.3. [`with_protocol_versions`](Self::with_protocol_versions) restricts it further.
    ///
    /// The profiles say nothing about the groups for key exchange. So those of the provider stay, in their order: with
    /// `provider::aws_lc_rs`, X25519MLKEM768 is preferred.
    ///
    /// Off by default, because many key servers speak TLS 1.2 with RSA keys. For these, the profiles list only suites
    /// without authenticated encryption, which rustls does not have.
    #[must_use]
    pub fn with_kmip_profile(mut self) -> Self {
        self.settings.restrict_to_kmip_profile(S::ROLE);
        self
    }

    /// Whether versions and cipher suites are restricted to the profiles of KMIP 2.1.
    pub fn kmip_profile(&self) -> bool {
        self.settings.is_kmip_profile()
    }

    /// Sets the clock by which verdicts are made (rule M7). The system's clock by default.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn TimeSource>) -> Self {
        self.settings.clock = clock;
        self
    }

    /// The clock by which verdicts are made.
    pub fn clock(&self) -> &Arc<dyn TimeSource> {
        &self.settings.clock
    }

    /// Sends to `observations` what handshakes show: the peers that were refused, and the peers that were accepted and
    /// proved that they have their key. Not sent anywhere by default. No handshake waits for it (rule S5).
    #[must_use]
    pub fn with_observer(mut self, observations: Observations) -> Self {
        self.settings.sink = ObservationSink::new(observations);
        self
    }

    /// Where it is sent what handshakes show.
    pub fn observer(&self) -> Option<&Observations> {
        self.settings.sink.observations()
    }

    /// A check of open connections by the same trust, policy and clock. It says which peer a connection has, and later
    /// whether the peer is still trusted.
    pub fn peer_check(&self) -> PeerCheck {
        self.settings.peer_check()
    }

    /// The memory of accepted chains that all configurations and checks of this builder and its clones share, if the
    /// policy says so ([`Policy::with_remembered_chains`]). Its statistics say how much it saves.
    pub fn chain_memory(&self) -> ChainMemory {
        self.settings.memory.clone()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }
}
