//! Makes a stored change again: takes out what went, before what came is restored.

use super::{BlockSelector, CrlIssuer, EntryKey, GroupId, ServerId, TrustStore};
use crate::certificate::Fingerprint;
use pki_types::UnixTime;

impl TrustStore {
    /// Holds what another store holds. Copies pointers only; clock and actor stay.
    pub(crate) fn take_over(&mut self, other: &Self) {
        self.data = other.data.clone();
    }

    /// Takes an entry out. A claim stays as it is. `false` if there is none.
    pub(crate) fn forget_entry(&mut self, key: &EntryKey) -> bool {
        self.data.entry(key).is_some() && self.edit().take(key).is_some()
    }

    /// Takes a server out, and out of its group. Its entries stay. `false` if there is none.
    pub(crate) fn forget_server(&mut self, id: &ServerId) -> bool {
        let Some(server) = self.data.server(id) else {
            return false;
        };
        let group = server.group().cloned();
        let data = self.edit();
        if let Some(group) = group.and_then(|group| data.group_mut(&group)) {
            group.members.remove(id);
        }
        data.drop_server(id);
        true
    }

    /// Takes a group out that has no members. `false` if there is none, or it has members.
    pub(crate) fn forget_group(&mut self, id: &GroupId) -> bool {
        let empty = |group: &super::Group| group.members.is_empty();
        if !self.data.group(id).is_some_and(empty) {
            return false;
        }
        self.edit().drop_group(id);
        true
    }

    /// Takes a block out. `false` if there is none.
    pub(crate) fn forget_block(&mut self, selector: &BlockSelector) -> bool {
        self.data.data().blocks().contains(selector) && self.edit().blocks_mut().remove(selector)
    }

    /// Stops to check an issuer, which has no lists any more. `false` if it is not checked.
    pub(crate) fn forget_check(&mut self, issuer: &CrlIssuer) -> bool {
        self.data.data().crls().of(issuer).is_some()
            && self.edit().crls_mut().stop(issuer).is_some()
    }

    /// Takes a revocation list out, readable or not. `false` if there is none.
    pub(crate) fn forget_crl(&mut self, fingerprint: Fingerprint) -> bool {
        if !self.holds_crl(fingerprint) {
            return false;
        }
        let crls = self.edit().crls_mut();
        crls.take(fingerprint).is_some() || crls.take_unread(fingerprint).is_some()
    }

    /// Sets the generation and the floor after a change that was made again, and verifies the signatures of the CAs
    /// that came.
    pub(crate) fn replayed(&mut self, came: &[EntryKey], generation: u64, floor: Option<UnixTime>) {
        for key in came {
            self.learn_signatures(key);
        }
        let data = self.edit();
        data.generation = generation;
        data.floor = floor;
    }
}
