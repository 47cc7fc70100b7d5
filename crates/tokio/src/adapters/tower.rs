//! A connector for HTTP clients of hyper, and for what is built on them.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::alpn::HTTP_2;
use crate::{Connector, TlsStream};

/// A connector for the client of hyper-util, for tonic, etcd-client and kube: a `tower` service from a URI to a guarded
/// connection. So a block ends the connections in their pools.
///
/// It sets the application protocols itself. Choose by what the HTTP library speaks:
///
/// - [`http2`](Self::http2) for gRPC: tonic and etcd-client.
/// - [`http1`](Self::http1) for hyper-util without its feature `http2`.
/// - [`new`](Self::new) for hyper-util with it: the server chooses.
///
/// ```
/// use http_body_util::Empty;
/// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// use mutual_trust::ClientConfigBuilder;
/// use mutual_trust_tokio::{Connector, HttpsConnector};
///
/// async fn get(builder: &ClientConfigBuilder) -> Result<(), Box<dyn std::error::Error>> {
///     let connector = HttpsConnector::http1(Connector::new(builder, &"keys-1".parse()?)?);
///     let client: Client<_, Empty<&[u8]>> = Client::builder(TokioExecutor::new()).build(connector);
///     println!("{}", client.get("https://kms1.example/".parse()?).await?.status());
///     Ok(())
/// }
/// ```
///
/// # Schemes
/// `https://` and `http://` mean the same here: TLS, and port 443 if the URI has none. Nothing is ever sent in plain
/// text. Any other scheme is an error, and so is a port that is no number up to 65535.
///
/// With tonic, write `http://`. If a crate of the build turns on a feature `tls-*` of tonic, tonic refuses
/// `https://` with a connector that is not its own, after the handshake. A server that looks at the scheme of a request
/// gets `https` by `Endpoint::origin`:
///
/// ```text
/// Endpoint::from_static("http://kms1.example:443").origin("https://kms1.example".parse()?).connect_with_connector_lazy(connector)
/// ```
#[derive(Clone)]
pub struct HttpsConnector {
    connector: Connector,
    http2_only: bool,
}

impl HttpsConnector {
    /// HTTP/2 or HTTP/1.1, as the server chooses.
    pub fn new(connector: Connector) -> Self {
        Self {
            connector: connector.with_http(),
            http2_only: false,
        }
    }

    /// HTTP/1.1 alone.
    pub fn http1(connector: Connector) -> Self {
        Self {
            connector: connector.with_http1(),
            http2_only: false,
        }
    }

    /// HTTP/2 alone. A server that does not agree to it in the handshake is an error (RFC 9113 section 3.2).
    pub fn http2(connector: Connector) -> Self {
        Self {
            connector: connector.with_http2(),
            http2_only: true,
        }
    }

    async fn connect(self, uri: Uri) -> io::Result<TokioIo<TlsStream<TcpStream>>> {
        let (host, port) = target(&uri)?;
        let stream = self.connector.connect_tcp(host, port).await?;
        if self.http2_only && stream.alpn_protocol() != Some(HTTP_2) {
            let text = "the server does not agree to HTTP/2 in the TLS handshake (ALPN)";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        Ok(TokioIo::new(stream))
    }
}

/// The host and the port of a URI.
fn target(uri: &Uri) -> io::Result<(&str, u16)> {
    let refuse = |text| io::Error::new(io::ErrorKind::InvalidInput, text);
    if !uri
        .scheme()
        .is_some_and(|scheme| *scheme == Scheme::HTTPS || *scheme == Scheme::HTTP)
    {
        return Err(refuse("the scheme of the URI is neither https nor http"));
    }
    let host = uri.host().ok_or_else(|| refuse("the URI has no host"))?;
    let port = port(uri, host).ok_or_else(|| refuse("the port of the URI is no port"))?;
    Ok((host, port))
}

/// The port of a URI. `Uri::port` takes a number above 65535, or a word, for a port that is absent.
fn port(uri: &Uri, host: &str) -> Option<u16> {
    let authority = uri.authority()?.as_str();
    let host_and_port = authority.rsplit('@').next()?;
    let port = host_and_port.strip_prefix(host)?;
    // An empty port is that of the scheme (RFC 3986 section 3.2.3).
    if port.is_empty() || port == ":" {
        return Some(443);
    }
    let digits = port.strip_prefix(':')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

impl Service<Uri> for HttpsConnector {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

impl<IO> Connection for TlsStream<IO> {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(self.peer().clone());
        if self.alpn_protocol() == Some(HTTP_2) {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl fmt::Debug for HttpsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsConnector")
            .field("connector", &self.connector)
            .field("http2_only", &self.http2_only)
            .finish_non_exhaustive()
    }
}
