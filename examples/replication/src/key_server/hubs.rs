//! How publications travel. Each key server that can be the primary serves them by HTTPS, and the others wait there for the
//! next one. It is carried over mutual TLS, and nothing depends on that but its secrecy: what counts is who has signed it.

use std::net::SocketAddr;

use mutual_trust::admin::bundle::Part;
use mutual_trust::{ClientConfigBuilder, LiveTrust, PinScope, ServerConfigBuilder, ServerId};
use mutual_trust::{DurableStore, EntryOptions, Fingerprint};
use mutual_trust_fleet::http::{Connector, Http};
use mutual_trust_fleet::server::{Acceptor, Hub, Listener};

use crate::Outcome;
use crate::machine::{Folder, policy, provider, read_certificate_heard};

/// The key servers among each other: each has an identity of its own for it, and a store with those of the others. An array
/// cannot come in here, and a key server reads no keys of arrays.
pub(crate) struct Peers {
    store: DurableStore,
    pub(crate) server: ServerConfigBuilder,
    pub(crate) client: ClientConfigBuilder,
}

impl Peers {
    pub(crate) fn open(folder: &Folder, name: &str) -> Outcome<Self> {
        let own = folder.identity("node", name)?;
        let store = folder.store("peers")?;
        let trust: LiveTrust = store.live();
        let server = ServerConfigBuilder::new(provider(), trust.clone(), policy(), own.clone());
        let client = ClientConfigBuilder::new(provider(), trust, policy(), own);
        Ok(Self {
            store,
            server,
            client,
        })
    }

    /// Installs another key server of the group, by the fingerprint that was read out at it: as a client of this one, and as
    /// a server.
    pub(crate) fn add(&mut self, id: &ServerId, file: &str, heard: Fingerprint) -> Outcome<()> {
        let certificate = read_certificate_heard(file, heard)?;
        let options = EntryOptions::new().with_label(id.as_str());
        self.store.change(|store| {
            let _ = store.add_server(id.clone(), [])?;
            let scope = PinScope::Server(id.clone());
            let _ = store.install_pin(scope, certificate.clone(), options.clone())?;
            store.install_pin(PinScope::Clients, certificate, options)
        })?;
        Ok(())
    }
}

/// Serves what is published in a folder to all clients that are trusted, until the process ends. The hub also knows what
/// they report.
pub(crate) async fn serve(
    folder: &Folder,
    part: Part,
    address: SocketAddr,
    builder: &ServerConfigBuilder,
) -> Outcome<Hub> {
    let hub = Hub::open(folder.published(part)?)?;
    let listener = Listener::bind(address, Acceptor::new(builder)?.with_http1()).await?;
    let serving = hub.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    Ok(hub)
}

/// The hub of a key server, as a source of publications. It tells of a new one at once.
pub(crate) fn source(
    builder: &ClientConfigBuilder,
    id: &ServerId,
    address: SocketAddr,
) -> Outcome<Http> {
    let connector = Connector::new(builder, id)?;
    Ok(Http::new(&format!("https://{address}"), connector)?)
}
