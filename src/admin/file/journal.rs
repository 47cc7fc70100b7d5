//! Reads the changes behind a snapshot, each whole or not at all.
//!
//! The last change may be cut: the machine stopped while it was being written. It was never confirmed then, and it is left
//! out. Anything else that is not a change is an error.

use super::change::{self, Between, CAME, CHANGE, ChangeHead, FoundSeal, GONE, REFUSED};
use super::format::{ContentDigest, DONE, INDENT, checked, generation, shown_line, time};
use super::lines::expected;
use super::records::{Records, contradiction};
use super::refusal::{self, StoredRefusal};
use super::sides::{kind, runs};
use super::stored::{JournalRecord, StoredChange};
use super::sums::LineSums;
use super::{Seal, headers};
use crate::admin::file::error::StoreFileError;
use crate::limits::{MAX_ASKED, MAX_LABEL_BYTES, MAX_STORE_LINE};

/// A file system may extend a file before it writes into it, so a cut change can end in bytes that are zero. Fewer than
/// these are a damaged file.
const MIN_PADDING: usize = 8;
/// More than what a file system adds at a time is not looked at.
const MAX_PADDING: usize = 1024 * 1024;

/// A place in a file behind a snapshot or a change.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    /// The digest of what stands before it.
    pub(crate) digest: ContentDigest,
    /// The bytes before it.
    pub(crate) bytes: usize,
    /// The lines before it.
    pub(crate) lines: usize,
    /// Whether the snapshot is sealed. Then each change is.
    pub(crate) sealed: bool,
}

/// What stands at a place of a file.
pub(super) enum Found<'a> {
    /// A whole change, or one that was refused.
    Change(Change<'a>),
    /// The end of the file.
    End,
    /// A change that was not written to its end.
    Cut,
}

/// A whole change: its digest and its seal match.
pub(super) struct Change<'a> {
    from: u64,
    to: u64,
    /// The lines between the first and the last one.
    rest: &'a str,
    /// The text under the digest.
    text: &'a str,
    digest: ContentDigest,
    /// All of it, seal included.
    bytes: usize,
    /// The number of its first line.
    line: usize,
}

/// The text of a file, and how many bytes at its end are no text because a change was cut.
pub(super) fn text_of(bytes: &[u8]) -> Result<(&str, usize), StoreFileError> {
    let error = match core::str::from_utf8(bytes) {
        Ok(text) => {
            let used = text.trim_end_matches('\0');
            let padding = text.len().saturating_sub(used.len());
            return Ok(match padding >= MIN_PADDING {
                true => (used, padding),
                false => (text, 0),
            });
        }
        Err(error) => error,
    };
    let before = bytes.get(..error.valid_up_to()).unwrap_or(&[]);
    let behind = bytes.get(before.len()..).unwrap_or(&[]);
    let padding = behind.len();
    // The last character is cut: at the end of the file, or before bytes that are zero.
    let looked = behind.get(..MAX_PADDING).unwrap_or(behind);
    let zeros = looked.iter().rev().take_while(|byte| **byte == 0).count();
    let last = behind.get(..padding.saturating_sub(zeros)).unwrap_or(&[]);
    let is_cut = padding <= MAX_PADDING
        && (zeros == 0 || zeros >= MIN_PADDING)
        && core::str::from_utf8(last)
            .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none());
    match (is_cut, core::str::from_utf8(before)) {
        (true, Ok(text)) => Ok((text, padding)),
        _ => {
            let line = before.iter().filter(|byte| **byte == b'\n').count();
            Err(StoreFileError::NotText {
                line: line.saturating_add(1),
            })
        }
    }
}

