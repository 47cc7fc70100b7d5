//! PINs: where they come from, and that they are wiped.

use core::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::limits::MAX_PIN_BYTES;

/// A PIN. It is wiped when it is dropped, and not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Reads a PIN, up to the first line feed or the end. A carriage return before the line feed is no part of it. It reads
    /// byte by byte, since what is behind it belongs to the next reader.
    ///
    /// # Errors
    /// Reading fails, or the PIN is longer than
    /// [`MAX_PIN_BYTES`](crate::limits::MAX_PIN_BYTES).
    pub fn read(mut from: impl Read) -> io::Result<Self> {
        let mut pin = Zeroizing::new(Vec::with_capacity(MAX_PIN_BYTES));
        let mut byte = Zeroizing::new([0_u8]);
        // A carriage return that may belong to the end of the line.
        let mut is_held = false;
        loop {
            match from.read(&mut byte[..]) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            match *byte {
                [b'\n'] => return Ok(Self(pin)),
                [other] => {
                    if is_held {
                        bounded_push(&mut pin, b'\r')?;
                    }
                    is_held = other == b'\r';
                    if !is_held {
                        bounded_push(&mut pin, other)?;
                    }
                }
            }
        }
        if is_held {
            bounded_push(&mut pin, b'\r')?;
        }
        Ok(Self(pin))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// No growth, which would leave copies.
fn bounded_push(pin: &mut Vec<u8>, byte: u8) -> io::Result<()> {
    if pin.len() >= MAX_PIN_BYTES {
        return Err(io::Error::other("the PIN is too long"));
    }
    pin.push(byte);
    Ok(())
}

impl From<Vec<u8>> for Pin {
    /// Takes the PIN over, without a copy.
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<String> for Pin {
    /// Takes the PIN over, without a copy.
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin")
    }
}

/// Where the PIN of a token comes from. It is asked for at each log-in: at the start, and after the token was away. If the
/// token refused the PIN, it is asked for again after [`LOG_IN_PAUSE`](crate::limits::LOG_IN_PAUSE) at the earliest, and
/// the log-in is made if it has another PIN.
#[derive(Clone)]
pub struct PinSource(Place);

#[derive(Clone)]
enum Place {
    Callback(Arc<dyn Fn() -> io::Result<Pin> + Send + Sync>),
    File(PathBuf),
    Kept(Arc<Pin>),
    None,
}

impl PinSource {
    /// A callback, which must not wait: handshakes wait for it. The PIN is wiped after the log-in. The callback may call
    /// [`Token::set_pin`](crate::Token::set_pin), and must not use the token or its keys: that waits for the log-in. On the
    /// thread of the callback it is an error ([`PinUnread`](crate::Error::PinUnread)).
    pub fn callback(ask: impl Fn() -> io::Result<Pin> + Send + Sync + 'static) -> Self {
        Self(Place::Callback(Arc::new(ask)))
    }

    /// The first line of a regular file, which is read at each log-in. The PIN is wiped after the log-in.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Place::File(path.into()))
    }

    /// A PIN that was read from elsewhere, for example from a descriptor by [`Pin::read`].
    ///
    /// # Security
    /// It is kept in memory for the log-in after a reset, and wiped when the token is dropped. With a
    /// [`callback`](Self::callback) or a [`file`](Self::file), memory has it only while a log-in is made.
    pub fn kept(pin: Pin) -> Self {
        Self(Place::Kept(Arc::new(pin)))
    }

    /// None: keys are used without a log-in, or the PIN is typed at the token itself (a protected authentication path).
    pub fn none() -> Self {
        Self(Place::None)
    }

    /// Whether there is none.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self.0, Place::None)
    }

    /// The PIN.
    pub(crate) fn ask(&self) -> io::Result<Pin> {
        match &self.0 {
            Place::Callback(ask) => ask(),
            Place::File(path) => from_file(path),
            Place::Kept(pin) => Ok(Pin::clone(pin)),
            Place::None => Err(io::Error::other("there is none")),
        }
    }
}

fn from_file(path: &Path) -> io::Result<Pin> {
    let about = |error: io::Error| {
        let text = format!("{}: {error}", path.display());
        io::Error::new(error.kind(), text)
    };
    // Before it is opened too: opening a pipe waits for its writer.
    is_regular(&fs::metadata(path).map_err(about)?).map_err(about)?;
    let file = File::open(path).map_err(about)?;
    is_regular(&file.metadata().map_err(about)?).map_err(about)?;
    is_private(&file).map_err(about)?;
    Pin::read(file).map_err(about)
}

/// Reading what is no file may wait without end, and handshakes wait for it.
fn is_regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(io::Error::other("it is no regular file"))
}

/// Other users must not read the file. A group may, if root gave it the file: so secrets are mounted for services.
#[cfg(unix)]
fn is_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    let metadata = file.metadata()?;
    match metadata.mode() & 0o077 {
        0 => Ok(()),
        0o040 if metadata.uid() == 0 => Ok(()),
        _ => {
            let mode = metadata.mode() & 0o7777;
            let text = format!("other users can read the PIN (mode {mode:o}): use `chmod 600`");
            Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
        }
    }
}

/// Other systems do not say it by a mode.
#[cfg(not(unix))]
fn is_private(_: &File) -> io::Result<()> {
    Ok(())
}

impl fmt::Debug for PinSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Callback(_) => f.write_str("PinSource(callback)"),
            Place::File(path) => write!(f, "PinSource({})", path.display()),
            Place::Kept(_) => f.write_str("PinSource(kept)"),
            Place::None => f.write_str("PinSource(none)"),
        }
    }
}
