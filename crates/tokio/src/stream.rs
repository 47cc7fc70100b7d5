//! A TLS stream that ends when trust in the peer ends.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::Arc;

use mutual_trust::{ExpectedServer, PeerCheck, Refusal};
use rustls::CommonState;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::guard::{Guard, Guarding, Wait};
use crate::peer::recheck_interval;
use crate::{Peer, SettingError};

/// A TLS stream that asks again about its peer: after each publication, and at the
/// [recheck interval](Peer::with_recheck_interval). Made by [`Connector`](crate::Connector), [`Acceptor`](crate::Acceptor)
/// and [`Listener`](crate::Listener).
///
/// - A write goes through only if the peer is trusted by the view in force.
/// - What is read is handed out only if the peer is trusted after it arrived.
/// - A task that waits in a read or a write is woken by a publication. So a block ends a connection that is idle.
///
/// Once the peer is refused, a `close_notify` is sent if the socket takes it at once, and all calls but a shutdown fail for
/// good. The error is of the kind `PermissionDenied`. [`mutual_trust::tls::refusal`] finds the verdict in it; its text
/// says nothing of the verdict, because libraries pass such texts on.
///
/// # Security
/// What was written before the refusal may have been sent, and what has been read is read.
pub struct TlsStream<IO> {
    inner: tokio_rustls::TlsStream<IO>,
    guard: Guard,
    reading: Wait,
    writing: Wait,
    end: End,
}

/// How far the end of a refused connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The peer is not refused.
    Open,
    /// The TLS connection is closed in order.
    CloseNotify,
    /// Something that was written before the refusal waits in the connection. It is not sent, and so no
    /// `close_notify` can be. Or the socket does not take a `close_notify`.
    Cut,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    /// Guards a stream that was accepted by other means than an [`Acceptor`](crate::Acceptor).
    ///
    /// # Security
    /// The stream must be one of a configuration of `ServerConfigBuilder` or `EnrolmentAcceptor`, and `check` of the
    /// same builder.
    ///
    /// # Errors
    /// The client is refused by the view in force now.
    pub fn server(
        check: PeerCheck,
        stream: tokio_rustls::server::TlsStream<IO>,
    ) -> Result<Self, Refusal> {
        let peer = Peer::client(check, stream.get_ref().1)?;
        Ok(Self::new(stream.into(), Guard::new(peer)))
    }

    /// Guards a stream that was connected by other means than a [`Connector`](crate::Connector).
    ///
    /// # Security
    /// The stream must be one of a configuration of `ClientConfigBuilder` for the expected server, and `check` of the
    /// same builder.
    ///
    /// # Errors
    /// The server is refused by the view in force now.
    pub fn client(
        check: PeerCheck,
        expected: ExpectedServer<'_>,
        stream: tokio_rustls::client::TlsStream<IO>,
    ) -> Result<Self, Refusal> {
        let peer = Peer::server(check, expected, stream.get_ref().1)?;
        Ok(Self::new(stream.into(), Guard::new(peer)))
    }

    pub(crate) fn guarded(
        inner: tokio_rustls::TlsStream<IO>,
        peer: Peer,
        guarding: &Guarding,
    ) -> Self {
        let mut guard = Guard::new(peer.rechecked_each(guarding.recheck_interval));
        guard.set_refusal_handler(guarding.refusal_handler.clone());
        Self::new(inner, guard)
    }

    fn new(inner: tokio_rustls::TlsStream<IO>, guard: Guard) -> Self {
        Self {
            inner,
            guard,
            reading: Wait::default(),
            writing: Wait::default(),
            end: End::Open,
        }
    }

    /// Fails for good, and closes as far as that is possible at once.
    fn fail(&mut self, refusal: Refusal, context: &mut Context<'_>) -> io::Error {
        if self.end == End::Open {
            self.end = if self.inner.get_ref().1.wants_write() {
                End::Cut
            } else {
                End::CloseNotify
            };
            // What is not sent now is sent by a shutdown, or not at all.
            let _ = self.poll_end(context);
        }
        refusal.into()
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.end == End::CloseNotify {
            if let Poll::Ready(result) = Pin::new(&mut self.inner).poll_shutdown(context) {
                return Poll::Ready(result);
            }
            // Who is refused is not waited for.
            if self.inner.get_ref().1.wants_write() {
                self.end = End::Cut;
            }
        }
        match self.end {
            End::Open | End::CloseNotify => Poll::Pending,
            End::Cut => Pin::new(self.inner.get_mut().0).poll_shutdown(context),
        }
    }

    /// Writes if the peer is trusted. While the socket takes nothing, a refusal ends the wait.
    fn poll_guarded<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(
            Pin<&mut tokio_rustls::TlsStream<IO>>,
            &mut Context<'_>,
        ) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Err(refusal) = self.guard.check() {
            return Poll::Ready(Err(self.fail(refusal, context)));
        }
        if let Poll::Ready(result) = write(Pin::new(&mut self.inner), context) {
            return Poll::Ready(result);
        }
        let refusal = ready!(self.guard.poll_refused(&mut self.writing, context));
        Poll::Ready(Err(self.fail(refusal, context)))
    }
}

