//! The words of the file, and the form of times, checksums and digests.

use core::fmt;
use core::time::Duration;

use pki_types::UnixTime;
use sha2::{Digest, Sha256};

use crate::admin::file::error::StoreFileError;
use crate::certificate::{Timestamp, seconds};
use crate::limits::MAX_SHOWN_LINE;

/// What the first line starts with.
pub(super) const TITLE: &str = "mutual-trust store ";
/// The major version of a snapshot alone.
pub(super) const ALONE: u32 = 1;
/// The major version of a snapshot that a journal follows or once followed. A reader that knows only version 1 refuses
/// it, since it would take the snapshot without the changes behind it.
pub(crate) const WITH_JOURNAL: u32 = 2;
/// Unknown records of a later minor version are kept.
pub(super) const MINOR: u32 = ORDERED;
/// The minor version of a file without anything that a later one added.
pub(super) const OLDEST_MINOR: u32 = 0;
/// The minor versions that this one writes.
pub(crate) const MINORS: [u32; 2] = [OLDEST_MINOR, ORDERED];
/// The minor version that gives servers a role and a place.
pub(super) const ORDERED: u32 = 1;

/// Whether a file of this minor version may have unknown records.
pub(super) const fn is_later(minor: u32) -> bool {
    minor > MINOR
}

pub(super) const DIGEST: &str = "digest sha256 ";
/// What the last line of a change starts with.
pub(super) const DONE: &str = "done sha256 ";
/// What stands between the digest and the sums of a change.
pub(super) const LINES: &str = " lines ";
pub(super) const SEAL: &str = "seal ";
/// The label of a certificate section (RFC 7468 section 5).
pub(super) const LABEL: &str = "CERTIFICATE";
/// The indent of the fields of a record.
pub(super) const INDENT: &str = "  ";
/// The separator before the checksum of a line.
const CHECK: &str = " #";
/// The last second that RFC 3339 has a form for: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// The checksum at the end of the first line of a record. It shows whether this line is undamaged when other parts of
/// the file are damaged.
pub(super) fn check(head: &str) -> impl fmt::Display + use<> {
    Check(Sha256::digest(head.as_bytes()).into())
}

/// The first four bytes of a digest, behind the separator.
struct Check([u8; 32]);

impl Check {
    /// Its text.
    fn text(&self) -> [u8; CHECK.len() + 8] {
        let mut text = *b" #00000000";
        let digits = text.iter_mut().skip(CHECK.len());
        let nibbles = self.0.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        for (place, value) in digits.zip(nibbles) {
            *place = match value {
                0..=9 => b'0'.wrapping_add(value),
                _ => b'a'.wrapping_sub(10).wrapping_add(value),
            };
        }
        text
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.text()).unwrap_or(CHECK))
    }
}

/// A line without its checksum, if the checksum matches.
pub(super) fn checked(line: &str) -> Option<&str> {
    let head = line.get(..line.len().checked_sub(CHECK.len().saturating_add(8))?)?;
    let found = line.get(head.len()..)?;
    let check = Check(Sha256::digest(head.as_bytes()).into());
    (found.as_bytes() == check.text()).then_some(head)
}

/// The number of generations. A number that cannot grow any more is refused: nothing newer could be published after it.
pub(super) const GENERATIONS: u64 = 1 << 62;

/// Reads a generation.
pub(super) fn generation(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number < GENERATIONS).then_some(number)
}

/// Refuses to write a generation that cannot be read again.
pub(super) fn check_generation(generation: u64) -> Result<(), StoreFileError> {
    match generation < GENERATIONS {
        true => Ok(()),
        false => Err(StoreFileError::NoGenerationLeft { generation }),
    }
}

/// A time as RFC 3339 in UTC; after the year 9999, `@` and its seconds.
pub(crate) struct Time(pub(crate) UnixTime);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.as_secs() > LAST {
            return write!(f, "@{}", self.0.as_secs());
        }
        write!(f, "{}", Timestamp(seconds(self.0)))
    }
}

/// Reads what [`Time`] writes, and nothing else.
pub(crate) fn time(text: &str) -> Option<UnixTime> {
    let seconds = match text.strip_prefix('@') {
        Some(seconds) => seconds.parse().ok()?,
        None => rfc_3339(text)?,
    };
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    (Time(time).to_string() == text).then_some(time)
}

