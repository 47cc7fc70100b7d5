//! Types of strings and their alphabets.

use super::form::attributes;

/// Types of strings (X.680 section 8.4).
pub(crate) const UTF8: u8 = 0x0c;
const NUMERIC: u8 = 0x12;
pub(crate) const PRINTABLE: u8 = 0x13;
pub(crate) const TELETEX: u8 = 0x14;
pub(crate) const IA5: u8 = 0x16;
pub(crate) const VISIBLE: u8 = 0x1a;
pub(crate) const UNIVERSAL: u8 = 0x1c;
pub(crate) const BMP: u8 = 0x1e;

/// How many characters a string has. `None` if one of them is not in the alphabet of its type (X.680 section 41).
pub(crate) fn characters(tag: u8, content: &[u8]) -> Option<usize> {
    let each = |allowed: fn(&u8) -> bool| content.iter().all(allowed).then_some(content.len());
    match tag {
        UTF8 => core::str::from_utf8(content)
            .ok()
            .map(|text| text.chars().count()),
        NUMERIC => each(|byte| byte.is_ascii_digit() || *byte == b' '),
        PRINTABLE => each(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(byte)),
        IA5 => each(u8::is_ascii),
        VISIBLE => each(|byte| matches!(byte, 0x20..=0x7e)),
        UNIVERSAL => wide(content, 4),
        BMP => wide(content, 2),
        // TeletexString has no alphabet that two readers agree on; other values are no strings.
        _ => Some(content.len()),
    }
}

/// Characters of so many octets each, which must be ones of Unicode.
fn wide(content: &[u8], width: usize) -> Option<usize> {
    let mut count = 0_usize;
    for character in content.chunks(width) {
        if character.len() != width {
            return None;
        }
        let number = character
            .iter()
            .fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        let _: char = char::from_u32(number)?;
        count = count.saturating_add(1);
    }
    Some(count)
}

/// Whether the strings of a name in DER keep to the alphabets of their types.
pub(super) fn are_in_alphabets(name: &[u8]) -> bool {
    attributes(name).all(|(_, value)| characters(value.tag, value.content).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_to_the_alphabet_of_their_type() {
        for (tag, text, characters_in_it) in [
            (UTF8, "k\u{e4}se".as_bytes(), Some(4)),
            (UTF8, &[0xc3], None),
            (NUMERIC, b"1 2", Some(3)),
            (NUMERIC, b"a", None),
            (PRINTABLE, b"Example (1), a-b/c:d=e?+'.", Some(26)),
            (PRINTABLE, b"a@b", None),
            (PRINTABLE, b"a*b", None),
            (TELETEX, &[0xe4], Some(1)),
            (IA5, b"a@b", Some(3)),
            (IA5, &[0xe4], None),
            (VISIBLE, b"a b", Some(3)),
            (VISIBLE, b"a\n", None),
            (UNIVERSAL, &[0, 1, 0xf6, 0], Some(1)),
            (UNIVERSAL, &[0, 0x11, 0, 0], None),
            (BMP, &[0, 0xe4, 0, b'a'], Some(2)),
            (BMP, &[0, 0xe4, 0], None),
            (BMP, &[0xd8, 0], None),
            (BMP, &[], Some(0)),
        ] {
            assert_eq!(characters(tag, text), characters_in_it, "{tag:x} {text:?}");
        }
    }

    #[test]
    fn every_string_of_a_name_is_looked_at() {
        // A name of two parts, of which the second has two attributes.
        let name = |texts: [&[u8]; 3]| {
            let value = |tag: u8, content: Vec<u8>| {
                [vec![tag, u8::try_from(content.len()).unwrap()], content].concat()
            };
            let attribute = |text: &[u8]| {
                let kind = [0x06, 0x03, 0x55, 0x04, 0x0a];
                value(0x30, [&kind[..], &value(PRINTABLE, text.to_vec())].concat())
            };
            let [first, second, third] = texts.map(attribute);
            let parts = [value(0x31, first), value(0x31, [second, third].concat())];
            value(0x30, parts.concat())
        };
        assert!(are_in_alphabets(&name([b"a", b"b", b"c"])));
        assert!(!are_in_alphabets(&name([b"@", b"b", b"c"])));
        assert!(!are_in_alphabets(&name([b"a", b"@", b"c"])));
        assert!(!are_in_alphabets(&name([b"a", b"b", b"@"])));
    }
}
