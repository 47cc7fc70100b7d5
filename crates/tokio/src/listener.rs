//! The server end, over a socket that listens.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::drain::{Rest, Unaccepted};
use crate::handler;
use crate::limits::{
    ACCEPT_PAUSE, LARGEST_MAX_HANDSHAKES, MAX_DRAINING, MAX_HANDSHAKES, PATIENCE_WHEN_FULL,
};
use crate::{Acceptor, Failure, SettingError, TlsStream};
use underway::Underway;

mod underway;

/// Accepts clients: a socket that listens, and the handshakes of its connections.
///
/// - Each handshake runs in a task of its own, with the [time limit](Acceptor::with_handshake_timeout) of the acceptor.
///   A client that is slow or silent does not delay others.
/// - At most [`MAX_HANDSHAKES`] are under way or wait to be taken. While all places are taken, the oldest handshake that
///   has lasted for [`PATIENCE_WHEN_FULL`] is ended, and makes room for the next client.
/// - If the process has no files left, the oldest handshake is ended in the same way.
/// - A client that is refused is reported at once and holds no place. It gets its alert: its connection stays open until
///   the client has closed it. At most [`MAX_DRAINING`] such connections are open, and more are closed at once.
/// - After another error that concerns all connections, it pauses for [`ACCEPT_PAUSE`].
///
/// It makes progress while [`accept`](Self::accept) is awaited. Dropping it closes the socket and ends its tasks. None of
/// them holds the end of the process.
#[must_use = "a listener that is dropped accepts no client"]
pub struct Listener {
    tcp: TcpListener,
    acceptor: Acceptor,
    max_handshakes: usize,
    failure_handler: Option<FailureHandler>,
    handshakes: JoinSet<Handshake>,
    underway: Underway,
    /// Clients that were refused, and have not closed yet.
    draining: JoinSet<()>,
    /// No client is accepted until then: an error that would come back at once.
    pause: Option<Pin<Box<Sleep>>>,
    /// Wakes the task when the oldest handshake may be ended. A place that becomes free ends the wait.
    patience: Option<Pin<Box<Sleep>>>,
    /// There was no file for a client when this many of our connections were open.
    without_files: Option<usize>,
    /// When that was reported last.
    reported: Option<Instant>,
}

type Handshake = Result<Accepted, (Failure, Option<Rest<TcpStream>>)>;

type Accepted = (TlsStream<TcpStream>, SocketAddr);

type FailureHandler = Arc<dyn Fn(&Failure) + Send + Sync>;

/// What a [`Listener`] is made of.
#[derive(Clone)]
#[must_use = "nothing listens until `bind` or `listen` is called"]
pub struct ListenerBuilder {
    acceptor: Acceptor,
    max_handshakes: usize,
    failure_handler: Option<FailureHandler>,
}

impl ListenerBuilder {
    /// Sets how many handshakes are under way at most. [`MAX_HANDSHAKES`] by default.
    ///
    /// # Errors
    /// The number is zero or above [`LARGEST_MAX_HANDSHAKES`].
    pub fn with_max_handshakes(mut self, most: usize) -> Result<Self, SettingError> {
        if !(1..=LARGEST_MAX_HANDSHAKES).contains(&most) {
            let range = format!("1 to {LARGEST_MAX_HANDSHAKES}");
            return Err(SettingError::new("the number of handshakes", range));
        }
        self.max_handshakes = most;
        Ok(self)
    }

    /// How many handshakes are under way at most.
    pub fn max_handshakes(&self) -> usize {
        self.max_handshakes
    }

    /// Sets what is called with each connection that is not handed out: refusals, whose verdict is in
    /// [`Failure::verdict`], handshakes that failed, and errors of the socket. By default they are dropped; the observer
    /// of the configuration sees refusals all the same.
    ///
    /// A connection that was handed out and ends later is told to
    /// [`Acceptor::with_refusal_handler`].
    ///
    /// It is called by the task that accepts, so it must not block. Any machine that reaches the port can cause a call.
    /// A panic in it ends the call alone, unless the program aborts on panics.
    pub fn with_failure_handler(
        mut self,
        handler: impl Fn(&Failure) + Send + Sync + 'static,
    ) -> Self {
        self.failure_handler = Some(Arc::new(handler));
        self
    }

    /// Listens on an address.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(self, address: impl ToSocketAddrs) -> io::Result<Listener> {
        Ok(self.listen(TcpListener::bind(address).await?))
    }

    /// Takes a socket that listens.
    pub fn listen(self, tcp: TcpListener) -> Listener {
        Listener {
            tcp,
            acceptor: self.acceptor,
            max_handshakes: self.max_handshakes,
            failure_handler: self.failure_handler,
            handshakes: JoinSet::new(),
            underway: Underway::default(),
            draining: JoinSet::new(),
            pause: None,
            patience: None,
            without_files: None,
            reported: None,
        }
    }
}

impl Listener {
    /// A listener with other settings than the default ones.
    pub fn builder(acceptor: Acceptor) -> ListenerBuilder {
        ListenerBuilder {
            acceptor,
            max_handshakes: MAX_HANDSHAKES,
            failure_handler: None,
        }
    }

