//! The locks of a store, and the wait for them.

use core::time::Duration;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use super::{Disk, io_error, look, stamp_of};
use crate::admin::durable::error::DurableError;
use crate::limits::MAX_TEMPORARY_NAMES;

const LOCK: &str = "trust-store.lock";

/// How often a waiting change looks whether the store is free: two changes of a small store fit between.
const LOCK_POLL: Duration = Duration::from_millis(2);

/// How long to wait for another change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin::durable) enum Wait {
    /// Up to the bound.
    Bounded,
    /// Not at all.
    No,
}

/// The lock file, locked.
#[derive(Debug)]
pub(in crate::admin::durable) struct Held {
    lock: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is being started shares it until it runs its program.
        let _ = self.lock.unlock();
    }
}

/// Tries to lock a file until it succeeds or the time is over.
pub(super) fn locked(
    path: &Path,
    file: &File,
    wait: Duration,
    mut lock: impl FnMut() -> Result<(), TryLockError>,
) -> Result<(), DurableError> {
    let tries = wait.as_millis() / LOCK_POLL.as_millis().max(1);
    let mut tried = 0;
    loop {
        match lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(io_error(path)(error)),
            Err(TryLockError::WouldBlock) if tried >= tries => {
                let path = path.to_owned();
                let holder = holder(file);
                return Err(DurableError::Locked { path, holder });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_POLL),
        }
        tried = tried.saturating_add(1);
    }
}

/// Counts how often the file at a path was another one than the one that was locked. On a file system that numbers a file
/// anew each time it would never be the same.
pub(super) fn next_round(rounds: usize, path: &Path) -> Result<usize, DurableError> {
    if rounds >= MAX_TEMPORARY_NAMES {
        let path = path.to_owned();
        let holder = None;
        return Err(DurableError::Locked { path, holder });
    }
    Ok(rounds.saturating_add(1))
}

/// The process that holds a lock on a file, as Linux tells it. `None` if it does not: a process of another container, or of
/// another machine.
#[cfg(target_os = "linux")]
fn holder(file: &File) -> Option<String> {
    use std::io::Read;
    use std::os::unix::fs::MetadataExt;

    // So much of the list is looked at, ten thousand locks, and so often: it changes while it is read, and can lack a lock
    // that is held. It is no matter if one is missed.
    const LOOKS: usize = 3;
    const MOST: u64 = 1024 * 1024;
    let text = |path: &str| {
        let mut text = String::new();
        let read = File::open(path).ok()?.take(MOST).read_to_string(&mut text);
        read.is_ok().then_some(text)
    };
    let found = file.metadata().ok()?;
    // Major and minor number, as glibc and the kernel put them into one.
    let device = found.dev();
    let major = (device >> 8) & 0xfff | (device >> 32) & !0xfff;
    let minor = device & 0xff | (device >> 12) & !0xff;
    let place = format!("{major:02x}:{minor:02x}:{}", found.ino());
    let look = || {
        let locks = text("/proc/locks")?;
        locks.lines().find_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [_, "FLOCK", _, _, process, at, ..] if *at == place => process.parse::<u32>().ok(),
                _ => None,
            }
        })
    };
    let process = (0..LOOKS).find_map(|_| look())?;
    // Of another namespace.
    if process == 0 {
        return None;
    }
    let name = text(&format!("/proc/{process}/comm"));
    let name = name.map(|name| format!(" ({})", name.trim_end().escape_debug()));
    Some(format!("process {process}{}", name.unwrap_or_default()))
}

#[cfg(not(target_os = "linux"))]
fn holder(_: &File) -> Option<String> {
    None
}

impl Disk {
    /// How long a lock is waited for.
    pub(super) fn limit(&self, wait: Wait) -> Duration {
        match wait {
            Wait::Bounded => self.wait,
            Wait::No => Duration::ZERO,
        }
    }

    /// Locks the folder for a change.
    pub(in crate::admin::durable) fn lock(&self, wait: Wait) -> Result<Held, DurableError> {
        let path = self.folder.join(LOCK);
        let mut rounds = 0;
        loop {
            let lock = self.lock_file(&path)?;
            locked(&path, &lock, self.limit(wait), || lock.try_lock())?;
            let held = Held { lock };
            // Another process may have removed or replaced it while this one waited.
            let own = held.lock.metadata().map_err(io_error(&path))?;
            let there = look(&path)?;
            if there.is_some_and(|there| stamp_of(&there).identity == stamp_of(&own).identity) {
                return Ok(held);
            }
            rounds = next_round(rounds, &path)?;
        }
    }

    fn lock_file(&self, path: &Path) -> Result<File, DurableError> {
        look(path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(made) => {
                // An administrator who makes it must not keep the service out.
                self.owner().own(&made).map_err(io_error(path))?;
                Ok(made)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let opened = OpenOptions::new().write(true).open(path);
                opened.map_err(io_error(path))
            }
            Err(error) => Err(io_error(path)(error)),
        }
    }
}
