//! Finds the peers that depend on something that ends.

use std::sync::Arc;

use super::{Dependents, ExpiringItem, timeline};
use crate::admin::scenarios::pins_of;
use crate::admin::{Peer, PeerHistory, PeerRecord};
use crate::certificate::{Certificate, Fingerprint};
use crate::policy::Usable;
use crate::store::{Claim, CrlIssuer, Entry, EntryKey, Scope, Server, Slot, Truncated};

pub(super) fn dependents(
    usable: &Usable<'_>,
    seen: &PeerHistory,
    subject: &ExpiringItem,
    peers: Truncated<Peer>,
) -> Dependents {
    let view = usable.view;
    let mut found = Dependents::default();
    match subject {
        ExpiringItem::Certificate(key) | ExpiringItem::EntryEnd(key) => {
            let completes = |peer: &Peer| {
                let sighting = seen.last(peer);
                sighting.is_some_and(|sighting| sighting.completed_by().contains(&key.fingerprint))
            };
            for server in view
                .servers()
                .filter(|server| is_asked(usable, server, key))
            {
                found.servers.push(server.id().clone());
            }
            if let Scope::Group(group) = &key.scope {
                found.group = Some(group.clone());
            }
            found.clients = key.scope == Scope::Clients;
            if key.slot == Slot::Intermediate {
                found.others_not_known = true;
                let all = seen.all().map(|(peer, _)| peer);
                all.filter(|peer| completes(peer))
                    .for_each(|peer| place(&mut found, peer));
            }
        }
        ExpiringItem::Migration(server) => found.servers.push(server.clone()),
        ExpiringItem::Presented(_) => {
            found.peers.count(peers.omitted());
            for peer in &peers {
                place(&mut found, peer.clone());
            }
        }
        ExpiringItem::Crl { issuer, .. } => told_of(usable, seen, issuer, &mut found),
        ExpiringItem::Own { .. } | ExpiringItem::Clock => {}
    }
    found
}

/// Peers that depend on the lists of an issuer: servers for which it is an authority, and peers whose last chain
/// contains it.
fn told_of(usable: &Usable<'_>, seen: &PeerHistory, issuer: &CrlIssuer, found: &mut Dependents) {
    let view = usable.view;
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
    for server in view.servers() {
        let asked = own.iter().any(|key| is_asked(usable, server, key));
        let last = seen.last(&Peer::Server(server.id().clone()));
        if asked || last.is_some_and(in_chain) {
            found.servers.push(server.id().clone());
        }
    }
    for (peer, sighting) in seen.all() {
        if !matches!(peer, Peer::Server(_)) && in_chain(sighting) {
            found.peers.push(peer);
        }
    }
}

fn place(found: &mut Dependents, peer: Peer) {
    match peer {
        Peer::Server(id) => found.servers.push(id),
        Peer::Unlisted(_) | Peer::Client(_) => found.peers.push(peer),
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
