//! The client end.

use core::fmt;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use mutual_trust::error::ConfigError;
use mutual_trust::{ClientConfigBuilder, HostName, PeerCheck, Refusal, ServerId};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::alpn::{HTTP_1, HTTP_2, protocols};
use crate::dial::dial;
use crate::guard::Guarding;
use crate::limits::CONNECT_TIMEOUT;
use crate::peer::{Expected, presented, recheck_interval};
use crate::{Peer, SettingError, TlsStream, setting};

/// Connects to servers. Cheap to clone.
///
/// ```
/// use mutual_trust::{ClientConfigBuilder, ServerId, tls};
/// use mutual_trust_tokio::{Connector, TlsStream};
/// use tokio::net::TcpStream;
///
/// async fn connect(builder: &ClientConfigBuilder) -> Result<TlsStream<TcpStream>, Box<dyn std::error::Error>> {
///     let connector = Connector::new(builder, &"keys-1".parse()?)?;
///     connector.connect_tcp("kms1.example", 5696).await.map_err(|error| match tls::refusal(&error) {
///         Some(verdict) => verdict.to_string().into(), // we refused the server, and why
///         None => error.into(),
///     })
/// }
/// ```
///
/// In TLS 1.3, the handshake of a client ends before the server has judged it. A refusal by the server arrives with the
/// first read.
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
    check: PeerCheck,
    /// The server that the peer must be. `None`: the one to which the dialled name belongs.
    server: Option<ServerId>,
    timeout: Duration,
    guarding: Guarding,
}

impl Connector {
    /// Connects to one server. The peer must be that server, whatever host is dialled. Recommended.
    ///
    /// # Errors
    /// The server is not in the view in force; the identity, the versions or the application protocols cannot be used.
    pub fn new(builder: &ClientConfigBuilder, server: &ServerId) -> Result<Self, ConfigError> {
        let config = builder.build_for(server)?;
        Ok(Self::of(builder, config, Some(server.clone())))
    }

    /// Connects to all listed servers. The dialled name says which one the peer must be.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    pub fn by_name(builder: &ClientConfigBuilder) -> Result<Self, ConfigError> {
        let config = builder.build_by_name()?;
        Ok(Self::of(builder, config, None))
    }

    fn of(builder: &ClientConfigBuilder, config: ClientConfig, server: Option<ServerId>) -> Self {
        Self {
            config: Arc::new(config),
            check: builder.peer_check(),
            server,
            timeout: CONNECT_TIMEOUT,
            guarding: Guarding::default(),
        }
    }

    /// Offers HTTP/1.1 alone, whatever the builder says.
    #[must_use]
    pub fn with_http1(self) -> Self {
        self.with_protocols(&[HTTP_1])
    }

    /// Offers HTTP/2 alone, whatever the builder says. A gRPC client needs this.
    #[must_use]
    pub fn with_http2(self) -> Self {
        self.with_protocols(&[HTTP_2])
    }

    /// Offers HTTP/2, then HTTP/1.1, whatever the builder says.
    #[must_use]
    pub fn with_http(self) -> Self {
        self.with_protocols(&[HTTP_2, HTTP_1])
    }

    fn with_protocols(mut self, names: &[&[u8]]) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = protocols(names);
        self
    }

    /// Sets how long connecting may take: looking up the name, the TCP connection and the handshake together.
    /// [`CONNECT_TIMEOUT`] by default.
    ///
    /// # Errors
    /// The time is shorter than [`MIN_TIMEOUT`](crate::limits::MIN_TIMEOUT) or longer than
    /// [`MAX_TIMEOUT`](crate::limits::MAX_TIMEOUT).
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, SettingError> {
        self.timeout = setting::timeout("the time limit for connecting", timeout)?;
        Ok(self)
    }

    /// How long connecting may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sets how often an open connection is asked again although nothing was published; `None` is never. By default,
    /// [`RECHECK_INTERVAL`](crate::limits::RECHECK_INTERVAL).
    ///
    /// # Errors
    /// The interval is out of range, see [`Peer::with_recheck_interval`].
    pub fn with_recheck_interval(
        mut self,
        interval: Option<Duration>,
    ) -> Result<Self, SettingError> {
        self.guarding.recheck_interval = recheck_interval(interval)?;
        Ok(self)
    }

    /// How often an open connection is asked again although nothing was published.
    pub fn recheck_interval(&self) -> Option<Duration> {
        self.guarding.recheck_interval
    }

    /// Sets what is called when an open connection ends because its peer is no longer trusted, once for each. By default
    /// nothing is.
    ///
    /// The stream returns the refusal as well. But many servers drop the errors of connections, and HTTP/2 keeps of an
    /// error the kind and the text alone. It is called by the task that reads or writes, so it must not block. A panic in
    /// it ends the call alone, unless the program aborts on panics.
    #[must_use]
    pub fn with_refusal_handler(
        mut self,
        handler: impl Fn(&Peer, &Refusal) + Send + Sync + 'static,
    ) -> Self {
        self.guarding.refusal_handler = Some(Arc::new(handler));
        self
    }

    /// Connects to a port of a host, which is a DNS name or an IP address. The addresses of a name are tried in turn.
    ///
    /// # Errors
    /// The host is no name or address; no connection in time; the handshake failed, or the server was refused, whose
    /// verdict [`mutual_trust::tls::refusal`] finds.
    pub async fn connect_tcp(&self, host: &str, port: u16) -> io::Result<TlsStream<TcpStream>> {
        let name = host_name(host)?;
        let deadline = self.deadline();
        let dialled = dial(&name, host, port, deadline);
        let tcp = before(deadline, "no TCP connection in time", dialled).await?;
        let address = tcp.peer_addr()?;
        let (inner, peer) = self.handshake(&name, tcp, deadline).await?;
        let peer = peer.with_remote_addr(address);
        Ok(TlsStream::guarded(inner, peer, &self.guarding))
    }

    /// Makes the handshake over a stream that is connected to a host, which is a DNS name or an IP address.
    ///
    /// # Errors
    /// As for [`connect_tcp`](Self::connect_tcp).
    pub async fn connect<IO>(&self, host: &str, stream: IO) -> io::Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let name = host_name(host)?;
        let (inner, peer) = self.handshake(&name, stream, self.deadline()).await?;
        Ok(TlsStream::guarded(inner, peer, &self.guarding))
    }

    async fn handshake<IO>(
        &self,
        name: &HostName,
        stream: IO,
        deadline: Instant,
    ) -> io::Result<(tokio_rustls::TlsStream<IO>, Peer)>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let server_name = name.to_server_name().ok_or_else(|| no_host(name))?;
        let connector = TlsConnector::from(self.config.clone());
        let handshake = connector.connect(server_name, stream);
        let stream = before(deadline, "no TLS handshake in time", handshake).await?;
        let expected = match &self.server {
            Some(id) => Expected::Server(id.clone(), Some(name.clone())),
            None => Expected::ServerByName(name.clone()),
        };
        let peer = Peer::new(self.check.clone(), expected, presented(stream.get_ref().1))?;
        Ok((stream.into(), peer))
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }
}

async fn before<T>(
    deadline: Instant,
    late: &'static str,
    task: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match timeout_at(deadline, task).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, late)),
    }
}

fn host_name(host: &str) -> io::Result<HostName> {
    host.parse().map_err(no_host)
}

fn no_host(why: impl fmt::Display) -> io::Error {
    let text = format!("this is no host to connect to: {why}");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("server", &self.server)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
