//! Which of several key servers to connect to next, and when. It makes no connection, and reads no clock.
//!
//! [`Failover`] is told the servers in their order and the outcome of each attempt, and says which server to try next. The
//! program makes the attempts:
//!
//! ```
//! use std::time::Instant;
//!
//! use mutual_trust::failover::{AttemptOutcome, Failover, FailoverSettings, NextAttempt};
//! use mutual_trust::{LiveTrust, ServerId, tls};
//! # type Attempt = Result<(), Box<dyn std::error::Error>>;
//!
//! /// Returns the best server that serves.
//! fn connect(trust: &LiveTrust, seed: u64, attempt: impl Fn(&ServerId) -> Attempt) -> Option<ServerId> {
//!     let started = Instant::now();
//!     let ids = trust.current().servers_in_order().into_iter().map(|server| server.id().clone()).collect::<Vec<_>>();
//!     let mut failover = Failover::new(ids, seed, FailoverSettings::new());
//!     while failover.in_use().is_none() {
//!         let (now, generation) = (started.elapsed(), trust.current().generation());
//!         match failover.next_attempt(now, generation) {
//!             NextAttempt::Now(server) => {
//!                 let outcome = match attempt(&server) {
//!                     Ok(()) => AttemptOutcome::Served,
//!                     Err(error) => tls::attempt_outcome(&*error, generation),
//!                 };
//!                 failover.report(&server, outcome, started.elapsed());
//!             }
//!             NextAttempt::At(then) => {
//!                 // It ends sooner if trust changes.
//!                 let _ = trust.wait_newer_than(generation, then.saturating_sub(now));
//!             }
//!             NextAttempt::NotNeeded => return None,
//!         }
//!     }
//!     failover.in_use().cloned()
//! }
//! # let trust = LiveTrust::new(mutual_trust::TrustSnapshot::default());
//! # assert_eq!(connect(&trust, 7, |_| Ok(())), None);
//! ```
//!
//! # What it guarantees
//!
//! - One attempt runs at a time.
//! - A server that our rules refused is tried again as soon as trust changes, and otherwise after a long wait
//!   ([`with_refusal_wait`](FailoverSettings::with_refusal_wait)). The wait is not endless: our trust can be right and the
//!   certificate of the server wrong, for example one that expired or one that an attacker presented once. Its
//!   administrator renews it at the server, and nothing changes here. A repeated attempt is harmless, because nothing is
//!   sent before the verdict, and costs the server a handshake.
//! - A server that refuses us is tried again after the same wait. One that cannot be reached is tried again after a wait
//!   that doubles up to a bound. Jitter spreads the attempts of systems that lost a server at the same moment.
//! - All attempts together have a budget.
//! - No server that is needed is forgotten: of those whose wait is over, the one that was tried the longest ago is next. So
//!   with `n` servers, one is tried at the latest after its wait, `n` attempts, and the time in which the budget grows by
//!   its size and `n`.
//! - While a server is in use, only better ones are tried. One that serves for a moment only keeps its long wait, so that
//!   the system does not go back and forth between two servers.

mod budget;
mod jitter;
mod server;
mod settings;

use core::time::Duration;

pub use settings::FailoverSettings;

use crate::store::ServerId;
use budget::Budget;
use jitter::Jitter;
use server::{State, Tracked};

/// What became of an attempt, or of the connection that it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// The server answered a request. A handshake alone is no such sign: a client of TLS 1.3 finishes it before the server
    /// has judged the client.
    Served,
    /// No connection could be made, it timed out, or it broke.
    Unreachable,
    /// There is a connection, and the server does not serve: it answers with errors or not at all.
    NotServed,
    /// Our rules refused the server, by the trust of this generation ([`tls::refusal`](crate::tls::refusal)). Also for an
    /// open connection that a recheck refuses.
    #[non_exhaustive]
    RefusedByUs {
        /// The generation of the snapshot that was in force when the attempt began.
        generation: u64,
    },
    /// The server refused us: it ended the connection with an alert
    /// ([`tls::refused_by_peer`](crate::tls::refused_by_peer)).
    RefusedByPeer,
    /// The connection ended without a fault, for example because it was idle.
    Closed,
}

impl AttemptOutcome {
    /// Our rules refused the server, by the trust of this generation.
    pub const fn refused_by_us(generation: u64) -> Self {
        Self::RefusedByUs { generation }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it says which server to connect to"]
#[expect(
    clippy::exhaustive_enums,
    reason = "a program must know what to do in each case"
)]
pub enum NextAttempt {
    /// Connect to this server, and report the outcome.
    Now(ServerId),
    /// Ask again at this time, and sooner when trust changes
    /// ([`LiveTrust::wait_newer_than`](crate::LiveTrust::wait_newer_than)) or a connection ends.
    At(Duration),
    /// The best server is in use, or there is no server. Ask again when the connection ends.
    NotNeeded,
}

/// Which of several servers to connect to next, and when.
///
/// Times are on one scale that only grows, from any beginning: `started.elapsed()` of an `Instant`. It has about 100 bytes
/// for each server.
#[derive(Clone, Debug)]
pub struct Failover {
    /// In their order.
    servers: Vec<Tracked>,
    settings: FailoverSettings,
    jitter: Jitter,
    budget: Budget,
    /// When the first attempt may be made.
    begins: Option<Duration>,
    /// The number of attempts.
    attempts: u64,
}

