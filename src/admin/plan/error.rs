//! Errors of planned changes.

use thiserror::Error;

use crate::admin::Peer;
use crate::store::Truncated;
use crate::store::error::StoreError;

/// Why a planned change was not made. The store is unchanged.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The change itself was refused, or the store has changed since it was planned.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The change would lock out peers that are accepted now.
    #[error(
        "the change would lock out {}: to make it anyway, allow the lockout of these peers by name; a block among the changes can be made by itself",
        few(lost)
    )]
    #[non_exhaustive]
    Loses {
        /// The peers that the allowance does not name.
        lost: Truncated<Peer>,
    },
}

/// The first peers of a list, and the number of the others.
pub(in crate::admin) fn few(peers: &Truncated<Peer>) -> String {
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
