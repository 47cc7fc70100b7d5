//! What the programs share: certificates in memory, and what an administrator would have installed.

#![expect(
    clippy::exhaustive_structs,
    reason = "the programs beside it alone use it"
)]

pub mod page;

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::{
    Certificate, ClientConfigBuilder, EntryOptions, Identity, LiveTrust, PinScope, Policy,
    ServerConfigBuilder, ServerId, TrustStore, tls,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, ClientConnection, ServerConnection, StreamOwned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream as TokioTcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

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
        let (key, params) = (KeyPair::generate()?, named(name)?);
        Self::of(&params.self_signed(&key)?, &key)
    }

    fn of(made: &rcgen::Certificate, key: &KeyPair) -> Outcome<Self> {
        let (chain, key) = (made.pem(), key.serialize_pem());
        let identity = Identity::from_pem(chain.as_bytes(), key.as_bytes(), &provider())?;
        Ok(Self {
            certificate: Certificate::from_pem(chain.as_bytes())?,
            identity,
        })
    }
}

fn named(name: &str) -> Outcome<CertificateParams> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
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
        let (key, params) = (KeyPair::generate()?, ca("root CA"));
        let made = params.self_signed(&key)?;
        Self::of(&made, params, key)
    }

    /// A CA whose certificate it signs.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn intermediate(&self) -> Outcome<Self> {
        let (key, params) = (KeyPair::generate()?, ca("issuing CA"));
        let made = params.signed_by(&key, &self.issuer)?;
        Self::of(&made, params, key)
    }

    fn of(made: &rcgen::Certificate, params: CertificateParams, key: KeyPair) -> Outcome<Self> {
        Ok(Self {
            certificate: Certificate::from_pem(made.pem().as_bytes())?,
            issuer: Issuer::new(params, key),
        })
    }

    /// A machine whose certificate it signs.
    ///
    /// # Errors
    /// The name cannot stand in a certificate.
    pub fn machine(&self, name: &str) -> Outcome<Machine> {
        let (key, params) = (KeyPair::generate()?, named(name)?);
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
    store.install_pin(
        PinScope::Server(id.clone()),
        server.clone(),
        EntryOptions::new(),
    )?;
    Ok(store)
}

