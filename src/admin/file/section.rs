//! The one form of a PEM section that a store's file has: lines of 64 characters, each ended by a line feed, and nothing
//! around them.
//!
//! A file has one for each entry, so this is read and written without a scan for other forms and without a list of
//! lines. Users' files have any form that RFC 7468 allows, and are read by [`pem`](crate::certificate::pem).

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Characters of a whole line (RFC 7468 section 2).
const LINE: usize = 64;
/// The same with its end.
const LINE_TEXT: usize = LINE + 1;
/// Bytes that a whole line encodes.
const LINE_BYTES: usize = 48;
/// Lines that are decoded at once: as many as most certificates have.
const LINES: usize = 16;

/// The content of a section that has exactly the form that [`write`] gives it, and at most `limit` bytes. `None` for
/// every other text, which need not be wrong.
pub(crate) fn read(label: &str, text: &str, limit: usize) -> Option<Vec<u8>> {
    let text = text.strip_prefix("-----BEGIN ")?.strip_prefix(label)?;
    let text = text.strip_suffix("-----\n")?.strip_suffix(label)?;
    let text = text.strip_prefix("-----\n")?.strip_suffix("-----END ")?;
    let most = text.len().div_ceil(LINE_TEXT).checked_mul(LINE_BYTES)?;
    if most > limit.saturating_add(LINE_BYTES) {
        return None;
    }
    let mut content = Vec::with_capacity(most);
    for block in text.as_bytes().chunks(LINES * LINE_TEXT) {
        let mut joined = [0; LINES * LINE];
        let mut length = 0_usize;
        for line in block.chunks(LINE_TEXT) {
            // Only the last line may be shorter.
            if !length.is_multiple_of(LINE) {
                return None;
            }
            let line = line.strip_suffix(b"\n").filter(|line| !line.is_empty())?;
            let end = length.checked_add(line.len())?;
            joined.get_mut(length..end)?.copy_from_slice(line);
            length = end;
        }
        // Only the last block may be shorter, and only there may be padding.
        if !content.len().is_multiple_of(LINES * LINE_BYTES) {
            return None;
        }
        let mut part = [0; LINES * LINE_BYTES];
        let length = STANDARD.decode_slice(joined.get(..length)?, &mut part);
        content.extend_from_slice(part.get(..length.ok()?)?);
    }
    (content.len() <= limit).then_some(content)
}

/// Writes a section with lines of 64 characters, as RFC 7468 section 2 requires of generators.
pub(crate) fn write(label: &str, content: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    for part in ["-----BEGIN ", label, "-----\n"] {
        out.write_str(part)?;
    }
    for block in content.chunks(LINES * LINE_BYTES) {
        let mut joined = [0; LINES * LINE];
        let length = STANDARD.encode_slice(block, &mut joined);
        let joined = length.ok().and_then(|length| joined.get(..length));
        let mut text = [b'\n'; LINES * LINE_TEXT];
        let mut length = 0_usize;
        let lines = joined.ok_or(fmt::Error)?.chunks(LINE);
        for (place, line) in text.chunks_mut(LINE_TEXT).zip(lines) {
            place
                .get_mut(..line.len())
                .ok_or(fmt::Error)?
                .copy_from_slice(line);
            length = length.saturating_add(line.len()).saturating_add(1);
        }
        let text = text
            .get(..length)
            .and_then(|text| core::str::from_utf8(text).ok());
        out.write_str(text.ok_or(fmt::Error)?)?;
    }
    for part in ["-----END ", label, "-----\n"] {
        out.write_str(part)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::pem;

    const LABEL: &str = "CERTIFICATE";

    fn written(content: &[u8]) -> String {
        let mut text = String::new();
        write(LABEL, content, &mut text).unwrap();
        text
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length)
            .map(|at| u8::try_from(at * 7 % 251).unwrap())
            .collect()
    }

    #[test]
    fn what_is_written_is_what_the_other_writer_writes_and_is_read_again() {
        for length in (1..300).chain([767, 768, 769, 1535, 1536, 1537, 4_000]) {
            let content = content(length);
            let text = written(&content);
            assert_eq!(text, pem::encode(LABEL, &content));
            assert_eq!(read(LABEL, &text, length).unwrap(), content);
            assert_eq!(read(LABEL, &text, length - 1), None);
            assert_eq!(read("X509 CRL", &text, length), None);
        }
    }

    // A file has one text for its content: what is read here must be what `write` writes, to the byte.
    #[test]
    fn no_changed_text_is_read_as_another_content() {
        for length in [1, 2, 3, 47, 48, 49, 95, 96, 100, 768, 769] {
            let text = written(&content(length));
            for at in 0..text.len() {
                for byte in [b'A', b'=', b'-', b' ', b'\n', b'\r', b'/', b'z', 0] {
                    let mut changed = text.clone().into_bytes();
                    if changed[at] == byte {
                        continue;
                    }
                    changed[at] = byte;
                    let changed = String::from_utf8(changed).unwrap();
                    if let Some(read) = read(LABEL, &changed, 1_000) {
                        assert_eq!(written(&read), changed);
                    }
                }
                let cut = &text[..at];
                assert_eq!(read(LABEL, cut, 1_000), None);
                let doubled = format!("{}{}", &text[..at], &text[at.saturating_sub(1)..]);
                if let Some(read) = read(LABEL, &doubled, 1_000) {
                    assert_eq!(written(&read), doubled);
                }
            }
        }
    }

    #[test]
    fn other_forms_of_a_section_are_left_to_the_other_reader() {
        let text = written(&content(100));
        for other in [
            text.replace('\n', "\r\n"),
            format!(" {text}"),
            format!("{text}\n"),
            text.replacen("\n", "\n\n", 1),
            text.replacen("\n", "\n ", 1),
        ] {
            assert_eq!(read(LABEL, &other, 1_000), None);
        }
    }
}
