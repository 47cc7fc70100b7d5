//! Clocks, and what a validity period says at a moment.

use core::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use pki_types::UnixTime;

/// What a machine knows of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "time is known or it is not; a third state would have to be judged by every caller"
)]
pub enum Clock {
    /// The time, in whole seconds since 1970-01-01T00:00:00Z.
    Known(UnixTime),
    /// There is no clock, or it has not been set since power-on (rule M7).
    Unset,
}

/// Where the time is read.
///
/// # Security
/// Expiry is judged by this clock. A source that a peer can set lets that peer choose which certificates are
/// valid.
pub trait TimeSource: fmt::Debug + Send + Sync {
    /// The time at the moment of the call.
    fn now(&self) -> Clock;
}

/// The operating system's clock; [`Clock::Unset`] if it reads before 1970.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The operating system's clock.
    pub const fn new() -> Self {
        Self
    }
}

impl TimeSource for SystemClock {
    fn now(&self) -> Clock {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Clock::Known(UnixTime::since_unix_epoch(since)),
            Err(_) => Clock::Unset,
        }
    }
}

/// A clock is itself a source that always answers the same: for tests, dry runs and machines without one.
impl TimeSource for Clock {
    fn now(&self) -> Clock {
        *self
    }
}

/// A `notBefore` to `notAfter` period, both ends included (RFC 5280 section 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    // Signed: UTCTime reaches back to 1950.
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

impl Validity {
    /// First second of the period, in seconds since 1970-01-01T00:00:00Z; negative before 1970.
    pub const fn not_before(&self) -> i64 {
        self.not_before
    }

    /// Last second of the period, in seconds since 1970-01-01T00:00:00Z; negative before 1970.
    pub const fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Whether `time` lies in the period, to the second and without any tolerance.
    pub fn contains(&self, time: UnixTime) -> bool {
        let now = seconds(time);
        self.not_before <= now && now <= self.not_after
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {}",
            Moment(self.not_before),
            Moment(self.not_after)
        )
    }
}

/// Seconds since the epoch as the signed type in which all ends are compared.
pub(crate) fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// A moment in seconds since the epoch, shown as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: i64 = 24 * 60 * 60;
        // Beyond the year 9999 there is no RFC 3339 form, and no certificate.
        let seconds = self.0.clamp(-2_208_988_800, 253_402_300_799);
        let days = seconds.div_euclid(DAY);
        let in_day = seconds.rem_euclid(DAY);
        let (year, month, day) = civil(days);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            in_day / 3600,
            in_day / 60 % 60,
            in_day % 60
        )
    }
}

/// The proleptic Gregorian date of a day number, counted from 1970-01-01.
///
/// Works in years that start in March, so that the leap day is the last of its year: 400 such years have
/// 146,097 days, and the months from March on have lengths that one linear formula gives.
fn civil(days: i64) -> (i64, i64, i64) {
    // Days from 0000-03-01 to 1970-01-01.
    let since_march_0 = days.saturating_add(719_468);
    let era = since_march_0.div_euclid(146_097);
    let in_era = since_march_0.rem_euclid(146_097);
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_shown_as_rfc_3339() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_798_761_600, "2027-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Moment(seconds).to_string(), shown);
        }
    }

    #[test]
    fn both_ends_of_a_period_are_inside() {
        let period = Validity {
            not_before: 10,
            not_after: 20,
        };
        let at = |seconds| UnixTime::since_unix_epoch(core::time::Duration::from_secs(seconds));
        assert!(!period.contains(at(9)));
        assert!(period.contains(at(10)));
        assert!(period.contains(at(20)));
        assert!(!period.contains(at(21)));
    }
}
