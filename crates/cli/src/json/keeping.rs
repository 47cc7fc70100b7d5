//! Results of keeping a store: seals, backups and recoveries.

use serde::Serialize;

use super::{Bounded, EntryKey, Kept};

/// A key for seals that was made.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SealKeyFile {
    /// Its file
    pub(crate) key_file: String,
}

/// A seal that was set or taken away.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StoreSeal {
    /// Whether the seal is another one now
    pub(crate) changed: bool,
    /// Whether nothing was to be changed
    pub(crate) dry_run: bool,
    /// Whether the store has a seal with the change
    pub(crate) sealed: bool,
    /// The generation of the store
    pub(crate) generation: u64,
}

/// A copy of a store.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Backup {
    /// Its file
    pub(crate) file: String,
    /// The generation of the store
    pub(crate) generation: u64,
    /// The digest of its content
    pub(crate) digest: String,
    /// How many entries it has
    pub(crate) entries: usize,
    /// Whether it has a seal
    pub(crate) sealed: bool,
}

/// A recovery of a store that was lost or damaged.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Recovered {
    /// Whether nothing was to be changed
    pub(crate) dry_run: bool,
    /// What was wrong with the store
    pub(crate) damage: String,
    /// What is wrong with the previous file, if it is damaged as well
    pub(crate) previous_damage: Option<String>,
    /// Lines of the store's file that cannot be read
    pub(crate) damaged_lines: Bounded<usize>,
    /// The newest generation that is known to have been there
    pub(crate) lost_generation: Option<u64>,
    /// The generation that was read
    pub(crate) from_generation: u64,
    /// Whether changes after that generation are lost that nothing here names
    pub(crate) changes_unknown: bool,
    /// The generation of the store with the recovery
    pub(crate) generation: u64,
    /// Blocks that were kept
    pub(crate) blocks: Bounded<String>,
    /// Claims that were kept; they may have been released since
    pub(crate) claims: Bounded<String>,
    /// Blocks and claims that stay, although the damaged file shows that they were lifted
    pub(crate) lifted: Bounded<Kept>,
    /// Names that went to servers whose claim was kept
    pub(crate) names: Bounded<Kept>,
    /// Names that a person must move: the server with the name in the damaged file has pins
    pub(crate) names_left: Bounded<Kept>,
    /// Entries that stay disabled
    pub(crate) disabled: Bounded<EntryKey>,
    /// Entries that got the stricter options of the damaged file
    pub(crate) narrowed: Bounded<EntryKey>,
    /// Servers that may have other fields in the damaged file
    pub(crate) servers: Bounded<String>,
    /// Entries that are trusted, and that a line which cannot be read may have disabled, narrowed or removed
    pub(crate) in_doubt: Bounded<EntryKey>,
    /// Issuers that stay checked for revocation
    pub(crate) checked_issuers: Bounded<String>,
    /// Revocation lists that were kept
    pub(crate) crls: Bounded<String>,
    /// Revocation lists that are lost
    pub(crate) lost_crls: Bounded<String>,
    /// The floor that was kept
    pub(crate) floor: Option<String>,
    /// A floor that was not kept
    pub(crate) floor_left_out: Option<String>,
    /// Entries that are lost
    pub(crate) lost: Bounded<EntryKey>,
    /// Entries of lines that anyone can have written; nothing shows that they belong to the store
    pub(crate) unverified: Bounded<EntryKey>,
    /// Entries whose removal was kept
    pub(crate) removed: Bounded<EntryKey>,
    /// Entries that may have been removed, disabled or narrowed since, and are trusted
    pub(crate) brought_back: Bounded<EntryKey>,
}

/// What a store took over from the files that it follows.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Followed {
    /// Whether this call changed the store
    pub(crate) changed: bool,
    #[serde(flatten)]
    pub(crate) state: FollowState,
}

/// The state of what a store follows, when it changes.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FollowState {
    /// The generation of the store
    pub(crate) generation: u64,
    /// Whether the store has what every source has
    pub(crate) good: bool,
    /// Why the store could not be changed
    pub(crate) error: Option<String>,
    /// The sources
    pub(crate) sources: Vec<FollowedSource>,
}

/// A source that a store follows.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FollowedSource {
    /// Its name
    pub(crate) name: String,
    /// Whether nothing is wrong with it
    pub(crate) good: bool,
    /// What it has: `certificates` or `lists`
    pub(crate) kind: &'static str,
    /// How many of them, if they were read
    pub(crate) items: Option<usize>,
    /// Whether its files change at each look
    pub(crate) settling: bool,
    /// What is wrong with it
    pub(crate) error: Option<String>,
    /// Since when
    pub(crate) since: Option<String>,
    /// What to look at
    pub(crate) warnings: Bounded<String>,
    /// Names in its folder that are not read
    pub(crate) not_read: Bounded<String>,
}
