//! Reads the text of a file into a store, all of it or nothing.

use core::fmt;

use base64ct::{Base64, Encoding};

use super::format::{ContentDigest, DIGEST, MAJOR, MINOR, SEAL, TITLE, is_later, shown_line};
use super::lines::{Lines, expected};
use super::records::{Done, Records};
use super::{LoadReport, Seal, SealState, StoreFile, UnknownRecords, write};
use crate::admin::file::error::StoreFileError;
use crate::certificate::KeyPolicy;
use crate::limits::{MAX_SEAL_BYTES, MAX_STORE_FILE_BYTES};
use crate::store::{Truncated, TrustSnapshot, TrustStore};

/// See [`super::read`].
pub(super) fn file(
    text: &[u8],
    keys: KeyPolicy,
    seal: Option<&dyn Seal>,
) -> Result<StoreFile, StoreFileError> {
    let text = as_text(text)?;
    let mut lines = Lines::new(text);
    let minor = version(&mut lines)?;
    let mut records = Records::new(TrustStore::new(keys), minor);
    while records.take(&lines.record()?)? {}
    let content = text.get(..lines.at()).unwrap_or("");
    let (digest_at, digest) = digest(&mut lines)?;
    let sealed = text.get(..lines.at()).unwrap_or("");
    let found = seal_line(&mut lines)?;
    if let Some(more) = lines.next()? {
        return Err(expected(lines.number(), "the end of the file", more));
    }
    let Done {
        store,
        mut kept,
        disabled,
        disabled_crls,
    } = records.done();
    same_text(store.contents(), &kept, content)?;
    if !is_later(minor) {
        // It is written back in the form of this version.
        kept.minor = MINOR;
    }
    let over = ContentDigest::over(content);
    // The digest is checked last, so that other errors name their line.
    if over.to_string() != digest {
        return Err(match digest.len() == 64 {
            true => StoreFileError::Digest,
            false => expected(digest_at, "a digest of 64 digits", digest),
        });
    }
    let state = match (seal, found) {
        (None, None) => SealState::None,
        (None, Some(_)) => SealState::NotVerified,
        (Some(_), None) => return Err(StoreFileError::SealMissing),
        (Some(seal), Some(found)) => {
            if !seal.verify(sealed.as_bytes(), &found) {
                return Err(StoreFileError::SealWrong);
            }
            SealState::Verified
        }
    };
    let mut long_migrations = Truncated::default();
    for found in store.contents().long_migrations() {
        long_migrations.push(found);
    }
    let report = LoadReport {
        generation: store.contents().generation(),
        digest: over,
        seal: state,
        later_minor: is_later(minor).then_some(minor),
        entries: store.contents().data().all().count(),
        disabled,
        crls: store.contents().data().crls().count(),
        disabled_crls,
        long_migrations,
    };
    Ok(StoreFile {
        store,
        kept,
        report,
    })
}

fn as_text(text: &[u8]) -> Result<&str, StoreFileError> {
    if text.is_empty() {
        return Err(StoreFileError::Empty);
    }
    if text.len() > MAX_STORE_FILE_BYTES {
        return Err(StoreFileError::TooLarge {
            size: text.len(),
            limit: MAX_STORE_FILE_BYTES,
        });
    }
    core::str::from_utf8(text).map_err(|error| {
        let before = text.get(..error.valid_up_to()).unwrap_or(&[]);
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        StoreFileError::NotText {
            line: line.saturating_add(1),
        }
    })
}

/// The minor version.
fn version(lines: &mut Lines<'_>) -> Result<u32, StoreFileError> {
    let first = lines.next()?.unwrap_or("");
    let wrong = || expected(1, &format!("`{TITLE}{MAJOR}.{MINOR}`"), first);
    let number = |text: &str| {
        let number: u32 = text.parse().ok()?;
        (number.to_string() == text).then_some(number)
    };
    let (major, minor) = first
        .strip_prefix(TITLE)
        .and_then(|version| version.split_once('.'))
        .ok_or_else(wrong)?;
    let major = number(major).ok_or_else(wrong)?;
    if major > MAJOR {
        return Err(StoreFileError::NewerVersion {
            major,
            known: MAJOR,
        });
    }
    if major < MAJOR {
        return Err(wrong());
    }
    number(minor).ok_or_else(wrong)
}

fn digest<'a>(lines: &mut Lines<'a>) -> Result<(usize, &'a str), StoreFileError> {
    let Some(line) = lines.next()? else {
        return Err(StoreFileError::Truncated {
            line: lines.number(),
        });
    };
    let digest = line.strip_prefix(DIGEST);
    let digest = digest.ok_or_else(|| expected(lines.number(), &format!("`{DIGEST}`"), line))?;
    Ok((lines.number(), digest))
}

fn seal_line(lines: &mut Lines<'_>) -> Result<Option<Vec<u8>>, StoreFileError> {
    let Some(line) = lines.next()? else {
        return Ok(None);
    };
    let wrong = || expected(lines.number(), "a seal or the end of the file", line);
    let encoded = line.strip_prefix(SEAL).ok_or_else(wrong)?;
    let seal = Base64::decode_vec(encoded).map_err(|_| wrong())?;
    if seal.is_empty() || seal.len() > MAX_SEAL_BYTES {
        return Err(wrong());
    }
    Ok(Some(seal))
}

/// Whether writing the content again gives the same text. Then nothing was skipped or misread, and the records are in
/// the right order.
fn same_text(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    content: &str,
) -> Result<(), StoreFileError> {
    let mut same = Same {
        rest: content,
        line: 1,
        wanted: String::new(),
    };
    let written = write::content(view, kept, &mut same);
    if written.is_ok() && same.rest.is_empty() {
        return Ok(());
    }
    let found = same.rest.lines().next().unwrap_or("");
    let wanted = shown_line(same.wanted.lines().next().unwrap_or("the next record"));
    Err(expected(
        same.line,
        &format!("in this place `{wanted}`"),
        found,
    ))
}

/// Compares what is written with the text that was read.
struct Same<'a> {
    rest: &'a str,
    line: usize,
    /// The expected text.
    wanted: String,
}

impl fmt::Write for Same<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                let ends = text.bytes().filter(|byte| *byte == b'\n').count();
                self.line = self.line.saturating_add(ends);
                self.rest = rest;
                Ok(())
            }
            None => {
                self.wanted = text.to_owned();
                Err(fmt::Error)
            }
        }
    }
}
