//! A passphrase, from a terminal that does not show it or from a file descriptor. Never from an argument, which
//! every process of the machine can read, nor from the environment.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use mutual_trust::error::IdentityError;
use mutual_trust::identity::{KeyReader, Passphrase, PrivateKey};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::{Zeroize, Zeroizing};

use crate::output::Failure;
use crate::plain;

/// Anything longer is a file that was named by mistake.
const MAX_PASSPHRASE: usize = 1024;

/// The source of a passphrase.
#[derive(Args, Debug)]
pub(crate) struct PassphraseArguments {
    /// Read the passphrase of an encrypted key from this file descriptor, up to its first line end; without this
    /// option, it is asked for at the terminal
    #[arg(long, value_name = "N")]
    passphrase_fd: Option<u32>,
}

impl PassphraseArguments {
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
        let done = match read(KeyReader::new()) {
            Err(IdentityError::EncryptedKey) => {
                let passphrase = self.passphrase(path)?;
                read(KeyReader::new().with_passphrase(&passphrase))
            }
            done => done,
        };
        done.map_err(|error| Failure::from(error).about(path.display()))
    }

    fn passphrase(&self, path: &Path) -> Result<Passphrase, Failure> {
        let line = match self.passphrase_fd {
            Some(number) => {
                let folder = PathBuf::from("/dev/fd");
                let file = File::open(folder.join(number.to_string()));
                line(&mut file.map_err(|error| unread(number, &error))?)
                    .map_err(|error| unread(number, &error))?
            }
            None => asked(&format!("Passphrase of {}: ", plain::path(path))).map_err(|error| {
                let text = format!(
                    "the private key is encrypted, and there is no terminal to ask for its passphrase ({error}): give it with --passphrase-fd"
                );
                Failure::new("passphrase", text).about(path.display())
            })?,
        };
        let mut passphrase = Vec::with_capacity(line.len());
        passphrase.extend_from_slice(&line);
        Ok(Passphrase::from(passphrase))
    }
}

fn unread(number: u32, error: &io::Error) -> Failure {
    let text = format!("the passphrase was not read from file descriptor {number}: {error}");
    Failure::new("passphrase", text)
}

/// The bytes up to the end of the line, or of the file, one by one into a buffer that does not grow.
fn line(from: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE));
    let mut byte = Zeroizing::new([0_u8]);
    while from.read(&mut *byte)? == 1 {
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
    let read = line(&mut &terminal);
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
            line(&mut typed).map(|line: Zeroizing<Vec<u8>>| line.to_vec())
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
}
