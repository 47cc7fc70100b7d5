//! PEM (RFC 7468): all sections of a file, or an error that names the first bad one.
//!
//! The scanner here finds where sections begin and end. It is strict where a fault could hide a certificate: labels,
//! ends and lengths. It is lenient where nothing can be lost: text of any encoding around sections, CRLF, a byte-order
//! mark, any line width, and white space around lines of base64. The crate `pem` then decodes public sections, one at a
//! time. Private keys are decoded here, into buffers that are wiped.

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use zeroize::{Zeroize, Zeroizing};

use super::boundary::{BEGIN, Boundary, DASHES, END, boundary};
use super::der;
use super::other_format::format_of_text;
use crate::certificate::error::{OtherFormat, PemError};
use crate::limits::{MAX_PEM_BYTES, MAX_PEM_SECTIONS};

/// Labels that errors may show. Any other label could be a part of a key.
const KNOWN_LABELS: &[&str] = &[
    "ATTRIBUTE CERTIFICATE",
    "CERTIFICATE",
    "CERTIFICATE REQUEST",
    "CMS",
    "DH PARAMETERS",
    "DSA PARAMETERS",
    "DSA PRIVATE KEY",
    "EC PARAMETERS",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "NEW CERTIFICATE REQUEST",
    "OPENSSH PRIVATE KEY",
    "PKCS12",
    "PKCS7",
    "PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PRIVATE KEY",
    "RSA PUBLIC KEY",
    "TRUSTED CERTIFICATE",
    "X509 CERTIFICATE",
    "X509 CRL",
];

/// A label in the form that errors may show.
pub(crate) fn shown_label(label: &str) -> &'static str {
    let mut known = KNOWN_LABELS.iter();
    known
        .find(|known| **known == label)
        .unwrap_or(&"(unknown label)")
}

/// A section: its label, where it starts, and its text.
#[derive(Clone)]
pub(crate) struct Section<'a> {
    pub(crate) label: &'a str,
    /// Line of the `BEGIN` boundary, from 1.
    pub(crate) line: usize,
    /// Position of the section in the file, from 0.
    pub(crate) index: usize,
    /// From the `BEGIN` boundary to the end of the `END` boundary.
    whole: &'a [u8],
    /// The text between the boundaries.
    body: &'a [u8],
}

