//! The slow path: publishing what an administrator changed.
//!
//! The handshake path reads a [`View`](crate::store::View) and writes nothing; the administrator's path makes
//! views. They meet at one pointer, [`LiveTrust`].

mod live;
mod observation;

pub use live::LiveTrust;
pub use observation::Observation;
