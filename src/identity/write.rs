//! Writes files atomically, private files for their owner only, and never over a key by mistake.
//!
//! The content goes into a temporary file in the same folder, which is flushed and then renamed. So a file never has
//! half of its content, whatever fails.

#![cfg_attr(
    not(any(unix, feature = "admin")),
    expect(dead_code, reason = "other systems write nothing but a store")
)]

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;

#[cfg(unix)]
use crate::certificate::Certificate;
#[cfg(feature = "admin")]
use crate::identity::Owner;
use crate::identity::error::{WriteError, WriteStep};
use crate::limits::MAX_TEMPORARY_NAMES;

/// Who may read a file. It is set on Unix only: on other systems a file inherits the permissions of its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// The owner only.
    Owner,
    /// All users may read it. Only the owner may write it.
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

/// What to do if the file exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a file is kept or replaced, and every caller would have to handle a third case"
)]
pub enum IfExists {
    /// Keep it and return an error.
    Refuse,
    /// Replace it. The old content is unlinked, not overwritten, because disks keep copies that a program cannot reach.
    Replace,
}

/// Writes a file that only its owner can read (mode 0600, whatever the umask), for example a private key or a request.
///
/// The file appears at `path` complete and flushed, or not at all. With [`IfExists::Refuse`], a file that appears there
/// in the meantime is also kept. That needs a file system with hard links, and without them it is an error. A crash can leave a temporary file,
/// `.mutual-trust-….tmp`, with the same mode in the folder.
///
/// # Security
/// Users who can write to the folder can replace the file, so only the owner should be able to.
///
/// # Errors
/// With [`IfExists::Refuse`], the file exists. Something at `path` is not a regular file. A step failed: the error has
/// the path, the step and the cause.
#[cfg(unix)]
#[doc(hidden)]
pub fn write_private(
    path: impl AsRef<Path>,
    content: &[u8],
    existing: IfExists,
) -> Result<(), WriteError> {
    write(path.as_ref(), content, Readers::Owner, existing)
}

/// Writes certificates as PEM, in order, readable by all users (mode 0644), because they are public. Otherwise like
/// [`write_private`].
///
/// # Errors
/// As [`write_private`].
#[cfg(unix)]
pub fn write_certificates<'a>(
    path: impl AsRef<Path>,
    certificates: impl IntoIterator<Item = &'a Certificate>,
    existing: IfExists,
) -> Result<(), WriteError> {
    let pem: String = certificates.into_iter().map(Certificate::to_pem).collect();
    write(path.as_ref(), pem.as_bytes(), Readers::All, existing)
}

/// Writes a file that all users can read (mode 0644), for what is public. Otherwise like [`write_private`].
///
/// # Errors
/// As [`write_private`].
#[cfg(unix)]
#[doc(hidden)]
pub fn write_public(
    path: impl AsRef<Path>,
    content: &[u8],
    existing: IfExists,
) -> Result<(), WriteError> {
    write(path.as_ref(), content, Readers::All, existing)
}

#[cfg(unix)]
fn write(
    path: &Path,
    content: &[u8],
    readers: Readers,
    existing: IfExists,
) -> Result<(), WriteError> {
    prepare_named(path, content, (TEMPORARY, readers), existing, |_| Ok(()))?.place()
}

fn failed(step: WriteStep, path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io { step, path, source }
}

/// The start of the names of temporary files.
#[cfg(any(unix, test))]
const TEMPORARY: &str = ".mutual-trust-";
/// The same for the files of a store. The next process that changes the store removes what a stopped one left.
#[cfg(feature = "admin")]
pub(crate) const STORE_TEMPORARY: &str = ".trust-store-";
/// The end of the names of temporary files.
pub(crate) const TEMPORARY_END: &str = ".tmp";

/// A temporary file that is written and flushed. [`place`](Self::place) gives it its name; dropping it removes it.
pub(crate) struct Prepared {
    path: PathBuf,
    #[cfg(feature = "admin")]
    file: File,
    temporary: Temporary,
    existing: IfExists,
    /// Whether the caller holds a lock that keeps other processes from using the name.
    is_locked: bool,
}

/// Writes and flushes the content of a file of a store, whose lock the caller holds, into a temporary file in the same
/// folder.
#[cfg(feature = "admin")]
pub(crate) fn prepare_store(
    path: &Path,
    content: &[u8],
    existing: IfExists,
    owner: &Owner,
) -> Result<Prepared, WriteError> {
    let named = (STORE_TEMPORARY, Readers::Owner);
    let mut prepared = prepare_named(path, content, named, existing, |file| owner.own(file))?;
    prepared.is_locked = true;
    Ok(prepared)
}

