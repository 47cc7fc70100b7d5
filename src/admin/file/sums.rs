//! Sums over the lines of a change: when its digest does not match, they show which line is damaged.
//!
//! The lines have the values `h1`, `h2`, …, and the sums are `S = h1 + h2 + …` and `T = 1·h1 + 2·h2 + …`, modulo a prime. If
//! one line differs, the first sum differs by some `d` and the second by its number times `d`, so that the number is their
//! quotient. Most lines of a change have no checksum of their own: a certificate's, a label's, a time's.

use core::fmt;

/// A prime above every part of a line: `2^61 - 1`.
const PRIME: u64 = (1 << 61) - 1;
/// The factor between the parts of a line; any number that mixes well.
const FACTOR: u64 = 0x0123_4567_89ab_cdef;
/// The bytes of a part, so that it is below the prime.
const PART: usize = 7;

/// The sum of two numbers that are at most the prime.
fn add(left: u64, right: u64) -> u64 {
    let sum = left.wrapping_add(right);
    match sum >= PRIME {
        true => sum.wrapping_sub(PRIME),
        false => sum,
    }
}

/// The product. As the prime is `2^61 - 1`, the upper bits count as much as the lower ones: a division would take ten times
/// as long.
fn multiply(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    let part = |number: u128| u64::try_from(number & u128::from(PRIME)).unwrap_or(0);
    add(part(product), part(product >> 61))
}

/// The difference, by which `right` is less.
fn subtract(left: u64, right: u64) -> u64 {
    add(left, PRIME.saturating_sub(right))
}

/// The number with which the product is 1 (Fermat's little theorem).
fn inverse(number: u64) -> u64 {
    let (mut power, mut exponent, mut result) = (number, PRIME.saturating_sub(2), 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, power);
        }
        power = multiply(power, power);
        exponent >>= 1;
    }
    result
}

/// The value of a line. Its length is part of it, so that a line of zeros has one as well.
fn value(line: &str) -> u64 {
    let length = u64::try_from(line.len()).unwrap_or(0);
    line.as_bytes().chunks(PART).fold(length, |value, part| {
        let part = part
            .iter()
            .fold(0, |part, byte| part << 8 | u64::from(*byte));
        add(multiply(value, FACTOR), part)
    })
}

/// The two sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineSums {
    plain: u64,
    numbered: u64,
}

impl fmt::Display for LineSums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x} {:016x}", self.plain, self.numbered)
    }
}

impl LineSums {
    /// The sums over a text.
    pub(super) fn over(text: &str) -> Self {
        let (mut plain, mut numbered) = (0, 0);
        for (number, line) in (1..).zip(text.split_terminator('\n')) {
            let value = value(line);
            plain = add(plain, value);
            numbered = add(numbered, multiply(number, value));
        }
        Self { plain, numbered }
    }

    /// Reads what `Display` writes.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (plain, numbered) = text.split_once(' ')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        let sums = Self {
            plain: number(plain)?,
            numbered: number(numbered)?,
        };
        let fits = sums.plain < PRIME && sums.numbered < PRIME;
        (fits && sums.to_string() == text).then_some(sums)
    }

    /// The number of the line in which a text differs from the one that has these sums, if that is one line.
    pub(super) fn damaged(self, text: &str) -> Option<usize> {
        let found = Self::over(text);
        let plain = subtract(found.plain, self.plain);
        if plain == 0 {
            return None;
        }
        let numbered = subtract(found.numbered, self.numbered);
        let number = usize::try_from(multiply(numbered, inverse(plain))).ok()?;
        let count = text.split_terminator('\n').count();
        (1..=count).contains(&number).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_differs_is_found_whatever_it_has() {
        let text: String = (0..300)
            .map(|number| format!("{}\n", "line ".repeat(number % 17)))
            .collect();
        let sums = LineSums::over(&text);
        assert_eq!(LineSums::read(&sums.to_string()), Some(sums));
        assert_eq!(sums.damaged(&text), None);
        let lines: Vec<&str> = text.split_terminator('\n').collect();
        for number in 1..=lines.len() {
            for other in ["", "\0", "line", "something longer than any line of it was"] {
                let mut changed = lines.clone();
                if changed[number - 1] == other {
                    continue;
                }
                changed[number - 1] = other;
                let changed = changed.join("\n") + "\n";
                assert_eq!(sums.damaged(&changed), Some(number), "{other:?}");
            }
        }
    }

    #[test]
    fn sums_have_one_form() {
        for text in ["", "1 2", "0000000000000001 000000000000000A"] {
            assert_eq!(LineSums::read(text), None, "{text}");
        }
        let most = format!("{PRIME:016x} {:016x}", 0);
        assert_eq!(LineSums::read(&most), None);
        for number in [1, 2, 12_345, FACTOR, PRIME - 1] {
            assert_eq!(multiply(inverse(number), number), 1);
            assert_eq!(add(number, subtract(0, number)), 0);
            for other in [0, 1, 7, FACTOR, PRIME - 1] {
                let [left, right, prime] = [number, other, PRIME].map(u128::from);
                assert_eq!(u128::from(multiply(number, other)), left * right % prime);
                assert_eq!(u128::from(add(number, other)), (left + right) % prime);
            }
        }
    }
}
