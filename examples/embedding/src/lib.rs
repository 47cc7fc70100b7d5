//! What the programs share: certificates in memory, and what an administrator would have installed.

use std::error::Error;
use std::sync::Arc;

use mutual_trust::{
    Certificate, ClientConfigBuilder, EntryOptions, Identity, LiveTrust, PinScope, Policy, ServerConfigBuilder,
    ServerId, TrustStore, tls,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::CryptoProvider;

/// What the programs return: any error ends them with a failure.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Fails with `what` unless it holds.
///
/// # Errors
/// It does not hold.
pub fn expect(holds: bool, what: &str) -> Outcome<()> {
    println!("{} {what}", if holds { "ok:" } else { "NOT SO:" });
    if holds { Ok(()) } else { Err(what.into()) }
}

/// A machine: its certificate, to be installed elsewhere, and its identity, which it keeps.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What others install.
    pub certificate: Certificate,
    /// What it presents.
    pub identity: Identity,
}

impl Machine {
    /// A machine with a self-signed end-entity certificate.
    ///
    /// # Errors
    /// The name cannot stand in a certificate.
    pub fn new(name: &str) -> Outcome<Self> {
        let (key, params) = (KeyPair::generate()?, CertificateParams::new([name.to_owned()])?);
        Self::of(&params.self_signed(&key)?, &key)
    }

    fn of(made: &rcgen::Certificate, key: &KeyPair) -> Outcome<Self> {
        let (chain, key) = (made.pem(), key.serialize_pem());
        let identity = Identity::from_pem(chain.as_bytes(), key.as_bytes(), &provider())?;
        Ok(Self { certificate: Certificate::from_pem(chain.as_bytes())?, identity })
    }
}

/// A CA.
#[derive(Debug)]
pub struct Authority {
    /// What others install.
    pub certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A self-signed CA.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> Outcome<Self> {
        let (key, mut params) = (KeyPair::generate()?, CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = Certificate::from_pem(params.self_signed(&key)?.pem().as_bytes())?;
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    /// A machine whose certificate it signs.
    ///
    /// # Errors
    /// The name cannot stand in a certificate.
    pub fn machine(&self, name: &str) -> Outcome<Machine> {
        let (key, params) = (KeyPair::generate()?, CertificateParams::new([name.to_owned()])?);
        Machine::of(&params.signed_by(&key, &self.issuer)?, &key)
    }
}

/// The crypto provider of all programs.
pub fn provider() -> Arc<CryptoProvider> {
    tls::provider::default_provider()
}

/// An empty trust store.
pub fn store() -> TrustStore {
    TrustStore::new(tls::key_policy(&provider()))
}

/// A trust store in which a server with the name `localhost` is pinned.
///
/// # Errors
/// The certificate cannot be a pin.
pub fn pinned(id: &ServerId, server: &Certificate) -> Outcome<TrustStore> {
    let mut store = store();
    store.add_server(id.clone(), ["localhost".parse()?])?;
    store.install_pin(PinScope::Server(id.clone()), server.clone(), EntryOptions::new())?;
    Ok(store)
}

/// A trust store in which a client is pinned, with a label.
///
/// # Errors
/// The certificate cannot be a pin.
pub fn client_pinned(label: &str, client: &Certificate) -> Outcome<TrustStore> {
    let mut store = store();
    store.install_pin(PinScope::Clients, client.clone(), EntryOptions::new().label(label))?;
    Ok(store)
}

/// Configurations of a system.
pub fn client(trust: impl Into<LiveTrust>, us: &Machine) -> ClientConfigBuilder {
    let policy = Policy::new(tls::key_policy(&provider()));
    ClientConfigBuilder::new(provider(), trust, policy, us.identity.clone())
}

/// Configurations of a key server.
pub fn server(trust: impl Into<LiveTrust>, us: &Machine) -> ServerConfigBuilder {
    let policy = Policy::new(tls::key_policy(&provider()));
    ServerConfigBuilder::new(provider(), trust, policy, us.identity.clone())
}
