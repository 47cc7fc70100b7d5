//! Reads one consistent state of a file or a folder.

use std::fs::{self, FileType};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::include::Names;
use crate::admin::follow::error::{SourceError, TRUST_NONE};
use crate::certificate::breaks_a_line;
use crate::identity::{FileState, open};
use crate::limits::{MAX_FOLLOWED_FILES, MAX_FOLLOWED_NAMES, MAX_REREADS};
use crate::store::Truncated;

/// The link that replaces the content of a mounted Kubernetes secret at once.
const DATA: &str = "..data";

/// The content of a file or folder at one time.
#[derive(Debug)]
pub(super) struct Read {
    files: Vec<(PathBuf, Vec<u8>)>,
    /// A digest over names and contents.
    pub(super) digest: [u8; 32],
    /// The state of each file, from the file system.
    states: Vec<FileState>,
    /// Where the link of a mounted secret leads.
    link: Option<PathBuf>,
    /// Whether it changes by one rename, so that it is never half-written.
    pub(super) at_once: bool,
    /// The names in the folder that are not read.
    pub(super) passed_over: Truncated<String>,
}

impl Read {
    /// Each file with its bytes.
    pub(super) fn files(&self) -> impl Iterator<Item = &(PathBuf, Vec<u8>)> {
        self.files.iter()
    }

    /// Whether nothing was written between the two reads.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest && self.link == other.link && self.states == other.states
    }

    /// The first file that differs from that of an earlier read.
    pub(super) fn changed_since(&self, before: &Self) -> Option<&Path> {
        let mut old = before.files.iter().zip(&before.states);
        let mut new = self.files.iter().zip(&self.states);
        let changed = new.find(|((path, _), state)| {
            let same =
                |((was, _), at): (&(PathBuf, Vec<u8>), &FileState)| was == path && at == *state;
            !old.next().is_some_and(same)
        });
        changed.map(|((path, _), _)| path.as_path())
    }
}

/// Whether a read succeeded.
enum Attempt {
    Read(Read),
    /// This file or folder changed during the read.
    Changed(PathBuf),
}

/// Reads a file, or the files of a folder that have one of these names. Reads again if it changed meanwhile.
///
/// It takes a bounded number of steps and never waits for another process. A file system that does not answer can hold it
/// up.
pub(super) fn read(path: &Path, names: Names<'_>, limit: usize) -> Result<Read, SourceError> {
    let mut failed = None;
    for _ in 0..MAX_REREADS {
        failed = Some(match once(path, names, limit) {
            Ok(Attempt::Read(read)) => return Ok(read),
            Ok(Attempt::Changed(file)) => SourceError::Changing { path: file },
            // The link may be replaced at this moment.
            Err(error @ SourceError::Dangling { .. }) => error,
            Err(error) => return Err(error),
        });
    }
    Err(failed.unwrap_or_else(|| SourceError::Changing {
        path: path.to_owned(),
    }))
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

/// Reads it once.
fn once(path: &Path, names: Names<'_>, limit: usize) -> Result<Attempt, SourceError> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) => return absent(path, failed(path)(error), path),
    };
    let listed = if found.is_dir() {
        list(path, names)?
    } else {
        Listed::of(path)
    };
    let link = fs::read_link(path.join(DATA)).ok();
    let mut files = Vec::with_capacity(listed.files.len());
    let mut states = Vec::with_capacity(listed.files.len());
    let mut left = limit;
    for file in &listed.files {
        let read = match file_content(file, left) {
            Ok(read) => read,
            Err(SourceError::TooLarge { .. }) => {
                let path = path.to_owned();
                return Err(SourceError::TooLarge { path, limit });
            }
            Err(error) => return absent(file, error, path),
        };
        let Some((content, state)) = read else {
            return Ok(Attempt::Changed(file.clone()));
        };
        left = left.saturating_sub(content.len());
        files.push((file.clone(), content));
        states.push(state);
    }
    // Each file must still be the one that was read, so that one state of all was read and not a mixture.
    if found.is_dir() && list(path, names)?.files != listed.files {
        return Ok(Attempt::Changed(path.to_owned()));
    }
    if fs::read_link(path.join(DATA)).ok() != link {
        return Ok(Attempt::Changed(path.join(DATA)));
    }
    for (file, state) in listed.files.iter().zip(&states) {
        if FileState::at(file).ok().as_ref() != Some(state) {
            return Ok(Attempt::Changed(file.clone()));
        }
    }
    let is_through_link =
        |file: &PathBuf| fs::read_link(file).is_ok_and(|target| target.starts_with(DATA));
    Ok(Attempt::Read(Read {
        digest: digest_of(&files),
        at_once: link.is_some() && listed.files.iter().all(is_through_link),
        files,
        states,
        link,
        passed_over: listed.passed_over,
    }))
}

