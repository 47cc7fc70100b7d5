//! Compares X.501 names by value (RFC 5280 section 7.1) instead of by their bytes.
//!
//! Two tools may encode the same name differently: as `PrintableString` or `UTF8String`, in another case, or with more
//! spaces. RFC 5280 requires that such names are equal. This module gives each name a canonical form and compares
//! those.
//!
//! # Security
//! A name proves nothing. Equal names only find candidates: a signature must still verify under the key of a candidate,
//! and blocks and revocation lists found by name only remove trust. A string that cannot be decoded with certainty
//! keeps its bytes, so it is equal only to the same bytes.

use std::borrow::Cow;

use super::der::{self, OID, SEQUENCE, Value};
use super::sorted::sort_by;
use crate::limits::{MAX_ATTRIBUTES_OF_SET, MAX_COMPARED_NAME_BYTES};

const SET: u8 = 0x31;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const VISIBLE_STRING: u8 = 0x1a;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// Whether two names in DER are equal.
pub(crate) fn names_equal(left: &[u8], right: &[u8]) -> bool {
    // Nearly always, equal names have equal bytes.
    left == right || canonical_name(left) == canonical_name(right)
}

/// The canonical form of a name in DER. It is again a name in DER, in which each string is a folded `UTF8String` and
/// each set is sorted. A name that is too long or malformed is its own canonical form.
///
/// The form depends on the Unicode version of the standard library, so it is never stored.
pub(crate) fn canonical_name(name: &[u8]) -> Cow<'_, [u8]> {
    if name.len() > MAX_COMPARED_NAME_BYTES {
        return Cow::Borrowed(name);
    }
    #[cfg(test)]
    count::add(name.len());
    canonical(name).map_or(Cow::Borrowed(name), Cow::Owned)
}

fn canonical(name: &[u8]) -> Option<Vec<u8>> {
    let mut sets = only(der::take(name)?, SEQUENCE)?;
    let mut out = Vec::with_capacity(name.len().saturating_add(16));
    out.extend_from_slice(&[0; LONGEST_HEADER]);
    let mut text = String::with_capacity(64);
    while !sets.is_empty() {
        let (set, behind) = der::take(sets)?;
        sets = behind;
        if set.tag != SET {
            return None;
        }
        let (first, rest) = der::take(set.content)?;
        if rest.is_empty() {
            let attribute = Attribute::read(&first, &mut text)?;
            header(SET, attribute.size()?, &mut out)?;
            attribute.write(&text, &mut out)?;
            continue;
        }
        // The order of the attributes in a set does not matter (RFC 5280 section 7.1).
        let mut all: Vec<Vec<u8>> = Vec::with_capacity(2);
        let mut attributes = set.content;
        while !attributes.is_empty() {
            let (one, behind) = der::take(attributes)?;
            attributes = behind;
            if all.len() >= MAX_ATTRIBUTES_OF_SET {
                return None;
            }
            let mut written = Vec::with_capacity(one.whole.len());
            Attribute::read(&one, &mut text)?.write(&text, &mut written)?;
            all.push(written);
        }
        sort_by(&mut all, Vec::cmp);
        header(SET, all.iter().map(Vec::len).sum(), &mut out)?;
        out.extend(all.iter().flatten());
    }
    // The header goes at the end of the space reserved for it, directly before the content.
    let mut front = Vec::with_capacity(LONGEST_HEADER);
    let content = out.len().checked_sub(LONGEST_HEADER)?;
    header(SEQUENCE, content, &mut front)?;
    let unused = LONGEST_HEADER.checked_sub(front.len())?;
    out.get_mut(unused..LONGEST_HEADER)?.copy_from_slice(&front);
    out.drain(..unused);
    Some(out)
}

/// The content of a value that has this tag and is followed by nothing.
fn only<'a>((value, rest): (Value<'a>, &[u8]), tag: u8) -> Option<&'a [u8]> {
    (value.tag == tag && rest.is_empty()).then_some(value.content)
}

/// An `AttributeTypeAndValue`. Its type is compared by bytes.
struct Attribute<'a> {
    kind: &'a [u8],
    /// The value as encoded, or `None` if it was folded into a text.
    kept: Option<&'a [u8]>,
    /// Size of the value in bytes.
    value: usize,
}

