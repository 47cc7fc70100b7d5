//! Bodies that end when trust in the peer ends.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::error::Error;
use std::io;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_core::Stream;
use mutual_trust::Refusal;

use crate::Peer;
use crate::guard::{Guard, Wait};

/// A body, and what guards its connection while the body is under way.
pub(super) struct UnderWay<B> {
    body: Pin<Box<B>>,
    guard: Guard,
    wait: Wait,
}

impl<B> UnderWay<B> {
    pub(super) fn new(body: B, peer: Peer) -> Self {
        Self {
            body: Box::pin(body),
            guard: Guard::new(peer),
            wait: Wait::default(),
        }
    }

    /// What the body has, if the peer is trusted after it was there. A refusal ends the wait.
    fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        next: impl FnOnce(Pin<&mut B>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Refusal>> {
        if let Poll::Ready(part) = next(self.body.as_mut(), context) {
            return Poll::Ready(self.guard.check().map(|()| part));
        }
        let refusal = ready!(self.guard.poll_refused(&mut self.wait, context));
        Poll::Ready(Err(refusal))
    }
}

impl<B: MessageBody> MessageBody for UnderWay<B> {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let part = ready!(self.poll(context, |body, context| body.poll_next(context)));
        Poll::Ready(match part {
            Ok(part) => part.map(|part| part.map_err(Into::into)),
            Err(refusal) => Some(Err(refusal.into())),
        })
    }
}

impl Stream for UnderWay<Payload> {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = ready!(self.poll(context, |body, context| body.poll_next(context)));
        let refused = |refusal| Some(Err(PayloadError::Io(io::Error::from(refusal))));
        Poll::Ready(part.unwrap_or_else(refused))
    }
}
