//! The next change by time.

use core::fmt;

use pki_types::UnixTime;

use super::ExpiringItem;
use super::timeline::{self, TimelineEvent};
use crate::admin::PeerHistory;
use crate::certificate::{CurrentTime, Timestamp, seconds};
use crate::limits::FLOOR_TOLERANCE;
use crate::policy::Policy;
use crate::store::{Truncated, TrustSnapshot};

/// The next time at which a verdict may change without a change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextTransition {
    at: i64,
    changes: Truncated<Change>,
}

/// What changes at that time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The item that changes.
    pub subject: ExpiringItem,
    /// The event.
    pub turn: TimelineEvent,
}

impl NextTransition {
    /// The first second at which a verdict may differ. Until the second before, equal requests have equal verdicts.
    pub fn at(&self) -> UnixTime {
        timeline::moment(self.at).unwrap_or(UnixTime::since_unix_epoch(core::time::Duration::ZERO))
    }

    /// What changes then.
    pub fn changes(&self) -> &Truncated<Change> {
        &self.changes
    }
}

/// The next time after `clock` at which a verdict may change without a change of the store: a certificate or a
/// revocation list begins or ends, its grace begins, an entry or a migration ends. `None` if there is no such time.
/// Also `None` while the clock is unset: ends are then judged at the floor, which does not move by itself.
///
/// Set a timer for this time, and set it again after each change of the store or the history. Then no change of the
/// installed certificates and of those in `seen` is missed. Other certificates that a peer presents may begin or end at
/// any time.
pub fn next_change(
    view: &TrustSnapshot,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
) -> Option<NextTransition> {
    let CurrentTime::Known(now) = clock else {
        return None;
    };
    if view.judge(clock) == CurrentTime::Unset {
        // Everything is judged at the floor until the clock is close to it.
        let tolerance = i64::try_from(FLOOR_TOLERANCE.as_secs()).unwrap_or(0);
        let mut changes = Truncated::default();
        changes.push(Change {
            subject: ExpiringItem::Clock,
            turn: TimelineEvent::Begins,
        });
        let at = seconds(view.floor()?).saturating_sub(tolerance);
        return Some(NextTransition { at, changes });
    }
    let now = seconds(now);
    let mut next: Option<NextTransition> = None;
    timeline::visit(view, policy, seen, &mut |event| {
        if event.at <= now || next.as_ref().is_some_and(|next| next.at < event.at) {
            return;
        }
        let mut found = next
            .take()
            .filter(|next| next.at == event.at)
            .unwrap_or_else(|| NextTransition {
                at: event.at,
                changes: Truncated::default(),
            });
        found.changes.push(Change {
            subject: ExpiringItem::of(event.about),
            turn: event.turn,
        });
        next = Some(found);
    });
    next
}

impl fmt::Display for NextTransition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Timestamp(self.at))?;
        for change in &self.changes {
            let turn = match change.turn {
                TimelineEvent::Begins => "begins",
                TimelineEvent::GraceBegins => "is in its grace",
                TimelineEvent::Ends => "ends",
            };
            f.write_str("\n  ")?;
            change.subject.fmt(f)?;
            write!(f, ": {turn}")?;
        }
        if self.changes.omitted() > 0 {
            write!(f, "\n  and {} more", self.changes.omitted())?;
        }
        Ok(())
    }
}
