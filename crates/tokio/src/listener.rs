//! The server end, over a socket that listens.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::{ACCEPT_PAUSE, LARGEST_MAX_HANDSHAKES, MAX_HANDSHAKES, PATIENCE_WHEN_FULL};
use crate::{Acceptor, Failure, SettingError, TlsStream};
use underway::Underway;

mod underway;

/// Accepts clients: a socket that listens, and the handshakes of its connections.
///
/// - Each handshake runs in a task of its own, with the [time limit](Acceptor::with_handshake_timeout) of the acceptor.
///   A client that is slow or silent does not delay others.
/// - At most [`MAX_HANDSHAKES`] are under way or wait to be taken. While all places are taken, the oldest handshake that
///   has lasted for [`PATIENCE_WHEN_FULL`] is ended, and makes room for the next client.
/// - A client that is refused gets its alert.
/// - After an error that concerns all connections, for example too many open files, it pauses for [`ACCEPT_PAUSE`].
///
/// It makes progress while [`accept`](Self::accept) is awaited. Dropping it closes the socket and ends its tasks. None of
/// them holds the end of the process.
#[must_use = "a listener that is dropped accepts no client"]
pub struct Listener {
    tcp: TcpListener,
    acceptor: Acceptor,
    max_handshakes: usize,
    failure_handler: Option<FailureHandler>,
    handshakes: JoinSet<Result<Accepted, Failure>>,
    underway: Underway,
    /// Why no client is accepted for now: an error that will come back, or no place.
    pause: Option<Pin<Box<Sleep>>>,
}

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
            pause: None,
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
            while let Poll::Ready(Some(done)) = self.handshakes.poll_join_next(context) {
                if let Some(accepted) = self.take(done) {
                    return Poll::Ready(accepted);
                }
            }
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.pause = None;
            }
            if self.handshakes.len() >= self.max_handshakes {
                match self.make_room() {
                    // The place is free once the task has ended, which wakes this one.
                    None => return Poll::Pending,
                    Some(until) => self.pause_until(until),
                }
                continue;
            }
            match self.tcp.poll_accept(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok((tcp, address))) => self.start(tcp, address),
                Poll::Ready(Err(error)) if concerns_one_connection(&error) => {}
                Poll::Ready(Err(error)) => {
                    self.report(&Failure::new(None, error));
                    self.pause_for(ACCEPT_PAUSE);
                }
            }
        }
    }

    fn start(&mut self, tcp: TcpStream, address: SocketAddr) {
        let acceptor = self.acceptor.clone();
        let task = self.handshakes.spawn(async move {
            let accepted = acceptor.accept_tcp(tcp, address).await;
            let accepted = accepted.map_err(|error| Failure::new(Some(address), error))?;
            Ok((accepted, address))
        });
        self.underway.add(Instant::now(), address, task);
    }

    fn take(&mut self, done: Result<Result<Accepted, Failure>, JoinError>) -> Option<Accepted> {
        match done {
            Ok(Ok(accepted)) => return Some(accepted),
            Ok(Err(failure)) => self.report(&failure),
            // Ended by `make_room`, which has reported it.
            Err(ended) if ended.is_cancelled() => self.underway.one_has_ended(),
            Err(panicked) => self.report(&Failure::new(None, io::Error::other(panicked))),
        }
        None
    }

    /// Ends the oldest handshake if it has lasted long enough, or says when it will have. `None`: one ends already.
    fn make_room(&mut self) -> Option<Instant> {
        let ended = self.underway.end_oldest(Instant::now(), PATIENCE_WHEN_FULL);
        match ended {
            underway::Room::Later(until) => return Some(until),
            underway::Room::Ending => {}
            underway::Room::Ended(address) => {
                let text = "a slow TLS handshake made room for others";
                let error = io::Error::new(io::ErrorKind::TimedOut, text);
                self.report(&Failure::new(Some(address), error));
            }
        }
        None
    }

    fn pause_for(&mut self, time: Duration) {
        self.pause_until(Instant::now() + time);
    }

    fn pause_until(&mut self, until: Instant) {
        self.pause = Some(Box::pin(sleep_until(until)));
    }

    fn report(&self, failure: &Failure) {
        if let Some(handler) = &self.failure_handler {
            handler(failure);
        }
    }
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
            .finish_non_exhaustive()
    }
}
