#![doc = include_str!("format.md")]

mod change;
mod counts;
pub(crate) mod error;
mod extent;
mod fields;
mod format;
mod headers;
mod heads;
mod journal;
mod lines;
#[cfg(feature = "bundle")]
mod part;
mod read;
mod records;
mod refusal;
mod role;
mod salvage;
mod salvaged;
mod same;
mod section;
mod sides;
mod stored;
mod sums;
mod write;

use core::fmt;
use std::collections::BTreeMap;

use pki_types::UnixTime;

use crate::admin::file::error::StoreFileError;
use crate::certificate::{Fingerprint, KeyPolicy, Timestamp};
use crate::store::{EntryKey, ServerId, Truncated, TrustSnapshot, TrustStore};

pub use change::ChangeHead;
pub(crate) use extent::{first_change, has_seal};
pub use format::ContentDigest;
pub(crate) use format::MINORS;
use format::ORDERED;
pub(crate) use format::WITH_JOURNAL;
#[cfg(feature = "bundle")]
pub(crate) use format::{Time, time};
pub(crate) use journal::Position;
#[cfg(feature = "bundle")]
pub(crate) use lines::{Lines, expected};
#[cfg(feature = "bundle")]
pub(crate) use part::{Chosen, PartFault, read_part, write_part};
pub(crate) use read::{Damaged, Loaded, load};
pub use refusal::StoredRefusal;
pub(crate) use refusal::{refused, write as write_refusal};
pub(crate) use salvage::{salvage, salvage_changes};
pub(crate) use salvaged::{Salvaged, has_fields, options_of, server_has_fields};
#[cfg(feature = "bundle")]
pub(crate) use section::{read as read_section, write as write_section};
pub use stored::{JournalRecord, StoredChange};

/// The embedder's seal for a store's file: a message authentication code or a signature. Its key must not be available
/// to programs that can write to the folder.
///
/// The digest detects accidental damage; only a seal detects changes by others. A seal does not detect an older file of
/// ours, or a file whose last changes are cut off; use a [`Counter`](super::Counter) for that.
pub trait Seal: fmt::Debug + Send + Sync {
    /// The seal for a content, from 1 to 65,536 bytes.
    fn seal(&self, content: &[u8]) -> Vec<u8>;

    /// Whether `seal` is valid for `content`.
    ///
    /// # Security
    /// Compare a code in constant time. Return `false` on an error.
    fn verify(&self, content: &[u8], seal: &[u8]) -> bool;
}

/// Records and fields of a later minor version that this version does not know. They are written back in their place:
/// fields as long as their record exists, records always.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct UnknownRecords {
    /// The major version of the file.
    major: u32,
    /// The digest of the last change that the snapshot includes.
    head: Option<ContentDigest>,
    /// The minor version of the file.
    minor: u32,
    /// Fields by the name of their record.
    fields: BTreeMap<String, Vec<String>>,
    /// Whole records, in order.
    records: Vec<String>,
}

impl Default for UnknownRecords {
    fn default() -> Self {
        Self {
            major: format::ALONE,
            head: None,
            minor: format::OLDEST_MINOR,
            fields: BTreeMap::new(),
            records: Vec::new(),
        }
    }
}

impl UnknownRecords {
    /// The digest of the last change that the snapshot includes, if it says so.
    pub(crate) fn head(&self) -> Option<ContentDigest> {
        self.head
    }

    /// Whether there is nothing to write back.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.records.is_empty()
    }
}

/// The state of the seal of a file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum SealState {
    /// The file has no seal, and none is required.
    None,
    /// The seal is valid.
    Verified,
    /// The file has a seal, and the settings have no key to verify it. They cannot change the store.
    NotVerified,
}

/// The result of reading a file.
///
/// `Display` shows all of it; the fields are what a program acts on.
#[derive(Clone, Debug)]
#[must_use = "it says which entries were loaded and are disabled"]
#[non_exhaustive]
pub struct LoadReport {
    /// The generation of the store.
    pub generation: u64,
    /// The digest over the content.
    #[doc(hidden)]
    pub digest: ContentDigest,
    /// The state of its seal.
    #[doc(hidden)]
    pub seal: SealState,
    /// The minor version of the file, if it is later than ours.
    #[doc(hidden)]
    pub later_minor: Option<u32>,
    /// The number of loaded entries.
    pub entries: usize,
    /// Entries that this version, its key policy or its provider does not accept, with the reason. They stay installed
    /// and accept nothing (rule I8).
    pub disabled: Truncated<(EntryKey, String)>,
    /// The number of loaded revocation lists.
    #[doc(hidden)]
    pub crls: usize,
    /// Revocation lists that this version cannot read or would not install, by fingerprint, with the reason. They are
    /// kept, their issuers are checked, and they prove for no certificate that it is not revoked: install newer ones.
    #[doc(hidden)]
    pub disabled_crls: Truncated<(Fingerprint, String)>,
    /// Servers whose migration is longer than the present limit (rule P3), with its end. The end in the file counts;
    /// set an earlier end.
    #[doc(hidden)]
    pub long_migrations: Truncated<(ServerId, UnixTime)>,
    /// Bytes at the end of the file that are left out: a change that was being stored when the machine stopped. It was
    /// never confirmed.
    #[doc(hidden)]
    pub cut: usize,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            generation,
            entries,
            ..
        } = self;
        write!(f, "generation {generation}, entries: {entries}")?;
        if self.cut > 0 {
            let cut = self.cut;
            write!(
                f,
                "\n  a change that was not stored to its end was left out: {cut} bytes"
            )?;
        }
        if let Some(minor) = self.later_minor {
            write!(f, "\n  written by a later minor version ({minor})")?;
        }
        if self.seal == SealState::NotVerified {
            write!(f, "\n  its seal is not verified: no seal was given")?;
        }
        for (key, why) in &self.disabled {
            f.write_str("\n  disabled: ")?;
            key.fmt(f)?;
            write!(f, ": {why}")?;
        }
        if self.disabled.omitted() > 0 {
            write!(f, "\n  disabled: and {} more", self.disabled.omitted())?;
        }
        for (fingerprint, why) in &self.disabled_crls {
            f.write_str("\n  disabled: revocation list ")?;
            fingerprint.identify(f)?;
            write!(f, ": {why}")?;
        }
        if self.disabled_crls.omitted() > 0 {
            let more = self.disabled_crls.omitted();
            write!(f, "\n  disabled: and {more} more revocation lists")?;
        }
        for (server, until) in &self.long_migrations {
            let until = Timestamp::from(*until);
            write!(
                f,
                "\n  migrates for too long: server {server}, until {until}: set an earlier end"
            )?;
        }
        if self.long_migrations.omitted() > 0 {
            let more = self.long_migrations.omitted();
            write!(f, "\n  migrates for too long: and {more} more servers")?;
        }
        Ok(())
    }
}