impl<'a> Attribute<'a> {
    /// Reads an attribute. Writes its text in canonical form to `text`, if it has one.
    fn read(attribute: &Value<'a>, text: &mut String) -> Option<Self> {
        if attribute.tag != SEQUENCE {
            return None;
        }
        let (kind, rest) = der::take(attribute.content)?;
        let (value, rest) = der::take(rest)?;
        if kind.tag != OID || !rest.is_empty() {
            return None;
        }
        text.clear();
        // A value that keeps its bytes is never equal to a folded one: a `UTF8String` keeps its bytes only if it is not
        // UTF-8, or has a character that no folded text has.
        let folded = fold(&value, text).is_some();
        Some(Self {
            kind: kind.whole,
            kept: (!folded).then_some(value.whole),
            value: if folded {
                whole_size(text.len())?
            } else {
                value.whole.len()
            },
        })
    }

    fn content(&self) -> Option<usize> {
        self.kind.len().checked_add(self.value)
    }

    fn size(&self) -> Option<usize> {
        whole_size(self.content()?)
    }

    fn write(&self, text: &str, out: &mut Vec<u8>) -> Option<()> {
        header(SEQUENCE, self.content()?, out)?;
        out.extend_from_slice(self.kind);
        match self.kept {
            Some(value) => out.extend_from_slice(value),
            None => {
                header(UTF8_STRING, text.len(), out)?;
                out.extend_from_slice(text.as_bytes());
            }
        }
        Some(())
    }
}

/// A tag and a length of at most two bytes.
const LONGEST_HEADER: usize = 4;

/// Size in bytes of a value whose content has this size.
fn whole_size(content: usize) -> Option<usize> {
    content.checked_add(match content {
        0..=0x7f => 2,
        0x80..=0xff => 3,
        _ => LONGEST_HEADER,
    })
}

fn header(tag: u8, content: usize, out: &mut Vec<u8>) -> Option<()> {
    let [high, low] = u16::try_from(content).ok()?.to_be_bytes();
    match content {
        0..=0x7f => out.extend_from_slice(&[tag, low]),
        0x80..=0xff => out.extend_from_slice(&[tag, 0x81, low]),
        _ => out.extend_from_slice(&[tag, 0x82, high, low]),
    }
    Some(())
}

/// Writes the canonical form of a string. `None` if the value is not a string, or if its characters are uncertain.
///
/// It follows RFC 4518, the string preparation that RFC 5280 section 7.1 requires, except that:
/// - Composed and decomposed characters stay different (no NFKC). The tables for it are as large as the rest of this
///   crate. Names that differ only in this way are refused, never trusted.
/// - Case folding is the lower case of each character, so `ß` is not `ss`.
/// - Characters that were added after Unicode 3.2 are compared like all others.
fn fold(value: &Value<'_>, out: &mut String) -> Option<()> {
    let mut text = Folded { out, space: false };
    decode(value.tag, value.content, |letter| text.push(letter))
}

/// Calls `each` for each character of a string, by the tag of its type. `None` if it is not a string, if its bytes are
/// uncertain, or if `each` returned `None`.
pub(super) fn decode(
    tag: u8,
    content: &[u8],
    mut each: impl FnMut(char) -> Option<()>,
) -> Option<()> {
    match tag {
        UTF8_STRING => core::str::from_utf8(content)
            .ok()?
            .chars()
            .try_for_each(each),
        // Tools also write ASCII characters that are not in the alphabet of PrintableString (`@`, `*`, `_`).
        PRINTABLE_STRING | IA5_STRING | VISIBLE_STRING if content.is_ascii() => {
            content.iter().copied().map(char::from).try_for_each(each)
        }
        // Some tools write T.61, most write Latin-1. Only the characters that both share with ASCII are certain.
        TELETEX_STRING if content.iter().all(|byte| is_in_teletex_and_ascii(*byte)) => {
            content.iter().copied().map(char::from).try_for_each(each)
        }
        // UCS-2 has no surrogates.
        BMP_STRING => {
            let (units, []) = content.as_chunks::<2>() else {
                return None;
            };
            units
                .iter()
                .try_for_each(|unit| each(char::from_u32(u32::from(u16::from_be_bytes(*unit)))?))
        }
        UNIVERSAL_STRING => {
            let (units, []) = content.as_chunks::<4>() else {
                return None;
            };
            units
                .iter()
                .try_for_each(|unit| each(char::from_u32(u32::from_be_bytes(*unit))?))
        }
        _ => None,
    }
}

/// T.61 has other characters, or none, in the place of these nine ASCII characters.
const fn is_in_teletex_and_ascii(byte: u8) -> bool {
    let other = matches!(
        byte,
        b'#' | b'$' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'~'
    );
    matches!(byte, b' '..=b'~') && !other
}

