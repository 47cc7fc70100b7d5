//! Errors of texts that are not an id or a pattern.

use thiserror::Error;

/// Why a text is not an id of a server or a group.
///
/// The variants word the message and are no interface: match with `_`.
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

/// Why a text is not a pattern for subject alternative names.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SanPatternError {
    /// No `dns:`, `ip:`, `uri:` or `email:` before the value.
    #[error("a pattern starts with `dns:`, `ip:`, `uri:` or `email:`")]
    #[doc(hidden)]
    Kind,
    /// The value is empty, too long, or has a character that is not allowed in such a name.
    #[error("the value of the pattern is not a valid name of this kind")]
    #[doc(hidden)]
    Value,
    /// A wildcard in a place where none is allowed.
    #[error(
        "a wildcard stands for the whole leftmost label of a DNS name (`dns:*.example`) or for what follows a `/` at the end of a URI (`uri:spiffe://example/*`)"
    )]
    #[doc(hidden)]
    Wildcard,
}
