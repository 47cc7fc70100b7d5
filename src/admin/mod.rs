//! What administrators need and no handshake does: stores on disk, plans, expiry, histories of peers, enrolment.
//!
//! A handshake reads the snapshot in force ([`LiveTrust`](crate::LiveTrust)) and writes nothing that a verdict depends
//! on. This module makes the snapshots.
#![cfg_attr(
    feature = "admin",
    doc = r#"
```
use mutual_trust::admin::{DurableStore, LockoutAllowance, PeerHistory};
use mutual_trust::error::GuardedError;
use mutual_trust::{CurrentTime, Policy, ServerId};

/// Removes a server, unless that locks out a peer that works now.
fn retire(store: &mut DurableStore, history: &PeerHistory, policy: &Policy, now: CurrentTime, id: &ServerId) -> Result<(), GuardedError> {
    let plan = store.plan(policy, history, now, |store| store.remove_server(id));
    let plan = plan.map_err(mutual_trust::error::DurableError::Store)?;
    println!("{plan}"); // the peers that it gains and locks out
    let effects = store.apply(&plan, history, now, &LockoutAllowance::none())?;
    println!("{effects}");
    Ok(())
}
```

- [`DurableStore`] stores each change before it is in force; a [`Follower`] takes over what other programs write.
- [`PeerHistory`] keeps what peers presented, from [`observe`](crate::observe). With it, [`plan`](plan()) says which peers a change locks
  out, and [`forecast`] which ones time alone does; [`expiry`](expiry()) lists what runs out, [`next_change`] says when to look again."#
)]
#![cfg_attr(
    feature = "enrol",
    doc = "\n- [`Enrolment`] lets unknown peers wait until an administrator accepts them by a fingerprint that came over another channel."
)]
#![cfg_attr(
    feature = "bundle",
    doc = "\n- [`bundle`] signs a trust set for many machines, and verifies what one of them takes."
)]

#[cfg(feature = "bundle")]
pub mod bundle;
#[cfg(feature = "admin")]
mod deciding;
#[cfg(feature = "admin")]
pub(crate) mod durable;
#[cfg(feature = "enrol")]
pub(crate) mod enrol;
#[cfg(feature = "admin")]
pub(crate) mod expiry;
#[cfg(feature = "admin")]
pub mod file;
#[cfg(feature = "admin")]
pub mod follow;
#[cfg(all(feature = "admin", feature = "metrics"))]
pub(crate) mod gauges;
#[cfg(feature = "admin")]
mod guided;
#[cfg(all(doctest, feature = "admin"))]
mod must_use;
#[cfg(feature = "admin")]
mod peer;
#[cfg(feature = "admin")]
pub(crate) mod plan;
#[cfg(feature = "admin")]
mod scenarios;
#[cfg(feature = "admin")]
pub(crate) mod seal;
#[cfg(feature = "admin")]
mod seen;

#[cfg(feature = "admin")]
#[doc(hidden)]
pub use deciding::{Deciding, deciding, unusable};
#[cfg(feature = "admin")]
pub use durable::{
    Blocked, Counter, DurableSettings, DurableStore, Health, History, JournalSink, RecoveryReport,
};
#[cfg(feature = "enrol")]
#[doc(hidden)]
pub use enrol::UnprovedClient;
#[cfg(feature = "enrol")]
pub use enrol::{
    Enrolment, EnrolmentDecision, EnrolmentEvent, PendingId, PendingPeer, PresentedCertificate,
};
#[cfg(feature = "admin")]
pub use expiry::{
    Change, Dependents, Expiring, ExpiringItem, ExpiryPage, ExpiryReport, NextTransition,
    OwnCertificates, Severity, TimelineEvent, Windows, expiry, expiry_page, next_change,
};
#[cfg(feature = "admin")]
#[doc(no_inline)]
pub use file::Seal;
#[cfg(feature = "admin")]
#[doc(no_inline)]
pub use follow::{Feeds, Follower, Source};
#[cfg(all(feature = "admin", feature = "metrics"))]
pub use gauges::Gauges;
#[cfg(feature = "admin")]
pub use guided::{
    MigrationPlan, MoveStep, ReplaceStep, ReplacementPlan, Subject, migration_plan,
    replacement_plan,
};
#[cfg(feature = "admin")]
pub use peer::Peer;
#[cfg(feature = "admin")]
#[doc(hidden)]
pub use plan::effects_between;
#[cfg(feature = "admin")]
pub use plan::{
    Applied, Effect, Evidence, FloorMove, Forecast, Impact, LockoutAllowance, OwnRenewal,
    PeerOutcome, Plan, PredictedOutage, Removal, block, forecast, guard, own_renewal, plan,
    safe_to_remove,
};
#[cfg(feature = "admin")]
pub use scenarios::{Unusable, WithoutUsable, servers_without_usable, usable_servers};
#[cfg(feature = "admin")]
pub use seal::SealKey;
#[cfg(feature = "admin")]
pub use seen::{
    EntryUsage, Expected, PeerHistory, PeerRecord, PendingReason, PendingServer, Refused, Rollout,
};
