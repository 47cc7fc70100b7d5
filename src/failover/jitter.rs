//! Numbers that differ between systems and are the same for the same seed.

use core::time::Duration;

/// A sequence of numbers (SplitMix64, by Steele, Lea and Flood). It spreads attempts, and nothing secret depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A time from zero to `most`, both included.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        // The remainder prefers no value by more than one in 2^17 for times up to a day.
        let nanos = self.next().checked_rem(most.saturating_add(1));
        Duration::from_nanos(nanos.unwrap_or(0))
    }

    /// Equal jitter: from half of `wait` to all of it, so that there is always a wait.
    pub(super) fn equal(&mut self, wait: Duration) -> Duration {
        let half = wait / 2;
        half.saturating_add(self.up_to(wait.saturating_sub(half)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spread_over_their_range_and_the_same_for_a_seed() {
        let second = Duration::from_secs(1);
        let mut tenths = [0_usize; 10];
        for seed in 0..1000 {
            let spread = Jitter::new(seed).up_to(second);
            assert_eq!(spread, Jitter::new(seed).up_to(second));
            assert!(spread <= second);
            tenths[usize::try_from(spread.as_millis() / 100).unwrap().min(9)] += 1;
            let wait = Jitter::new(seed).equal(second);
            assert!(second / 2 <= wait && wait <= second);
        }
        assert!(
            tenths.iter().all(|count| (60..150).contains(count)),
            "{tenths:?}"
        );
        assert_eq!(Jitter::new(7).up_to(Duration::ZERO), Duration::ZERO);
        assert_eq!(Jitter::new(7).equal(Duration::ZERO), Duration::ZERO);
    }
}
