//! Opens files that another program can replace: never waits, and tells whether a file is still the same.

use std::fs::{self, File, Metadata};
use std::io;
#[cfg(feature = "admin")]
use std::io::Read as _;
use std::path::Path;

/// Opens a file for reading, and never waits: not for the writer of a pipe, and not for a device or for a lease of
/// another process. Look at what was opened before reading: the path may have changed since it was looked at.
///
/// Links are followed, since a mounted secret consists of links.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        options.custom_flags(NONBLOCK | NOCTTY);
    }
    options.open(path)
}

/// Reads a regular file as text, of a longer one at most one byte more than `limit`.
#[cfg(feature = "admin")]
pub(crate) fn text_within(path: &Path, limit: usize) -> io::Result<String> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = String::new();
    file.take(most).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
const LINUX: bool = cfg!(any(target_os = "linux", target_os = "android"));
#[cfg(unix)]
const MIPS: bool = cfg!(any(target_arch = "mips", target_arch = "mips64"));
#[cfg(unix)]
const SPARC: bool = cfg!(any(target_arch = "sparc", target_arch = "sparc64"));
#[cfg(unix)]
const SOLARIS: bool = cfg!(any(target_os = "solaris", target_os = "illumos"));
#[cfg(unix)]
const APPLE: bool = cfg!(target_vendor = "apple");
#[cfg(unix)]
const BSD: bool = cfg!(any(
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
));

/// `O_NONBLOCK`, which the standard library does not have. 0 on a system that is not known here: then only the look at
/// the path before opening protects from waiting.
#[cfg(unix)]
const NONBLOCK: i32 = match () {
    () if LINUX && MIPS => 0x80,
    () if LINUX && SPARC => 0x4000,
    () if LINUX => 0o4000,
    () if SOLARIS => 0x80,
    () if APPLE || BSD => 0x4,
    () => 0,
};

/// `O_NOCTTY`: a terminal that is opened does not become that of the process. 0 on a system that is not known here.
#[cfg(unix)]
const NOCTTY: i32 = match () {
    () if LINUX && MIPS => 0x800,
    () if LINUX && SPARC => 0x8000,
    () if LINUX => 0o400,
    () if SOLARIS => 0x800,
    () if APPLE => 0x2_0000,
    () if BSD => 0x8000,
    () => 0,
};

/// The identity of a file and its state. It differs for another file, and after the file was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileState(String);

impl FileState {
    /// The state that the file system tells.
    #[cfg(unix)]
    pub(crate) fn of(found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self(format!(
            "{} {} {} {}.{} {}.{}",
            found.dev(),
            found.ino(),
            found.len(),
            found.mtime(),
            found.mtime_nsec(),
            found.ctime(),
            found.ctime_nsec()
        ))
    }

    /// The state that the file system tells.
    #[cfg(not(unix))]
    pub(crate) fn of(found: &Metadata) -> Self {
        Self(format!("{} {:?}", found.len(), found.modified().ok()))
    }

    /// The state of the file that a path leads to now.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|found| Self::of(&found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without the flag, this test would not end: the pipe has no writer.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_opened_without_its_writer() {
        use std::os::unix::fs::FileTypeExt;
        use std::process::Command;

        let name = format!("mutual-trust-pipe-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let opened = open(&path).and_then(|file| file.metadata());
        fs::remove_file(&path).unwrap();
        assert!(opened.unwrap().file_type().is_fifo());
    }
}
