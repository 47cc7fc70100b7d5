//! What this process has read of the store's file, and how it reads on.

use std::sync::Arc;

use pki_types::UnixTime;

use super::DurableSettings;
use super::disk::{Handle, Stamp};
use super::news::News;
use super::refusals::Refusals;
use crate::admin::durable::error::DurableError;
use crate::admin::file::ContentDigest;
use crate::admin::file::{self, JournalRecord, LoadReport, Loaded, Position, UnknownRecords};
use crate::store::TrustStore;

/// So many bytes before a position are compared before a process reads on from there: they have the digest, and with it
/// all that stands before.
const COMPARED: usize = 128;

/// A change that was refused and that may be on the disk all the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    /// The file in which it may stand.
    pub(super) identity: (u64, u64),
    /// Where it begins.
    pub(super) from: u64,
    /// Where it ends, if all of it is there.
    pub(super) to: u64,
}

/// What is in the file, as far as this process has read or written it.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) store: TrustStore,
    pub(super) kept: UnknownRecords,
    /// Behind the last change.
    pub(super) position: Position,
    pub(super) major: u32,
    /// The bytes of the snapshot in the file.
    pub(super) snapshot: usize,
    /// About the bytes that a snapshot of the content has.
    pub(super) size: usize,
    /// The refused changes in the file.
    pub(super) refusals: Refusals,
    /// The time of the oldest record behind the snapshot.
    pub(super) oldest: Option<UnixTime>,
    pub(super) stamp: Stamp,
    /// The last bytes before the position.
    tail: Vec<u8>,
    pub(super) refused: Option<Refused>,
    /// Whether the file must be written anew, because flushing it failed: what the system has in memory may then differ
    /// from the disk.
    pub(super) rewrite: bool,
    /// Whether another store was found at its place. From then on, only a file whose history has the last change read
    /// here is this store again.
    pub(super) replaced: bool,
}

/// The last bytes of a text.
pub(super) fn tail_of(bytes: &[u8]) -> Vec<u8> {
    let from = bytes.len().saturating_sub(COMPARED);
    bytes.get(from..).unwrap_or(&[]).to_vec()
}

/// The bytes of the lines that came with a change and of those that went, each without its sign: by these a snapshot
/// grows and shrinks.
fn sides(records: &str) -> (usize, usize) {
    let (mut came, mut gone) = (0_usize, 0_usize);
    for line in records.split_inclusive('\n') {
        let bytes = line.len().saturating_sub(1);
        if line.starts_with('+') {
            came = came.saturating_add(bytes);
        } else if line.starts_with('-') {
            gone = gone.saturating_add(bytes);
        }
    }
    (came, gone)
}

/// The same of a record of the journal.
fn sides_of(record: &JournalRecord) -> (usize, usize) {
    match record {
        JournalRecord::Change(change) => sides(&change.records),
        JournalRecord::Refusal(_) => (0, 0),
    }
}

/// The size of a snapshot after a change.
pub(super) fn grown(size: usize, records: &str) -> usize {
    let (came, gone) = sides(records);
    size.saturating_add(came).saturating_sub(gone)
}

/// Reads the whole file. `known` is the digest of what was read before; the last value says whether it was found. What
/// stands behind it is told to `news`.
pub(super) fn read_whole(
    handle: &Handle,
    settings: &DurableSettings,
    known: Option<ContentDigest>,
    news: &mut News,
) -> Result<(Stored, LoadReport, bool), DurableError> {
    let stamp = handle.stamp()?;
    let bytes = handle.read_from(0)?;
    let mut found = false;
    let mut refusals = Refusals::default();
    let mut oldest = None;
    let (mut came, mut gone) = (0_usize, 0_usize);
    let loaded = file::load(
        &bytes,
        settings.keys,
        settings.sealed_by(),
        u64::MAX,
        &mut |record| {
            found |= Some(record.head().before) == known || Some(record.digest()) == known;
            news.see(record, known);
            refusals.note(record);
            oldest = oldest.or(record.head().at);
            let (more, less) = sides_of(record);
            came = came.saturating_add(more);
            gone = gone.saturating_add(less);
        },
    );
    let loaded = loaded.map_err(|damaged| DurableError::File {
        path: handle.path().to_owned(),
        source: damaged.error,
    })?;
    let Loaded {
        file,
        position,
        major,
        snapshot,
    } = loaded;
    found |= Some(position.digest) == known || (known.is_some() && file.kept.head() == known);
    let size = snapshot.saturating_add(came).saturating_sub(gone);
    let end = bytes.get(..position.bytes).unwrap_or(&bytes);
    let stored = Stored {
        store: file.store.with_clock(Arc::clone(&settings.clock)),
        kept: file.kept,
        tail: tail_of(end),
        position,
        major,
        snapshot,
        size,
        refusals,
        oldest,
        stamp,
        refused: None,
        rewrite: false,
        replaced: false,
    };
    Ok((stored, file.report, found))
}

