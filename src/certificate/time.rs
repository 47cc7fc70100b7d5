//! Times, clocks and validity periods.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use pki_types::UnixTime;

use crate::certificate::error::TimestampError;

/// The current time, as far as the machine knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the time is known or unknown, and every caller would have to handle a third state"
)]
pub enum CurrentTime {
    /// The current time, in whole seconds since 1970-01-01T00:00:00Z.
    Known(UnixTime),
    /// There is no clock, or it was not set since power-on (rule M7).
    Unset,
}

impl CurrentTime {
    /// The time, if it is known.
    pub(crate) fn known(self) -> Option<UnixTime> {
        match self {
            Self::Known(now) => Some(now),
            Self::Unset => None,
        }
    }
}

/// A source of the current time.
///
/// # Security
/// Expiry is judged by this clock. If a peer can set it, that peer chooses which certificates are valid.
pub trait TimeSource: fmt::Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> CurrentTime;
}

/// The clock of the operating system. [`CurrentTime::Unset`] if it is before 1970.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The clock of the operating system.
    pub const fn new() -> Self {
        Self
    }
}

impl TimeSource for SystemClock {
    fn now(&self) -> CurrentTime {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => CurrentTime::Known(UnixTime::since_unix_epoch(since)),
            Err(_) => CurrentTime::Unset,
        }
    }
}

/// A source that always returns the same time: for tests, dry runs and machines without a clock.
impl TimeSource for CurrentTime {
    fn now(&self) -> CurrentTime {
        *self
    }
}

/// The validity period from `notBefore` to `notAfter`. Both ends are included (RFC 5280 section 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    // Signed, because UTCTime reaches back to 1950.
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

impl Validity {
    /// The first second of the period.
    pub const fn not_before(&self) -> Timestamp {
        Timestamp(self.not_before)
    }

    /// The last second of the period.
    pub const fn not_after(&self) -> Timestamp {
        Timestamp(self.not_after)
    }

    /// Whether `time` is within the period. Both ends count, and there is no tolerance.
    pub fn contains(&self, time: UnixTime) -> bool {
        let now = seconds(time);
        self.not_before <= now && now <= self.not_after
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.not_before(), self.not_after())
    }
}

/// Seconds since 1970, in the signed type in which times are compared. Saturates.
pub(crate) fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// A point in time, to the second. All times that this crate reports have this type.
///
/// `Display` writes RFC 3339 in UTC. `FromStr` reads that form, or a date alone, which means the first second of that
/// day. Times before 1970 are possible: a `UTCTime` in a certificate reaches back to 1950.
///
/// ```
/// use std::time::SystemTime;
///
/// use mutual_trust::certificate::Timestamp;
///
/// let time: Timestamp = "2027-01-31".parse()?;
/// assert_eq!(time.to_string(), "2027-01-31T00:00:00Z");
/// assert_eq!(time, "2027-01-31T00:00:00Z".parse()?);
/// assert!(SystemTime::try_from(time)? > SystemTime::UNIX_EPOCH);
/// # Ok::<(), mutual_trust::error::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub(crate) i64);

impl Timestamp {
    /// The time `seconds` after 1970-01-01T00:00:00Z, or before it if negative.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z; negative before it.
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl From<UnixTime> for Timestamp {
    fn from(time: UnixTime) -> Self {
        Self(seconds(time))
    }
}

/// Fails for times before 1970, which `UnixTime` cannot express.
impl TryFrom<Timestamp> for UnixTime {
    type Error = TimestampError;

    fn try_from(time: Timestamp) -> Result<Self, TimestampError> {
        let since = u64::try_from(time.0).map_err(|_| TimestampError::OutOfRange)?;
        Ok(Self::since_unix_epoch(Duration::from_secs(since)))
    }
}

/// Rounds down to the second.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(since) => whole(since),
            Err(before) => {
                let before = before.duration();
                let up = i64::from(before.subsec_nanos() > 0);
                whole(before).saturating_add(up).saturating_neg()
            }
        })
    }
}

/// Fails for times that the operating system cannot express.
impl TryFrom<Timestamp> for SystemTime {
    type Error = TimestampError;

