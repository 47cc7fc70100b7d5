//! One link to a server, driven step by step, so that each step has its deadline.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use mutual_trust::HostName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion};

use crate::exchange::{End, Exchange, Talk, is_timeout, receive, send};
use crate::output::Failure;

/// KMIP over TLS (IANA).
const DEFAULT_PORT: u16 = 5696;

/// The kind of the error if no address answered in time.
const CONNECT_LATE: &str = "connect/TimedOut";
/// The kind of the error if a server did not finish the handshake in time.
pub(crate) const HANDSHAKE_LATE: &str = "link/TimedOut";

/// Addresses of a name that an error lists.
const MAX_ADDRESSES: usize = 8;

/// The address of a server.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) host: HostName,
    port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let host = |text: &str| text.parse::<HostName>().map_err(|error| error.to_string());
        // With a port: a name, an IPv4 address, or an IPv6 address in brackets. Without: the same, or an IPv6 address
        // without brackets.
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                let port = port.parse().map_err(|_| format!("not a port: {port}"))?;
                (name, port)
            }
            _ => (text, DEFAULT_PORT),
        };
        Ok(Self {
            host: host(name)?,
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.ip() {
            Some(ip) if ip.is_ipv6() => write!(f, "[{ip}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// How long to wait.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Seconds to wait for the connection, and again for the whole handshake
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// Milliseconds to listen after the handshake: in TLS 1.3 a server refuses a client one round trip later
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    settle: u64,
}

impl Patience {
    fn timeout(self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Connects, to the first address that answers.
pub(crate) fn dial(address: &Address, patience: Patience) -> Result<TcpStream, Failure> {
    let failed = |error: io::Error| Failure::new("connect", format!("{address}: {error}"));
    let resolved = (address.host.to_string(), address.port).to_socket_addrs();
    let mut tried = Vec::new();
    for place in resolved.map_err(failed)? {
        match TcpStream::connect_timeout(&place, patience.timeout()) {
            Ok(tcp) => {
                tcp.set_read_timeout(Some(patience.timeout()))?;
                tcp.set_write_timeout(Some(patience.timeout()))?;
                return Ok(tcp);
            }
            Err(error) => tried.push((place, error)),
        }
    }
    let shown = tried.iter().take(MAX_ADDRESSES).map(|(place, error)| {
        let text = if is_timeout(error) {
            String::from("no answer in time (--timeout)")
        } else {
            error.to_string()
        };
        match address.host.ip() {
            Some(_) => text,
            None => format!("{place}: {text}"),
        }
    });
    let mut shown: Vec<String> = shown.collect();
    match tried.len().saturating_sub(MAX_ADDRESSES) {
        0 if tried.is_empty() => shown.push(String::from("the name has no address")),
        0 => {}
        more => shown.push(format!("{more} more addresses")),
    }
    let text = format!("{address}: {}", shown.join("; "));
    let is_late = !tried.is_empty() && tried.iter().all(|(_, error)| is_timeout(error));
    Err(Failure::new(
        if is_late { CONNECT_LATE } else { "connect" },
        text,
    ))
}

/// A stream that ends at a deadline, however slowly its peer sends.
pub(crate) struct Deadlined {
    tcp: TcpStream,
    deadline: Instant,
}

impl Deadlined {
    pub(crate) fn new(tcp: TcpStream, patience: Patience) -> Self {
        let deadline = Instant::now() + patience.timeout();
        Self { tcp, deadline }
    }

    /// The time that is left.
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Self::late());
        }
        Ok(left)
    }

    /// The code of the system for the end of the time reads "resource temporarily unavailable".
    fn told(error: io::Error) -> io::Error {
        if is_timeout(&error) {
            Self::late()
        } else {
            error
        }
    }

    fn late() -> io::Error {
        let text = "the server did not finish the handshake in time (--timeout)";
        io::Error::new(ErrorKind::TimedOut, text)
    }
}

impl Read for Deadlined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.left()?))?;
        self.tcp.read(buffer).map_err(Self::told)
    }
}

impl Write for Deadlined {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.left()?))?;
        self.tcp.write(bytes).map_err(Self::told)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// The result of a link.
