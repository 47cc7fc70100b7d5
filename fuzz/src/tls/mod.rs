//! Both ends of TLS, given the flights of a handshake that a fuzzer changed.
//!
//! A live handshake in memory with a plain rustls peer, which accepts every peer and presents what the input says.
//! Nothing is encrypted, so that changes reach the messages inside.

#[path = "../../../crates/test-support/src/accept_all.rs"]
#[allow(
    unreachable_pub,
    reason = "the tests of the library name it from outside"
)]
mod accept_all;
mod peers;
mod provider;
mod records;
mod waiting;

use std::io::Cursor;

use pki_types::ServerName;
use rustls::{ClientConnection, CommonState, Connection, ServerConnection};

use crate::TLS_BYTES;
use peers::{End, HOST, Presents, Setting, Trust};
use records::{Edit, read_handshake};

/// Most bytes that both ends of one handshake may hold at a time. An unchanged one takes 18 KB, the first one 49 KB with
/// what is kept for all; rustls holds at most one message of 64 KiB besides.
const MOST_HELD: u64 = 128 * 1024;

/// Our client and a changed server.
pub fn tls_client(data: &[u8]) -> bool {
    run(data, End::Client)
}

/// Our server and a changed client.
pub fn tls_server(data: &[u8]) -> bool {
    run(data, End::Server)
}

/// Our server with which unknown clients may wait, and a changed client.
pub fn tls_enrolment(data: &[u8]) -> bool {
    run(data, End::Acceptor)
}

/// The first byte says what we trust, which version is spoken and whether clients may wait, the second what the peer
/// presents; then come changes of six bytes.
fn run(data: &[u8], end: End) -> bool {
    let Some(([how, what], rest)) = data.split_first_chunk::<2>() else {
        return false;
    };
    if data.len() > TLS_BYTES {
        return false;
    }
    let setting = Setting::of(*how, end);
    let presents = Presents::of(*what, end);
    let edits: Vec<Edit> = rest.as_chunks::<6>().0.iter().map(Edit::of).collect();
    let enrolment = setting.enrolment();
    let (us, them) = setting.configs(presents, &enrolment);
    provider::reset();
    let mut finished = false;
    let held = allocation_counter::measure(|| {
        let name = ServerName::try_from(HOST).expect("it is a name");
        let (us, them) = if end == End::Client {
            let us = ClientConnection::new(us.client(), name).expect("it is configured");
            let them = ServerConnection::new(them.server()).expect("it is configured");
            (Connection::from(us), Connection::from(them))
        } else {
            let us = ServerConnection::new(us.server()).expect("it is configured");
            let them = ClientConnection::new(them.client(), name).expect("it is configured");
            (Connection::from(us), Connection::from(them))
        };
        let mut link = Link::new(setting, presents, &edits);
        finished = link.run(us, them);
        link.check_waiting(&enrolment);
    });
    assert!(
        held.bytes_max < MOST_HELD,
        "{} bytes were held",
        held.bytes_max
    );
    finished
}

/// The bytes of one direction so far, as they were sent and as they arrived.
#[derive(Default)]
struct Way {
    sent: Vec<u8>,
    came: Vec<u8>,
    flights: u8,
}

impl Way {
    fn carry(
        &mut self,
        mut flight: Vec<u8>,
        to_us: bool,
        edits: &[Edit],
        encrypted: bool,
    ) -> Vec<u8> {
        if flight.is_empty() {
            return flight;
        }
        read_handshake(&mut self.sent, &flight, encrypted);
        for edit in edits.iter().filter(|edit| edit.is_for(to_us, self.flights)) {
            edit.apply(&mut flight, encrypted);
        }
        read_handshake(&mut self.came, &flight, encrypted);
        self.flights = self.flights.saturating_add(1);
        flight
    }
}

/// A handshake and its result.
struct Link<'a> {
    setting: Setting,
    presents: Presents,
    edits: &'a [Edit],
    to_us: Way,
    to_them: Way,
}

impl<'a> Link<'a> {
    fn new(setting: Setting, presents: Presents, edits: &'a [Edit]) -> Self {
        Self {
            setting,
            presents,
            edits,
            to_us: Way::default(),
            to_them: Way::default(),
        }
    }

    fn what(&self) -> String {
        format!("{:?}, {:?}, {:?}", self.presents, self.setting, self.edits)
    }

    /// Whether our end finished its handshake.
    fn run(&mut self, mut us: Connection, mut them: Connection) -> bool {
        let encrypted = self.setting.is_13();
        let mut failed = false;
        for _ in 0..6 {
            // Of what we send, only the first flight: the last may come after we have finished.
            let first = self.to_them.flights == 0;
            let ours = if first { self.edits } else { &[] };
            let flight = self.to_them.carry(drain(&mut us), false, ours, encrypted);
            let their_error = feed(&mut them, &flight);
            let flight = self
                .to_us
                .carry(drain(&mut them), true, self.edits, encrypted);
            failed |= feed(&mut us, &flight);
            if failed || their_error || !us.is_handshaking() {
                break;
            }
        }
        let verdict = self.setting.check(&us);
        let finished = !failed && !us.is_handshaking();
        let what = || format!("{}: {verdict}", self.what());
        if us.is_handshaking() {
            assert!(!verdict.is_accepted(), "unfinished: {}", what());
            return false;
        }
        // Also if something behind the last message broke it.
        assert!(
            self.setting.may_trust(self.presents),
            "it is trusted: {}",
            what()
        );
        if !finished {
            return false;
        }
        assert!(verdict.is_accepted(), "{}", what());
        // What comes behind the last message of a flight breaks the link afterwards.
        let seen = self.to_us.came.starts_with(&self.to_us.sent);
        assert!(seen, "a change went unseen: {}", what());
        let seen = self.to_them.came.starts_with(&self.to_them.sent);
        assert!(seen, "a change of what we sent went unseen: {}", what());
        let state: &CommonState = &us;
        let presented = state.peer_certificates().and_then(|chain| chain.first());
        assert_eq!(
            presented.map(|leaf| leaf.as_ref()),
            Some(self.presents.leaf().as_slice())
        );
        true
    }
}

fn drain(from: &mut Connection) -> Vec<u8> {
    let mut flight = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut flight).expect("memory takes it");
    }
    flight
}

/// Whether it failed.
fn feed(to: &mut Connection, flight: &[u8]) -> bool {
    let mut left = Cursor::new(flight);
    while usize::try_from(left.position()).is_ok_and(|at| at < flight.len()) {
        match to.read_tls(&mut left) {
            Ok(0) | Err(_) => return true,
            Ok(_) => {}
        }
        if let Err(error) = to.process_new_packets() {
            assert!(!error.to_string().is_empty());
            return true;
        }
    }
    false
}

impl Setting {
    /// Whether the peer may be trusted: its certificate is installed, and it has the key.
    fn may_trust(&self, presents: Presents) -> bool {
        match self.trust {
            Trust::Pin => presents == Presents::Pinned,
            Trust::Authority => presents == Presents::Chain,
        }
    }
}
