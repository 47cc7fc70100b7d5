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

pub mod durable;
mod enrolment;
mod expiry;
pub mod file;
pub mod follow;
mod guided;
mod live;
mod observation;
mod peer;
mod pending;
mod plan;
mod presented;
mod queue;
mod seen;
pub(crate) mod trace;
mod ways;

pub use durable::{Counter, DurableSettings, DurableStore, Health};
pub use enrolment::{Enrolment, EnrolmentDecision, EnrolmentEvent};
pub use expiry::{
    Change, Dependents, Expiring, ExpiryReport, NextChange, OwnCertificates, Severity, Subject,
    Turn, Windows, expiry, next_change,
};
pub use file::Seal;
pub use follow::{Feeds, Follower, Source};
pub use guided::{MoveStep, Moving, ReplaceStep, Replacing, Whom, moving, replacing};
pub use live::LiveTrust;
pub use observation::Observation;
pub use peer::Peer;
pub use pending::{PendingId, PendingPeer};
pub use plan::{
    Applied, Basis, Effect, Effects, Finding, FloorMove, Forecast, Outage, Override, OwnRenewal,
    Plan, Removal, block, forecast, guard, own_renewal, plan, safe_to_remove,
};
pub use presented::Presented;
pub use queue::{ObservationReader, Observations, Observer, observation_queue};
pub use seen::{Behind, Drift, Expected, Lag, Refused, Seen, Sighting, Use};
pub use ways::{Unusable, WithoutUsable, servers_without_usable};
