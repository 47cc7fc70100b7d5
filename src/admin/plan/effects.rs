//! Who is gained and lost between two views, or two moments.

use std::collections::{BTreeMap, BTreeSet};

use super::floor::FloorMove;
use crate::admin::Peer;
use crate::admin::seen::{PeerHistory, PeerRecord};
use crate::admin::ways::{Asked, Ways};
use crate::certificate::CurrentTime;
use crate::policy::{
    Detail, ExpectedServer, Policy, ReasonCode, Rule, Verdict, VerifyRequest, decide,
};
use crate::store::{
    Claim, EntryKey, Server, ServerId, Slot, Truncated, TrustSnapshot, TrustSource,
};

/// A view and a moment at which it is asked.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) view: &'a TrustSnapshot,
    pub(super) clock: CurrentTime,
}

/// On what a prediction rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    pub detail: Detail,
    /// The entry that decided, if one did.
    pub by: Option<EntryKey>,
    rule: Rule,
}

impl PeerOutcome {
    fn of(verdict: &Verdict) -> Self {
        Self {
            reason: verdict.reason(),
            rule: verdict.rule(),
            detail: verdict.detail().clone(),
            by: verdict.decided_by().map(|entry| entry.key()),
        }
    }

    fn usable(by: Option<EntryKey>) -> Self {
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
    fn foreseen(reason: ReasonCode) -> Self {
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
    pub fn rule(&self) -> Rule {
        self.rule
    }
}

/// What becomes of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effect {
    /// Whom it concerns.
    pub peer: Peer,
    /// On what the prediction rests.
    pub basis: Evidence,
    /// What it is told before.
    pub before: PeerOutcome,
    /// What it is told after.
    pub after: PeerOutcome,
}

/// What becomes of everybody. A peer stands in one of the lists at most, ordered by peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    pub(super) everybody_lost: BTreeSet<Peer>,
    pub(super) lost: Truncated<Effect>,
    pub(super) at_risk: Truncated<Effect>,
    pub(super) gained: Truncated<Effect>,
    pub(super) moved: Truncated<Effect>,
    unknown: Truncated<ServerId>,
    pub(super) floor: Option<FloorMove>,
}

impl Impact {
    /// Peers that are accepted before and refused after.
    pub fn lost(&self) -> &Truncated<Effect> {
        &self.lost
    }

    /// Whether this peer is lost, also if it is not listed in full.
    pub fn loses(&self, peer: &Peer) -> bool {
        self.everybody_lost.contains(peer)
    }

    /// Every peer that is lost, ordered.
    pub fn everybody_lost(&self) -> impl Iterator<Item = &Peer> {
        self.everybody_lost.iter()
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
    pub fn moved(&self) -> &Truncated<Effect> {
        &self.moved
    }

    /// Servers of which nothing is known: never seen, and before nothing installed could accept them.
    pub fn unknown(&self) -> &Truncated<ServerId> {
        &self.unknown
    }

    fn note(&mut self, effect: Effect) {
        match (effect.before.is_accepted(), effect.after.is_accepted()) {
            (true, false) => {
                self.everybody_lost.insert(effect.peer.clone());
                self.lost.push(effect);
            }
            (false, true) => self.gained.push(effect),
            (true, true) if effect.before.by != effect.after.by => self.moved.push(effect),
            (true, true) | (false, false) => {}
        }
    }
}

/// Asks about everybody before and after.
pub(super) fn compare(
    before: Side<'_>,
    after: Side<'_>,
    policy: &Policy,
    seen: &PeerHistory,
) -> Impact {
    let mut all: BTreeMap<Peer, Option<&PeerRecord>> = before
        .view
        .servers()
        .map(|server| (Peer::Server(server.id().clone()), None))
        .collect();
    all.extend(seen.all().map(|(peer, sighting)| (peer, Some(sighting))));
    compare_these(before, after, policy, all)
}

/// Asks about one peer, as [`compare`] does about all.
pub(super) fn is_lost(
    before: Side<'_>,
    after: Side<'_>,
    policy: &Policy,
    seen: &PeerHistory,
    peer: &Peer,
) -> bool {
    let one = [(peer.clone(), seen.last(peer))];
    compare_these(before, after, policy, one).loses(peer)
}

fn compare_these<'a>(
    before: Side<'_>,
    after: Side<'_>,
    policy: &Policy,
    peers: impl IntoIterator<Item = (Peer, Option<&'a PeerRecord>)>,
) -> Impact {
    let mut effects = Impact::default();
    let mut never = NeverSeen {
        before,
        after,
        policy,
        ways_before: Ways::new(before.view, policy, before.clock),
        ways_after: Ways::new(after.view, policy, after.clock),
    };
    for (peer, sighting) in peers {
        match sighting {
            Some(sighting) => ask_seen(before, after, policy, &peer, sighting, &mut effects),
            None => {
                if let Some(server) = peer.server().and_then(|id| before.view.server(id)) {
                    never.ask(server, &mut effects);
                }
            }
        }
    }
    effects
}

fn ask_seen(
    before: Side<'_>,
    after: Side<'_>,
    policy: &Policy,
    peer: &Peer,
    sighting: &PeerRecord,
    effects: &mut Impact,
) {
    let ask = |by_name| {
        let was = sighting.ask(peer, by_name, before.view, policy, before.clock)?;
        let is = sighting.ask(peer, by_name, after.view, policy, after.clock)?;
        Some((was, is))
    };
    let Some((was, is)) = ask(false) else {
        return;
    };
    let is_lost = |(was, is): &(Verdict, Verdict)| was.is_accepted() && !is.is_accepted();
    let mut told = (Evidence::Seen, (was, is));
    // Whether the caller dials by id or by name is not known: a name that is taken away locks out the latter.
    let owner = sighting
        .dialled()
        .and_then(|name| before.view.server_of(name));
    let named = owner.is_some_and(|owner| peer.server() == Some(owner.id()));
    if !is_lost(&told.1)
        && named
        && let Some(by_name) = ask(true).filter(is_lost)
    {
        told = (Evidence::SeenByName, by_name);
    }
    let (basis, (was, is)) = told;
    effects.note(Effect {
        peer: peer.clone(),
        basis,
        before: PeerOutcome::of(&was),
        after: PeerOutcome::of(&is),
    });
}

/// Servers that were never seen are judged by what is installed for them.
struct NeverSeen<'a> {
    before: Side<'a>,
    after: Side<'a>,
    policy: &'a Policy,
    ways_before: Ways<'a>,
    ways_after: Ways<'a>,
}

