//! The installed entries that could accept a server at a given time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::certificate::{CurrentTime, Fingerprint, HostName};
use crate::policy::{Detail, ExpectedServer, Policy, ReasonCode, Usable};
use crate::store::{
    Claim, Entry, EntryKey, Scope, Server, ServerId, Slot, Truncated, TrustSnapshot, TrustSource,
};

/// The entries that decide about a server: those that could accept something, and those that accept nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) usable: BTreeMap<(Slot, Fingerprint), EntryKey>,
    pub(super) no_longer_trusted: Truncated<Unusable>,
}

/// An entry that accepts nothing, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct Unusable {
    /// The entry.
    pub entry: EntryKey,
    /// Why it accepts nothing.
    pub reason: ReasonCode,
    /// The values behind the reason.
    pub detail: Detail,
}

impl Asked {
    fn add(&mut self, entry: &Entry, why_not: Option<(ReasonCode, Detail)>) {
        let key = entry.key();
        match why_not {
            None => {
                let place = (key.slot, key.fingerprint);
                self.usable.insert(place, key.clone());
            }
            Some((reason, detail)) => self.no_longer_trusted.push(Unusable {
                entry: key.clone(),
                reason,
                detail,
            }),
        }
    }

    fn join(&mut self, other: &Self) {
        self.usable.extend(other.usable.clone());
        self.no_longer_trusted
            .append(other.no_longer_trusted.clone());
    }

    /// Why nothing is usable.
    fn reason(&self, level: TrustSource) -> ReasonCode {
        match (level, self.no_longer_trusted.items()) {
            (TrustSource::Nothing, _) => ReasonCode::NothingInstalled,
            (TrustSource::OwnAuthorities | TrustSource::AnyServerAuthorities, [first, ..]) => {
                first.reason
            }
            _ => ReasonCode::NoUsablePin,
        }
    }
}

/// Judges many servers of one snapshot. The authorities for any server are judged once.
pub(super) struct Scenarios<'a> {
    usable: Usable<'a>,
    any_server: Option<Arc<Asked>>,
}

impl<'a> Scenarios<'a> {
    pub(super) fn new(view: &'a TrustSnapshot, policy: &'a Policy, clock: CurrentTime) -> Self {
        Self {
            usable: Usable {
                view,
                policy,
                clock,
            },
            any_server: None,
        }
    }

    /// The entries that decide about a server, its pins first.
    pub(super) fn of(&mut self, server: &Server) -> Arc<Asked> {
        let view = self.usable.view;
        let asks_authorities = self.usable.asks_authorities(server);
        let own = Scope::Server(server.id().clone());
        let mut asked = Asked::default();
        if server.claim() != Claim::Unclaimed {
            self.add_all(
                ExpectedServer::id(server.id(), None),
                Slot::Pin,
                pins_of(view, server),
                &mut asked,
            );
        }
        if !asks_authorities {
            return Arc::new(asked);
        }
        if view.holds(Slot::Authority, own.clone()) {
            self.add_all(
                ExpectedServer::id(server.id(), None),
                Slot::Authority,
                own,
                &mut asked,
            );
            return Arc::new(asked);
        }
        let any = match &self.any_server {
            Some(any) => any.clone(),
            None => {
                let mut any = Asked::default();
                self.add_all(
                    ExpectedServer::id(server.id(), None),
                    Slot::Authority,
                    Scope::AnyServer,
                    &mut any,
                );
                self.any_server.insert(Arc::new(any)).clone()
            }
        };
        if server.claim() == Claim::Unclaimed {
            return any;
        }
        asked.join(&any);
        Arc::new(asked)
    }

    /// The authorities that decide about a name that belongs to no server, under a policy that allows it (rule P6).
    pub(super) fn any_server(&mut self, name: &HostName) -> Arc<Asked> {
        if let Some(any) = &self.any_server {
            return any.clone();
        }
        let mut any = Asked::default();
        let target = ExpectedServer::Name(name);
        self.add_all(target, Slot::Authority, Scope::AnyServer, &mut any);
        self.any_server.insert(Arc::new(any)).clone()
    }

