//! What a recovery did.

use core::fmt;

use pki_types::UnixTime;

use crate::admin::file::LoadReport;
use crate::certificate::{Fingerprint, Timestamp};
use crate::store::{BlockSelector, CrlIssuer, EntryKey, Kept, ServerId, Truncated};

/// What a recovery did. An administrator must read it.
///
/// `Display` shows all of it; the fields are what a program acts on.
#[derive(Clone, Debug)]
#[must_use = "it says which trust came back and which is lost: show it to a person"]
#[non_exhaustive]
pub struct RecoveryReport {
    /// Why the file was not used as it is.
    #[doc(hidden)]
    pub damage: String,
    /// What is wrong with `trust-store.previous`, if it is there and damaged as well.
    #[doc(hidden)]
    pub previous_damage: Option<String>,
    /// Lines of the store's file that cannot be read, from 1.
    #[doc(hidden)]
    pub damaged_lines: Truncated<usize>,
    /// The highest generation that the damaged files show.
    #[doc(hidden)]
    pub lost_generation: Option<u64>,
    /// The generation that the store fell back to.
    #[doc(hidden)]
    pub from_generation: u64,
    /// Whether it is not known which changes were made after `from_generation`, since the file is gone or its generation
    /// cannot be read. They are lost, apart from what the other fields name.
    #[doc(hidden)]
    pub changes_unknown: bool,
    /// The generation that was stored now. It is higher than both.
    pub generation: u64,
    /// The load report of the version that the store fell back to.
    #[doc(hidden)]
    pub loaded: LoadReport,
    /// Blocks that only a damaged file had. They are kept.
    #[doc(hidden)]
    pub blocks: Truncated<BlockSelector>,
    /// Servers whose claim only a damaged file had, or had in a stricter form. The claim is kept, also if its release is
    /// lost. Their pins may have to be installed again.
    #[doc(hidden)]
    pub claims: Truncated<ServerId>,
    /// Blocks and claims that stay, although a damaged file shows that they were lifted: to lift them would give trust.
    /// Lift them again if that is right.
    #[doc(hidden)]
    pub lifted: Truncated<Kept>,
    /// Entries that only a damaged file had disabled. They stay disabled.
    #[doc(hidden)]
    pub disabled: Truncated<EntryKey>,
    /// Entries that got the stricter options of a damaged file.
    #[doc(hidden)]
    pub narrowed: Truncated<EntryKey>,
    /// Entries with a line that cannot be read, or with other fields in a damaged file. They may have been disabled,
    /// narrowed or removed. **They are trusted**: check each of them.
    #[doc(hidden)]
    pub in_doubt: Truncated<EntryKey>,
    /// Servers with a line that cannot be read, or with other fields in a damaged file. They have the fields of the older
    /// version: check each of them.
    #[doc(hidden)]
    pub servers: Truncated<ServerId>,
    /// Names that went to the servers whose claim is kept: such a server has no pins, and refuses every peer.
    #[doc(hidden)]
    pub names: Truncated<Kept>,
    /// Names that the damaged file has for servers to which they do not go: a server with pins would accept them for one
    /// more name. A person must move them.
    #[doc(hidden)]
    pub names_left: Truncated<Kept>,
    /// Issuers that were checked for revocation only in the damaged file (rule C4). They stay checked: a certificate of
    /// such an issuer that no current list covers is refused.
    #[doc(hidden)]
    pub checked: Truncated<CrlIssuer>,
    /// Revocation lists that only the damaged file had. They are kept, and what they name is revoked.
    /// [`InstalledCrl::disabled`](crate::store::InstalledCrl::disabled) says whether they can prove that a certificate
    /// is not revoked.
    #[doc(hidden)]
    pub crls: Truncated<Fingerprint>,
    /// Revocation lists of the damaged file that are lost: install newer ones. Their issuers are checked.
    #[doc(hidden)]
    pub lost_crls: Truncated<Fingerprint>,
    /// The floor of the damaged file, if it was higher and was kept.
    #[doc(hidden)]
    pub floor: Option<UnixTime>,
    /// The floor of the damaged file, if it was not kept because it is too high: a wrong floor would lock the store
    /// (rule M7).
    #[doc(hidden)]
    pub floor_left_out: Option<UnixTime>,
    /// Entries of the damaged file that are lost: install them again.
    pub lost: Truncated<EntryKey>,
    /// Entries of lines that anyone can have written, or that may have been removed. Nothing shows that they belong to the
    /// store.
    #[doc(hidden)]
    pub unverified: Truncated<EntryKey>,
    /// Entries of the older version that were removed according to the damaged file. They stay removed.
    #[doc(hidden)]
    pub removed: Truncated<EntryKey>,
    /// Entries of the older version that may have been removed, disabled or narrowed since: the damaged file does not show it.
    /// **They are trusted**: check each of them.
    pub brought_back: Truncated<EntryKey>,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "damaged: {}", self.damage)?;
        if let Some(previous) = &self.previous_damage {
            writeln!(f, "damaged as well: {previous}")?;
        }
        let (from, stored) = (self.from_generation, self.generation);
        match self.lost_generation {
            Some(lost) if lost > from => write!(f, "fell back from generation {lost} to {from}")?,
            // The damaged file shows no generation, or only that of which the content was read.
            _ => write!(
                f,
                "fell back from a generation that cannot be read to {from}"
            )?,
        }
        write!(f, ", stored as {stored}")?;
        if self.changes_unknown {
            write!(
                f,
                "\n  what was changed after generation {} is lost unless it is named here, blocks and removals included: make these changes again",
                self.from_generation
            )?;
        }
        self.damaged_lines.write_lines(f, "line not readable")?;
        self.blocks.write_lines(f, "block kept")?;
        self.claims.write_lines(f, "claim kept of server")?;
        if !self.claims.is_empty() {
            f.write_str("\n  a kept claim may have been released since: if so, release it again")?;
        }
        self.lifted.write_lines(
            f,
            "kept, although it was lifted since: lift it again if that is right",
        )?;
        self.disabled.write_lines(f, "stays disabled")?;
        self.narrowed
            .write_lines(f, "has the stricter options of the damaged file")?;
        self.in_doubt.write_lines(
            f,
            "trusted, although it may have been narrowed or removed, or an unreadable line may have disabled it",
        )?;
        self.servers.write_lines(
            f,
            "has its earlier fields, although a damaged file may have others, server",
        )?;
        self.names.write_lines(f, "kept")?;
        self.names_left.write_lines(f, "not taken over")?;
        self.checked.write_lines(f, "checked issuer kept")?;
        self.crls.write_lines(f, "revocation list kept")?;
        self.lost_crls
            .write_lines(f, "revocation list lost, install a newer one")?;
        if let Some(floor) = self.floor {
            write!(f, "\n  clock floor kept: {}", Timestamp::from(floor))?;
        }
        if let Some(floor) = self.floor_left_out {
            write!(
                f,
                "\n  clock floor not taken over, it is more than a year ahead: {}",
                Timestamp::from(floor)
            )?;
        }
        self.lost.write_lines(f, "lost, install it again")?;
        self.unverified.write_lines(
            f,
            "not taken over and not verified, install it only if you know it",
        )?;
        self.removed
            .write_lines(f, "not brought back, it was removed")?;
        self.brought_back.write_lines(
            f,
            "brought back, it may have been removed, disabled or narrowed",
        )?;
        write!(f, "\n  loaded: {}", self.loaded)
    }
}
