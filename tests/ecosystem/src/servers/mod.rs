//! The server libraries, each with its hook between two marks, whose lines are counted. Each starts a server, and
//! returns the port.

pub mod actix;
pub mod hyper;
pub mod poem;
pub mod quic;

use mutual_trust_tokio::Peer;

/// What the handlers answer.
fn who(peer: &Peer) -> String {
    match peer.label() {
        Some(label) => format!("you are {label}"),
        None => format!("you are {}", peer.names().join(", ")),
    }
}
