//! What stands in a journal: changes, and changes that were refused.

use super::change::{self, ChangeHead};
use super::format::ContentDigest;
use super::refusal::StoredRefusal;

/// One change of a journal.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[doc(hidden)]
pub struct StoredChange {
    /// Generations, time, and what was asked.
    pub head: ChangeHead,
    /// The records that went and that came, as they stand in the file.
    pub records: String,
    /// The digest of the change.
    pub digest: ContentDigest,
}

impl StoredChange {
    /// A change from the text that was written.
    pub(crate) fn of(head: ChangeHead, text: &str, digest: ContentDigest) -> Self {
        let records = change::records_of(text);
        Self {
            head,
            records,
            digest,
        }
    }
}

/// What stands behind a snapshot, in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[doc(hidden)]
pub enum JournalRecord {
    /// A change that was made.
    Change(StoredChange),
    /// A change that was refused.
    Refusal(StoredRefusal),
}

impl JournalRecord {
    /// The digest of the record.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        match self {
            Self::Change(change) => change.digest,
            Self::Refusal(refusal) => refusal.digest,
        }
    }

    /// Generations, time, and what was asked.
    #[must_use]
    pub fn head(&self) -> &ChangeHead {
        match self {
            Self::Change(change) => &change.head,
            Self::Refusal(refusal) => &refusal.head,
        }
    }
}
