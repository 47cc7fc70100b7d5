//! Stores a change: adds it at the end of the file, or writes a new snapshot first.

use super::disk::Handle;
use super::refusals::{self, Refusals};
use super::stored::{Refused, grown};
use super::{DurableStore, Undo};
use crate::admin::durable::error::DurableError;
use crate::admin::file::error::StoreFileError;
use crate::admin::file::{
    self, ChangeHead, ContentDigest, JournalRecord, Position, StoredChange, UnknownRecords,
};
use crate::limits::{
    MAX_ASKED, MAX_JOURNAL_AGE, MAX_JOURNAL_BYTES, MAX_STORE_FILE_BYTES, MIN_JOURNAL_BYTES,
};
use crate::store::{TrustSnapshot, TrustStore, trace};

/// Room for the lines of a snapshot that no change counts: its number, its head, the counts of its end.
const FRAME: usize = 1024;

/// A change as it is added.
struct Added {
    head: ChangeHead,
    text: String,
    digest: ContentDigest,
    /// The snapshot before it, if one is written: its text, its digest and what it keeps.
    snapshot: Option<(String, ContentDigest, UnknownRecords)>,
}

impl DurableStore {
    /// Stores a draft, then holds it and puts it in force.
    pub(super) fn persist(
        &mut self,
        handle: Handle,
        draft: &mut TrustStore,
        undo: Undo,
    ) -> Result<(), DurableError> {
        if let Err(error) = self.check_can_seal() {
            return Err(self.failed(error));
        }
        let view = draft.snapshot();
        let size = self.stored.size;
        match self.write(handle, draft, &view, undo) {
            Ok(Added {
                head, text, digest, ..
            }) => {
                trace::stored(head.from, head.to, &head.asked, head.more);
                let head_at = head.at;
                let change = || JournalRecord::Change(StoredChange::of(head, &text, digest));
                self.news.push_made(change);
                self.stored.oldest = self.stored.oldest.or(head_at);
            }
            Err(error) => {
                self.stored.size = size;
                // The number may be on the disk, so it is not used again.
                self.store.count_up_to(view.generation());
                self.refused_by_disk = matches!(error, DurableError::NotSaved(_));
                return Err(self.failed(error));
            }
        }
        draft.begin();
        self.store = draft.fork();
        self.stored.store.take_over(&self.store);
        trace::clock(draft.clock_state());
        self.pending.clear();
        self.refused_by_disk = false;
        self.health.stored = view.generation();
        self.health.refused_change_on_disk = false;
        self.health.last_error = None;
        self.raise_counter();
        let published = self.publish();
        self.news.tell();
        published.map_err(DurableError::NotPublished)
    }

    /// Stores what is in force and not stored, if there is something.
    pub(super) fn settle(&mut self, handle: Handle) -> Result<(), DurableError> {
        let mut draft = self.store.fork();
        let _ = draft.snapshot();
        let stored = self.stored.store.contents().generation();
        if draft.contents().generation() == stored {
            // All that is in force is stored, pending blocks as well.
            self.pending.clear();
            self.health.last_error = None;
            return Ok(());
        }
        self.persist(handle, &mut draft, Undo::No)
    }

    fn write(
        &mut self,
        handle: Handle,
        draft: &TrustStore,
        view: &TrustSnapshot,
        undo: Undo,
    ) -> Result<Added, DurableError> {
        let added = self.added(draft, view).map_err(DurableError::Unwritable)?;
        let Some((snapshot, over, kept)) = &added.snapshot else {
            self.append(&handle, &added.text, added.digest, undo)?;
            return Ok(added);
        };
        let text = [snapshot.as_str(), added.text.as_str()].concat();
        self.disk.clean();
        let placed = self.disk.replace(&text);
        // The old file has another name now, and nothing more is written to it.
        let (new, error) = match placed {
            Ok(new) => (new, None),
            Err((error, Some(new))) => (new, Some(error)),
            Err((error, None)) => return Err(DurableError::NotSaved(error)),
        };
        drop(handle);
        self.wrote_snapshot(snapshot, *over, kept);
        if let Some(error) = error {
            // The change is taken out of the new file. Without it, the new file and the old one have the same content.
            self.take_back(&new, (length(snapshot.len()), length(text.len())), undo);
            self.stored.stamp = new.stamp().unwrap_or_default();
            return Err(DurableError::NotSaved(error));
        }
        self.moved(&added.text, added.digest);
        self.stored.stamp = new.stamp().unwrap_or_default();
        Ok(added)
    }

    /// The file is another one, with a snapshot alone.
    pub(super) fn wrote_snapshot(
        &mut self,
        snapshot: &str,
        over: ContentDigest,
        kept: &UnknownRecords,
    ) {
        self.stored.kept = kept.clone();
        self.stored.major = file::WITH_JOURNAL;
        self.stored.snapshot = snapshot.len();
        self.stored.refusals = Refusals::default();
        self.stored.oldest = None;
        self.stored.rewrite = false;
        self.stored.position = Position {
            digest: over,
            bytes: snapshot.len(),
            lines: lines(snapshot),
            sealed: self.settings.seal.is_some(),
        };
        self.stored.wrote(snapshot.as_bytes());
    }

