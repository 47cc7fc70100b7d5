//! A bounded pool of sessions. A session serves one signature at a time.

use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cryptoki::session::Session;

use crate::fault::Sessions;
use crate::limits::SESSION_PAUSE;

/// The sessions with a token.
pub(crate) struct Pool {
    state: Mutex<State>,
    freed: Condvar,
    /// The process to which the sessions belong.
    process: u32,
}

struct State {
    idle: Vec<Session>,
    /// How many are open or being opened.
    open: usize,
    /// How many were set.
    set: usize,
    /// How many may be: less than was set, while the token says that it allows no more.
    most: usize,
    /// When `most` was changed.
    changed: Instant,
    /// Grows when all sessions are given up.
    epoch: u64,
    /// Sessions of an epoch before this one are gone.
    gone: u64,
    /// Grows when a session is lost. What was found in a session before is found again then.
    finding: u64,
}

/// A session, or the right to open one. It counts as open until it is dropped.
pub(crate) struct Lease<'a> {
    pool: &'a Pool,
    session: Option<Session>,
    /// Of the session, or of the one that was lost before it.
    pub(crate) epoch: u64,
    pub(crate) finding: u64,
}

impl Pool {
    pub(crate) fn new(set: usize) -> Self {
        Self {
            state: Mutex::new(State {
                idle: Vec::new(),
                open: 0,
                set,
                most: set,
                changed: Instant::now(),
                epoch: 0,
                gone: 0,
                finding: 0,
            }),
            freed: Condvar::new(),
            process: process::id(),
        }
    }

    /// Waits for a session, or for the right to open one. `None` if there is none in time.
    pub(crate) fn take(&self, wait: Duration) -> Option<Lease<'_>> {
        // `Instant` has an end far away; the waits have a bound.
        let end = Instant::now().checked_add(wait)?;
        let mut state = self.state();
        loop {
            let (epoch, finding) = (state.epoch, state.finding);
            if let Some(session) = state.idle.pop() {
                let session = Some(session);
                return Some(Lease {
                    pool: self,
                    session,
                    epoch,
                    finding,
                });
            }
            let next = state.grown();
            if state.open < state.most {
                state.open += 1;
                return Some(Lease {
                    pool: self,
                    session: None,
                    epoch,
                    finding,
                });
            }
            let left = end.checked_duration_since(Instant::now())?;
            let woken = self.freed.wait_timeout(state, left.min(next));
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Gives up all sessions of an epoch, unless another thread has, or one alone is gone.
    pub(crate) fn give_up(&self, epoch: u64, left: Sessions) {
        let mut state = self.state();
        if state.epoch != epoch || left == Sessions::OneGone {
            return;
        }
        state.epoch = state.epoch.wrapping_add(1);
        state.finding = state.finding.wrapping_add(1);
        if left == Sessions::Gone {
            state.gone = state.epoch;
        }
        state.grow();
        let idle = core::mem::take(&mut state.idle);
        state.open = state.open.saturating_sub(idle.len());
        drop(state);
        for session in idle {
            self.close(session, epoch, left);
        }
        self.freed.notify_all();
    }

    /// The token allows no further session: no more than those that are open are tried for a while. `false` if there is
    /// none to wait for.
    pub(crate) fn shrink(&self) -> bool {
        let mut state = self.state();
        // One of those that are open is the one that failed.
        let others = state.open.saturating_sub(1);
        if others == 0 {
            return false;
        }
        state.most = others;
        state.changed = Instant::now();
        true
    }

    /// How many sessions may be open.
    pub(crate) fn most(&self) -> usize {
        self.state().most
    }

    /// Closes a session that is there. Nothing can be done if that fails. After a loss of all sessions, its number may be
    /// that of another one; after a fork as well, and it is the parent's.
    fn close(&self, session: Session, epoch: u64, left: Sessions) {
        let is_there = left == Sessions::Stale && epoch >= self.state().gone;
        if is_there && self.process == process::id() {
            let _ = session.close();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code of others runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets one more session be tried for each pause that is over. Gives how long it is to the next.
    fn grown(&mut self) -> Duration {
        while self.most < self.set {
            let left = SESSION_PAUSE.saturating_sub(self.changed.elapsed());
            if left > Duration::ZERO {
                return left;
            }
            self.most += 1;
            self.changed = self
                .changed
                .checked_add(SESSION_PAUSE)
                .unwrap_or(self.changed);
        }
        Duration::MAX
    }

    /// Lets one more session be tried, up to what was set.
    fn grow(&mut self) {
        if self.most < self.set {
            self.most += 1;
            self.changed = Instant::now();
        }
    }
}

impl Lease<'_> {
    /// The session, if there is one already.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Takes a session that was opened by this right, after its first one was lost or without a loss.
    pub(crate) fn opened(&mut self, session: Session, has_lost: bool) {
        let mut state = self.pool.state();
        if has_lost {
            // Again: another thread may have found something since in a session that was about to be.
            state.finding = state.finding.wrapping_add(1);
        }
        // As it is now: what was given up meanwhile was older.
        (self.epoch, self.finding) = (state.epoch, state.finding);
        // An idle session with its number was lost before, and is not the one that the number names now.
        let before = state.idle.len();
        state.idle.retain(|idle| idle.handle() != session.handle());
        let lost = before.saturating_sub(state.idle.len());
        state.open = state.open.saturating_sub(lost);
        drop(state);
        self.session = Some(session);
    }

    /// Gives up its session alone, which is gone. The right to open one stays.
    pub(crate) fn lose(&mut self) {
        // It is not closed by itself.
        self.session = None;
        let mut state = self.pool.state();
        state.finding = state.finding.wrapping_add(1);
    }

    /// Keeps the session for others.
    pub(crate) fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            let mut state = self.pool.state();
            if state.epoch == self.epoch {
                state.idle.push(session);
                // `drop` counts it as closed.
                state.open += 1;
            } else {
                drop(state);
                self.pool.close(session, self.epoch, Sessions::Stale);
            }
        }
    }

    /// Drops the session.
    pub(crate) fn discard(mut self, left: Sessions) {
        if let Some(session) = self.session.take() {
            self.pool.close(session, self.epoch, left);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.pool.close(session, self.epoch, Sessions::Stale);
        }
        let mut state = self.pool.state();
        state.open = state.open.saturating_sub(1);
        drop(state);
        self.pool.freed.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let epoch = state.epoch;
        for session in core::mem::take(&mut state.idle) {
            self.close(session, epoch, Sessions::Stale);
        }
    }
}
