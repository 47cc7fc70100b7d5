//! Finds the peers that depend on something that ends.

use core::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Dependents, ExpiringItem, timeline};
use crate::admin::scenarios::pins_of;
use crate::admin::{Peer, PeerHistory, PeerRecord};
use crate::certificate::{Certificate, Fingerprint};
use crate::policy::Usable;
use crate::store::{
    Claim, CrlIssuer, Entry, EntryKey, Scope, Server, ServerId, Slot, Truncated, TrustSnapshot,
};

/// Finds dependents in one snapshot. For an entry of a server or a group, no other server is looked at.
pub(super) struct Finder<'a> {
    usable: Usable<'a>,
    seen: &'a PeerHistory,
    /// The servers about which the authorities for any server decide, in order. It takes a look at every server.
    any_server: OnceCell<Vec<&'a ServerId>>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(usable: Usable<'a>, seen: &'a PeerHistory) -> Self {
        Self {
            usable,
            seen,
            any_server: OnceCell::new(),
        }
    }

    pub(super) fn dependents(&self, subject: &ExpiringItem, peers: Truncated<Peer>) -> Dependents {
        let mut found = Dependents::default();
        match subject {
            ExpiringItem::Certificate(key) | ExpiringItem::EntryEnd(key) => {
                for server in self.asking(key) {
                    found.servers.push(server.clone());
                }
                if let Scope::Group(group) = &key.scope {
                    found.group = Some(group.clone());
                }
                found.clients = key.scope == Scope::Clients;
                if key.slot == Slot::Intermediate {
                    found.others_not_known = true;
                    let completes =
                        |sighting: &PeerRecord| sighting.completed_by().contains(&key.fingerprint);
                    for (peer, sighting) in self.seen.all() {
                        if completes(sighting) {
                            place(&mut found, peer);
                        }
                    }
                }
            }
            ExpiringItem::Migration(server) => found.servers.push(server.clone()),
            ExpiringItem::Presented(_) => {
                found.peers.count(peers.omitted());
                for peer in &peers {
                    place(&mut found, peer.clone());
                }
            }
            ExpiringItem::Crl { issuer, .. } => self.told_of(issuer, &mut found),
            ExpiringItem::Own { .. } | ExpiringItem::Clock => {}
        }
        found
    }

    /// Whether an item concerns a server. An intermediate and a revocation list may, since any peer may present a chain
    /// through the issuer.
    pub(super) fn concerns(
        &self,
        server: &ServerId,
        subject: &ExpiringItem,
        peer: Option<&Peer>,
    ) -> bool {
        match subject {
            ExpiringItem::Certificate(key) | ExpiringItem::EntryEnd(key) => {
                let server = self.usable.view.server(server);
                key.slot == Slot::Intermediate
                    || server.is_some_and(|server| is_asked(&self.usable, server, key))
            }
            ExpiringItem::Migration(id) => id == server,
            ExpiringItem::Presented(_) => {
                matches!(peer, Some(Peer::Server(id)) if id == server)
            }
            ExpiringItem::Crl { .. } => true,
            ExpiringItem::Own { .. } | ExpiringItem::Clock => false,
        }
    }

    /// The servers about which an entry decides, in order.
    fn asking(&self, key: &EntryKey) -> Vec<&'a ServerId> {
        let view: &'a TrustSnapshot = self.usable.view;
        let asks = |server: &&Server| is_asked(&self.usable, server, key);
        match &key.scope {
            Scope::Server(id) => {
                let server = view.server(id).filter(asks);
                server.map(Server::id).into_iter().collect()
            }
            Scope::Group(id) => {
                let group = view.group(id).into_iter();
                let members = group.flat_map(|group| group.members());
                let servers = members.filter_map(|id| view.server(id));
                servers.filter(asks).map(Server::id).collect()
            }
            Scope::AnyServer => {
                let all = self.any_server.get_or_init(|| {
                    let servers = view.servers();
                    servers.filter(asks).map(Server::id).collect()
                });
                all.clone()
            }
            Scope::Clients | Scope::Everyone => Vec::new(),
        }
    }

    /// Peers that depend on the lists of an issuer: servers for which it is an authority, and peers whose last chain
    /// contains it.
    fn told_of(&self, issuer: &CrlIssuer, found: &mut Dependents) {
        let (view, seen) = (self.usable.view, self.seen);
        // Only for a server that was seen is it known whether its chain contains the issuer.
        found.others_not_known = true;
        let is_issuer = |entry: &&Arc<Entry>| {
            let certificate = entry.certificate();
            entry.slot() == Slot::Authority
                && certificate.is_some_and(|certificate| CrlIssuer::of(certificate) == *issuer)
        };
        let own: Vec<EntryKey> = {
            let entries = view.data().holders(issuer.key_pin());
            entries.filter(is_issuer).map(|entry| entry.key()).collect()
        };
        found.clients = own.iter().any(|key| key.scope == Scope::Clients);
        let in_chain = |sighting: &PeerRecord| {
            let signed = |certificate: &Certificate| issuer.is_named(certificate.issuer_der());
            let presented = sighting.presented().iter();
            let mut presented = presented.filter_map(|der| timeline::read(view, der));
            let completed = |fingerprint: &Fingerprint| {
                let key = EntryKey::new(Slot::Intermediate, Scope::Everyone, *fingerprint);
                let entry = view.entry(&key);
                entry.and_then(Entry::certificate).is_some_and(signed)
            };
            sighting.by_chain()
                && (presented.any(|certificate| signed(&certificate))
                    || sighting.completed_by().iter().any(completed))
        };
        let mut servers: BTreeSet<&ServerId> = BTreeSet::new();
        for key in &own {
            servers.extend(self.asking(key));
        }
        let mut others = Vec::new();
        for (peer, sighting) in seen.all() {
            if in_chain(sighting) {
                match &peer {
                    Peer::Server(id) => {
                        servers.extend(view.server(id).map(Server::id));
                    }
                    Peer::Unlisted(_) | Peer::Client(_) | Peer::Authority(_) => others.push(peer),
                }
            }
        }
        for server in servers {
            found.servers.push(server.clone());
        }
        others.into_iter().for_each(|peer| found.peers.push(peer));
    }
}

fn place(found: &mut Dependents, peer: Peer) {
    match peer {
        Peer::Server(id) => found.servers.push(id),
        Peer::Unlisted(_) | Peer::Client(_) | Peer::Authority(_) => found.peers.push(peer),
    }
}

/// Whether an entry decides about a server (rules P2 to P4).
fn is_asked(usable: &Usable<'_>, server: &Server, key: &EntryKey) -> bool {
    let own = Scope::Server(server.id().clone());
    match key.slot {
        Slot::Pin => {
            let asked = pins_of(usable.view, server);
            server.claim() != Claim::Unclaimed && asked == key.scope
        }
        Slot::Authority => {
            let asked = if usable.view.holds(Slot::Authority, own.clone()) {
                own
            } else {
                Scope::AnyServer
            };
            asked == key.scope && usable.asks_authorities(server)
        }
        Slot::Intermediate => false,
    }
}
