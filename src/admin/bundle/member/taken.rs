//! What became of a bundle.

use core::fmt;

use crate::admin::{Impact, Peer};
use crate::store::Truncated;
use crate::store::fleet::Merged;

/// What became of a bundle.
#[derive(Clone, Debug)]
#[must_use = "it says whether the bundle is in force"]
#[non_exhaustive]
pub enum TakeOver {
    /// The store has what the newest bundle says.
    Unchanged,
    /// The store was changed to what the newest bundle says.
    #[non_exhaustive]
    Applied {
        /// What changed, and where the store is not what the bundle says.
        merged: Box<Merged>,
        /// What the change does to the peers, also what its blocks and lists do.
        effects: Box<Impact>,
    },
    /// The newest bundle would lock out peers, and the guard refuses that. It is held: it counts as the newest, and is tried
    /// again at each take-over and refresh. What takes trust away in it is applied: blocks, checked issuers and revocation
    /// lists.
    #[non_exhaustive]
    Held {
        /// The peers that it would lock out.
        lost: Truncated<Peer>,
        /// The peers that it would put at risk.
        at_risk: Truncated<Peer>,
        /// What was applied.
        merged: Box<Merged>,
    },
}

impl fmt::Display for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("nothing to change"),
            Self::Applied { merged, .. } => write!(f, "applied: {merged}"),
            Self::Held {
                lost,
                at_risk,
                merged,
            } => {
                f.write_str("held, since it would lock out peers")?;
                lost.write_lines(f, "would lock out")?;
                at_risk.write_lines(f, "would put at risk")?;
                write!(f, "\n{merged}")
            }
        }
    }
}
