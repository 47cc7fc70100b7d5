//! The settings of a builder, and what they become in rustls.

use core::fmt;
use std::sync::Arc;

use pki_types::UnixTime;
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::time_provider::TimeProvider;

use super::sink::ObservationSink;
use super::version::TlsVersion;
use super::{ClientAuthFailures, Identities, PeerCheck, kmip};
use crate::certificate::{CurrentTime, Role, SystemClock, TimeSource};
use crate::identity::signs_with_ml_dsa;
use crate::policy::{ChainMemory, Policy};
use crate::store::LiveTrust;
use crate::tls::error::ConfigError;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) trust: LiveTrust,
    /// The policy, with the accepted chains that all configurations share.
    pub(super) memory: ChainMemory,
    pub(super) identities: Identities,
    pub(super) unsent: ClientAuthFailures,
    pub(super) alpn_protocols: Vec<Vec<u8>>,
    versions: Vec<TlsVersion>,
    /// Our role, if the profiles of KMIP apply.
    kmip: Option<Role>,
    pub(super) clock: Arc<dyn TimeSource>,
    pub(super) sink: ObservationSink,
}

impl Settings {
    pub(super) fn new(
        provider: Arc<CryptoProvider>,
        trust: LiveTrust,
        policy: Policy,
        identities: Identities,
    ) -> Self {
        Self {
            provider,
            trust,
            memory: ChainMemory::new(policy),
            identities,
            unsent: ClientAuthFailures::default(),
            alpn_protocols: Vec::new(),
            // Both: key servers in service speak 1.2, and 1.3 is chosen where both ends have it.
            versions: vec![TlsVersion::Tls13, TlsVersion::Tls12],
            kmip: None,
            clock: Arc::new(SystemClock::new()),
            sink: ObservationSink::default(),
        }
    }

    pub(super) fn set_protocol_versions(&mut self, versions: &[TlsVersion]) {
        versions.clone_into(&mut self.versions);
        self.versions.sort_unstable();
        self.versions.dedup();
    }

    pub(super) fn protocol_versions(&self) -> &[TlsVersion] {
        &self.versions
    }

    pub(super) fn restrict_to_kmip_profile(&mut self, ours: Role) {
        self.provider = kmip::narrowed(&self.provider);
        self.kmip = Some(ours);
    }

    pub(super) fn is_kmip_profile(&self) -> bool {
        self.kmip.is_some()
    }

    pub(super) fn peer_check(&self) -> PeerCheck {
        PeerCheck::new(self.trust.clone(), self.memory.clone(), self.clock.clone())
    }

    pub(super) fn rustls_versions(
        &self,
    ) -> Result<Vec<&'static SupportedProtocolVersion>, ConfigError> {
        if self.versions.is_empty() {
            return Err(ConfigError::NoVersion);
        }
        if let Some(ours) = self.kmip {
            kmip::check(ours, &self.provider, &self.versions)?;
        }
        let versions = self.versions.iter().map(|version| match version {
            TlsVersion::Tls12 => &rustls::version::TLS12,
            TlsVersion::Tls13 => &rustls::version::TLS13,
        });
        Ok(versions.collect())
    }

    /// Refuses at build time what would fail in a handshake.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let schemes = self
            .provider
            .signature_verification_algorithms
            .supported_schemes();
        let keys = super::key_policy(&self.provider);
        // The next identity as well, because it is presented without another check.
        let current = self.identities.current();
        for identity in self.identities.next().into_iter().chain([current]) {
            if !identity.signs_with(&schemes) {
                return Err(ConfigError::IdentityUnusable);
            }
            // Otherwise rustls says that no cipher suite is in common, or sends an empty certificate.
            if self.versions == [TlsVersion::Tls12] && signs_with_ml_dsa(identity.certificate()) {
                return Err(ConfigError::IdentityOnlyTls13);
            }
            identity.check_chain(&keys)?;
        }
        self.check_protocols()
    }

    pub(super) fn check_protocols(&self) -> Result<(), ConfigError> {
        let fits = |protocol: &Vec<u8>| (1..=255).contains(&protocol.len());
        if !self.alpn_protocols.iter().all(fits) {
            return Err(ConfigError::Alpn);
        }
        Ok(())
    }

    pub(super) fn time_provider(&self) -> Arc<dyn TimeProvider> {
        Arc::new(HandshakeTime(self.clock.clone()))
    }
}

/// rustls ends a handshake when it cannot get the time, even if nothing uses it. Our verdicts read their clock
/// themselves. So a machine without a clock gets a constant here.
struct HandshakeTime(Arc<dyn TimeSource>);

impl TimeProvider for HandshakeTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(match self.0.now() {
            CurrentTime::Known(now) => now,
            CurrentTime::Unset => UnixTime::since_unix_epoch(core::time::Duration::ZERO),
        })
    }
}

impl fmt::Debug for HandshakeTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandshakeTime")
    }
}

pub(super) fn refused_by_rustls(error: rustls::Error) -> ConfigError {
    ConfigError::Rustls(error.to_string())
}
