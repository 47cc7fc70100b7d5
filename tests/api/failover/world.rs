//! Servers whose state changes with time, a system that does what the planner says, and what must hold of every run.

use std::collections::BTreeMap;
use std::time::Duration;

use mutual_trust::ServerId;
use mutual_trust::failover::{AttemptOutcome, Failover, FailoverSettings, NextAttempt};

use crate::support::server_id;

/// The state of a server for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Is {
    Good,
    /// It does not answer: an attempt takes until its timeout.
    Silent,
    /// It is refused at once: nothing listens.
    Down,
    RefusedByUs,
    RefusesUs,
}

pub const ALL: [Is; 5] = [
    Is::Good,
    Is::Silent,
    Is::Down,
    Is::RefusedByUs,
    Is::RefusesUs,
];

/// A time for which no server changes.
#[derive(Clone, Debug)]
pub struct Epoch {
    pub servers: Vec<Is>,
    pub lasts: Duration,
    /// Whether trust changes when it begins.
    pub trust_changes: bool,
}

/// The settings as numbers, for the bounds.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    pub first: Duration,
    pub longest: Duration,
    pub refusal: Duration,
    pub timeout: Duration,
    pub spread: Duration,
    pub budget: u32,
    pub refill: Duration,
}

impl Numbers {
    pub fn settings(&self) -> FailoverSettings {
        FailoverSettings::new()
            .with_backoff(self.first, self.longest)
            .and_then(|settings| settings.with_refusal_wait(self.refusal))
            .and_then(|settings| settings.with_attempt_timeout(self.timeout))
            .and_then(|settings| settings.with_boot_spread(self.spread))
            .and_then(|settings| settings.with_budget(self.budget, self.refill))
            .unwrap()
    }

    /// The documented bound: a wait, an attempt of each server, and the time in which the budget grows by its size and the
    /// number of servers.
    pub fn bound(&self, servers: usize) -> Duration {
        let servers = u32::try_from(servers).unwrap();
        let wait = self.longest.max(self.refusal);
        self.spread + wait + self.timeout * servers + self.refill * (servers + self.budget)
    }
}

#[derive(Clone, Debug)]
struct Attempt {
    server: usize,
    at: Duration,
    ended: Duration,
    generation: u64,
    refused: bool,
    served: bool,
}

/// Runs a world, and checks what must hold of it. Returns what does not.
pub struct Run<'a> {
    epochs: &'a [Epoch],
    numbers: Numbers,
    ids: Vec<ServerId>,
    failover: Failover,
    attempts: Vec<Attempt>,
    pub switches: usize,
}

impl<'a> Run<'a> {
    pub fn new(epochs: &'a [Epoch], numbers: Numbers, seed: u64) -> Self {
        let count = epochs.first().map_or(0, |epoch| epoch.servers.len());
        let ids: Vec<ServerId> = (0..count).map(|at| server_id(&format!("k{at}"))).collect();
        Self {
            failover: Failover::new(ids.clone(), seed, numbers.settings()),
            epochs,
            numbers,
            ids,
            attempts: Vec::new(),
            switches: 0,
        }
    }

    pub fn count(&self) -> usize {
        self.attempts.len()
    }

    fn in_use(&self) -> Option<usize> {
        let id = self.failover.in_use()?;
        self.ids.iter().position(|known| known == id)
    }

    pub fn check(&mut self) -> Result<(), String> {
        let (mut now, mut end) = (Duration::ZERO, Duration::ZERO);
        let mut generation = 1;
        let epochs = self.epochs;
        for epoch in epochs {
            let start = end;
            end += epoch.lasts;
            if epoch.trust_changes {
                generation += 1;
            }
            // An attempt can last into the next epoch.
            now = self.epoch(epoch, now, (start, end), generation)?;
        }
        self.budget()?;
        self.refusals()?;
        self.spacing()
    }

    /// The best server that must be in use once its bound has passed.
    fn best(epoch: &Epoch) -> Option<usize> {
        let usable = |at: &usize| epoch.servers[*at] == Is::Good;
        (0..epoch.servers.len()).find(usable)
    }

