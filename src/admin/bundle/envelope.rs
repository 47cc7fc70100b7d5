//! The items of a publication, each with its length in bytes, without their meaning.

use std::borrow::Cow;

use super::error::BundleError;
use super::text::{VERSION, damaged, line_at, number, title};
use crate::admin::file::error::StoreFileError;
use crate::admin::file::expected;
use crate::limits::MAX_PUBLICATION_BYTES;

/// What errors call it.
pub(super) const WHAT: &str = "publication";
/// What its first line starts with.
const TITLE: &str = "mutual-trust publication";
/// The kinds of items.
pub(super) const KEY_SET: &str = "key-set";
pub(super) const BUNDLE: &str = "bundle";
pub(super) const SIGNATURE: &str = "signature";
/// The last line.
const END: &str = "end";
/// Longest line of the envelope in bytes: a kind, and a length of eight digits.
const MAX_LINE: usize = 64;

/// One item.
pub(super) struct Item<'a> {
    pub(super) kind: &'static str,
    pub(super) bytes: &'a [u8],
    /// Where its first line begins.
    pub(super) at: usize,
}

/// Reads a publication item by item.
pub(super) struct Items<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Items<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, BundleError> {
        let (size, limit) = (bytes.len(), MAX_PUBLICATION_BYTES);
        if size > limit {
            let what = WHAT;
            return Err(BundleError::TooLarge { what, size, limit });
        }
        let mut items = Self { bytes, at: 0 };
        title(WHAT, TITLE, items.line()?)?;
        Ok(items)
    }

    /// Where the next line begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    fn line(&mut self) -> Result<&'a str, BundleError> {
        let rest = self.rest();
        let window = rest.get(..MAX_LINE).unwrap_or(rest);
        let Some(length) = window.iter().position(|byte| *byte == b'\n') else {
            let line = line_at(self.bytes, self.at);
            return Err(damaged(
                WHAT,
                match rest.len() < MAX_LINE {
                    true => StoreFileError::Truncated { line },
                    false => StoreFileError::LineTooLong {
                        line,
                        limit: MAX_LINE,
                    },
                },
            ));
        };
        let found = window.get(..length).unwrap_or(&[]);
        let printable = found.iter().all(|byte| matches!(byte, b' '..=b'~'));
        let text = core::str::from_utf8(found).ok().filter(|_| printable);
        let text = text.ok_or_else(|| {
            let line = line_at(self.bytes, self.at);
            damaged(WHAT, StoreFileError::NotText { line })
        })?;
        self.at = self.at.saturating_add(length).saturating_add(1);
        Ok(text)
    }

    /// The next item; `None` after the last one.
    pub(super) fn next(&mut self) -> Result<Option<Item<'a>>, BundleError> {
        let at = self.at;
        let text = self.line()?;
        if text == END {
            return match self.rest() {
                [] => Ok(None),
                [..] => Err(self.wrong(self.at, "the end of the publication", "")),
            };
        }
        let read = text.split_once(' ').and_then(|(kind, size)| {
            let mut kinds = [KEY_SET, BUNDLE, SIGNATURE].into_iter();
            let kind = kinds.find(|known| *known == kind)?;
            Some((kind, usize::try_from(number(size)?).ok()?))
        });
        let wanted = "a kind of item and its size, or `end`";
        let (kind, size) = read.ok_or_else(|| self.wrong(at, wanted, text))?;
        let Some(bytes) = self.rest().get(..size) else {
            let all = line_at(self.bytes, self.bytes.len());
            return Err(damaged(WHAT, StoreFileError::Truncated { line: all }));
        };
        self.at = self.at.saturating_add(size);
        Ok(Some(Item { kind, bytes, at }))
    }

    /// An error of the line that begins there. Lines are counted when one is wrong, and only then.
    pub(super) fn wrong(&self, at: usize, wanted: &str, found: &str) -> BundleError {
        let line = line_at(self.bytes, at);
        damaged(WHAT, expected(line, wanted, found))
    }
}

/// Writes a publication of these items.
pub(super) fn written(items: &[(&'static str, Cow<'_, [u8]>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(size(items));
    out.extend_from_slice(format!("{TITLE} {VERSION}\n").as_bytes());
    for (kind, bytes) in items {
        out.extend_from_slice(header(kind, bytes.len()).as_bytes());
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(END.as_bytes());
    out.push(b'\n');
    out
}

/// The number of bytes of a publication of these items.
pub(super) fn size(items: &[(&'static str, Cow<'_, [u8]>)]) -> usize {
    let ends = [TITLE, " ", VERSION, "\n", END, "\n"].map(str::len);
    let items = items
        .iter()
        .flat_map(|(kind, bytes)| [header(kind, bytes.len()).len(), bytes.len()]);
    items.chain(ends).fold(0, usize::saturating_add)
}

fn header(kind: &str, size: usize) -> String {
    format!("{kind} {size}\n")
}