impl Section<'_> {
    /// Decodes public content. The crate `pem` gets the text of this section only.
    pub(crate) fn decode_public(&self) -> Result<Vec<u8>, PemError> {
        let mut has_blank = false;
        for (number, line) in lines_of(self.body).enumerate() {
            has_blank |= self.clean(number, line)?.is_empty();
        }
        // To the crate `pem`, a blank line is the end of headers. This section has no headers.
        let text = if has_blank {
            let mut text = Vec::new();
            let size = self.whole.len();
            text.try_reserve_exact(size)
                .map_err(|_| self.bad_base64(0))?;
            text.extend_from_slice(self.whole_before_body());
            for line in lines_of(self.body).map(trimmed) {
                text.extend_from_slice(line);
            }
            text.push(b'\n');
            for part in [END, self.label, DASHES] {
                text.extend_from_slice(part.as_bytes());
            }
            Cow::Owned(text)
        } else {
            Cow::Borrowed(self.whole)
        };
        let read = ::pem::parse(&text).map_err(|_| self.bad_base64(0))?;
        // The crate must have read the section that the scanner found, and all of it.
        if read.tag() != self.label || read.headers().iter().next().is_some() {
            return Err(self.bad_base64(0));
        }
        Ok(read.into_contents())
    }

    /// Decodes secret content into one buffer, which holds nothing else and is wiped when dropped. Calls `scrub` directly
    /// after decoding: the unused bytes of an error that is made before can hold what a register or the stack held.
    pub(crate) fn decode_secret(&self, scrub: fn()) -> Result<Zeroizing<Vec<u8>>, PemError> {
        let mut text = Zeroizing::new(Vec::new());
        let mut line = 0;
        let fault = self.decode_into(&mut text, &mut line);
        scrub();
        match fault {
            Fault::None => Ok(text),
            fault @ (Fault::Headers | Fault::Base64) => Err(self.error(fault, line)),
        }
    }

    /// Decodes secret content into `text`, in frames that the caller scrubs. On a fault, `line` is its line in the body,
    /// from 1, or 0.
    #[inline(never)]
    fn decode_into(&self, text: &mut Vec<u8>, line: &mut usize) -> Fault {
        if text.try_reserve_exact(self.body.len()).is_err() {
            return Fault::Base64;
        }
        for (number, found) in lines_of(self.body).enumerate() {
            let found = trimmed(found);
            match fault_in(found) {
                Fault::None => text.extend_from_slice(found),
                fault @ (Fault::Headers | Fault::Base64) => {
                    *line = number.saturating_add(1);
                    return fault;
                }
            }
        }
        // The last four characters may have unused bits, which the decoder below ignores. They are checked after
        // decoding.
        let mut end = Zeroizing::new([0; 4]);
        let last = text.len().checked_sub(end.len());
        if let Some(last) = last.and_then(|start| text.get(start..)) {
            end.copy_from_slice(last);
        }
        let Ok(length) = Base64::decode_in_place(text).map(<[u8]>::len) else {
            return Fault::Base64;
        };
        let last = text.get(length.saturating_sub(1) / 3 * 3..length);
        let mut again = Zeroizing::new([0; 4]);
        let is_canonical = last.is_some_and(|last| {
            let written = Base64::encode(last, again.as_mut_slice());
            written.is_ok_and(|written| written.is_empty() || written.as_bytes() == *end)
        });
        if !is_canonical {
            return Fault::Base64;
        }
        // The rest of the base64 text behind the content would otherwise stay in memory with it.
        if let Some(rest) = text.get_mut(length..) {
            rest.zeroize();
        }
        text.truncate(length);
        Fault::None
    }

    /// The error for a section with an unexpected label.
    pub(crate) fn unexpected(&self) -> PemError {
        PemError::Label {
            index: self.index,
            line: self.line,
            label: shown_label(self.label).to_owned(),
        }
    }

    /// A line of the body without the white space around it. RFC 7468 section 2: parsers should ignore it.
    fn clean<'b>(&self, number: usize, line: &'b [u8]) -> Result<&'b [u8], PemError> {
        let line = trimmed(line);
        match fault_in(line) {
            Fault::None => Ok(line),
            fault @ (Fault::Headers | Fault::Base64) => {
                Err(self.error(fault, number.saturating_add(1)))
            }
        }
    }

    fn whole_before_body(&self) -> &[u8] {
        let length = der::offset_in(self.whole, self.body);
        self.whole.get(..length.unwrap_or(0)).unwrap_or(&[])
    }

    fn bad_base64(&self, lines_below: usize) -> PemError {
        self.error(Fault::Base64, lines_below)
    }

    fn error(&self, fault: Fault, lines_below: usize) -> PemError {
        let (index, line) = (self.index, self.line.saturating_add(lines_below));
        match fault {
            Fault::Headers => PemError::Headers { index, line },
            Fault::None | Fault::Base64 => PemError::Base64 { index, line },
        }
    }
}

/// What is wrong with the body of a section. It has no fields, so that it cannot carry bytes of the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Headers,
    Base64,
}

/// Looks at a line of a body, without the white space around it.
fn fault_in(line: &[u8]) -> Fault {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    if line.contains(&b':') {
        Fault::Headers
    } else if line.iter().all(letter) {
        Fault::None
    } else {
        Fault::Base64
    }
}

/// The lines of a text, without line ends.
fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

/// A line without spaces and tabs around it.
fn trimmed(mut line: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = line {
        line = rest;
    }
    line
}

