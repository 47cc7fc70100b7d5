//! What the sink of a store is told: the records of the journal, in its order, each once.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::DurableSettings;
use super::disk;
use super::settings::JournalSink;
use crate::admin::file::{self, ContentDigest, JournalRecord};

/// Records that are not told yet. Without a sink, none is kept.
#[derive(Debug, Default)]
pub(super) struct News {
    sink: Option<Arc<dyn JournalSink>>,
    records: VecDeque<JournalRecord>,
    /// Records of a file before the one that was read last.
    earlier: Vec<JournalRecord>,
    /// Whether the record that was read last was found.
    found: bool,
}

impl News {
    pub(super) fn new(sink: Option<Arc<dyn JournalSink>>) -> Self {
        Self {
            sink,
            ..Self::default()
        }
    }

    /// An empty list for the same sink.
    pub(super) fn begin(&self) -> Self {
        Self::new(self.sink.clone())
    }

    /// Adds a record of this process.
    pub(super) fn push_made(&mut self, record: impl FnOnce() -> JournalRecord) {
        if self.sink.is_some() {
            self.records.push_back(record());
        }
    }

    /// Adds a record that follows on what was read.
    pub(super) fn push(&mut self, record: &JournalRecord) {
        self.push_made(|| record.clone());
    }

    /// Looks at a record of a file that is read from its start. It is new if it stands behind the one with the digest
    /// `known`.
    pub(super) fn see(&mut self, record: &JournalRecord, known: Option<ContentDigest>) {
        if self.sink.is_none() {
            return;
        }
        self.found |= Some(record.head().before) == known;
        match self.found {
            true => self.records.push_back(record.clone()),
            false => self.earlier.push(record.clone()),
        }
        self.found |= Some(record.digest()) == known;
    }

    /// Adds what stands before the snapshot of a file that was read from its start, if the snapshot was written since
    /// the last record was read. `head` is the digest of the last record that the snapshot includes, and `current` the
    /// generation that was read.
    pub(super) fn complete(
        &mut self,
        path: &Path,
        settings: &DurableSettings,
        (known, head): (ContentDigest, Option<ContentDigest>),
        current: u64,
    ) {
        let behind = core::mem::take(&mut self.earlier);
        if self.sink.is_none() || self.found {
            return;
        }
        if head == Some(known) {
            self.records.extend(behind);
            return;
        }
        let mut previous = self.begin();
        let last = previous.see_previous(path, settings, known);
        if last.is_some() && last == head {
            if !previous.found {
                self.records.extend(previous.earlier);
            }
            self.records.append(&mut previous.records);
        }
        self.records.extend(behind);
        if !previous.found {
            // Older records are gone: what is left is told.
            self.records.retain(|record| record.head().to > current);
        }
    }

    /// Looks at the records of the file before the last snapshot. Returns the digest of the last one.
    fn see_previous(
        &mut self,
        path: &Path,
        settings: &DurableSettings,
        known: ContentDigest,
    ) -> Option<ContentDigest> {
        let content = disk::read(&disk::previous(path.parent()?)).ok()?;
        let seal = settings.sealed_by();
        let mut see = |record: &JournalRecord| self.see(record, Some(known));
        let loaded = file::load(&content, settings.keys, seal, u64::MAX, &mut see).ok()?;
        Some(loaded.position.digest)
    }

    /// Adds what another list has.
    pub(super) fn append(&mut self, mut other: Self) {
        self.records.append(&mut other.records);
    }

    /// Tells the sink. A record is told at most once, even if the sink panics.
    pub(super) fn tell(&mut self) {
        let Some(sink) = &self.sink else {
            return;
        };
        while let Some(record) = self.records.pop_front() {
            sink.record(&record);
        }
    }
}