/// The content of a file.
#[derive(Debug)]
#[non_exhaustive]
pub struct StoreFile {
    /// The store, on the system's clock.
    pub store: TrustStore,
    /// What a later version wrote, to write back.
    #[doc(hidden)]
    pub kept: UnknownRecords,
    /// The result of reading it.
    pub report: LoadReport,
}

/// Reads a file, all of it or nothing.
///
/// The checks of installation are not repeated as errors: what `keys` would refuse today is loaded, disabled and
/// reported (rule I8). With a `seal`, a file without one or with a wrong one is refused.
///
/// # Errors
/// The file is damaged, of a later major version, or its seal is missing or wrong. The error has the line, its text and
/// the expected form.
#[doc(hidden)]
pub fn read(
    text: &[u8],
    keys: KeyPolicy,
    seal: Option<&dyn Seal>,
) -> Result<StoreFile, StoreFileError> {
    let loaded = load(text, keys, seal, u64::MAX, &mut |_| {});
    Ok(loaded.map_err(|damaged| damaged.error)?.file)
}

/// Writes a snapshot. The same content gives the same text.
///
/// # Errors
/// The file or the embedder's seal would be larger than can be read again.
#[doc(hidden)]
pub fn write(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    seal: Option<&dyn Seal>,
) -> Result<(String, ContentDigest), StoreFileError> {
    write::file(view, kept, seal)
}

/// Writes the snapshot behind which the changes of a journal stand. `head` is the digest of the last change that it
/// includes. `after` is the minor version that the change behind it needs.
pub(crate) fn write_for_journal(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    (head, after): (Option<ContentDigest>, u32),
    seal: Option<&dyn Seal>,
) -> Result<(String, ContentDigest, UnknownRecords), StoreFileError> {
    let kept = UnknownRecords {
        major: WITH_JOURNAL,
        minor: kept.minor.max(after),
        head,
        ..kept.clone()
    };
    let (text, digest) = write::file(view, &kept, seal)?;
    Ok((text, digest, kept))
}

/// The minor version that a change needs, if the file has an earlier one: a reader of the earlier version would refuse
/// the fields.
pub(crate) fn needs_later_minor(
    before: &TrustSnapshot,
    after: &TrustSnapshot,
    kept: &UnknownRecords,
) -> Option<u32> {
    let came = || after.difference(before).servers.came;
    let needs = kept.minor < ORDERED && came().iter().any(|server| server.role().is_some());
    needs.then_some(ORDERED)
}

/// Writes a change, from one snapshot to the next.
pub(crate) fn write_change(
    head: &ChangeHead,
    before: &TrustSnapshot,
    after: &TrustSnapshot,
    kept: &UnknownRecords,
    seal: Option<&dyn Seal>,
) -> Result<(String, ContentDigest), StoreFileError> {
    let between = change::Between {
        before,
        kept_before: kept,
        after,
        kept_after: kept,
    };
    change::write(head, between, seal)
}

/// The records in which two stores differ, as a change from one to the other has them: those that went behind `-`, those
/// that came behind `+`.
#[doc(hidden)]
pub fn difference(before: &StoreFile, after: &StoreFile) -> String {
    let mut text = String::new();
    let between = change::Between {
        before: before.store.contents(),
        kept_before: &before.kept,
        after: after.store.contents(),
        kept_after: &after.kept,
    };
    // Writing to a string cannot fail.
    let _ = change::body(between, &mut text);
    text
}

/// The sums of the last line of a change, over the text above it. They show which line of a damaged change is damaged.
#[doc(hidden)]
#[must_use]
pub fn line_sums(text: &str) -> String {
    sums::LineSums::over(text).to_string()
}

/// Reads the changes behind a position into a store that is in the state of that position. `bytes` is the whole file, or
/// as much of it as `position` was moved for.
pub(crate) fn read_on(
    store: &TrustStore,
    kept: &UnknownRecords,
    position: &mut Position,
    bytes: &[u8],
    seal: Option<&dyn Seal>,
    tell: &mut dyn FnMut(&JournalRecord),
) -> (TrustStore, UnknownRecords, Result<(), StoreFileError>) {
    let mut records = records::Records::on(store.fork(), kept.clone());
    let read = journal::text_of(bytes).and_then(|(text, padding)| {
        let text = (text, padding > 0);
        read::changes(&mut records, position, text, (seal, u64::MAX), tell)
    });
    let done = records.done();
    (done.store, done.kept, read.map(drop))
}
