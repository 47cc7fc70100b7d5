//! Errors of ids.

use thiserror::Error;

/// Why a text is not an id of a server or a group.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdError {
    /// The text is empty.
    #[error("the id is empty")]
    #[doc(hidden)]
    Empty,
    /// The text is too long.
    #[error("the id has {length} bytes, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// A character that is not allowed in ids.
    #[error("an id has only ASCII letters, digits and `-_.:@/`; byte {offset} is something else")]
    #[non_exhaustive]
    #[doc(hidden)]
    Character {
        /// The offset in bytes.
        offset: usize,
    },
}
