//! The peers, one file a tool.

mod gnutls;
mod nginx;
mod openssl;
mod pykmip;
mod stunnel;
mod worker;

use std::path::{Path, PathBuf};

use mutual_trust::tls::TlsVersion;

/// What a peer is to do: present what is in `folder`, and trust what `ca` has certified.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub version: TlsVersion,
    pub folder: &'a Path,
    pub ca: &'a Path,
    /// How many links there will be.
    pub links: usize,
}

impl Ask<'_> {
    pub fn full(&self) -> PathBuf {
        self.folder.join("full.pem")
    }

    pub fn leaf(&self) -> PathBuf {
        self.folder.join("leaf.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }
}

pub fn number(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Tls12 => "1.2",
        TlsVersion::Tls13 => "1.3",
    }
}

/// A TLS stack of another project. It does one thing at a time.
pub trait Peer: Send {
    fn versions(&self) -> &'static [TlsVersion] {
        &[TlsVersion::Tls12, TlsVersion::Tls13]
    }

    /// Whether it can be the client.
    fn connects(&self) -> bool {
        true
    }

    /// Whether a server has an answer to [`saw`](Self::saw) for each link.
    fn answers_each_link(&self) -> bool {
        false
    }

    /// What a client says to its server.
    fn request(&self) -> &'static [u8] {
        b"ping\n"
    }

    /// Starts a server and tells its port.
    fn serve(&mut self, ask: Ask<'_>) -> Result<u16, String>;

    /// Starts a client that says a line to `port` and waits for one.
    fn connect(&mut self, ask: Ask<'_>, port: u16) -> Result<(), String>;

    /// What the peer saw of the one link after [`serve`](Self::serve) or [`connect`](Self::connect): an error is what it
    /// says of a link that failed. `expected` tells how long it makes sense to wait.
    fn saw(&mut self, expected: Expected) -> Result<(), String>;

    /// Two connections of a client that would resume its session.
    fn twice(&mut self, _ask: Ask<'_>, _port: u16) -> Option<Result<(), String>> {
        None
    }

    /// What came of [`twice`](Self::twice): whether it resumed.
    fn resumed(&mut self) -> Result<bool, String> {
        Err("cannot tell".into())
    }

    /// Ends what was started.
    fn end(&mut self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Link,
    Failure,
}

/// Where the programs are that were built for peers.
#[derive(Clone, Debug)]
pub struct Tools {
    pub work: PathBuf,
    pub go: Option<PathBuf>,
    pub java: Option<PathBuf>,
    pub python: Option<PathBuf>,
    pub scripts: PathBuf,
    /// Our command.
    pub command: PathBuf,
}

fn boxed(peer: Option<impl Peer + 'static>) -> Option<Box<dyn Peer>> {
    peer.map(|peer| -> Box<dyn Peer> { Box::new(peer) })
}

/// The command line of OpenSSL, which presents every shape.
pub fn open_ssl(tools: &Tools) -> Option<Box<dyn Peer>> {
    boxed(openssl::OpenSsl::find(tools))
}

/// The peers in the order of the table; none where it cannot be had.
pub fn all(tools: &Tools) -> Vec<(&'static str, Option<Box<dyn Peer>>)> {
    vec![
        ("OpenSSL", open_ssl(tools)),
        ("GnuTLS", boxed(gnutls::GnuTls::find(tools))),
        ("Java", boxed(worker::java(tools))),
        ("Go", boxed(worker::go(tools))),
        ("nginx", boxed(nginx::Nginx::find(tools))),
        ("stunnel", boxed(stunnel::Stunnel::find(tools))),
        ("PyKMIP", boxed(PyKmip::find(tools))),
    ]
}

pub use pykmip::PyKmip;
