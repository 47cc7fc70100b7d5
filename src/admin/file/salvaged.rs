//! What was salvaged from damaged files.

use std::collections::{BTreeMap, BTreeSet};

use pki_types::UnixTime;

use super::UnknownRecords;
use super::fields::Fields;
use super::format::INDENT;
use super::headers::parsed;
use super::lines::Field;
use super::role;
use super::write::Out;
use crate::certificate::{Crl, Fingerprint, HostName};
use crate::store::{
    BlockSelector, Claim, CrlIssuer, Entry, EntryKey, EntryOptions, GroupId, Server, ServerId,
    Truncated, TrustSnapshot,
};

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
    /// Entries that a change took out, whose damaged lines may put them in again.
    pub(crate) maybe_gone: BTreeSet<EntryKey>,
    /// Entries of lines that anyone can have written.
    pub(crate) unverified: BTreeSet<EntryKey>,
    /// The fields of entries, as the last record has them that can be read.
    pub(crate) fields: BTreeMap<EntryKey, String>,
    /// Entries whose fields may be damaged.
    pub(crate) uncertain: BTreeSet<EntryKey>,
    /// The same of servers.
    pub(crate) server_fields: BTreeMap<ServerId, String>,
    /// Servers with a line that cannot be read.
    pub(crate) servers_in_doubt: BTreeSet<ServerId>,
    /// Whether something is damaged, and no line shows what.
    pub(crate) is_unlocated: bool,
    /// Whether only changes were read, without the snapshot before them: `entries` are those that came.
    pub(crate) only_changes: bool,
}

impl Salvaged {
    /// What may be taken from a file that anyone may have written, because its seal is missing or wrong: blocks, checked
    /// issuers, and claims and disabled entries of what the store has. An entry that is disabled gives way to no other.
    pub(crate) fn without_seal(mut self, store: &TrustSnapshot) -> Self {
        let lists = self.crls.into_iter().map(|(_, list)| list.fingerprint());
        self.lost_crls.extend(lists);
        let is_held = |key: &EntryKey| store.entry(key).is_some();
        let (entries, mut unverified): (BTreeSet<_>, BTreeSet<_>) =
            self.entries.into_iter().partition(is_held);
        unverified.append(&mut self.earlier);
        unverified.append(&mut self.maybe_gone);
        let uncertain = self.fields.keys().cloned().collect();
        self.claims
            .retain(|id, claim| *claim == Claim::Claimed && store.server(id).is_some());
        Self {
            crls: Vec::new(),
            names: Vec::new(),
            floor: None,
            gone: BTreeSet::new(),
            // What is lifted gives trust, and what is to be installed again as well.
            lifted: BTreeSet::new(),
            released: BTreeSet::new(),
            entries,
            earlier: BTreeSet::new(),
            maybe_gone: BTreeSet::new(),
            unverified,
            uncertain,
            all_entries: false,
            ..self
        }
    }

    /// Puts all that was read in doubt.
    pub(super) fn doubt_all(&mut self) {
        self.in_doubt.extend(self.entries.iter().cloned());
        let servers = self.server_fields.keys().cloned();
        self.servers_in_doubt.extend(servers);
    }

    /// Forgets what earlier records show of an entry.
    pub(super) fn forget(&mut self, key: &EntryKey) {
        for keys in [
            &mut self.entries,
            &mut self.earlier,
            &mut self.gone,
            &mut self.maybe_gone,
            &mut self.in_doubt,
            &mut self.uncertain,
        ] {
            keys.remove(key);
        }
        self.disabled.remove(key);
        self.fields.remove(key);
    }

    /// What two files show together. What the newer one shows of an entry, server or block counts.
    pub(crate) fn join(mut older: Self, mut newer: Self) -> Self {
        let is_whole = newer.all_entries && newer.generation.is_some() && !newer.only_changes;
        if is_whole {
            older.entries.clear();
            older.earlier.clear();
        }
        for key in newer.entries.iter().chain(&newer.gone) {
            older.forget(key);
        }
        // Changes between the two files may have changed them.
        older.uncertain.extend(older.fields.keys().cloned());
        for id in newer.claims.keys() {
            older.released.remove(id);
        }
        for id in newer.server_fields.keys() {
            older.servers_in_doubt.remove(id);
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
        older.maybe_gone.append(&mut newer.maybe_gone);
        older.unverified.append(&mut newer.unverified);
        older.fields.append(&mut newer.fields);
        older.uncertain.append(&mut newer.uncertain);
        older.server_fields.append(&mut newer.server_fields);
        older.servers_in_doubt.append(&mut newer.servers_in_doubt);
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
            is_unlocated: older.is_unlocated || newer.is_unlocated,
            all_entries: is_whole,
            names: newer.names,
            lost_crls: newer.lost_crls,
            entries: newer.entries,
            earlier: newer.earlier,
            hidden_until: newer.hidden_until,
            damaged: newer.damaged,
            only_changes: newer.only_changes,
            ..older
        }
    }
}

/// The fields of an entry. `None` if one cannot be read.
fn read_fields(text: &str) -> Option<Fields<'_>> {
    let mut fields = Fields::default();
    for text in text.lines() {
        let field = text.strip_prefix(INDENT)?;
        let (name, value) = field.split_once(' ').unwrap_or((field, ""));
        let field = Field {
            line: 0,
            text,
            name,
            value,
        };
        fields.take(&field).ok().filter(|is_known| *is_known)?;
    }
    Some(fields)
}

/// Whether these are fields of an entry in this version.
pub(super) fn are_entry_fields(text: &str) -> bool {
    read_fields(text).is_some()
}

/// Whether this is a field of a server in this version.
pub(super) fn is_server_field(name: &str, value: &str) -> bool {
    match name {
        "name" | "expect" => parsed::<HostName>(value).is_some(),
        "group" => parsed::<GroupId>(value).is_some(),
        "order" => role::read(value).is_some(),
        _ => false,
    }
}

/// The options that the fields of an entry have.
pub(crate) fn options_of(text: &str) -> Option<EntryOptions> {
    read_fields(text).map(Fields::options)
}

/// Whether an entry has these fields, apart from why it is disabled.
pub(crate) fn has_fields(entry: &Entry, text: &str) -> bool {
    let written = written(|out| out.entry_fields(entry));
    let is_told = |line: &&str| !line.starts_with("  disabled ");
    let lines = written.lines().filter(is_told);
    lines.eq(text.lines().filter(is_told))
}

/// Whether a server has these fields.
pub(crate) fn server_has_fields(server: &Server, text: &str) -> bool {
    written(|out| out.server_fields(server)) == text
}

fn written(write: impl FnOnce(&mut Out<'_, String>) -> core::fmt::Result) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut Out {
        kept: &UnknownRecords::default(),
        out: &mut text,
    });
    text
}
