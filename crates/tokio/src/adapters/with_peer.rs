//! A service whose requests carry the peer.

use core::task::{Context, Poll};

use http::Request;
use tower_service::Service;

use crate::Peer;

/// A service of one connection: puts the [`Peer`] into the extensions of each request.
#[derive(Clone, Debug)]
pub struct WithPeer<S> {
    service: S,
    peer: Peer,
}

impl<S> WithPeer<S> {
    /// The requests to `service` carry `peer`.
    pub fn new(service: S, peer: Peer) -> Self {
        Self { service, peer }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithPeer<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.service.call(request)
    }
}