impl Stored {
    /// Reads what other processes changed. `false` if the content is the same.
    pub(super) fn read_on(
        &mut self,
        handle: &Handle,
        settings: &DurableSettings,
        news: &mut News,
    ) -> Result<bool, DurableError> {
        let stamp = handle.stamp()?;
        if stamp == self.stamp {
            self.replaced = false;
            return Ok(false);
        }
        let at = u64::try_from(self.position.bytes).unwrap_or(u64::MAX);
        let compared = u64::try_from(self.tail.len()).unwrap_or(0);
        if stamp.identity == self.stamp.identity && stamp.bytes >= at {
            let bytes = handle.read_from(at.saturating_sub(compared))?;
            if let Some(new) = bytes.strip_prefix(self.tail.as_slice()) {
                return self.read_changes(handle, settings, (new, stamp), news);
            }
        }
        let known = self.position.digest;
        let current = self.store.contents().generation();
        let mut found = news.begin();
        let (mut read, report, continues) = read_whole(handle, settings, Some(known), &mut found)?;
        let offered = report.generation;
        // An older store was put there, or another one with the same number. It may have been changed since.
        if offered < current || (!continues && (offered == current || self.replaced)) {
            self.replaced = true;
            return Err(DurableError::Replaced { current, offered });
        }
        let head = read.kept.head();
        found.complete(handle.path(), settings, (known, head), current);
        news.append(found);
        if offered == current {
            // Only refusals came. A plan on the present content stays valid.
            core::mem::swap(&mut read.store, &mut self.store);
        }
        *self = read;
        Ok(offered > current)
    }

    fn read_changes(
        &mut self,
        handle: &Handle,
        settings: &DurableSettings,
        (new, stamp): (&[u8], Stamp),
        news: &mut News,
    ) -> Result<bool, DurableError> {
        let base = self.position.bytes;
        let mut position = Position {
            bytes: 0,
            ..self.position.clone()
        };
        let mut size = self.size;
        let mut refusals = self.refusals.clone();
        let mut oldest = self.oldest;
        let mut found = news.begin();
        let (store, kept, read) = file::read_on(
            &self.store,
            &self.kept,
            &mut position,
            new,
            settings.sealed_by(),
            &mut |record| {
                let (came, gone) = sides_of(record);
                size = size.saturating_add(came).saturating_sub(gone);
                refusals.note(record);
                oldest = oldest.or(record.head().at);
                found.push(record);
            },
        );
        read.map_err(|source| DurableError::File {
            path: handle.path().to_owned(),
            source,
        })?;
        let read = position.bytes;
        self.stamp = stamp;
        self.replaced = false;
        if read == 0 {
            return Ok(false);
        }
        position.bytes = base.saturating_add(read);
        self.wrote(new.get(..read).unwrap_or(new));
        self.position = position;
        self.size = size;
        self.refusals = refusals;
        self.oldest = oldest;
        news.append(found);
        if store.contents().generation() == self.store.contents().generation() {
            // Only refusals came. A plan on the present content stays valid.
            return Ok(false);
        }
        self.kept = kept;
        self.store.take_over(&store);
        Ok(true)
    }

    /// Notes the last bytes of what was added.
    pub(super) fn wrote(&mut self, added: &[u8]) {
        self.tail.extend_from_slice(&tail_of(added));
        self.tail = tail_of(&self.tail);
    }
}
