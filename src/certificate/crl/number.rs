//! The number of a revocation list.

use core::cmp::Ordering;
use core::fmt;

use crate::limits::MAX_CRL_NUMBER_BYTES;

/// The number of a certificate revocation list (RFC 5280 section 5.2.3). Each newer list of the same issuer and scope
/// has a greater number.
#[derive(Clone, PartialEq, Eq, Hash)]
#[doc(hidden)]
pub struct CrlNumber(Box<[u8]>);

impl CrlNumber {
    /// Reads the content of an `INTEGER`. It must not be negative, must be in its shortest form and have at most 20
    /// bytes.
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let digits = match content {
            [0] => &[],
            [0, next, ..] if next & 0x80 != 0 => content.get(1..)?,
            [first, ..] if *first != 0 && first & 0x80 == 0 => content,
            _ => return None,
        };
        (digits.len() <= MAX_CRL_NUMBER_BYTES).then(|| Self(digits.into()))
    }

    /// The number in big-endian bytes without leading zeros. Empty for 0.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Ord for CrlNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without leading zeros, the longer number is the greater one.
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for CrlNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Decimal up to 16 bytes, else hexadecimal with `0x`.
impl fmt::Display for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() <= 16 {
            let digits = self.0.iter();
            return write!(
                f,
                "{}",
                digits.fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte))
            );
        }
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CrlNumber({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers_and_are_read_in_their_shortest_form() {
        let read = |content: &[u8]| CrlNumber::read(content);
        let known = |content: &[u8]| read(content).unwrap();
        let order = [
            known(&[0]),
            known(&[1]),
            known(&[0x7f]),
            known(&[0, 0x80]),
            known(&[0, 0xff]),
            known(&[1, 0]),
            known(&[0x7f; 17]),
            known(&[0x7f; 20]),
        ];
        assert!(order.is_sorted());
        assert!(order.windows(2).all(|pair| pair[0] != pair[1]));
        let shown: Vec<String> = order.iter().take(6).map(ToString::to_string).collect();
        assert_eq!(shown, ["0", "1", "127", "128", "255", "256"]);
        assert_eq!(order[6].to_string(), format!("0x{}", "7f".repeat(17)));
        let mut longest = [0xff; 21];
        longest[0] = 0;
        assert!(read(&longest).is_some());
        for bad in [&[][..], &[0, 1], &[0, 0x7f], &[0x80], &[0xff, 0], &[1; 21]] {
            assert!(read(bad).is_none(), "{bad:?}");
        }
    }
}
