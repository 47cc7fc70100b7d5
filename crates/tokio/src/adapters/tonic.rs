//! tonic: the connections of a server, and the peer of a request.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use ::tonic::transport::server::Connected;
use ::tonic::{Request, Status};
use futures_core::Stream;
use tokio::net::TcpStream;

use crate::{Listener, Peer, TlsStream};

/// The connections of a [`Listener`], for `serve_with_incoming` of a tonic server. It has no end and no errors.
#[derive(Debug)]
#[must_use = "a stream that is not polled accepts no client"]
#[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
pub struct Incoming(Listener);

impl Listener {
    /// The connections as the stream that a tonic server takes.
    ///
    /// ```
    /// use mutual_trust_tokio::Listener;
    /// use tonic::{service::Routes, transport::Server};
    ///
    /// /// The acceptor of the listener was made `with_http2()`.
    /// async fn serve(listener: Listener, services: Routes) -> Result<(), tonic::transport::Error> {
    ///     Server::builder().add_routes(services).serve_with_incoming(listener.incoming()).await
    /// }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
    pub fn incoming(self) -> Incoming {
        Incoming(self)
    }
}

impl Stream for Incoming {
    type Item = io::Result<TlsStream<TcpStream>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0
            .poll_accept(context)
            .map(|(stream, _)| Some(Ok(stream)))
    }
}

/// Puts the [`Peer`] into the extensions of each request.
#[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
impl<IO> Connected for TlsStream<IO> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer().clone()
    }
}

impl Peer {
    /// The peer of a request to a tonic server, asked again for this request: with the label that it has now.
    ///
    /// # Errors
    /// `PermissionDenied` without a text: the peer is no longer trusted. `Internal`: the connections of the server are
    /// not those of [`Listener::incoming`].
    #[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
    pub fn of_request<T>(request: &Request<T>) -> Result<Self, Status> {
        let peer: Option<&Self> = request.extensions().get();
        let peer = peer.ok_or_else(|| Status::internal(""))?;
        peer.refresh()
            .map_err(|_refusal| Status::permission_denied(""))
    }
}
