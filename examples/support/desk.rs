//! A key server in a thread of its own, over TCP on loopback, that answers one connection after the other until it is
//! told to stop; and a visit to it.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mutual_trust::PeerCheck;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};

use super::Outcome;

const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the configuration for a connection from an address.
pub(crate) type Configure = Box<dyn Fn(IpAddr) -> Outcome<Arc<ServerConfig>> + Send>;

pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: JoinHandle<Outcome<()>>,
}

impl Desk {
    /// Greets each accepted client by its label.
    pub(crate) fn open(configure: Configure, check: PeerCheck) -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        let thread = thread::spawn(move || {
            for tcp in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    break;
                }
                let tcp = tcp?;
                let config = configure(tcp.peer_addr()?.ip())?;
                // A client that is refused, or goes away, is its own affair.
                let _ = answer(tcp, config, &check);
            }
            Ok(())
        });
        Ok(Self {
            address,
            over,
            thread,
        })
    }

    pub(crate) fn close(self) -> Outcome<()> {
        self.over.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address)?;
        self.thread
            .join()
            .map_err(|_| "the key server's thread ended")?
    }
}

/// A connection to it, without TLS yet.
pub(crate) fn dial(address: SocketAddr) -> Outcome<TcpStream> {
    let tcp = TcpStream::connect(address)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))?;
    Ok(tcp)
}

fn answer(tcp: TcpStream, config: Arc<ServerConfig>, check: &PeerCheck) -> Outcome<()> {
    tcp.set_read_timeout(Some(PATIENCE))?;
    let mut link = StreamOwned::new(ServerConnection::new(config)?, tcp);
    let done = link.read(&mut [0; 64]).map_err(Into::into).and_then(|_| {
        let who = check.client(&link.conn)?.peer();
        link.write_all(format!("welcome, {who}").as_bytes())?;
        Ok(())
    });
    // To close a socket with unread data resets the connection, and the alert that tells why would be lost.
    link.sock.shutdown(Shutdown::Write)?;
    io::copy(&mut link.sock, &mut io::sink())?;
    done
}

/// What the key server answers.
pub(crate) fn visit(address: SocketAddr, config: Arc<ClientConfig>) -> Outcome<String> {
    let name = "keys-1.example".try_into()?;
    let mut link = StreamOwned::new(ClientConnection::new(config, name)?, dial(address)?);
    link.write_all(b"hello")?;
    // In TLS 1.3 the server's refusal arrives with the first read.
    let mut text = [0; 64];
    let length = link.read(&mut text)?;
    let text = text.get(..length).unwrap_or_default();
    Ok(String::from_utf8_lossy(text).into_owned())
}
