//! Operations of several steps over days. Their state is computed from the store and the history of peers.
//!
//! They keep no state of their own. A restart loses only the history, and steps that were made by hand count.

mod migration;
mod replacement;

use core::fmt;

pub use migration::{MigrationPlan, MoveStep, migration_plan};
pub use replacement::{ReplaceStep, ReplacementPlan, replacement_plan};

use super::{Peer, PeerHistory, PeerRecord};
use crate::certificate::CurrentTime;
use crate::policy::{Policy, Verdict};
use crate::store::error::StoreError;
use crate::store::{GroupId, Scope, ServerId, TrustSnapshot};

/// The servers of an operation.
///
/// It is made from a [`ServerId`] or a [`GroupId`]. The variants are no interface: match with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// One server.
    #[doc(hidden)]
    Server(ServerId),
    /// The present members of a group.
    #[doc(hidden)]
    Group(GroupId),
}

impl Subject {
    fn servers(&self, view: &TrustSnapshot) -> Result<Vec<ServerId>, StoreError> {
        match self {
            Self::Server(id) => match view.server(id) {
                Some(_) => Ok(vec![id.clone()]),
                None => Err(StoreError::UnknownServer(id.clone())),
            },
            Self::Group(id) => match view.group(id) {
                Some(group) => Ok(group.members().cloned().collect()),
                None => Err(StoreError::UnknownGroup(id.clone())),
            },
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Self::Server(id) => Scope::Server(id.clone()),
            Self::Group(id) => Scope::Group(id.clone()),
        }
    }
}

impl From<ServerId> for Subject {
    fn from(id: ServerId) -> Self {
        Self::Server(id)
    }
}

impl From<GroupId> for Subject {
    fn from(id: GroupId) -> Self {
        Self::Group(id)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scope())
    }
}

/// The facts for judging an operation.
#[derive(Clone, Copy)]
struct Facts<'a> {
    view: &'a TrustSnapshot,
    policy: &'a Policy,
    seen: &'a PeerHistory,
    clock: CurrentTime,
}

impl Facts<'_> {
    /// The last record of a server, and the verdict if it presented the same now.
    fn last(&self, id: &ServerId) -> Option<(&PeerRecord, Verdict)> {
        let peer = Peer::Server(id.clone());
        let sighting = self.seen.last(&peer)?;
        let verdict = sighting.ask(&peer, None, self.view, self.policy, self.clock)?;
        Some((sighting, verdict))
    }
}

/// Shows a list of servers in one line.
fn listed(f: &mut fmt::Formatter<'_>, what: &str, servers: &[ServerId]) -> fmt::Result {
    const SHOWN: usize = 8;
    f.write_str(what)?;
    for (index, server) in servers.iter().take(SHOWN).enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(f, "{comma} {server}")?;
    }
    match servers.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
