//! Files with private content: whole or not at all, for their owner alone, and never over a key by mistake.
//!
//! The content goes into a temporary file in the same folder, is flushed, and only then gets its name; so at
//! no moment is there half a key under it, whatever fails.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::certificate::Certificate;
use crate::error::{WriteError, WriteStep};
use crate::limits::MAX_TEMPORARY_NAMES;

/// Read and written by the owner alone.
const PRIVATE: u32 = 0o600;
/// Written by the owner, read by all.
const PUBLIC: u32 = 0o644;

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
pub fn write_private(path: &Path, content: &[u8], existing: Existing) -> Result<(), WriteError> {
    write(path, content, PRIVATE, existing)
}

/// Writes certificates as PEM in their order, for everybody to read (mode 0644): what is presented is public. In
/// the same way as [`write_private`].
///
/// # Errors
/// As [`write_private`].
pub fn write_certificates<'a>(
    path: &Path,
    certificates: impl IntoIterator<Item = &'a Certificate>,
    existing: Existing,
) -> Result<(), WriteError> {
    let pem: String = certificates.into_iter().map(Certificate::to_pem).collect();
    write(path, pem.as_bytes(), PUBLIC, existing)
}

fn write(path: &Path, content: &[u8], mode: u32, existing: Existing) -> Result<(), WriteError> {
    let failed = |step| {
        move |source| WriteError::Io {
            step,
            path: path.to_owned(),
            source,
        }
    };
    if path.file_name().is_none() {
        return Err(WriteError::NoName {
            path: path.to_owned(),
        });
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    look(path, existing)?;
    let (mut temporary, mut file) =
        Temporary::create(folder, mode).map_err(failed(WriteStep::Create))?;
    // What the umask and the folder's default ACL made of it, before there is any content.
    file.set_permissions(Permissions::from_mode(mode))
        .map_err(failed(WriteStep::Create))?;
    file.write_all(content).map_err(failed(WriteStep::Write))?;
    file.sync_all().map_err(failed(WriteStep::Flush))?;
    drop(file);
    match existing {
        // A second name is given only if it is free; renaming would replace what has it.
        Existing::Refuse => match fs::hard_link(&temporary.path, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(WriteError::Exists {
                    path: path.to_owned(),
                });
            }
            placed => placed.map_err(failed(WriteStep::Place))?,
        },
        Existing::Replace => {
            fs::rename(&temporary.path, path).map_err(failed(WriteStep::Place))?;
            temporary.renamed = true;
        }
    }
    // The first name, if it is still there, goes before the folder is flushed.
    drop(temporary);
    let flushed = File::open(folder).and_then(|folder| folder.sync_all());
    flushed.map_err(|source| WriteError::NotDurable {
        path: path.to_owned(),
        source,
    })
}

/// Whether what is there lets us write.
fn look(path: &Path, existing: Existing) -> Result<(), WriteError> {
    match (fs::symlink_metadata(path), existing) {
        (Err(error), _) if error.kind() == ErrorKind::NotFound => Ok(()),
        (Err(source), _) => Err(WriteError::Io {
            step: WriteStep::Look,
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
    fn create(folder: &Path, mode: u32) -> io::Result<(Self, File)> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let mut taken = io::Error::from(ErrorKind::AlreadyExists);
        for _ in 0..MAX_TEMPORARY_NAMES {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!(".mutual-trust-{}-{number}.tmp", process::id());
            let path = folder.join(OsString::from(name));
            // Never through a link that somebody has put there, and never over a file.
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(&path);
            match file {
                Ok(file) => {
                    let renamed = false;
                    return Ok((Self { path, renamed }, file));
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
