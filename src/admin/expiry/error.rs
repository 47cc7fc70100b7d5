//! Errors of reports on expiry.

use thiserror::Error;

/// Why windows of an expiry report were refused.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WindowsError {
    /// The windows must grow from critical to notice.
    #[error(
        "the window of a notice is at least that of a warning, and that at least the critical one"
    )]
    #[doc(hidden)]
    Order,
    /// A critical window of nothing would only tell what is over.
    #[error("the critical window is at least a minute")]
    #[doc(hidden)]
    Empty,
}
