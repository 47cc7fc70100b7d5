//! What is sent and read on a link, each step with its deadline, and how a link ends.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use rustls::{AlertDescription, ClientConnection};

/// How a link ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The handshake is done, and the server did not refuse us.
    Works,
    /// The server sent an alert.
    Alert(AlertDescription),
    /// The server closed the connection after the handshake without an alert.
    Closed,
    /// Our end refused, or TLS failed.
    Failed(rustls::Error),
    /// The network failed, or the time is over.
    Io(io::Error),
}

/// Whether the time is over.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Sends what waits to be sent.
pub(crate) fn send(tls: &mut ClientConnection, tcp: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        tls.write_tls(tcp)?;
    }
    Ok(())
}

/// Waits for bytes, and reads them. Says whether there are data, or the server has closed the link in order.
pub(crate) fn receive(
    tls: &mut ClientConnection,
    tcp: &mut TcpStream,
    deadline: Instant,
) -> Result<bool, End> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(End::Io(io::Error::from(ErrorKind::TimedOut)));
    }
    tcp.set_read_timeout(Some(left)).map_err(End::Io)?;
    match tls.read_tls(tcp) {
        Ok(0) if tls.is_handshaking() => {
            return Err(End::Io(io::Error::from(ErrorKind::UnexpectedEof)));
        }
        Ok(0) => return Err(End::Closed),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
        Err(error) => return Err(End::Io(error)),
    }
    match tls.process_new_packets() {
        Err(rustls::Error::AlertReceived(alert)) => Err(End::Alert(alert)),
        Err(error) => {
            // Sends the alert, which does not say our reason.
            let _ = tls.write_tls(tcp);
            Err(End::Failed(error))
        }
        Ok(state) => Ok(state.plaintext_bytes_to_read() > 0 || state.peer_has_closed()),
    }
}

/// What is said over a link after its handshake.
pub(crate) type Talk<'a> = dyn FnMut(&mut Exchange<'_>) + 'a;

/// A link after its handshake: requests and the bytes of their answers.
pub(crate) struct Exchange<'a> {
    tls: &'a mut ClientConnection,
    tcp: &'a mut TcpStream,
    /// For each request with its answer.
    timeout: Duration,
    deadline: Instant,
    /// The server has sent a byte: it has not refused us.
    is_answered: bool,
    /// How the link ended before that.
    pub(crate) refused: Option<End>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The link ended before the first byte of the server, and not by an orderly close.
    Refused,
    /// The server closed the link.
    Closed,
    /// The time is over.
    Late,
    /// TLS or the network failed, as is said here.
    Failed(String),
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(
        tls: &'a mut ClientConnection,
        tcp: &'a mut TcpStream,
        timeout: Duration,
    ) -> Self {
        Self {
            tls,
            tcp,
            timeout,
            deadline: Instant::now(),
            is_answered: false,
            refused: None,
        }
    }

    /// Sends a request. Its answer must be there within the time of the link.
    pub(crate) fn request(&mut self, bytes: &[u8]) -> Result<(), Unanswered> {
        self.deadline = Instant::now() + self.timeout;
        let sent = self.tls.writer().write_all(bytes);
        let sent = sent.and_then(|()| send(self.tls, self.tcp));
        sent.map_err(|error| self.ended(End::Io(error)))
    }

    /// Fills a buffer with the next bytes of an answer.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Unanswered> {
        let mut rest = buffer;
        while !rest.is_empty() {
            match self.tls.reader().read(rest) {
                Ok(0) => return Err(Unanswered::Closed),
                Ok(count) => {
                    self.is_answered = true;
                    rest = rest.get_mut(count..).unwrap_or_default();
                    // However much has arrived already.
                    if self.deadline <= Instant::now() {
                        return Err(Unanswered::Late);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if let Err(end) = receive(self.tls, self.tcp, self.deadline) {
                        return Err(self.ended(end));
                    }
                    if let Err(error) = send(self.tls, self.tcp) {
                        return Err(self.ended(End::Io(error)));
                    }
                }
                Err(error) => return Err(self.ended(End::Io(error))),
            }
        }
        Ok(())
    }

    fn ended(&mut self, end: End) -> Unanswered {
        match end {
            End::Io(error) if is_timeout(&error) => Unanswered::Late,
            end if !self.is_answered => {
                self.refused = Some(end);
                Unanswered::Refused
            }
            End::Works | End::Closed => Unanswered::Closed,
            End::Io(error) if error.kind() == ErrorKind::ConnectionReset => Unanswered::Closed,
            End::Alert(alert) => Unanswered::Failed(format!("the server sent the alert {alert:?}")),
            End::Failed(error) => Unanswered::Failed(error.to_string()),
            End::Io(error) => Unanswered::Failed(error.to_string()),
        }
    }
}
