//! The slow path: publishing what an administrator changed, and knowing beforehand what a change or the time does.
//!
//! The handshake path reads a [`View`](crate::store::View) and writes nothing; the administrator's path makes
//! views. They meet at one pointer, [`LiveTrust`].
//!
//! What peers were accepted with is kept in [`Seen`]. With it, [`plan`] says whom a change would lock out before it
//! is made, [`forecast`] whom time alone will, [`expiry`] what runs out, and [`next_change`] when to look again.

mod expiry;
mod guided;
mod live;
mod observation;
mod peer;
mod plan;
mod seen;
mod ways;

pub use expiry::{
    Change, Dependents, Expiring, ExpiryReport, NextChange, OwnCertificates, Severity, Subject,
    Turn, Windows, expiry, next_change,
};
pub use guided::{MoveStep, Moving, ReplaceStep, Replacing, Whom, moving, replacing};
pub use live::LiveTrust;
pub use observation::Observation;
pub use peer::Peer;
pub use plan::{
    Applied, Basis, Effect, Effects, Finding, Forecast, Outage, Override, OwnRenewal, Plan,
    Removal, block, forecast, guard, own_renewal, plan, safe_to_remove,
};
pub use seen::{Behind, Drift, Expected, Lag, Refused, Seen, Sighting, Use};
pub use ways::{Unusable, WithoutUsable, servers_without_usable};
