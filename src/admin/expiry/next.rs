//! When to look again.

use core::fmt;

use pki_types::UnixTime;

use super::ExpiringItem;
use super::timeline::{self, TimelineEvent};
use crate::admin::PeerHistory;
use crate::certificate::{CurrentTime, Timestamp, seconds};
use crate::limits::FLOOR_TOLERANCE;
use crate::policy::Policy;
use crate::store::{Truncated, TrustSnapshot};

/// The next moment at which a verdict may change by time alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextTransition {
    at: i64,
    changes: Truncated<Change>,
}

/// What changes at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What it is about.
    pub subject: ExpiringItem,
    /// What it turns to.
    pub turn: TimelineEvent,
}

impl NextTransition {
    /// The first second at which a verdict may differ. The same question has the same answer until the second
    /// before.
    pub fn at(&self) -> UnixTime {
        timeline::moment(self.at).unwrap_or(UnixTime::since_unix_epoch(core::time::Duration::ZERO))
    }

    /// What changes then.
    pub fn changes(&self) -> &Truncated<Change> {
        &self.changes
    }
}

/// The next moment after `clock` at which a verdict may change by time alone: a certificate or a revocation list begins
/// or ends, its grace begins, an entry or a migration ends. `None` if nothing ever does, or while the clock is unset: ends are then
/// judged at the floor, which does not move by itself.
///
/// A caller that sets a timer for it, and again after each change of what is installed or seen, misses nothing of
/// what is installed and of what the peers in `seen` presented. Another certificate that a peer comes with may begin
/// or end at any time.
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
        // Everything is judged at the floor until the clock has come close to it.
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
                TimelineEvent::GraceBegins => "lives on its grace",
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
