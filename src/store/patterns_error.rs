//! Errors of patterns for names.

use thiserror::Error;

/// Why a text is not a pattern for subject alternative names.
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
