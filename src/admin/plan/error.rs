//! Errors of changes that are planned, and of what is asked about time.

use thiserror::Error;

use super::StoreError;
use crate::admin::Peer;
use crate::store::Bounded;

/// Why a planned change was not made. The store is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The change itself was refused, or the store has changed since it was planned.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Peers that are accepted now would be refused.
    #[error(
        "the change would lock out {}: to make it all the same, name them in an override; a block among the changes can be made by itself",
        few(lost)
    )]
    #[non_exhaustive]
    Loses {
        /// Those that are not named in the override.
        lost: Bounded<Peer>,
    },
}

/// The first peers of a list, and how many more there are.
fn few(peers: &Bounded<Peer>) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = peers
        .items()
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect();
    let more = peers.len().saturating_sub(shown.len());
    let list = shown.join(", ");
    if more == 0 {
        list
    } else {
        format!("{list} and {more} more")
    }
}

/// Why windows of an expiry report were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WindowsError {
    /// The windows must grow from critical to notice.
    #[error(
        "the window of a notice is at least that of a warning, and that at least the critical one"
    )]
    Order,
    /// A critical window of nothing would only tell what is over.
    #[error("the critical window is at least a minute")]
    Empty,
}
