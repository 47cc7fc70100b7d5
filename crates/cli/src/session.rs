//! The session of a client at the test server.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use mutual_trust::PeerCheck;
use mutual_trust::tls::EnrolmentAcceptor;
use rustls::{ServerConnection, StreamOwned};

use crate::facts;
use crate::json::Event;
use crate::output;

/// The time that a client may take for its handshake, and for each line.
const PATIENCE: Duration = Duration::from_secs(10);
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
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))?;
    let config = acceptor
        .config_for(tcp.peer_addr()?.ip())
        .map_err(io::Error::other)?;
    let tls = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut link = StreamOwned::new(tls, tcp);
    while link.conn.is_handshaking() {
        if let Err(error) = link.conn.complete_io(&mut link.sock) {
            // Closing a socket with unread data resets the connection, and the client could lose our alert.
            let _ = link.sock.shutdown(Shutdown::Write);
            let _ = io::copy(&mut (&link.sock).take(65_536), &mut io::sink());
            return Err(error);
        }
    }
    let accepted = check.client(&link.conn).map_err(io::Error::other)?;
    let peer = accepted.peer();
    teller.tell(
        &format!("accepted: client {peer}"),
        &Event::Client {
            peer: peer.to_string(),
            verdict: Box::new(facts::verdict(accepted.verdict())),
        },
    );
    link.sock.set_read_timeout(Some(TICK))?;
    let mut buffer = [0; MAX_LINE];
    let mut heard = Instant::now();
    loop {
        let read = link.read(&mut buffer);
        // Before an answer: the trust in the client may have ended while it was silent (rule S3).
        if let Err(refusal) = check.client(&link.conn) {
            let verdict = refusal.verdict();
            teller.tell(
                &format!("ended: client {peer}: {}", output::shown(verdict)),
                &Event::Ended {
                    peer: peer.to_string(),
                    verdict: Box::new(facts::verdict(verdict)),
                },
            );
            close(&mut link);
            return Ok(());
        }
        match read {
            Ok(0) => return Ok(()),
            Ok(count) => {
                heard = Instant::now();
                link.write_all(buffer.get(..count).unwrap_or(&[]))?;
                link.flush()?;
            }
            Err(error) if is_silent(&error) && heard.elapsed() < PATIENCE => {}
            Err(error) if is_silent(&error) || error.kind() == io::ErrorKind::UnexpectedEof => {
                close(&mut link);
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

fn close(link: &mut StreamOwned<ServerConnection, TcpStream>) {
    link.conn.send_close_notify();
    // The peer may have gone.
    let _ = link.flush();
}
