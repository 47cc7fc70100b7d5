//! The handshakes that are under way, the oldest first.

use core::time::Duration;
use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::task::AbortHandle;
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Underway {
    /// Those that have ended are still in it, until they are the oldest or it has grown.
    started: VecDeque<Started>,
    /// How many there were when the ended ones were taken out last.
    swept: usize,
    /// One was ended, and its task has not noticed yet.
    ending: bool,
}

struct Started {
    at: Instant,
    address: SocketAddr,
    task: AbortHandle,
}

/// What became of the oldest handshake.
pub(super) enum Room {
    /// It was ended now.
    Ended(SocketAddr),
    /// Another one was ended already, or all are done.
    Ending,
    /// It may go on until then.
    Later(Instant),
}

impl Underway {
    pub(super) fn add(&mut self, at: Instant, address: SocketAddr, task: AbortHandle) {
        // Twice as many as are under way: so a handshake is looked at a constant number of times.
        if self.started.len() > self.swept.saturating_mul(2).saturating_add(16) {
            self.started.retain(|started| !started.task.is_finished());
            self.swept = self.started.len();
        }
        self.started.push_back(Started { at, address, task });
    }

    pub(super) fn end_oldest(&mut self, now: Instant, patience: Duration) -> Room {
        if self.ending {
            return Room::Ending;
        }
        while let Some(oldest) = self.started.front() {
            if oldest.task.is_finished() {
                self.started.pop_front();
                continue;
            }
            let until = oldest.at + patience;
            if now < until {
                return Room::Later(until);
            }
            let (address, task) = (oldest.address, oldest.task.clone());
            task.abort();
            self.ending = true;
            self.started.pop_front();
            return Room::Ended(address);
        }
        Room::Ending
    }

    pub(super) fn one_has_ended(&mut self) {
        self.ending = false;
    }
}
