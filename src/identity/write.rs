//! Writing files: whole or not at all, private ones for their owner alone, and never over a key by mistake.
//!
//! The content goes into a temporary file in the same folder, is flushed, and only then gets its name; so at
//! no moment is there half a key under it, whatever fails.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(unix)]
use crate::certificate::Certificate;
use crate::identity::error::{WriteError, WriteStep};
use crate::limits::MAX_TEMPORARY_NAMES;

/// Who may read a file. Set on Unix only; elsewhere a file has what its folder gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner alone.
    Owner,
    /// Everybody; the owner alone writes it.
    #[cfg(unix)]
    All,
}

#[cfg(unix)]
impl Readers {
    const fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::All => 0o644,
        }
    }

    fn open(self, options: &mut OpenOptions) {
        use std::os::unix::fs::OpenOptionsExt;

        options.mode(self.mode());
    }

    fn set(self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;

        file.set_permissions(fs::Permissions::from_mode(self.mode()))
    }
}

#[cfg(not(unix))]
impl Readers {
    fn open(self, _: &mut OpenOptions) {}

    fn set(self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

/// What to do with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a file is kept or it is not; a third way would have to be judged by every caller"
)]
pub enum Existing {
    /// Keep it and refuse to write.
    Refuse,
    /// Put the new one in its place. The old content is unlinked, not overwritten: disks keep copies that no
    /// program reaches.
    Replace,
}

/// Writes a file that its owner alone can read (mode 0600, whatever the umask): a private key, a request.
///
/// It appears under `path` whole and flushed to the disk, or not at all. With [`Existing::Refuse`] a file that
/// appears there meanwhile is kept as well; this needs a file system with hard links. A crash can leave a
/// temporary file, `.mutual-trust-….tmp` with the same mode, in the folder.
///
/// # Security
/// Whoever can write to the folder can put another file in its place: the folder must be the owner's.
///
/// # Errors
/// A file is there already, or something that is no file; or a step failed.
#[cfg(unix)]
pub fn write_private(path: &Path, content: &[u8], existing: Existing) -> Result<(), WriteError> {
    write(path, content, Readers::Owner, existing)
}

/// Writes certificates as PEM in their order, for everybody to read (mode 0644): what is presented is public. In
/// the same way as [`write_private`].
///
/// # Errors
/// As [`write_private`].
#[cfg(unix)]
pub fn write_certificates<'a>(
    path: &Path,
    certificates: impl IntoIterator<Item = &'a Certificate>,
    existing: Existing,
) -> Result<(), WriteError> {
    let pem: String = certificates.into_iter().map(Certificate::to_pem).collect();
    write(path, pem.as_bytes(), Readers::All, existing)
}

#[cfg(unix)]
fn write(
    path: &Path,
    content: &[u8],
    readers: Readers,
    existing: Existing,
) -> Result<(), WriteError> {
    prepare(path, content, readers, existing)?.place()
}

fn failed(step: WriteStep, path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io { step, path, source }
}

/// A file that is written and flushed, and has its name only when it is [placed](Self::place). Dropped before,
/// it is gone.
pub(crate) struct Prepared {
    path: PathBuf,
    temporary: Temporary,
    existing: Existing,
}

/// Writes what is to stand under `path` into a temporary file in the same folder, and flushes it.
pub(crate) fn prepare(
    path: &Path,
    content: &[u8],
    readers: Readers,
    existing: Existing,
) -> Result<Prepared, WriteError> {
    let folder = folder_of(path)?;
    look(path, existing)?;
    let (temporary, mut file) =
        Temporary::create(folder, readers).map_err(failed(WriteStep::Create, path))?;
    // What the umask and the folder's default ACL made of it, before there is any content.
    readers
        .set(&file)
        .map_err(failed(WriteStep::Create, path))?;
    file.write_all(content)
        .map_err(failed(WriteStep::Write, path))?;
    file.sync_all().map_err(failed(WriteStep::Flush, path))?;
    Ok(Prepared {
        path: path.to_owned(),
        temporary,
        existing,
    })
}

