//! Reads a file or reader into one buffer of exactly its size, which is wiped when dropped.

use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::identity::error::ReadFileError;
use crate::identity::open;

/// Which users may have access to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// The owner only, who must be root or the user of this process; of a file of root, also a group of this process.
    /// Checked on Unix only.
    Private,
    Any,
}

/// Reads a regular file. It is opened once, and its size is taken before reading.
pub(super) fn read(
    path: &Path,
    access: Access,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, ReadFileError> {
    // Also checked before opening: opening a device can have an effect.
    let is_file = fs::metadata(path)?.is_file();
    if !is_file {
        return Err(ReadFileError::NotAFile);
    }
    let mut file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ReadFileError::NotAFile);
    }
    if access == Access::Private {
        check_private(&metadata)?;
    }
    let size = metadata.len();
    match usize::try_from(size) {
        Ok(size) => exactly(&mut file, size, limit),
        Err(_) => Err(ReadFileError::TooLarge { size, limit }),
    }
}

/// Reads a file with a secret, which is checked like the file of a private key.
#[cfg(feature = "admin")]
pub(crate) fn read_private(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, ReadFileError> {
    read(path, Access::Private, limit)
}

/// Reads an input that has exactly `size` bytes, and checks that it ends there.
pub(super) fn exactly(
    reader: &mut impl Read,
    size: usize,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, ReadFileError> {
    if size > limit {
        return Err(ReadFileError::TooLarge {
            size: u64::try_from(size).unwrap_or(u64::MAX),
            limit,
        });
    }
    if size == 0 {
        return Err(ReadFileError::Empty);
    }
    let mut content = Zeroizing::new(vec![0; size]);
    let mut found = 0;
    while let Some(rest) = content.get_mut(found..).filter(|rest| !rest.is_empty()) {
        match some(reader, rest)? {
            0 => return Err(ReadFileError::UnexpectedEof { size, found }),
            count => found = found.saturating_add(count),
        }
    }
    let mut more = Zeroizing::new([0]);
    match some(reader, &mut *more)? {
        0 => Ok(content),
        _ => Err(ReadFileError::Grew { size }),
    }
}

/// Reads once. Retries if a signal interrupts it.
fn some(reader: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(unix)]
fn check_private(metadata: &Metadata) -> Result<(), ReadFileError> {
    use std::os::unix::fs::MetadataExt;

    let mode = metadata.mode() & 0o7777;
    let owner = metadata.uid();
    match mode & 0o077 {
        0 => {}
        // A secret that root mounted for a group: its members cannot give it away by its mode, and cannot replace it. A
        // process of another user that has opened the file is a member, or root has let it in otherwise.
        GROUP_READS if owner == 0 && effective_user()? != 0 => {}
        _ => return Err(ReadFileError::Mode { mode }),
    }
    if owner == 0 {
        return Ok(());
    }
    let user = effective_user()?;
    if owner == user {
        Ok(())
    } else {
        Err(ReadFileError::Owner { owner, user })
    }
}

/// The group may read, and nothing more; others have no access.
#[cfg(unix)]
const GROUP_READS: u32 = 0o040;

/// The effective user of this process: the owner of a new pipe.
///
/// The standard library has no function for it. A new pipe belongs to the effective user on Linux, the BSDs and macOS.
/// It needs neither `/proc` nor a writable folder, which a sandboxed service may lack.
#[cfg(unix)]
fn effective_user() -> io::Result<u32> {
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::MetadataExt;

    let (reader, _writer) = io::pipe()?;
    Ok(fs::File::from(OwnedFd::from(reader)).metadata()?.uid())
}

#[cfg(not(unix))]
fn check_private(_: &Metadata) -> Result<(), ReadFileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_belongs_to_the_effective_user() {
        use std::os::unix::fs::MetadataExt;

        let kernel = fs::metadata("/proc/self").unwrap().uid();
        assert_eq!(effective_user().unwrap(), kernel);
    }

    /// A reader that returns one byte at a time, with an interruption before each.
    struct Slow<'a>(&'a [u8], bool);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let (now, later) = self.0.split_at(self.0.len().min(1));
            self.0 = later;
            into[..now.len()].copy_from_slice(now);
            Ok(now.len())
        }
    }

    #[test]
    fn a_reader_gives_exactly_its_size() {
        let read = |size| exactly(&mut Slow(b"abcd", false), size, 8);
        let content = read(4).unwrap();
        assert_eq!(*content, b"abcd");
        assert_eq!(content.capacity(), 4);
        assert!(matches!(
            read(5).unwrap_err(),
            ReadFileError::UnexpectedEof { size: 5, found: 4 }
        ));
        assert!(matches!(
            read(8).unwrap_err(),
            ReadFileError::UnexpectedEof { size: 8, found: 4 }
        ));
        assert!(matches!(
            read(3).unwrap_err(),
            ReadFileError::Grew { size: 3 }
        ));
        assert!(matches!(read(0).unwrap_err(), ReadFileError::Empty));
        assert!(matches!(
            read(9).unwrap_err(),
            ReadFileError::TooLarge { size: 9, limit: 8 }
        ));
    }
}
