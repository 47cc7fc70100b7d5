//! Errors of the names of fleets.

use thiserror::Error;

use crate::limits::MAX_FLEET_ID_BYTES;

/// Why a text is no id of a fleet, or no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FleetNameError {
    /// It is no id of a fleet.
    #[error(
        "the id of a fleet has 1 to {MAX_FLEET_ID_BYTES} of `a-z`, `0-9`, `.`, `_` and `-`, and begins with a letter or digit"
    )]
    #[doc(hidden)]
    FleetId,
    /// It is no part.
    #[error("a part of a trust set is `all`, `servers` or `systems`")]
    #[doc(hidden)]
    Part,
}
