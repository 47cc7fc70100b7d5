//! Reads the text of a file into a store, all of it or nothing: a snapshot, and the changes behind it.

use base64ct::{Base64, Encoding};

use super::format::{ALONE, ContentDigest, DIGEST, MINOR, SEAL, TITLE, WITH_JOURNAL, is_later};
use super::journal::{self, Found, Position};
use super::lines::{Lines, expected};
use super::records::{Done, Records};
use super::stored::JournalRecord;
use super::{LoadReport, Seal, SealState, StoreFile};
use crate::admin::file::error::StoreFileError;
use crate::certificate::KeyPolicy;
use crate::limits::{MAX_SEAL_BYTES, MAX_STORE_FILE_BYTES, MAX_STORE_WITH_JOURNAL};
use crate::store::{Truncated, TrustStore};

/// A file that was read: what it holds, and where in it a further change belongs.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) file: StoreFile,
    /// Behind the last whole change.
    pub(crate) position: Position,
    /// The major version.
    pub(crate) major: u32,
    /// The bytes of the snapshot.
    pub(crate) snapshot: usize,
}

/// Why a file was not read to its end.
#[derive(Debug)]
pub(crate) struct Damaged {
    pub(crate) error: StoreFileError,
    /// What stands before the damage, if that is a whole snapshot.
    pub(crate) before: Option<Box<Loaded>>,
}

impl From<StoreFileError> for Damaged {
    fn from(error: StoreFileError) -> Self {
        Self {
            error,
            before: None,
        }
    }
}

/// Reads a snapshot and the changes behind it, up to the generation `until`. Each change is told.
pub(crate) fn load(
    bytes: &[u8],
    keys: KeyPolicy,
    seal: Option<&dyn Seal>,
    until: u64,
    tell: &mut dyn FnMut(&JournalRecord),
) -> Result<Loaded, Damaged> {
    if bytes.is_empty() {
        return Err(StoreFileError::Empty.into());
    }
    let most = |size, limit| match size > limit {
        true => Err(StoreFileError::TooLarge { size, limit }),
        false => Ok(()),
    };
    most(bytes.len(), MAX_STORE_WITH_JOURNAL)?;
    let (text, padding) = journal::text_of(bytes)?;
    let mut lines = Lines::new(text);
    let (major, minor) = version(&mut lines)?;
    if major < WITH_JOURNAL {
        most(bytes.len(), MAX_STORE_FILE_BYTES)?;
        if padding > 0 {
            let line = text.bytes().filter(|byte| *byte == b'\n').count();
            let line = line.saturating_add(1);
            return Err(StoreFileError::NotText { line }.into());
        }
    }
    let mut records = Records::new(TrustStore::new(keys), (major, minor));
    while records.take(&lines.record()?)? {}
    let content = text.get(..lines.at()).unwrap_or("");
    let (digest_at, digest) = digest(&mut lines)?;
    let sealed = text.get(..lines.at()).unwrap_or("");
    let found = seal_line(&mut lines, major)?;
    if major < WITH_JOURNAL
        && let Some(more) = lines.next()?
    {
        return Err(expected(lines.number(), "the end of the file", more).into());
    }
    records.snapshot_done();
    records.check_text(content)?;
    let over = ContentDigest::over(content);
    // The digest is checked last, so that other errors name their line.
    if over.to_string() != digest {
        return Err(match digest.len() == 64 {
            true => StoreFileError::Digest,
            false => expected(digest_at, "a digest of 64 digits", digest),
        }
        .into());
    }
    let state = match (seal, &found) {
        (None, None) => SealState::None,
        (None, Some(_)) => SealState::NotVerified,
        (Some(_), None) => return Err(StoreFileError::SealMissing.into()),
        (Some(seal), Some(found)) => {
            if !seal.verify(sealed.as_bytes(), found) {
                return Err(StoreFileError::SealWrong.into());
            }
            SealState::Verified
        }
    };
    let snapshot = lines.at();
    most(snapshot, MAX_STORE_FILE_BYTES)?;
    let mut position = Position {
        digest: over,
        bytes: snapshot,
        lines: lines.number(),
        sealed: found.is_some(),
    };
    let rest = (text, padding > 0);
    let read = changes(&mut records, &mut position, rest, (seal, until), tell);
    let cut = match &read {
        Ok(true) => bytes.len().saturating_sub(position.bytes),
        Ok(false) | Err(_) => 0,
    };
    let about = About {
        major,
        minor,
        state,
        snapshot,
    };
    match read {
        Ok(_) => Ok(about.loaded(records, position, cut)),
        Err(error) => Err(Damaged {
            error,
            before: Some(Box::new(about.loaded(records, position, cut))),
        }),
    }
}

