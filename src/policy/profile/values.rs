//! What DER and ASN.1 ask of single values: integers, lists of named bits.

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
}
