//! A passphrase, from a terminal that does not show it or from a file descriptor. Never from an argument, which
//! every process of the machine can read, nor from the environment.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::Args;
use mutual_trust::error::{FolderError, IdentityError};
use mutual_trust::identity::{KeyReader, Passphrase, PrivateKey};
#[cfg(target_os = "linux")]
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::{Zeroize, Zeroizing};

use crate::output::Failure;
use crate::plain;

/// Anything longer is a file that was named by mistake.
const MAX_PASSPHRASE: usize = 1024;

/// The source of the passphrases of archives that are named as files of certificates. Set once, before the subcommand
/// reads a file.
static FILES: OnceLock<Option<i32>> = OnceLock::new();

/// The source of a passphrase.
#[derive(Args, Clone, Debug)]
pub(crate) struct PassphraseArguments {
    /// Read the passphrase of an encrypted file, or the PIN of a token, from this file descriptor, up to its first line
    /// feed and as it stands; each further one takes the next line; without this option, it is asked for at the terminal
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    passphrase_fd: Option<i32>,
}

impl PassphraseArguments {
    /// From this descriptor, or from the terminal.
    pub(crate) const fn from(passphrase_fd: Option<i32>) -> Self {
        Self { passphrase_fd }
    }

    /// Reads a private key, and asks for its passphrase if it has one.
    pub(crate) fn key(&self, path: &Path) -> Result<PrivateKey, Failure> {
        self.with(path, |reader| reader.file(path))
    }

    /// Reads something with a private key, and asks for its passphrase if it has one.
    pub(crate) fn with<T>(
        &self,
        path: &Path,
        read: impl Fn(KeyReader<'_>) -> Result<T, IdentityError>,
    ) -> Result<T, Failure> {
        let is_encrypted = |error: &IdentityError| matches!(error, IdentityError::EncryptedKey);
        self.tried(path, read, is_encrypted)
    }

    /// Does something with a folder of our identity, and asks for the passphrase of its keys if they have one.
    pub(crate) fn with_folder<T>(
        &self,
        path: &Path,
        done: impl Fn(KeyReader<'_>) -> Result<T, FolderError>,
    ) -> Result<T, Failure> {
        self.tried(path, done, |error: &FolderError| {
            matches!(error, FolderError::Identity(IdentityError::EncryptedKey))
        })
    }

    fn tried<T, E: Into<Failure>>(
        &self,
        path: &Path,
        read: impl Fn(KeyReader<'_>) -> Result<T, E>,
        is_encrypted: impl Fn(&E) -> bool,
    ) -> Result<T, Failure> {
        let done = match read(KeyReader::new()) {
            Err(error) if is_encrypted(&error) => {
                let passphrase = self.passphrase(path)?;
                read(KeyReader::new().with_passphrase(&passphrase))
            }
            done => done,
        };
        done.map_err(|error| error.into().about(path.display()))
    }

    fn passphrase(&self, path: &Path) -> Result<Passphrase, Failure> {
        Ok(owned(&read(self.passphrase_fd, path, "private key")?))
    }

    /// Archives that are named as files of certificates get their passphrases from here.
    pub(crate) fn unlock_files(&self) {
        unlock_files(self.passphrase_fd);
    }

    /// Whether the line says where the passphrase is.
    #[cfg(feature = "formats")]
    pub(crate) const fn is_given(&self) -> bool {
        self.passphrase_fd.is_some()
    }

    /// The PIN of a token, if the line says where it is.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn pin(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let Some(number) = self.passphrase_fd else {
            return Ok(None);
        };
        let line = descriptor(number).and_then(|mut from| first_line(&mut from));
        line.map(Some).map_err(|error| unread(number, &error))
    }

    /// The passphrase of an archive.
    #[cfg(feature = "formats")]
    pub(crate) fn of_archive(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
        read(self.passphrase_fd, path, "archive")
    }
}

/// Sets the descriptor from which archives that are named as files of certificates get their passphrases.
pub(crate) fn unlock_files(source: Option<i32>) {
    // A second call has no effect.
    let _ = FILES.set(source);
}

/// The passphrase of an archive that is named as a file of certificates.
#[cfg(feature = "formats")]
pub(crate) fn of_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    read(FILES.get().copied().flatten(), path, "archive")
}

/// The PIN of a token, from the terminal.
#[cfg(feature = "pkcs11")]
pub(crate) fn pin_at_terminal(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    asked(prompt)
}

/// The passphrase of a new file, from a descriptor.
#[cfg(feature = "formats")]
pub(crate) fn of_descriptor(number: i32) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let line = descriptor(number).and_then(|mut from| first_line(&mut from));
    line.map_err(|error| unread(number, &error))
}

/// A passphrase as the library takes it.
pub(crate) fn owned(line: &[u8]) -> Passphrase {
    let mut passphrase = Vec::with_capacity(line.len());
    passphrase.extend_from_slice(line);
    Passphrase::from(passphrase)
}

