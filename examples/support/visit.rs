//! A key server in a thread of its own and a system that visits it, over TCP on loopback.

use core::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mutual_trust::tls::{TlsVersion, refusal};
use mutual_trust::{
    ClientConfigBuilder, ExpectedServer, HostName, PeerCheck, PeerIdentity, ReasonCode, Role,
    ServerConfigBuilder, ServerId, Verdict,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ProtocolVersion, ServerConfig, ServerConnection, StreamOwned};

use super::Outcome;

const PATIENCE: Duration = Duration::from_secs(10);

/// What one end knows when a visit is over.
pub(crate) enum End {
    /// It judged its peer: this is the verdict.
    Judged(Box<Verdict>),
    /// Its peer refused it and said so with an alert, which is the same for every reason.
    TurnedAway(String),
}

impl End {
    /// A link that failed: our refusal is inside the error, or the other end sent an alert, or neither end judged.
    fn failed(error: io::Error) -> Outcome<Self> {
        if let Some(verdict) = refusal(&error) {
            return Ok(Self::Judged(Box::new(verdict.clone())));
        }
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(rustls::Error::AlertReceived(alert)) => {
                Ok(Self::TurnedAway(format!("got alert {alert:?}")))
            }
            _ => Err(error.into()),
        }
    }

    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Judged(verdict) => Some(verdict),
            Self::TurnedAway(_) => None,
        }
    }

    /// The reason of the verdict; `None` if this end was turned away.
    pub(crate) fn reason(&self) -> Option<ReasonCode> {
        self.verdict().map(Verdict::reason)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self {
            Self::Judged(verdict) => verdict,
            Self::TurnedAway(text) => return f.write_str(text),
        };
        match verdict.peer() {
            None => write!(f, "refused, {}", verdict.reason()),
            Some(peer) => {
                write!(f, "accepted, {}", verdict.reason())?;
                match who(&peer) {
                    Some(who) if verdict.role() == Role::Client => write!(f, ": {who}"),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// Who an accepted peer is, for authorisation: a pin's label, or the names that an authority vouches for.
fn who(peer: &PeerIdentity) -> Option<String> {
    match peer {
        PeerIdentity::Pin { label, .. } => label.clone(),
        PeerIdentity::Chain { names, .. } => Some(names.join(", ")),
        _ => None,
    }
}

/// What both ends say of a visit.
pub(crate) struct Visit {
    pub(crate) system: End,
    pub(crate) key_server: End,
}

/// Visits the key server twice, with TLS 1.2 and with TLS 1.3, both of which must come to the same. The peer must
/// be the server `id`; without one, it must be the server that has the dialled `name`.
pub(crate) fn visit(
    key_server: &ServerConfigBuilder,
    system: &ClientConfigBuilder,
    id: Option<&ServerId>,
    name: &str,
) -> Outcome<Visit> {
    let (address, thread) = start(key_server, 2)?;
    let tls12 = dial(address, system, TlsVersion::Tls12, id, name)?;
    let tls13 = dial(address, system, TlsVersion::Tls13, id, name)?;
    let seen = thread
        .join()
        .map_err(|_| "the key server's thread ended")??;
    let [seen12, seen13] = <[End; 2]>::try_from(seen).map_err(|_| "two visits were expected")?;
    for (one, other) in [(&tls12, &tls13), (&seen12, &seen13)] {
        let warnings = |end: &End| end.verdict().map(|verdict| verdict.warnings().to_vec());
        if one.to_string() != other.to_string() || warnings(one) != warnings(other) {
            return Err(format!("TLS 1.2: {one}; TLS 1.3: {other}").into());
        }
    }
    Ok(Visit {
        system: tls13,
        key_server: seen13,
    })
}

/// Starts a key server that ends by itself after some connections and then tells what it saw.
fn start(
    builder: &ServerConfigBuilder,
    connections: usize,
) -> Outcome<(SocketAddr, JoinHandle<Outcome<Vec<End>>>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let (config, check) = (Arc::new(builder.build()?), builder.peer_check());
    let serve = move || {
        (0..connections)
            .map(|_| answer(&listener, &config, &check))
            .collect()
    };
    Ok((address, thread::spawn(serve)))
}

fn answer(listener: &TcpListener, config: &Arc<ServerConfig>, check: &PeerCheck) -> Outcome<End> {
    let (tcp, _) = listener.accept()?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    let mut link = StreamOwned::new(ServerConnection::new(config.clone())?, tcp);
    let done = link
        .read(&mut [0; 64])
        .and_then(|_| link.write_all(b"welcome\n"));
    let end = match done {
        Ok(()) => End::Judged(Box::new(check.client(&link.conn).into())),
        Err(error) => End::failed(error)?,
    };
    part(&mut link.sock)?;
    Ok(end)
}

fn dial(
    address: SocketAddr,
    builder: &ClientConfigBuilder,
    version: TlsVersion,
    id: Option<&ServerId>,
    name: &str,
) -> Outcome<End> {
    let builder = builder.clone().with_protocol_versions(&[version]);
    let config = match id {
        Some(id) => builder.build_for(id)?,
        None => builder.build_by_name()?,
    };
    let tcp = TcpStream::connect(address)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    let tls = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned())?)?;
    let mut link = StreamOwned::new(tls, tcp);
    // In TLS 1.3 the handshake ends before the server has judged us: its refusal arrives with the first read.
    let done = link
        .write_all(b"hello\n")
        .and_then(|()| link.read(&mut [0; 64]));
    let end = match done {
        Ok(_) => {
            let wanted = match version {
                TlsVersion::Tls12 => ProtocolVersion::TLSv1_2,
                TlsVersion::Tls13 => ProtocolVersion::TLSv1_3,
            };
            if link.conn.protocol_version() != Some(wanted) {
                return Err(format!("the link is not {wanted:?}").into());
            }
            let dialled: HostName = name.parse()?;
            let check = builder.peer_check();
            let verdict = match id {
                Some(id) => check.server(ExpectedServer::id(id, Some(&dialled)), &link.conn),
                None => check.server(ExpectedServer::Name(&dialled), &link.conn),
            };
            End::Judged(Box::new(verdict.into()))
        }
        Err(error) => End::failed(error)?,
    };
    part(&mut link.sock)?;
    Ok(end)
}

/// Ends a connection without losing what the peer has not read yet: to close a socket with unread data resets
/// the connection, and the alert that tells why would be lost.
fn part(tcp: &mut TcpStream) -> io::Result<()> {
    match tcp.shutdown(Shutdown::Write) {
        Err(error) if error.kind() != io::ErrorKind::NotConnected => return Err(error),
        _ => {}
    }
    match io::copy(tcp, &mut io::sink()) {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(()),
    }
}
