//! axum-server: the acceptor of its servers.

use core::pin::Pin;
use std::io;

use ::axum_server::accept::Accept;
use tokio::net::TcpStream;

use super::with_peer::WithPeer;
use crate::{Acceptor, TlsStream};

/// For `axum_server::Server::acceptor`. Each request carries its [`Peer`](crate::Peer) in its extensions, where the
/// extractor of the feature `axum` finds it.
///
/// ```
/// use axum::{Extension, Router, routing::get};
/// use mutual_trust_tokio::{Acceptor, Peer};
///
/// async fn label(Extension(peer): Extension<Peer>) -> String {
///     peer.label().unwrap_or("unlabelled").to_owned()
/// }
///
/// async fn serve(acceptor: Acceptor) -> std::io::Result<()> {
///     let service = Router::new().route("/", get(label));
///     let server = axum_server::bind(std::net::SocketAddr::from(([127, 0, 0, 1], 5696)));
///     server.acceptor(acceptor.with_http1()).serve(service.into_make_service()).await
/// }
/// ```
///
/// axum-server makes each handshake in a task, and does not bound how many there are. It drops the errors: read refusals
/// from the observer of the configuration.
#[cfg_attr(docsrs, doc(cfg(feature = "axum-server")))]
impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = TlsStream<TcpStream>;
    type Service = WithPeer<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let acceptor = self.clone();
        Box::pin(async move {
            let address = stream.peer_addr()?;
            let stream = acceptor.accept_tcp(stream, address).await?;
            let peer = stream.peer().clone();
            Ok((stream, WithPeer::new(service, peer)))
        })
    }
}
