//! rustls 0.23 configurations for both ends that enforce the verdict.
//!
//! A client that connects to one key server, whose certificate an administrator installed:
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
//! # mod example {
//! use std::{error::Error, sync::Arc};
//!
//! use mutual_trust::{Certificate, ClientConfigBuilder, EntryOptions, Identity, PinScope, Policy, ServerId, TrustStore, tls};
//! use rustls::ClientConnection;
//!
//! fn connect(theirs: Certificate) -> Result<ClientConnection, Box<dyn Error>> {
//!     let provider = tls::provider::default_provider();
//!     let keys = tls::key_policy(&provider);
//!     let ours = Identity::from_files("array.pem", "array.key", &provider)?;
//!
//!     let server: ServerId = "keys-1".parse()?;
//!     let mut store = TrustStore::new(keys);
//!     store.add_server(server.clone(), [])?;
//!     store.install_pin(PinScope::Server(server.clone()), theirs, EntryOptions::new())?;
//!
//!     let builder = ClientConfigBuilder::new(provider, store.snapshot(), Policy::new(keys), ours);
//!     let config = builder.build_for(&server)?; // a plain `rustls::ClientConfig`
//!     Ok(ClientConnection::new(Arc::new(config), "kms1.example".try_into()?)?)
//! }
//! # }
//! ```
//!
//! - [`ClientConfigBuilder`] and [`ServerConfigBuilder`] build the configurations. [`ClientConfigs`] caches one for
//!   each server.
//! - [`Identity`] is our own certificate chain and key. [`Identities`] replaces it while the program runs, and
//!   [`FollowedIdentity`] takes it from files that another program replaces.
//! - [`refusal`] finds our verdict inside the error of a failed handshake. [`refused_by_peer`] finds the alert of the peer
//!   that refused us. [`attempt_outcome`] tells the two and a failure apart for [`failover`](crate::failover).
//! - [`PeerCheck`] says who the peer of an open connection is, and whether it is still trusted.
#![cfg_attr(
    feature = "enrol",
    doc = "- [`EnrolmentAcceptor`] and [`Probe`] let an administrator look at peers that are not installed yet."
)]
//! - [`provider`] has ready crypto providers, and [`key_policy`] is the way to the key policy of any provider.
//!
//! The builders switch off what would bypass the verdict: sessions are never resumed (rule S2), no early or half-RTT data
//! is sent, keys are not logged, no CA names are sent, and no process-default provider is read.

mod builder;
#[cfg(feature = "bundle")]
mod bundle;
mod client;
mod configs;
#[cfg(feature = "enrol")]
mod enrol;
pub(crate) mod error;
#[cfg(feature = "admin")]
mod folder;
mod followed;
#[cfg(all(feature = "admin", feature = "metrics"))]
mod gauges;
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
mod trace;
mod verifier;
mod version;

pub use builder::{ConfigBuilder, ConfigSide};
#[cfg(feature = "bundle")]
pub use bundle::bundle_signer;
pub use client::ClientConfigBuilder;
pub use configs::ClientConfigs;
#[cfg(feature = "enrol")]
pub use enrol::EnrolmentAcceptor;
#[cfg(feature = "admin")]
pub use folder::{IdentityFolder, IdentityState, RotationPhase, ServerRotation};
#[cfg(feature = "admin")]
#[cfg(all(feature = "issue", unix, any(feature = "aws-lc-rs", feature = "ring")))]
pub use folder::{Renewal, RenewalOutcome};
pub use followed::FollowedIdentity;
pub use identity::{Identity, KeyMatch};
#[cfg(feature = "issue")]
pub use issue::SigningKeyPair;
pub use peer::PeerCheck;
#[cfg(feature = "enrol")]
pub use probe::{Probe, ProbeResult, probe_result_from};
pub use refusal::{attempt_outcome, refusal, refused_by_peer};
pub use resolver::{ClientAuthFailures, NoCommonSignatureScheme};
pub use rotation::Identities;
pub use server::ServerConfigBuilder;
pub use version::TlsVersion;

use rustls::crypto::CryptoProvider;

use crate::certificate::KeyPolicy;

/// The key policy of a crypto provider: the keys whose signatures it verifies, with RSA from 2048 bits.
///
/// Give the same policy to the trust store and to the [`Policy`](crate::policy::Policy). [`KeyPolicy::new`] is for
/// programs without rustls.
pub fn key_policy(provider: &CryptoProvider) -> KeyPolicy {
    KeyPolicy::new(provider.signature_verification_algorithms.all)
}
