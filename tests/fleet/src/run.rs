//! One run: who does what, when, and what goes wrong. A seed decides all of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mutual_trust::error::MemberError;
use mutual_trust_fleet::{Publisher, TransportError};
use mutual_trust_test_support as support;

use crate::draw::Draw;
use crate::model::Model;
use crate::network::{Delivered, Fault, Network};
use crate::node::{Clock, Node, Place, Polled};
use crate::office::{Office, PARTS};
use crate::pool::Pool;
use crate::records::PartOf;

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub runs: u64,
    pub nodes: u64,
    pub steps: u64,
    pub taken: u64,
    pub crashes: u64,
    pub published: u64,
    pub rotations: u64,
    pub local: u64,
    pub faults: BTreeMap<Fault, u64>,
    /// Why publications were refused.
    pub refused: BTreeMap<String, u64>,
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.nodes += other.nodes;
        self.steps += other.steps;
        self.taken += other.taken;
        self.crashes += other.crashes;
        self.published += other.published;
        self.rotations += other.rotations;
        self.local += other.local;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (why, count) in &other.refused {
            *self.refused.entry(why.clone()).or_default() += count;
        }
    }
}

struct World<'a> {
    pool: &'a Pool,
    draw: Draw,
    now: u64,
    network: Network,
    office: Office,
    model: Model,
    nodes: Vec<Node>,
    /// The newest publication of each part, at the publisher.
    newest: BTreeMap<PartOf, Vec<u8>>,
    counts: Counts,
}

/// Where the stores are: in memory if the machine has such a folder, since a run flushes thousands of files.
pub fn scratch() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    base.join(format!("mutual-trust-fleet-{}", std::process::id()))
}

/// Plays one run. Fails with what is wrong, and at which step.
///
/// # Errors
/// What the model does not allow.
pub fn play(pool: &Pool, seed: u64, folder: &Path) -> Result<Counts, String> {
    let folder = folder.join(format!("run-{seed}"));
    fs::create_dir_all(&folder).unwrap();
    let played = World::new(pool, seed, &folder).and_then(|mut world| {
        let steps = world.draw.within(40, 240);
        for step in 0..steps {
            world
                .step()
                .map_err(|wrong| format!("step {step} of {steps}: {wrong}"))?;
        }
        world
            .end()
            .map_err(|wrong| format!("after the faults: {wrong}"))?;
        Ok(world.counts())
    });
    let _ = fs::remove_dir_all(&folder);
    played
}

impl<'a> World<'a> {
    fn new(pool: &'a Pool, seed: u64, folder: &Path) -> Result<Self, String> {
        let mut draw = Draw::new(seed);
        let office = Office::found("prod", 10_000, &mut draw);
        let network = Network::new(draw.branch());
        let mut world = Self {
            pool,
            now: support::NOW,
            network,
            model: Model::new(pool),
            nodes: Vec::new(),
            newest: BTreeMap::new(),
            counts: Counts {
                runs: 1,
                ..Counts::default()
            },
            office,
            draw,
        };
        world.network.set_now(world.now);
        world.other_fleet();
        // Few nodes take most runs: a fault needs one.
        let most = *world.draw.pick(&[5, 5, 5, 8, 12, 50]);
        let count = world.draw.within(5, most);
        for number in 0..count {
            let part = *world.draw.pick(&PARTS);
            let place = Place {
                folder,
                number,
                part,
                link: world.network.link(part),
                source: world.office.source(),
                is_sealed: world.draw.percent(50),
                is_guarded: world.draw.percent(20),
            };
            let set = world.office.first_set().clone();
            let mut node = Node::join(place, &set, world.now);
            if world.draw.percent(50) {
                for _ in 0..world.draw.below(6) {
                    node.administer(pool, world.now, &mut world.draw);
                }
                node.facts = node.read();
            }
            world.nodes.push(node);
        }
        world.counts.nodes = count;
        Ok(world)
    }

