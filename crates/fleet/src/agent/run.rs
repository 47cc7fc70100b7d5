//! The loop of an agent.

use core::any::Any;
use core::time::Duration;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::{self, JoinHandle};

use super::{Agent, AgentHandle, AgentStatus};
use crate::limits::{MIN_GAP, START_SPREAD, STOP_STEP, TEND_INTERVAL};
use crate::transport::Transport;

impl<T: Transport> Agent<T> {
    /// Runs until it is stopped by its [`handle`](Self::handle). The first fetch comes after a random time of at most
    /// [`START_SPREAD`]; call [`step`](Self::step) before for one at once, and the next one comes after its pause. A panic of the transport, of a handler or of the agent
    /// shows in the health of the agent and of the store, and goes on to the caller.
    pub fn run(&mut self) {
        self.handle.notes().status = AgentStatus::Running;
        // Shared state is behind locks, which are recovered, and the member keeps its state on the disk.
        let ran = catch_unwind(AssertUnwindSafe(|| self.run_until_stopped()));
        let Err(panic) = ran else {
            self.handle.notes().status = AgentStatus::Stopped;
            return;
        };
        let what = message(&*panic);
        self.handle.notes().status = AgentStatus::Panicked(what.clone());
        // A store that the program does not give any more is no second panic.
        let shown = AssertUnwindSafe(|| self.show(Some(format!("the agent panicked: {what}"))));
        let _ = catch_unwind(shown);
        resume_unwind(panic);
    }

    /// Runs in a thread of its own, which gives the agent back when it is stopped. It returns before the first fetch, which
    /// comes after a random time of at most [`START_SPREAD`].
    ///
    /// # Errors
    /// The operating system starts no thread.
    pub fn spawn(mut self) -> io::Result<(AgentHandle, JoinHandle<Self>)>
    where
        T: 'static,
    {
        let handle = self.handle();
        let name = format!("fleet {}", self.member.state().fleet);
        let thread = thread::Builder::new().name(name).spawn(move || {
            self.run();
            self
        })?;
        Ok((handle, thread))
    }

    fn run_until_stopped(&mut self) {
        match self.last {
            Some(last) => self.pause(last),
            // After a power failure, all nodes start together.
            None => {
                let spread = self.jitter.between(Duration::ZERO, START_SPREAD);
                self.sleep(spread);
            }
        }
        while !self.handle.is_stopping() {
            let step = self.step();
            self.pause((step.done.is_ok(), step.pause));
        }
    }

    /// Waits after a step for the next one.
    fn pause(&mut self, (is_good, pause): (bool, Duration)) {
        if is_good {
            self.sleep(MIN_GAP);
            self.wait(pause.saturating_sub(MIN_GAP));
        } else {
            self.sleep(pause);
        }
    }

    /// Waits for a change, at most so long, in steps after each of which a stop is seen.
    fn wait(&mut self, at_most: Duration) {
        let until = self.clock.elapsed().saturating_add(at_most);
        let mut tended = self.clock.elapsed();
        while !self.handle.is_stopping() {
            let now = self.clock.elapsed();
            let left = until.saturating_sub(now);
            if left.is_zero() {
                return;
            }
            let step = left.min(STOP_STEP);
            let waited = self.transport.wait(step);
            let passed = self.clock.elapsed().saturating_sub(now);
            match waited {
                // Also at the end of the time: the transport says it once.
                Ok(true) => return,
                Ok(false) => self.sleep(step.saturating_sub(passed)),
                // It is asked when the time is over, and then its error counts.
                Err(_) => {
                    self.sleep(left.saturating_sub(passed));
                    return;
                }
            }
            if now.saturating_sub(tended) >= TEND_INTERVAL {
                tended = now;
                let _kept_up = self.tend();
            }
        }
    }

    fn sleep(&self, time: Duration) {
        self.handle.stop.sleep(&*self.clock, time);
    }
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a text".to_owned())
}
