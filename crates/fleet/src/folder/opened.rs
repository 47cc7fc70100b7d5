//! A folder that is open: files are replaced in it, wherever its path leads meanwhile.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::file::failed;
use crate::error::TransportError;

/// A folder that is open.
#[derive(Debug)]
pub(super) struct Opened {
    path: PathBuf,
    #[cfg(unix)]
    folder: File,
}

impl Opened {
    /// The folder that the administrator named. Links are followed.
    pub(super) fn named(path: &Path) -> Result<Self, TransportError> {
        Self::open(path, false).map_err(failed(path))
    }

    /// A folder of such a folder. A link in its place is refused: who can write there would choose what is written to.
    pub(super) fn inside(path: &Path) -> Result<Self, TransportError> {
        not_a_link(path)?;
        Self::open(path, true).map_err(failed(path))
    }

    /// Replaces a file by one rename, flushed: readers see the old bytes or the new ones.
    ///
    /// The temporary file has a fixed name, so that a crash leaves one file at most. It is made anew: a link in its place
    /// is not followed.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), TransportError> {
        let temporary = format!(".{name}.tmp");
        let at_temporary = self.path.join(&temporary);
        match self.remove(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed(&at_temporary)(error));
            }
            _ => {}
        }
        let written = self.create(&temporary).and_then(|file| write(file, bytes));
        let written = written.map_err(failed(&at_temporary));
        let renamed = |()| {
            let renamed = self.rename(&temporary, name);
            renamed.map_err(failed(&self.path.join(name)))
        };
        let replaced = written.and_then(renamed);
        if replaced.is_err() {
            let _ = self.remove(&temporary);
        }
        replaced?;
        self.flush().map_err(failed(&self.path))
    }
}

/// Refuses a link.
pub(super) fn not_a_link(path: &Path) -> Result<(), TransportError> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if is_link {
        let what = "it is a link, which is not followed";
        return Err(failed(path)(io::Error::new(ErrorKind::NotADirectory, what)));
    }
    Ok(())
}

fn write(mut file: File, bytes: &[u8]) -> io::Result<()> {
    // Nothing of it is secret, and the nodes are other users: whatever the mask of this one.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
impl Opened {
    fn open(path: &Path, is_inside: bool) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags};

        let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        flags.set(OFlags::NOFOLLOW, is_inside);
        Ok(Self {
            path: path.to_owned(),
            folder: File::from(rustix::fs::open(path, flags, Mode::empty())?),
        })
    }

    fn create(&self, name: &str) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags};

        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(&self.folder, name, flags, mode)?;
        Ok(File::from(file))
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let flags = rustix::fs::AtFlags::empty();
        Ok(rustix::fs::unlinkat(&self.folder, name, flags)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let folder = &self.folder;
        Ok(rustix::fs::renameat(folder, from, folder, to)?)
    }

    /// Flushes the entry of a file. Some file systems cannot: there is nothing more to do.
    fn flush(&self) -> io::Result<()> {
        match self.folder.sync_all() {
            Err(error) if error.kind() != ErrorKind::InvalidInput => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(not(unix))]
impl Opened {
    fn open(path: &Path, _: bool) -> io::Result<Self> {
        let path = path.to_owned();
        Ok(Self { path })
    }

    fn create(&self, name: &str) -> io::Result<File> {
        File::create_new(self.path.join(name))
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
