//! PEM (RFC 7468): every section of a file, or an error that names the first bad one.
//!
//! The reader is strict where a mistake could hide a certificate (labels, ends, lengths) and lenient where
//! nothing can be lost: text around sections, CRLF line ends, a byte-order mark, any line width. Buffers that
//! held decoded bytes are wiped, so that private keys can be read by the same code.

use base64ct::{Base64, Encoding};
use zeroize::{Zeroize, Zeroizing};

use crate::error::PemError;
use crate::limits::{MAX_PEM_BYTES, MAX_PEM_LABEL, MAX_PEM_SECTIONS};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One section: what it claims to be, where it starts, and its decoded content.
#[derive(Clone)]
pub(crate) struct Section<'a> {
    pub(crate) label: &'a str,
    /// Line of the `BEGIN` boundary, counted from 1.
    pub(crate) line: usize,
    /// Number of the section in the file, counted from 0.
    pub(crate) index: usize,
    body: &'a str,
}

impl Section<'_> {
    /// Decodes the content into one buffer, which holds nothing else and is wiped when dropped.
    pub(crate) fn decode(&self) -> Result<Zeroizing<Vec<u8>>, PemError> {
        let mut text = Zeroizing::new(Vec::new());
        text.try_reserve_exact(self.body.len())
            .map_err(|_| self.bad_base64(0))?;
        for (number, line) in self.body.lines().enumerate() {
            let line = line.trim_end_matches([' ', '\t']);
            if line.contains(':') {
                return Err(PemError::Headers {
                    index: self.index,
                    line: self.line.saturating_add(number).saturating_add(1),
                });
            }
            let clean = line
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
            if !clean {
                return Err(self.bad_base64(number.saturating_add(1)));
            }
            text.extend_from_slice(line.as_bytes());
        }
        let length = Base64::decode_in_place(&mut text)
            .map_err(|_| self.bad_base64(0))?
            .len();
        // What is left of the text behind the content would live as long as that.
        if let Some(rest) = text.get_mut(length..) {
            rest.zeroize();
        }
        text.truncate(length);
        Ok(text)
    }

    fn bad_base64(&self, lines_below: usize) -> PemError {
        PemError::Base64 {
            index: self.index,
            line: self.line.saturating_add(lines_below),
        }
    }
}

/// Splits a file into its sections.
///
/// # Errors
/// Anything that looks like a boundary and is not one in order: a section that does not end, ends under
/// another label, or begins inside another; an indented or damaged boundary. A file without any section is
/// an error as well.
pub(crate) fn sections(text: &[u8]) -> Result<Vec<Section<'_>>, PemError> {
    sections_within(text, MAX_PEM_BYTES)
}

