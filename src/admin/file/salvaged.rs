//! What was salvaged from damaged files.

use std::collections::{BTreeMap, BTreeSet};

use pki_types::UnixTime;

use crate::certificate::{Crl, Fingerprint, HostName};
use crate::store::{BlockSelector, Claim, CrlIssuer, EntryKey, ServerId, Truncated, TrustSnapshot};

/// The facts of a damaged file whose own lines are whole. None of them can make a peer trusted.
#[derive(Debug, Default)]
pub(crate) struct Salvaged {
    pub(crate) generation: Option<u64>,
    pub(crate) floor: Option<UnixTime>,
    pub(crate) claims: BTreeMap<ServerId, Claim>,
    /// Servers that are unclaimed, or gone, by the last line that has them.
    pub(crate) released: BTreeSet<ServerId>,
    /// Names of claimed servers.
    pub(crate) names: Vec<(ServerId, HostName)>,
    pub(crate) blocks: Vec<BlockSelector>,
    /// Blocks that are lifted by the last line that has them.
    pub(crate) lifted: BTreeSet<BlockSelector>,
    /// Issuers whose certificates are checked.
    pub(crate) checked: BTreeSet<CrlIssuer>,
    /// Revocation lists that are whole in the file.
    pub(crate) crls: Vec<(CrlIssuer, Crl)>,
    /// Revocation lists of which only the first line can be read.
    pub(crate) lost_crls: Vec<Fingerprint>,
    /// The keys of installed entries, as far as they can be read.
    pub(crate) entries: BTreeSet<EntryKey>,
    /// Entries that only the older one of two files has.
    pub(crate) earlier: BTreeSet<EntryKey>,
    /// Whether `entries` is complete: it has as many as the last line says.
    pub(crate) all_entries: bool,
    /// No change after this generation has a damaged line, in which a removal may stand. 0 if no change has one.
    pub(crate) hidden_until: u64,
    /// Entries that an administrator disabled, with the reason.
    pub(crate) disabled: BTreeMap<EntryKey, String>,
    /// Entries with a field that cannot be read: it may have disabled them.
    pub(crate) in_doubt: BTreeSet<EntryKey>,
    /// Lines that cannot be read, from 1.
    pub(crate) damaged: Truncated<usize>,
    /// Entries that a change removed.
    pub(crate) gone: BTreeSet<EntryKey>,
    /// Whether only changes were read, without the snapshot before them: `entries` are those that came.
    pub(crate) only_changes: bool,
}

impl Salvaged {
    /// What may be taken from a file that anyone may have written, because its seal is missing or wrong: blocks, checked
    /// issuers, and claims and disabled entries of what the store has. An entry that is disabled gives way to no other.
    pub(crate) fn without_seal(mut self, store: &TrustSnapshot) -> Self {
        let lists = self.crls.into_iter().map(|(_, list)| list.fingerprint());
        self.lost_crls.extend(lists);
        self.claims
            .retain(|id, claim| *claim == Claim::Claimed && store.server(id).is_some());
        Self {
            crls: Vec::new(),
            names: Vec::new(),
            floor: None,
            gone: BTreeSet::new(),
            all_entries: false,
            ..self
        }
    }

    /// What two files show together. What the newer one shows of an entry, server or block counts.
    pub(crate) fn join(mut older: Self, mut newer: Self) -> Self {
        let is_whole = newer.all_entries && newer.generation.is_some() && !newer.only_changes;
        if is_whole {
            older.entries.clear();
            older.earlier.clear();
        }
        for key in newer.entries.iter().chain(&newer.gone) {
            older.entries.remove(key);
            older.earlier.remove(key);
            older.gone.remove(key);
            older.disabled.remove(key);
            older.in_doubt.remove(key);
        }
        for id in newer.claims.keys() {
            older.released.remove(id);
        }
        for block in &newer.blocks {
            older.lifted.remove(block);
        }
        let lists = older.lost_crls.into_iter();
        let lists: Vec<Fingerprint> = lists
            .filter(|list| !newer.lost_crls.contains(list))
            .collect();
        older.claims.append(&mut newer.claims);
        older.released.append(&mut newer.released);
        older.lifted.append(&mut newer.lifted);
        older.checked.append(&mut newer.checked);
        older.disabled.append(&mut newer.disabled);
        older.in_doubt.append(&mut newer.in_doubt);
        older.gone.append(&mut newer.gone);
        newer.earlier.append(&mut older.earlier);
        newer.earlier.append(&mut older.entries);
        // The first one of two servers gets a name.
        newer.names.append(&mut older.names);
        older.blocks.append(&mut newer.blocks);
        older.crls.append(&mut newer.crls);
        newer.lost_crls.extend(lists);
        Self {
            generation: older.generation.max(newer.generation),
            floor: older.floor.max(newer.floor),
            claims: older.claims,
            released: older.released,
            blocks: older.blocks,
            lifted: older.lifted,
            checked: older.checked,
            crls: older.crls,
            disabled: older.disabled,
            in_doubt: older.in_doubt,
            gone: older.gone,
            all_entries: is_whole,
            only_changes: newer.only_changes,
            ..newer
        }
    }
}