/// Splits a file into its sections.
///
/// # Errors
/// A section does not end, ends with another label, or begins inside another. A boundary is indented or damaged. The
/// file has no section.
pub(crate) fn sections(text: &[u8]) -> Result<Vec<Section<'_>>, PemError> {
    sections_within(text, MAX_PEM_BYTES)
}

/// Whether the text contains a `BEGIN` boundary. A quick check without validation.
fn has_boundary(text: &[u8]) -> bool {
    let mark = BEGIN.as_bytes();
    text.windows(mark.len()).any(|window| window == mark)
}

/// Whether the content of a file is DER rather than PEM: a sequence, or the beginning of one in a file that is not text.
#[doc(hidden)]
pub fn is_der(content: &[u8]) -> bool {
    if content.first() != Some(&der::SEQUENCE) {
        return false;
    }
    // The length of what has more than 127 bytes is no text. What follows it does not make it one: the reader of DER says so.
    let begins = der::take_long(content)
        .is_some_and(|(value, rest)| rest.is_empty() || value.content.len() > 127);
    // A text can begin with the digit 0, which is the same byte, and can have any encoding around its sections.
    let is_text = || core::str::from_utf8(content).is_ok() || has_boundary(content);
    begins || !is_text()
}

/// A section whose end was not reached yet.
struct Open<'a> {
    label: &'a str,
    line: usize,
    start: usize,
    body: usize,
}

/// Splits a file of at most `limit` bytes into its sections, like [`sections`].
///
/// Text around the sections may have any encoding (RFC 7468 section 2: parsers must not fail on it).
pub(crate) fn sections_within(text: &[u8], limit: usize) -> Result<Vec<Section<'_>>, PemError> {
    if text.len() > limit {
        return Err(PemError::TooLarge {
            size: text.len(),
            limit,
        });
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut found: Vec<Section<'_>> = Vec::new();
    let mut open: Option<Open<'_>> = None;
    let mut offset = 0_usize;
    for (index, with_end) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index.saturating_add(1);
        let mut line = with_end;
        while let [rest @ .., b'\n' | b'\r' | b' ' | b'\t'] = line {
            line = rest;
        }
        let start = offset;
        offset = offset.saturating_add(with_end.len());
        let boundary = match boundary(line) {
            Boundary::None => continue,
            Boundary::Damaged if has_one_line(text) => {
                return Err(PemError::OtherFormat {
                    found: OtherFormat::CarriageReturn,
                });
            }
            Boundary::Damaged => return Err(PemError::Boundary { line: number }),
            Boundary::Utf16 => return Err(PemError::Utf16),
            Boundary::Begin(label) => (true, label),
            Boundary::End(label) => (false, label),
        };
        match (boundary, open.take()) {
            ((true, label), None) => {
                open = Some(Open {
                    label,
                    line: number,
                    start,
                    body: offset,
                });
            }
            ((true, _), Some(before)) => return Err(without_end(&before, found.len())),
            ((false, _), None) => return Err(PemError::Boundary { line: number }),
            ((false, end), Some(begin)) => {
                if end != begin.label {
                    return Err(PemError::LabelMismatch {
                        index: found.len(),
                        line: number,
                        begin: shown_label(begin.label).to_owned(),
                        end: shown_label(end).to_owned(),
                    });
                }
                if found.len() >= MAX_PEM_SECTIONS {
                    return Err(PemError::TooManySections {
                        limit: MAX_PEM_SECTIONS,
                    });
                }
                found.push(Section {
                    label: begin.label,
                    line: begin.line,
                    index: found.len(),
                    whole: text.get(begin.start..offset).unwrap_or(&[]),
                    body: text.get(begin.body..start).unwrap_or(&[]),
                });
            }
        }
    }
    if let Some(begin) = open {
        return Err(without_end(&begin, found.len()));
    }
    if found.is_empty() {
        return Err(no_section(text));
    }
    Ok(found)
}

fn without_end(begin: &Open<'_>, index: usize) -> PemError {
    PemError::MissingEnd {
        index,
        line: begin.line,
        label: shown_label(begin.label).to_owned(),
    }
}

