//! Peers that were never seen are judged by what is installed for them.

use core::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr};

use super::impact::{Effect, Evidence, Impact, PeerOutcome};
use super::names::{self, NamesKept};
use super::overruling::overruling;
use super::severed::Severed;
use super::side::{Side, is_narrowed};
use crate::admin::Peer;
use crate::admin::scenarios::{Asked, Scenarios};
use crate::certificate::{Certificate, Fingerprint, HostName};
use crate::policy::{ExpectedServer, Policy, ReasonCode, Verdict, VerifyRequest, decide};
use crate::store::{Claim, EntryKey, Server, Slot, TrustSource};

/// Judges peers that were never seen.
pub(super) struct Unseen<'a> {
    pub(super) before: Side<'a>,
    pub(super) after: Side<'a>,
    pub(super) policy: &'a Policy,
    scenarios_before: Scenarios<'a>,
    scenarios_after: Scenarios<'a>,
    severed_servers: OnceCell<Severed>,
    severed_clients: OnceCell<Severed>,
    overruled: OnceCell<Option<ReasonCode>>,
}

/// What decides about a peer after the change.
struct Later<'a> {
    /// How the peer is dialled.
    target: ExpectedServer<'a>,
    /// The server that it is then, if there is one.
    server: Option<&'a Server>,
    names: NamesKept,
}

/// What is left of what could accept a peer.
struct Left {
    /// How many of the entries could still accept it.
    count: usize,
    /// Whether each of them accepts all that it accepted.
    whole: bool,
    /// The first that accepts less.
    first: Option<EntryKey>,
}

/// An effect, and whether the peer is lost and not only at risk.
struct Found {
    is_lost: bool,
    effect: Effect,
}

impl<'a> Unseen<'a> {
    pub(super) fn new(before: Side<'a>, after: Side<'a>, policy: &'a Policy) -> Self {
        Self {
            before,
            after,
            policy,
            scenarios_before: Scenarios::new(before.view, policy, before.clock),
            scenarios_after: Scenarios::new(after.view, policy, after.clock),
            severed_servers: OnceCell::new(),
            severed_clients: OnceCell::new(),
            overruled: OnceCell::new(),
        }
    }

    pub(super) fn ask(&mut self, peer: &Peer, effects: &mut Impact) {
        match peer {
            Peer::Server(id) => {
                if let Some(server) = self.before.view.server(id) {
                    self.ask_server(server, effects);
                }
            }
            Peer::Unlisted(name) => self.ask_unlisted(name, effects),
            Peer::Client(fingerprint) => self.ask_client(*fingerprint, effects),
            Peer::Authority(key) => self.ask_authority(key, effects),
        }
    }

    /// Whether chains that end at an authority may be refused: an intermediate is gone, or lists cover less.
    pub(super) fn may_break(
        &self,
        of_clients: bool,
        authority: &Certificate,
    ) -> Option<ReasonCode> {
        let (before, after) = (
            self.before.usable(self.policy),
            self.after.usable(self.policy),
        );
        let less = || {
            let less = before.covers_less(&after, authority);
            less.then_some(ReasonCode::RevocationUnknown)
        };
        self.severed(of_clients).hits(authority).or_else(less)
    }

    fn severed(&self, of_clients: bool) -> &Severed {
        let (before, after) = (
            self.before.usable(self.policy),
            self.after.usable(self.policy),
        );
        if of_clients {
            let severed = || Severed::between(&before, &after, None);
            return self.severed_clients.get_or_init(severed);
        }
        self.severed_servers.get_or_init(|| {
            let any_name = HostName::from(IpAddr::from(Ipv4Addr::UNSPECIFIED));
            Severed::between(&before, &after, Some(ExpectedServer::Name(&any_name)))
        })
    }

    /// Why a pin of the change refuses clients of an authority.
    pub(super) fn overruled(&self) -> Option<ReasonCode> {
        let (before, after) = (
            self.before.usable(self.policy),
            self.after.usable(self.policy),
        );
        *self.overruled.get_or_init(|| overruling(&before, &after))
    }

    fn ask_server(&mut self, server: &Server, effects: &mut Impact) {
        let was = self.scenarios_before.of(server);
        if was.usable.is_empty() {
            effects.unknown.push(server.id().clone());
            return;
        }
        let after = self.after.view;
        let later = after.server(server.id());
        let by_id = Later {
            target: ExpectedServer::id(server.id(), None),
            server: later,
            names: later.map_or(NamesKept::All, |later| names::kept(server, later)),
        };
        let peer = Peer::Server(server.id().clone());
        let mut found = self.compare(&peer, &was, &by_id, None);
        // If a name leaves the server, callers by that name reach another server, or none.
        for name in names::moved(server, after) {
            if found.as_ref().is_some_and(|found| found.is_lost) {
                break;
            }
            let owner = after.server_of(name);
            let by_name = Later {
                target: ExpectedServer::Name(name),
                server: owner,
                names: owner.map_or(NamesKept::All, |owner| names::kept(server, owner)),
            };
            let named = self.compare(&peer, &was, &by_name, Some(name));
            if named.as_ref().is_some_and(|named| named.is_lost) || found.is_none() {
                found = named;
            }
        }
        if let Some(found) = found {
            note(found, effects);
        }
    }