    fn try_from(time: Timestamp) -> Result<Self, TimestampError> {
        let distance = Duration::from_secs(time.0.unsigned_abs());
        let found = if time.0 < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        found.ok_or(TimestampError::OutOfRange)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads `2027-01-31` or `2027-01-31T12:00:00Z`. No other zone, no fractions, and only days that exist.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time.strip_suffix('Z').ok_or(TimestampError::Format)?),
            None => (text, "00:00:00"),
        };
        let parts: Vec<&str> = date.split('-').chain(time.split(':')).collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        if lengths != [4, 2, 2, 2, 2, 2] {
            return Err(TimestampError::Format);
        }
        let digits = format!("{}Z", parts.concat());
        let moment = read_time(GENERALIZED_TIME, digits.as_bytes());
        moment.map(Self).ok_or(TimestampError::Format)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: i64 = 24 * 60 * 60;
        // RFC 3339 ends with the year 9999, and so do certificates.
        let seconds = self.0.clamp(-2_208_988_800, 253_402_300_799);
        let days = seconds.div_euclid(DAY);
        let in_day = seconds.rem_euclid(DAY);
        let (year, month, day) = civil(days);
        // Digit by digit into one text: a store's file has a time for each entry.
        let mut text = *b"0000-00-00T00:00:00Z";
        for (at, number) in [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, in_day / 3600),
            (14, in_day / 60 % 60),
            (17, in_day % 60),
        ] {
            for (place, digit) in text.iter_mut().skip(at).zip([number / 10, number % 10]) {
                *place = b'0'.wrapping_add(u8::try_from(digit).unwrap_or(0));
            }
        }
        f.write_str(core::str::from_utf8(&text).unwrap_or(""))
    }
}

/// The proleptic Gregorian date of a day number, counted from 1970-01-01.
///
/// It uses years that start in March, so that the leap day is the last day of its year. 400 such years have 146,097
/// days, and one linear formula gives the lengths of the months from March on.
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