impl<IO> TlsStream<IO> {
    /// Sets how often the peer is asked again although nothing was published; `None` is never. A stream of a connector or
    /// an acceptor has the interval of that.
    ///
    /// # Errors
    /// The interval is out of range, see [`Peer::with_recheck_interval`].
    pub fn with_recheck_interval(
        mut self,
        interval: Option<Duration>,
    ) -> Result<Self, SettingError> {
        self.guard.set_recheck_interval(recheck_interval(interval)?);
        // Those that wait have the old interval.
        (self.reading, self.writing) = (Wait::default(), Wait::default());
        Ok(self)
    }

    /// Sets what is called once when the peer is refused, instead of what the connector or the acceptor has set. See
    /// [`Acceptor::with_refusal_handler`](crate::Acceptor::with_refusal_handler).
    #[must_use]
    pub fn with_refusal_handler(
        mut self,
        handler: impl Fn(&Peer, &Refusal) + Send + Sync + 'static,
    ) -> Self {
        self.guard.set_refusal_handler(Some(Arc::new(handler)));
        self
    }

    /// The other end.
    pub fn peer(&self) -> &Peer {
        self.guard.peer()
    }

    /// The stream below, and the state of the TLS connection.
    pub fn get_ref(&self) -> (&IO, &CommonState) {
        self.inner.get_ref()
    }

    /// The application protocol that was negotiated (RFC 7301).
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.inner.get_ref().1.alpn_protocol()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(refusal) = this.guard.refusal() {
            let refusal = refusal.clone();
            return Poll::Ready(Err(this.fail(refusal, context)));
        }
        let filled = buffer.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut this.inner).poll_read(context, buffer) {
            // Asked after the data arrived: a publication before that counts.
            let Err(refusal) = this.guard.check() else {
                return Poll::Ready(result);
            };
            buffer.set_filled(filled);
            return Poll::Ready(Err(this.fail(refusal, context)));
        }
        let refusal = ready!(this.guard.poll_refused(&mut this.reading, context));
        Poll::Ready(Err(this.fail(refusal, context)))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_guarded(context, |inner, context| inner.poll_write(context, data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_guarded(context, |inner, context| {
            inner.poll_write_vectored(context, data)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_guarded(context, |inner, context| inner.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.end != End::Open {
            return this.poll_end(context);
        }
        if this.inner.get_ref().1.wants_write() {
            return this.poll_guarded(context, |inner, context| inner.poll_shutdown(context));
        }
        // Nothing but a `close_notify` is sent, so the peer is asked about only if that has to wait.
        if let Poll::Ready(result) = Pin::new(&mut this.inner).poll_shutdown(context) {
            return Poll::Ready(result);
        }
        let refusal = ready!(this.guard.poll_refused(&mut this.writing, context));
        Poll::Ready(Err(this.fail(refusal, context)))
    }
}

impl<IO> fmt::Debug for TlsStream<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("peer", self.peer())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
