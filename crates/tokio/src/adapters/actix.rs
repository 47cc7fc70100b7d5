//! actix-web: a hook that keeps the peer, a middleware that demands it, and the peer as an extractor.
//!
//! actix-web makes the handshakes itself, so its streams are not ours, and **a block does not end an open connection**. An
//! idle one stays open until actix-web closes it. What happens on it depends on [`require_peer`]:
//!
//! - A new request is refused with status 403, by the middleware as well as by the extractor. Neither ends the
//!   connection.
//! - Behind the middleware, a block ends what is under way: the rest of an answer is not sent, and the rest of an upload
//!   is not read. Server-sent events are such an answer, and a WebSocket of actix-ws is an answer and an upload.
//! - Without the middleware, all of that goes on.
//!
//! ```
//! use actix_web::{App, HttpServer, middleware::from_fn, web};
//! use mutual_trust::ServerConfigBuilder;
//! use mutual_trust_tokio::{Peer, actix};
//!
//! async fn label(peer: Peer) -> String {
//!     peer.label().unwrap_or("unlabelled").to_owned()
//! }
//!
//! async fn serve(builder: &ServerConfigBuilder) -> Result<(), Box<dyn std::error::Error>> {
//!     // actix-web sets the application protocols itself.
//!     let config = builder.build()?;
//!     HttpServer::new(|| App::new().wrap(from_fn(actix::require_peer)).route("/", web::get().to(label)))
//!         .on_connect(actix::on_connect(builder.peer_check()))
//!         .bind_rustls_0_23("127.0.0.1:5696", config)?
//!         .run()
//!         .await?;
//!     Ok(())
//! }
//! ```

use core::any::Any;
use core::future::{Ready, ready};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, Payload, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use mutual_trust::PeerCheck;
use tokio::net::TcpStream;

use crate::Peer;
use under_way::UnderWay;

mod under_way;

/// What `HttpServer::on_connect` takes: keeps the [`Peer`] of each connection.
///
/// A connection without TLS, or of a client that is no longer trusted, has none. Then [`require_peer`] and the
/// extractor refuse its requests.
///
/// # Security
/// `check` must be of the builder whose configuration the server has.
pub fn on_connect(
    check: PeerCheck,
) -> impl Fn(&dyn Any, &mut Extensions) + Clone + Send + Sync + 'static {
    move |connection, extensions| {
        // The stream of actix-tls, which wraps that of tokio-rustls.
        let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else {
            return;
        };
        let (tcp, state) = stream.get_ref();
        if let Ok(peer) = Peer::client(check.clone(), state) {
            let address = tcp.peer_addr();
            extensions.insert(match address {
                Ok(address) => peer.with_remote_addr(address),
                Err(_) => peer,
            });
        }
    }
}

/// A middleware, for `actix_web::middleware::from_fn`: status 403 and no text for a request whose peer is not trusted
/// now, and for one whose connection has no peer.
///
/// Once the peer is no longer trusted, the answer and the upload end with an error: of the answer, nothing more is sent,
/// and its connection is closed in HTTP/1.1, its stream reset in HTTP/2. They are guarded as a
/// [`TlsStream`](crate::TlsStream) is: after each publication, and each [`RECHECK_INTERVAL`](crate::limits::RECHECK_INTERVAL).
///
/// # Security
/// An answer that stands behind no `require_peer` goes on after a block, and so does an idle connection.
///
/// # Errors
/// The peer is not trusted, or the services below fail.
pub async fn require_peer(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let peer = trusted(request.request())?;
    let upload = request.take_payload();
    if !matches!(upload, Payload::None) {
        let payload = Box::pin(UnderWay::new(upload, peer.clone()));
        request.set_payload(Payload::Stream { payload });
    }
    let answer = next.call(request).await;
    // What was computed meanwhile goes to a peer that is trusted now.
    let peer = peer.refresh().map_err(|_refusal| forbidden())?;
    Ok(answer?.map_body(|_head, body| UnderWay::new(body, peer)))
}

/// The peer of the request, asked again for this request: with the label that it has now.
///
/// A peer that is no longer trusted gets status 403 and no text, and so does a connection without a peer.
#[cfg_attr(docsrs, doc(cfg(feature = "actix")))]
impl FromRequest for Peer {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(trusted(request))
    }
}

fn trusted(request: &HttpRequest) -> Result<Peer, Error> {
    let peer = request.conn_data::<Peer>();
    let peer = peer.and_then(|peer| peer.refresh().ok());
    peer.ok_or_else(forbidden)
}

fn forbidden() -> Error {
    InternalError::new("", StatusCode::FORBIDDEN).into()
}
