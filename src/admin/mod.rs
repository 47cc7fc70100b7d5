//! The slow path: storing and publishing what an administrator changed.
//!
//! The handshake path reads a [`View`](crate::store::View) and writes nothing; the administrator's path makes
//! views. They meet at one pointer, [`LiveTrust`]. A [`DurableStore`] stores each change before it is in force; a
//! [`Follower`] changes it by what other programs write.

pub mod durable;
pub mod file;
pub mod follow;
mod live;
mod observation;

pub use durable::{Counter, DurableSettings, DurableStore, Health};
pub use file::Seal;
pub use follow::{Feeds, Follower, Source};
pub use live::LiveTrust;
pub use observation::Observation;
