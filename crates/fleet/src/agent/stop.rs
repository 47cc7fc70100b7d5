//! A stop that is asked for, and waits that see it.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::clock::AgentClock;
use crate::limits::STOP_STEP;

/// Whether a loop is to stop. Clones are of the same loop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Sleeps in steps after each of which a stop is seen.
    pub(crate) fn sleep(&self, clock: &dyn AgentClock, time: Duration) {
        let until = clock.elapsed().saturating_add(time);
        while !self.is_asked() {
            let left = until.saturating_sub(clock.elapsed());
            if left.is_zero() {
                return;
            }
            clock.sleep(left.min(STOP_STEP));
        }
    }
}
