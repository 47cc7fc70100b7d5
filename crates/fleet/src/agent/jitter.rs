//! Random waits, so that the nodes of a fleet do not ask together.

use core::time::Duration;
use std::hash::{BuildHasher as _, RandomState};

/// A sequence of numbers that need not be secret (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    /// A sequence that no other process has.
    pub(crate) fn random() -> Self {
        Self(RandomState::new().hash_one(std::process::id()))
    }

    /// A sequence that can be repeated.
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A time between two, each as likely.
    pub(crate) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = most.saturating_sub(least).as_millis();
        let span = u64::try_from(span).unwrap_or(u64::MAX).saturating_add(1);
        let more = self.next().checked_rem(span).unwrap_or(0);
        least
            .saturating_add(Duration::from_millis(more))
            .min(most.max(least))
    }

    /// A time from half of `wait` to all of it, so that there is always a wait.
    pub(crate) fn equal(&mut self, wait: Duration) -> Duration {
        let half = wait.checked_div(2).unwrap_or(wait);
        self.between(half, wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_times_between_two_come_up_and_no_other() {
        let mut jitter = Jitter::from_seed(7);
        let (least, most) = (Duration::from_millis(5), Duration::from_millis(8));
        let drawn: std::collections::BTreeSet<_> =
            (0..200).map(|_| jitter.between(least, most)).collect();
        assert_eq!(drawn, (5..=8).map(Duration::from_millis).collect());
        assert_eq!(jitter.between(most, least), most);
        let drawn: std::collections::BTreeSet<_> = (0..200).map(|_| jitter.equal(most)).collect();
        assert_eq!(drawn, (4..=8).map(Duration::from_millis).collect());
    }

    #[test]
    fn a_seed_gives_one_sequence_and_others_differ() {
        let draw = |mut jitter: Jitter| jitter.next();
        assert_eq!(draw(Jitter::from_seed(1)), draw(Jitter::from_seed(1)));
        assert_ne!(draw(Jitter::from_seed(1)), draw(Jitter::from_seed(2)));
        assert_ne!(draw(Jitter::random()), draw(Jitter::random()));
    }
}