/// Writes and flushes the content for `path` into a temporary file in the same folder.
fn prepare_named(
    path: &Path,
    content: &[u8],
    (start, readers): (&str, Readers),
    existing: IfExists,
    own: impl FnOnce(&File) -> io::Result<()>,
) -> Result<Prepared, WriteError> {
    let folder = folder_of(path)?;
    look(path, existing)?;
    let (temporary, mut file) =
        Temporary::create(folder, start, readers).map_err(failed(WriteStep::Create, path))?;
    // The umask and the default ACL of the folder may have changed the mode. Set it before there is any content.
    readers
        .set(&file)
        .map_err(failed(WriteStep::Create, path))?;
    own(&file).map_err(failed(WriteStep::Create, path))?;
    file.write_all(content)
        .map_err(failed(WriteStep::Write, path))?;
    file.sync_all().map_err(failed(WriteStep::Flush, path))?;
    Ok(Prepared {
        path: path.to_owned(),
        #[cfg(feature = "admin")]
        file,
        temporary,
        existing,
        is_locked: false,
    })
}

impl Prepared {
    /// The file, which keeps its content under its new name.
    #[cfg(feature = "admin")]
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name, and flushes the folder.
    pub(crate) fn place(mut self) -> Result<(), WriteError> {
        let path = &self.path;
        match self.existing {
            // A hard link fails if the name is taken. Renaming would replace the existing file.
            IfExists::Refuse => match fs::hard_link(&self.temporary.path, path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(WriteError::Exists { path: path.clone() });
                }
                // The file system may have no hard links.
                Err(_) if self.is_locked => {
                    look(path, self.existing)?;
                    self.temporary.rename(path)?;
                }
                placed => placed.map_err(failed(WriteStep::Link, path))?,
            },
            IfExists::Replace => self.temporary.rename(path)?,
        }
        // Removes the temporary name, if it still exists, before the folder is flushed.
        drop(self.temporary);
        let flushed = folder_of(&self.path).map(flush_folder)?;
        let path = self.path;
        flushed.map_err(|source| WriteError::NotDurable { path, source })
    }
}

/// Gives the file at `path` also the name `second` in the same folder, replacing what has that name. Does not flush the
/// folder: the caller places another file next.
#[cfg(feature = "admin")]
pub(crate) fn link_as(path: &Path, second: &Path) -> Result<(), WriteError> {
    let temporary =
        Temporary::link(path, folder_of(path)?).map_err(failed(WriteStep::Create, path))?;
    // The temporary name stays owned: if both names are the same file, `rename` does nothing and leaves it.
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

/// Other systems cannot open a folder to flush it. Their file systems keep a journal of names.
#[cfg(not(unix))]
fn flush_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Checks that whatever exists at `path` may be replaced.
fn look(path: &Path, existing: IfExists) -> Result<(), WriteError> {
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
        (Ok(_), IfExists::Refuse) => Err(WriteError::Exists {
            path: path.to_owned(),
        }),
        (Ok(_), IfExists::Replace) => Ok(()),
    }
}

/// The name of a temporary file, which is removed when dropped.
struct Temporary {
    path: PathBuf,
    /// Whether the file was renamed, so that this name may be another program's by now.
    renamed: bool,
}

impl Temporary {
    /// Creates a file under a free name.
    fn create(folder: &Path, start: &str, readers: Readers) -> io::Result<(Self, File)> {
        Self::take(folder, start, |path| {
            let mut options = OpenOptions::new();
            // Never follows a symbolic link that another user placed, and never overwrites a file.
            options.read(true).write(true).create_new(true);
            readers.open(&mut options);
            options.open(path)
        })
    }

    /// Gives an existing file a second name.
    #[cfg(feature = "admin")]
    fn link(file: &Path, folder: &Path) -> io::Result<Self> {
        let (temporary, ()) =
            Self::take(folder, STORE_TEMPORARY, |path| fs::hard_link(file, path))?;
        Ok(temporary)
    }

    fn rename(&mut self, path: &Path) -> Result<(), WriteError> {
        fs::rename(&self.path, path).map_err(failed(WriteStep::Rename, path))?;
        self.renamed = true;
        Ok(())
    }

    fn take<T>(
        folder: &Path,
        start: &str,
        make: impl Fn(&Path) -> io::Result<T>,
    ) -> io::Result<(Self, T)> {
        let mut taken = io::Error::from(ErrorKind::AlreadyExists);
        for _ in 0..MAX_TEMPORARY_NAMES {
            // In a container every process has the number 1, so that a count would meet what a stopped one left.
            let number = RandomState::new().hash_one(process::id());
            let name = format!("{start}{}-{number:016x}{TEMPORARY_END}", process::id());
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
            // If removing fails, nothing else can be done.
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
            let made = Temporary::take(Path::new("folder"), TEMPORARY, |_| {
                tried.set(tried.get() + 1);
                Err::<(), _>(kind.into())
            });
            assert_eq!(made.err().map(|error| error.kind()), Some(kind));
            assert_eq!(tried.get(), count);
        }
    }
}
