//! The settings of attempts.

use core::time::Duration;

use crate::certificate::error::SettingError;
use crate::limits::{
    ATTEMPT_BUDGET, ATTEMPT_REFILL, ATTEMPT_TIMEOUT, BOOT_SPREAD, FIRST_BACKOFF, LONGEST_BACKOFF,
    MAX_ATTEMPT_BUDGET, MAX_ATTEMPT_TIME, MAX_BOOT_SPREAD, REFUSAL_WAIT,
};

/// How soon and how often [`Failover`](super::Failover) proposes attempts. Times are of a millisecond to a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailoverSettings {
    pub(super) first_backoff: Duration,
    pub(super) longest_backoff: Duration,
    pub(super) refusal_wait: Duration,
    pub(super) attempt_timeout: Duration,
    pub(super) boot_spread: Duration,
    pub(super) budget: u32,
    pub(super) refill: Duration,
}

impl Default for FailoverSettings {
    fn default() -> Self {
        Self {
            first_backoff: FIRST_BACKOFF,
            longest_backoff: LONGEST_BACKOFF,
            refusal_wait: REFUSAL_WAIT,
            attempt_timeout: ATTEMPT_TIMEOUT,
            boot_spread: BOOT_SPREAD,
            budget: ATTEMPT_BUDGET,
            refill: ATTEMPT_REFILL,
        }
    }
}

impl FailoverSettings {
    /// The defaults, each of which has its reason in `docs/LIMITS.md`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The wait for a server after its first failed attempt, and the longest one. The wait doubles with each failure in a
    /// row; jitter takes up to half of it. 1 s and 120 s by default, as in gRPC's connection back-off.
    ///
    /// # Errors
    /// The first is below a millisecond or above the longest, or the longest is above a day.
    pub fn with_backoff(self, first: Duration, longest: Duration) -> Result<Self, SettingError> {
        let most = time("longest wait after a failed attempt, in ms", longest)?;
        between("first wait after a failed attempt, in ms", first, 1, most)?;
        Ok(Self {
            first_backoff: first,
            longest_backoff: longest,
            ..self
        })
    }

    /// The wait for a server that refused us, and for one that our rules refused, jitter of up to half of it apart. 5
    /// minutes by default: an administrator has to change something at the server. A server that our rules refused is
    /// tried sooner if our trust changes.
    ///
    /// # Errors
    /// It is below a millisecond or above a day.
    pub fn with_refusal_wait(self, wait: Duration) -> Result<Self, SettingError> {
        time("wait after a refusal, in ms", wait)?;
        Ok(Self {
            refusal_wait: wait,
            ..self
        })
    }

    /// After this time, an attempt without an outcome counts as failed. 10 s by default. It is no timeout of the
    /// connection: set that as well.
    ///
    /// # Errors
    /// It is below a millisecond or above a day.
    pub fn with_attempt_timeout(self, timeout: Duration) -> Result<Self, SettingError> {
        time("time for an attempt, in ms", timeout)?;
        Ok(Self {
            attempt_timeout: timeout,
            ..self
        })
    }

    /// The first attempt is made within this time, at a moment that the seed decides. 5 s by default, so that systems that
    /// start together do not connect at the same moment. At most a minute: a system needs its keys to read its disks.
    ///
    /// # Errors
    /// It is above a minute.
    pub fn with_boot_spread(self, spread: Duration) -> Result<Self, SettingError> {
        let what = "time within which the first attempt is made, in ms";
        between(what, spread, 0, milliseconds(MAX_BOOT_SPREAD))?;
        Ok(Self {
            boot_spread: spread,
            ..self
        })
    }

    /// How many attempts can be made at once, to all servers together, and after which time one more. In any span of time
    /// there are at most `attempts`, and one more for each whole `refill` in it. 16 and 10 s by default. Attempts to get
    /// back to a better server leave half of `attempts` for the case that the present one is lost.
    ///
    /// # Errors
    /// There is no attempt, or there are more than 10,000; `refill` is below a millisecond or above a day.
    pub fn with_budget(self, attempts: u32, refill: Duration) -> Result<Self, SettingError> {
        let most = MAX_ATTEMPT_BUDGET.into();
        SettingError::check("attempts at once", attempts.into(), 1, most)?;
        time("time after which there is one more attempt, in ms", refill)?;
        Ok(Self {
            budget: attempts,
            refill,
            ..self
        })
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn between(
    setting: &'static str,
    found: Duration,
    least: u64,
    most: u64,
) -> Result<u64, SettingError> {
    let found = milliseconds(found);
    SettingError::check(setting, found, least, most)?;
    Ok(found)
}

fn time(setting: &'static str, found: Duration) -> Result<u64, SettingError> {
    between(setting, found, 1, milliseconds(MAX_ATTEMPT_TIME))
}
