//! What an update of a source locks out, and whether it is applied all the same.

use std::collections::BTreeSet;

use crate::admin::{Effect, Impact, Peer, PeerHistory, effects_between};
use crate::certificate::CurrentTime;
use crate::policy::Policy;
use crate::store::{Truncated, TrustSnapshot};

/// What becomes of an update of a source after which a peer that is accepted now would be refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FollowGuard {
    /// It is applied, and the health names each peer as a warning.
    ///
    /// The default: a source says what its entries are, and what it takes away was taken away on purpose, perhaps because a
    /// key was stolen. A store that keeps it would trust what its owner has withdrawn. A source that is lost or damaged takes
    /// nothing away in any case.
    #[default]
    Report,
    /// It is not applied: the entries from before stay, and the health names each peer as an error.
    ///
    /// So is an update that puts a peer at risk: something that could accept it is gone, such as one of two authorities, and
    /// a follower does not know which certificate the peer has. An authority is therefore renewed in two steps: the new one
    /// beside the old one, which is applied; then, when all peers have their new certificates, without the old one, which
    /// an administrator makes with `Report`.
    ///
    /// For sources whose mistakes are likelier than stolen keys. A block takes trust away at once all the same. Revocation
    /// lists are applied in any case, since they say that a certificate must not be trusted; the health names the peers.
    Refuse,
}

/// How updates are judged.
#[derive(Clone, Copy, Debug)]
pub(in crate::admin) struct Guard {
    pub(in crate::admin) kind: FollowGuard,
    pub(in crate::admin) policy: Policy,
    pub(in crate::admin) clock: CurrentTime,
}

impl Guard {
    /// What another content does to the peers. While the clock is not right, they are judged at the floor: they may be
    /// refused before and after the change, so that the change would show no effect.
    pub(in crate::admin) fn effects(
        &self,
        before: &TrustSnapshot,
        after: &TrustSnapshot,
    ) -> Impact {
        let now = before.now_or_floor(self.clock);
        let clock = now.map_or(CurrentTime::Unset, CurrentTime::Known);
        // A follower knows no connections.
        effects_between(before, after, &self.policy, &PeerHistory::new(), clock)
    }
}

/// The peers that an update of a source locked out or put at risk.
#[derive(Clone, Debug)]
pub(in crate::admin) struct LockedOut {
    /// What was in force before the update.
    before: TrustSnapshot,
    peers: BTreeSet<Peer>,
    lost: Truncated<Effect>,
    at_risk: Truncated<Effect>,
}

impl LockedOut {
    /// Those that are still refused now.
    pub(in crate::admin) fn still(self, guard: &Guard, now: &TrustSnapshot) -> Option<Self> {
        let effects = guard.effects(&self.before, now);
        Self::of(&self.before, self.peers, &effects)
    }

    /// Of these peers, those that the effects lock out or put at risk. Nothing if there are none.
    pub(in crate::admin) fn of(
        before: &TrustSnapshot,
        peers: BTreeSet<Peer>,
        effects: &Impact,
    ) -> Option<Self> {
        let of = |list: &Truncated<Effect>| {
            let mut kept = Truncated::default();
            for effect in list {
                if peers.contains(&effect.peer) {
                    kept.push(effect.clone());
                }
            }
            kept
        };
        let (mut lost, at_risk) = (of(effects.lost()), of(effects.at_risk()));
        let all_lost = effects.all_lost().filter(|peer| peers.contains(peer));
        lost.count(all_lost.count().saturating_sub(lost.len()));
        (!lost.is_empty() || !at_risk.is_empty()).then(|| Self {
            before: before.clone(),
            lost,
            at_risk,
            peers,
        })
    }

    /// Whether a peer is refused whatever it presents, or was accepted with what it presented and is refused now.
    pub(in crate::admin) fn is_sure(&self) -> bool {
        !self.lost.is_empty()
    }

    /// A line for each peer.
    pub(in crate::admin) fn warnings(&self) -> Truncated<String> {
        let mut lines = Truncated::default();
        for (what, list) in [
            ("it locked out ", &self.lost),
            ("it may have locked out ", &self.at_risk),
        ] {
            for Effect { peer, after, .. } in list {
                let (reason, meaning) = (after.reason, after.reason.meaning());
                lines.push(format!("{what}{peer}: {meaning} [{reason}]"));
            }
            lines.count(list.omitted());
        }
        lines
    }
}

/// The peers that a step locks out or puts at risk, and the whole update as well: what one source gives up, another may
/// have.
pub(in crate::admin) fn endangered_by(step: &Impact, whole: &Impact) -> BTreeSet<Peer> {
    let (step, whole) = (step.endangered(), whole.endangered());
    step.intersection(&whole).cloned().collect()
}

/// The same, those that are lost and those at risk, for an error.
pub(in crate::admin) fn held_for(
    peers: BTreeSet<Peer>,
    whole: &Impact,
) -> (Truncated<Peer>, Truncated<Peer>) {
    let (mut lost, mut at_risk) = (Truncated::default(), Truncated::default());
    for peer in peers {
        if whole.loses(&peer) {
            lost.push(peer);
        } else {
            at_risk.push(peer);
        }
    }
    (lost, at_risk)
}