/// The day number of a proleptic Gregorian date, counted from 1970-01-01. The inverse of [`civil`].
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let from_march = (month + 9) % 12;
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let in_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + in_year - 719_468
}

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Reads a UTCTime or GeneralizedTime in the only form that DER and RFC 5280 section 4.1.2.5 allow: in UTC, to the
/// second, with all fields present.
pub(super) fn read_time(tag: u8, content: &[u8]) -> Option<i64> {
    let digits = content.strip_suffix(b"Z")?;
    let number = |from: usize, count: usize| {
        let digits = digits.get(from..from.checked_add(count)?)?;
        digits.iter().try_fold(0_i64, |sum, digit| {
            digit
                .is_ascii_digit()
                .then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, rest) = match (tag, digits.len()) {
        // Two digits mean the years from 1950 to 2049.
        (UTC_TIME, 12) => (1950 + (number(0, 2)? + 50) % 100, 2),
        (GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let part = |index: usize| number(rest + 2 * index, 2);
    let (month, day) = (part(0)?, part(1)?);
    let (hour, minute, second) = (part(2)?, part(3)?, part(4)?);
    let days = day_number(year, month, day);
    let exists = (1..=12).contains(&month) && civil(days) == (year, month, day);
    let in_day = hour < 24 && minute < 60 && second < 60;
    (exists && in_day).then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_der_has_them_and_in_no_other_form() {
        let utc = |text: &str| read_time(UTC_TIME, text.as_bytes());
        let generalized = |text: &str| read_time(GENERALIZED_TIME, text.as_bytes());
        assert_eq!(utc("700101000000Z"), Some(0));
        assert_eq!(utc("691231235959Z"), Some(-1));
        assert_eq!(utc("000229235959Z"), Some(951_868_799));
        assert_eq!(utc("500101000000Z"), Some(-631_152_000));
        assert_eq!(utc("491231235959Z"), Some(2_524_607_999));
        assert_eq!(generalized("20270101000000Z"), Some(1_798_761_600));
        assert_eq!(generalized("99991231235959Z"), Some(253_402_300_799));
        for bad in [
            "",
            "Z",
            "7001010000Z",
            "700101000000",
            "700101000000+0000Z",
            "700101000060Z",
            "700101006000Z",
            "700101240000Z",
            "700132000000Z",
            "700230000000Z",
            "010229000000Z",
            "701301000000Z",
            "700001000000Z",
            "700100000000Z",
            "70010100000 Z",
            "-00101000000Z",
            "19700101000000Z",
        ] {
            assert_eq!(utc(bad), None, "{bad}");
        }
        for bad in [
            "700101000000Z",
            "20270101000000.5Z",
            "20270101000000",
            "20270229000000Z",
        ] {
            assert_eq!(generalized(bad), None, "{bad}");
        }
        assert_eq!(read_time(0x16, b"700101000000Z"), None);
        // Every day of several eras is displayed and read as the same day.
        for day in (-25_000_i64..60_000).step_by(7) {
            let text = Timestamp(day * 86_400).to_string();
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            assert_eq!(
                generalized(&format!("{digits}Z")),
                Some(day * 86_400),
                "{text}"
            );
        }
    }

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
            assert_eq!(Timestamp(seconds).to_string(), shown);
        }
    }

    #[test]
    fn moments_are_read_as_they_are_shown_and_in_no_other_form() {
        for seconds in [-1, 0, 951_868_799, 1_798_761_600, 253_402_300_799] {
            let moment = Timestamp::from_seconds(seconds);
            let read: Timestamp = moment.to_string().parse().unwrap();
            assert_eq!((read, read.seconds()), (moment, seconds));
        }
        let day: Timestamp = "2027-01-01".parse().unwrap();
        assert_eq!(day.seconds(), 1_798_761_600);
        assert_eq!(
            Timestamp::from(UnixTime::try_from(day).unwrap()).to_string(),
            "2027-01-01T00:00:00Z"
        );
        for bad in [
            "",
            "2027",
            "2027-1-1",
            "27-01-01",
            "2027-02-29",
            "2027-01-01T00:00:00",
            "2027-01-01T00:00:00z",
            "2027-01-01T00:00:00+01:00",
            "2027-01-01T00:00:00.5Z",
            "2027-01-01T24:00:00Z",
            "2027-01-01 00:00:00Z",
            "2027-01-01-00:00:00",
            "2027:01:01",
            "+027-01-01",
            "2027-01-01T00:00Z",
            " 2027-01-01",
            "2027-01-01TT00:00:0Z",
            "２027-01-01",
        ] {
            assert_eq!(
                bad.parse::<Timestamp>(),
                Err(TimestampError::Format),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_time_converts_to_the_types_of_clocks_and_back() {
        for seconds in [0, 1, 1_798_761_600, 253_402_300_799] {
            let time = Timestamp(seconds);
            assert_eq!(Timestamp::from(UnixTime::try_from(time).unwrap()), time);
            assert_eq!(Timestamp::from(SystemTime::try_from(time).unwrap()), time);
        }
        let early = Timestamp(-631_152_000);
        assert_eq!(UnixTime::try_from(early), Err(TimestampError::OutOfRange));
        assert_eq!(Timestamp::from(SystemTime::try_from(early).unwrap()), early);
        // Parts of a second are rounded down, before 1970 as well.
        let half = Duration::from_millis(500);
        assert_eq!(Timestamp::from(UNIX_EPOCH + half), Timestamp(0));
        assert_eq!(Timestamp::from(UNIX_EPOCH - half), Timestamp(-1));
    }

    #[test]
    fn both_ends_of_a_period_are_inside() {
        let period = Validity {
            not_before: 10,
            not_after: 20,
        };
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        assert!(!period.contains(at(9)));
        assert!(period.contains(at(10)));
        assert!(period.contains(at(20)));
        assert!(!period.contains(at(21)));
    }

    #[test]
    fn a_period_is_shown_by_its_ends() {
        let period = Validity {
            not_before: 0,
            not_after: 1_798_761_600,
        };
        let shown = "1970-01-01T00:00:00Z to 2027-01-01T00:00:00Z";
        assert_eq!(period.to_string(), shown);
    }
}