pub(crate) struct Link {
    pub(crate) end: End,
    /// Whether our end had finished its handshake.
    pub(crate) finished: bool,
    /// Whether a refusal was waited for after the handshake.
    pub(crate) listened: bool,
    pub(crate) version: Option<&'static str>,
    pub(crate) suite: Option<String>,
    /// The key exchange group.
    pub(crate) group: Option<String>,
}

/// Makes the handshake, listens for a refusal, and closes the link. With a talk, its first answer shows that the server
/// does not refuse us, so that nothing is waited for.
pub(crate) fn visit(
    config: Arc<ClientConfig>,
    name: &HostName,
    mut tcp: TcpStream,
    patience: Patience,
    talk: Option<&mut Talk<'_>>,
) -> Result<Link, Failure> {
    let named = name.to_server_name();
    let named =
        named.ok_or_else(|| Failure::new("name", format!("{name} cannot be sent to a server")))?;
    let mut tls = ClientConnection::new(config, named)
        .map_err(|error| Failure::new("tls", error.to_string()))?;
    let mut end = run(
        &mut tls,
        &mut tcp,
        Instant::now() + patience.timeout(),
        Until::Finished,
    );
    let finished = !tls.is_handshaking();
    let listened = finished && (patience.settle > 0 || talk.is_some());
    if matches!(end, End::Works) {
        let listened_to = match talk {
            Some(talk) => {
                let mut exchange = Exchange::new(&mut tls, &mut tcp, patience.timeout());
                talk(&mut exchange);
                exchange.refused.unwrap_or(End::Works)
            }
            None => {
                let listen = Duration::from_millis(patience.settle);
                run(&mut tls, &mut tcp, Instant::now() + listen, Until::Said)
            }
        };
        end = match listened_to {
            End::Io(error) if is_timeout(&error) => End::Works,
            End::Io(error) if error.kind() == ErrorKind::ConnectionReset => End::Closed,
            end @ (End::Works | End::Alert(_) | End::Closed | End::Failed(_) | End::Io(_)) => end,
        };
        tls.send_close_notify();
    }
    let _ = tls.write_tls(&mut tcp);
    let version = match tls.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => Some("1.2"),
        Some(ProtocolVersion::TLSv1_3) => Some("1.3"),
        _ => None,
    };
    let suite = tls
        .negotiated_cipher_suite()
        .map(|suite| format!("{:?}", suite.suite()));
    let group = tls
        .negotiated_key_exchange_group()
        .map(|group| format!("{:?}", group.name()));
    Ok(Link {
        end,
        finished,
        listened,
        version,
        suite,
        group,
    })
}

/// How far a link is driven.
#[derive(PartialEq, Eq)]
enum Until {
    /// Our end has finished its handshake, and its messages are sent.
    Finished,
    /// The server sends data, or refuses us.
    Said,
}

fn run(tls: &mut ClientConnection, tcp: &mut TcpStream, deadline: Instant, until: Until) -> End {
    loop {
        if let Err(error) = send(tls, tcp) {
            return End::Io(error);
        }
        if until == Until::Finished && !tls.is_handshaking() {
            return End::Works;
        }
        match receive(tls, tcp, deadline) {
            Err(end) => return end,
            // An orderly close is no refusal.
            Ok(has_said) if until == Until::Said && has_said => return End::Works,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_a_port() {
        for (text, shown) in [
            ("kms1.example", "kms1.example:5696"),
            ("kms1.example:443", "kms1.example:443"),
            ("192.0.2.7:1", "192.0.2.7:1"),
            ("[2001:db8::7]:443", "[2001:db8::7]:443"),
            ("2001:db8::7", "[2001:db8::7]:5696"),
            ("[2001:db8::7]", "[2001:db8::7]:5696"),
        ] {
            assert_eq!(
                text.parse::<Address>().unwrap().to_string(),
                shown,
                "{text}"
            );
        }
        for bad in [
            "",
            ":443",
            "kms1.example:",
            "kms1.example:70000",
            "a b:1",
            "[::1",
            "[::1]x:1",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
