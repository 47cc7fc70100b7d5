//! The slow path: storing and publishing what an administrator changed, letting unknown peers wait for one, and
//! knowing beforehand what a change or the time does.
//!
//! The handshake path reads a [`View`](crate::store::View) and writes nothing that a verdict depends on; the
//! administrator's path makes views. They meet at one pointer, [`LiveTrust`]. A [`DurableStore`] stores each change
//! before it is in force; a [`Follower`] changes it by what other programs write.
//!
//! What handshakes showed comes through [`Observations`]; what peers were accepted with is kept in [`Seen`]. With it,
//! [`plan`] says whom a change would lock out before it is made, [`forecast`] whom time alone will, [`expiry`] what
//! runs out, and [`next_change`] when to look again.

#[cfg(feature = "admin")]
pub mod durable;
#[cfg(feature = "enrol")]
pub(crate) mod enrol;
#[cfg(feature = "admin")]
pub(crate) mod expiry;
#[cfg(feature = "admin")]
pub mod file;
#[cfg(feature = "admin")]
pub mod follow;
#[cfg(feature = "admin")]
mod guided;
#[cfg(feature = "admin")]
mod peer;
#[cfg(feature = "admin")]
pub(crate) mod plan;
#[cfg(feature = "admin")]
mod seen;
#[cfg(feature = "admin")]
mod ways;

#[cfg(feature = "admin")]
pub use durable::{Counter, DurableSettings, DurableStore, Health};
#[cfg(feature = "enrol")]
pub use enrol::{Enrolment, EnrolmentDecision, EnrolmentEvent, PendingId, PendingPeer, Presented};
#[cfg(feature = "admin")]
pub use expiry::{
    Change, Dependents, Expiring, ExpiryReport, NextChange, OwnCertificates, Severity, Subject,
    Turn, Windows, expiry, next_change,
};
#[cfg(feature = "admin")]
pub use file::Seal;
#[cfg(feature = "admin")]
pub use follow::{Feeds, Follower, Source};
#[cfg(feature = "admin")]
pub use guided::{MoveStep, Moving, ReplaceStep, Replacing, Whom, moving, replacing};
#[cfg(feature = "admin")]
pub use peer::Peer;
#[cfg(feature = "admin")]
pub use plan::{
    Applied, Basis, Effect, Effects, Finding, FloorMove, Forecast, Outage, Override, OwnRenewal,
    Plan, Removal, block, forecast, guard, own_renewal, plan, safe_to_remove,
};
#[cfg(feature = "admin")]
pub use seen::{Behind, Drift, Expected, Lag, Refused, Seen, Sighting, Use};
#[cfg(feature = "admin")]
pub use ways::{Unusable, WithoutUsable, servers_without_usable};