/// Splits a file of at most `limit` bytes into its sections, as [`sections`].
pub(crate) fn sections_within(text: &[u8], limit: usize) -> Result<Vec<Section<'_>>, PemError> {
    if text.len() > limit {
        return Err(PemError::TooLarge {
            size: text.len(),
            limit,
        });
    }
    let text = core::str::from_utf8(text).map_err(|error| PemError::NotText {
        offset: error.valid_up_to(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found: Vec<Section<'_>> = Vec::new();
    let mut open: Option<(&str, usize, usize)> = None; // label, line, start of the body
    let mut offset = 0_usize;
    for (index, with_end) in text.split_inclusive('\n').enumerate() {
        let number = index.saturating_add(1);
        let line = with_end.trim_end_matches(['\n', '\r', ' ', '\t']);
        let start = offset;
        offset = offset.saturating_add(with_end.len());
        let boundary = match boundary(line) {
            Boundary::None => continue,
            Boundary::Damaged => return Err(PemError::Boundary { line: number }),
            Boundary::Begin(label) => (true, label),
            Boundary::End(label) => (false, label),
        };
        match (boundary, open.take()) {
            ((true, label), None) => open = Some((label, number, offset)),
            ((true, _), Some((label, line, _))) => {
                return Err(PemError::MissingEnd {
                    index: found.len(),
                    line,
                    label: label.to_owned(),
                });
            }
            ((false, _), None) => return Err(PemError::Boundary { line: number }),
            ((false, end), Some((label, line, body))) => {
                if end != label {
                    return Err(PemError::LabelMismatch {
                        index: found.len(),
                        line: number,
                        begin: label.to_owned(),
                        end: end.to_owned(),
                    });
                }
                if found.len() >= MAX_PEM_SECTIONS {
                    return Err(PemError::TooManySections {
                        limit: MAX_PEM_SECTIONS,
                    });
                }
                found.push(Section {
                    label,
                    line,
                    index: found.len(),
                    body: text.get(body..start).unwrap_or(""),
                });
            }
        }
    }
    if let Some((label, line, _)) = open {
        return Err(PemError::MissingEnd {
            index: found.len(),
            line,
            label: label.to_owned(),
        });
    }
    if found.is_empty() {
        return Err(PemError::NoSection);
    }
    Ok(found)
}

/// Whether a line was a boundary before a mail program or a word processor had it: dashes lost, joined or
/// spread, letters in another case. Text around sections has no such lines.
fn looks_like_boundary(line: &str) -> bool {
    if line.contains("---BEGIN") || line.contains("---END") {
        return true;
    }
    // A boundary that was cut off: dashes, then as much of its first word as there is.
    if line.starts_with("---") {
        let rest = line.trim_start_matches('-');
        let first = rest
            .split(|letter: char| !letter.is_ascii_alphabetic())
            .next();
        let cut = first.filter(|word| !word.is_empty());
        if cut.is_some_and(|word| "BEGIN".starts_with(word) || "END".starts_with(word)) {
            return true;
        }
    }
    // Compared where it lies: the line may be of a private key, and a copy would stay behind.
    let letters = || {
        let letters = line.bytes().filter(u8::is_ascii_alphabetic);
        letters.map(|letter| letter.to_ascii_uppercase())
    };
    let begins = |word: &str| letters().take(word.len()).eq(word.bytes());
    let ends = |word: &str| letters().rev().take(word.len()).eq(word.bytes().rev());
    ["BEGIN", "END"]
        .into_iter()
        .filter(|word| begins(word))
        .any(|word| {
            // A revocation list has a million lines of base64, so its short label must be all there is.
            letters().skip(word.len()).eq("XCRL".bytes())
                || ["CERTIFICATE", "PRIVATEKEY", "PUBLICKEY"]
                    .into_iter()
                    .any(ends)
        })
}

enum Boundary<'a> {
    None,
    Begin(&'a str),
    End(&'a str),
    Damaged,
}

fn boundary(line: &str) -> Boundary<'_> {
    let label = |rest: &str| {
        let label = rest.strip_suffix(DASHES)?;
        let letters = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'-';
        let good = !label.is_empty() && label.len() <= MAX_PEM_LABEL && label.bytes().all(letters);
        good.then_some(label.len())
    };
    let make = |rest| label(rest).and_then(|length| str::get(rest, ..length));
    if let Some(rest) = line.strip_prefix(BEGIN) {
        make(rest).map_or(Boundary::Damaged, Boundary::Begin)
    } else if let Some(rest) = line.strip_prefix(END) {
        make(rest).map_or(Boundary::Damaged, Boundary::End)
    } else if looks_like_boundary(line) {
        Boundary::Damaged
    } else {
        Boundary::None
    }
}

/// One section with lines of 64 characters, as RFC 7468 section 2 asks of writers.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let body = Base64::encode_string(der);
    let mut text = String::with_capacity(body.len().saturating_add(128));
    text.push_str(BEGIN);
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = body.as_str();
    while let Some((line, after)) = rest.split_at_checked(64) {
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    if !rest.is_empty() {
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str(END);
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Result<Vec<(String, usize)>, PemError> {
        let found = sections(text.as_bytes())?;
        Ok(found
            .iter()
            .map(|section| (section.label.to_owned(), section.line))
            .collect())
    }

    #[test]
    fn a_text_may_be_as_long_as_its_limit() {
        let text = b"-----BEGIN A-----\nAAAA\n-----END A-----\n";
        assert_eq!(sections_within(text, text.len()).unwrap().len(), 1);
        assert!(matches!(
            sections_within(text, text.len() - 1),
            Err(PemError::TooLarge { size, limit }) if size == text.len() && limit + 1 == size
        ));
    }

    #[test]
    fn sections_are_found_with_their_lines() {
        let text = "subject=x\n-----BEGIN A-----\r\nAAAA\r\n-----END A-----\n\n\
                    -----BEGIN B C-----\nAAAA\n-----END B C-----";
        assert_eq!(
            kinds(text).unwrap(),
            [("A".to_owned(), 2), ("B C".to_owned(), 6)]
        );
        assert!(kinds(&format!("\u{feff}{text}")).is_ok());
    }

    #[test]
    fn nothing_is_dropped_in_silence() {
        type Expected = fn(&PemError) -> bool;
        let cases: &[(&str, Expected)] = &[
            ("", |e| matches!(e, PemError::NoSection)),
            ("hello\n", |e| matches!(e, PemError::NoSection)),
            ("-----BEGIN A-----\nAAAA\n", |e| {
                matches!(
                    e,
                    PemError::MissingEnd {
                        index: 0,
                        line: 1,
                        ..
                    }
                )
            }),
            (
                "-----BEGIN A-----\nAAAA\n-----END A-----\n-----BEGIN A-----\nAA",
                |e| {
                    matches!(
                        e,
                        PemError::MissingEnd {
                            index: 1,
                            line: 4,
                            ..
                        }
                    )
                },
            ),
            ("-----BEGIN A-----\n-----BEGIN A-----\n", |e| {
                matches!(e, PemError::MissingEnd { .. })
            }),
            ("-----BEGIN A-----\nAAAA\n-----END B-----\n", |e| {
                matches!(e, PemError::LabelMismatch { line: 3, .. })
            }),
            ("-----END A-----\n", |e| {
                matches!(e, PemError::Boundary { line: 1 })
            }),
            (" -----BEGIN A-----\nAAAA\n", |e| {
                matches!(e, PemError::Boundary { line: 1 })
            }),
            ("----BEGIN A-----\nAAAA\n", |e| {
                matches!(e, PemError::Boundary { line: 1 })
            }),
            ("-----BEGIN A----\nAAAA\n", |e| {
                matches!(e, PemError::Boundary { line: 1 })
            }),
        ];
        for (text, expected) in cases {
            let error = kinds(text).unwrap_err();
            assert!(expected(&error), "{text:?}: {error:?}");
        }
    }

    #[test]
    fn content_is_decoded_whole_or_refused_with_its_line() {
        let decode = |body: &str| {
            let text = format!("-----BEGIN A-----\n{body}\n-----END A-----\n");
            let found = sections(text.as_bytes()).unwrap();
            found.first().unwrap().decode()
        };
        assert_eq!(*decode("AQID\nBAU=").unwrap(), [1, 2, 3, 4, 5]);
        assert!(decode("").unwrap().is_empty());
        for bad in ["AQI", "AQI=AQID", "AQIDBA", "AQ=ID===", "AQIB!A=="] {
            assert!(
                matches!(decode(bad), Err(PemError::Base64 { index: 0, .. })),
                "{bad}"
            );
        }
        assert!(matches!(
            decode("AQID\nBA?="),
            Err(PemError::Base64 { line: 3, .. })
        ));
        assert!(matches!(
            decode("Proc-Type: 4,ENCRYPTED\n\nAQID"),
            Err(PemError::Headers { line: 2, .. })
        ));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0_usize, 1, 47, 48, 49, 96, 1000] {
            let der = vec![7; length];
            let text = encode("CERTIFICATE", &der);
            let found = sections(text.as_bytes()).unwrap();
            assert_eq!(*found.first().unwrap().decode().unwrap(), der);
            assert!(text.lines().all(|line| line.len() <= 64));
        }
    }
}
