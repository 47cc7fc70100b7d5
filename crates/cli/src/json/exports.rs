//! What a store is exported as, and its report.

use serde::Serialize;

use super::{Bounded, EntryKey};

/// What other programs get of a store, and what they do not get.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Exported {
    /// The form
    #[cfg_attr(test, schemars(extend("enum" = ["pem", "curl", "json"])))]
    pub(crate) format: &'static str,
    /// The generation of the store
    pub(crate) generation: u64,
    /// The seal: `none`, `verified`, or `not-verified` without its key
    #[cfg_attr(test, schemars(extend("enum" = ["none", "verified", "not-verified"])))]
    pub(crate) seal: &'static str,
    /// The file that was written
    pub(crate) file: Option<String>,
    /// The content, if it is in no file
    pub(crate) content: Option<String>,
    /// How many entries are in it
    pub(crate) entries: usize,
    /// Entries that are not in it
    pub(crate) left_out: Bounded<LeftOut>,
}

/// An entry that is not in an export.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LeftOut {
    /// The entry
    pub(crate) entry: EntryKey,
    /// Why
    pub(crate) why: String,
}

/// A report of a store that was written.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Reported {
    /// The file that was written
    pub(crate) file: String,
    /// The generation of the store
    pub(crate) generation: u64,
    /// How many bytes it has
    pub(crate) bytes: usize,
    /// How many servers are refused whatever they present
    pub(crate) without_usable: usize,
    /// How many things have ended or end soon
    pub(crate) ending: usize,
    /// How many weaknesses it names
    pub(crate) weaknesses: usize,
    /// How many nodes of the fleet need attention; null without `--nodes`
    pub(crate) nodes_behind: Option<usize>,
    /// The reports of how many of them cannot be read
    pub(crate) nodes_unreadable: Option<usize>,
}
