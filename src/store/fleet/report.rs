//! What a merge of a bundle did, and what stayed.

use core::fmt;

use thiserror::Error;

use crate::certificate::{Fingerprint, HostName};
use crate::store::{BlockSelector, CrlIssuer, EntryKey, Report, ServerId, Truncated};

/// What taking over a bundle did to the store. `Display` has a line for each item.
#[derive(Clone, Debug)]
#[must_use = "it says what came, what went, and what stayed against the bundle"]
#[non_exhaustive]
pub struct Merged {
    /// The report, with the servers about which another source decides now.
    pub report: Report,
    /// Entries that came.
    #[doc(hidden)]
    pub came: Truncated<EntryKey>,
    /// Entries that went: the bundle no longer has them.
    #[doc(hidden)]
    pub gone: Truncated<EntryKey>,
    /// Entries with other options, or another state.
    #[doc(hidden)]
    pub changed: Truncated<EntryKey>,
    /// Servers that came.
    #[doc(hidden)]
    pub servers_came: Truncated<ServerId>,
    /// Servers that went.
    #[doc(hidden)]
    pub servers_gone: Truncated<ServerId>,
    /// Blocks that came.
    #[doc(hidden)]
    pub blocks: Truncated<BlockSelector>,
    /// Where the store is not what the bundle says, and what is installed again.
    pub notices: Truncated<Notice>,
}

/// Where a store is not what the bundle says, or what was put back. `Display` names the call that changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum Notice {
    /// An entry was installed here with other options, which count.
    OptionsDiffer(EntryKey),
    /// An entry is left out, since a block hits it.
    Blocked(EntryKey),
    /// This version does not accept an entry. It is installed and accepts nothing (rule I8).
    NotAccepted(EntryKey, String),
    /// An entry was removed here, and is installed again.
    Restored(EntryKey),
    /// A block was lifted here, and is there again.
    BlockRestored(BlockSelector),
    /// The checks of an issuer were stopped here, and are made again.
    CheckRestored(CrlIssuer),
    /// A server was released here, and is claimed again.
    ClaimRestored(ServerId),
    /// The claim of a server stays, although the bundle does not have it.
    ClaimKept(ServerId),
    /// A name of a claimed server stays, although the bundle does not have it.
    NameKept(ServerId, HostName),
    /// A server stays since something was installed for it here, although the bundle does not have it.
    ServerKept(ServerId),
    /// The expected names, the group or the place of a server were set here, and stay.
    ServerDiffers(ServerId),
    /// A revocation list is older than the installed one, and changes nothing.
    ListOlder {
        /// The list of the bundle.
        list: Fingerprint,
        /// The installed list.
        held: Fingerprint,
    },
    /// There is no room for a revocation list.
    ListLeftOut(Fingerprint, String),
}

/// A name of the bundle belongs to a server that must keep it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the bundle gives the name {name} to the server {wanted}, and here it belongs to the server {server}: release the name here, or take it out of the bundle"
)]
#[non_exhaustive]
pub struct NameConflict {
    /// The name.
    pub name: HostName,
    /// The server that has it here.
    pub server: ServerId,
    /// The server that has it in the bundle.
    pub wanted: ServerId,
}

impl Merged {
    pub(super) fn new(report: Report) -> Self {
        Self {
            report,
            came: Truncated::default(),
            gone: Truncated::default(),
            changed: Truncated::default(),
            servers_came: Truncated::default(),
            servers_gone: Truncated::default(),
            blocks: Truncated::default(),
            notices: Truncated::default(),
        }
    }

    /// Whether the store is another one since.
    pub fn has_changed(&self) -> bool {
        self.report.done() != crate::store::Outcome::Unchanged
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OptionsDiffer(key) => write!(f, "{key} has other options here, which count"),
            Self::Blocked(key) => write!(f, "{key} is blocked and is not installed"),
            Self::NotAccepted(key, why) => write!(f, "{key} accepts nothing here: {why}"),
            Self::Restored(key) => write!(
                f,
                "{key} is installed again, since the fleet still has it: remove it from the fleet, or block it"
            ),
            Self::BlockRestored(block) => write!(
                f,
                "the block of {block} is there again, since the fleet still has it: lift it in the fleet first"
            ),
            Self::CheckRestored(issuer) => write!(
                f,
                "the certificates of {issuer} are checked for revocation again, since the fleet still says so: stop that in the fleet first"
            ),
            Self::ClaimRestored(id) => write!(
                f,
                "the server {id} is claimed again, since it is in the fleet: release it in the fleet first"
            ),
            Self::ClaimKept(id) => write!(
                f,
                "the server {id} is claimed here, and not so in the fleet: only release or migrate here changes that"
            ),
            Self::NameKept(id, name) => write!(
                f,
                "the name {name} stays with the claimed server {id}: only release-name here takes it away"
            ),
            Self::ServerKept(id) => write!(
                f,
                "the server {id} is no longer in the fleet, and stays for what was installed for it here"
            ),
            Self::ServerDiffers(id) => write!(
                f,
                "the expected names, the group or the place of the server {id} were set here, and stay"
            ),
            Self::ListOlder { list, held } => write!(
                f,
                "the revocation list {list} is older than the one that is installed, {held}, and changes nothing"
            ),
            Self::ListLeftOut(list, why) => {
                write!(f, "the revocation list {list} is left out: {why}")
            }
        }
    }
}

impl fmt::Display for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generation {}", self.report.generation())?;
        self.came.write_lines(f, "came")?;
        self.gone.write_lines(f, "went")?;
        self.changed.write_lines(f, "changed")?;
        self.servers_came.write_lines(f, "server came")?;
        self.servers_gone.write_lines(f, "server went")?;
        self.blocks.write_lines(f, "blocked")?;
        self.notices.write_lines(f, "note")
    }
}
