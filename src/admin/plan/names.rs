//! What a change does to the names by which servers are dialled, and to the names that chains are checked for.

use std::collections::BTreeSet;

use crate::admin::Peer;
use crate::certificate::HostName;
use crate::policy::Policy;
use crate::store::{Server, TrustSnapshot};

/// The names of a server that belong to another server, or to none, after the change.
pub(super) fn moved<'a>(
    server: &'a Server,
    after: &'a TrustSnapshot,
) -> impl Iterator<Item = &'a HostName> {
    let stays = |name: &&HostName| {
        let owner = after.server_of(name);
        owner.is_some_and(|owner| owner.id() == server.id())
    };
    server.names().filter(move |name| !stays(name))
}

/// Names that belong to a server only after the change. Under a policy that allows unlisted names, the authorities for
/// any server decided about them (rule P6).
pub(super) fn newly_listed(
    before: &TrustSnapshot,
    after: &TrustSnapshot,
    policy: &Policy,
) -> Vec<Peer> {
    if !policy.unlisted_allowed() {
        return Vec::new();
    }
    let names = after.servers().flat_map(Server::names);
    let new = names.filter(|name| before.server_of(name).is_none());
    new.map(|name| Peer::Unlisted(name.clone())).collect()
}

/// How many of the names that chains were checked for still count (rule C2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamesKept {
    All,
    Some,
    None,
}

/// The names that chains are checked for. `None`: the dialled name, whatever it is.
fn checked(server: &Server) -> Option<BTreeSet<&HostName>> {
    let expected: BTreeSet<&HostName> = server.expected_names().collect();
    if !expected.is_empty() {
        return Some(expected);
    }
    let names: BTreeSet<&HostName> = server.names().collect();
    (!names.is_empty()).then_some(names)
}

/// Compares the names that chains are checked for, of one server or of the former and the new server of a name.
pub(super) fn kept(before: &Server, after: &Server) -> NamesKept {
    match (checked(before), checked(after)) {
        (_, None) => NamesKept::All,
        (None, Some(_)) => NamesKept::Some,
        (Some(before), Some(after)) if before.is_subset(&after) => NamesKept::All,
        (Some(before), Some(after)) if before.is_disjoint(&after) => NamesKept::None,
        (Some(_), Some(_)) => NamesKept::Some,
    }
}
