//! Peers that use rustls without this crate, among them attackers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mutual_trust::certificate::Certificate;
use pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ProducesTickets, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, NamedGroup, ServerConfig, SignatureScheme};

pub use super::accept_all::AcceptAll;
use super::link::Setting;
use super::pki::Made;
use super::{NOW, at, fixture, fixture_key};

/// What a peer presents, and the key with which it signs. The key may be that of another certificate.
#[derive(Clone)]
pub struct Credential {
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS#8.
    pub key: Vec<u8>,
}

impl Credential {
    pub fn of(made: &Made, issuers: &[&Made]) -> Self {
        let mut chain = vec![made.certificate.der().to_vec().into()];
        chain.extend(
            issuers
                .iter()
                .map(|issuer| issuer.certificate.der().to_vec().into()),
        );
        let key = made.key.serialized_der().to_vec();
        Self { chain, key }
    }

    /// A fixture, with the key `keys/<key>.key.pem`.
    pub fn fixture(name: &str, key: &str) -> Self {
        let key = pem_body(&fixture_key(key));
        let chain = vec![fixture(name).der().to_vec().into()];
        Self { chain, key }
    }

    /// Presents `certificate` after the others.
    pub fn and(mut self, certificate: &Certificate) -> Self {
        self.chain.push(certificate.der().to_vec().into());
        self
    }

    /// Presents these bytes instead of the end entity.
    pub fn presenting(mut self, der: Vec<u8>) -> Self {
        self.chain[0] = CertificateDer::from(der);
        self
    }

    /// Signs with the key of another certificate.
    pub fn signing_as(mut self, other: &Self) -> Self {
        self.key.clone_from(&other.key);
        self
    }

    pub fn certified(&self, provider: &CryptoProvider) -> CertifiedKey {
        CertifiedKey::new(self.chain.clone(), load(&self.key, provider))
    }

    pub fn resolver(&self, provider: &CryptoProvider) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(self.certified(provider)))
    }
}

pub fn load(pkcs8: &[u8], provider: &CryptoProvider) -> Arc<dyn SigningKey> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
    provider.key_provider.load_private_key(key).unwrap()
}

fn pem_body(pem: &[u8]) -> Vec<u8> {
    use pki_types::pem::PemObject;
    let key = PrivatePkcs8KeyDer::from_pem_slice(pem).unwrap();
    key.secret_pkcs8_der().to_vec()
}

/// A resolver that always presents the same certificates.
#[derive(Debug)]
pub struct Always(pub Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[derive(Debug)]
pub struct FixedTime(pub u64);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(at(self.0))
    }
}

impl AcceptAll {
    pub fn new(provider: &CryptoProvider) -> Arc<Self> {
        let algorithms = &provider.signature_verification_algorithms;
        Self::offering(algorithms.supported_schemes())
    }
}

impl Setting {
    /// A server that presents `resolver`'s certificate and accepts every client.
    pub fn plain_server(&self, resolver: Arc<dyn ResolvesServerCert>) -> ServerConfig {
        self.plain_server_verifying(AcceptAll::new(&self.provider), resolver)
    }

    pub fn plain_server_verifying(
        &self,
        verifier: Arc<dyn ClientCertVerifier>,
        resolver: Arc<dyn ResolvesServerCert>,
    ) -> ServerConfig {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[self.rustls_version()])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(resolver);
        config.time_provider = Arc::new(FixedTime(NOW));
        config
    }

    /// A client that presents `resolver`'s certificate and accepts every server.
    pub fn plain_client(&self, resolver: Arc<dyn ResolvesClientCert>) -> ClientConfig {
        self.plain_client_verifying(AcceptAll::new(&self.provider), resolver)
    }

    pub fn plain_client_verifying(
        &self,
        verifier: Arc<dyn ServerCertVerifier>,
        resolver: Arc<dyn ResolvesClientCert>,
    ) -> ClientConfig {
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[self.rustls_version()])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(resolver);
        config.time_provider = Arc::new(FixedTime(NOW));
        config
    }

    /// A server with `credential`, accepting every client.
    pub fn server_of(&self, credential: &Credential) -> Arc<ServerConfig> {
        Arc::new(self.plain_server(credential.resolver(&self.provider)))
    }

    /// A client with `credential`, accepting every server.
    pub fn client_of(&self, credential: &Credential) -> Arc<ClientConfig> {
        Arc::new(self.plain_client(credential.resolver(&self.provider)))
    }
}

/// The session store of a client. It keeps what rustls keeps by default, and counts it.
#[derive(Debug)]
pub struct Sessions {
    kept: ClientSessionMemoryCache,
    stored: AtomicUsize,
}

impl Sessions {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            kept: ClientSessionMemoryCache::new(32),
            stored: AtomicUsize::new(0),
        })
    }

    pub fn count(&self) -> usize {
        self.stored.load(Ordering::SeqCst)
    }

    fn note(&self) {
        self.stored.fetch_add(1, Ordering::SeqCst);
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.kept.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept.kx_hint(name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.note();
        self.kept.set_tls12_session(name, value);
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept.tls12_session(name)
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.kept.remove_tls12_session(name);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.note();
        self.kept.insert_tls13_ticket(name, value);
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept.take_tls13_ticket(name)
    }
}

impl Setting {
    /// The ticketer that the provider offers. A plain server needs it to resume sessions by tickets.
    pub fn ticketer(&self) -> Arc<dyn ProducesTickets> {
        #[cfg(feature = "aws-lc-rs")]
        if self.name.starts_with("aws-lc-rs") {
            return rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
        }
        #[cfg(feature = "ring")]
        if self.name.starts_with("ring") {
            return rustls::crypto::ring::Ticketer::new().unwrap();
        }
        panic!("{}", self.name)
    }
}

/// Lets a server keep sessions in every way that rustls has, or only without tickets.
pub fn keep_sessions(config: &mut ServerConfig, ticketer: Option<Arc<dyn ProducesTickets>>) {
    config.session_storage = ServerSessionMemoryCache::new(32);
    config.send_tls13_tickets = 4;
    if let Some(ticketer) = ticketer {
        config.ticketer = ticketer;
    }
}
