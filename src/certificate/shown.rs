//! Names of certificates as text that is safe to show: one line, no invisible characters, and no name that looks like
//! two.

use core::fmt::Write as _;

use super::compare;
use super::der::{self, Value};
use crate::limits::{MAX_SHOWN_IDENTIFIER, MAX_SHOWN_NAME};

/// Whether a character ends a line, changes the direction of text, or is invisible. It must not be in a log line. Text
/// that an administrator types must not have any.
#[doc(hidden)]
pub fn breaks_a_line(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether a character in a certificate is invisible or looks like a space. It includes all that [`breaks_a_line`]. The
/// peer chose the characters, and could make two names look alike with them.
fn is_unseen(letter: char) -> bool {
    breaks_a_line(letter)
        // Default_Ignorable_Code_Point (Unicode 16.0, DerivedCoreProperties.txt), without those of `breaks_a_line`.
        || matches!(letter, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
        // Space_Separator (general category Zs), except the space itself.
        || matches!(letter, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}'
            | '\u{3000}')
        // Interlinear annotation and object replacement, the blank Braille pattern, and the null notehead.
        || matches!(letter, '\u{fff9}'..='\u{fffc}' | '\u{2800}' | '\u{1d159}')
}

/// Makes a text that contains parts of a certificate safe to show: one line, no invisible characters, bounded. It
/// changes no text that is already safe, so backslashes stay as they are.
pub(crate) fn shown(text: &str) -> String {
    let mut line = Line::default();
    for letter in text.chars() {
        line.letter(letter, false);
    }
    line.out
}

/// A name in DER as one line of text that is safe to show. It follows RFC 4514, but in the order of the encoding, with
/// a space after each comma, and with invisible characters as `\u{…}`.
pub(crate) fn distinguished(name: &[u8]) -> String {
    let mut line = Line::default();
    match write_name(name, &mut line) {
        Some(()) => line.out,
        None => String::from("(unreadable name)"),
    }
}

fn write_name(name: &[u8], line: &mut Line) -> Option<()> {
    let (name, rest) = der::take(name)?;
    if !rest.is_empty() {
        return None;
    }
    // The peer chooses how many there are: what is behind the end of the line is not read.
    let mut sets = name.content;
    let mut behind_set = "";
    while !sets.is_empty() && !line.is_full() {
        let (set, more) = der::take(sets)?;
        sets = more;
        line.plain(core::mem::replace(&mut behind_set, ", "));
        let mut attributes = set.content;
        let mut behind_attribute = "";
        while !attributes.is_empty() && !line.is_full() {
            let (attribute, more) = der::take(attributes)?;
            attributes = more;
            line.plain(core::mem::replace(&mut behind_attribute, " + "));
            let (kind, rest) = der::take(attribute.content)?;
            let (value, _) = der::take(rest)?;
            line.plain(&name_of_kind(kind.content));
            line.plain("=");
            write_value(&value, line);
        }
    }
    Some(())
}

/// The short names of attributes, each behind the identifier of its type, from the registry that x509-parser brings. That
/// has algorithms and extensions as well, and adds 40 kB to a firmware; no attribute has their identifiers.
const ATTRIBUTES: &str = "\
0.9.2342.19200300.100.1.1 uid
0.9.2342.19200300.100.1.25 DC
1.2.840.113549.1.9.1 Email
1.2.840.113549.1.9.2 unstructuredName
1.2.840.113549.1.9.3 contentType
1.2.840.113549.1.9.4 id-messageDigest
1.2.840.113549.1.9.5 signing-time
1.2.840.113549.1.9.7 challengePassword
1.2.840.113549.1.9.14 extensionRequest
1.2.840.113549.1.9.15 smimeCapabilities
1.2.840.113549.1.9.20 friendlyName
1.3.6.1.4.1.311.60.2.1.1 msJurisdictionLocality
1.3.6.1.4.1.311.60.2.1.2 msJurisdictionStateOrProvince
1.3.6.1.4.1.311.60.2.1.3 msJurisdictionCountry
2.5.4 x509
2.5.4.0 objectClass
2.5.4.1 aliasedEntryName
2.5.4.2 knowledgeInformation
2.5.4.3 CN
2.5.4.4 surname
2.5.4.5 serialNumber
2.5.4.6 C
2.5.4.7 L
2.5.4.8 ST
2.5.4.9 streetAddress
2.5.4.10 O
2.5.4.11 OU
2.5.4.12 title
2.5.4.13 description
2.5.4.14 searchGuide
2.5.4.15 businessCategory
2.5.4.16 postalAddress
2.5.4.17 postalCode
2.5.4.41 name
2.5.4.42 givenName
2.5.4.43 initials
2.5.4.44 generationQualifier
2.5.4.45 uniqueIdentifier
2.5.4.46 dnQualifier
";

/// The dotted form of the content of an object identifier (X.690 section 8.19) as text to show. Of a long one, it is the
/// first arcs and an ellipsis: a peer chooses the length, and each arc takes a text
/// of its own.
pub(super) fn dotted(content: &[u8]) -> String {
    let whole = |arcs: &[u8]| x509_parser::asn1_rs::Oid::new(arcs.into()).to_id_string();
    let Some((first, _)) = content
        .split_at_checked(MAX_SHOWN_IDENTIFIER)
        .filter(|(_, rest)| !rest.is_empty())
    else {
        return whole(content);
    };
    // The last byte of an arc has no high bit.
    let end = first.iter().rposition(|byte| byte & 0x80 == 0);
    let arcs = end.and_then(|end| first.get(..=end));
    arcs.map_or_else(String::new, whole) + "…"
}

/// The short name of a type of attributes, or its identifier.
fn name_of_kind(content: &[u8]) -> String {
    let dotted = dotted(content);
    let known = ATTRIBUTES.lines().find_map(|line| {
        let (id, name) = line.split_once(' ')?;
        (id == dotted).then(|| name.to_owned())
    });
    known.unwrap_or(dotted)
}

/// Writes the value of an attribute. A value that is not text is written as `#` and its DER in hexadecimal (RFC 4514
/// section 2.4).
fn write_value(value: &Value<'_>, line: &mut Line) {
    let Some(text) = text_of(value) else {
        line.plain("#");
        for byte in value.whole {
            if line.is_full() {
                break;
            }
            line.plain(&format!("{byte:02X}"));
        }
        return;
    };
    let mut letters = text.chars().enumerate().peekable();
    while let Some((number, letter)) = letters.next() {
        let outside = number == 0 || letters.peek().is_none();
        // RFC 4514 section 2.4, and section 3 for the equals sign.
        let special = match letter {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => true,
            ' ' => outside,
            '#' => number == 0,
            _ => false,
        };
        line.letter(letter, special);
    }
}

fn text_of(value: &Value<'_>) -> Option<String> {
    const NUMERIC_STRING: u8 = 0x12;
    const TELETEX_STRING: u8 = 0x14;
    const GRAPHIC_STRING: u8 = 0x19;
    const GENERAL_STRING: u8 = 0x1b;
    // One character more than a line has, so that the line shows that there are more.
    const MOST: usize = MAX_SHOWN_NAME + 2;
    let mut text = String::new();
    let bytes = value.content.iter().take(MOST);
    match value.tag {
        // Unlike comparison, display may guess: most tools write Latin-1 here.
        TELETEX_STRING => text.extend(bytes.map(|byte| char::from(*byte))),
        NUMERIC_STRING | GRAPHIC_STRING | GENERAL_STRING if value.content.is_ascii() => {
            text.extend(bytes.map(|byte| char::from(*byte)));
        }
        tag => {
            let mut letters = 0_usize;
            let whole = compare::decode(tag, value.content, |letter| {
                text.push(letter);
                letters = letters.saturating_add(1);
                (letters < MOST).then_some(())
            });
            if letters < MOST {
                whole?;
            }
        }
    }
    Some(text)
}

/// A line of text of at most [`MAX_SHOWN_NAME`] characters. An escaped character counts as one.
#[derive(Default)]
struct Line {
    out: String,
    letters: usize,
}

impl Line {
    fn is_full(&self) -> bool {
        self.letters > MAX_SHOWN_NAME
    }

    /// Whether there is room for one more character. The first one without room ends the line.
    fn take(&mut self) -> bool {
        if self.is_full() {
            return false;
        }
        self.letters = self.letters.saturating_add(1);
        if self.is_full() {
            self.out.push('…');
        }
        !self.is_full()
    }

    fn letter(&mut self, letter: char, special: bool) {
        if !self.take() {
            return;
        }
        if is_unseen(letter) {
            escape(letter, &mut self.out);
        } else {
            if special {
                self.out.push('\\');
            }
            self.out.push(letter);
        }
    }

    /// Adds text of this crate, which needs no escapes.
    fn plain(&mut self, text: &str) {
        for letter in text.chars() {
            if !self.take() {
                return;
            }
            self.out.push(letter);
        }
    }
}

fn escape(letter: char, out: &mut String) {
    // Writing to a string does not fail.
    let _ = write!(out, "{}", letter.escape_unicode());
}

/// A subject alternative name of printable ASCII after its kind. Characters are escaped so that it cannot contain the
/// text of another name: in a DNS name everything but the characters of host names and wildcards, in other names the
/// comma (which separates names), the quote and the backslash.
pub(super) fn subject_alternative(kind: &str, name: &str, dns: bool) -> String {
    let plain = |byte: u8| {
        if dns {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'*')
        } else {
            byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\\')
        }
    };
    if name.bytes().all(plain) {
        return [kind, name].concat();
    }
    let mut out = String::from(kind);
    for letter in name.chars() {
        if u8::try_from(letter).is_ok_and(plain) {
            out.push(letter);
        } else {
            escape(letter, &mut out);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name with these sets of attributes: the last byte of `2.5.4.x`, the tag of the string, and its bytes.
    fn name(sets: &[&[(u8, u8, &[u8])]]) -> Vec<u8> {
        let value = |tag: u8, content: &[u8]| {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            let header = match content.len() {
                0..=0x7f => vec![tag, length[1]],
                0x80..=0xff => vec![tag, 0x81, length[1]],
                _ => vec![tag, 0x82, length[0], length[1]],
            };
            [&header, content].concat()
        };
        let set = |set: &&[(u8, u8, &[u8])]| {
            let attribute = |(kind, tag, text): &(u8, u8, &[u8])| {
                let oid = value(0x06, &[0x55, 0x04, *kind]);
                value(0x30, &[oid, value(*tag, text)].concat())
            };
            value(0x31, &set.iter().flat_map(attribute).collect::<Vec<u8>>())
        };
        value(0x30, &sets.iter().flat_map(set).collect::<Vec<u8>>())
    }

    fn cn(text: &str) -> String {
        distinguished(&name(&[&[(3, 0x0c, text.as_bytes())]]))
    }

    #[test]
    fn of_a_long_identifier_the_first_arcs_are_shown() {
        let most = MAX_SHOWN_IDENTIFIER;
        assert_eq!(dotted(&[0x2a, 0x03, 0x87, 0x67]), "1.2.3.999");
        let whole = dotted(&vec![0x2a; most]);
        assert_eq!(whole.matches('.').count(), most);
        for more in [1, 64_000] {
            let long = dotted(&vec![0x2a; most + more]);
            assert_eq!(long, format!("{whole}…"));
        }
        // An arc that is not shown to its end is not shown.
        let long = [&[0x2a, 0x03][..], &vec![0xff; most], &[0x01]].concat();
        assert_eq!(dotted(&long), "1.2.3…");
        assert_eq!(dotted(&long[2..]), "…");
    }

    /// Of the registry, with what x509-parser abbreviates.
    #[test]
    fn attributes_have_the_names_of_the_registry() {
        use x509_parser::objects::{oid_registry, oid2abbrev};

        let of_attributes = [
            "0.9.2342.",
            "1.2.840.113549.1.9.",
            "1.3.6.1.4.1.311.60.",
            "2.5.4",
        ];
        let registry = oid_registry();
        let mut found = Vec::new();
        for id in registry.keys() {
            let dotted = id.to_id_string();
            // Algorithms are under the arc of PKCS #9 as well, one level below.
            let is_attribute = of_attributes.iter().any(|arc| dotted.starts_with(arc));
            if is_attribute && !dotted.starts_with("1.2.840.113549.1.9.16.") {
                assert_eq!(
                    name_of_kind(id.as_bytes()),
                    oid2abbrev(id, registry).unwrap()
                );
                found.push(dotted);
            } else {
                assert_eq!(name_of_kind(id.as_bytes()), dotted);
            }
        }
        assert_eq!(found.len(), ATTRIBUTES.lines().count(), "{found:?}");
    }

    #[test]
    fn texts_from_certificates_cannot_break_a_log_line() {
        assert_eq!(shown("a\nb\u{202e}c"), "a\\u{a}b\\u{202e}c");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), MAX_SHOWN_NAME + 1);
        assert_eq!(
            shown(&"x".repeat(MAX_SHOWN_NAME)),
            "x".repeat(MAX_SHOWN_NAME)
        );
    }

    #[test]
    fn what_is_shown_is_not_changed_when_it_is_shown_again() {
        for text in ["a\nb", "a\\u{a}b", "kms1, O=Trusted Bank"] {
            assert_eq!(shown(&cn(text)), cn(text));
        }
    }

    #[test]
    fn one_attribute_does_not_look_like_two() {
        assert_eq!(cn("kms1, O=Trusted Bank"), "CN=kms1\\, O\\=Trusted Bank");
        assert_eq!(cn("a + CN=b"), "CN=a \\+ CN\\=b");
        assert_eq!(cn("a\"<b>;\\"), "CN=a\\\"\\<b\\>\\;\\\\");
        assert_eq!(cn("#1 # "), "CN=\\#1 #\\ ");
        assert_eq!(cn(" a b "), "CN=\\ a b\\ ");
        assert_eq!(cn(" "), "CN=\\ ");
        let two = name(&[&[(3, 0x0c, b"kms1")], &[(10, 0x0c, b"Trusted Bank")]]);
        assert_eq!(distinguished(&two), "CN=kms1, O=Trusted Bank");
        let one = name(&[&[(3, 0x0c, b"kms1"), (10, 0x0c, b"Trusted Bank")]]);
        assert_eq!(distinguished(&one), "CN=kms1 + O=Trusted Bank");
    }

    #[test]
    fn a_text_that_looks_escaped_is_not_taken_for_what_it_looks_like() {
        assert_eq!(cn("a\nb"), "CN=a\\u{a}b");
        assert_eq!(cn("a\\u{a}b"), "CN=a\\\\u{a}b");
    }

    #[test]
    fn of_a_long_name_no_more_is_read_than_is_shown() {
        let long = "x".repeat(60_000);
        for tag in [0x0c, 0x12, 0x13, 0x14] {
            let bytes = [&[tag, 0x82, 0xea, 0x60], long.as_bytes()].concat();
            let (value, _) = der::take(&bytes).unwrap();
            assert!(text_of(&value).unwrap().len() <= MAX_SHOWN_NAME + 2);
        }
        assert_eq!(cn(&long), format!("CN={}…", "x".repeat(MAX_SHOWN_NAME - 3)));
    }

    #[test]
    fn letters_that_cannot_be_seen_are_shown_by_their_numbers() {
        let unseen = [
            0x00, 0x0a, 0x1b, 0x7f, 0x85, 0xa0, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x1680, 0x17b4,
            0x17b5, 0x180b, 0x180e, 0x180f, 0x2000, 0x200a, 0x200b, 0x200d, 0x200e, 0x200f, 0x2028,
            0x2029, 0x202a, 0x202e, 0x202f, 0x205f, 0x2060, 0x2064, 0x2065, 0x2066, 0x206f, 0x2800,
            0x3000, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff0, 0xfff9, 0xfffb, 0xfffc,
            0x1bca0, 0x1d159, 0x1d173, 0x1d17a, 0xe0000, 0xe0001, 0xe0041, 0xe007f, 0xe0100,
            0xe01ef, 0xe0fff,
        ];
        for code in unseen {
            let letter = char::from_u32(code).unwrap();
            assert_eq!(cn(&format!("a{letter}b")), format!("CN=a\\u{{{code:x}}}b"));
        }
    }

    #[test]
    fn names_of_people_and_places_stay_readable() {
        for text in [
            "Büro für Schlüssel",
            "São Paulo",
            "Łódź",
            "Ελλάδα",
            "Россия",
            "日本語の鍵",
            "한국",
            "مفتاح",
            "ไทย",
            "हिन्दी",
            "kms-1_a.example:5696/x@y (2)",
            "O'Neill & Co.",
            "🔑",
        ] {
            assert_eq!(cn(text), format!("CN={text}"));
        }
    }

    #[test]
    fn strings_of_each_type_are_read() {
        let shown = |tag, bytes: &[u8]| distinguished(&name(&[&[(3, tag, bytes)]]));
        for tag in [0x0c, 0x12, 0x13, 0x14, 0x16, 0x19, 0x1a, 0x1b] {
            assert_eq!(shown(tag, b"42"), "CN=42", "{tag}");
        }
        assert_eq!(shown(0x1e, b"\x00B\x00\xfc"), "CN=Bü");
        assert_eq!(shown(0x1c, b"\x00\x00\x00B\x00\x01\xf5\x11"), "CN=B🔑");
        assert_eq!(shown(0x14, b"B\xfcro\x9b"), "CN=Büro\\u{9b}");
        // Not text, or not the text of its type: RFC 4514 section 2.4.
        assert_eq!(shown(0x04, b"\x01\xff"), "CN=#040201FF");
        assert_eq!(shown(0x0c, b"a\xff"), "CN=#0C0261FF");
        assert_eq!(shown(0x1e, b"\xd8\x00"), "CN=#1E02D800");
        let long = shown(0x04, &[0xab; 1000]);
        assert_eq!(long.chars().count(), MAX_SHOWN_NAME + 1);
        assert_eq!(distinguished(&[0x30, 0x00]), "");
        assert_eq!(distinguished(&[0x30, 0x01]), "(unreadable name)");
        assert_eq!(distinguished(&[0x30, 0x00, 0x00]), "(unreadable name)");
        assert_eq!(distinguished(&name(&[&[(99, 0x0c, b"x")]])), "2.5.4.99=x");
    }

    #[test]
    fn an_alternative_name_has_no_comma_in_which_another_could_begin() {
        let dns = |name| subject_alternative("dns:", name, true);
        assert_eq!(dns("*.kms_1.Example-2"), "dns:*.kms_1.Example-2");
        assert_eq!(
            dns("x,dns:admin.example"),
            "dns:x\\u{2c}dns\\u{3a}admin.example"
        );
        let uri = |name| subject_alternative("uri:", name, false);
        assert_eq!(
            uri("spiffe://e/a;b=c?d#e%20"),
            "uri:spiffe://e/a;b=c?d#e%20"
        );
        assert_eq!(uri("x:y,dns:admin"), "uri:x:y\\u{2c}dns:admin");
        // An escaped comma in the input is not a comma.
        assert_eq!(uri("x:y\\u{2c}z"), "uri:x:y\\u{5c}u{2c}z");
    }
}
