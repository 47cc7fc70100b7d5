//! The effect of a change on each peer: what a plan returns.

use core::fmt;
use std::collections::BTreeSet;

use pki_types::UnixTime;

use crate::admin::Peer;
use crate::certificate::{HostName, Timestamp};
use crate::policy::{Detail, ReasonCode, Rule, Verdict};
use crate::store::{EntryKey, ServerId, Slot, Truncated};

/// The evidence for a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum Evidence {
    /// The certificates that the peer presented when it was last accepted.
    Seen,
    /// The same, if the peer is dialled by its name and not by its id.
    SeenByName,
    /// The installed certificates: the peer was never seen.
    Installed,
    /// The same, if the peer is dialled by its name and not by its id.
    InstalledByName,
    /// The floor. The change moves it past the end of the certificate or entry that accepts the peer (rule M7). The
    /// peer is refused while the clock is unset or more than 26 hours below the floor.
    Floor,
    /// The time of the floor, since the clock is not right now: it is unset, too early, or too late (rule M7).
    ClockRight,
}

/// The predicted verdict for a peer: the reason, and the entry that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerOutcome {
    /// The reason code.
    pub reason: ReasonCode,
    /// The values behind it.
    #[doc(hidden)]
    pub detail: Detail,
    /// The entry that decided, if one did.
    pub by: Option<EntryKey>,
    rule: Rule,
}

impl PeerOutcome {
    pub(super) fn from_verdict(verdict: &Verdict) -> Self {
        Self {
            reason: verdict.reason(),
            rule: verdict.rule(),
            detail: verdict.detail().clone(),
            by: verdict.decided_by().map(|entry| entry.key()),
        }
    }

    pub(super) fn usable(by: Option<EntryKey>) -> Self {
        let slot = by.as_ref().map(|key| key.slot);
        let reason = if slot == Some(Slot::Pin) {
            ReasonCode::PinMatched
        } else {
            ReasonCode::ChainVerified
        };
        Self {
            by,
            ..Self::foreseen(reason)
        }
    }

    /// A verdict that is predicted without judging a certificate.
    pub(super) fn foreseen(reason: ReasonCode) -> Self {
        Self {
            reason,
            rule: reason.rule(),
            detail: Detail::None,
            by: None,
        }
    }

    /// Whether the peer is accepted.
    pub fn is_accepted(&self) -> bool {
        self.reason.accepts()
    }

    /// The rule behind the reason.
    #[doc(hidden)]
    pub fn rule(&self) -> Rule {
        self.rule
    }
}

/// The effect on one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effect {
    /// The peer.
    pub peer: Peer,
    /// The evidence for the prediction.
    #[doc(hidden)]
    pub basis: Evidence,
    /// The name that is dialled, if the prediction is for this name alone.
    #[doc(hidden)]
    pub dialled: Option<HostName>,
    /// The verdict before.
    pub before: PeerOutcome,
    /// The verdict after.
    pub after: PeerOutcome,
}

/// The effect on all peers. A peer is in at most one of the lists. The lists are ordered by peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    pub(super) all_lost: BTreeSet<Peer>,
    pub(super) lost: Truncated<Effect>,
    pub(super) all_at_risk: BTreeSet<Peer>,
    pub(super) at_risk: Truncated<Effect>,
    pub(super) gained: Truncated<Effect>,
    pub(super) moved: Truncated<Effect>,
    pub(super) unknown: Truncated<ServerId>,
    pub(super) floor: Option<FloorMove>,
}

impl Impact {
    /// Peers that are accepted before and refused after.
    pub fn lost(&self) -> &Truncated<Effect> {
        &self.lost
    }

    /// Whether this peer is lost, even if the list omits it.
    pub fn loses(&self, peer: &Peer) -> bool {
        self.all_lost.contains(peer)
    }

    /// Every peer that is lost, ordered.
    #[doc(hidden)]
    pub fn all_lost(&self) -> impl Iterator<Item = &Peer> {
        self.all_lost.iter()
    }

    /// Every peer that is lost or at risk, also those that the lists omit.
    pub(in crate::admin) fn endangered(&self) -> BTreeSet<Peer> {
        self.all_lost.union(&self.all_at_risk).cloned().collect()
    }

    /// Servers that were never seen and may be lost: a part of their installed certificates is no longer accepted.
    pub fn at_risk(&self) -> &Truncated<Effect> {
        &self.at_risk
    }

    /// Peers that were accepted in the past, are refused before the change and accepted after it.
    pub fn gained(&self) -> &Truncated<Effect> {
        &self.gained
    }

    /// Peers that are accepted before and after, by different entries.
    #[doc(hidden)]
    pub fn moved(&self) -> &Truncated<Effect> {
        &self.moved
    }

    /// Servers without evidence: they were never seen, and no installed entry could accept them before.
    pub fn unknown(&self) -> &Truncated<ServerId> {
        &self.unknown
    }

    pub(super) fn note_risk(&mut self, effect: Effect) {
        self.all_at_risk.insert(effect.peer.clone());
        self.at_risk.push(effect);
    }

    pub(super) fn note(&mut self, effect: Effect) {
        match (effect.before.is_accepted(), effect.after.is_accepted()) {
            (true, false) => {
                self.all_lost.insert(effect.peer.clone());
                self.lost.push(effect);
            }
            (false, true) => self.gained.push(effect),
            (true, true) if effect.before.by != effect.after.by => self.moved.push(effect),
            (true, true) | (false, false) => {}
        }
    }
}

/// A move of the floor past the end of something in use (rule M7).
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
