//! Splits the text into lines and records, without their meaning.

use super::format::{INDENT, checked, shown_line};
use crate::admin::file::error::StoreFileError;
use crate::certificate::breaks_a_line;
use crate::limits::MAX_STORE_LINE;

/// A line of a record below its first one.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) line: usize,
    /// The line with its indent.
    pub(super) text: &'a str,
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// A record: a first line, indented fields, and a PEM section.
pub(super) struct Record<'a> {
    pub(super) line: usize,
    /// The offset of the first line.
    pub(super) at: usize,
    /// The first line without its checksum.
    pub(super) head: &'a str,
    pub(super) fields: Vec<Field<'a>>,
    pub(super) section: Option<Section<'a>>,
    /// The whole text of the record.
    pub(super) text: &'a str,
}

impl<'a> Record<'a> {
    /// The text between the first line and the section.
    pub(super) fn below(&self) -> &'a str {
        let (_, below) = self.text.split_once('\n').unwrap_or_default();
        let section = self.section.map_or(0, |section| section.text.len());
        below
            .get(..below.len().saturating_sub(section))
            .unwrap_or("")
    }
}

/// A PEM section with its boundaries.
#[derive(Clone, Copy)]
pub(crate) struct Section<'a> {
    pub(crate) line: usize,
    pub(crate) text: &'a str,
}

/// Reads a text line by line.
#[derive(Clone)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    /// The offset of the next line.
    at: usize,
    /// The number of the last line that was read, from 1.
    number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            number: 0,
        }
    }

    /// Goes on at an offset, behind the line of this number.
    pub(super) fn from(text: &'a str, at: usize, number: usize) -> Self {
        Self { text, at, number }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Whether the next line starts so.
    pub(crate) fn starts_with(&self, start: &str) -> bool {
        self.text.get(self.at..).unwrap_or("").starts_with(start)
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// The text from here to where another reader of the same text is.
    #[cfg(feature = "bundle")]
    pub(super) fn text_to(&self, other: &Self) -> &'a str {
        other.slice(self.at)
    }

    /// The text between two offsets.
    fn slice(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or("")
    }

    /// The next line without its line end. `None` after the last one.
    pub(crate) fn next(&mut self) -> Result<Option<&'a str>, StoreFileError> {
        let rest = self.text.get(self.at..).unwrap_or("");
        if rest.is_empty() {
            return Ok(None);
        }
        let line = self.number.saturating_add(1);
        // A line without an end could be as long as the rest of the file. It is not searched beyond the limit.
        let window = rest.as_bytes();
        let window = window.get(..MAX_STORE_LINE).unwrap_or(window);
        let Some(length) = line_end(window) else {
            return Err(if rest.len() < MAX_STORE_LINE {
                StoreFileError::Truncated { line }
            } else {
                StoreFileError::LineTooLong {
                    line,
                    limit: MAX_STORE_LINE,
                }
            });
        };
        let found = rest.get(..length).unwrap_or("");
        // Almost all characters are base64, so bytes are checked first.
        let bad = if found.is_ascii() {
            // All bytes at once, rather than up to the first bad one: there is hardly ever one.
            found
                .bytes()
                .fold(false, |bad, byte| bad | byte.is_ascii_control())
        } else {
            found.chars().any(breaks_a_line)
        };
        if bad {
            return Err(StoreFileError::NotText { line });
        }
        self.at = self.at.saturating_add(length).saturating_add(1);
        self.number = line;
        Ok(Some(found))
    }

    /// The next line, if it starts with `start`.
    fn next_if(&mut self, start: &str) -> Result<Option<&'a str>, StoreFileError> {
        let rest = self.text.get(self.at..).unwrap_or("");
        if rest.starts_with(start) {
            self.next()
        } else {
            Ok(None)
        }
    }

    /// The next record.
    pub(super) fn record(&mut self) -> Result<Record<'a>, StoreFileError> {
        let start = self.at;
        let Some(first) = self.next()? else {
            return Err(StoreFileError::Truncated { line: self.number });
        };
        let line = self.number;
        let head = checked(first).ok_or_else(|| StoreFileError::ChecksumMismatch {
            line,
            found: shown_line(first),
        })?;
        let mut fields = Vec::new();
        while let Some(text) = self.next_if(INDENT)? {
            let inner = text.strip_prefix(INDENT).unwrap_or(text);
            let (name, value) = inner.split_once(' ').unwrap_or((inner, ""));
            fields.push(Field {
                line: self.number,
                text,
                name,
                value,
            });
        }
        let section = self.section()?;
        Ok(Record {
            line,
            at: start,
            head,
            fields,
            section,
            text: self.slice(start),
        })
    }

    /// The PEM section that begins in the next line, if there is one.
    pub(crate) fn section(&mut self) -> Result<Option<Section<'a>>, StoreFileError> {
        let start = self.at;
        if self.next_if("-----BEGIN ")?.is_none() {
            return Ok(None);
        }
        let line = self.number;
        loop {
            self.skip_base64();
            let Some(next) = self.next()? else {
                return Err(StoreFileError::Truncated { line: self.number });
            };
            if next.starts_with("-----END ") {
                let text = self.slice(start);
                return Ok(Some(Section { line, text }));
            }
        }
    }
}

/// The place of the first line feed, looked for many bytes at a time.
fn line_end(text: &[u8]) -> Option<usize> {
    const STEP: usize = 32;
    let is_end = |byte: &u8| *byte == b'\n';
    let (steps, _) = text.as_chunks::<STEP>();
    let has_end = |step: &[u8; STEP]| step.iter().fold(false, |any, byte| any | is_end(byte));
    let first = steps.iter().position(has_end).unwrap_or(steps.len());
    let before = first.checked_mul(STEP)?;
    let place = text.get(before..)?.iter().position(is_end)?;
    before.checked_add(place)
}

impl Lines<'_> {
    /// Goes on behind the lines of a section that have their full length, which are nearly all of a file. They are
    /// looked at many bytes at a time. It stops before a line that [`next`](Self::next) may refuse, and before one that
    /// may be a boundary.
    fn skip_base64(&mut self) {
        while let Some(line) = self.text.as_bytes().get(self.at..)
            && let Some((line, [b'\n', ..])) = line.split_first_chunk::<64>()
            && line.first() != Some(&b'-')
            && line
                .iter()
                .fold(true, |all, byte| all & byte.is_ascii_graphic())
        {
            self.at = self.at.saturating_add(line.len()).saturating_add(1);
            self.number = self.number.saturating_add(1);
        }
    }
}

/// The error for a line that does not have the expected form.
pub(crate) fn expected(line: usize, what: &str, found: &str) -> StoreFileError {
    StoreFileError::Line {
        line,
        expected: what.to_owned(),
        found: shown_line(found),
    }
}

/// Reads the value of a field that may appear only once.
pub(super) fn once<'a, T>(
    slot: &mut Option<T>,
    field: &Field<'a>,
    what: &str,
    read: impl FnOnce(&'a str) -> Option<T>,
) -> Result<(), StoreFileError> {
    let wrong = || expected(field.line, what, field.text);
    if slot.is_some() {
        return Err(expected(
            field.line,
            "a field that is not repeated",
            field.text,
        ));
    }
    *slot = Some(read(field.value).ok_or_else(wrong)?);
    Ok(())
}

/// Refuses a PEM section in a record that has none.
pub(super) fn no_section(record: &Record<'_>) -> Result<(), StoreFileError> {
    match record.section {
        None => Ok(()),
        Some(section) => Err(expected(
            section.line,
            "no PEM section in this record",
            section.text.lines().next().unwrap_or(""),
        )),
    }
}
