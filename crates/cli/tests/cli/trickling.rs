//! Clients of `serve` that send a byte at a time: neither their handshake nor their session goes on for ever.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ClientConnection;

use crate::ends;
use crate::folder::Folder;
use crate::run::{Server, machine, run};

/// Sends a byte at a time, until the other end closes.
fn trickle(tcp: &mut TcpStream, bytes: &[u8], pause: Duration) -> Duration {
    let began = Instant::now();
    tcp.set_read_timeout(Some(pause)).unwrap();
    let mut heard = [0; 4096];
    for byte in bytes {
        match tcp.read(&mut heard) {
            Ok(0) => return began.elapsed(),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return began.elapsed(),
        }
        if tcp.write_all(&[*byte]).is_err() {
            return began.elapsed();
        }
    }
    panic!("the connection goes on after {:?}", began.elapsed());
}

fn site(test: &str) -> (Folder, Server) {
    let folder = Folder::new(test);
    machine(&folder, "keys-1");
    machine(&folder, "array-7");
    run(&folder, "store create --store server-trust").ends_with(0);
    let line = "store pin array-7.pem --clients --label array-7 --store server-trust";
    run(&folder, line).ends_with(0);
    let server = Server::start(&folder, "");
    (folder, server)
}

#[test]
fn a_handshake_that_comes_byte_by_byte_has_an_end() {
    let (_folder, mut server) = site("cli-trickled-handshake");
    let mut tcp = TcpStream::connect(&server.address).unwrap();
    // The head of a record that holds a ClientHello of 512 bytes.
    tcp.write_all(&[0x16, 3, 1, 2, 0]).unwrap();
    let held = trickle(&mut tcp, &[1; 50], Duration::from_millis(500));
    assert!(held < Duration::from_secs(20), "{held:?}");
    server.until("the handshake took too long");
}

#[test]
fn a_client_that_is_blocked_is_closed_while_it_sends_byte_by_byte() {
    let (folder, mut server) = site("cli-trickled-line");
    let (mut tls, mut tcp) = connected(&folder, &server);
    server.until("accepted: client array-7");
    let record = record(&mut tls);
    let blocked = thread::spawn(move || {
        run(&folder, "store block array-7.pem --store server-trust").ends_with(0);
        folder
    });
    let held = trickle(&mut tcp, &record[..80], Duration::from_millis(100));
    let _folder = blocked.join().unwrap();
    // Not by the time-out of a line.
    assert!(held < Duration::from_secs(9), "{held:?}");
    server.until("ended: client array-7");
    let _ = tcp.shutdown(Shutdown::Both);
}

/// A line that is not whole in time ends the session, also of a client that is trusted.
#[test]
fn a_line_that_comes_byte_by_byte_has_an_end() {
    let (folder, mut server) = site("cli-trickled-slow-line");
    let (mut tls, mut tcp) = connected(&folder, &server);
    server.until("accepted: client array-7");
    let record = record(&mut tls);
    let held = trickle(&mut tcp, &record[..50], Duration::from_millis(500));
    assert!(held < Duration::from_secs(20), "{held:?}");
}

/// A record with the beginning of a line.
fn record(tls: &mut ClientConnection) -> Vec<u8> {
    tls.writer().write_all(&[b'x'; 4000]).unwrap();
    let mut record = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut record).unwrap();
    }
    record
}

/// The link of `array-7`.
fn connected(folder: &Folder, server: &Server) -> (ClientConnection, TcpStream) {
    let mut tls = ends::array(folder);
    let mut tcp = TcpStream::connect(&server.address).unwrap();
    while tls.is_handshaking() || tls.wants_write() {
        tls.complete_io(&mut tcp).unwrap();
    }
    (tls, tcp)
}
