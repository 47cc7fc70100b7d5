//! Our ends of a link: what is installed for a slot, and what came of a connection.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::tls::{self, ServerConfigBuilder, TlsVersion};
use mutual_trust::{
    AuthorityScope, Certificate, ClientConfigBuilder, EntryOptions, GroupId, Identity, KeyPolicy,
    LiveTrust, PeerCheck, PinScope, Policy, ReasonCode, Rule, ServerId, TrustStore,
};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ServerConfig, ServerConnection, StreamOwned,
};

use crate::cells::Slot;
use crate::process::PATIENCE;
use crate::shapes::{Shape, Shapes};

/// The servers of our system, each with the name `<id>.example`.
pub const SERVERS: [&str; 3] = ["keys-1", "keys-2", "keys-3"];

/// What our end says of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ours {
    /// It works: the code of the verdict.
    Linked(ReasonCode),
    /// We refused the peer: the code of the verdict and the rule that decided.
    Refused(ReasonCode, Rule),
    /// The peer ended it, or the two have nothing in common: whether that came after our handshake, with an alert.
    Peer {
        after_handshake: bool,
        alert: bool,
        text: String,
    },
}

/// What all links have in common.
pub struct Ground {
    pub shapes: Shapes,
    pub ours: Identity,
    pub unknown: Identity,
    keys: KeyPolicy,
}

impl Ground {
    pub fn new(shapes: Shapes) -> Self {
        let provider = tls::provider::default_provider();
        let identity = |folder: PathBuf| {
            Identity::from_files(folder.join("full.pem"), folder.join("key.pem"), &provider)
                .unwrap()
        };
        Self {
            ours: identity(shapes.ours()),
            unknown: identity(shapes.unknown()),
            keys: tls::key_policy(&provider),
            shapes,
        }
    }

    /// What an administrator installs for a slot, of a peer that presents `shape`.
    pub fn store(&self, slot: Slot, shape: Shape) -> TrustStore {
        let mut store = TrustStore::new(self.keys);
        self.install(&mut store, slot, shape);
        store
    }

    /// The same in a folder, for a program of its own.
    pub fn folder(&self, folder: &Path, slot: Slot, shape: Shape) {
        fs::create_dir_all(folder).unwrap();
        let settings = DurableSettings::new(self.keys);
        let mut store = DurableStore::create(folder, settings).unwrap();
        let change = store.change(|store| {
            self.install(store, slot, shape);
            Ok(())
        });
        change.unwrap();
    }

    fn install(&self, store: &mut TrustStore, slot: Slot, shape: Shape) {
        let group: GroupId = "cluster".parse().unwrap();
        store.add_group(group.clone()).unwrap();
        for id in SERVERS {
            let name = format!("{id}.example").parse().unwrap();
            store.add_server(id.parse().unwrap(), [name]).unwrap();
            store.join_group(&group, &id.parse().unwrap()).unwrap();
        }
        let keys_1: ServerId = SERVERS[0].parse().unwrap();
        let presented = read(&self.shapes.folder(shape).join("leaf.pem"));
        let signer = || read(&self.shapes.signer());
        let issuer = match shape {
            Shape::ExpiredCa => read(&self.shapes.expired_ca()),
            _ => read(&self.shapes.site_ca()),
        };
        // Go's is for servers alone: an administrator who wants it as a client's says so (rule I6).
        let mut client = EntryOptions::new().with_label("peer");
        if shape == Shape::Go {
            client = client.with_any_role();
        }
        let pattern = |text: &str| EntryOptions::new().with_san_patterns([text.parse().unwrap()]);
        let none = EntryOptions::new;
        let pins: Vec<(PinScope, Certificate, EntryOptions)> = match slot {
            Slot::ServerPin => vec![(PinScope::Server(keys_1.clone()), presented.clone(), none())],
            Slot::GroupPin => vec![(PinScope::Group(group), presented.clone(), none())],
            Slot::OtherPin => vec![(PinScope::Server(keys_1.clone()), signer(), none())],
            Slot::ClientsPin => vec![(PinScope::Clients, presented.clone(), client)],
            Slot::ClientsOtherPin => vec![(PinScope::Clients, signer(), none())],
            _ => vec![],
        };
        for (scope, certificate, options) in pins {
            store.install_pin(scope, certificate, options).unwrap();
        }
        let authorities = match slot {
            Slot::AnyServer | Slot::OtherPin => vec![(AuthorityScope::AnyServer, issuer, none())],
            Slot::OwnAuthority => vec![(AuthorityScope::Server(keys_1), issuer, none())],
            Slot::ItselfAuthority => vec![(AuthorityScope::AnyServer, presented, none())],
            Slot::ClientsAuthority => vec![(
                AuthorityScope::Clients,
                issuer,
                pattern("dns:*.systems.example"),
            )],
            Slot::ClientsOtherPattern => vec![(
                AuthorityScope::Clients,
                issuer,
                pattern("dns:*.arrays.example"),
            )],
            _ => vec![],
        };
        if !authorities.is_empty() && shape == Shape::CaIncomplete {
            store
                .install_intermediate(read(&self.shapes.intermediate()), none())
                .unwrap();
        }
        for (scope, certificate, options) in authorities {
            store
                .install_authority(scope, certificate, options)
                .unwrap();
        }
    }

