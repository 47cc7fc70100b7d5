//! The server end, over any stream.

use core::fmt;
use core::time::Duration;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mutual_trust::error::ConfigError;
use mutual_trust::{PeerCheck, Refusal, ServerConfigBuilder};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::alpn::{HTTP_1, HTTP_2, protocols};
use crate::drain::{Rest, Unaccepted};
use crate::guard::Guarding;
use crate::limits::HANDSHAKE_TIMEOUT;
use crate::peer::recheck_interval;
use crate::{Peer, SettingError, TlsStream, setting};

/// Makes the handshake with clients. Cheap to clone.
///
/// A client that is refused gets its alert: the connection stays open until the client has closed it, within limits.
///
/// A [`Listener`](crate::Listener) makes the handshakes of a socket with it, in tasks.
#[derive(Clone)]
pub struct Acceptor {
    source: Source,
    check: PeerCheck,
    handshake_timeout: Duration,
    guarding: Guarding,
}

/// Where the configuration of a connection comes from.
#[derive(Clone)]
enum Source {
    Shared(Arc<ServerConfig>),
    /// A configuration for each connection, with these application protocols instead of its own.
    #[cfg(feature = "enrol")]
    Enrolling(mutual_trust::tls::EnrolmentAcceptor, Option<Vec<Vec<u8>>>),
}