    /// Listens on an address, with the default settings.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(address: impl ToSocketAddrs, acceptor: Acceptor) -> io::Result<Self> {
        Self::builder(acceptor).bind(address).await
    }

    /// The address on which it listens.
    ///
    /// # Errors
    /// The operating system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next client whose handshake is done, and its address.
    ///
    /// There is no error: what fails concerns one connection, and goes to the
    /// [failure handler](ListenerBuilder::with_failure_handler). Dropping the future loses no client, so it can be one
    /// branch of a `select`.
    pub async fn accept(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        poll_fn(|context| self.poll_accept(context)).await
    }

    /// [`accept`](Self::accept) as a poll function.
    pub fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<Accepted> {
        loop {
            while let Poll::Ready(Some(done)) = self.handshakes.poll_join_next_with_id(context) {
                if let Some(accepted) = self.take(done) {
                    return Poll::Ready(accepted);
                }
            }
            while let Poll::Ready(Some(_)) = self.draining.poll_join_next(context) {}
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            if self.is_full() {
                ready!(self.poll_room(context));
                continue;
            }
            match self.tcp.poll_accept(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok((tcp, address))) => self.start(tcp, address),
                Poll::Ready(Err(error)) if concerns_one_connection(&error) => {}
                Poll::Ready(Err(error)) => self.failed(error),
            }
        }
    }

    fn start(&mut self, tcp: TcpStream, address: SocketAddr) {
        let acceptor = self.acceptor.clone();
        let task = self.handshakes.spawn(async move {
            match acceptor.handshake_tcp(tcp, address).await {
                Ok(accepted) => Ok((accepted, address)),
                Err(Unaccepted { error, rest }) => Err((Failure::new(Some(address), error), rest)),
            }
        });
        self.underway.add(Instant::now(), address, task);
    }

    fn take(&mut self, done: Result<(Id, Handshake), JoinError>) -> Option<Accepted> {
        let id = match &done {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let address = self.underway.ended(id);
        match done {
            Ok((_, Ok(accepted))) => return Some(accepted),
            Ok((_, Err((failure, rest)))) => {
                self.report(&failure);
                if let Some(rest) = rest
                    && self.draining.len() < MAX_DRAINING
                {
                    self.draining.spawn(rest.drain());
                }
            }
            Err(ended) if ended.is_cancelled() => {
                let text = "a slow TLS handshake made room for others";
                let error = io::Error::new(io::ErrorKind::TimedOut, text);
                self.report(&Failure::new(address, error));
            }
            Err(panicked) => self.report(&Failure::new(address, io::Error::other(panicked))),
        }
        None
    }

    /// How many of our connections are open.
    fn open(&self) -> usize {
        self.handshakes.len().saturating_add(self.draining.len())
    }

    fn is_full(&mut self) -> bool {
        let open = self.open();
        self.without_files = self.without_files.filter(|then| open >= *then);
        self.without_files.is_some() || self.handshakes.len() >= self.max_handshakes
    }

    /// Makes room. Completes when it is time to look again. The end of a task wakes the task of `context` as well.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.without_files.is_some() && !self.draining.is_empty() {
            // They are refused, and keep files from clients that may not be.
            self.draining.abort_all();
            return Poll::Pending;
        }
        let Some(until) = self.underway.end_oldest(Instant::now(), PATIENCE_WHEN_FULL) else {
            return Poll::Pending;
        };
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        if patience.deadline() != until {
            patience.as_mut().reset(until);
        }
        ready!(patience.as_mut().poll(context));
        self.patience = None;
        // There may be files again.
        self.without_files = None;
        Poll::Ready(())
    }

    /// An error that concerns all connections.
    fn failed(&mut self, error: io::Error) {
        let now = Instant::now();
        let open = self.open();
        if no_files(&error) && open > 0 {
            self.without_files = Some(open);
            // Each place that becomes free can bring this error again.
            if self.reported.is_some_and(|then| now < then + ACCEPT_PAUSE) {
                return;
            }
            self.reported = Some(now);
        } else {
            self.pause = Some(Box::pin(sleep_until(now + ACCEPT_PAUSE)));
        }
        self.report(&Failure::new(None, error));
    }

    fn report(&self, failure: &Failure) {
        if let Some(failure_handler) = &self.failure_handler {
            handler::call(|| failure_handler(failure));
        }
    }
}

/// The process, or the machine, has no files left. There is no `ErrorKind` for it.
fn no_files(error: &io::Error) -> bool {
    // ENFILE and EMFILE, which are the same numbers on all systems of Unix; WSAEMFILE.
    let codes: &[i32] = if cfg!(windows) { &[10_024] } else { &[23, 24] };
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

/// Errors of a connection that ended before it was accepted. Linux passes on those of its network (accept(2)).
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
    )
}

impl fmt::Debug for ListenerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerBuilder")
            .field("acceptor", &self.acceptor)
            .field("max_handshakes", &self.max_handshakes)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("local_addr", &self.local_addr().ok())
            .field("handshakes", &self.handshakes.len())
            .field("draining", &self.draining.len())
            .finish_non_exhaustive()
    }
}
