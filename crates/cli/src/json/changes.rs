//! Results of changes of a store.

use serde::Serialize;

use super::{Bounded, Certificate, Clock, Effects, EntryKey, Report};

/// A change of a store. What is absent is not known: nothing was tried, or the store was only made.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StoreChange {
    /// Whether the store is another one now
    pub(crate) changed: bool,
    /// Whether the change was only tried
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "bool"))]
    pub(crate) dry_run: Option<bool>,
    /// The generation of the store with the change
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "u64"))]
    pub(crate) generation: Option<u64>,
    /// What each call of the change did
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Vec<Report>"))]
    pub(crate) reports: Option<Vec<Report>>,
    /// The peers that are judged differently; null if none can be
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<Effects>"))]
    pub(crate) effects: Option<Option<Effects>>,
    /// The clock and the floor
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Clock"))]
    pub(crate) clock: Option<Clock>,
}

/// A rollback.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RolledBackChange {
    #[serde(flatten)]
    pub(crate) change: StoreChange,
    /// What it brought back, took out and kept
    pub(crate) rollback: RolledBack,
}

/// What a rollback brought back, took out and kept.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RolledBack {
    /// The generation whose content the store has again
    pub(crate) to: u64,
    /// Entries that came back
    pub(crate) came: Bounded<EntryKey>,
    /// Entries that the earlier generation did not have
    pub(crate) gone: Bounded<EntryKey>,
    /// Entries that have other options, or another state, again
    pub(crate) changed: Bounded<EntryKey>,
    /// Servers that came back
    pub(crate) servers_came: Bounded<String>,
    /// Servers that the earlier generation did not have
    pub(crate) servers_gone: Bounded<String>,
    /// Blocks that came back
    pub(crate) blocks_came: Bounded<String>,
    /// What takes trust away and stays
    pub(crate) kept: Bounded<Kept>,
    /// Entries that did not come back, since a block hits them
    pub(crate) left_out: Bounded<EntryKey>,
}

/// Something that takes trust away and stays.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Kept {
    /// What it is
    #[cfg_attr(test, schemars(extend("enum" = ["block", "claim", "disabled", "name", "checked_issuer", "crl", "floor"])))]
    pub(crate) kind: &'static str,
    /// What it is, as a sentence, with the call that lifts it
    pub(crate) text: String,
}

/// What a bundle or a folder has, and what of it was installed. After a change, also the fields of a change.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Adopted {
    /// The certificates that were found
    pub(crate) items: Vec<AdoptedItem>,
    /// Files that were not read
    pub(crate) unread: Vec<NotRead>,
    /// Folders, which are not looked into, and files that have nothing new
    pub(crate) passed_over: Vec<NotRead>,
    /// How many certificates and files were left out
    pub(crate) refused_count: usize,
    #[serde(flatten)]
    pub(crate) change: StoreChange,
}

/// A certificate that was found.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AdoptedItem {
    /// The first file that has it
    pub(crate) file: String,
    /// What it is installed as
    #[serde(rename = "as")]
    #[cfg_attr(test, schemars(extend("enum" = ["pin", "authority", "intermediate", "left out", "undecided"])))]
    pub(crate) decision: &'static str,
    /// Why it cannot be installed
    pub(crate) why_not: Option<String>,
    /// The certificate
    pub(crate) certificate: Certificate,
}

/// A file or folder from which nothing was read.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NotRead {
    /// Its path
    pub(crate) file: String,
    /// Why nothing was read
    pub(crate) why: String,
}

/// The progress of a replacement or a migration.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StoreReplace {
    /// The next step. Of a replacement: `install`, `fix` (the next pin accepts nothing now), `wait`, `remove_old`, `done`,
    /// `use_group`. Of a migration: `install_authority`, `migrate`, `wait`, `leave_group`, `release`, `done`
    pub(crate) step: &'static str,
    /// The servers
    pub(crate) servers: Vec<ReplacedServer>,
    /// Whether what the servers presented before can be removed
    pub(crate) may_remove: bool,
    /// The change that was made or tried by this call
    pub(crate) change: Option<StoreChange>,
}

/// A server with what it presented.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ReplacedServer {
    /// Its id
    pub(crate) server: String,
    /// Whether it was last accepted with what it should present
    pub(crate) done: bool,
    /// The fingerprint of what it presented when it was last accepted; null if that was not seen
    pub(crate) presented: Option<String>,
    /// When; null also if the clock was unset
    pub(crate) at: Option<String>,
}
