//! The consequences of a change, as its report lists them (rule I9).

use core::fmt;

use super::crl_issuer::CrlIssuer;
use super::entry_key::EntryKey;
use super::ids::ServerId;
use super::trust_source::TrustSourceChange;
use super::warning::StoreWarning;
use crate::limits::MAX_REPORTED;

/// One consequence of a change of the store.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consequence {
    /// The change installed, updated or removed this entry; or the block hits it, or the revocation list revokes it.
    /// An entry that a block or a list hits stays installed and accepts nothing.
    Entry(EntryKey),
    /// The server is claimed since this change. It must present a pin from now on; an authority no longer suffices.
    Claimed(ServerId),
    /// The certificates of this issuer are checked for revocation since this change. A chain through the issuer is
    /// refused when no current revocation list of the issuer is installed.
    #[doc(hidden)]
    RevocationChecked(CrlIssuer),
    /// Another source decides about a server than before. Peers that the previous source accepted may now be refused,
    /// and the reverse.
    #[doc(hidden)]
    TrustSource(TrustSourceChange),
    /// After a removal: another entry holds the removed certificate or its key. The peer may still be accepted. To
    /// refuse it everywhere, block the certificate.
    #[doc(hidden)]
    StillHeld(EntryKey),
    /// Something that the administrator should check. The change was made all the same.
    Warning(StoreWarning),
    /// The report lists only the first 64 consequences of a kind. There are `count` more of this kind.
    #[non_exhaustive]
    Omitted {
        /// The kind.
        kind: ConsequenceKind,
        /// How many are not listed.
        count: usize,
    },
}

/// The kind of a [`Consequence`]. A report lists the kinds in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[doc(hidden)]
pub enum ConsequenceKind {
    /// [`Consequence::Entry`].
    Entry,
    /// [`Consequence::Claimed`].
    Claimed,
    /// [`Consequence::RevocationChecked`].
    RevocationChecked,
    /// [`Consequence::TrustSource`].
    TrustSource,
    /// [`Consequence::StillHeld`].
    StillHeld,
    /// [`Consequence::Warning`].
    Warning,
}

impl Consequence {
    /// The kind. For [`Omitted`](Self::Omitted), the kind of those that are not listed.
    pub const fn kind(&self) -> ConsequenceKind {
        match self {
            Self::Entry(_) => ConsequenceKind::Entry,
            Self::Claimed(_) => ConsequenceKind::Claimed,
            Self::RevocationChecked(_) => ConsequenceKind::RevocationChecked,
            Self::TrustSource(_) => ConsequenceKind::TrustSource,
            Self::StillHeld(_) => ConsequenceKind::StillHeld,
            Self::Warning(_) => ConsequenceKind::Warning,
            Self::Omitted { kind, .. } => *kind,
        }
    }
}

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind() {
            ConsequenceKind::Entry => "entry",
            ConsequenceKind::Claimed => "claims server",
            ConsequenceKind::RevocationChecked => "checks the certificates of",
            ConsequenceKind::TrustSource => "now asked of",
            ConsequenceKind::StillHeld => "still held by",
            ConsequenceKind::Warning => "warning",
        })?;
        match self {
            Self::Entry(key) | Self::StillHeld(key) => {
                f.write_str(": ")?;
                key.fmt(f)
            }
            Self::Claimed(server) => write!(f, ": {server}"),
            Self::RevocationChecked(issuer) => write!(f, ": {issuer}"),
            Self::TrustSource(change) => write!(f, ": {change}"),
            Self::Warning(warning) => {
                f.write_str(": ")?;
                warning.fmt(f)
            }
            Self::Omitted { count, .. } => write!(f, ": and {count} more"),
        }
    }
}

/// Consequences in the order of their kinds: of each kind at most [`MAX_REPORTED`], then how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Consequences(Vec<Consequence>);

impl Consequences {
    pub(super) fn as_slice(&self) -> &[Consequence] {
        &self.0
    }

    pub(super) fn push(&mut self, one: Consequence) {
        let kind = one.kind();
        let start = self.0.partition_point(|other| other.kind() < kind);
        let end = self.0.partition_point(|other| other.kind() <= kind);
        let added = if let Consequence::Omitted { count, .. } = one {
            count
        } else if end.saturating_sub(start) < MAX_REPORTED {
            self.0.insert(end, one);
            return;
        } else {
            1
        };
        let last = end.checked_sub(1).filter(|last| *last >= start);
        let last = last.and_then(|last| self.0.get_mut(last));
        if let Some(Consequence::Omitted { count, .. }) = last {
            *count = count.saturating_add(added);
        } else {
            let count = added;
            self.0.insert(end, Consequence::Omitted { kind, count });
        }
    }

    pub(super) fn append(&mut self, others: Self) {
        others.0.into_iter().for_each(|one| self.push(one));
    }

    pub(super) fn retain(&mut self, keep: impl Fn(ConsequenceKind) -> bool) {
        self.0.retain(|one| keep(one.kind()));
    }
}