/// Over the names and contents, each with its length in 64 bits: the same on machines of every word size.
fn digest_of(files: &[(PathBuf, Vec<u8>)]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for (file, content) in files {
        let name = file.file_name().unwrap_or_default();
        for part in [name.as_encoded_bytes(), content.as_slice()] {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
    }
    digest.finalize().into()
}

/// A file that does not exist: it was removed since it was listed, or it is a link that leads nowhere.
fn absent(file: &Path, error: SourceError, source: &Path) -> Result<Attempt, SourceError> {
    let SourceError::Missing { .. } = error else {
        return Err(error);
    };
    if let Ok(target) = fs::read_link(file) {
        let path = file.to_owned();
        return Err(SourceError::Dangling { path, target });
    }
    if file == source {
        return Err(error);
    }
    Ok(Attempt::Changed(file.to_owned()))
}

/// The files of a folder that are read, by name, and the names that are not.
struct Listed {
    files: Vec<PathBuf>,
    passed_over: Truncated<String>,
}

impl Listed {
    fn of(file: &Path) -> Self {
        Self {
            files: vec![file.to_owned()],
            passed_over: Truncated::default(),
        }
    }
}

/// Lists a folder. Names that start with a dot are passed over, and those that start with two dots are not even counted:
/// they are the parts of a mounted secret.
fn list(folder: &Path, names: Names<'_>) -> Result<Listed, SourceError> {
    let too_many = |limit| SourceError::TooManyFiles {
        path: folder.to_owned(),
        limit,
    };
    let mut files = Vec::new();
    let mut others = Vec::new();
    let entries = fs::read_dir(folder).map_err(failed(folder))?;
    for (count, entry) in entries.enumerate() {
        if count >= MAX_FOLLOWED_NAMES {
            return Err(too_many(MAX_FOLLOWED_NAMES));
        }
        let entry = entry.map_err(failed(folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && names.has(&name) {
            files.push(entry.path());
        } else if !name.starts_with("..") {
            others.push(shown(&name));
        }
    }
    if files.len() > MAX_FOLLOWED_FILES {
        return Err(too_many(MAX_FOLLOWED_FILES));
    }
    files.sort();
    others.sort();
    let mut passed_over = Truncated::default();
    others.into_iter().for_each(|name| passed_over.push(name));
    let path = folder.to_owned();
    match (files.is_empty(), passed_over.is_empty()) {
        (false, _) => Ok(Listed { files, passed_over }),
        (true, true) => Err(SourceError::Empty {
            path,
            hint: TRUST_NONE,
        }),
        (true, false) => Err(SourceError::NothingMatches {
            path,
            patterns: names.to_string(),
            passed_over: listing(&passed_over),
            hint: TRUST_NONE,
        }),
    }
}

/// A text with names of files, as one line that is safe in a log.
pub(super) fn shown(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if breaks_a_line(letter) {
            char::REPLACEMENT_CHARACTER
        } else {
            letter
        }
    });
    letters.collect()
}

/// Names in one line: the first few, and how many more there are.
pub(super) fn listing(names: &Truncated<String>) -> String {
    /// Names that one line shows.
    const SHOWN: usize = 4;
    let first: Vec<&str> = names
        .items()
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect();
    let more = names.len().saturating_sub(first.len());
    match more {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Reads a whole file, with its state. `None` if it was replaced or written during the read.
///
/// The path is looked at before it is opened, since opening a device can have an effect. It is opened without waiting, and
/// what was opened is looked at before it is read: the path may lead elsewhere by then. A file without a length is not
/// read, since reading some files of the kernel waits.
fn file_content(path: &Path, limit: usize) -> Result<Option<(Vec<u8>, FileState)>, SourceError> {
    let named = fs::metadata(path).map_err(failed(path))?;
    regular(path, named.file_type())?;
    let mut file = open(path).map_err(failed(path))?;
    let before = file.metadata().map_err(failed(path))?;
    regular(path, before.file_type())?;
    let length = usize::try_from(before.len()).unwrap_or(usize::MAX);
    if length > limit {
        let path = path.to_owned();
        return Err(SourceError::TooLarge { path, limit });
    }
    let state = FileState::of(&before);
    let mut content = Vec::with_capacity(length);
    if length > 0 {
        // One byte more, to see that it grew.
        let bound = before.len().saturating_add(1);
        let read = file.by_ref().take(bound).read_to_end(&mut content);
        read.map_err(failed(path))?;
    } else if fs::canonicalize(path).is_ok_and(|real| real.starts_with("/proc")) {
        let kind = "a file of the kernel";
        return Err(not_a_file(path, kind));
    }
    let after = file.metadata().map_err(failed(path))?;
    let same = content.len() <= length && FileState::of(&after) == state;
    Ok(same.then_some((content, state)))
}

fn not_a_file(path: &Path, kind: &'static str) -> SourceError {
    let path = path.to_owned();
    SourceError::NotAFile { path, kind }
}

/// Refuses what is no regular file.
fn regular(path: &Path, found: FileType) -> Result<(), SourceError> {
    if found.is_file() {
        return Ok(());
    }
    let kind = if found.is_dir() {
        "a folder"
    } else {
        special(found)
    };
    Err(not_a_file(path, kind))
}

#[cfg(unix)]
fn special(found: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    if found.is_fifo() {
        "a pipe"
    } else if found.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "a device"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Fingerprint;

    // Computed by Python's hashlib.
    #[test]
    fn a_digest_is_the_same_on_every_machine() {
        let file = |name: &str, content: &[u8]| (PathBuf::from(name), content.to_vec());
        let files = [file("/there/a.pem", b"first"), file("/there/b.pem", b"")];
        let known = "18fbc7436dd8f5ac9f29379e2a751963eadf38f80fc8f8a99565e6f45c38875e";
        assert_eq!(
            digest_of(&files),
            *known.parse::<Fingerprint>().unwrap().as_bytes()
        );
    }
}
