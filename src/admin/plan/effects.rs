//! Finds the peers that are gained and lost between two snapshots or two times.

use std::collections::BTreeMap;

use super::impact::{Effect, Evidence, Impact, PeerOutcome};
use super::side::Side;
use super::unseen::Unseen;
use super::{clients, names};
use crate::admin::Peer;
use crate::admin::seen::{PeerHistory, PeerRecord};
use crate::certificate::HostName;
use crate::policy::{Policy, Verdict};

/// Judges every peer before and after: those that were seen by what they presented, the others by what is installed.
pub(super) fn compare(
    before: Side<'_>,
    after: Side<'_>,
    policy: &Policy,
    seen: &PeerHistory,
) -> Impact {
    let servers = before.view.servers();
    let servers = servers.map(|server| Peer::Server(server.id().clone()));
    let mut all: BTreeMap<Peer, Option<&PeerRecord>> = servers
        .chain(clients::installed(before.view, policy))
        .chain(names::newly_listed(before.view, after.view, policy))
        .map(|peer| (peer, None))
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
    let mut unseen = Unseen::new(before, after, policy);
    for (peer, sighting) in peers {
        match sighting {
            Some(sighting) => ask_seen(before, after, policy, &peer, sighting, &mut effects),
            None => unseen.ask(&peer, &mut effects),
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
    let ask = |by_name: Option<&HostName>| {
        let was = sighting.ask(peer, by_name, before.view, policy, before.clock)?;
        let is = sighting.ask(peer, by_name, after.view, policy, after.clock)?;
        Some((was, is))
    };
    let Some((was, is)) = ask(None) else {
        return;
    };
    let is_lost = |(was, is): &(Verdict, Verdict)| was.is_accepted() && !is.is_accepted();
    let mut found = (Evidence::Seen, None, (was, is));
    if !is_lost(&found.2) {
        // It is not known whether callers dial by id or by name. If a name is removed, callers by name are locked out.
        let server = peer.server().and_then(|id| before.view.server(id));
        let dialled = sighting.dialled().filter(|name| {
            let owner = before.view.server_of(name);
            owner.is_some() && owner.map(|owner| owner.id()) == peer.server()
        });
        let moved = server.map(|server| names::moved(server, after.view));
        for name in dialled.into_iter().chain(moved.into_iter().flatten()) {
            if let Some(by_name) = ask(Some(name)).filter(is_lost) {
                found = (Evidence::SeenByName, Some(name.clone()), by_name);
                break;
            }
        }
    }
    let (basis, dialled, (was, is)) = found;
    effects.note(Effect {
        peer: peer.clone(),
        basis,
        dialled,
        before: PeerOutcome::from_verdict(&was),
        after: PeerOutcome::from_verdict(&is),
    });
}
