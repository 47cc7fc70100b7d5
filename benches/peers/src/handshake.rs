//! Mutual handshakes in memory, with three ways to check certificates: ours, none at all, and plain rustls.

use std::sync::Arc;

use mutual_trust::certificate::SystemClock;
use mutual_trust::{
    AuthorityScope, Certificate, ClientConfigBuilder, EntryOptions, Identity, LiveTrust, PinScope,
    ServerConfigBuilder, TlsVersion, TrustStore,
};
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SignatureAlgorithm,
};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, DigitallySignedStruct, DistinguishedName,
    Error, RootCertStore, ServerConfig, ServerConnection, SideData, SignatureScheme,
};

use crate::World;

/// What a machine presents, in PEM: its chain and its key.
struct Machine {
    chain: String,
    key: String,
}

/// Two machines, and what each must have installed of the other: a self-signed certificate or a CA.
pub struct Pair {
    system: Machine,
    server: Machine,
    /// What is installed for the system and for the server.
    installed: [Vec<u8>; 2],
    by_ca: bool,
}

/// The configurations of both ends.
pub struct Ends {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    name: ServerName<'static>,
}

fn params(world: &World, name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    params.is_ca = IsCa::ExplicitNoCa;
    let dialled = world.name.to_string().try_into().unwrap();
    params.subject_alt_names = vec![SanType::DnsName(dialled)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Pair {
    /// Both with self-signed certificates.
    pub fn pinned(world: &World, algorithm: &'static SignatureAlgorithm) -> Self {
        let made = ["system", "server"].map(|name| {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate = params(world, name).self_signed(&key).unwrap();
            let machine = Machine {
                chain: certificate.pem(),
                key: key.serialize_pem(),
            };
            (machine, certificate.der().to_vec())
        });
        let [(system, one), (server, other)] = made;
        Self {
            system,
            server,
            installed: [one, other],
            by_ca: false,
        }
    }

    /// Both with a certificate of a CA below the root that is installed, and that CA's certificate.
    pub fn by_ca(world: &World, algorithm: &'static SignatureAlgorithm) -> Self {
        let key = || KeyPair::generate_for(algorithm).unwrap();
        let (root, root_key) = (ca("Root"), key());
        let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
        let (below, below_key) = (ca("Issuing"), key());
        let below_pem = below
            .signed_by(&below_key, &Issuer::from_params(&root, &root_key))
            .unwrap()
            .pem();
        let issuer = Issuer::from_params(&below, &below_key);
        let [system, server] = ["system", "server"].map(|name| {
            let key = key();
            let leaf = params(world, name).signed_by(&key, &issuer).unwrap().pem();
            Machine {
                chain: leaf + &below_pem,
                key: key.serialize_pem(),
            }
        });
        Self {
            system,
            server,
            installed: [root_der.clone(), root_der],
            by_ca: true,
        }
    }

    /// What is installed for the server.
    pub fn installed_server(&self) -> &[u8] {
        &self.installed[1]
    }

    fn stores(&self, world: &World) -> [TrustStore; 2] {
        let read = |der: &Vec<u8>| Certificate::from_der(der).unwrap();
        let [system, server] = self.installed.each_ref().map(read);
        // By the time that rustls judges by.
        let store = || world.store().with_clock(Arc::new(SystemClock::new()));
        let (mut at_system, mut at_server) = (store(), store());
        let options = EntryOptions::new;
        if self.by_ca {
            at_system
                .install_authority(AuthorityScope::AnyServer, server, options())
                .unwrap();
            at_server
                .install_authority(AuthorityScope::Clients, system, options())
                .unwrap();
        } else {
            let scope = PinScope::Server(world.id.clone());
            at_system.install_pin(scope, server, options()).unwrap();
            at_server
                .install_pin(PinScope::Clients, system, options())
                .unwrap();
        }
        [at_system, at_server]
    }

    /// With our verifiers; and what both ends follow, with their stores.
    pub fn ours(&self, world: &World, version: TlsVersion) -> (Ends, [(LiveTrust, TrustStore); 2]) {
        let provider = &world.provider;
        let identity = |machine: &Machine| {
            Identity::from_pem(machine.chain.as_bytes(), machine.key.as_bytes(), provider).unwrap()
        };
        let policy = world.policy;
        let [system, server] = self
            .stores(world)
            .map(|mut store| (LiveTrust::new(store.snapshot()), store));
        let client = ClientConfigBuilder::new(
            provider.clone(),
            system.0.clone(),
            policy,
            identity(&self.system),
        )
        .versions(&[version])
        .build_for(&world.id)
        .unwrap();
        let own = ServerConfigBuilder::new(
            provider.clone(),
            server.0.clone(),
            policy,
            identity(&self.server),
        )
        .versions(&[version])
        .build()
        .unwrap();
        let name = world.name.to_server_name().unwrap();
        let ends = Ends {
            client,
            server: own,
            name,
        };
        (ends, [system, server])
    }

    /// The same with verifiers that look at no certificate, only at the handshake signature.
    pub fn unchecked(&self, world: &World, version: TlsVersion) -> Ends {
        let ours = self.ours(world, version).0;
        let verifier = Arc::new(Unchecked(world.provider.clone()));
        let mut client = (*ours.client).clone();
        client
            .dangerous()
            .set_certificate_verifier(verifier.clone());
        let mut server = ServerConfig::builder_with_provider(world.provider.clone())
            .with_protocol_versions(&[rustls_version(version)])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(ours.server.cert_resolver.clone());
        without_sessions(&mut server);
        Ends {
            client: Arc::new(client),
            server: Arc::new(server),
            name: ours.name,
        }
    }

    /// rustls alone: `RootCertStore` and the verifiers that it brings.
    pub fn plain(&self, world: &World, version: TlsVersion) -> Ends {
        let [for_system, for_server] = self.installed.each_ref().map(|der| {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(der.clone())).unwrap();
            Arc::new(roots)
        });
        let own = |machine: &Machine| {
            let chain = CertificateDer::pem_slice_iter(machine.chain.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(machine.key.as_bytes()).unwrap();
            (chain.map(Result::unwrap).collect::<Vec<_>>(), key)
        };
        let (chain, key) = own(&self.system);
        let mut client = ClientConfig::builder_with_provider(world.provider.clone())
            .with_protocol_versions(&[rustls_version(version)])
            .unwrap()
            .with_root_certificates(for_server)
            .with_client_auth_cert(chain, key)
            .unwrap();
        client.resumption = Resumption::disabled();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(for_system, world.provider.clone());
        let (chain, key) = own(&self.server);
        let mut server = ServerConfig::builder_with_provider(world.provider.clone())
            .with_protocol_versions(&[rustls_version(version)])
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(chain, key)
            .unwrap();
        without_sessions(&mut server);
        Ends {
            client: Arc::new(client),
            server: Arc::new(server),
            name: world.name.to_server_name().unwrap(),
        }
    }
}

fn rustls_version(version: TlsVersion) -> &'static rustls::SupportedProtocolVersion {
    if version == TlsVersion::Tls12 {
        &rustls::version::TLS12
    } else {
        &rustls::version::TLS13
    }
}

fn without_sessions(server: &mut ServerConfig) {
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
}

impl Ends {
    /// One handshake, to the end of both ends.
    pub fn shake(&self) {
        let mut client = ClientConnection::new(self.client.clone(), self.name.clone()).unwrap();
        let mut server = ServerConnection::new(self.server.clone()).unwrap();
        let mut wire = Vec::with_capacity(8192);
        while client.is_handshaking() || server.is_handshaking() {
            pass(&mut client, &mut server, &mut wire);
            pass(&mut server, &mut client, &mut wire);
        }
    }
}

fn pass<A: SideData, B: SideData>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
    wire: &mut Vec<u8>,
) {
    wire.clear();
    while from.wants_write() {
        from.write_tls(wire).unwrap();
    }
    let mut rest = wire.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets().unwrap();
    }
}

/// Takes every certificate.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl Unchecked {
    fn schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }

    fn tls12(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, der, signed, algorithms)
    }

    fn tls13(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, der, signed, algorithms)
    }
}

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls12(message, der, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, der, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Unchecked {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls12(message, der, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, der, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}
