//! The records of a store, or of a part of it, without what belongs to one machine: its generation, its floor, and the
//! sources that it follows.

use core::fmt;

use super::UnknownRecords;
use super::counts::Counts;
use super::error::StoreFileError;
use super::format::{ALONE, ORDERED, shown_line};
use super::headers::entry_key;
use super::lines::{Lines, Record, expected};
use super::records::Records;
use super::same::{Exact, Same};
use super::write::{Out, after_entries, rest};
use crate::certificate::KeyPolicy;
use crate::store::{Scope, TrustSnapshot, TrustStore};

/// Which records are chosen. Intermediates, blocks, checked issuers and revocation lists always are.
#[derive(Clone, Copy)]
pub(crate) struct Chosen {
    /// Groups, servers, and what is installed for servers.
    pub(crate) servers: bool,
    /// What is installed for clients.
    pub(crate) clients: bool,
}

impl Chosen {
    pub(crate) fn has(self, scope: &Scope) -> bool {
        match scope {
            Scope::Server(_) | Scope::Group(_) | Scope::AnyServer => self.servers,
            Scope::Clients => self.clients,
            Scope::Everyone => true,
        }
    }

    /// Whether a record that was read is one of these. What is no record of this version is left to its reader.
    fn has_record(self, record: &Record<'_>) -> bool {
        match record.head.split_once(' ') {
            Some(("generation" | "head" | "floor", _)) => false,
            Some(("group" | "server", _)) => self.servers,
            _ => entry_key(record.head).is_none_or(|key| self.has(&key.scope)),
        }
    }
}

/// Why records are not read.
pub(crate) enum PartFault {
    File(StoreFileError),
    /// A record that is none of the chosen ones.
    Outside {
        line: usize,
        record: String,
    },
}

impl From<StoreFileError> for PartFault {
    fn from(error: StoreFileError) -> Self {
        Self::File(error)
    }
}

/// Writes the chosen records of a snapshot. The same records give the same text.
pub(crate) fn write_part(
    view: &TrustSnapshot,
    chosen: Chosen,
    out: &mut impl fmt::Write,
) -> fmt::Result {
    let kept = UnknownRecords::default();
    let mut counts = Counts {
        groups: write_groups(view, chosen, out)?,
        ..Counts::default()
    };
    let mut records = Out { kept: &kept, out };
    if chosen.servers {
        for server in view.servers() {
            counts.servers = counts.servers.saturating_add(1);
            records.server(server)?;
        }
    }
    for entry in view.entries() {
        if chosen.has(&entry.key().scope) {
            counts.entries = counts.entries.saturating_add(1);
            records.entry(&entry.without_source())?;
        }
    }
    rest(view, &kept, counts, records.out)
}

/// Writes the groups, if they are chosen. Returns how many there are.
fn write_groups(
    view: &TrustSnapshot,
    chosen: Chosen,
    out: &mut impl fmt::Write,
) -> Result<usize, fmt::Error> {
    let kept = UnknownRecords::default();
    let mut records = Out { kept: &kept, out };
    let mut count = 0_usize;
    for group in view.groups().filter(|_| chosen.servers) {
        count = count.saturating_add(1);
        let head = format!("group {}", group.id());
        records.record(&head, &head)?;
    }
    Ok(count)
}

/// Whether a text that begins at an offset is the one that [`write_part`] writes, by what was seen of its servers and
/// entries when they were read. `false` does not say that it is another one.
fn is_exact(
    exact: &Exact,
    view: &TrustSnapshot,
    chosen: Chosen,
    (text, at): (&str, usize),
) -> bool {
    let Some((before, behind)) = exact.around(text, at) else {
        return false;
    };
    let (mut before, mut behind) = (Same::with(before), Same::with(behind));
    let mut entries = view.data().all();
    // A source is not written.
    entries.all(|entry| entry.source().is_none())
        && write_groups(view, chosen, &mut before).is_ok()
        && before.is_done()
        && after_entries(view, &UnknownRecords::default(), &mut behind).is_ok()
        && behind.is_done()
}

/// Reads what [`write_part`] writes, to its last record, into a snapshot of generation 0 without a floor.
///
/// What `keys` would refuse today is disabled (rule I8). The certificates of `known` are not read again.
pub(crate) fn read_part(
    lines: &mut Lines<'_>,
    chosen: Chosen,
    keys: KeyPolicy,
    known: &TrustSnapshot,
) -> Result<TrustSnapshot, PartFault> {
    let first = lines.clone();
    let records = Records::new(TrustStore::new(keys), (ALONE, ORDERED));
    let mut records = records.knowing(known.clone());
    // It ends what a snapshot has; here there is none.
    records.generation = Some(0);
    loop {
        let record = lines.record()?;
        if !chosen.has_record(&record) {
            let (line, record) = (record.line, shown_line(record.head));
            return Err(PartFault::Outside { line, record });
        }
        if !records.take(&record)? {
            break;
        }
    }
    records.snapshot_done();
    let exact = core::mem::take(&mut records.exact);
    let view = records.done().store.contents().clone();
    // Then nothing was skipped or misread, and the records are in their order.
    let text = first.text_to(lines);
    let is_exact = is_exact(&exact, &view, chosen, (text, first.at()));
    if is_exact && !cfg!(debug_assertions) {
        return Ok(view);
    }
    let mut same = Same::with(text);
    let written = write_part(&view, chosen, &mut same);
    let is_same = written.is_ok() && same.is_done();
    debug_assert!(!is_exact || is_same, "{:?}", same.differs_in(text));
    if !is_same {
        let (below, wanted, found) = same.differs_in(text);
        let line = first.number().saturating_add(below);
        return Err(expected(line, &wanted, found).into());
    }
    Ok(view)
}
