//! A page of text over HTTP, for the program whose numbers are collected.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::Outcome;

/// Answers each request with the page, on this machine alone: the numbers say which key servers there are.
///
/// # Errors
/// No port can be had.
pub fn serve(page: impl Fn() -> String + Send + 'static) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let at = listener.local_addr()?;
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // One that does not read or write holds up the others only so long.
            let _ = answer(connection, &page());
        }
    });
    Ok(at)
}

fn answer(mut connection: TcpStream, page: &str) -> std::io::Result<()> {
    let patience = Some(Duration::from_secs(5));
    connection.set_read_timeout(patience)?;
    connection.set_write_timeout(patience)?;
    // The request is not looked at, but read: up to its empty line, and no more than a request has.
    for line in BufReader::new((&connection).take(8192)).lines() {
        if line?.is_empty() {
            break;
        }
    }
    let kind = "Content-Type: text/plain; version=0.0.4";
    let length = page.len();
    write!(
        connection,
        "HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
    )
}

/// The page, with the head of the answer.
///
/// # Errors
/// The connection fails.
pub fn get(at: SocketAddr) -> Outcome<String> {
    let mut connection = TcpStream::connect(at)?;
    connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut page = String::new();
    connection.read_to_string(&mut page)?;
    Ok(page)
}
