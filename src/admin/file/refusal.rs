//! A change that was refused: it stands among the changes, and changes nothing.

use core::fmt::Write;

use super::Seal;
use super::change::{self, ChangeHead};
use super::format::{ContentDigest, INDENT};
use crate::admin::file::error::StoreFileError;
use crate::certificate::breaks_a_line;
use crate::limits::{MAX_ASKED, MAX_REFUSAL_BYTES, MAX_REFUSED_WORDS};

/// A change that was refused, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct StoredRefusal {
    /// The generation in force, as both generations, the time, and what was asked.
    pub head: ChangeHead,
    /// Why it was refused.
    pub because: String,
    /// How many refusals before it are not recorded, as far as the program knows that recorded it.
    pub omitted: u64,
    /// The digest of the record.
    pub digest: ContentDigest,
    /// Its bytes in the file.
    pub bytes: usize,
}

/// Words of one line, within their bound. What breaks a line is left out.
fn words(text: &str) -> String {
    let mut words = String::new();
    for character in text.chars() {
        let character = match breaks_a_line(character) {
            true => ' ',
            false => character,
        };
        if words.len().saturating_add(character.len_utf8()) > MAX_REFUSED_WORDS {
            words.push('…');
            break;
        }
        words.push(character);
    }
    words
}

/// A refusal within the bounds of its record.
pub(crate) fn refused(mut head: ChangeHead, because: &str, omitted: u64) -> StoredRefusal {
    // A reader takes no more calls than these.
    let left_out = head.asked.len().saturating_sub(MAX_ASKED);
    head.asked.truncate(MAX_ASKED);
    head.more = head.more.saturating_add(left_out);
    for (call, _) in &mut head.asked {
        *call = words(call);
    }
    let mut refusal = StoredRefusal {
        digest: head.before,
        bytes: 0,
        head,
        because: words(because),
        omitted,
    };
    while open(&refusal).len() > MAX_REFUSAL_BYTES && refusal.head.asked.pop().is_some() {
        refusal.head.more = refusal.head.more.saturating_add(1);
    }
    refusal
}

/// Writes a refusal with its last line and its seal, and notes its digest and its length.
pub(crate) fn write(
    refusal: &mut StoredRefusal,
    seal: Option<&dyn Seal>,
) -> Result<String, StoreFileError> {
    let (text, digest) = change::closed(open(refusal), seal)?;
    refusal.digest = digest;
    refusal.bytes = text.len();
    Ok(text)
}

/// A refusal without its last line.
pub(super) fn open(refusal: &StoredRefusal) -> String {
    let mut rest = String::new();
    // Writing to a string cannot fail.
    let _ = change::fields(&refusal.head, &mut rest);
    let _ = writeln!(rest, "{INDENT}because {}", refusal.because);
    if refusal.omitted > 0 {
        let _ = writeln!(rest, "{INDENT}omitted {}", refusal.omitted);
    }
    change::with_first(refusal.head.from, refusal.head.from, &rest)
}