/// What the first lines of a file say.
struct About {
    major: u32,
    minor: u32,
    state: SealState,
    snapshot: usize,
}

impl About {
    fn loaded(self, records: Records, position: Position, cut: usize) -> Loaded {
        let Done {
            store,
            kept,
            disabled,
            disabled_crls,
        } = records.done();
        let mut long_migrations = Truncated::default();
        for found in store.contents().long_migrations() {
            long_migrations.push(found);
        }
        let report = LoadReport {
            generation: store.contents().generation(),
            digest: position.digest,
            seal: self.state,
            later_minor: is_later(self.minor).then_some(self.minor),
            entries: store.contents().data().all().count(),
            disabled,
            crls: store.contents().data().crls().count(),
            disabled_crls,
            long_migrations,
            cut,
        };
        Loaded {
            file: StoreFile {
                store,
                kept,
                report,
            },
            position,
            major: self.major,
            snapshot: self.snapshot,
        }
    }
}

/// Reads the changes from a position to the end of the text, to one that is cut, or up to a generation: then it returns
/// `false`. `padded`: whether bytes follow that are no text. After an error, `records` and `position` are those before
/// the damage.
pub(super) fn changes(
    records: &mut Records,
    position: &mut Position,
    (text, padded): (&str, bool),
    (seal, until): (Option<&dyn Seal>, u64),
    tell: &mut dyn FnMut(&JournalRecord),
) -> Result<bool, StoreFileError> {
    loop {
        let rest = text.get(position.bytes..).unwrap_or("");
        let change = match journal::look(rest, padded, position, seal)? {
            Found::Change(change) => change,
            Found::End | Found::Cut => return Ok(true),
        };
        if change.to() > until {
            return Ok(false);
        }
        let mut tried = records.fork();
        let made = change.make(&mut tried, position)?;
        *position = change.end(position);
        *records = tried;
        tell(&made);
    }
}

/// The major and the minor version.
fn version(lines: &mut Lines<'_>) -> Result<(u32, u32), StoreFileError> {
    let first = lines.next()?.unwrap_or("");
    let wrong = || expected(1, &format!("`{TITLE}{WITH_JOURNAL}.{MINOR}`"), first);
    let number = |text: &str| {
        let number: u32 = text.parse().ok()?;
        (number.to_string() == text).then_some(number)
    };
    let (major, minor) = first
        .strip_prefix(TITLE)
        .and_then(|version| version.split_once('.'))
        .ok_or_else(wrong)?;
    let major = number(major).ok_or_else(wrong)?;
    if major > WITH_JOURNAL {
        return Err(StoreFileError::NewerVersion {
            major,
            known: WITH_JOURNAL,
        });
    }
    if major < ALONE {
        return Err(wrong());
    }
    Ok((major, number(minor).ok_or_else(wrong)?))
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

fn seal_line(lines: &mut Lines<'_>, major: u32) -> Result<Option<Vec<u8>>, StoreFileError> {
    // A change may stand there instead.
    if major >= WITH_JOURNAL && !lines.starts_with(SEAL) {
        return Ok(None);
    }
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