/// Looks what stands behind a position. `padded`: whether bytes follow that are no text.
pub(super) fn look<'a>(
    rest: &'a str,
    padded: bool,
    at: &Position,
    seal: Option<&dyn Seal>,
) -> Result<Found<'a>, StoreFileError> {
    let line = at.lines.saturating_add(1);
    let cut = |rest: &str, whole: &str| whole.starts_with(rest) || rest.starts_with(whole);
    let Some((first, below)) = rest.split_once('\n') else {
        return match rest {
            "" if !padded => Ok(Found::End),
            _ if (cut(rest, CHANGE) || cut(rest, REFUSED)) && rest.len() < MAX_STORE_LINE => {
                Ok(Found::Cut)
            }
            _ => Err(expected(line, "a change or the end of the file", rest)),
        };
    };
    let head = checked(first).ok_or_else(|| StoreFileError::ChecksumMismatch {
        line,
        found: shown_line(first),
    })?;
    let wrong = || expected(line, "`change`, its generations and its bytes", head);
    let (from, to, bytes) = first_line(head).ok_or_else(wrong)?;
    let lines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
    let (Some(inner), Some(behind)) = (below.get(..bytes), below.get(bytes..)) else {
        // One that has its last line is whole: lines are missing in it.
        if has_last_line(below) || bytes <= below.len() {
            return Err(StoreFileError::Truncated {
                line: at.lines.saturating_add(lines(rest)),
            });
        }
        return Ok(Found::Cut);
    };
    let length = first.len().saturating_add(1).saturating_add(bytes);
    let text = rest.get(..length).unwrap_or("");
    let digest = ContentDigest::over(text);
    let done = change::done_line(digest, LineSums::over(text));
    let last = line.saturating_add(1).saturating_add(lines(inner));
    let Some(behind) = behind.strip_prefix(&done) else {
        // As above: what is behind may be the rest of the last line.
        if done.starts_with(behind) && !has_last_line(inner) {
            return Ok(Found::Cut);
        }
        let found = behind.lines().next().unwrap_or("");
        return Err(damaged(text, line, found).unwrap_or_else(|| {
            // It is this line, or more lines than one.
            let what = format!("`{}`, as lines {line} to {last} need it", done.trim_end());
            expected(last, &what, found)
        }));
    };
    let mut length = length.saturating_add(done.len());
    if at.sealed {
        let (bytes, sealed) = match change::read_seal(behind) {
            FoundSeal::Whole(bytes, line) => (bytes, line),
            FoundSeal::Cut => return Ok(Found::Cut),
            FoundSeal::Wrong => {
                let found = behind.lines().next().unwrap_or("");
                return Err(expected(last.saturating_add(1), "a seal", found));
            }
        };
        let under = rest.get(..length).unwrap_or("");
        if seal.is_some_and(|seal| !seal.verify(under.as_bytes(), &bytes)) {
            return Err(StoreFileError::SealWrong);
        }
        length = length.saturating_add(sealed.len());
    }
    Ok(Found::Change(Change {
        from,
        to,
        rest: inner,
        text,
        digest,
        bytes: length,
        line,
    }))
}

/// Whether the last line of a change begins in a text. All others begin with a sign or a blank.
fn has_last_line(text: &str) -> bool {
    text.starts_with(DONE) || text.contains(&format!("\n{DONE}"))
}

/// The error for the line in which a change differs from what its last line says, if that is one line. `line` is the number
/// of the first line of the change.
fn damaged(text: &str, line: usize, done: &str) -> Option<StoreFileError> {
    let (_, sums) = change::read_done(done)?;
    let number = sums.damaged(text)?;
    let found = text.lines().nth(number.checked_sub(1)?)?;
    Some(StoreFileError::ChecksumMismatch {
        line: line.saturating_add(number).saturating_sub(1),
        found: shown_line(found),
    })
}

/// Reads `change TO after FROM bytes N`, or `refused after FROM bytes N`.
fn first_line(head: &str) -> Option<(u64, u64, usize)> {
    let (generations, bytes) = head.split_once(" bytes ")?;
    let bytes = bytes.parse().ok()?;
    let (from, to) = match generations.strip_prefix(REFUSED) {
        Some(after) => (generation(after)?, generation(after)?),
        None => {
            let (to, from) = generations.strip_prefix(CHANGE)?.split_once(" after ")?;
            (generation(from)?, generation(to)?)
        }
    };
    let same = change::first_line(from, to, bytes) == head;
    (same && from <= to).then_some((from, to, bytes))
}