/// The error for a file without a section, as specific as its bytes allow.
fn no_section(text: &[u8]) -> PemError {
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return PemError::Utf16;
    }
    if let Some(found) = format_of_text(text) {
        return PemError::OtherFormat { found };
    }
    core::str::from_utf8(text).map_or_else(
        |error| PemError::NotText {
            offset: error.valid_up_to(),
        },
        |_| PemError::NoSection,
    )
}

/// Whether carriage returns alone end the lines.
fn has_one_line(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    text.contains(&b'\r') && !text.contains(&b'\n')
}

/// Encodes one section with lines of 64 characters, as RFC 7468 section 2 requires of generators.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let config = ::pem::EncodeConfig::new().set_line_ending(::pem::LineEnding::LF);
    ::pem::encode_config(&::pem::Pem::new(label, der), config)
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

    /// A sequence of so many bytes, with a boundary of PEM among them.
    fn der_of(size: usize) -> Vec<u8> {
        let mut content = b"-----BEGIN A-----\n".to_vec();
        content.resize(size, 0xff);
        let length = size.to_be_bytes();
        let digits = length.iter().position(|digit| *digit > 0).unwrap();
        let mut value = vec![0x30];
        if size > 127 {
            value.push(0x80 | u8::try_from(length.len() - digits).unwrap());
        }
        value.extend(&length[digits..]);
        value.extend(content);
        value
    }

    #[test]
    fn a_text_that_begins_with_a_zero_is_no_der() {
        let text = b"0. Schl\xfcssel\n-----BEGIN PRIVATE KEY-----\n";
        assert!(!is_der(text));
        assert!(is_der(&text[..20]));
        assert!(is_der(&[0x30, 0]));
        assert!(!is_der(b"0"));
        // What follows a value, or stands in one of many bytes, makes no text of it.
        for size in [128, 300, 70_000] {
            let mut value = der_of(size);
            assert!(is_der(&value), "{size}");
            value.extend(text);
            assert!(is_der(&value), "{size}");
        }
        let mut short = der_of(100);
        short.extend(text);
        assert!(!is_der(&short));
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
            ("\r-----BEGIN A-----\rAAAA\r", |e| {
                matches!(
                    e,
                    PemError::OtherFormat {
                        found: OtherFormat::CarriageReturn
                    }
                )
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
            let section = found.first().unwrap();
            let (secret, public) = (section.decode_secret(|| ()), section.decode_public());
            // Both readers read the same content or both refuse.
            match (&secret, &public) {
                (Ok(secret), Ok(public)) => assert_eq!(**secret, *public, "{body:?}"),
                (Err(left), Err(right)) => {
                    assert_eq!(format!("{left:?}"), format!("{right:?}"), "{body:?}");
                }
                _ => panic!("{body:?}: {secret:?}, {public:?}"),
            }
            secret
        };
        assert_eq!(*decode("AQID\nBAU=").unwrap(), [1, 2, 3, 4, 5]);
        assert!(decode("").unwrap().is_empty());
        assert!(decode("\n \n").unwrap().is_empty());
        // White space around lines, blank lines, other line ends, lines of any length.
        for same in [
            " AQID\n\tBAU= ",
            "AQID \t\r\n  BAU=\r",
            "\nAQID\n\nBAU=\n",
            "AQID\r\n\r\nBAU=\r\n",
            "A\nQ\nID\nBAU\n=",
            "AQIDBAU=",
        ] {
            assert_eq!(*decode(same).unwrap(), [1, 2, 3, 4, 5], "{same:?}");
        }
        // Unused bits at the end (RFC 4648 section 3.5).
        for (good, others) in [
            ("AQ==", ["AR==", "AX==", "Af=="]),
            ("AQI=", ["AQJ=", "AQK=", "AQL="]),
            ("AQIDBA==", ["AQIDBB==", "AQIDBP==", "AQIDBC=="]),
        ] {
            assert!(decode(good).is_ok(), "{good}");
            for other in others {
                assert!(
                    matches!(decode(other), Err(PemError::Base64 { line: 1, .. })),
                    "{other}"
                );
            }
        }
        let bad = [
            "AQI",
            "AQI=AQID",
            "AQIDBA",
            "AQ=ID===",
            "AQIB!A==",
            "====",
            "AQ ID",
            "AQID\u{e9}",
            "=",
            "A===",
        ];
        for bad in bad {
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
    fn text_around_sections_is_of_any_encoding_and_what_is_in_them_is_not() {
        let section = b"-----BEGIN A-----\nAQID\n-----END A-----\n";
        // Latin-1, UTF-16 without a section, and every byte.
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        for around in [&b"# Autorit\xe9\n"[..], b"\xff\xfeA\0\n\0", &bytes] {
            let text = [around, b"\n", section, around].concat();
            let found = sections(&text).unwrap();
            assert_eq!(found.len(), 1, "{around:02x?}");
            assert_eq!(found[0].decode_public().unwrap(), [1, 2, 3]);
        }
        let inside = b"-----BEGIN A-----\nAQ\xe9ID\n-----END A-----\n";
        let found = sections(inside).unwrap();
        assert!(matches!(
            found[0].decode_secret(|| ()),
            Err(PemError::Base64 { line: 2, .. })
        ));
        for label in [&b"-----BEGIN \xe9-----\n"[..], b"\xe9-----BEGIN A-----\n"] {
            let text = [label, b"AQID\n-----END A-----\n"].concat();
            assert!(matches!(
                sections(&text),
                Err(PemError::Boundary { line: 1 })
            ));
        }
    }

    #[test]
    fn utf_16_is_named_wherever_it_has_a_boundary() {
        let text = "-----BEGIN PKCS7-----\nAQID\n-----END PKCS7-----\n";
        let utf16 = |text: &str, write: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(write).collect()
        };
        for write in [u16::to_le_bytes, u16::to_be_bytes] {
            let plain = utf16(text, write);
            let marked = utf16(&format!("\u{feff}{text}"), write);
            let beside = [text.as_bytes(), &marked].concat();
            let only_text = utf16("\u{feff}hello\n", write);
            for file in [plain, marked, beside, only_text] {
                assert!(
                    matches!(sections(&file), Err(PemError::Utf16)),
                    "{file:02x?}"
                );
            }
        }
    }

    #[test]
    fn a_label_is_repeated_only_if_it_is_known() {
        let unknown = "SECRETKEYMATERIAL";
        for text in [
            format!("-----BEGIN {unknown}-----\nAAAA\n"),
            format!("-----BEGIN {unknown}-----\nAAAA\n-----BEGIN A-----\n"),
            format!("-----BEGIN {unknown}-----\nAAAA\n-----END A-----\n"),
            format!("-----BEGIN A-----\nAAAA\n-----END {unknown}-----\n"),
            format!("-----BEGIN A-----\nAAAA\n-----END A {unknown}\n"),
        ] {
            let error = sections(text.as_bytes()).err().unwrap();
            assert!(!format!("{error} {error:?}").contains(unknown), "{error:?}");
        }
        let text = format!("-----BEGIN {unknown}-----\nAAAA\n-----END {unknown}-----\n");
        let error = sections(text.as_bytes()).unwrap()[0].unexpected();
        assert!(!format!("{error} {error:?}").contains(unknown), "{error:?}");
        assert_eq!(shown_label("PKCS7"), "PKCS7");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0_usize, 1, 47, 48, 49, 96, 1000] {
            let der = vec![7; length];
            let text = encode("CERTIFICATE", &der);
            let found = sections(text.as_bytes()).unwrap();
            assert_eq!(found.first().unwrap().decode_public().unwrap(), der);
            assert!(text.lines().all(|line| line.len() <= 64));
        }
    }
}