    /// Publications of another fleet with the same name and other keys, and of one with another name.
    fn other_fleet(&mut self) {
        for (name, first_key) in [("prod", 40_000), ("test", 50_000)] {
            let mut draw = self.draw.branch();
            let mut other = Office::found(name, first_key, &mut draw);
            for _ in 0..3 {
                other.edit(self.pool, self.now, &mut draw);
                other.count();
                for part in PARTS {
                    let (bytes, _) = other.publication(part, self.now, &mut draw);
                    self.network.add_of_other_fleet(&bytes);
                }
            }
        }
    }

    fn counts(&mut self) -> Counts {
        self.counts.faults = self.network.counts();
        self.counts.clone()
    }

    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        self.network.set_now(self.now);
        for node in &self.nodes {
            node.set_time(self.now);
        }
    }

    fn step(&mut self) -> Result<(), String> {
        self.counts.steps += 1;
        let seconds = self.draw.within(1, 400);
        self.pass(seconds);
        let at = self.draw.below(self.nodes.len());
        match self.draw.below(100) {
            0..50 => self.poll(at),
            50..52 => self.poll_beside_stale(at),
            52..62 => self.publish(),
            62..63 => {
                self.office.rotate(&mut self.draw);
                self.counts.rotations += 1;
                self.publish()?;
                // The keys that were replaced are stolen.
                for part in PARTS {
                    self.forge(part);
                }
                Ok(())
            }
            63..68 => self.administer(at),
            68..72 => self.restart(at),
            72..76 => self.poll_beside(at),
            76..84 => self.crash(at),
            84..88 => self.set_clock(at),
            88..89 => {
                let part = *self.draw.pick(&PARTS);
                self.network.restore(part);
                Ok(())
            }
            89..91 => self.stop_half_way(),
            91..93 => {
                let part = *self.draw.pick(&PARTS);
                self.forge(part);
                Ok(())
            }
            93..98 => self.race(),
            _ => self.publish_again(),
        }
    }

    fn forge(&mut self, part: PartOf) {
        for forged in self.office.forge(part, self.pool, self.now, &mut self.draw) {
            self.network.add_forged(forged);
        }
    }

    /// Checks a step of a node, and takes its new facts.
    fn check(&mut self, at: usize, what: &str) -> Result<(), String> {
        let node = &self.nodes[at];
        let after = node.read().after_fleet(&node.facts);
        if let Some(report) = node.link.reported(&node.name) {
            let said = report.sequence().zip(report.digest());
            let said = said.map(|(sequence, digest)| (sequence, digest.to_string()));
            if said.is_some()
                && said.as_ref().map(|said| said.0) > after.held.as_ref().map(|held| held.0)
            {
                return Err(format!(
                    "{} {what}: it reported {said:?} and holds {:?}",
                    node.name, after.held
                ));
            }
        }
        let wrong = |wrong| format!("{} ({:?}) {what}: {wrong}", node.name, node.part);
        self.model
            .check(node.part, &node.facts, &after)
            .map_err(wrong)?;
        self.nodes[at].facts = after;
        Ok(())
    }

    fn poll(&mut self, at: usize) -> Result<(), String> {
        let before = self.nodes[at].facts.clone();
        let polled = self.nodes[at].poll();
        let Polled::Taken(delivered, done) = polled else {
            return self.check(at, "hears nothing");
        };
        let what = format!("is offered {:?}", delivered.fault);
        self.judge(at, &delivered, &done)
            .map_err(|wrong| format!("{} {what}: {wrong}", self.nodes[at].name))?;
        self.check(at, &what)?;
        let is_refused = matches!(done, Err(MemberError::Bundle(_)));
        if is_refused && self.nodes[at].facts != before {
            return Err(format!(
                "{} {what}, refuses it, and changes",
                self.nodes[at].name
            ));
        }
        Ok(())
    }

    /// Two processes of one machine are members.
    fn poll_beside(&mut self, at: usize) -> Result<(), String> {
        let polled = self.nodes[at].poll_beside();
        let polled = polled.map_err(|wrong| format!("{}: {wrong}", self.nodes[at].name))?;
        if let Polled::Taken(delivered, done) = &polled {
            self.judge(at, delivered, done)
                .map_err(|wrong| format!("{}, beside: {wrong}", self.nodes[at].name))?;
        }
        self.nodes[at].tend();
        self.check(at, "refreshes after another process")
    }

    /// Two processes of one machine are members, and one has an old memory.
    fn poll_beside_stale(&mut self, at: usize) -> Result<(), String> {
        self.nodes[at].tend();
        self.check(at, "tends its store")?;
        let polled = self.nodes[at].poll_beside_stale();
        let polled = polled.map_err(|wrong| format!("{}: {wrong}", self.nodes[at].name))?;
        if let Polled::Taken(delivered, done) = &polled {
            self.judge(at, delivered, done)
                .map_err(|wrong| format!("{}, beside: {wrong}", self.nodes[at].name))?;
        }
        self.check(at, "goes on beside a process with an old memory")?;
        self.nodes[at].tend();
        self.check(at, "refreshes after a process with an old memory")
    }

    /// Whether a publication may be taken or refused.
    fn judge(
        &mut self,
        at: usize,
        delivered: &Delivered,
        done: &Result<(), MemberError>,
    ) -> Result<(), String> {
        let node = &self.nodes[at];
        let error = match done {
            Ok(()) => None,
            Err(MemberError::Bundle(error)) => Some(error),
            Err(MemberError::Conflict(_)) => None,
            Err(error) => return Err(format!("a fault of the node itself: {error:?}")),
        };
        if let Some(error) = error {
            let name = format!("{error:?}");
            let name = name.split([' ', '(', '{']).next().unwrap_or_default();
            *self.counts.refused.entry(name.to_owned()).or_default() += 1;
        } else {
            self.counts.taken += 1;
        }
        let is_newest =
            self.newest.get(&node.part).map(|bytes| &**bytes) == Some(&*delivered.bytes);
        let is_forged = matches!(
            delivered.fault,
            Fault::Forged | Fault::OtherFleet | Fault::OtherPart
        );
        if is_forged && error.is_none() {
            return Err(String::from("takes it"));
        }
        if is_newest && node.clock == Clock::Right && error.is_some() {
            return Err(format!("refuses what was published last: {error:?}"));
        }
        Ok(())
    }

    /// Puts a publication of each part in its place. Sometimes the publisher stops before all are there.
    fn publish(&mut self) -> Result<(), String> {
        let (pool, now) = (self.pool, self.now);
        self.office.edit(pool, now, &mut self.draw);
        self.office.count();
        let stops = if self.draw.percent(15) {
            self.draw.below(3)
        } else {
            3
        };
        for (number, part) in PARTS.into_iter().enumerate() {
            let (bytes, published) = self.office.publication(part, now, &mut self.draw);
            self.model.add(part, published);
            if number < stops {
                self.put(part, &bytes)?;
            } else {
                // It can still reach a node: by an attacker, or by the next attempt.
                self.network.leak(part, &bytes);
            }
            self.newest.insert(part, bytes);
        }
        self.counts.published += 1;
        Ok(())
    }

    fn put(&mut self, part: PartOf, bytes: &[u8]) -> Result<(), String> {
        let mut desk = self.network.desk(part);
        let current = desk.current().unwrap();
        let over = current.as_ref().map(|(_, tag)| tag);
        desk.publish(bytes, over)
            .map(|_| ())
            .map_err(|error| format!("{error}"))
    }

    fn publish_again(&mut self) -> Result<(), String> {
        for (part, bytes) in self.newest.clone() {
            self.put(part, &bytes)?;
        }
        Ok(())
    }

    /// A publisher leaves half a publication, or one that too few keys have signed.
    fn stop_half_way(&mut self) -> Result<(), String> {
        let part = *self.draw.pick(&PARTS);
        if self.draw.percent(50) {
            let draft = self.office.draft(part, self.now, &mut self.draw);
            return self.put(part, &draft);
        }
        if let Some(bytes) = self.newest.get(&part).cloned() {
            self.network.tear(part, &bytes);
        }
        Ok(())
    }

    /// Two administrators publish other trust sets with one sequence. The slower one is told so; his set may reach nodes.
    fn race(&mut self) -> Result<(), String> {
        let part = *self.draw.pick(&PARTS);
        let mut desk = self.network.desk(part);
        let current = desk.current().unwrap();
        let over = current.as_ref().map(|(_, tag)| tag);
        self.office.count();
        let mut both = Vec::new();
        for _ in 0..2 {
            let (pool, now) = (self.pool, self.now);
            self.office.edit(pool, now, &mut self.draw);
            let (bytes, published) = self.office.publication(part, now, &mut self.draw);
            self.model.add(part, published);
            both.push(bytes);
        }
        desk.publish(&both[0], over)
            .map_err(|error| format!("{error}"))?;
        match desk.publish(&both[1], over) {
            Err(TransportError::Superseded { .. }) => {}
            other => return Err(format!("two publishers at once: {other:?}")),
        }
        self.network.leak(part, &both[1]);
        // What is newest is not sure until the next publication.
        self.newest.remove(&part);
        Ok(())
    }

    fn administer(&mut self, at: usize) -> Result<(), String> {
        let (pool, now) = (self.pool, self.now);
        let before = self.nodes[at].facts.clone();
        self.nodes[at].administer(pool, now, &mut self.draw);
        self.counts.local += 1;
        let node = &mut self.nodes[at];
        node.facts = node.read().after_administrator(&before);
        if node.facts.held != before.held {
            return Err(format!(
                "{}: a local change changes what it holds",
                node.name
            ));
        }
        if self.draw.percent(50) {
            self.nodes[at].tend();
            self.check(at, "tends its store")?;
        }
        Ok(())
    }

    fn restart(&mut self, at: usize) -> Result<(), String> {
        let before = self.nodes[at].facts.clone();
        let node = &mut self.nodes[at];
        node.restart()
            .map_err(|wrong| format!("{}: {wrong}", node.name))?;
        if node.read() != before {
            return Err(format!(
                "{} holds something else after a restart",
                node.name
            ));
        }
        node.tend();
        self.check(at, "starts again")
    }

    /// The machine stops while it takes something over: at each moment at which its disk is another one.
    fn crash(&mut self, at: usize) -> Result<(), String> {
        if self.nodes[at].is_guarded {
            // A bundle that is held leaves what an administrator of the machine removed before, and a start restores it.
            self.nodes[at].tend();
            self.check(at, "tends its store before a crash")?;
        }
        let before = self.nodes[at].facts.clone();
        let (polled, left) = self.nodes[at].noting(|node| node.poll());
        let Polled::Taken(delivered, done) = polled else {
            return self.check(at, "hears nothing");
        };
        self.judge(at, &delivered, &done)
            .map_err(|wrong| format!("{}: {wrong}", self.nodes[at].name))?;
        self.check(at, "takes over before a crash")?;
        let after = self.nodes[at].facts.clone();
        // Once in a while all of the moments, else one.
        let all: Vec<usize> = if self.draw.percent(25) {
            (0..left.len()).collect()
        } else {
            vec![self.draw.below(left.len())]
        };
        for moment in all {
            self.counts.crashes += 1;
            let what = format!("stops at moment {moment} of {}", left.len());
            let node = &mut self.nodes[at];
            node.facts = before.clone();
            let opened = node.crash(&left[moment]);
            opened.map_err(|wrong| format!("{} {what}: {wrong}", node.name))?;
            self.check(at, &what)?;
            let held = self.nodes[at].facts.clone();
            self.nodes[at].tend();
            self.check(at, &format!("{what}, and goes on"))?;
            let is_whole = done.is_ok() && held.held == after.held;
            if is_whole && self.nodes[at].facts.records != after.records {
                return Err(format!(
                    "{} {what} and does not end as without",
                    self.nodes[at].name
                ));
            }
            // The same publication again makes the same of it.
            let Polled::Taken(_, again) = self.nodes[at].offer(&delivered) else {
                return Err(format!(
                    "{} {what}, and cannot be offered the same",
                    self.nodes[at].name
                ));
            };
            if again.is_ok() != done.is_ok() {
                return Err(format!(
                    "{} {what}: first {done:?}, and then {again:?}",
                    self.nodes[at].name
                ));
            }
            self.check(at, &format!("{what}, and is offered the same"))?;
            if done.is_ok() && self.nodes[at].facts != after {
                return Err(format!(
                    "{} {what} and is not as without: {:#?} instead of {after:#?}",
                    self.nodes[at].name, self.nodes[at].facts
                ));
            }
        }
        Ok(())
    }

    fn set_clock(&mut self, at: usize) -> Result<(), String> {
        let day = support::DAY;
        let days = self.draw.within(1, 30);
        let clock = match self.draw.below(6) {
            0 | 1 => Clock::Behind(days * day),
            2 => Clock::Ahead(days * day),
            3 => Clock::Unset,
            _ => Clock::Right,
        };
        let node = &mut self.nodes[at];
        node.clock = clock;
        node.set_time(self.now);
        if clock == Clock::Right {
            node.reset_floor(self.now);
            node.facts = node.read();
        }
        Ok(())
    }

    /// The faults end: within a few steps all nodes have what is published now.
    fn end(&mut self) -> Result<(), String> {
        self.network.end_faults();
        for at in 0..self.nodes.len() {
            self.nodes[at].take_off_guard()?;
            self.nodes[at].clock = Clock::Right;
            self.nodes[at].set_time(self.now);
            self.nodes[at].reset_floor(self.now);
            self.nodes[at].facts = self.nodes[at].read();
        }
        self.pass(60);
        let (pool, now) = (self.pool, self.now);
        self.office.edit(pool, now, &mut self.draw);
        self.office.count();
        for part in PARTS {
            let (bytes, published) = self.office.publication(part, now, &mut self.draw);
            self.model.add(part, published);
            self.put(part, &bytes)?;
            self.newest.insert(part, bytes);
        }
        for at in 0..self.nodes.len() {
            for _ in 0..MAX_CONFLICTS {
                let Err(MemberError::Conflict(conflict)) = self.last_poll(at)? else {
                    break;
                };
                // The administrator of the machine does what the error says.
                let mut store = self.nodes[at].store();
                let freed = store.change(|store| store.release_name(&conflict.name));
                drop(store);
                freed.map_err(|error| format!("a name cannot be released: {error}"))?;
                self.nodes[at].facts = self.nodes[at].read();
            }
            let node = &self.nodes[at];
            let sequence = self.office.sequence();
            self.model
                .converged(node.part, &node.facts, sequence)
                .map_err(|wrong| format!("{} ({:?}) {wrong}", node.name, node.part))?;
        }
        Ok(())
    }

    fn last_poll(&mut self, at: usize) -> Result<Result<(), MemberError>, String> {
        let polled = self.nodes[at].poll();
        let done = match polled {
            // It has the publication, and its store has become free for it.
            Polled::Nothing(done) => done,
            Polled::Taken(delivered, done) => {
                self.judge(at, &delivered, &done)?;
                done
            }
        };
        self.check(at, "is offered the last")?;
        Ok(done)
    }
}

/// A machine has so few servers of its own.
const MAX_CONFLICTS: usize = 16;
