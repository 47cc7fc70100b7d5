//! Finds the peers that are gained and lost between two snapshots or two times.

use std::collections::BTreeMap;

use super::impact::{Effect, Evidence, Impact, PeerOutcome};
use crate::admin::Peer;
use crate::admin::scenarios::{Asked, Scenarios};
use crate::admin::seen::{PeerHistory, PeerRecord};
use crate::certificate::CurrentTime;
use crate::policy::{ExpectedServer, Policy, ReasonCode, Verdict, VerifyRequest, decide};
use crate::store::{Claim, EntryKey, Server, Slot, TrustSnapshot, TrustSource};

/// A snapshot and the time at which it is judged.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) view: &'a TrustSnapshot,
    pub(super) clock: CurrentTime,
}

/// Judges every peer before and after.
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

/// Judges one peer, as [`compare`] judges all.
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
        scenarios_before: Scenarios::new(before.view, policy, before.clock),
        scenarios_after: Scenarios::new(after.view, policy, after.clock),
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
    let mut found = (Evidence::Seen, (was, is));
    // It is not known whether the caller dials by id or by name. If a name is removed, callers by name are locked out.
    let owner = sighting
        .dialled()
        .and_then(|name| before.view.server_of(name));
    let named = owner.is_some_and(|owner| peer.server() == Some(owner.id()));
    if !is_lost(&found.1)
        && named
        && let Some(by_name) = ask(true).filter(is_lost)
    {
        found = (Evidence::SeenByName, by_name);
    }
    let (basis, (was, is)) = found;
    effects.note(Effect {
        peer: peer.clone(),
        basis,
        before: PeerOutcome::from_verdict(&was),
        after: PeerOutcome::from_verdict(&is),
    });
}

/// Servers that were never seen are judged by what is installed for them.
struct NeverSeen<'a> {
    before: Side<'a>,
    after: Side<'a>,
    policy: &'a Policy,
    scenarios_before: Scenarios<'a>,
    scenarios_after: Scenarios<'a>,
}

impl NeverSeen<'_> {
    fn ask(&mut self, server: &Server, effects: &mut Impact) {
        let was = self.scenarios_before.of(server);
        if was.usable.is_empty() {
            effects.unknown.push(server.id().clone());
            return;
        }
        let later = self.after.view.server(server.id());
        let is = later.map(|later| self.scenarios_after.of(later));
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
            Some(is) if is.usable.is_empty() => self.scenarios_after.reason(is, level),
            Some(_) => self.refusal(server, first_lost.as_ref()),
        });
        let effect = Effect {
            peer: Peer::Server(server.id().clone()),
            basis: Evidence::Installed,
            before: PeerOutcome::usable(first_lost),
            after,
        };
        // A server that needed a chain before may already have the certificate of its new pin.
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
            // A chain may accept the certificate of a former pin.
            let verdict = || self.verdict(server, key);
            if kept || verdict().is_some_and(|verdict| verdict.is_accepted()) {
                left = left.saturating_add(1);
            } else if first_lost.is_none() {
                first_lost = Some(key.clone());
            }
        }
        (left, first_lost)
    }

    /// The verdict after the change, if the server presents the certificate of one of its pins.
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