impl Acceptor {
    /// Accepts the clients that are trusted.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    pub fn new(builder: &ServerConfigBuilder) -> Result<Self, ConfigError> {
        let source = Source::Shared(Arc::new(builder.build()?));
        Ok(Self::of(builder, source))
    }

    /// Accepts the clients that are trusted. Unknown clients are refused, and may wait in `enrolment` while it is open.
    ///
    /// # Errors
    /// The identity, the versions or the application protocols cannot be used.
    #[cfg(feature = "enrol")]
    #[cfg_attr(docsrs, doc(cfg(feature = "enrol")))]
    pub fn with_enrolment(
        builder: &ServerConfigBuilder,
        enrolment: &mutual_trust::Enrolment,
    ) -> Result<Self, ConfigError> {
        let source = Source::Enrolling(builder.enrolment(enrolment)?, None);
        Ok(Self::of(builder, source))
    }

    fn of(builder: &ServerConfigBuilder, source: Source) -> Self {
        Self {
            source,
            check: builder.peer_check(),
            handshake_timeout: HANDSHAKE_TIMEOUT,
            guarding: Guarding::default(),
        }
    }

    /// Accepts HTTP/1.1 alone, whatever the builder says.
    #[must_use]
    pub fn with_http1(self) -> Self {
        self.with_protocols(&[HTTP_1])
    }

    /// Accepts HTTP/2 alone, whatever the builder says. A gRPC server needs this.
    #[must_use]
    pub fn with_http2(self) -> Self {
        self.with_protocols(&[HTTP_2])
    }

    /// Accepts HTTP/2 and HTTP/1.1, whatever the builder says. The HTTP library must speak both: axum needs its feature
    /// `http2`.
    #[must_use]
    pub fn with_http(self) -> Self {
        self.with_protocols(&[HTTP_2, HTTP_1])
    }

    fn with_protocols(mut self, names: &[&[u8]]) -> Self {
        match &mut self.source {
            Source::Shared(config) => Arc::make_mut(config).alpn_protocols = protocols(names),
            #[cfg(feature = "enrol")]
            Source::Enrolling(_, replaced) => *replaced = Some(protocols(names)),
        }
        self
    }

    /// Sets how long a handshake may take. [`HANDSHAKE_TIMEOUT`] by default.
    ///
    /// # Errors
    /// The time is shorter than [`MIN_TIMEOUT`](crate::limits::MIN_TIMEOUT) or longer than
    /// [`MAX_TIMEOUT`](crate::limits::MAX_TIMEOUT).
    pub fn with_handshake_timeout(mut self, timeout: Duration) -> Result<Self, SettingError> {
        self.handshake_timeout = setting::timeout("the time limit for a handshake", timeout)?;
        Ok(self)
    }

    /// How long a handshake may take.
    pub fn handshake_timeout(&self) -> Duration {
        self.handshake_timeout
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

    /// Makes the handshake with a client, which comes from `address`. With an enrolment, the address is where an unknown
    /// client waits; else it is not used.
    ///
    /// Run it in a task of its own: a client can let it wait for the whole time limit. After a refusal it returns once
    /// the client has closed, or after [`DRAIN_TIME`](crate::limits::DRAIN_TIME).
    ///
    /// # Errors
    /// The handshake failed or took too long, or the client was refused, whose verdict [`mutual_trust::tls::refusal`]
    /// finds.
    pub async fn accept<IO>(&self, stream: IO, address: IpAddr) -> io::Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        match self.handshake(stream, address).await {
            Ok((inner, peer)) => Ok(TlsStream::guarded(inner, peer, &self.guarding)),
            Err(unaccepted) => Err(unaccepted.drained().await),
        }
    }

    /// [`accept`](Self::accept) of a TCP connection, whose peer then has an address.
    #[cfg(feature = "axum-server")]
    pub(crate) async fn accept_tcp(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
    ) -> io::Result<TlsStream<TcpStream>> {
        match self.handshake_tcp(tcp, address).await {
            Ok(stream) => Ok(stream),
            Err(unaccepted) => Err(unaccepted.drained().await),
        }
    }

    /// The handshake over a TCP connection. Who is not accepted is not waited for.
    pub(crate) async fn handshake_tcp(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
    ) -> Result<TlsStream<TcpStream>, Unaccepted<TcpStream>> {
        // Answers and handshakes are small messages for which the client waits.
        tcp.set_nodelay(true)?;
        let (inner, peer) = self.handshake(tcp, address.ip()).await?;
        let peer = peer.with_remote_addr(address);
        Ok(TlsStream::guarded(inner, peer, &self.guarding))
    }

    async fn handshake<IO>(
        &self,
        stream: IO,
        address: IpAddr,
    ) -> Result<(tokio_rustls::TlsStream<IO>, Peer), Unaccepted<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.config(address)?);
        let handshake = acceptor.accept(stream).into_fallible();
        let Ok(done) = timeout(self.handshake_timeout, handshake).await else {
            let late = "no TLS handshake in time";
            return Err(io::Error::new(io::ErrorKind::TimedOut, late).into());
        };
        let stream = done.map_err(|(error, stream)| Unaccepted {
            error,
            rest: Some(Rest::Failed(stream)),
        })?;
        match Peer::client(self.check.clone(), stream.get_ref().1) {
            Ok(peer) => Ok((stream.into(), peer)),
            // Published since the verdict of the handshake.
            Err(refusal) => Err(Unaccepted {
                error: refusal.into(),
                rest: Some(Rest::Established(Box::new(stream))),
            }),
        }
    }

    #[cfg_attr(
        not(feature = "enrol"),
        expect(clippy::unnecessary_wraps, reason = "a shared configuration is there")
    )]
    fn config(&self, address: IpAddr) -> io::Result<Arc<ServerConfig>> {
        match &self.source {
            Source::Shared(config) => {
                let _ = address;
                Ok(config.clone())
            }
            #[cfg(feature = "enrol")]
            Source::Enrolling(acceptor, replaced) => {
                let mut config = acceptor.config_for(address).map_err(io::Error::other)?;
                if let Some(protocols) = replaced {
                    Arc::make_mut(&mut config)
                        .alpn_protocols
                        .clone_from(protocols);
                }
                Ok(config)
            }
        }
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("handshake_timeout", &self.handshake_timeout)
            .field("recheck_interval", &self.guarding.recheck_interval)
            .finish_non_exhaustive()
    }
}
