//! A filter for serial numbers that no revocation list of one issuer name has. One look-up answers for all of these
//! lists (rule C5).
//!
//! A CA can have 256 lists, and each would be searched for every certificate that is judged. The filter is a Bloom
//! filter: it can give false positives, never false negatives.

use core::hash::BuildHasher;
use std::collections::hash_map::RandomState;

use crate::certificate::Crl;

/// Number of lists of one name from which there is a filter. Fewer lists are searched as fast without one.
pub(super) const MANY_LISTS: usize = 8;

/// Bits for each serial number. Four of them are set, which gives a false positive for one in a few hundred serial
/// numbers.
const BITS: usize = 16;

/// Bits of a block. All bits of a serial number are in one block, so a look-up waits for memory once.
const BLOCK: usize = 512;
const WORDS: usize = BLOCK / 64;

#[derive(Clone, Default)]
pub(super) struct Filter {
    /// Blocks of [`WORDS`] words.
    words: Vec<u64>,
    /// The number of serial numbers that it was made for, and the number that was added.
    room: usize,
    held: usize,
    /// Serial numbers come from outside, so the hash is keyed.
    hasher: RandomState,
}

impl Filter {
    /// A filter of these lists, with room for twice as many serial numbers.
    pub(super) fn of<'a>(lists: impl Iterator<Item = &'a Crl> + Clone) -> Self {
        let counts = lists.clone().map(Crl::revoked_count);
        let room = counts
            .fold(64_usize, usize::saturating_add)
            .saturating_mul(2);
        let blocks = room.saturating_mul(BITS).div_ceil(BLOCK);
        let mut filter = Self {
            words: vec![0; blocks.saturating_mul(WORDS)],
            room,
            held: 0,
            hasher: RandomState::new(),
        };
        for list in lists {
            filter.add(list);
        }
        filter
    }

    /// Adds the serial numbers of one more list. `false` if there is no room for them.
    pub(super) fn add(&mut self, list: &Crl) -> bool {
        self.held = self.held.saturating_add(list.revoked_count());
        if self.held > self.room {
            return false;
        }
        for serial in list.serials() {
            let (block, bits) = self.places(serial);
            for bit in bits {
                let at = block.saturating_add(bit / 64);
                if let Some(word) = self.words.get_mut(at) {
                    *word |= 1 << (bit % 64);
                }
            }
        }
        true
    }

    /// Whether a list may have this serial number, in its shortest form.
    pub(super) fn may_have(&self, serial: &[u8]) -> bool {
        let (block, bits) = self.places(serial);
        bits.into_iter().all(|bit| {
            let word = self.words.get(block.saturating_add(bit / 64));
            // An empty filter cannot rule anything out.
            word.is_none_or(|word| word & (1 << (bit % 64)) != 0)
        })
    }

    /// The first word of a block, and bits in it.
    fn places(&self, serial: &[u8]) -> (usize, [usize; 4]) {
        let hash = self.hasher.hash_one(serial);
        let blocks = self.words.len() / WORDS;
        let [a, b, c, d, high @ ..] = hash.to_le_bytes();
        let block = usize::try_from(u32::from_le_bytes(high)).unwrap_or(0);
        let block = block.checked_rem(blocks).unwrap_or(0);
        let low = u32::from_le_bytes([a, b, c, d]);
        // Nine bits each; the last ones overlap with the block's.
        let bits = [0, 9, 18, 23].map(|shift| usize::try_from((low >> shift) & 511).unwrap_or(0));
        (block.saturating_mul(WORDS), bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_filter_rules_nothing_out() {
        assert!(Filter::default().may_have(&[1]));
    }

    #[test]
    fn few_of_those_that_are_in_no_list_may_be_in_one() {
        let mut filter = Filter::of(core::iter::empty());
        filter.words = vec![0; 4096 * BITS / BLOCK * WORDS];
        for number in 0..4096_u64 {
            let (block, bits) = filter.places(&number.to_be_bytes());
            for bit in bits {
                *filter.words.get_mut(block + bit / 64).unwrap() |= 1 << (bit % 64);
            }
        }
        let may = |range: core::ops::Range<u64>| {
            let all = range.map(|number| filter.may_have(&number.to_be_bytes()));
            all.filter(|may| *may).count()
        };
        assert_eq!(may(0..4096), 4096);
        let wrong = may(10_000..20_000);
        assert!(wrong < 200, "{wrong} of 10,000");
    }
}
