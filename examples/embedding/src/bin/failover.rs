//! A blocking loop that uses the best of four key servers. The store has their order, and `Failover` says which one to try
//! next, and when: the loop only makes the attempts. A program that goes on waits with `LiveTrust::wait_newer_than`.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use mutual_trust::failover::{AttemptOutcome, Failover, FailoverSettings, NextAttempt};
use mutual_trust::{ClientConfigs, EntryOptions, LiveTrust, PinScope, ServerId, tls};
use mutual_trust_embedding::{Link, Machine, Outcome, ask, client, dial, expect, four};

struct System {
    configs: ClientConfigs,
    trust: LiveTrust,
    ports: BTreeMap<ServerId, u16>,
    failover: Failover,
    started: Instant,
    links: BTreeMap<ServerId, Link>,
    tried: Vec<String>,
}

impl System {
    /// Makes the attempts that are due, until none is due soon; or until a server is in use, if one is enough.
    fn run(&mut self, one_is_enough: bool) {
        while !one_is_enough || self.failover.in_use().is_none() {
            // Read before the attempt: a change during it makes another one worthwhile.
            let generation = self.trust.current().generation();
            let now = self.started.elapsed();
            match self.failover.next_attempt(now, generation) {
                NextAttempt::Now(id) => {
                    let outcome = match self.connect(&id) {
                        Ok(()) => AttemptOutcome::Served,
                        Err(error) => tls::attempt_outcome(&*error, generation),
                    };
                    self.failover.report(&id, outcome, self.started.elapsed());
                }
                NextAttempt::At(then) if then > now + Duration::from_secs(60) => return,
                NextAttempt::At(then) => sleep(then.saturating_sub(now)),
                NextAttempt::NotNeeded => return,
            }
        }
    }

    fn connect(&mut self, id: &ServerId) -> Outcome<()> {
        self.tried.push(id.to_string());
        let port = self.ports.get(id).ok_or("no such server")?;
        let mut link = dial(self.configs.config_for(id)?, *port)?;
        ask(&mut link)?;
        self.links.insert(id.clone(), link);
        Ok(())
    }

    /// Whether this server is in use and answers. If not, that its link has ended is told.
    fn answers(&mut self, id: &str) -> bool {
        let Some(used) = self.failover.in_use().cloned() else {
            return false;
        };
        let answered = self.links.get_mut(&used).map(ask);
        if answered.is_some_and(|answered| answered.is_ok()) {
            return used.as_str() == id;
        }
        let (outcome, now) = (AttemptOutcome::Unreachable, self.started.elapsed());
        self.failover.report(&used, outcome, now);
        false
    }
}

fn main() -> Outcome<()> {
    let array = Machine::new("array-7")?;
    let mut four = four(&array)?;
    let trust = LiveTrust::new(four.installed.snapshot());
    let settings = FailoverSettings::new()
        .with_boot_spread(Duration::from_millis(20))?
        .with_backoff(Duration::from_millis(50), Duration::from_secs(5))?;
    let mut system = System {
        configs: client(trust.clone(), &array).client_configs()?,
        trust: trust.clone(),
        ports: four.servers.drain(..).collect(),
        // The seed is the serial number: systems that start together do not connect at the same moment.
        failover: Failover::new(four.order, 4711, settings),
        started: Instant::now(),
        links: BTreeMap::new(),
        tried: Vec::new(),
    };
    system.run(true);
    expect(!system.answers("keys-1"), "the connection ends")?;
    system.run(true);
    expect(system.answers("keys-3"), "its secondary serves")?;
    system.run(false);
    expect(system.answers("keys-1"), "it is back, and in use again")?;
    let (pin, options) = (PinScope::Server("keys-2".parse()?), EntryOptions::new());
    four.installed
        .install_pin(pin, four.not_installed, options)?;
    trust.publish(four.installed.snapshot())?;
    system.run(false);
    expect(system.answers("keys-2"), "after the change, it is trusted")?;
    let all = ["keys-2", "keys-1", "keys-3", "keys-1", "keys-2"];
    expect(system.tried == all, "and was refused once before")
}