    /// Adds a text at the end of the file.
    pub(super) fn append(
        &mut self,
        handle: &Handle,
        text: &str,
        digest: ContentDigest,
        undo: Undo,
    ) -> Result<(), DurableError> {
        let at = length(self.stored.position.bytes);
        let there = handle.stamp()?.bytes;
        // A change that was not stored to its end: the process that wrote it stopped.
        if there > at {
            handle
                .cut(at)
                .map_err(super::disk::io_error(handle.path()))?;
        }
        if let Err(error) = handle.append(at, text) {
            let end = at.saturating_add(length(text.len()));
            self.take_back(handle, (at, end), undo);
            return Err(DurableError::NotSaved(error));
        }
        self.moved(text, digest);
        // It is stored. If this fails, the next change reads the file again.
        self.stored.stamp = handle.stamp().unwrap_or_default();
        Ok(())
    }

    /// The file has a text more.
    fn moved(&mut self, text: &str, digest: ContentDigest) {
        self.stored.wrote(text.as_bytes());
        let position = &mut self.stored.position;
        position.digest = digest;
        position.bytes = position.bytes.saturating_add(text.len());
        position.lines = position.lines.saturating_add(lines(text));
    }

    /// The text of a change, with the snapshot before it where one is due.
    fn added(&mut self, draft: &TrustStore, view: &TrustSnapshot) -> Result<Added, StoreFileError> {
        let seal = self.settings.sealed_by();
        let before = self.stored.store.contents();
        let mut head = self.head(draft, view);
        let change = |head: &ChangeHead, kept: &UnknownRecords| {
            file::write_change(head, before, view, kept, seal)
        };
        let (text, digest) = change(&head, &self.stored.kept)?;
        let size = grown(self.stored.size, &text);
        if size.saturating_add(FRAME) > MAX_STORE_FILE_BYTES {
            // The size is an estimate: only a snapshot that does not fit is refused.
            file::write(view, &self.stored.kept, seal)?;
        }
        let position = &self.stored.position;
        let journal = position.bytes.saturating_sub(self.stored.snapshot);
        // Refused changes have room of their own.
        let journal = journal.saturating_sub(self.stored.refusals.bytes());
        let most = self
            .stored
            .snapshot
            .clamp(MIN_JOURNAL_BYTES, MAX_JOURNAL_BYTES);
        let is_long = journal > 0 && journal.saturating_add(text.len()) > most;
        let is_first = self.stored.major < file::WITH_JOURNAL;
        let later = file::needs_later_minor(before, view, &self.stored.kept);
        if !(is_long || is_first || later.is_some() || self.is_old() || self.stored.rewrite) {
            self.stored.size = size;
            return Ok(Added {
                head,
                text,
                digest,
                snapshot: None,
            });
        }
        let about = (Some(position.digest), later.unwrap_or(0));
        let (snapshot, over, kept) =
            file::write_for_journal(before, &self.stored.kept, about, seal)?;
        head.before = over;
        let (text, digest) = change(&head, &kept)?;
        self.stored.size = grown(snapshot.len(), &text);
        Ok(Added {
            head,
            text,
            digest,
            snapshot: Some((snapshot, over, kept)),
        })
    }

    /// Whether the changes behind the snapshot begin longer ago than they are kept. A clock that may be wrong does not say
    /// so: it would displace the history.
    fn is_old(&self) -> bool {
        let (Some(oldest), Some(now)) = (self.stored.oldest, self.settings.now()) else {
            return false;
        };
        let end = oldest.as_secs().saturating_add(MAX_JOURNAL_AGE.as_secs());
        now.as_secs() >= end && self.stored.store.clock_state().is_good()
    }

    fn head(&self, draft: &TrustStore, view: &TrustSnapshot) -> ChangeHead {
        let blocks = self.pending.iter().map(|(block, by)| {
            let by = by.as_deref().map(str::to_owned);
            (format!("block {block:#}"), by)
        });
        let (calls, left_out) = refusals::calls(draft.asked());
        let mut asked: Vec<(String, Option<String>)> = blocks.chain(calls).collect();
        let kept = asked.len().min(MAX_ASKED);
        let more = asked.len().saturating_sub(kept);
        asked.truncate(kept);
        ChangeHead {
            from: self.stored.store.contents().generation(),
            to: view.generation(),
            before: self.stored.position.digest,
            at: self.settings.now(),
            asked,
            more: more.saturating_add(left_out),
        }
    }

    /// A change that failed may stand in the file: it is cut off again.
    fn take_back(&mut self, handle: &Handle, (from, to): (u64, u64), undo: Undo) {
        // After a failed flush, only a new file is known to be on the disk.
        self.stored.rewrite = true;
        self.stored.refused = None;
        if handle.cut(from).is_err() {
            let identity = handle.stamp().map_or((0, 0), |stamp| stamp.identity);
            self.stored.refused = Some(Refused { identity, from, to });
            self.health.refused_change_on_disk |= undo == Undo::Yes;
        } else if let Ok(stamp) = handle.stamp() {
            self.stored.stamp = stamp;
        }
    }

    /// Cuts off a change that was refused, unless another process has made one behind it: then it is part of the history.
    pub(super) fn undo_refused(&mut self, handle: &Handle) -> Result<(), DurableError> {
        let Some(refused) = self.stored.refused else {
            return Ok(());
        };
        let stamp = handle.stamp()?;
        let is_last = stamp.identity == refused.identity && stamp.bytes <= refused.to;
        if is_last && stamp.bytes > refused.from {
            handle
                .cut(refused.from)
                .map_err(super::disk::io_error(handle.path()))?;
            self.stored.stamp = handle.stamp()?;
        }
        self.stored.refused = None;
        self.health.refused_change_on_disk = false;
        Ok(())
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}
