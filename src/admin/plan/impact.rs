//! The effect of a change on each peer: what a plan returns.

use core::fmt;
use std::collections::BTreeSet;

use pki_types::UnixTime;

use crate::admin::Peer;
use crate::certificate::Timestamp;
use crate::policy::{Detail, ReasonCode, Rule, Verdict};
use crate::store::{EntryKey, ServerId, Slot, Truncated};

/// On what a prediction rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum Evidence {
    /// On what the peer presented when it was last accepted.
    Seen,
    /// The same, if the peer is dialled by its name alone and not by its id.
    SeenByName,
    /// The peer was never seen: on the certificates that are installed for it.
    Installed,
    /// On the floor, which the change moves past the end of what the peer is accepted by (rule M7): it is refused
    /// whenever the clock is unset, or earlier than the floor by more than 26 hours.
    Floor,
}

/// What a peer is told: the reason, and the entry that decided.
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

    /// What is told without a peer having been asked about.
    pub(super) fn foreseen(reason: ReasonCode) -> Self {
        Self {
            reason,
            rule: reason.rule(),
            detail: Detail::None,
            by: None,
        }
    }

    /// Whether it is a yes.
    pub fn is_accepted(&self) -> bool {
        self.reason.accepts()
    }

    /// The rule behind the reason.
    #[doc(hidden)]
    pub fn rule(&self) -> Rule {
        self.rule
    }
}

impl fmt::Display for PeerOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (rule {})", self.reason, self.rule())?;
        match &self.by {
            Some(by) => write!(f, " by {by}"),
            None => Ok(()),
        }
    }
}

/// What becomes of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effect {
    /// Whom it concerns.
    pub peer: Peer,
    /// On what the prediction rests.
    #[doc(hidden)]
    pub basis: Evidence,
    /// What it is told before.
    pub before: PeerOutcome,
    /// What it is told after.
    pub after: PeerOutcome,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, then {}", self.peer, self.before, self.after)?;
        f.write_str(match self.basis {
            Evidence::Seen => "",
            Evidence::SeenByName => ", if it is dialled by its name",
            Evidence::Installed => ", judged by what is installed for it: it was not seen",
            Evidence::Floor => {
                ", while the clock is unset or earlier than the floor, which moves past an end"
            }
        })
    }
}

/// What becomes of everybody. A peer stands in one of the lists at most, ordered by peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    pub(super) all_lost: BTreeSet<Peer>,
    pub(super) lost: Truncated<Effect>,
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

    /// Whether this peer is lost, also if it is not listed in full.
    pub fn loses(&self, peer: &Peer) -> bool {
        self.all_lost.contains(peer)
    }

    /// Every peer that is lost, ordered.
    #[doc(hidden)]
    pub fn all_lost(&self) -> impl Iterator<Item = &Peer> {
        self.all_lost.iter()
    }

    /// Servers that were never seen and may be lost: some of what is installed for them is accepted no more.
    pub fn at_risk(&self) -> &Truncated<Effect> {
        &self.at_risk
    }

    /// Peers that were accepted once, are refused before and accepted after.
    pub fn gained(&self) -> &Truncated<Effect> {
        &self.gained
    }

    /// Peers that are accepted before and after, by different entries.
    #[doc(hidden)]
    pub fn moved(&self) -> &Truncated<Effect> {
        &self.moved
    }

    /// Servers of which nothing is known: never seen, and before nothing installed could accept them.
    pub fn unknown(&self) -> &Truncated<ServerId> {
        &self.unknown
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

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = 0_usize;
        for (title, effects) in [
            ("lost", &self.lost),
            ("at risk", &self.at_risk),
            ("gained", &self.gained),
            ("moved", &self.moved),
        ] {
            for effect in effects {
                let start = if lines == 0 { "" } else { "\n" };
                lines = lines.saturating_add(1);
                write!(f, "{start}{title}: {effect}")?;
            }
            if effects.omitted() > 0 {
                write!(f, "\n{title}: and {} more", effects.omitted())?;
            }
        }
        if lines == 0 {
            f.write_str("nobody is gained or lost")?;
        }
        match self.floor {
            Some(floor) => write!(f, "\n{floor}"),
            None => Ok(()),
        }
    }
}

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
