//! The time by which an agent waits.

use core::fmt;
use core::time::Duration;
use std::thread;
use std::time::Instant;

/// The time by which an agent waits. Another one than [`MonotonicClock`] is for simulations.
pub trait AgentClock: fmt::Debug + Send + Sync {
    /// The time since a moment that stays the same. It never goes back.
    fn elapsed(&self) -> Duration;

    /// Lets so much time pass.
    fn sleep(&self, time: Duration);
}

/// The clock of the machine that no administrator sets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MonotonicClock {
    start: Instant,
}

impl MonotonicClock {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for MonotonicClock {
    fn default() -> Self {
        Self::new()
    }
}

impl AgentClock for MonotonicClock {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}
