//! Reads the texts of a fleet line by line.

use core::str::FromStr;

use super::error::BundleError;
use crate::admin::file::error::StoreFileError;
use crate::admin::file::{Lines, expected, read_section};

/// The version of all these texts.
pub(super) const VERSION: &str = "1.0";

/// A number in its one form, without a sign or leading zeros.
pub(super) fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// What has one form as text.
pub(super) fn exact<T: FromStr + ToString>(text: &str) -> Option<T> {
    let read: T = text.parse().ok()?;
    (read.to_string() == text).then_some(read)
}

/// A text that cannot be read.
pub(super) fn damaged(what: &'static str, source: StoreFileError) -> BundleError {
    BundleError::Damaged {
        what,
        line: source.line(),
        source: Box::new(source),
    }
}

/// The number of the line of an offset, from 1.
pub(super) fn line_at(bytes: &[u8], offset: usize) -> usize {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let ends = before.iter().filter(|byte| **byte == b'\n').count();
    ends.saturating_add(1)
}

/// Checks the first line of a text.
pub(super) fn title(what: &'static str, title: &str, line: &str) -> Result<(), BundleError> {
    let found = line.strip_prefix(title);
    match found.and_then(|version| version.strip_prefix(' ')) {
        Some(VERSION) => Ok(()),
        Some(version) if is_version(version) => Err(BundleError::UnknownVersion {
            what,
            found: version.to_owned(),
        }),
        _ => Err(damaged(
            what,
            expected(1, &format!("`{title} {VERSION}`"), line),
        )),
    }
}

fn is_version(text: &str) -> bool {
    let part = |text: &str| text.len() <= 5 && number(text).is_some();
    text.split_once('.')
        .is_some_and(|(major, minor)| part(major) && part(minor))
}

/// Reads one text.
pub(super) struct Reader<'a> {
    what: &'static str,
    text: &'a str,
    pub(super) lines: Lines<'a>,
}

impl<'a> Reader<'a> {
    /// `what` is named in errors; `first` is what the first line has before the version.
    pub(super) fn new(
        what: &'static str,
        first: &str,
        bytes: &'a [u8],
        limit: usize,
    ) -> Result<Self, BundleError> {
        if bytes.len() > limit {
            return Err(BundleError::TooLarge {
                what,
                size: bytes.len(),
                limit,
            });
        }
        let text = core::str::from_utf8(bytes).map_err(|error| {
            let line = line_at(bytes, error.valid_up_to());
            damaged(what, StoreFileError::NotText { line })
        })?;
        let mut reader = Self {
            what,
            text,
            lines: Lines::new(text),
        };
        title(what, first, reader.line()?)?;
        Ok(reader)
    }

    /// The next line.
    fn line(&mut self) -> Result<&'a str, BundleError> {
        let next = self.lines.next().map_err(|error| damaged(self.what, error));
        let line = self.lines.number();
        next?.ok_or_else(|| damaged(self.what, StoreFileError::Truncated { line }))
    }

    /// The value behind a name and a blank.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, BundleError> {
        let line = self.line()?;
        let value = line.strip_prefix(name);
        let value = value.and_then(|value| value.strip_prefix(' '));
        let wanted = || format!("`{name}` and {what}");
        value
            .and_then(read)
            .ok_or_else(|| self.wrong(&wanted(), line))
    }

    /// Whether the next line starts so.
    pub(super) fn starts_with(&self, start: &str) -> bool {
        self.lines.starts_with(start)
    }

    /// The content of a section in PEM.
    pub(super) fn section(&mut self, label: &str, limit: usize) -> Result<Vec<u8>, BundleError> {
        let wanted = format!("a section `{label}` in PEM, in lines of 64 characters");
        let section = self.lines.section();
        let section = section.map_err(|error| damaged(self.what, error))?;
        let Some(section) = section else {
            let line = self.line()?;
            return Err(self.wrong(&wanted, line));
        };
        let content = read_section(label, section.text, limit).filter(|found| !found.is_empty());
        content.ok_or_else(|| damaged(self.what, expected(section.line, &wanted, label)))
    }

    /// An error of the line that was read last.
    pub(super) fn wrong(&self, wanted: &str, line: &str) -> BundleError {
        damaged(self.what, expected(self.lines.number(), wanted, line))
    }

    /// Reads a line that must be this one.
    pub(super) fn only(&mut self, wanted: &str) -> Result<(), BundleError> {
        let line = self.line()?;
        match line == wanted {
            true => Ok(()),
            false => Err(self.wrong(&format!("`{wanted}`"), line)),
        }
    }

    /// The rest of the text, which is read elsewhere.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.lines.at()..).unwrap_or("")
    }

    /// Checks that the text ends here.
    pub(super) fn at_end(&mut self) -> Result<(), BundleError> {
        let more = self.lines.next();
        match more.map_err(|error| damaged(self.what, error))? {
            None => Ok(()),
            Some(more) => Err(self.wrong("the end of the text", more)),
        }
    }

    /// Checks that the text ends here, and that it is the one that its content has.
    pub(super) fn end(mut self, written: &str) -> Result<(), BundleError> {
        self.at_end()?;
        if self.text == written {
            return Ok(());
        }
        let pairs = self.text.lines().zip(written.lines()).zip(1_usize..);
        let mut pairs = pairs.skip_while(|((found, wanted), _)| found == wanted);
        let ((found, wanted), line) = pairs.next().unwrap_or((("", ""), 1));
        Err(damaged(
            self.what,
            expected(line, &format!("`{wanted}`"), found),
        ))
    }
}
