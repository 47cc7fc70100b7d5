//! Operations that take days and several steps, told from what is installed and what was seen.
//!
//! They keep no state of their own, so a restart loses nothing but what was seen, and a step that somebody made by
//! hand counts.

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

/// For subject an operation is made.
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

/// What an operation is judged by.
#[derive(Clone, Copy)]
struct Facts<'a> {
    view: &'a TrustSnapshot,
    policy: &'a Policy,
    seen: &'a PeerHistory,
    clock: CurrentTime,
}

impl Facts<'_> {
    /// What a server last presented, and what it would be told now if it presented that again.
    fn last(&self, id: &ServerId) -> Option<(&PeerRecord, Verdict)> {
        let peer = Peer::Server(id.clone());
        let sighting = self.seen.last(&peer)?;
        let verdict = sighting.ask(&peer, false, self.view, self.policy, self.clock)?;
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
