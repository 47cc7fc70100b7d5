//! Errors of settings and demands, from whichever room they are.

use thiserror::Error;

/// Why a setting was refused. Nothing is cut to a limit in silence, and no later call takes back what an earlier one
/// demanded.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingError {
    /// The number is not one that the setting has.
    #[error("{setting}: {found} is out of range: from {least} to {most}")]
    #[non_exhaustive]
    #[doc(hidden)]
    OutOfRange {
        /// The setting, with its unit.
        setting: &'static str,
        /// What was asked for.
        found: u64,
        /// The least number.
        least: u64,
        /// The greatest number.
        most: u64,
    },
    /// An earlier call demanded more.
    #[error("{setting}: {found} would lower the demand for {set} that was made before")]
    #[non_exhaustive]
    #[doc(hidden)]
    Lowered {
        /// The setting, with its unit.
        setting: &'static str,
        /// What was asked for.
        found: u64,
        /// What was demanded before.
        set: u64,
    },
}

impl SettingError {
    /// Refuses a number that is out of range.
    pub(crate) const fn check(
        setting: &'static str,
        found: u64,
        least: u64,
        most: u64,
    ) -> Result<(), Self> {
        if found < least || found > most {
            return Err(Self::OutOfRange {
                setting,
                found,
                least,
                most,
            });
        }
        Ok(())
    }
}
