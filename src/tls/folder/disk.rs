//! The files of an identity folder: the lock, the state, and what it names.

use core::time::Duration;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::state::{self, IdentityState};
use super::text::Unreadable;
use crate::identity::{
    IfExists, Owner, STORE_TEMPORARY, TEMPORARY_END, prepare_store, text_within,
};
use crate::limits::MAX_IDENTITY_STATE_BYTES;
use crate::tls::error::FolderError;

const STATE: &str = "identity-state";
const LOCK: &str = "identity-state.lock";

/// How often a waiting change looks whether the folder is free: a change takes about as long.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// How long it waits. A change makes at most one key, which takes seconds for RSA on slow machines.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(10);

pub(super) fn state_path(folder: &Path) -> PathBuf {
    folder.join(STATE)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io {
        doing,
        path,
        source,
    }
}

/// Makes the folder for its owner only, unless it is there.
pub(super) fn make(folder: &Path) -> Result<(), FolderError> {
    #[cfg(unix)]
    let made = {
        use std::os::unix::fs::DirBuilderExt;
        DirBuilder::new().mode(0o700).create(folder)
    };
    #[cfg(not(unix))]
    let made = DirBuilder::new().create(folder);
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => made.map_err(failed("make the folder", folder)),
    }
}

pub(super) fn read_state(folder: &Path) -> Result<IdentityState, FolderError> {
    let path = state_path(folder);
    let text = match read_text(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let path = folder.to_owned();
            return Err(FolderError::NoIdentity { path });
        }
        Err(error) => return Err(failed("read", &path)(error)),
    };
    IdentityState::read(&text).map_err(|found| match found {
        Unreadable::Version(version) => FolderError::Version { path, version },
        Unreadable::Line(line) => FolderError::Damaged {
            path,
            line: Some(line),
        },
        Unreadable::Sum => FolderError::Damaged { path, line: None },
    })
}

fn read_text(path: &Path) -> io::Result<String> {
    let text = text_within(path, MAX_IDENTITY_STATE_BYTES)?;
    if text.len() > MAX_IDENTITY_STATE_BYTES {
        return Err(io::Error::other("it is too large for a state"));
    }
    Ok(text)
}

/// A folder that no other process changes meanwhile.
pub(super) struct Held {
    folder: PathBuf,
    lock: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // A child process that is being started shares the file until it runs its program.
        let _ = self.lock.unlock();
    }
}

impl Held {
    pub(super) fn lock(folder: &Path, wait: Duration) -> Result<Self, FolderError> {
        let path = folder.join(LOCK);
        let lock = match lock_file(folder, &path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let path = folder.to_owned();
                return Err(FolderError::NoIdentity { path });
            }
            opened => opened.map_err(failed("open", &path))?,
        };
        let tries = wait.as_millis() / LOCK_POLL.as_millis().max(1);
        for _ in 0..=tries {
            match lock.try_lock() {
                Ok(()) => {
                    let folder = folder.to_owned();
                    return Ok(Self { folder, lock });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_POLL),
                Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
            }
        }
        Err(FolderError::Busy { path })
    }

    pub(super) fn state_path(&self) -> PathBuf {
        state_path(&self.folder)
    }

    /// Writes a file that only its owner can read.
    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<(), FolderError> {
        let owner = owner(&self.folder);
        Ok(prepare_store(path, content, IfExists::Replace, &owner)?.place()?)
    }

    /// Puts a state in the place of the one from before: the one step at which a change is made.
    pub(super) fn replace(&self, state: &IdentityState) -> Result<(), FolderError> {
        self.write(&self.state_path(), state.text().as_bytes())
    }

    /// Removes the files of identities that a state does not name, and what a stopped process left of a file.
    pub(super) fn clean(&self, state: &IdentityState) -> Result<(), FolderError> {
        let request = state.request.as_ref().map(|request| request.name.clone());
        let certificates = [Some(state.current), state.next()];
        let named = certificates.into_iter().flatten().map(state::file_name);
        let named: Vec<String> = named.chain(request).collect();
        let entries = fs::read_dir(&self.folder).map_err(failed("read", &self.folder))?;
        for entry in entries {
            let entry = entry.map_err(failed("read", &self.folder))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_temporary = name.starts_with(STORE_TEMPORARY) && name.ends_with(TEMPORARY_END);
            let is_old = match name.split_once('.') {
                Some((start, "pem" | "key" | "csr")) => {
                    state::is_name(start) && !named.iter().any(|named| named == start)
                }
                Some(_) | None => false,
            };
            if is_temporary || is_old {
                let path = entry.path();
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }
}

/// Whose the files are: what an administrator makes in the folder of a service is the service's.
fn owner(folder: &Path) -> Owner {
    let state = state_path(folder);
    Owner::of([&*state], folder)
}

fn lock_file(folder: &Path, path: &Path) -> io::Result<File> {
    // A link would lead to another file, and a pipe is waited for.
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(io::Error::other("not a regular file")),
        Ok(_) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(made) => {
            owner(folder).own(&made)?;
            Ok(made)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).open(path)
        }
        Err(error) => Err(error),
    }
}
