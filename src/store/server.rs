//! A server with its names and its claim (rules P2 and P3).

use core::fmt;
use std::sync::Arc;

use pki_types::UnixTime;

use super::ids::{GroupId, ServerId};
use crate::certificate::HostName;
use crate::certificate::sorted::sort_by;

/// Whether a server must present a pin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further state would change what authorities may vouch for"
)]
pub enum Claim {
    /// No pin was ever installed for it, or it was released. Authorities decide.
    #[default]
    Unclaimed,
    /// It must present a pin. Authorities do not decide.
    Claimed,
    /// Until this time, authorities judge what matches no pin. After it, the server is claimed as before.
    Migrating {
        /// The end, exclusive.
        until: UnixTime,
    },
}

/// The role of a server among several key servers, and its place among those of the same role. Place 1 is asked first.
///
/// It is for programs that connect: no verdict depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerRole {
    /// It is asked before all secondaries.
    #[non_exhaustive]
    Primary {
        /// Its place among the primaries, from 1.
        place: usize,
    },
    /// It replicates a primary, and is asked when no primary can be used.
    #[non_exhaustive]
    Secondary {
        /// The primary that it replicates.
        of: ServerId,
        /// Its place among the secondaries of this primary, from 1.
        place: usize,
    },
}

impl ServerRole {
    pub(crate) const fn primary(place: usize) -> Self {
        Self::Primary { place }
    }

    pub(crate) const fn secondary(of: ServerId, place: usize) -> Self {
        Self::Secondary { of, place }
    }

    /// The primary of a secondary.
    pub(super) fn primary_id(&self) -> Option<&ServerId> {
        match self {
            Self::Primary { .. } => None,
            Self::Secondary { of, .. } => Some(of),
        }
    }
}

/// A server: an id that never changes, with its names.
#[derive(Clone, Debug)]
pub struct Server {
    pub(super) id: ServerId,
    pub(super) names: Names,
    pub(super) expected: Names,
    pub(super) group: Option<GroupId>,
    pub(super) claim: Claim,
    /// Almost no server of a large store has one.
    pub(super) role: Option<Arc<ServerRole>>,
    /// Position of its own pins. Set when the server is added to the data.
    pub(super) pins: Place,
}

/// A position in a table of these data, by a keyed hash. It means nothing outside of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Place(pub(super) u64);

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// Sorted names without duplicates. Almost every server has one or two, for which a `BTreeSet` takes 280 bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Vec<HostName>);

impl Names {
    pub(super) fn iter(&self) -> impl Iterator<Item = &HostName> {
        self.0.iter()
    }

    pub(super) fn contains(&self, name: &HostName) -> bool {
        self.0.binary_search(name).is_ok()
    }

    pub(super) fn insert(&mut self, name: HostName) {
        if let Err(place) = self.0.binary_search(&name) {
            self.0.insert(place, name);
        }
    }

    /// Removes a name. Returns whether it was present.
    pub(super) fn remove(&mut self, name: &HostName) -> bool {
        let place = self.0.binary_search(name);
        place.map(|place| self.0.remove(place)).is_ok()
    }
}

impl FromIterator<HostName> for Names {
    fn from_iter<I: IntoIterator<Item = HostName>>(names: I) -> Self {
        let mut names: Vec<HostName> = names.into_iter().collect();
        sort_by(&mut names, HostName::cmp);
        names.dedup();
        names.shrink_to_fit();
        Self(names)
    }
}

impl Server {
    pub(super) fn new(id: ServerId, names: impl IntoIterator<Item = HostName>) -> Self {
        Self {
            id,
            names: names.into_iter().collect(),
            expected: Names::default(),
            group: None,
            claim: Claim::Unclaimed,
            role: None,
            pins: Place::default(),
        }
    }

    /// The id.
    pub fn id(&self) -> &ServerId {
        &self.id
    }

    /// The names and addresses under which it is dialled. Empty if it is reached by id only.
    pub fn names(&self) -> impl Iterator<Item = &HostName> {
        self.names.iter()
    }

    /// The names of which its certificate must have one in a chain, instead of [`names`](Self::names) (rule C2).
    pub fn expected_names(&self) -> impl Iterator<Item = &HostName> {
        self.expected.iter()
    }

    /// The group that it is in.
    pub fn group(&self) -> Option<&GroupId> {
        self.group.as_ref()
    }

    /// Whether it must present a pin.
    pub fn claim(&self) -> Claim {
        self.claim
    }

    /// Its role among several key servers. `None` if it was given none: it is a primary behind those with a place.
    pub fn role(&self) -> Option<&ServerRole> {
        self.role.as_deref()
    }
}