/// Seconds since the epoch of `2027-01-01T00:00:00Z`. [`time`] detects invalid dates by writing the value again.
fn rfc_3339(text: &str) -> Option<u64> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years start in March here, so that the leap day is the last day of a year.
    let year = if month > 2 { year } else { year - 1 };
    let from_march = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    let since_march_0 = year * 365 + leap_days + (153 * from_march + 2) / 5 + day - 1;
    let days = since_march_0.checked_sub(719_468)?;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// A grace in seconds, with nanoseconds if it is not whole.
pub(super) fn grace_text(grace: Duration) -> String {
    match grace.subsec_nanos() {
        0 => format!("{} s", grace.as_secs()),
        nanos => format!("{}.{nanos:09} s", grace.as_secs()),
    }
}

pub(super) fn grace(text: &str) -> Option<Duration> {
    let number = text.strip_suffix(" s")?;
    let (seconds, nanos) = match number.split_once('.') {
        Some((seconds, nanos)) => (seconds, nanos.parse().ok()?),
        None => (number, 0),
    };
    let grace = Duration::new(seconds.parse().ok()?, 0).checked_add(Duration::from_nanos(nanos))?;
    (grace_text(grace) == text).then_some(grace)
}

/// The start of a line, for an error.
pub(super) fn shown_line(line: &str) -> String {
    let mut start: String = line.chars().take(MAX_SHOWN_LINE).collect();
    if start.len() < line.len() {
        start.push('…');
    }
    start.escape_debug().to_string()
}

/// SHA-256 over the last change in a file, or over the snapshot if there is none. Each change contains the digest before
/// it, so it is equal for two controllers exactly if they have the same content with the same history.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentDigest([u8; 32]);

impl ContentDigest {
    pub(crate) fn over(content: &str) -> Self {
        Self(Sha256::digest(content.as_bytes()).into())
    }

    /// Reads what `Display` writes.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(at.checked_mul(2)?..)?.get(..2)?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        let read = Self(bytes);
        (read.to_string() == text).then_some(read)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Lower-case hexadecimal, as `sha256sum` prints it.
impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        for seconds in [
            0,
            1,
            86_399,
            951_782_399,
            951_782_400,
            951_868_800,
            1_798_761_600,
            4_107_542_400,
            LAST,
            LAST + 1,
            u64::MAX,
        ] {
            let text = Time(at(seconds)).to_string();
            assert_eq!(time(&text), Some(at(seconds)), "{text}");
        }
        assert_eq!(Time(at(LAST)).to_string(), "9999-12-31T23:59:59Z");
        for text in [
            "",
            "@",
            "@5",
            "@+5",
            "2027-01-01",
            "2027-13-01T00:00:00Z",
            "2027-02-30T00:00:00Z",
            "2027-01-01T24:00:00Z",
            "2027-01-01T00:60:00Z",
            "2027-01-01t00:00:00Z",
            "2027-01-01T00:00:00Z ",
            "+027-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z",
            "9999-99-99T99:99:99Z",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn a_grace_is_read_as_it_is_written() {
        for grace_of in [
            Duration::ZERO,
            Duration::from_secs(86_400),
            Duration::new(1, 1),
            Duration::new(0, 999_999_999),
            Duration::MAX,
        ] {
            assert_eq!(grace(&grace_text(grace_of)), Some(grace_of));
        }
        for text in [
            "",
            "1",
            "1s",
            "01 s",
            "1.5 s",
            "1.000000000 s",
            "-1 s",
            "1.1000000000 s",
        ] {
            assert_eq!(grace(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_is_shown_whole_up_to_its_limit_and_its_start_beyond() {
        let line = |length| "ö".repeat(length);
        assert_eq!(shown_line("short\t"), "short\\t");
        assert_eq!(shown_line(&line(MAX_SHOWN_LINE)), line(MAX_SHOWN_LINE));
        let start = format!("{}…", line(MAX_SHOWN_LINE));
        assert_eq!(shown_line(&line(MAX_SHOWN_LINE + 1)), start);
    }

    #[test]
    fn a_check_tells_any_change_of_its_line() {
        let line = format!("server keys-1 claimed{}", check("server keys-1 claimed"));
        assert_eq!(checked(&line), Some("server keys-1 claimed"));
        for at in 0..line.len() {
            let mut changed = line.clone().into_bytes();
            changed[at] ^= 1;
            assert_eq!(checked(&String::from_utf8(changed).unwrap()), None);
        }
        assert_eq!(checked("server keys-1 claimed"), None);
    }
}
