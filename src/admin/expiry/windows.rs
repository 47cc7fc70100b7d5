//! The windows of expiry reports.

use core::time::Duration;

use crate::admin::expiry::error::WindowsError;
use crate::limits::{CRITICAL_NOTICE, EXPIRY_NOTICE, EXPIRY_WARNING};

/// The urgency of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// It is within the widest window.
    Notice,
    /// It is within the middle window, or the item is in its grace.
    Warning,
    /// It is within the narrowest window.
    Critical,
    /// It has passed.
    Ended,
}

/// The time before an end at which each severity begins, from minutes to months.
///
/// ```
/// use core::time::Duration;
/// use mutual_trust::admin::Windows;
///
/// const HOUR: u64 = 3600;
/// let short_lived = Windows::new(
///     Duration::from_secs(24 * HOUR),
///     Duration::from_secs(8 * HOUR),
///     Duration::from_secs(2 * HOUR),
/// )?;
/// # let _ = short_lived;
/// # Ok::<(), mutual_trust::error::WindowsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    notice: Duration,
    warning: Duration,
    critical: Duration,
}

impl Windows {
    /// An end is a notice, a warning, and critical this long before it comes.
    ///
    /// # Errors
    /// A window is longer than the one before it, or the critical one is shorter than a minute.
    pub fn new(
        notice: Duration,
        warning: Duration,
        critical: Duration,
    ) -> Result<Self, WindowsError> {
        if critical < Duration::from_secs(60) {
            return Err(WindowsError::Empty);
        }
        if notice < warning || warning < critical {
            return Err(WindowsError::Order);
        }
        Ok(Self {
            notice,
            warning,
            critical,
        })
    }

    /// The severity of an end in `left` seconds. `None` if it is too far away.
    pub(super) fn severity(&self, left: i64) -> Option<Severity> {
        // A window that is longer than any time has always begun.
        let within = |window: Duration| {
            let window = i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
            left <= window
        };
        if left <= 0 {
            Some(Severity::Ended)
        } else if within(self.critical) {
            Some(Severity::Critical)
        } else if within(self.warning) {
            Some(Severity::Warning)
        } else if within(self.notice) {
            Some(Severity::Notice)
        } else {
            None
        }
    }
}

impl Default for Windows {
    /// Thirty days, a week, a day.
    fn default() -> Self {
        Self {
            notice: EXPIRY_NOTICE,
            warning: EXPIRY_WARNING,
            critical: CRITICAL_NOTICE,
        }
    }
}
