//! An immutable, numbered snapshot of a store.

use core::fmt;
use std::sync::Arc;

use pki_types::UnixTime;

use super::data::Data;
use super::index::CertificateIndex;
use super::{
    BlockSelector, Claim, CrlIssuer, Entry, EntryKey, Group, GroupId, InstalledCrl, Scope, Server,
    ServerId, Slot, TrustSource, UnreadCrl,
};
use crate::certificate::{Fingerprint, HostName};

/// An immutable snapshot of a [`TrustStore`](super::TrustStore), which verdicts read. Cheap to clone.
///
/// The default snapshot is empty and trusts no peer.
#[derive(Clone, Default)]
pub struct TrustSnapshot(Arc<Line>);

/// Data, with a count of their own for those who hold it. Two counts are never on one cache line: threads that each count
/// on their own ([`counted_apart`](TrustSnapshot::counted_apart)) share nothing that one of them writes.
#[derive(Clone, Default)]
#[repr(align(64))]
struct Line(Arc<Data>);

impl TrustSnapshot {
    pub(super) fn edit(&mut self) -> &mut Data {
        Arc::make_mut(&mut Arc::make_mut(&mut self.0).0)
    }

    pub(crate) fn data(&self) -> &Data {
        &self.0.0
    }

    /// What identifies the snapshot: its clones, and those that are counted apart, hold the same.
    pub(super) fn held(&self) -> &Arc<Data> {
        &self.0.0
    }

    /// The same snapshot, whose clones are counted apart from those of this one.
    pub(super) fn counted_apart(&self) -> Self {
        Self(Arc::new(Line::clone(&self.0)))
    }

    /// Whether both are the same snapshot of the same store.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.held(), other.held())
    }

    /// How many hold this pointer, and how many its data.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> [usize; 2] {
        [Arc::strong_count(&self.0), Arc::strong_count(&self.0.0)]
    }

    /// The number of this snapshot. It grows with every change of the store. Snapshots of one store with equal numbers
    /// are equal.
    pub fn generation(&self) -> u64 {
        self.data().generation
    }

    /// The newest time at which a snapshot was taken with a known clock (rule M7).
    pub fn floor(&self) -> Option<UnixTime> {
        self.data().floor
    }

    /// All entries, ordered by scope, slot and fingerprint. It sorts them, so it is not for the handshake path.
    pub fn entries(&self) -> Vec<&Entry> {
        // First by what whole indexes have in common, then in each by the fingerprint: most comparisons are short.
        let mut indexes: Vec<&CertificateIndex> = self.data().indexes().collect();
        indexes.sort_unstable_by_key(|index| (index.scope(), index.slot()));
        let mut entries = Vec::with_capacity(indexes.iter().map(|index| index.len()).sum());
        let mut one: Vec<(Fingerprint, &Entry)> = Vec::new();
        for index in indexes {
            one.extend(index.iter().map(|entry| (entry.fingerprint(), &**entry)));
            one.sort_unstable_by_key(|(fingerprint, _)| *fingerprint);
            entries.extend(one.drain(..).map(|(_, entry)| entry));
        }
        entries
    }

    /// One entry.
    pub fn entry(&self, key: &EntryKey) -> Option<&Entry> {
        self.data().entry(key).map(|entry| &**entry)
    }

    /// All servers, ordered by id. It sorts them, so it is not for the handshake path.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        let servers = self.data().servers.iter();
        let mut servers: Vec<(&str, &Server)> = servers
            .map(|server| (server.id().as_str(), &**server))
            .collect();
        // Not `sort_by`, which is for short lists: it takes memory for each server.
        servers.sort_unstable_by_key(|(id, _)| *id);
        servers.into_iter().map(|(_, server)| server)
    }

    /// One server.
    pub fn server(&self, id: &ServerId) -> Option<&Server> {
        self.data().server(id).map(|server| &**server)
    }

    /// The server to which a name belongs. An id is never read as a name.
    pub fn server_of(&self, name: &HostName) -> Option<&Server> {
        self.data().server_of(name).map(|server| &**server)
    }

    /// All groups, ordered by id. It sorts them, so it is not for the handshake path.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        let groups = self.data().groups.iter().map(|group| &**group);
        let mut groups: Vec<&Group> = groups.collect();
        groups.sort_unstable_by(|left, right| left.id().cmp(right.id()));
        groups.into_iter()
    }

    /// One group.
    pub fn group(&self, id: &GroupId) -> Option<&Group> {
        self.data().group(id).map(|group| &**group)
    }

    /// All blocks, in order.
    pub fn blocks(&self) -> impl Iterator<Item = &BlockSelector> {
        self.data().blocks.iter()
    }

    /// All revocation lists, ordered by issuer and fingerprint.
    pub fn crls(&self) -> impl Iterator<Item = &InstalledCrl> {
        self.data().crls().all().map(|list| &**list)
    }

    /// Stored revocation lists that this version cannot read, ordered by issuer and fingerprint.
    #[doc(hidden)]
    pub fn unread_crls(&self) -> impl Iterator<Item = &UnreadCrl> {
        self.data().crls().unread().map(|list| &**list)
    }

    /// The issuers whose certificates are checked for revocation (rule C4), in order.
    pub fn revocation_checked_issuers(&self) -> impl Iterator<Item = CrlIssuer> {
        self.data().crls().checked()
    }

    pub(crate) fn holds(&self, slot: Slot, scope: Scope) -> bool {
        self.data().index(slot, &scope).is_some()
    }

    /// The trust source that decides about a server (rules P2 and P4). For a migrating server, its pins decide first.
    pub fn level(&self, server: &Server) -> TrustSource {
        let own = Scope::Server(server.id().clone());
        if server.claim() != Claim::Unclaimed {
            if self.holds(Slot::Pin, own) {
                return TrustSource::OwnPins;
            }
            let group = server.group().cloned().map(Scope::Group);
            return if group.is_some_and(|group| self.holds(Slot::Pin, group)) {
                TrustSource::GroupPins
            } else {
                TrustSource::NoUsablePin
            };
        }
        self.authority_level(server)
    }

    /// The last source that decides: for a migrating server, the authorities (rule P3).
    pub(super) fn last_level(&self, server: &Server) -> TrustSource {
        match server.claim() {
            Claim::Migrating { .. } => self.authority_level(server),
            Claim::Claimed | Claim::Unclaimed => self.level(server),
        }
    }

    fn authority_level(&self, server: &Server) -> TrustSource {
        let own = Scope::Server(server.id().clone());
        if self.holds(Slot::Authority, own) {
            TrustSource::OwnAuthorities
        } else if self.holds(Slot::Authority, Scope::AnyServer) {
            TrustSource::AnyServerAuthorities
        } else {
            TrustSource::Nothing
        }
    }
}

impl fmt::Debug for TrustSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustSnapshot")
            .field("generation", &self.generation())
            .field("servers", &self.data().servers.len())
            .field("entries", &self.data().all().count())
            .finish_non_exhaustive()
    }
}
