//! Refused changes in the journal. They change nothing, and they are bounded apart from the changes.

use std::collections::VecDeque;

use super::disk::Handle;
use super::{DurableStore, Undo};
use crate::admin::durable::error::DurableError;
use crate::admin::file::error::StoreFileError;
use crate::admin::file::{self, ChangeHead, JournalRecord, Position, StoredRefusal};
use crate::limits::{MAX_REFUSALS, MAX_REFUSED_BYTES, REFUSAL_WINDOW};
use crate::store::{Asked, TrustStore, trace};

/// Calls, each with who made it, and how many more there were.
pub(super) type Calls = (Vec<(String, Option<String>)>, usize);

/// The calls of a change.
pub(super) fn calls(asked: &Asked) -> Calls {
    let calls = asked.calls();
    let calls = calls.map(|(call, by)| (call.to_owned(), by.map(str::to_owned)));
    (calls.collect(), asked.more())
}

/// The refused changes behind a snapshot, as far as they bound further ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals {
    bytes: usize,
    /// The newest ones.
    newest: VecDeque<StoredRefusal>,
}

impl Refusals {
    /// Their bytes in the file.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The journal has one more record.
    pub(super) fn note(&mut self, record: &JournalRecord) {
        let JournalRecord::Refusal(refusal) = record else {
            return;
        };
        self.bytes = self.bytes.saturating_add(refusal.bytes);
        self.newest.push_back(refusal.clone());
        if self.newest.len() > MAX_REFUSALS {
            self.newest.pop_front();
        }
    }

    /// Whether one more is recorded.
    fn allow(&self, refusal: &StoredRefusal) -> bool {
        let now = refusal.head.at;
        let is_recent = |one: &&StoredRefusal| match (one.head.at, now) {
            (Some(at), Some(now)) => {
                let end = at.as_secs().saturating_add(REFUSAL_WINDOW.as_secs());
                at <= now && now.as_secs() < end
            }
            (None, Some(_)) => false,
            // Without a clock there is no window.
            (Some(_) | None, None) => true,
        };
        let is_same = |one: &StoredRefusal| {
            one.head.asked == refusal.head.asked && one.because == refusal.because
        };
        let recent: Vec<&StoredRefusal> = self.newest.iter().filter(is_recent).collect();
        let fits = self.bytes.saturating_add(refusal.bytes) <= MAX_REFUSED_BYTES;
        fits && recent.len() < MAX_REFUSALS && !recent.into_iter().any(is_same)
    }
}

impl DurableStore {
    /// Records that a program refused a change before it asked the store for it. Nothing is recorded if the settings do
    /// not ask for it.
    ///
    /// # Errors
    /// The store is not reached.
    #[doc(hidden)]
    pub fn record_refused(&mut self, call: &str, because: &str) -> Result<(), DurableError> {
        if !self.settings.refusals {
            return Ok(());
        }
        let (_held, handle) = self
            .hold(super::Wait::Bounded)
            .map_err(|error| self.failed(error))?;
        let by = self.store.actor().map(|by| by.to_string());
        self.record_refusal(&handle, (vec![(call.to_owned(), by)], 0), because);
        Ok(())
    }

    /// Records the calls that were noted as refused on a draft. Returns whether there are any.
    pub(super) fn record_noted(&mut self, handle: &Handle, draft: &TrustStore) -> bool {
        let noted = draft.asked().refused();
        for (call, by, why) in noted {
            let calls = (vec![(call.clone(), Some(by.clone()))], 0);
            self.record_refusal(handle, calls, why);
        }
        !noted.is_empty()
    }

    /// Records a refused change, if the settings ask for it. It is refused in any case: an error of the disk is a matter
    /// of health.
    pub(super) fn record_refusal(&mut self, handle: &Handle, (asked, more): Calls, because: &str) {
        if !self.settings.refusals {
            return;
        }
        let generation = self.stored.store.contents().generation();
        trace::refused(generation, &asked);
        let head = ChangeHead {
            from: generation,
            to: generation,
            before: self.stored.position.digest,
            at: self.settings.now(),
            asked,
            more,
        };
        let mut refusal = file::refused(head, because, self.omitted);
        match self.add_refusal(handle, &mut refusal) {
            Ok(true) => {
                let record = JournalRecord::Refusal(refusal);
                self.stored.refusals.note(&record);
                self.stored.oldest = self.stored.oldest.or(record.head().at);
                self.omitted = 0;
                self.news.push(&record);
                self.news.tell();
            }
            Ok(false) => self.omitted = self.omitted.saturating_add(1),
            Err(error) => {
                self.omitted = self.omitted.saturating_add(1);
                let _ = self.failed(error);
            }
        }
    }

    /// Adds it to the file. `false` if it has no place there.
    fn add_refusal(
        &mut self,
        handle: &Handle,
        refusal: &mut StoredRefusal,
    ) -> Result<bool, DurableError> {
        let stored = &self.stored;
        // A refusal writes no new file: it would make a file of version 1 one that its programs cannot read.
        let has_journal = stored.major >= file::WITH_JOURNAL && !stored.rewrite;
        if !self.can_seal() || !has_journal {
            return Ok(false);
        }
        let text = file::write_refusal(refusal, self.settings.sealed_by());
        let text = text.map_err(DurableError::Unwritable)?;
        if !self.stored.refusals.allow(refusal) {
            return Ok(false);
        }
        self.check_readable(&text)
            .map_err(DurableError::Unwritable)?;
        self.append(handle, &text, refusal.digest, Undo::No)?;
        Ok(true)
    }

    /// Reads a refusal as another process will. One that cannot be read would damage the file for all of them.
    fn check_readable(&self, text: &str) -> Result<(), StoreFileError> {
        let stored = &self.stored;
        let mut position = Position {
            bytes: 0,
            ..stored.position.clone()
        };
        let (.., read) = file::read_on(
            &stored.store,
            &stored.kept,
            &mut position,
            text.as_bytes(),
            self.settings.sealed_by(),
            &mut |_| {},
        );
        read?;
        match position.bytes == text.len() {
            true => Ok(()),
            false => Err(StoreFileError::Truncated {
                line: position.lines,
            }),
        }
    }
}
