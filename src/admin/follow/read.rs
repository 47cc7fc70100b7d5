//! Reads one consistent state of a file or a folder.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::admin::follow::error::SourceError;
use crate::certificate::{Certificate, Fingerprint};
use crate::limits::{MAX_FOLLOWED_BYTES, MAX_FOLLOWED_FILES, MAX_FOLLOWED_NAMES, MAX_REREADS};

/// The line with which a file says that no peer is trusted.
const TRUST_NOBODY: &str = "trust nobody";
/// The link that replaces the content of a mounted Kubernetes secret at once.
const DATA: &str = "..data";

/// The content of a file or folder at one time.
#[derive(Debug)]
pub(super) struct Read {
    files: Vec<(PathBuf, Vec<u8>)>,
    /// A digest over names and contents.
    pub(super) digest: [u8; 32],
    /// The identity, length and modification time of the files, from the file system.
    stamp: Stamp,
    /// Whether it changes by one rename, so that it is never half-written.
    pub(super) at_once: bool,
}

/// The certificates to install.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) digest: [u8; 32],
    pub(super) certificates: Vec<Certificate>,
    pub(super) fingerprints: BTreeSet<Fingerprint>,
}

#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    folder: Option<String>,
    link: Option<PathBuf>,
    files: Vec<(OsString, String)>,
}

impl Read {
    /// Whether nothing was written between the two reads.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest && self.stamp == other.stamp
    }

    /// The certificates of all files, each once, or an explicit statement that no peer is trusted.
    pub(super) fn content(&self) -> Result<Content, SourceError> {
        let mut trusts_none = None;
        let mut certificates = Vec::new();
        let mut fingerprints = BTreeSet::new();
        for (path, content) in &self.files {
            if content.is_empty() {
                return Err(SourceError::Empty { path: path.clone() });
            }
            if says_no_peer(content) {
                trusts_none = Some(path);
                continue;
            }
            let found = Certificate::many_from_pem(content);
            let found = found.map_err(|source| SourceError::Certificates {
                path: path.clone(),
                source,
            })?;
            if lines(content).any(|line| line == TRUST_NOBODY) {
                let path = path.clone();
                return Err(SourceError::Contradiction { path });
            }
            let new = found
                .into_iter()
                .filter(|found| fingerprints.insert(found.fingerprint()));
            certificates.extend(new);
        }
        match trusts_none {
            Some(path) if !certificates.is_empty() => {
                Err(SourceError::Contradiction { path: path.clone() })
            }
            _ => Ok(Content {
                digest: self.digest,
                certificates,
                fingerprints,
            }),
        }
    }
}

fn says_no_peer(content: &[u8]) -> bool {
    let mut said = lines(content);
    said.next() == Some(TRUST_NOBODY) && said.next().is_none()
}

