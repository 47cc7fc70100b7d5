//! Whether a change of a damaged file is whole, and the form of the lines that have no checksum.

use super::change::{CHANGE, REFUSED, read_done};
use super::format::{ContentDigest, DIGEST, DONE, LABEL, SEAL, TITLE, checked, generation};
use super::headers::parsed;
use crate::certificate::CRL_LABEL;
use crate::limits::MAX_STORE_LINE;
use crate::store::{EntryKey, ServerId};

/// Whether a file, which may be damaged, has a seal: no other line begins so.
pub(crate) fn has_seal(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(SEAL.as_bytes()))
}

/// The first place in a damaged file at which a change begins, with the number of its line.
pub(crate) fn first_change(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0_usize;
    for (number, line) in (1_usize..).zip(bytes.split(|byte| *byte == b'\n')) {
        let text = core::str::from_utf8(line).ok().and_then(checked);
        if text.is_some_and(begins_change) {
            return Some((at, number));
        }
        at = at.saturating_add(line.len()).saturating_add(1);
    }
    None
}

/// Whether this is the first line of a change, also of a refused one.
pub(super) fn begins_change(head: &str) -> bool {
    head.starts_with(CHANGE) || head.starts_with(REFUSED)
}

/// A change whose lines are being read.
#[derive(Default)]
pub(super) struct OpenChange {
    /// Whether what it took out is certain: no line is damaged that may put it in again.
    pub(super) is_certain: bool,
    /// Whether it is whole apart from the line `damaged`.
    pub(super) is_known: bool,
    /// Whether it is damaged in a way that the sums do not show.
    pub(super) is_damaged: bool,
    /// The line that is damaged, by the sums.
    pub(super) damaged: Option<usize>,
    /// What it took out, as far as it did not put it in again.
    pub(super) went: Vec<EntryKey>,
    pub(super) released: Vec<ServerId>,
    /// Entries that were removed by a call of this name.
    pub(super) removed: Vec<EntryKey>,
    /// The damaged lines before it.
    pub(super) before: usize,
}

/// What is known of a change whose first line is whole.
pub(super) enum Extent {
    /// It is as it was written.
    Whole,
    /// One line is damaged: its number in the change, from 1.
    Line(usize),
    /// More lines are damaged, or it is not known which.
    Damaged,
}

/// Looks at a change. `first` is the length of its first line, and `head` that line without its checksum.
pub(super) fn extent(bytes: &[u8], head: &str, first: usize, budget: &mut usize) -> Extent {
    known(bytes, head, first, budget).unwrap_or(Extent::Damaged)
}

fn known(bytes: &[u8], head: &str, first: usize, budget: &mut usize) -> Option<Extent> {
    let below: usize = parsed(head.rsplit_once(" bytes ")?.1)?;
    let length = first.checked_add(1)?.checked_add(below)?;
    let (text, behind) = bytes.split_at_checked(length)?;
    let behind = behind.get(..MAX_STORE_LINE).unwrap_or(behind);
    let done = behind.split(|byte| *byte == b'\n').next()?;
    let (digest, sums) = read_done(core::str::from_utf8(done).ok()?)?;
    *budget = budget.checked_sub(length)?;
    let text = core::str::from_utf8(text).ok()?;
    if ContentDigest::over(text) == digest {
        return Some(Extent::Whole);
    }
    sums.damaged(text).map(Extent::Line)
}

/// The generations before and after a change. They are equal if it was refused.
pub(super) fn generations(head: &str) -> Option<(u64, u64)> {
    let (numbers, _) = head.split_once(" bytes ")?;
    if let Some(after) = numbers.strip_prefix(REFUSED).and_then(generation) {
        return Some((after, after));
    }
    let (to, from) = numbers.strip_prefix(CHANGE)?.split_once(" after ")?;
    Some((generation(from)?, generation(to)?))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// A line between the files' parts, whole. One that is longer may have the first line of a record at its end.
pub(super) fn is_frame(text: &str) -> bool {
    if let Some(version) = text.strip_prefix(TITLE) {
        return version
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    }
    if let Some(digest) = text.strip_prefix(DIGEST) {
        return ContentDigest::read(digest).is_some();
    }
    if let Some(seal) = text.strip_prefix(SEAL) {
        return seal.bytes().all(|byte| is_base64(byte) || byte == b' ');
    }
    text.starts_with(DONE) && read_done(text).is_some()
}

/// The first or last line of a section.
pub(super) fn is_boundary(text: &str, word: &str) -> bool {
    let label = text
        .strip_prefix("-----")
        .and_then(|text| text.strip_prefix(word))
        .and_then(|text| text.strip_prefix(' '))
        .and_then(|text| text.strip_suffix("-----"));
    label.is_some_and(|label| label == LABEL || label == CRL_LABEL)
}

/// A line of base64 between them.
pub(super) fn is_section_line(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_base64)
}
