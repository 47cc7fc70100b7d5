//! Boundaries of PEM sections (RFC 7468 section 2), also damaged ones.

use crate::limits::MAX_PEM_LABEL;

pub(super) const BEGIN: &str = "-----BEGIN ";
pub(super) const END: &str = "-----END ";
pub(super) const DASHES: &str = "-----";

/// Whether a line is a boundary that a mail program or word processor has damaged: with missing, joined or spaced
/// dashes, or in another case. Ordinary text around sections does not look like that.
fn looks_like_boundary(line: &[u8]) -> bool {
    let contains = |part: &[u8]| line.windows(part.len()).any(|window| window == part);
    // Most lines are base64 and have no dash.
    if line.contains(&b'-') && (contains(b"---BEGIN") || contains(b"---END")) {
        return true;
    }
    // A truncated boundary: dashes, then the beginning of its first word.
    if line.starts_with(b"---") {
        let dashes = line.iter().take_while(|byte| **byte == b'-').count();
        let rest = line.get(dashes..).unwrap_or(&[]);
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphabetic());
        let word = rest.get(..word.count()).unwrap_or(&[]);
        if !word.is_empty() && (b"BEGIN".starts_with(word) || b"END".starts_with(word)) {
            return true;
        }
    }
    // Compares in place: the line may be a part of a private key, and a copy would stay in memory.
    let letters = || {
        let letters = line.iter().filter(|byte| byte.is_ascii_alphabetic());
        letters.map(|letter| letter.to_ascii_uppercase())
    };
    let begins = |word: &str| letters().take(word.len()).eq(word.bytes());
    let ends = |word: &str| letters().rev().take(word.len()).eq(word.bytes().rev());
    ["BEGIN", "END"]
        .into_iter()
        .filter(|word| begins(word))
        .any(|word| {
            // A revocation list can have a million lines of base64. Its label is short, so the whole line must be the
            // label.
            letters().skip(word.len()).eq("XCRL".bytes())
                || ["CERTIFICATE", "PRIVATEKEY", "PUBLICKEY"]
                    .into_iter()
                    .any(ends)
        })
}

/// Whether a line contains a boundary with a zero byte beside each letter, as in UTF-16.
fn is_utf16_boundary(line: &[u8]) -> bool {
    if !line.contains(&0) {
        return false;
    }
    let mut letters = line.iter().copied().filter(|byte| *byte != 0);
    loop {
        let begins = |word: &[u8]| letters.clone().take(word.len()).eq(word.iter().copied());
        if begins(b"-----BEGIN ") || begins(b"-----END ") {
            return true;
        }
        if letters.next().is_none() {
            return false;
        }
    }
}

/// The kind of a line.
pub(super) enum Boundary<'a> {
    None,
    /// A boundary in UTF-16.
    Utf16,
    Begin(&'a str),
    End(&'a str),
    /// A boundary that is damaged.
    Damaged,
}

/// The label between the first word and the dashes at the end of a line.
fn label(rest: &[u8]) -> Option<&str> {
    let label = core::str::from_utf8(rest.strip_suffix(DASHES.as_bytes())?).ok()?;
    let letters = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'-';
    let good = !label.is_empty() && label.len() <= MAX_PEM_LABEL && label.bytes().all(letters);
    good.then_some(label)
}

/// The kind of a line without its line end and trailing white space.
pub(super) fn boundary(line: &[u8]) -> Boundary<'_> {
    if let Some(rest) = line.strip_prefix(BEGIN.as_bytes()) {
        label(rest).map_or(Boundary::Damaged, Boundary::Begin)
    } else if let Some(rest) = line.strip_prefix(END.as_bytes()) {
        label(rest).map_or(Boundary::Damaged, Boundary::End)
    } else if is_utf16_boundary(line) {
        Boundary::Utf16
    } else if looks_like_boundary(line) {
        Boundary::Damaged
    } else {
        Boundary::None
    }
}