/// The lines of a file. None if it is not text.
fn lines(content: &[u8]) -> impl Iterator<Item = &str> {
    let text = core::str::from_utf8(content).unwrap_or("");
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Reads a file or a folder, again if it changed meanwhile.
pub(super) fn read(path: &Path) -> Result<Read, SourceError> {
    for _ in 0..MAX_REREADS {
        match once(path) {
            Ok(Some(read)) => return Ok(read),
            // It changed. It also changed if a listed file no longer exists.
            Ok(None) => {}
            Err(SourceError::Missing { path: gone }) if gone != path => {}
            Err(error) => return Err(error),
        }
    }
    Err(SourceError::Changing {
        path: path.to_owned(),
    })
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> SourceError {
    let path = path.to_owned();
    move |source| {
        if source.kind() == ErrorKind::NotFound {
            SourceError::Missing { path }
        } else {
            SourceError::Io { path, source }
        }
    }
}

/// Reads it once. `None` if it changed during the read.
fn once(path: &Path) -> Result<Option<Read>, SourceError> {
    let found = fs::metadata(path).map_err(failed(path))?;
    let listed = if found.is_dir() {
        list(path)?
    } else {
        vec![path.to_owned()]
    };
    if listed.is_empty() {
        return Err(SourceError::Empty {
            path: path.to_owned(),
        });
    }
    let before = stamp(path, &listed)?;
    let mut files = Vec::with_capacity(listed.len());
    let mut left = MAX_FOLLOWED_BYTES;
    for file in &listed {
        let Some(content) = file_content(file, left)? else {
            return Ok(None);
        };
        left = left
            .checked_sub(content.len())
            .ok_or_else(|| SourceError::TooLarge {
                path: path.to_owned(),
                limit: MAX_FOLLOWED_BYTES,
            })?;
        files.push((file.clone(), content));
    }
    let again = if found.is_dir() {
        list(path)?
    } else {
        listed.clone()
    };
    if again != listed || stamp(path, &again)? != before {
        return Ok(None);
    }
    let mut digest = Sha256::new();
    for (file, content) in &files {
        let name = file.file_name().unwrap_or_default();
        for part in [name.as_encoded_bytes(), content.as_slice()] {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
    }
    Ok(Some(Read {
        files,
        digest: digest.finalize().into(),
        at_once: before.link.is_some(),
        stamp: before,
    }))
}

/// The files of a folder, by name. Names that start with a dot are skipped.
fn list(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let too_many = |limit| SourceError::TooManyFiles {
        path: folder.to_owned(),
        limit,
    };
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).map_err(failed(folder))?;
    for (count, entry) in entries.enumerate() {
        if count >= MAX_FOLLOWED_NAMES {
            return Err(too_many(MAX_FOLLOWED_NAMES));
        }
        let entry = entry.map_err(failed(folder))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            files.push(entry.path());
        }
    }
    if files.len() > MAX_FOLLOWED_FILES {
        return Err(too_many(MAX_FOLLOWED_FILES));
    }
    files.sort();
    Ok(files)
}

fn stamp(path: &Path, files: &[PathBuf]) -> Result<Stamp, SourceError> {
    let whole = fs::metadata(path).map_err(failed(path))?;
    let of_file = |file: &PathBuf| {
        let found = fs::metadata(file).map_err(failed(file))?;
        // The type is checked before the file is opened: opening a pipe would wait for a writer.
        if !found.is_file() {
            return Err(SourceError::NotAFile { path: file.clone() });
        }
        let name = file.file_name().unwrap_or_default();
        Ok((name.to_owned(), identity(&found)))
    };
    Ok(Stamp {
        folder: whole.is_dir().then(|| identity(&whole)),
        link: fs::read_link(path.join(DATA)).ok(),
        files: files.iter().map(of_file).collect::<Result<_, _>>()?,
    })
}

/// The identity of a file and of its state: it differs for another file, and after the file was written.
#[cfg(unix)]
fn identity(found: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;

    format!(
        "{} {} {} {}.{} {}.{}",
        found.dev(),
        found.ino(),
        found.len(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec()
    )
}

#[cfg(not(unix))]
fn identity(found: &Metadata) -> String {
    format!("{} {:?}", found.len(), found.modified().ok())
}

/// Reads a whole file. `None` if it was replaced or written during the read.
fn file_content(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
    let mut file = File::open(path).map_err(failed(path))?;
    let before = file.metadata().map_err(failed(path))?;
    if !before.is_file() {
        return Err(SourceError::NotAFile {
            path: path.to_owned(),
        });
    }
    let bound = u64::try_from(limit.saturating_add(1)).unwrap_or(u64::MAX);
    let mut content = Vec::new();
    let read = file.by_ref().take(bound).read_to_end(&mut content);
    read.map_err(failed(path))?;
    let after = file.metadata().map_err(failed(path))?;
    let named = fs::metadata(path).map_err(failed(path))?;
    let same = identity(&before) == identity(&after) && identity(&after) == identity(&named);
    Ok(same.then_some(content))
}
