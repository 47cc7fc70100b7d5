//! Reads single files, and opens the lock.

#[cfg(not(unix))]
use std::fs::OpenOptions;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::time::SystemTime;

use crate::error::TransportError;
use crate::limits::MAX_READS;

/// The identity of a file and its state. It differs for another file, and after the file was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    length: u64,
    written: Option<SystemTime>,
    /// The device and the number of the file, and when either was changed.
    file: (u64, u64, i64, i64),
}

impl State {
    fn of(found: &Metadata) -> Self {
        Self {
            length: found.len(),
            written: found.modified().ok(),
            file: identity(found),
        }
    }

    /// The state of the file that a path leads to. `None` if there is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|found| Self::of(&found))
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> (u64, u64, i64, i64) {
    use std::os::unix::fs::MetadataExt as _;

    (found.dev(), found.ino(), found.ctime(), found.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64, i64, i64) {
    (0, 0, 0, 0)
}

pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> TransportError {
    let path = path.to_owned();
    move |source| TransportError::Io { path, source }
}

/// Reads a file of at most `limit` bytes, and again if it was written meanwhile. `None` if there is none.
///
/// The path is looked at before it is opened, since opening a device can have an effect. It is opened without waiting,
/// and what was opened is looked at before it is read: the path may lead elsewhere by then.
pub(super) fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, TransportError> {
    for _ in 0..MAX_READS {
        let named = match fs::metadata(path) {
            Ok(named) => named,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(path)(error)),
        };
        regular(path, &named)?;
        let file = match open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(path)(error)),
        };
        let before = file.metadata().map_err(failed(path))?;
        regular(path, &before)?;
        let too_large = || TransportError::TooLarge {
            at: path.display().to_string(),
            limit,
        };
        let length = usize::try_from(before.len()).unwrap_or(usize::MAX);
        if length > limit {
            return Err(too_large());
        }
        let mut content = Vec::with_capacity(length);
        // One byte more, to see that it grew.
        let bound = before.len().saturating_add(1);
        let read = (&file).take(bound).read_to_end(&mut content);
        read.map_err(failed(path))?;
        let after = file.metadata().map_err(failed(path))?;
        if content.len() == length && State::of(&after) == State::of(&before) {
            return Ok(Some(content));
        }
    }
    let what = "it is being written";
    Err(failed(path)(io::Error::new(ErrorKind::WouldBlock, what)))
}

fn regular(path: &Path, found: &Metadata) -> Result<(), TransportError> {
    if found.is_file() {
        return Ok(());
    }
    let path = path.to_owned();
    Err(TransportError::NotAFile { path })
}

/// Opens what a publisher locks, and makes it if there is none. Only its owner can open it, so no other user can hold the
/// lock. A link is not followed: its target would be made or locked.
pub(super) fn lock_file(path: &Path) -> Result<File, TransportError> {
    match fs::symlink_metadata(path) {
        Ok(found) => regular(path, &found)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(path)(error)),
    }
    let file = open_lock(path).map_err(failed(path))?;
    let found = file.metadata().map_err(failed(path))?;
    regular(path, &found)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        // One that was made with other rights. If it belongs to another user, that one decides.
        if found.permissions().mode() & 0o077 != 0 {
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
    }
    Ok(file)
}

#[cfg(unix)]
fn open_lock(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mode = Mode::RUSR | Mode::WUSR;
    Ok(File::from(rustix::fs::open(path, flags, mode)?))
}

#[cfg(not(unix))]
fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true);
    options.truncate(false).open(path)
}

/// Opens a file for reading. It waits neither for the writer of a pipe nor for a device.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}
