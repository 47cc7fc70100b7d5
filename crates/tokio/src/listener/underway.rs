//! The handshakes that are under way, the oldest first.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use tokio::task::{AbortHandle, Id};
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Underway {
    /// In the order of their start. Those that have ended are still in it, until they are the oldest or it has grown.
    started: VecDeque<Started>,
    /// Those whose end is not seen yet, and where their clients are.
    addresses: HashMap<Id, SocketAddr>,
    /// How many there were when the ended ones were taken out last.
    swept: usize,
    /// The one that was told to end, until its end is seen. It may be done by then all the same.
    ending: Option<Id>,
}

struct Started {
    at: Instant,
    task: AbortHandle,
}

impl Underway {
    pub(super) fn add(&mut self, at: Instant, address: SocketAddr, task: AbortHandle) {
        // Twice as many as are under way: so a handshake is looked at a constant number of times.
        if self.started.len() > self.swept.saturating_mul(2).saturating_add(16) {
            self.started.retain(|started| !started.task.is_finished());
            self.swept = self.started.len();
        }
        self.addresses.insert(task.id(), address);
        self.started.push_back(Started { at, task });
    }

    /// The end of a handshake is seen, however it ended. Returns where its client is.
    pub(super) fn ended(&mut self, id: Id) -> Option<SocketAddr> {
        if self.ending == Some(id) {
            self.ending = None;
        }
        self.addresses.remove(&id)
    }

    /// Tells the oldest handshake to end if it has lasted long enough, or says when it will have. `None`: the end of a
    /// handshake will be seen soon.
    pub(super) fn end_oldest(&mut self, now: Instant, patience: Duration) -> Option<Instant> {
        if self.ending.is_some() {
            return None;
        }
        while let Some(oldest) = self.started.front() {
            if oldest.task.is_finished() {
                self.started.pop_front();
                continue;
            }
            let until = oldest.at + patience;
            if now < until {
                return Some(until);
            }
            oldest.task.abort();
            self.ending = Some(oldest.task.id());
            self.started.pop_front();
            return None;
        }
        None
    }
}
