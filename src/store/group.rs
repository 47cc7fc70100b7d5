//! A group of servers.

use std::collections::BTreeSet;

use super::ids::{GroupId, ServerId};

/// Servers that replicate one certificate.
#[derive(Clone, Debug)]
pub struct Group {
    pub(super) id: GroupId,
    pub(super) members: BTreeSet<ServerId>,
}

impl Group {
    /// The id.
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// The members, ordered by id.
    pub fn members(&self) -> impl Iterator<Item = &ServerId> {
        self.members.iter()
    }
}
