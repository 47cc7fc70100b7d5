//! The head key: which publication is in force.

use core::fmt;
use core::str::FromStr;

use super::limits::{CHUNK_BYTES, MAX_HEAD};
use crate::digest::content_tag;
use mutual_trust::limits::MAX_PUBLICATION_BYTES;

/// The first line: the form and its version.
const FORM: &str = "mutual-trust-etcd 1";

/// What the head says. Nothing of it is signed: it bounds what is read, and says whether that is one publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) size: usize,
    /// SHA-256 of all bytes, in lower case.
    pub(super) digest: String,
}

impl Head {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            size: bytes.len(),
            digest: digest(bytes),
        }
    }

    /// How many pieces there are. None: the bytes are in the body.
    pub(super) fn chunks(&self) -> usize {
        if self.size <= CHUNK_BYTES {
            0
        } else {
            self.size.div_ceil(CHUNK_BYTES)
        }
    }

    /// Whether these are its bytes.
    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        self.size == bytes.len() && self.digest == digest(bytes)
    }

    /// The head in a value of etcd; what is wrong with it otherwise.
    pub(super) fn read(value: &[u8]) -> Result<Self, HeadError> {
        if value.len() > MAX_HEAD {
            return Err(HeadError::Form);
        }
        let text = core::str::from_utf8(value).map_err(|_| HeadError::Form)?;
        text.parse()
    }
}

/// What is wrong with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadError {
    /// It is no head of this form and version.
    Form,
    /// More bytes than are read.
    TooLarge,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FORM}")?;
        writeln!(f, "size {}", self.size)?;
        writeln!(f, "digest {}", self.digest)?;
        writeln!(f, "chunks {}", self.chunks())
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let mut lines = text.lines();
        if lines.next() != Some(FORM) {
            return Err(HeadError::Form);
        }
        let mut field = |name| lines.next()?.strip_prefix(name);
        let size = field("size ").and_then(|size| size.parse::<usize>().ok());
        let digest = field("digest ").filter(|digest| is_digest(digest));
        let (Some(size), Some(digest)) = (size, digest) else {
            return Err(HeadError::Form);
        };
        if size > MAX_PUBLICATION_BYTES {
            return Err(HeadError::TooLarge);
        }
        let digest = digest.to_owned();
        let head = Self { size, digest };
        // One text for one head: the number of pieces is that of the size.
        if size > 0 && head.to_string() == text {
            Ok(head)
        } else {
            Err(HeadError::Form)
        }
    }
}

/// Whether a text is a digest as it stands in keys and heads.
pub(super) fn is_digest(text: &str) -> bool {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 64 && text.bytes().all(is_hex)
}

fn digest(bytes: &[u8]) -> String {
    content_tag(bytes).as_str().to_owned()
}
