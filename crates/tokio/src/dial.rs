//! TCP connections to a host.

use std::io;
use std::net::SocketAddr;

use mutual_trust::HostName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

/// Connects to the first address of a host that answers. Each has an equal share of the time that is left, so that a
/// dead one does not use all of it.
pub(crate) async fn dial(
    name: &HostName,
    host: &str,
    port: u16,
    deadline: Instant,
) -> io::Result<TcpStream> {
    // The name as given: a trailing dot means something to a resolver.
    let addresses: Vec<SocketAddr> = match name.ip() {
        Some(address) => vec![(address, port).into()],
        None => lookup_host((host, port)).await?.collect(),
    };
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now).checked_div(left);
        let until = now + share.unwrap_or_default();
        left = left.saturating_sub(1);
        match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests and handshakes are small messages that wait for an answer.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no answer in time"),
        }
    }
    Err(last)
}