    fn epoch(
        &mut self,
        epoch: &Epoch,
        mut now: Duration,
        (start, end): (Duration, Duration),
        generation: u64,
    ) -> Result<Duration, String> {
        let bound = self.numbers.bound(self.ids.len());
        while now < end {
            // The connection breaks with its server, and a recheck refuses what our rules refuse.
            while let Some(at) = self.in_use().filter(|at| epoch.servers[*at] != Is::Good) {
                let outcome = Self::outcome(epoch.servers[at], generation);
                self.failover.report(&self.ids[at].clone(), outcome, now);
            }
            if now > start + bound && self.in_use() != Self::best(epoch) {
                let (found, wanted) = (self.in_use(), Self::best(epoch));
                return Err(format!(
                    "{now:?} ({bound:?} after {start:?}): {found:?} is in use, not {wanted:?}"
                ));
            }
            now = match self.failover.next_attempt(now, generation) {
                NextAttempt::Now(id) => self.attempt(epoch, &id, now, generation),
                NextAttempt::At(then) if then <= now => {
                    return Err(format!("{now:?}: asked to wait until {then:?}"));
                }
                NextAttempt::At(then) => then.min(end),
                NextAttempt::NotNeeded => end,
            };
        }
        if end > start + bound && self.in_use() != Self::best(epoch) {
            let (found, wanted) = (self.in_use(), Self::best(epoch));
            return Err(format!("at the end {found:?} is in use, not {wanted:?}"));
        }
        Ok(now)
    }

    fn attempt(&mut self, epoch: &Epoch, id: &ServerId, now: Duration, trust: u64) -> Duration {
        let at = self.ids.iter().position(|known| known == id).unwrap();
        let is = epoch.servers[at];
        let takes = match is {
            Is::Silent => self.numbers.timeout,
            Is::Good | Is::Down | Is::RefusedByUs | Is::RefusesUs => Duration::from_millis(10),
        };
        let takes = takes.min(self.numbers.timeout);
        let outcome = Self::outcome(is, trust);
        self.attempts.push(Attempt {
            server: at,
            at: now,
            ended: now + takes,
            generation: trust,
            refused: is == Is::RefusedByUs,
            served: is == Is::Good,
        });
        let before = self.in_use();
        // One that takes as long as it may is not reported: it counts as failed.
        if is != Is::Silent {
            self.failover.report(id, outcome, now + takes);
        }
        if before != self.in_use() {
            self.switches += 1;
        }
        now + takes
    }

    fn outcome(is: Is, generation: u64) -> AttemptOutcome {
        match is {
            Is::Good => AttemptOutcome::Served,
            Is::Silent | Is::Down => AttemptOutcome::Unreachable,
            Is::RefusesUs => AttemptOutcome::RefusedByPeer,
            Is::RefusedByUs => AttemptOutcome::refused_by_us(generation),
        }
    }

    /// In every span of time, at most the budget and one for each refill.
    fn budget(&self) -> Result<(), String> {
        for (from, first) in self.attempts.iter().enumerate() {
            // Longer spans than this follow from the shorter ones.
            for (count, last) in self.attempts[from..].iter().enumerate().take(60) {
                let span = last.at - first.at;
                let refills = span.as_nanos() / self.numbers.refill.as_nanos();
                let most = u128::from(self.numbers.budget) + refills;
                let made = u128::try_from(count + 1).unwrap();
                if made > most {
                    return Err(format!("{made} attempts in {span:?} from {:?}", first.at));
                }
            }
        }
        Ok(())
    }

    /// No refusal of ours is repeated in its generation within its wait, of which jitter takes up to half.
    fn refusals(&self) -> Result<(), String> {
        let mut seen = BTreeMap::new();
        for attempt in &self.attempts {
            let key = (attempt.server, attempt.generation);
            if let Some(ended) = seen.get(&key)
                && attempt.at < *ended + self.numbers.refusal / 2
            {
                return Err(format!("a refusal is repeated: {attempt:?}"));
            }
            if attempt.refused {
                seen.insert(key, attempt.ended);
            }
        }
        Ok(())
    }

    /// One attempt at a time, the first one soon, and never a server that failed again without a wait.
    fn spacing(&self) -> Result<(), String> {
        if let Some(first) = self.attempts.first()
            && first.at > self.numbers.spread
        {
            return Err(format!("the first attempt is made at {:?}", first.at));
        }
        for (at, attempt) in self.attempts.iter().enumerate() {
            let rest = &self.attempts[at + 1..];
            if rest.first().is_some_and(|next| next.at < attempt.ended) {
                return Err(format!("two attempts at a time: {attempt:?}"));
            }
            if attempt.served {
                continue;
            }
            let again = rest.iter().find(|next| next.server == attempt.server);
            if let Some(again) =
                again.filter(|again| again.at < attempt.ended + self.numbers.first / 2)
            {
                return Err(format!("{attempt:?} is followed at once by {again:?}"));
            }
        }
        Ok(())
    }
}
