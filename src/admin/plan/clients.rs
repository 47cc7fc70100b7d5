//! Clients, and other peers that no server entry names, judged by what is installed.
//!
//! A pin for clients is its client. Of the clients of an authority nothing is known, so all of them are one peer.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::impact::{Effect, Evidence, Impact, PeerOutcome};
use super::side::is_narrowed;
use super::unseen::Unseen;
use crate::admin::Peer;
use crate::certificate::{Fingerprint, HostName};
use crate::policy::{ExpectedServer, Policy, ReasonCode, Usable, VerifyRequest, decide};
use crate::store::{CrlIssuer, Entry, EntryKey, SanPattern, Scope, Slot, TrustSnapshot};

/// The clients of the installed pins, and the peers of the installed authorities.
pub(super) fn installed(view: &TrustSnapshot, policy: &Policy) -> Vec<Peer> {
    let of = |slot, scope: Scope| {
        let index = view.data().index(slot, &scope).into_iter();
        index
            .flat_map(|index| index.iter())
            .map(|entry| entry.key())
    };
    let pins = of(Slot::Pin, Scope::Clients);
    let mut peers: Vec<Peer> = pins.map(|key| Peer::Client(key.fingerprint)).collect();
    if !policy.clients_by_pin_only() {
        peers.extend(of(Slot::Authority, Scope::Clients).map(Peer::Authority));
    }
    if policy.unlisted_allowed() {
        peers.extend(of(Slot::Authority, Scope::AnyServer).map(Peer::Authority));
    }
    peers
}

impl Unseen<'_> {
    /// A client, by its pin.
    pub(super) fn ask_client(&self, fingerprint: Fingerprint, effects: &mut Impact) {
        let key = EntryKey::new(Slot::Pin, Scope::Clients, fingerprint);
        let Some(entry) = self.before.view.entry(&key) else {
            return;
        };
        let usable = self.before.usable(self.policy);
        if usable.why_not_for(None, entry).is_some() {
            return;
        }
        let later = self.after.view.entry(&key);
        let usable = self.after.usable(self.policy);
        let why_not = later.map(|later| usable.why_not_for(None, later));
        let effect = |after: PeerOutcome| Effect {
            peer: Peer::Client(fingerprint),
            basis: Evidence::Installed,
            dialled: None,
            before: PeerOutcome::usable(Some(key.clone())),
            after,
        };
        if let Some(None) = why_not {
            if later.is_some_and(|later| is_narrowed(entry, later)) {
                let after = PeerOutcome::foreseen(ReasonCode::PinDoesNotMatch);
                effects.note_risk(effect(after));
            }
            return;
        }
        // An authority, or a pin for the same key, may accept it.
        let after = match (entry.certificate(), why_not.flatten()) {
            (Some(certificate), _) => {
                let question = VerifyRequest::client(certificate.der(), &[], self.after.clock);
                PeerOutcome::from_verdict(&decide(self.after.view, self.policy, &question))
            }
            (None, Some((reason, _))) => PeerOutcome::foreseen(reason),
            (None, None) => PeerOutcome::foreseen(unknown_client(self.after.view)),
        };
        effects.note(effect(after));
    }

    /// The peers of an authority.
    pub(super) fn ask_authority(&mut self, key: &EntryKey, effects: &mut Impact) {
        let any_name = HostName::from(std::net::IpAddr::from(Ipv4Addr::UNSPECIFIED));
        let is_of_clients = key.scope == Scope::Clients;
        let target = (!is_of_clients).then_some(ExpectedServer::Name(&any_name));
        let Some(entry) = self.before.view.entry(key) else {
            return;
        };
        let Some(certificate) = entry.certificate() else {
            return;
        };
        let usable = self.before.usable(self.policy);
        if usable.why_not_for(target, entry).is_some() {
            return;
        }
        let usable = self.after.usable(self.policy);
        let same = same_issuer(&usable, &CrlIssuer::of(certificate), &key.scope);
        let mut works = same
            .iter()
            .filter(|later| usable.why_not_for(target, later).is_none());
        let covers = |later: &&Arc<Entry>| {
            let (old, new) = (entry.options(), later.options());
            is_as_wide(old.san_patterns(), new.san_patterns())
        };
        let effect = |reason: ReasonCode| Effect {
            peer: Peer::Authority(key.clone()),
            basis: Evidence::Installed,
            dialled: None,
            before: PeerOutcome::usable(Some(key.clone())),
            after: PeerOutcome::foreseen(reason),
        };
        if works.clone().any(covers) {
            if let Some(reason) = self.may_break(is_of_clients, certificate) {
                effects.note_risk(effect(reason));
            } else if let Some(reason) = self.overruled().filter(|_| is_of_clients) {
                effects.note_risk(effect(reason));
            }
            return;
        }
        let later = self.after.view.entry(key);
        let why_not = later.and_then(|later| usable.why_not_for(target, later));
        let reason = match why_not {
            Some((reason, _)) => reason,
            None if works.next().is_some() => ReasonCode::NoPatternMatches,
            None if is_of_clients => unknown_client(self.after.view),
            None => ReasonCode::UnknownIssuer,
        };
        effects.note(effect(reason));
    }
}

/// The authorities of this name and key: a CA that has a new certificate for its key is the same CA.
fn same_issuer<'a>(side: &Usable<'a>, issuer: &CrlIssuer, scope: &Scope) -> Vec<&'a Arc<Entry>> {
    let holders = side.view.data().holders(issuer.key_pin());
    let same = holders.filter(|entry| {
        let certificate = entry.certificate();
        entry.slot() == Slot::Authority
            && entry.key().scope == *scope
            && certificate.is_some_and(|one| CrlIssuer::of(one) == *issuer)
    });
    same.collect()
}

fn is_as_wide(before: &[SanPattern], after: &[SanPattern]) -> bool {
    after.is_empty() || (!before.is_empty() && before.iter().all(|one| after.contains(one)))
}

/// Why a client that no pin matches is refused.
fn unknown_client(view: &TrustSnapshot) -> ReasonCode {
    let holds = |slot| view.holds(slot, Scope::Clients);
    if holds(Slot::Pin) || holds(Slot::Authority) {
        ReasonCode::UnknownIssuer
    } else {
        ReasonCode::NothingInstalled
    }
}