impl Change<'_> {
    /// The generation after it.
    pub(super) fn to(&self) -> u64 {
        self.to
    }

    /// The position behind it.
    pub(super) fn end(&self, at: &Position) -> Position {
        let lines = self.text.bytes().filter(|byte| *byte == b'\n').count();
        Position {
            digest: self.digest,
            bytes: at.bytes.saturating_add(self.bytes),
            lines: at
                .lines
                .saturating_add(lines)
                .saturating_add(1)
                .saturating_add(usize::from(at.sealed)),
            sealed: at.sealed,
        }
    }

    /// Makes the change in the records, which are in the state before it. After an error they are not to be used.
    pub(super) fn make(
        &self,
        records: &mut Records,
        at: &Position,
    ) -> Result<JournalRecord, StoreFileError> {
        let generation = records.store.contents().generation();
        let first = self.text.lines().next().unwrap_or("");
        if generation != self.from {
            let what = format!("a change after generation {generation}");
            return Err(expected(self.line, &what, first));
        }
        let (fields, body) = self.fields()?;
        if fields.head.before != at.digest {
            let what = format!("`before sha256 {}`", at.digest);
            let found = format!("before sha256 {}", fields.head.before);
            return Err(expected(self.line.saturating_add(1), &what, &found));
        }
        match fields.because {
            None => {
                let made = self.make_change(fields.head, body, records);
                Ok(JournalRecord::Change(made?))
            }
            Some(because) => {
                let refusal = StoredRefusal {
                    head: fields.head,
                    because,
                    omitted: fields.omitted,
                    digest: self.digest,
                    bytes: self.bytes,
                };
                // It changes nothing, so that its fields are all that it has.
                match refusal::open(&refusal) {
                    written if written == self.text => Ok(JournalRecord::Refusal(refusal)),
                    written => Err(self.first_difference(&written)),
                }
            }
        }
    }

    fn make_change(
        &self,
        head: ChangeHead,
        body: &str,
        records: &mut Records,
    ) -> Result<StoredChange, StoreFileError> {
        let (before, kept_before) = (records.store.contents().clone(), records.kept.clone());
        let fields = self.rest.len().saturating_sub(body.len());
        let above = self.rest.get(..fields).unwrap_or("").lines().count();
        let line = self.line.saturating_add(above);
        records.floor = before.floor();
        records.came.clear();
        records.take_out(&runs(body, line, GONE)?)?;
        for run in runs(body, line, CAME)? {
            for record in run.records()? {
                let is_one = !matches!(kind(&record), "generation" | "head" | "end");
                if !is_one || !records.take(&record)? {
                    return Err(expected(record.line, "a record of a change", record.head));
                }
            }
        }
        let places = records.store.check_places(&before);
        places.map_err(contradiction(self.line))?;
        let came = core::mem::take(&mut records.came);
        records.store.replayed(&came, self.to, records.floor);
        let written = change::open(
            &head,
            Between {
                before: &before,
                kept_before: &kept_before,
                after: records.store.contents(),
                kept_after: &records.kept,
            },
        );
        if written != self.text {
            return Err(self.first_difference(&written));
        }
        Ok(StoredChange {
            head,
            records: body.to_owned(),
            digest: self.digest,
        })
    }

    fn first_difference(&self, written: &str) -> StoreFileError {
        let mut wanted = written.lines();
        let mut number = self.line;
        for found in self.text.lines() {
            let wanted = wanted.next();
            // The first line only counts the bytes.
            if wanted != Some(found) && number > self.line {
                let wanted = shown_line(wanted.unwrap_or("the last line of the change"));
                return expected(number, &format!("in this place `{wanted}`"), found);
            }
            number = number.saturating_add(1);
        }
        let wanted = shown_line(wanted.next().unwrap_or("another change"));
        expected(number, &format!("in this place `{wanted}`"), "")
    }

    /// The fields, and the text behind them.
    fn fields(&self) -> Result<(Fields, &str), StoreFileError> {
        let is_refusal = self.from == self.to;
        let mut number = self.line;
        let mut rest = self.rest;
        let (mut before, mut because, mut omitted) = (None, None, 0);
        let mut head = ChangeHead {
            from: self.from,
            to: self.to,
            before: self.digest,
            at: None,
            asked: Vec::new(),
            more: 0,
        };
        // Their order is checked when the change is written again.
        while let Some((text, below)) = rest.split_once('\n') {
            let Some(field) = text.strip_prefix(INDENT) else {
                break;
            };
            number = number.saturating_add(1);
            let wrong = || expected(number, "a field of a change", text);
            one_line(text, number)?;
            let (name, value) = field.split_once(' ').ok_or_else(wrong)?;
            match name {
                "before" => {
                    let digest = value.strip_prefix("sha256 ").and_then(ContentDigest::read);
                    before = Some(digest.ok_or_else(wrong)?);
                }
                "at" => head.at = Some(time(value).ok_or_else(wrong)?),
                "asked" if head.asked.len() < MAX_ASKED => {
                    head.asked.push((value.to_owned(), None));
                }
                "by" if value.len() <= MAX_LABEL_BYTES && !value.is_empty() => {
                    let last = head.asked.last_mut().ok_or_else(wrong)?;
                    last.1 = Some(value.to_owned());
                }
                "more" => head.more = headers::parsed(value).ok_or_else(wrong)?,
                "because" if is_refusal => because = Some(value.to_owned()),
                "omitted" if is_refusal => omitted = headers::parsed(value).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            }
            rest = below;
        }
        let missing = |field| expected(self.line, &format!("a field `{field}` below it"), "none");
        head.before = before.ok_or_else(|| missing("before"))?;
        if is_refusal && because.is_none() {
            return Err(missing("because"));
        }
        let fields = Fields {
            head,
            because,
            omitted,
        };
        Ok((fields, rest))
    }
}

/// The fields of a change.
struct Fields {
    head: ChangeHead,
    /// Why it was refused, if it was.
    because: Option<String>,
    omitted: u64,
}

fn one_line(text: &str, line: usize) -> Result<(), StoreFileError> {
    match text.chars().any(crate::certificate::breaks_a_line) {
        true => Err(StoreFileError::NotText { line }),
        false => Ok(()),
    }
}
