//! Thin adapters to rustls 0.23: configurations for both ends that enforce the verdict, and nothing else.
//!
//! Both builders switch off what would pass by the verdict: sessions are never resumed (rule S2), no early or
//! half-RTT data is sent, keys are not logged, no CA names are sent, and no process-default provider is read.

mod builder;
mod client;
mod configs;
#[cfg(feature = "enrol")]
mod enrol;
pub(crate) mod error;
mod identity;
#[cfg(feature = "issue")]
mod issue;
mod judge;
mod kmip;
mod peer;
#[cfg(feature = "enrol")]
mod probe;
pub mod provider;
mod refusal;
mod resolver;
mod rotation;
mod server;
mod settings;
mod signature;
mod sink;
mod verifier;

pub use builder::{ConfigBuilder, ConfigSide};
pub use client::ClientConfigBuilder;
pub use configs::Links;
#[cfg(feature = "enrol")]
pub use enrol::EnrolmentAcceptor;
pub use identity::{Identity, KeyMatch};
#[cfg(feature = "issue")]
pub use issue::OwnKey;
pub use peer::PeerCheck;
#[cfg(feature = "enrol")]
pub use probe::{Probe, Probed, probe_result_from};
pub use refusal::refusal;
pub use resolver::{NoCommonSignatureScheme, UnsentCertificates};
pub use rotation::Identities;
pub use server::ServerConfigBuilder;
pub use settings::TlsVersion;

use rustls::crypto::CryptoProvider;

use crate::certificate::KeyPolicy;

impl KeyPolicy {
    /// The key policy of a crypto provider: the keys that it verifies, with RSA from 2048 bits. The usual way to one.
    pub fn from_provider(provider: &CryptoProvider) -> Self {
        Self::new(provider.signature_verification_algorithms.all)
    }
}

/// [`KeyPolicy::from_provider`] under its earlier name.
#[doc(hidden)]
pub fn key_policy(provider: &CryptoProvider) -> KeyPolicy {
    KeyPolicy::from_provider(provider)
}