impl Failover {
    /// Plans attempts to servers, the best one first: what
    /// [`servers_in_order`](crate::TrustSnapshot::servers_in_order) returns, or a part of it.
    ///
    /// `seed` differs between systems, for example a number made of the serial number. It spreads their attempts, and is
    /// no secret.
    pub fn new(
        servers: impl IntoIterator<Item = ServerId>,
        seed: u64,
        settings: FailoverSettings,
    ) -> Self {
        let mut made = Self {
            servers: Vec::new(),
            jitter: Jitter::new(seed),
            budget: Budget::new(settings.budget, settings.refill),
            settings,
            begins: None,
            attempts: 0,
        };
        made.set_servers(servers);
        made
    }

    /// Sets the servers anew: after a change of trust, servers may have come and gone, and their order may be another one.
    /// What is known of those that stay is kept. One that is not among them is no longer in use: close its connection.
    pub fn set_servers(&mut self, servers: impl IntoIterator<Item = ServerId>) {
        let mut before = core::mem::take(&mut self.servers);
        for id in servers {
            if self.servers.iter().any(|server| server.id == id) {
                continue;
            }
            let at = before.iter().position(|server| server.id == id);
            let known = at.map(|at| before.swap_remove(at));
            self.servers.push(known.unwrap_or_else(|| Tracked::new(id)));
        }
    }

    /// The server in use: the best one that served, and whose connection has not ended.
    #[must_use]
    pub fn in_use(&self) -> Option<&ServerId> {
        let at = self.serving()?;
        self.servers.get(at).map(|server| &server.id)
    }

    /// What to do at `now`. `generation` is that of the trust in force ([`TrustSnapshot::generation`]).
    ///
    /// [`TrustSnapshot::generation`]: crate::TrustSnapshot::generation
    pub fn next_attempt(&mut self, now: Duration, generation: u64) -> NextAttempt {
        let begins = match self.begins {
            Some(begins) => begins,
            None => {
                let spread = self.jitter.up_to(self.settings.boot_spread);
                *self.begins.insert(now.saturating_add(spread))
            }
        };
        if let Some(end) = self.running(now) {
            return NextAttempt::At(end);
        }
        let serving = self.serving();
        let needed = serving.unwrap_or(self.servers.len());
        let servers = self.servers.iter().enumerate().take(needed);
        if needed == 0 {
            return NextAttempt::NotNeeded;
        }
        let possible =
            servers.filter_map(|(at, server)| Some((at, server.turn, server.due(generation)?)));
        let possible: Vec<(usize, u64, Duration)> = possible.collect();
        let due = possible.iter().filter(|(_, _, due)| *due <= now);
        let Some((at, _, _)) = due.min_by_key(|(at, turn, _)| (*turn, *at)) else {
            let first = possible.iter().map(|(_, _, due)| *due).min();
            return first.map_or(NextAttempt::NotNeeded, |due| {
                NextAttempt::At(due.max(begins))
            });
        };
        let at = *at;
        // To get back to a better server is not urgent.
        let left = serving.map_or(0, |_| self.budget.reserve());
        let ready = self.budget.ready_at(left).max(begins);
        if ready > now {
            return NextAttempt::At(ready);
        }
        self.budget.take(now);
        self.attempts = self.attempts.saturating_add(1);
        let turn = self.attempts;
        self.servers
            .get_mut(at)
            .map_or(NextAttempt::NotNeeded, |server| {
                server.state = State::Trying { since: now };
                server.turn = turn;
                NextAttempt::Now(server.id.clone())
            })
    }

    /// Tells the outcome of an attempt, or that the connection of the server in use has ended. A server that is not among
    /// the servers is ignored.
    pub fn report(&mut self, server: &ServerId, outcome: AttemptOutcome, now: Duration) {
        let Some(at) = self.servers.iter().position(|known| known.id == *server) else {
            return;
        };
        if outcome == AttemptOutcome::Served {
            self.served(at, now);
        } else if let Some(server) = self.servers.get_mut(at) {
            server.ended(outcome, now, &self.settings, &mut self.jitter);
        }
    }

    /// Lets servers be tried at once that our rules refused: call it when something else than the store changed on which a
    /// verdict depends, for example when the clock was set. Without it, they are tried after their wait.
    pub fn retry_refused(&mut self) {
        for server in &mut self.servers {
            if matches!(server.state, State::Refused { .. }) {
                server.state = State::Waiting;
            }
        }
    }

    /// The best server that serves.
    fn serving(&self) -> Option<usize> {
        let serves = |server: &Tracked| matches!(server.state, State::Serving { .. });
        self.servers.iter().position(serves)
    }

    /// Until when an attempt runs. One that has run for too long counts as failed.
    fn running(&mut self, now: Duration) -> Option<Duration> {
        let mut running = None;
        for server in &mut self.servers {
            let State::Trying { since } = server.state else {
                continue;
            };
            let end = since.saturating_add(self.settings.attempt_timeout);
            if now < end {
                running = Some(end);
            } else {
                let outcome = AttemptOutcome::Unreachable;
                server.ended(outcome, now, &self.settings, &mut self.jitter);
            }
        }
        running
    }

    fn served(&mut self, at: usize, now: Duration) {
        for server in &mut self.servers {
            // The next time that servers are needed, they are tried in their order.
            server.turn = 0;
        }
        if let Some(server) = self.servers.get_mut(at)
            && !matches!(server.state, State::Serving { .. })
        {
            server.state = State::Serving { since: now };
        }
        let best = self.serving().unwrap_or(at);
        for server in self.servers.iter_mut().skip(best.saturating_add(1)) {
            if matches!(server.state, State::Serving { .. }) {
                server.not_needed(now, &self.settings);
            }
        }
    }
}
