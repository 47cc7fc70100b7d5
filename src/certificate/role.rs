//! The two ends of a TLS connection.

use core::fmt;

/// The end of a TLS connection at which a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a TLS connection has two ends, and every caller would have to handle a third"
)]
pub enum Role {
    /// The peer is a server. For a storage system, that is a key server.
    Server,
    /// The peer is a client. For a key server, that is a storage system.
    Client,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}
