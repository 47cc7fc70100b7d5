//! Errors of reports on expiry.

use thiserror::Error;

/// Why the windows of an expiry report were refused.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WindowsError {
    /// The windows must not shrink from critical to warning to notice.
    #[error(
        "the notice window must be at least the warning window, and the warning window at least the critical window"
    )]
    #[doc(hidden)]
    Order,
    /// With a shorter critical window, the report would come too late.
    #[error("the critical window must be at least one minute")]
    #[doc(hidden)]
    Empty,
}
