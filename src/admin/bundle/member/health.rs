//! The state of a member, for programs and operators.

use core::fmt;

use pki_types::UnixTime;

use super::FleetMember;
use super::state::{Kept, State};
use crate::admin::bundle::{FleetId, Part};
use crate::certificate::{Fingerprint, Timestamp};
use crate::store::Truncated;

/// A bundle that a member holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldBundle {
    /// Its sequence.
    pub sequence: u64,
    /// Its digest.
    pub digest: Fingerprint,
    /// When it was made.
    pub made: UnixTime,
    /// When it ends.
    pub until: UnixTime,
}

/// What a member holds of its fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberState {
    /// The fleet.
    pub fleet: FleetId,
    /// The part that it takes.
    pub part: Part,
    /// The version of the key set that it trusts.
    pub keys_version: u64,
    /// The digest of that key set.
    pub keys_digest: Fingerprint,
    /// The newest bundle that it verified. No older one is taken any more.
    pub newest: Option<HeldBundle>,
    /// The bundle that is in the store: the last good set. `None` if none was applied, or if an application was interrupted
    /// and is not finished yet.
    pub applied: Option<HeldBundle>,
}

impl MemberState {
    /// Whether the newest bundle is in the store.
    pub fn is_applied(&self) -> bool {
        self.newest == self.applied
    }

    pub(super) fn of(state: &State) -> Self {
        let bundle = |kept: &Kept| {
            let head = kept.bundle.head();
            HeldBundle {
                sequence: head.sequence(),
                digest: kept.bundle.digest(),
                made: head.made(),
                until: head.until(),
            }
        };
        Self {
            fleet: state.held.fleet().clone(),
            part: state.held.part(),
            keys_version: state.held.key_set().version(),
            keys_digest: state.held.key_set().digest(),
            newest: state.newest.as_ref().map(bundle),
            applied: state.applied().map(bundle),
        }
    }
}

impl FleetMember {
    /// The newest publication that it verified, whole. A machine that takes the place of the publisher goes on with it.
    /// `None` if there was none yet.
    pub fn publication(&self) -> Option<&[u8]> {
        let newest = self.state.newest.as_ref();
        newest.map(|newest| &*newest.bytes)
    }
}

/// The health of a member, in the [`Health`](crate::admin::Health) of its store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FleetHealth {
    /// What it holds.
    pub state: MemberState,
    /// Whether the set in the store is past its end, at the time of the call. It stays in force.
    pub is_past_end: bool,
    /// Why the newest publication is not in the store, or was refused. `None` if all is well.
    pub error: Option<String>,
    /// The time of the first fault in a row. `None` without one, or without a clock.
    #[doc(hidden)]
    pub since: Option<UnixTime>,
    /// The last time at which the store had what the newest publication says. `None` if there was none since the process
    /// started, or no clock.
    #[doc(hidden)]
    pub last_success: Option<UnixTime>,
    /// Whether a peer is refused since a bundle was applied. The warnings name the peers.
    #[doc(hidden)]
    pub locked_out: bool,
    /// Peers that a bundle locked out, and where the store is not what the bundle says.
    pub warnings: Truncated<String>,
}

impl FleetHealth {
    /// Whether the newest publication is in force and not past its end.
    pub fn is_good(&self) -> bool {
        self.error.is_none() && !self.is_past_end
    }

    /// Judges the end of the set.
    pub(in crate::admin) fn judge(&mut self, now: Option<UnixTime>) {
        let until = self.state.applied.as_ref().map(|applied| applied.until);
        self.is_past_end = matches!((now, until), (Some(now), Some(until)) if now > until);
    }
}

impl fmt::Display for FleetHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MemberState {
            fleet,
            newest,
            applied,
            ..
        } = &self.state;
        write!(f, "fleet {fleet}: ")?;
        match (applied, newest) {
            (Some(applied), _) => {
                let until = Timestamp::from(applied.until);
                let ends = if self.is_past_end { "ended" } else { "ends" };
                write!(f, "sequence {}, which {ends} at {until}", applied.sequence)?;
            }
            (None, Some(newest)) => write!(f, "sequence {} is not applied yet", newest.sequence)?,
            (None, None) => f.write_str("nothing was taken over yet")?,
        }
        if let Some(error) = &self.error {
            write!(f, "; {error}")?;
        }
        if let Some(since) = self.since {
            write!(f, " (since {})", Timestamp::from(since))?;
        }
        for warning in &self.warnings {
            write!(f, "\n    {warning}")?;
        }
        if self.warnings.omitted() > 0 {
            write!(f, "\n    and {} more", self.warnings.omitted())?;
        }
        Ok(())
    }
}
