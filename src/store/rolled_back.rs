//! What a rollback did, and what it kept.

use core::fmt;

use pki_types::UnixTime;

use super::{BlockSelector, CrlIssuer, EntryKey, Report, ServerId, Truncated};
use crate::certificate::{Fingerprint, HostName, Timestamp};

/// What a rollback did.
#[derive(Clone, Debug)]
#[must_use = "it says which entries came back, and which did not"]
#[non_exhaustive]
#[doc(hidden)]
pub struct RolledBack {
    /// The generation whose content the store has again.
    pub to: u64,
    /// The report, with the servers about which another source decides now.
    pub report: Report,
    /// Entries that came back.
    pub came: Truncated<EntryKey>,
    /// Entries that went: the earlier generation did not have them.
    pub gone: Truncated<EntryKey>,
    /// Entries that have other options, or another state, again.
    pub changed: Truncated<EntryKey>,
    /// Servers that came back.
    pub servers_came: Truncated<ServerId>,
    /// Servers that went.
    pub servers_gone: Truncated<ServerId>,
    /// Blocks that came back: they were lifted since.
    pub blocks_came: Truncated<BlockSelector>,
    /// What takes trust away and stays, although the earlier generation did not have it.
    pub kept: Truncated<Kept>,
    /// Entries of the earlier generation that did not come back, since a block hits them.
    pub left_out: Truncated<EntryKey>,
}

/// What a rollback keeps. `Display` names the call that lifts it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum Kept {
    /// A block.
    Block(BlockSelector),
    /// The claim of a server, with the server if the earlier generation did not have it.
    Claim(ServerId),
    /// An entry that an administrator disabled.
    Disabled(EntryKey),
    /// A name of a claimed server.
    Name(ServerId, HostName),
    /// An issuer whose certificates are checked for revocation.
    Checked(CrlIssuer),
    /// A revocation list.
    Crl(Fingerprint),
    /// The floor, which was another one.
    Floor(Option<UnixTime>),
}

impl Kept {
    /// Its kind, which does not change between versions.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Block(_) => "block",
            Self::Claim(_) => "claim",
            Self::Disabled(_) => "disabled",
            Self::Name(..) => "name",
            Self::Checked(_) => "checked_issuer",
            Self::Crl(_) => "crl",
            Self::Floor(_) => "floor",
        }
    }
}

/// With short fingerprints; `{:#}` has the whole ones.
impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(block) => {
                f.write_str("block ")?;
                block.fmt(f)?;
                f.write_str(" (only unblock lifts it)")
            }
            Self::Claim(id) => write!(f, "claim of server {id} (only release lifts it)"),
            Self::Disabled(key) => {
                f.write_str("disabled ")?;
                key.fmt(f)?;
                f.write_str(" (only enable lifts it)")
            }
            Self::Name(id, name) => write!(f, "name {name} of server {id}"),
            Self::Checked(issuer) => {
                f.write_str("revocation checks of ")?;
                issuer.fmt(f)
            }
            Self::Crl(fingerprint) => {
                f.write_str("revocation list ")?;
                fingerprint.identify(f)
            }
            Self::Floor(Some(floor)) => write!(f, "clock floor {}", Timestamp::from(*floor)),
            Self::Floor(None) => f.write_str("no clock floor"),
        }
    }
}

/// Without the report.
impl fmt::Display for RolledBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rolled back to generation {}", self.to)?;
        self.came.write_lines(f, "came back")?;
        self.gone.write_lines(f, "went")?;
        self.changed.write_lines(f, "as it was")?;
        self.servers_came.write_lines(f, "server came back")?;
        self.servers_gone.write_lines(f, "server went")?;
        self.blocks_came.write_lines(f, "blocked again")?;
        self.kept.write_lines(f, "kept")?;
        self.left_out.write_lines(f, "left out, it is blocked")
    }
}
