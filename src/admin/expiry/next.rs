//! When to look again.

use core::fmt;

use pki_types::UnixTime;

use super::Subject;
use super::timeline::{self, Turn};
use crate::admin::Seen;
use crate::certificate::{Clock, Moment, seconds};
use crate::limits::FLOOR_TOLERANCE;
use crate::policy::Policy;
use crate::store::{Bounded, View};

/// The next moment at which a verdict may change by time alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextChange {
    at: i64,
    changes: Bounded<Change>,
}

/// What changes at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What it is about.
    pub subject: Subject,
    /// What it turns to.
    pub turn: Turn,
}

impl NextChange {
    /// The first second at which a verdict may differ. The same question has the same answer until the second
    /// before.
    pub fn at(&self) -> UnixTime {
        timeline::moment(self.at).unwrap_or(UnixTime::since_unix_epoch(core::time::Duration::ZERO))
    }

    /// What changes then.
    pub fn changes(&self) -> &Bounded<Change> {
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
pub fn next_change(view: &View, policy: &Policy, seen: &Seen, clock: Clock) -> Option<NextChange> {
    let Clock::Known(now) = clock else {
        return None;
    };
    if view.judge(clock) == Clock::Unset {
        // Everything is judged at the floor until the clock has come close to it.
        let tolerance = i64::try_from(FLOOR_TOLERANCE.as_secs()).unwrap_or(0);
        let mut changes = Bounded::default();
        changes.push(Change {
            subject: Subject::Clock,
            turn: Turn::Begins,
        });
        let at = seconds(view.floor()?).saturating_sub(tolerance);
        return Some(NextChange { at, changes });
    }
    let now = seconds(now);
    let mut next: Option<NextChange> = None;
    timeline::visit(view, policy, seen, &mut |event| {
        if event.at <= now || next.as_ref().is_some_and(|next| next.at < event.at) {
            return;
        }
        let mut found = next
            .take()
            .filter(|next| next.at == event.at)
            .unwrap_or_else(|| NextChange {
                at: event.at,
                changes: Bounded::default(),
            });
        found.changes.push(Change {
            subject: Subject::of(event.about),
            turn: event.turn,
        });
        next = Some(found);
    });
    next
}

impl fmt::Display for NextChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Moment(self.at))?;
        for change in &self.changes {
            let turn = match change.turn {
                Turn::Begins => "begins",
                Turn::GraceBegins => "lives on its grace",
                Turn::Ends => "ends",
            };
            write!(f, "\n  {}: {turn}", change.subject)?;
        }
        if self.changes.omitted() > 0 {
            write!(f, "\n  and {} more", self.changes.omitted())?;
        }
        Ok(())
    }
}
