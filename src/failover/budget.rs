//! The attempts that can still be made: a token bucket.

use core::time::Duration;

/// A bucket that holds `most` tokens and gets one more each `refill`. It is full at the beginning.
///
/// It is kept as the time at which it will be full (the virtual scheduling algorithm of ITU-T I.371), so that nothing is
/// rounded: of any span of time, at most `most` tokens are taken, and one more for each whole `refill` in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    most: u32,
    refill: Duration,
    full_at: Duration,
}

impl Budget {
    pub(super) fn new(most: u32, refill: Duration) -> Self {
        Self {
            most,
            refill,
            full_at: Duration::ZERO,
        }
    }

    /// The share that attempts leave that are not urgent.
    pub(super) fn reserve(&self) -> u32 {
        self.most / 2
    }

    /// The time from which on a token can be taken so that `left` are left.
    pub(super) fn ready_at(&self, left: u32) -> Duration {
        let missing = self.most.saturating_sub(left).saturating_sub(1);
        self.full_at
            .saturating_sub(self.refill.saturating_mul(missing))
    }

    /// Takes a token.
    pub(super) fn take(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now).saturating_add(self.refill);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_has_its_tokens_and_then_one_for_each_refill() {
        let seconds = Duration::from_secs;
        let mut budget = Budget::new(3, seconds(10));
        let mut taken = Vec::new();
        for now in 100..160 {
            while budget.ready_at(0) <= seconds(now) {
                budget.take(seconds(now));
                taken.push(now);
            }
        }
        assert_eq!(taken, [100, 100, 100, 110, 120, 130, 140, 150]);
    }

    #[test]
    fn what_is_not_urgent_leaves_its_share() {
        let seconds = Duration::from_secs;
        let mut budget = Budget::new(4, seconds(10));
        assert_eq!(budget.reserve(), 2);
        for _ in 0..2 {
            assert!(budget.ready_at(2) <= seconds(50));
            budget.take(seconds(50));
        }
        assert_eq!(budget.ready_at(2), seconds(60));
        assert!(budget.ready_at(0) <= seconds(50));
    }
}