impl NeverSeen<'_> {
    fn ask(&mut self, server: &Server, effects: &mut Impact) {
        let was = self.ways_before.of(server);
        if was.usable.is_empty() {
            effects.unknown.push(server.id().clone());
            return;
        }
        let later = self.after.view.server(server.id());
        let is = later.map(|later| self.ways_after.of(later));
        if is.as_ref().is_some_and(|is| was.usable == is.usable) {
            return;
        }
        let level = later.map_or(TrustSource::Nothing, |later| self.after.view.level(later));
        let (left, first_lost) = self.left(server, &was, is.as_deref());
        if left == was.usable.len() {
            return;
        }
        let after = PeerOutcome::foreseen(match &is {
            None => ReasonCode::UnknownServer,
            Some(is) if is.usable.is_empty() => self.ways_after.reason(is, level),
            Some(_) => self.refusal(server, first_lost.as_ref()),
        });
        let effect = Effect {
            peer: Peer::Server(server.id().clone()),
            basis: Evidence::Installed,
            before: PeerOutcome::usable(first_lost),
            after,
        };
        // A server that was asked for a chain may yet present the pin that it is asked for now.
        let nothing_left = is.as_ref().is_none_or(|is| is.usable.is_empty());
        let only_pins = was.usable.keys().all(|(slot, _)| *slot == Slot::Pin);
        if left == 0 && (nothing_left || only_pins) {
            effects.note(effect);
        } else {
            effects.at_risk.push(effect);
        }
    }

    /// How many of the usable entries still accept, and the first that does not.
    fn left(&self, server: &Server, was: &Asked, is: Option<&Asked>) -> (usize, Option<EntryKey>) {
        let mut left = 0_usize;
        let mut first_lost = None;
        for (place, key) in &was.usable {
            let kept = is.is_some_and(|is| is.usable.contains_key(place));
            // What was a pin may be vouched for by a chain.
            let told = || self.verdict(server, key);
            if kept || told().is_some_and(|told| told.is_accepted()) {
                left = left.saturating_add(1);
            } else if first_lost.is_none() {
                first_lost = Some(key.clone());
            }
        }
        (left, first_lost)
    }

    /// What the server would be told after if it presented the certificate of one of its pins.
    fn verdict(&self, server: &Server, pin: &EntryKey) -> Option<Verdict> {
        if pin.slot != Slot::Pin {
            return None;
        }
        let certificate = self.before.view.entry(pin)?.certificate()?;
        let target = ExpectedServer::id(server.id(), None);
        let question = VerifyRequest::server(target, certificate.der(), &[], self.after.clock);
        Some(decide(self.after.view, self.policy, &question))
    }

    fn refusal(&self, server: &Server, pin: Option<&EntryKey>) -> ReasonCode {
        let verdict = pin.and_then(|pin| self.verdict(server, pin));
        let claimed = |server: &Server| server.claim() != Claim::Unclaimed;
        match verdict.filter(|verdict| !verdict.is_accepted()) {
            Some(verdict) => verdict.reason(),
            None if pin.is_some_and(|pin| pin.slot == Slot::Pin) => ReasonCode::PinDoesNotMatch,
            None if self.after.view.server(server.id()).is_some_and(claimed) => {
                ReasonCode::AuthoritiesNotAsked
            }
            None => ReasonCode::UnknownIssuer,
        }
    }
}
