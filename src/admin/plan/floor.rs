//! Who is lost by the floor, which a change moves when it is published (rule M7).

use core::fmt;

use pki_types::UnixTime;

use super::effects::{Effect, Evidence, Impact, Side, compare};
use crate::admin::PeerHistory;
use crate::certificate::{CurrentTime, Timestamp};
use crate::policy::Policy;
use crate::store::Draft;

/// By how much a change moves the floor, past the end of something in use (rule M7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct FloorMove {
    /// The floor before.
    pub from: UnixTime,
    /// The floor after: the clock of the publication.
    pub to: UnixTime,
}

impl fmt::Display for FloorMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the floor moves from {} to {}, past the end of something in use: compare the clock with another one first",
            Timestamp::from(self.from),
            Timestamp::from(self.to)
        )
    }
}

/// Adds the peers that the publication of a draft loses. A wrong clock refuses them before and after the change; so they
/// are asked about at the floor before and at the floor after.
pub(super) fn add_lost(effects: &mut Impact, draft: &Draft, policy: &Policy, seen: &PeerHistory) {
    let Some((from, to)) = draft.floor_move() else {
        return;
    };
    let after = draft.after();
    let [low, high] = [from, to].map(|floor| after.with_floor(Some(floor)));
    let policy = policy.with_chains_without_clock();
    let clock = CurrentTime::Unset;
    let side = |view| Side { view, clock };
    let by_floor = compare(side(&low), side(&high), &policy, seen);
    effects.add_by_floor(by_floor, FloorMove { from, to });
}

impl Impact {
    /// How the floor moves, if a peer is lost by that.
    #[doc(hidden)]
    pub fn floor(&self) -> Option<FloorMove> {
        self.floor
    }

    /// Adds the peers that are lost by the floor alone.
    fn add_by_floor(&mut self, by_floor: Self, floor: FloorMove) {
        if by_floor.everybody_lost.is_empty() {
            return;
        }
        self.floor = Some(floor);
        let new = by_floor.everybody_lost.difference(&self.everybody_lost);
        let mut unlisted = new.count();
        for effect in by_floor.lost.items() {
            if self.everybody_lost.contains(&effect.peer) {
                continue;
            }
            for list in [&mut self.at_risk, &mut self.gained, &mut self.moved] {
                list.retain(|other| other.peer != effect.peer);
            }
            self.lost.push(Effect {
                basis: Evidence::Floor,
                ..effect.clone()
            });
            unlisted = unlisted.saturating_sub(1);
        }
        self.lost.count(unlisted);
        self.everybody_lost.extend(by_floor.everybody_lost);
    }
}