impl Prepared {
    /// Gives the file its name, and flushes the folder.
    pub(crate) fn place(mut self) -> Result<(), WriteError> {
        let path = &self.path;
        match self.existing {
            // A second name is given only if it is free; renaming would replace what has it.
            Existing::Refuse => match fs::hard_link(&self.temporary.path, path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(WriteError::Exists { path: path.clone() });
                }
                placed => placed.map_err(failed(WriteStep::Rename, path))?,
            },
            Existing::Replace => {
                fs::rename(&self.temporary.path, path).map_err(failed(WriteStep::Rename, path))?;
                self.temporary.renamed = true;
            }
        }
        // The first name, if it is still there, goes before the folder is flushed.
        drop(self.temporary);
        let flushed = folder_of(&self.path).map(flush_folder)?;
        let path = self.path;
        flushed.map_err(|source| WriteError::NotDurable { path, source })
    }
}

/// Gives the file at `path` the name `second` as well, in the same folder and in place of what had it. The folder
/// is not flushed: for what is placed next.
#[cfg(feature = "admin")]
pub(crate) fn link_as(path: &Path, second: &Path) -> Result<(), WriteError> {
    let temporary =
        Temporary::link(path, folder_of(path)?).map_err(failed(WriteStep::Create, path))?;
    // Not `renamed`: nothing is renamed if both are names of one file, and the temporary one would stay.
    fs::rename(&temporary.path, second).map_err(failed(WriteStep::Rename, second))
}

fn folder_of(path: &Path) -> Result<&Path, WriteError> {
    if path.file_name().is_none() {
        return Err(WriteError::NoName {
            path: path.to_owned(),
        });
    }
    Ok(match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    })
}

#[cfg(unix)]
fn flush_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened to be flushed; the file system keeps a journal of names.
#[cfg(not(unix))]
fn flush_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether what is there lets us write.
fn look(path: &Path, existing: Existing) -> Result<(), WriteError> {
    match (fs::symlink_metadata(path), existing) {
        (Err(error), _) if error.kind() == ErrorKind::NotFound => Ok(()),
        (Err(source), _) => Err(WriteError::Io {
            step: WriteStep::Stat,
            path: path.to_owned(),
            source,
        }),
        (Ok(found), _) if !found.is_file() => Err(WriteError::NotAFile {
            path: path.to_owned(),
        }),
        (Ok(_), Existing::Refuse) => Err(WriteError::Exists {
            path: path.to_owned(),
        }),
        (Ok(_), Existing::Replace) => Ok(()),
    }
}

/// The name of a temporary file, which is removed when dropped.
struct Temporary {
    path: PathBuf,
    /// Whether the name is free again, for somebody else to take.
    renamed: bool,
}

impl Temporary {
    /// A new file under a name that is free.
    fn create(folder: &Path, readers: Readers) -> io::Result<(Self, File)> {
        Self::take(folder, |path| {
            let mut options = OpenOptions::new();
            // Never through a link that somebody has put there, and never over a file.
            options.write(true).create_new(true);
            readers.open(&mut options);
            options.open(path)
        })
    }

    /// A second name of a file that is there.
    #[cfg(feature = "admin")]
    fn link(file: &Path, folder: &Path) -> io::Result<Self> {
        let (temporary, ()) = Self::take(folder, |path| fs::hard_link(file, path))?;
        Ok(temporary)
    }

    fn take<T>(folder: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(Self, T)> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let mut taken = io::Error::from(ErrorKind::AlreadyExists);
        for _ in 0..MAX_TEMPORARY_NAMES {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!(".mutual-trust-{}-{number}.tmp", process::id());
            let path = folder.join(OsString::from(name));
            match make(&path) {
                Ok(made) => {
                    let renamed = false;
                    return Ok((Self { path, renamed }, made));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => taken = error,
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing better can be done if it stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    #[test]
    fn other_names_are_tried_for_a_temporary_file_only_where_one_is_taken() {
        for (kind, count) in [
            (ErrorKind::AlreadyExists, MAX_TEMPORARY_NAMES),
            (ErrorKind::PermissionDenied, 1),
        ] {
            let tried = Cell::new(0);
            let made = Temporary::take(Path::new("folder"), |_| {
                tried.set(tried.get() + 1);
                Err::<(), _>(kind.into())
            });
            assert_eq!(made.err().map(|error| error.kind()), Some(kind));
            assert_eq!(tried.get(), count);
        }
    }
}