    /// A name that no server had.
    fn ask_unlisted(&mut self, name: &HostName, effects: &mut Impact) {
        if self.before.view.server_of(name).is_some() || !self.policy.unlisted_allowed() {
            return;
        }
        let was = self.scenarios_before.any_server(name);
        if was.usable.is_empty() {
            return;
        }
        let server = self.after.view.server_of(name);
        let is_checked = |server: &Server| {
            let mut expected = server.expected_names();
            expected.next().is_none() || server.expected_names().any(|one| one == name)
        };
        let later = Later {
            target: ExpectedServer::Name(name),
            server,
            names: match server {
                Some(server) if !is_checked(server) => NamesKept::None,
                _ => NamesKept::All,
            },
        };
        let peer = Peer::Unlisted(name.clone());
        if let Some(found) = self.compare(&peer, &was, &later, None) {
            note(found, effects);
        }
    }

    fn compare(
        &mut self,
        peer: &Peer,
        was: &Asked,
        later: &Later<'_>,
        dialled: Option<&HostName>,
    ) -> Option<Found> {
        let is = match (later.server, later.target) {
            (Some(server), _) => Some(self.scenarios_after.of(server)),
            (None, ExpectedServer::Name(name)) if self.policy.unlisted_allowed() => {
                Some(self.scenarios_after.any_server(name))
            }
            (None, _) => None,
        };
        let left = self.left(was, is.as_deref(), later);
        if left.count == was.usable.len() && left.whole {
            return None;
        }
        let level = match later.server {
            Some(server) => self.after.view.level(server),
            None if is.is_some() => TrustSource::AnyServerAuthorities,
            None => TrustSource::Nothing,
        };
        let nothing_left = is.as_ref().is_none_or(|is| is.usable.is_empty());
        let after = match &is {
            None if dialled.is_some() => ReasonCode::UnlistedName,
            None => ReasonCode::UnknownServer,
            Some(is) if nothing_left => self.scenarios_after.reason(is, level),
            Some(is) => self.refusal(is, left.first.as_ref(), later),
        };
        let basis = if dialled.is_some() {
            Evidence::InstalledByName
        } else {
            Evidence::Installed
        };
        // A server that needed a chain before may already have the certificate of its new pin. Another server that
        // gets the name has its own certificate.
        let only_pins = was.usable.keys().all(|(slot, _)| *slot == Slot::Pin);
        let is_other = dialled.is_some() || later.names == NamesKept::None;
        let effect = Effect {
            peer: peer.clone(),
            basis,
            dialled: dialled.cloned(),
            before: PeerOutcome::usable(left.first),
            after: PeerOutcome::foreseen(after),
        };
        Some(Found {
            is_lost: left.count == 0 && (nothing_left || only_pins || is_other),
            effect,
        })
    }

    fn left(&self, was: &Asked, is: Option<&Asked>, later: &Later<'_>) -> Left {
        let mut left = Left {
            count: 0,
            whole: true,
            first: None,
        };
        for (place, key) in &was.usable {
            let kept = is.is_some_and(|is| is.usable.contains_key(place));
            let (counts, whole) = if key.slot == Slot::Pin {
                // A chain may accept the certificate of a former pin.
                let verdict = || self.verdict(later, key);
                let counts = kept || verdict().is_some_and(|verdict| verdict.is_accepted());
                (counts, counts && !self.is_narrowed(is, place, key))
            } else {
                let counts = kept && later.names != NamesKept::None;
                let whole = counts && later.names == NamesKept::All && self.broken(key).is_none();
                (counts, whole)
            };
            left.count = left.count.saturating_add(usize::from(counts));
            if !whole {
                left.whole = false;
                left.first.get_or_insert_with(|| key.clone());
            }
        }
        left
    }

    fn is_narrowed(&self, is: Option<&Asked>, place: &(Slot, Fingerprint), key: &EntryKey) -> bool {
        let now = is.and_then(|is| is.usable.get(place));
        let now = now.and_then(|key| self.after.view.entry(key));
        let was = self.before.view.entry(key);
        was.zip(now).is_some_and(|(was, now)| is_narrowed(was, now))
    }

    /// Why chains of an authority may be refused.
    fn broken(&self, authority: &EntryKey) -> Option<ReasonCode> {
        let entry = self.before.view.entry(authority)?;
        self.may_break(false, entry.certificate()?)
    }

    /// The verdict after the change, if the server presents the certificate of one of its pins.
    fn verdict(&self, later: &Later<'_>, pin: &EntryKey) -> Option<Verdict> {
        if pin.slot != Slot::Pin {
            return None;
        }
        let certificate = self.before.view.entry(pin)?.certificate()?;
        let question =
            VerifyRequest::server(later.target, certificate.der(), &[], self.after.clock);
        Some(decide(self.after.view, self.policy, &question))
    }

    fn refusal(&self, is: &Asked, first: Option<&EntryKey>, later: &Later<'_>) -> ReasonCode {
        let verdict = first.and_then(|pin| self.verdict(later, pin));
        let is_claimed = |server: &Server| server.claim() != Claim::Unclaimed;
        let is_left = |key: &EntryKey| is.usable.contains_key(&(key.slot, key.fingerprint));
        match verdict.filter(|verdict| !verdict.is_accepted()) {
            Some(verdict) => verdict.reason(),
            None if first.is_some_and(|pin| pin.slot == Slot::Pin) => ReasonCode::PinDoesNotMatch,
            None if first.is_some_and(is_left) && later.names != NamesKept::All => {
                ReasonCode::NameMismatch
            }
            None if later.server.is_some_and(is_claimed) && !first.is_some_and(is_left) => {
                ReasonCode::AuthoritiesNotAsked
            }
            None => first
                .and_then(|authority| self.broken(authority))
                .unwrap_or(ReasonCode::UnknownIssuer),
        }
    }
}

fn note(found: Found, effects: &mut Impact) {
    if found.is_lost {
        effects.note(found.effect);
    } else {
        effects.note_risk(found.effect);
    }
}