    /// Why no entry is usable. While time is judged at the floor and matters, the reason is the clock.
    pub(super) fn reason(&self, asked: &Asked, level: TrustSource) -> ReasonCode {
        let reason = asked.reason(level);
        let no_longer_trusted = asked.no_longer_trusted.items().iter();
        let mut of_floor = no_longer_trusted
            .map(|no_longer_trusted| self.usable.at_floor(no_longer_trusted.reason));
        let clock = of_floor
            .find(|reason| matches!(reason, ReasonCode::ClockUnset | ReasonCode::ClockBelowFloor));
        match (reason, clock) {
            (ReasonCode::NoUsablePin, Some(clock)) => clock,
            (reason, _) => self.usable.at_floor(reason),
        }
    }

    /// The authorities that would decide about a server if it were not claimed (rule P4).
    pub(super) fn authorities(&self, server: &Server) -> Asked {
        let own = Scope::Server(server.id().clone());
        let scope = if self.usable.view.holds(Slot::Authority, own.clone()) {
            own
        } else {
            Scope::AnyServer
        };
        let mut asked = Asked::default();
        self.add_all(
            ExpectedServer::id(server.id(), None),
            Slot::Authority,
            scope,
            &mut asked,
        );
        asked
    }

    fn add_all(&self, target: ExpectedServer<'_>, slot: Slot, scope: Scope, asked: &mut Asked) {
        let Some(index) = self.usable.view.data().index(slot, &scope) else {
            return;
        };
        let mut entries: Vec<&Entry> = index.iter().map(|entry| &**entry).collect();
        entries.sort_by_key(|entry| entry.fingerprint());
        for entry in entries {
            asked.add(entry, self.usable.why_not_for(Some(target), entry));
        }
    }
}

/// The scope of the pins that a claimed server must present (rule P2).
pub(super) fn pins_of(view: &TrustSnapshot, server: &Server) -> Scope {
    let own = Scope::Server(server.id().clone());
    if view.holds(Slot::Pin, own.clone()) {
        return own;
    }
    server.group().cloned().map_or(own, Scope::Group)
}

/// A server that no installed entry could accept now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WithoutUsable {
    /// The server.
    pub server: ServerId,
    /// The source that decides about it.
    #[doc(hidden)]
    pub level: TrustSource,
    /// Why everything that it presents is refused. Each entry has its own reason in addition.
    pub reason: ReasonCode,
    /// The entries that accept nothing.
    #[doc(hidden)]
    pub entries: Truncated<Unusable>,
}

/// The servers that no installed entry could accept at this time, ordered by id: they are claimed and have no usable
/// pin, or have no usable authority, or nothing is installed for them.
///
/// Other servers may still be refused, if they present another certificate.
pub fn servers_without_usable(
    view: &TrustSnapshot,
    policy: &Policy,
    clock: CurrentTime,
) -> Vec<WithoutUsable> {
    let mut scenarios = Scenarios::new(view, policy, clock);
    view.servers()
        .filter_map(|server| {
            let asked = scenarios.of(server);
            let level = view.level(server);
            asked.usable.is_empty().then(|| WithoutUsable {
                server: server.id().clone(),
                level,
                reason: scenarios.reason(&asked, level),
                entries: asked.no_longer_trusted.clone(),
            })
        })
        .collect()
}

/// The servers that an installed entry could accept at this time, in the order in which a program asks them
/// ([`TrustSnapshot::servers_in_order`]). A server may still be refused, if it presents another certificate.
///
/// A system that depends on one server loses its keys with it, so the command warns below
/// two. Servers that replicate one certificate count each: they have
/// addresses of their own.
pub fn usable_servers(view: &TrustSnapshot, policy: &Policy, clock: CurrentTime) -> Vec<ServerId> {
    let mut scenarios = Scenarios::new(view, policy, clock);
    let servers = view.servers_in_order().into_iter();
    let usable = servers.filter(|server| !scenarios.of(server).usable.is_empty());
    usable.map(|server| server.id().clone()).collect()
}
