//! What DER and ASN.1 ask of single values: integers, lists of named bits, strings.

use crate::certificate::form::parts;

/// Whether an INTEGER is written in the fewest octets (X.690 section 8.3.2).
pub(super) fn is_minimal(integer: &[u8]) -> bool {
    match integer {
        [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => false,
        [_, ..] => true,
    }
}

/// Whether an INTEGER is 0 or more, in the fewest octets.
pub(super) fn is_count(integer: &[u8]) -> bool {
    is_minimal(integer) && integer.first().is_some_and(|first| first & 0x80 == 0)
}

/// Whether a BIT STRING is a list of at most `most` named bits. None of its bits at the end is 0 (X.690 section
/// 11.2.2).
pub(super) fn are_named_bits(content: &[u8], most: usize) -> bool {
    match content {
        [0] => true,
        [unused @ 0..=7, bits @ .., last] => {
            let unused = usize::from(*unused);
            let count = bits.len().saturating_add(1).saturating_mul(8);
            usize::try_from(last.trailing_zeros()) == Ok(unused)
                && count <= most.saturating_add(unused)
        }
        _ => false,
    }
}

/// Types of strings (X.680 section 8.4).
pub(super) const UTF8: u8 = 0x0c;
const NUMERIC: u8 = 0x12;
pub(super) const PRINTABLE: u8 = 0x13;
pub(super) const TELETEX: u8 = 0x14;
pub(super) const IA5: u8 = 0x16;
pub(super) const VISIBLE: u8 = 0x1a;
pub(super) const UNIVERSAL: u8 = 0x1c;
pub(super) const BMP: u8 = 0x1e;

/// How many characters a string has. `None` if one of them is not in the alphabet of its type (X.680 section 41).
pub(super) fn characters(tag: u8, content: &[u8]) -> Option<usize> {
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

/// Whether the DER of a value is a SEQUENCE or SET (by `tag`) of one or more parts that are all as asked.
pub(super) fn is_list_of(
    value: &[u8],
    tag: u8,
    is_good: impl FnMut(crate::certificate::der::Value<'_>) -> bool,
) -> bool {
    let mut parts = parts(value).peekable();
    value.first() == Some(&tag) && parts.peek().is_some() && parts.all(is_good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_minimal_and_counts_are_not_negative() {
        for (integer, minimal, count) in [
            (&[][..], false, false),
            (&[0], true, true),
            (&[0x7f], true, true),
            (&[0x80], true, false),
            (&[0, 0x80], true, true),
            (&[0, 0x7f], false, false),
            (&[0, 0], false, false),
            (&[0xff, 0x7f], true, false),
            (&[0xff, 0x80], false, false),
        ] {
            assert_eq!(is_minimal(integer), minimal, "{integer:?}");
            assert_eq!(is_count(integer), count, "{integer:?}");
        }
    }

    #[test]
    fn named_bits_have_no_zeros_at_their_end_and_are_no_more_than_there_are_names() {
        for (bits, good) in [
            (&[0][..], true),
            (&[7, 0x80], true),
            (&[0, 0xff], true),
            (&[7, 0, 0x80], true),
            (&[6, 0, 0x40], false),
            (&[7, 0], false),
            (&[0, 0x80], false),
            (&[7, 0x84, 0], false),
            (&[5, 0xff, 0xe0], false),
            (&[6, 0x80], false),
            (&[8, 0x80], false),
            (&[], false),
        ] {
            assert_eq!(are_named_bits(bits, 9), good, "{bits:?}");
        }
    }

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
}
