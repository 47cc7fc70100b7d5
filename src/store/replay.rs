//! Makes a stored change again: takes out what went, before what came is restored.

use super::{
    BlockSelector, Claim, CrlIssuer, Entry, EntryKey, GroupId, Scope, ServerId, Slot, TrustStore,
};
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

    /// An entry without its server or group, or a pin of a server that is not claimed. No snapshot has one; a change that
    /// takes a record out could leave one.
    pub(crate) fn contradiction(&self) -> Option<EntryKey> {
        let is_claimed = |id: &ServerId| {
            let server = self.data.server(id);
            server.is_some_and(|server| server.claim != Claim::Unclaimed)
        };
        let fits = |entry: &Entry| {
            let is_pin = entry.slot() == Slot::Pin;
            match entry.scope() {
                Scope::Server(id) => self.data.server(id).is_some() && (!is_pin || is_claimed(id)),
                Scope::Group(id) => self
                    .data
                    .group(id)
                    .is_some_and(|group| !is_pin || group.members.iter().all(is_claimed)),
                Scope::AnyServer | Scope::Clients | Scope::Everyone => true,
            }
        };
        let found = self.data.data().all().find(|entry| !fits(entry));
        found.map(|entry| entry.key())
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