    pub fn client(
        &self,
        trust: impl Into<LiveTrust>,
        identity: &Identity,
        version: TlsVersion,
    ) -> ClientConfigBuilder {
        let provider = tls::provider::default_provider();
        ClientConfigBuilder::new(provider, trust, Policy::new(self.keys), identity.clone())
            .with_protocol_versions(&[version])
    }

    pub fn server(
        &self,
        trust: impl Into<LiveTrust>,
        identity: &Identity,
        version: TlsVersion,
    ) -> ServerConfigBuilder {
        let provider = tls::provider::default_provider();
        ServerConfigBuilder::new(provider, trust, Policy::new(self.keys), identity.clone())
            .with_protocol_versions(&[version])
    }
}

pub fn read(file: &Path) -> Certificate {
    Certificate::from_pem(&fs::read(file).unwrap()).unwrap()
}

/// A link to a peer's server, over which something goes both ways.
pub fn connect(
    config: &Arc<ClientConfig>,
    check: &PeerCheck,
    id: &str,
    port: u16,
    say: &[u8],
) -> Ours {
    match open(config, id, port) {
        Ok(mut link) => match exchange(&mut link, say) {
            Ok(_) => {
                assert_eq!(
                    link.conn.handshake_kind(),
                    Some(HandshakeKind::Full),
                    "a session was resumed"
                );
                let verdict = mutual_trust::Verdict::from(check.server(
                    mutual_trust::ExpectedServer::id(&id.parse().unwrap(), None),
                    &link.conn,
                ));
                link.conn.send_close_notify();
                let _ = link.flush();
                Ours::Linked(verdict.reason())
            }
            Err(error) => failed(&error, true),
        },
        Err(error) => failed(&error, false),
    }
}

/// A link whose handshake has ended as far as our end can tell.
pub fn open(
    config: &Arc<ClientConfig>,
    id: &str,
    port: u16,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut tcp = TcpStream::connect(("127.0.0.1", port))?;
    limit_time(&tcp)?;
    let name = format!("{id}.example").try_into().unwrap();
    let mut connection = ClientConnection::new(config.clone(), name).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp)?;
    }
    Ok(StreamOwned::new(connection, tcp))
}

fn exchange(link: &mut (impl Read + Write), say: &[u8]) -> io::Result<Vec<u8>> {
    link.write_all(say)?;
    link.flush()?;
    let mut answer = vec![0; 4096];
    let count = link.read(&mut answer)?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    answer.truncate(count);
    if answer.starts_with(b"HTTP") && !answer.starts_with(b"HTTP/1.1 200") {
        return Err(io::Error::other("HTTP refuses"));
    }
    Ok(answer)
}

/// Answers one peer, unless it is `gone` and has not come.
pub fn answer(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
    check: &PeerCheck,
    gone: &AtomicBool,
) -> Ours {
    match accept(listener, gone) {
        Some(tcp) => serve(tcp, config, check),
        None => Ours::Peer {
            after_handshake: false,
            alert: false,
            text: "nobody came".into(),
        },
    }
}

/// Answers a peer that has come.
pub fn serve(mut tcp: TcpStream, config: &Arc<ServerConfig>, check: &PeerCheck) -> Ours {
    let mut connection = ServerConnection::new(config.clone()).unwrap();
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut tcp) {
            let _ = tcp.shutdown(Shutdown::Write);
            let _ = io::copy(&mut tcp, &mut io::sink());
            return failed(&error, false);
        }
    }
    assert_eq!(
        connection.handshake_kind(),
        Some(HandshakeKind::Full),
        "a session was resumed"
    );
    let mut link = StreamOwned::new(connection, tcp);
    let mut line = [0; 256];
    match link.read(&mut line) {
        Ok(0) => return failed(&io::ErrorKind::UnexpectedEof.into(), true),
        Err(error) => return failed(&error, true),
        Ok(_) => {}
    }
    let verdict = mutual_trust::Verdict::from(check.client(&link.conn));
    let _ = link.write_all(b"pong\n");
    link.conn.send_close_notify();
    let _ = link.flush();
    // The peer ends the link when it has the answer.
    let _ = io::copy(&mut link.sock, &mut io::sink());
    Ours::Linked(verdict.reason())
}

pub fn accept(listener: &TcpListener, gone: &AtomicBool) -> Option<TcpStream> {
    listener.set_nonblocking(true).unwrap();
    let begin = std::time::Instant::now();
    while begin.elapsed() < PATIENCE {
        // Read first: what came before it was gone is still there.
        let gone = gone.load(Ordering::Relaxed);
        if let Some(tcp) = take(listener) {
            return Some(tcp);
        }
        if gone {
            return None;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    None
}

/// The client that waits to be accepted, if there is one.
pub fn take(listener: &TcpListener) -> Option<TcpStream> {
    let (tcp, _) = listener.accept().ok()?;
    tcp.set_nonblocking(false).unwrap();
    limit_time(&tcp).unwrap();
    Some(tcp)
}

fn limit_time(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(PATIENCE / 2))?;
    tcp.set_write_timeout(Some(PATIENCE / 2))
}

fn failed(error: &io::Error, after_handshake: bool) -> Ours {
    if let Some(verdict) = tls::refusal(error) {
        return Ours::Refused(verdict.reason(), verdict.rule());
    }
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    Ours::Peer {
        after_handshake,
        alert: matches!(inner, Some(rustls::Error::AlertReceived(_))),
        text: error.to_string(),
    }
}
