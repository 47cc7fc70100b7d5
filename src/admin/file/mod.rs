#![doc = include_str!("format.md")]

pub(crate) mod error;
mod fields;
mod format;
mod heads;
mod lines;
mod read;
mod records;
mod salvage;
mod write;

use core::fmt;
use std::collections::BTreeMap;

use pki_types::UnixTime;

use crate::admin::file::error::StoreFileError;
use crate::certificate::{Fingerprint, KeyPolicy, Timestamp};
use crate::store::{EntryKey, ServerId, Truncated, TrustSnapshot, TrustStore};

pub use format::ContentDigest;
pub(crate) use salvage::{Salvaged, salvage};

/// What the embedder seals a store's file with: a message authentication code or a signature, by a key that whoever
/// can write to the folder does not have.
///
/// A digest tells accidents; only a seal tells writers. A seal does not tell an older file of ours from the newest:
/// that is for a [`Counter`](super::Counter).
pub trait Seal: fmt::Debug + Send + Sync {
    /// The seal for a content, from 1 to 65,536 bytes.
    fn seal(&self, content: &[u8]) -> Vec<u8>;

    /// Whether `seal` is one for `content`.
    ///
    /// # Security
    /// A code is compared in constant time. An error is `false`.
    fn verify(&self, content: &[u8], seal: &[u8]) -> bool;
}

/// What a later minor version wrote that this one does not know. It is written back where it was: fields as long as
/// what they belong to is there, records always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRecords {
    /// The minor version of the file.
    minor: u32,
    /// Lines by the name of the record that they stand in.
    fields: BTreeMap<String, Vec<String>>,
    /// Whole records, in their order.
    records: Vec<String>,
}

impl Default for UnknownRecords {
    fn default() -> Self {
        Self {
            minor: format::MINOR,
            fields: BTreeMap::new(),
            records: Vec::new(),
        }
    }
}

impl UnknownRecords {
    /// Whether there is nothing to be written back.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.records.is_empty()
    }
}

/// What is known of the seal of a file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealState {
    /// There is none, and none was asked for.
    None,
    /// It fits.
    Verified,
    /// There is one, and nothing to verify it with: the next file that is written has none.
    NotVerified,
}

/// What came of reading a file.
#[derive(Clone, Debug)]
#[must_use = "it says which entries were loaded and are disabled"]
#[non_exhaustive]
pub struct LoadReport {
    /// The generation of the store.
    pub generation: u64,
    /// The digest over all that the file says.
    pub digest: ContentDigest,
    /// What is known of its seal.
    pub seal: SealState,
    /// The minor version of the file, if it is later than this one's.
    pub later_minor: Option<u32>,
    /// How many entries were loaded.
    pub entries: usize,
    /// Entries that this version, its key policy or its provider does not take, with the reason. They are held and
    /// accept nothing (rule I8).
    pub disabled: Truncated<(EntryKey, String)>,
    /// How many revocation lists were loaded.
    pub crls: usize,
    /// Revocation lists that this version does not read or would not install, by fingerprint, with the reason. They
    /// are held, their issuers are checked, and no certificate counts as not revoked by them: install newer ones.
    pub disabled_crls: Truncated<(Fingerprint, String)>,
    /// Servers whose migration lasts longer than one that is set today may (rule P3), with its end. It ends when the file
    /// says; set it again with an earlier end.
    pub long_migrations: Truncated<(ServerId, UnixTime)>,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            generation,
            entries,
            ..
        } = self;
        write!(f, "generation {generation}, entries: {entries}")?;
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

/// What a file held.
#[derive(Debug)]
#[non_exhaustive]
pub struct StoreFile {
    /// The store, on the system's clock.
    pub store: TrustStore,
    /// What a later version wrote, to be written back.
    pub kept: UnknownRecords,
    /// What came of it.
    pub report: LoadReport,
}

/// Reads a file whole.
///
/// Nothing is judged again that was judged when it was installed: what `keys` would not take today is loaded and
/// disabled, and reported (rule I8). With a `seal`, a file without one or with a wrong one is refused.
///
/// # Errors
/// The file is damaged, of a later major version, or its seal is missing or wrong. The error names the line, what
/// stands there and what must.
pub fn read(
    text: &[u8],
    keys: KeyPolicy,
    seal: Option<&dyn Seal>,
) -> Result<StoreFile, StoreFileError> {
    read::file(text, keys, seal)
}

/// Writes a view whole: the same content is the same text.
///
/// # Errors
/// It would be larger than can be read again, or the embedder's seal is.
pub fn write(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    seal: Option<&dyn Seal>,
) -> Result<(String, ContentDigest), StoreFileError> {
    write::file(view, kept, seal)
}
