//! Finds the peers that are lost because a publication moves the floor (rule M7).

use super::effects::compare;
use super::impact::{Effect, Evidence, FloorMove, Impact};
use super::side::Side;
use std::collections::BTreeSet;

use crate::admin::{Peer, PeerHistory};
use crate::certificate::{Certificate, CurrentTime, KeyPin};
use crate::policy::{Policy, Usable};
use crate::store::{Draft, EntryKey, Scope, Slot};

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
    let mut by_floor = compare(side(&low), side(&high), &policy, seen);
    let renewed = Renewed::of(side(&high).usable(&policy));
    by_floor.lost.retain(|effect| !renewed.is(&effect.peer));
    by_floor.all_lost.retain(|peer| !renewed.is(peer));
    effects.add_by_floor(by_floor, FloorMove { from, to });
}

/// Clients that have another usable pin: of the same key, or with the same label. Their old pin may end.
struct Renewed<'a> {
    side: Usable<'a>,
    keys: BTreeSet<KeyPin>,
    labels: BTreeSet<&'a str>,
}

impl<'a> Renewed<'a> {
    fn of(side: Usable<'a>) -> Self {
        let (mut keys, mut labels) = (BTreeSet::new(), BTreeSet::new());
        let pins = side.view.data().index(Slot::Pin, &Scope::Clients);
        for entry in pins.into_iter().flat_map(|pins| pins.iter()) {
            if side.why_not_for(None, entry).is_none() {
                keys.extend(entry.certificate().map(Certificate::key_pin));
                labels.extend(entry.options().label());
            }
        }
        Self { side, keys, labels }
    }

    fn is(&self, peer: &Peer) -> bool {
        let Peer::Client(fingerprint) = peer else {
            return false;
        };
        let key = EntryKey::new(Slot::Pin, Scope::Clients, *fingerprint);
        self.side.view.entry(&key).is_some_and(|entry| {
            let key = entry.certificate().map(Certificate::key_pin);
            let label = entry.options().label();
            key.is_some_and(|key| self.keys.contains(&key))
                || label.is_some_and(|label| self.labels.contains(label))
        })
    }
}

/// Adds the peers that the change loses once the clock is right. While it is not, they may be refused before and after
/// the change, so that the change would show no effect. The floor is the last time at which the clock was right.
pub(super) fn add_lost_by_clock(
    effects: &mut Impact,
    draft: &Draft,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
) {
    let (before, after) = (draft.before(), draft.after());
    let Some(floor) = before.floor() else {
        return;
    };
    if before.clock_state(clock).is_good() {
        return;
    }
    // What a move of the floor does is judged apart.
    let after = after.with_floor(Some(floor));
    let side = |view| Side {
        view,
        clock: CurrentTime::Known(floor),
    };
    let at_floor = compare(side(before), side(&after), policy, seen);
    effects.add_lost(&at_floor, Evidence::ClockRight);
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
        self.add_lost(&by_floor, Evidence::Floor);
    }

    /// Adds the peers that are lost in another case alone.
    fn add_lost(&mut self, other: &Self, basis: Evidence) {
        let new = other.all_lost.difference(&self.all_lost);
        let mut unlisted = new.count();
        for effect in other.lost.items() {
            if self.all_lost.contains(&effect.peer) {
                continue;
            }
            for list in [&mut self.at_risk, &mut self.gained, &mut self.moved] {
                list.retain(|other| other.peer != effect.peer);
            }
            self.lost.push(Effect {
                basis,
                ..effect.clone()
            });
            unlisted = unlisted.saturating_sub(1);
        }
        self.lost.count(unlisted);
        self.all_at_risk
            .retain(|peer| !other.all_lost.contains(peer));
        self.all_lost.extend(other.all_lost.iter().cloned());
    }
}
