//! axum: a listener for `axum::serve`, and the peer as an extractor.

use std::io;
use std::net::SocketAddr;

use ::axum::extract::FromRequestParts;
use ::axum::extract::connect_info::Connected;
use ::axum::serve::{self, IncomingStream};
use http::StatusCode;
use http::request::Parts;
use tokio::net::TcpStream;

use super::extensions;
use crate::{Listener, Peer, TlsStream};

/// For `axum::serve`:
///
/// ```
/// use axum::{Router, routing::get};
/// use mutual_trust_tokio::{Listener, Peer};
///
/// async fn label(peer: Peer) -> String {
///     peer.label().unwrap_or("unlabelled").to_owned()
/// }
///
/// async fn serve(listener: Listener) -> std::io::Result<()> {
///     let service = Router::new().route("/", get(label));
///     axum::serve(listener, service.into_make_service_with_connect_info::<Peer>()).await
/// }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
impl serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        Self::accept(self).await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}

/// For `into_make_service_with_connect_info::<Peer>()`.
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().peer().clone()
    }
}

/// The peer of the request, asked again for this request: with the label that it has now.
///
/// A peer that is no longer trusted gets status 403 and no text. A server that does not say whose connection it is gets
/// status 500: `into_make_service_with_connect_info::<Peer>()` is missing.
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        let peer = extensions::peer(&parts.extensions).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        peer.refresh().map_err(|_refusal| StatusCode::FORBIDDEN)
    }
}
