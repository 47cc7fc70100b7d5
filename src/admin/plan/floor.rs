//! Finds the peers that are lost because a publication moves the floor (rule M7).

use super::effects::{Side, compare};
use super::impact::{Effect, Evidence, FloorMove, Impact};
use crate::admin::PeerHistory;
use crate::certificate::CurrentTime;
use crate::policy::Policy;
use crate::store::Draft;

/// Adds the peers that the publication of a draft loses. With a wrong clock they are refused before and after the
/// change. So they are judged at the floor before and at the floor after.
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
    /// The move of the floor, if it locks out a peer.
    #[doc(hidden)]
    pub fn floor(&self) -> Option<FloorMove> {
        self.floor
    }

    /// Adds the peers that only the move of the floor locks out.
    fn add_by_floor(&mut self, by_floor: Self, floor: FloorMove) {
        if by_floor.all_lost.is_empty() {
            return;
        }
        self.floor = Some(floor);
        let new = by_floor.all_lost.difference(&self.all_lost);
        let mut unlisted = new.count();
        for effect in by_floor.lost.items() {
            if self.all_lost.contains(&effect.peer) {
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
        self.all_lost.extend(by_floor.all_lost);
    }
}