/// A trust store in which a client is pinned, with a label.
///
/// # Errors
/// The certificate cannot be a pin.
pub fn client_pinned(label: &str, client: &Certificate) -> Outcome<TrustStore> {
    let mut store = store();
    store.install_pin(
        PinScope::Clients,
        client.clone(),
        EntryOptions::new().with_label(label),
    )?;
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

/// A key server that answers each byte with one, on threads of its own; the first `short` connections end after the
/// first answer.
///
/// # Errors
/// The configuration cannot be built.
pub fn answer_bytes(
    listener: TcpListener,
    builder: &ServerConfigBuilder,
    short: usize,
) -> Outcome<()> {
    let config = Arc::new(builder.build()?);
    std::thread::spawn(move || {
        for (index, tcp) in listener.incoming().flatten().enumerate() {
            let Ok(connection) = ServerConnection::new(config.clone()) else {
                continue;
            };
            let mut link = StreamOwned::new(connection, tcp);
            std::thread::spawn(move || {
                while link.read_exact(&mut [0; 1]).is_ok()
                    && link.write_all(b"!").is_ok()
                    && index >= short
                {}
            });
        }
    });
    Ok(())
}

/// A connection to a server.
pub type Link = StreamOwned<ClientConnection, TcpStream>;

/// Connects to a port of this machine. The handshake runs with the first write or read.
///
/// # Errors
/// The connection is refused.
pub fn dial(config: Arc<ClientConfig>, port: u16) -> Outcome<Link> {
    let tcp = TcpStream::connect(("127.0.0.1", port))?;
    tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    let connection = ClientConnection::new(config, "localhost".try_into()?)?;
    Ok(StreamOwned::new(connection, tcp))
}

/// Asks a server, and waits for its answer. Only an answer shows that the server has accepted us, too.
///
/// # Errors
/// The handshake failed, the server refused us, or the connection ended.
pub fn ask(link: &mut Link) -> Outcome<()> {
    link.write_all(b"?")?;
    Ok(link.read_exact(&mut [0; 1])?)
}

/// Connects to a port of this machine on a tokio runtime.
///
/// # Errors
/// The connection or the handshake failed.
pub async fn tokio_dial(config: ClientConfig, port: u16) -> Outcome<TlsStream<TokioTcpStream>> {
    let tcp = TokioTcpStream::connect(("127.0.0.1", port)).await?;
    let connector = TlsConnector::from(Arc::new(config));
    Ok(connector.connect("localhost".try_into()?, tcp).await?)
}

/// A link to a key server that has answered a byte. In TLS 1.3, a refusal of ours arrives with the first read only.
///
/// # Errors
/// The connection or the handshake failed, or the server refused us.
pub async fn tokio_link(
    key_server: &Machine,
    us: &Machine,
    port: u16,
) -> Outcome<TlsStream<TokioTcpStream>> {
    let id = "keys-1".parse()?;
    let trust = pinned(&id, &key_server.certificate)?.snapshot();
    let mut link = tokio_dial(client(trust, us).build_for(&id)?, port).await?;
    let answered = tokio_ping(&mut link).await;
    answered.then_some(link).ok_or("no answer".into())
}

/// Whether a link still answers a byte.
pub async fn tokio_ping(link: &mut TlsStream<TokioTcpStream>) -> bool {
    link.write_all(b"?").await.is_ok() && link.read_exact(&mut [0; 1]).await.is_ok()
}

/// A new folder for temporary files, which is removed when this is dropped.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// Makes the folder.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub fn new(name: &str) -> Outcome<Self> {
        let folder = format!("mutual-trust-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Four key servers that answer bytes, with what a system has installed of them. The first drops its first
/// connection; the second presents another certificate than the one that is installed.
#[derive(Debug)]
pub struct Four {
    /// Their pins.
    pub installed: TrustStore,
    /// The two primaries and the two secondaries of the second, in the order in which they are asked.
    pub order: Vec<ServerId>,
    /// Who they are, and where.
    pub servers: Vec<(ServerId, u16)>,
    /// What the second presents.
    pub not_installed: Certificate,
}

/// Starts four key servers that know a system.
///
/// # Errors
/// There is no free port.
pub fn four(system: &Machine) -> Outcome<Four> {
    let not_installed = Machine::new("keys-2")?;
    let (mut installed, mut servers) = (store(), Vec::new());
    for name in ["keys-1", "keys-2", "keys-3", "keys-4"] {
        let (id, machine): (ServerId, _) = (name.parse()?, Machine::new(name)?);
        let presents = if name == "keys-2" {
            &not_installed
        } else {
            &machine
        };
        installed.add_server(id.clone(), [])?;
        let known = machine.certificate.clone();
        installed.install_pin(PinScope::Server(id.clone()), known, EntryOptions::new())?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        servers.push((id, listener.local_addr()?.port()));
        let trust = client_pinned("array-7", &system.certificate)?.snapshot();
        let builder = server(trust, presents);
        answer_bytes(listener, &builder, usize::from(name == "keys-1"))?;
    }
    let [one, two, three, four]: [ServerId; 4] = [
        "keys-1".parse()?,
        "keys-2".parse()?,
        "keys-3".parse()?,
        "keys-4".parse()?,
    ];
    installed.set_server_order([two, one.clone()])?;
    installed.set_secondaries(&one, [three, four])?;
    let order = installed.contents().servers_in_order().into_iter();
    let order = order.map(|server| server.id().clone()).collect();
    Ok(Four {
        order,
        installed,
        servers,
        not_installed: not_installed.certificate,
    })
}
