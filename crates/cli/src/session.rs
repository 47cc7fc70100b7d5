//! The session of a client at the test server.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use mutual_trust::PeerCheck;
use mutual_trust::tls::EnrolmentAcceptor;
use rustls::ServerConnection;

use crate::facts;
use crate::json::Event;
use crate::output;

/// The time that a client may take for its whole handshake, and for each line. Many times what a slow link needs.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time that a refused client has to read its alert, before its unread bytes reset the connection.
const LINGER: Duration = Duration::from_secs(2);
/// How often a client that sends nothing is asked about again: as often as the server looks at its store.
const TICK: Duration = Duration::from_secs(1);
/// Bytes of a line that is sent back.
const MAX_LINE: usize = 4096;

/// Prints each event when it happens.
#[derive(Clone, Copy)]
pub(crate) struct Teller {
    as_json: bool,
}

impl Teller {
    pub(crate) const fn new(as_json: bool) -> Self {
        Self { as_json }
    }

    pub(crate) fn tell(self, text: &str, event: &Event) {
        // The reader of the output may have gone. The server serves all the same.
        let _ = output::print_event(text, event, self.as_json);
    }
}

/// Sends each line back to a client that is accepted, until it ends or is not trusted any more.
pub(crate) fn answer(
    tcp: TcpStream,
    acceptor: &EnrolmentAcceptor,
    check: &PeerCheck,
    teller: Teller,
) -> io::Result<()> {
    let config = acceptor
        .config_for(tcp.peer_addr()?.ip())
        .map_err(io::Error::other)?;
    let tls = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut link = Link { tls, tcp };
    if let Err(error) = link.shake_hands() {
        link.linger();
        return Err(if is_silent(&error) {
            io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long")
        } else {
            error
        });
    }
    let accepted = check.client(&link.tls).map_err(io::Error::other)?;
    let peer = accepted.peer();
    teller.tell(
        &format!("accepted: client {peer}"),
        &Event::Client {
            peer: peer.to_string(),
            verdict: Box::new(facts::verdict(accepted.verdict())),
        },
    );
    let mut buffer = [0; MAX_LINE];
    let mut heard = Instant::now();
    loop {
        let read = link.read(&mut buffer, TICK);
        // Before an answer: the trust in the client may have ended while it was silent (rule S3).
        if let Err(refusal) = check.client(&link.tls) {
            let verdict = refusal.verdict();
            teller.tell(
                &format!("ended: client {peer}: {}", output::shown(verdict)),
                &Event::Ended {
                    peer: peer.to_string(),
                    verdict: Box::new(facts::verdict(verdict)),
                },
            );
            link.close();
            return Ok(());
        }
        match read {
            Ok(0) => return Ok(()),
            Ok(count) => {
                heard = Instant::now();
                let line = buffer.get(..count).unwrap_or(&[]);
                link.tls.writer().write_all(line)?;
                link.send(Instant::now() + PATIENCE)?;
            }
            Err(error) if is_silent(&error) && heard.elapsed() < PATIENCE => {}
            Err(error) if is_silent(&error) || error.kind() == io::ErrorKind::UnexpectedEof => {
                link.close();
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether the peer sent nothing in time.
fn is_silent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// A connection. The loops of rustls read until a record is whole, and each byte starts the time-out of the socket again: a
/// client that sends a byte at a time would hold them for hours. These calls read once, or have a deadline.
struct Link {
    tls: ServerConnection,
    tcp: TcpStream,
}

impl Link {
    fn shake_hands(&mut self) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.tls.is_handshaking() {
            self.send(end)?;
            if self.tls.is_handshaking() && self.receive(left(end)?)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.send(end)
    }

    /// Reads once from the socket.
    fn receive(&mut self, patience: Duration) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(patience))?;
        let count = self.tls.read_tls(&mut self.tcp)?;
        if let Err(error) = self.tls.process_new_packets() {
            // The alert. What was wrong with the peer is said, not that it did not hear it.
            let _ = self.send(Instant::now() + LINGER);
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(count)
    }

    /// Reads once from the socket, and then what is there of a line. Fails with `WouldBlock` if no record is whole.
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        if self.tls.wants_read() {
            self.receive(patience)?;
            // Answers of TLS itself, such as new keys.
            self.send(Instant::now() + PATIENCE)?;
        }
        self.tls.reader().read(buffer)
    }

    fn send(&mut self, end: Instant) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tcp.set_write_timeout(Some(left(end)?))?;
            self.tls.write_tls(&mut self.tcp)?;
        }
        Ok(())
    }

    /// Reads what a refused client still sends: closing a socket with unread data resets the connection, and the client
    /// could lose our alert.
    fn linger(&mut self) {
        let _ = self.tcp.shutdown(Shutdown::Write);
        let end = Instant::now() + LINGER;
        let mut unread = [0; MAX_LINE];
        while let Ok(left) = left(end) {
            let is_set = self.tcp.set_read_timeout(Some(left));
            let read = is_set.and_then(|()| self.tcp.read(&mut unread));
            if !matches!(read, Ok(1..)) {
                return;
            }
        }
    }

    fn close(&mut self) {
        self.tls.send_close_notify();
        // The peer may have gone.
        let _ = self.send(Instant::now() + LINGER);
    }
}

/// The time until the deadline, which is not over yet.
fn left(end: Instant) -> io::Result<Duration> {
    match end.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}