/// A folded text under construction: no white space at its ends, and single spaces between words.
struct Folded<'a> {
    out: &'a mut String,
    space: bool,
}

impl Folded<'_> {
    /// `None` if RFC 4518 section 2.4 prohibits the character. The string then keeps its bytes.
    fn push(&mut self, letter: char) -> Option<()> {
        // Most characters are printable ASCII.
        if letter.is_ascii_graphic() {
            if core::mem::take(&mut self.space) {
                self.out.push(' ');
            }
            self.out.push(letter.to_ascii_lowercase());
            return Some(());
        }
        if is_space(letter) {
            self.space = !self.out.is_empty();
            return Some(());
        }
        if is_ignored(letter) {
            return Some(());
        }
        if is_prohibited(letter) {
            return None;
        }
        if core::mem::take(&mut self.space) {
            self.out.push(' ');
        }
        self.out.extend(letter.to_lowercase());
        Some(())
    }
}

/// Characters that RFC 4518 section 2.2 maps to a space.
const fn is_space(letter: char) -> bool {
    matches!(letter, '\t'..='\r' | '\u{85}'
        | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}'
        | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// Characters that RFC 4518 section 2.2 maps to nothing.
const fn is_ignored(letter: char) -> bool {
    matches!(letter, '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{6dd}' | '\u{70f}' | '\u{1806}' | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2063}'
        | '\u{206a}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

/// Characters that RFC 4518 section 2.4 prohibits: private use, noncharacters, the replacement character, and two that
/// change how others are displayed.
fn is_prohibited(letter: char) -> bool {
    matches!(letter, '\u{340}' | '\u{341}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
        | '\u{fffd}' | '\u{f0000}'..='\u{10ffff}')
        || u32::from(letter) & 0xfffe == 0xfffe
}

/// Counts the bytes of names that this thread has put into canonical form.
#[cfg(test)]
pub(crate) mod count {
    use core::cell::Cell;

    thread_local! {
        static FOLDED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn add(bytes: usize) {
        FOLDED.set(FOLDED.get() + bytes);
    }

    #[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring")))]
    pub(crate) fn take() -> usize {
        FOLDED.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
    const DOMAIN_COMPONENT: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19];

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        header(tag, content.len(), &mut out).unwrap();
        out.extend_from_slice(content);
        out
    }

    fn typed(kind: &[u8], tag: u8, content: &[u8]) -> Vec<u8> {
        value(SEQUENCE, &[value(OID, kind), value(tag, content)].concat())
    }

    /// A name with these sets of attributes.
    fn name(sets: &[&[Vec<u8>]]) -> Vec<u8> {
        let sets: Vec<Vec<u8>> = sets.iter().map(|set| value(SET, &set.concat())).collect();
        value(SEQUENCE, &sets.concat())
    }

    /// A name with one common name.
    fn cn(tag: u8, content: &[u8]) -> Vec<u8> {
        name(&[&[typed(COMMON_NAME, tag, content)]])
    }

    fn utf8(text: &str) -> Vec<u8> {
        cn(UTF8_STRING, text.as_bytes())
    }

    fn bmp(text: &str) -> Vec<u8> {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        cn(BMP_STRING, &units)
    }

    #[test]
    fn the_type_of_a_string_makes_no_difference() {
        let universal: Vec<u8> = "Lab CA"
            .chars()
            .flat_map(|letter| u32::from(letter).to_be_bytes())
            .collect();
        let same = [
            utf8("Lab CA"),
            cn(PRINTABLE_STRING, b"Lab CA"),
            cn(TELETEX_STRING, b"Lab CA"),
            cn(IA5_STRING, b"Lab CA"),
            cn(VISIBLE_STRING, b"Lab CA"),
            cn(UNIVERSAL_STRING, &universal),
            bmp("Lab CA"),
        ];
        for left in &same {
            for right in &same {
                assert!(names_equal(left, right), "{left:x?} {right:x?}");
            }
            assert!(!names_equal(left, &utf8("Lab CB")));
        }
        assert!(names_equal(&bmp("Büro"), &utf8("BÜRO")));
    }

    #[test]
    fn case_and_white_space_make_no_difference() {
        for other in [
            "LAB CA",
            "lab ca",
            " Lab CA",
            "Lab CA  ",
            "Lab   CA",
            "Lab\u{a0}CA",
            "\tLab \n CA\r",
            "La\u{ad}b\u{200b} CA",
        ] {
            assert!(names_equal(&utf8("Lab CA"), &utf8(other)), "{other:?}");
        }
        for other in ["LabCA", "Lab C A", "Lab CA.", "Läb CA", "Lab", ""] {
            assert!(!names_equal(&utf8("Lab CA"), &utf8(other)), "{other:?}");
        }
        assert!(names_equal(&utf8("ÄÖÜ ΣΑΣ Д"), &utf8("äöü σασ д")));
        assert!(names_equal(&utf8(""), &utf8("  ")));
    }

    #[test]
    fn what_is_in_doubt_is_equal_to_its_own_bytes_alone() {
        // `ü` in Latin-1 or another character in T.61, and characters that differ in T.61.
        let latin = cn(TELETEX_STRING, b"B\xfcro");
        assert!(names_equal(&latin, &latin.clone()));
        assert!(!names_equal(&latin, &utf8("Büro")));
        assert!(!names_equal(&latin, &cn(TELETEX_STRING, b"b\xfcro")));
        for letter in [
            b'#', b'$', b'\\', b'^', b'`', b'{', b'|', b'}', b'~', 0x1b, 0x7f,
        ] {
            let text = [b'a', letter];
            let plain = cn(UTF8_STRING, &text);
            assert!(!names_equal(&cn(TELETEX_STRING, &text), &plain), "{letter}");
        }
        // Not UTF-8, surrogates, half a unit, beyond Unicode, beyond ASCII.
        for (tag, content, other) in [
            (UTF8_STRING, &b"A\xff"[..], &b"a\xff"[..]),
            (
                BMP_STRING,
                b"\xd8\x3d\xde\x00\x00A",
                b"\xd8\x3d\xde\x00\x00a",
            ),
            (BMP_STRING, b"\x00A\x00", b"\x00a\x00"),
            (
                UNIVERSAL_STRING,
                b"\x00\x11\x00\x00\x00\x00\x00A",
                b"\x00\x11\x00\x00\x00\x00\x00a",
            ),
            (UNIVERSAL_STRING, b"\x00\x00\x00A\x00", b"\x00\x00\x00a\x00"),
            (PRINTABLE_STRING, b"A\xe9", b"a\xe9"),
            (IA5_STRING, b"A\xe9", b"a\xe9"),
            (UTF8_STRING, "A\u{e000}".as_bytes(), "a\u{e000}".as_bytes()),
            (UTF8_STRING, "A\u{fffd}".as_bytes(), "a\u{fffd}".as_bytes()),
            // Not strings: bits and octets, in which 41 and 61 are different.
            (0x03, b"\x00A", b"\x00a"),
            (0x04, b"A", b"a"),
        ] {
            assert!(names_equal(&cn(tag, content), &cn(tag, content)));
            assert!(
                !names_equal(&cn(tag, content), &cn(tag, other)),
                "{tag} {content:x?}"
            );
        }
    }

    #[test]
    fn one_attribute_in_doubt_leaves_the_others_compared_by_value() {
        let with = |organization: &str, tag| {
            name(&[
                &[typed(ORGANIZATION, tag, organization.as_bytes())],
                &[typed(COMMON_NAME, TELETEX_STRING, b"B\xfcro")],
            ])
        };
        assert!(names_equal(
            &with("Lab", UTF8_STRING),
            &with("LAB", PRINTABLE_STRING)
        ));
        assert!(!names_equal(
            &with("Lab", UTF8_STRING),
            &with("Lap", UTF8_STRING)
        ));
    }

    #[test]
    fn attributes_of_one_set_are_compared_in_any_order_and_sets_in_theirs() {
        let lab = typed(ORGANIZATION, UTF8_STRING, b"Lab");
        let ca = typed(COMMON_NAME, UTF8_STRING, b"CA");
        let other = typed(COMMON_NAME, PRINTABLE_STRING, b"ca");
        let alone = core::slice::from_ref;
        let both = name(&[&[lab.clone(), ca.clone()]]);
        assert!(names_equal(&both, &name(&[&[other.clone(), lab.clone()]])));
        let first = name(&[alone(&lab), alone(&ca)]);
        let last = name(&[alone(&ca), alone(&lab)]);
        assert!(!names_equal(&first, &last));
        assert!(!names_equal(&both, &first));
        // A set that has one attribute twice is another set.
        assert!(!names_equal(
            &name(&[alone(&ca)]),
            &name(&[&[ca.clone(), other]])
        ));
        assert!(!names_equal(&name(&[alone(&lab)]), &name(&[alone(&ca)])));
    }

    #[test]
    fn a_set_is_put_in_order_up_to_its_limit() {
        let set = |count: usize, letter: char| {
            let each = |number| {
                let text = format!("{letter}{number}");
                typed(COMMON_NAME, UTF8_STRING, text.as_bytes())
            };
            let attributes: Vec<Vec<u8>> = (0..count).map(each).collect();
            name(&[&attributes])
        };
        let most = MAX_ATTRIBUTES_OF_SET;
        assert!(names_equal(&set(most, 'A'), &set(most, 'a')));
        assert!(!names_equal(&set(most + 1, 'A'), &set(most + 1, 'a')));
    }

    #[test]
    fn domain_components_are_compared_in_any_case() {
        // RFC 5280 section 7.3
        let of = |tag, label: &[u8]| name(&[&[typed(DOMAIN_COMPONENT, tag, label)]]);
        assert!(names_equal(
            &of(IA5_STRING, b"Example"),
            &of(UTF8_STRING, b"example")
        ));
        assert!(!names_equal(
            &of(IA5_STRING, b"example"),
            &cn(IA5_STRING, b"example")
        ));
    }

    #[test]
    fn what_is_no_name_or_too_long_is_compared_by_its_bytes() {
        let good = utf8("Lab");
        let mut trailing = good.clone();
        trailing.push(0);
        let long = |letter: &str| utf8(&letter.repeat(MAX_COMPARED_NAME_BYTES));
        for odd in [
            &[][..],
            &[0x30],
            &trailing,
            &value(
                SEQUENCE,
                &value(SEQUENCE, &typed(COMMON_NAME, UTF8_STRING, b"Lab")),
            ),
            &value(SET, &value(SET, &typed(COMMON_NAME, UTF8_STRING, b"Lab"))),
            &value(
                SEQUENCE,
                &value(SET, &value(SEQUENCE, &value(OID, COMMON_NAME))),
            ),
            &value(SEQUENCE, &value(SET, &[])),
            &long("A"),
        ] {
            assert!(names_equal(odd, odd));
            assert!(!names_equal(odd, &good));
            assert_eq!(canonical_name(odd), odd, "{odd:x?}");
        }
        assert!(!names_equal(&long("A"), &long("a")));
        // The empty name is a valid name.
        assert_eq!(canonical_name(&[SEQUENCE, 0]), &[SEQUENCE, 0][..]);
    }

    #[test]
    fn the_longest_name_that_is_compared_by_value_is_as_long_as_the_limit() {
        let of = |letters: usize, letter: &str| utf8(&letter.repeat(letters));
        let beside = of(1000, "A").len() - 1000;
        let most = MAX_COMPARED_NAME_BYTES - beside;
        assert_eq!(of(most, "A").len(), MAX_COMPARED_NAME_BYTES);
        assert!(names_equal(&of(most, "A"), &of(most, "a")));
        assert!(!names_equal(&of(most + 1, "A"), &of(most + 1, "a")));
    }

    fn any_tag() -> impl Strategy<Value = u8> {
        prop_oneof![
            Just(UTF8_STRING),
            Just(PRINTABLE_STRING),
            Just(TELETEX_STRING),
            Just(IA5_STRING),
            Just(BMP_STRING),
            Just(UNIVERSAL_STRING),
            Just(0x04_u8),
        ]
    }

    proptest! {
        #[test]
        fn a_canonical_form_is_its_own(
            sets in prop::collection::vec(
                prop::collection::vec((any_tag(), prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..12),
                    "\\PC{0,8}".prop_map(String::into_bytes),
                ]), 1..3), 0..4)
        ) {
            let sets: Vec<Vec<Vec<u8>>> = sets
                .iter()
                .map(|set| set.iter().map(|(tag, text)| typed(COMMON_NAME, *tag, text)).collect())
                .collect();
            let sets: Vec<&[Vec<u8>]> = sets.iter().map(Vec::as_slice).collect();
            let name = name(&sets);
            let once = canonical_name(&name).into_owned();
            prop_assert_eq!(canonical_name(&once), &once[..]);
            prop_assert!(names_equal(&name, &once));
        }

        #[test]
        fn any_bytes_have_a_canonical_form(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(canonical_name(&bytes).len() <= bytes.len() * 3 + 8);
        }

        #[test]
        fn letters_of_the_common_scripts_differ_only_by_case(left in "[a-zA-Zäöüßéñ漢字かな]{1,6}", right in "[a-zA-Zäöüßéñ漢字かな]{1,6}") {
            let same = left.to_lowercase() == right.to_lowercase();
            prop_assert_eq!(names_equal(&utf8(&left), &bmp(&right)), same);
        }
    }
}