fn read(source: Option<i32>, path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match source {
        Some(number) => descriptor(number)
            .and_then(|mut from| first_line(&mut from))
            .map_err(|error| unread(number, &error)),
        None => asked(&format!("Passphrase of {}: ", plain::path(path))).map_err(|error| {
            let text = format!(
                "the {what} is encrypted, and there is no terminal to ask for its passphrase ({error}): give it with --passphrase-fd"
            );
            Failure::new("passphrase", text).about(path.display())
        }),
    }
}

/// The descriptor of this process with a number. Opening it by its path would open the file again: from its start, with
/// the rights of this process now, and never a socket.
fn descriptor(number: i32) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

        // Numbers are no descriptors in safe code; the system makes one of a number of any process, also of this one.
        let own = pidfd_open(getpid(), PidfdFlags::empty());
        let found = own.and_then(|own| pidfd_getfd(own, number, PidfdGetfdFlags::empty()));
        match found {
            Ok(found) => return Ok(File::from(found)),
            Err(Errno::BADF) => return Err(Errno::BADF.into()),
            // A sandbox or an old kernel does not allow the call.
            Err(_) => {}
        }
    }
    // On the BSDs and macOS, this is the descriptor itself.
    File::open(PathBuf::from("/dev/fd").join(number.to_string()))
}

/// The bytes up to the first line feed, or to the end: as `openssl -pass fd:N` reads them. One by one, since what is behind
/// belongs to the next reader.
fn first_line(from: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE));
    let mut byte = Zeroizing::new([0_u8]);
    while next(from, &mut byte)? {
        match *byte {
            [b'\n'] => break,
            [other] if line.len() < MAX_PASSPHRASE => line.push(other),
            _ => return Err(io::Error::other("it is too long")),
        }
    }
    Ok(line)
}

/// Reads a byte. `false` at the end.
fn next(from: &mut impl Read, byte: &mut [u8; 1]) -> io::Result<bool> {
    loop {
        match from.read(byte) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return Ok(read? == 1),
        }
    }
}

fn unread(number: i32, error: &io::Error) -> Failure {
    let text = format!("the passphrase was not read from file descriptor {number}: {error}");
    Failure::new("passphrase", text)
}

/// What is typed at a terminal up to the end of the line, one by one into a buffer that does not grow.
fn typed_line(from: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE));
    let mut byte = Zeroizing::new([0_u8]);
    while next(from, &mut byte)? {
        match *byte {
            [b'\n' | b'\r'] => break,
            [0x03 | 0x04] => return Err(io::Error::from(io::ErrorKind::Interrupted)),
            // Backspace and delete, which the terminal leaves to us.
            [0x08 | 0x7f] => {
                // A whole character of UTF-8.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            [other] if line.len() < MAX_PASSPHRASE => line.push(other),
            _ => return Err(io::Error::other("it is too long")),
        }
    }
    byte.zeroize();
    Ok(line)
}

/// Asks at the terminal of the process, even if its input and output are elsewhere.
fn asked(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let quiet = Quiet::new(&terminal)?;
    (&terminal).write_all(prompt.as_bytes())?;
    let read = typed_line(&mut &terminal);
    let _ = (&terminal).write_all(b"\n");
    drop(quiet);
    read
}

/// A terminal that shows nothing and gives each key as it is pressed: an interrupt is read like a key, so that the
/// terminal is restored then as well.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        let off = LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        quiet.local_modes.remove(off);
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_ends_with_its_line_and_is_edited_as_it_is_typed() {
        let read = |mut typed: &[u8]| {
            // It is wiped: its type says so.
            typed_line(&mut typed).map(|line: Zeroizing<Vec<u8>>| line.to_vec())
        };
        assert_eq!(read(b"secret\nmore").unwrap(), b"secret");
        assert_eq!(read(b"secret").unwrap(), b"secret");
        assert_eq!(read("x\x7fsecreä\x08t\r\n".as_bytes()).unwrap(), b"secret");
        assert_eq!(
            read("pässword\n".as_bytes()).unwrap(),
            "pässword".as_bytes()
        );
        assert!(read(b"secr\x03et\n").is_err());
        assert!(read(&[b'a'; MAX_PASSPHRASE + 1]).is_err());
    }

    #[test]
    fn a_passphrase_of_a_descriptor_is_every_byte_up_to_the_first_line_feed() {
        let read = |mut given: &[u8]| first_line(&mut given).map(|line| line.to_vec());
        assert_eq!(read(b"secret\nmore").unwrap(), b"secret");
        assert_eq!(read(b" secret ").unwrap(), b" secret ");
        // What edits a line at a terminal, and what only some systems end a line with, is a byte like another.
        for given in [
            b"s\x03c", b"s\x04c", b"s\x08c", b"s\x7fc", b"s\rc", b"sc\r", b"s\0c",
        ] {
            assert_eq!(read(given).unwrap(), given);
        }
        assert_eq!(read(b"\nmore").unwrap(), b"");
        assert_eq!(read(&[b'a'; MAX_PASSPHRASE]).unwrap().len(), MAX_PASSPHRASE);
        assert!(read(&[b'a'; MAX_PASSPHRASE + 1]).is_err());
    }
}
