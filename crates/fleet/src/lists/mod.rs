//! Revocation lists by addresses that an administrator configured.
//!
//! An address in the certificate of a peer is never used: it would let the peer choose where this machine connects, and
//! would hold up its handshake. What is fetched here is in the store before a handshake needs it.

mod followed;
mod follower;
mod health;
mod source;

pub use self::follower::{ListFollower, ListHandle};
pub use self::health::ListHealth;
pub use self::source::CrlSource;
