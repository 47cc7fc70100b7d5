//! A node: a member of the fleet with a store on disk, its clock, and its administrator.

use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use mutual_trust::admin::DurableSettings;
use mutual_trust::admin::bundle::{FleetId, FleetMember, KeySet};
use mutual_trust::admin::follow::FollowGuard;
use mutual_trust::error::MemberError;
use mutual_trust::{DurableStore, TrustSnapshot};
use mutual_trust_fleet::{Agent, AgentClock, AgentError};
use mutual_trust_test_support as support;

use crate::changes::{self, Desk};
use crate::draw::Draw;
use crate::hooks::{Hooks, Left, read_folder};
use crate::model::Facts;
use crate::network::{Delivered, Link};
use crate::office::part_of;
use crate::pool::Pool;
use crate::records::{PartOf, Records};

/// What the clock of a node shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Right,
    Behind(u64),
    Ahead(u64),
    Unset,
}

pub struct Node {
    pub name: String,
    pub part: PartOf,
    pub link: Link,
    pub clock: Clock,
    pub facts: Facts,
    folder: PathBuf,
    hooks: Arc<Hooks>,
    is_sealed: bool,
    /// Whether it holds a bundle back that would lock out peers.
    pub is_guarded: bool,
    fleet: FleetId,
    source: String,
    /// Earlier contents of the store, to which its administrator can go back.
    earlier: Vec<TrustSnapshot>,
    running: Option<Running>,
}

/// A process of the node.
struct Running {
    store: Arc<Mutex<DurableStore>>,
    agent: Agent<Link>,
}

/// What came of asking for a publication.
pub enum Polled {
    /// Nothing arrived. Whether the store is what the node holds.
    Nothing(Result<(), MemberError>),
    /// Something did.
    Taken(Delivered, Result<(), MemberError>),
}

/// What a node is made of.
pub struct Place<'a> {
    pub folder: &'a Path,
    pub number: u64,
    pub part: PartOf,
    pub link: Link,
    pub source: String,
    pub is_sealed: bool,
    pub is_guarded: bool,
}

impl Node {
    /// A machine with an empty store that joins the fleet.
    pub fn join(place: Place<'_>, set: &KeySet, now: u64) -> Self {
        let folder = place.folder.join(format!("node-{}", place.number));
        fs::create_dir_all(&folder).unwrap();
        let hooks = Arc::new(Hooks::new(&folder, place.number));
        hooks.set_clock(Some(now));
        let mut node = Self {
            name: format!("node-{}", place.number),
            part: place.part,
            link: place.link,
            clock: Clock::Right,
            facts: Facts {
                held: None,
                applied: false,
                keys_version: 0,
                records: Records::default(),
                made: BTreeSet::new(),
            },
            folder,
            hooks,
            is_sealed: place.is_sealed,
            is_guarded: place.is_guarded,
            fleet: set.fleet().clone(),
            source: place.source,
            earlier: Vec::new(),
            running: None,
        };
        let mut store = DurableStore::create(&node.folder, node.settings()).unwrap();
        let part = part_of(node.part);
        let member = FleetMember::join(&mut store, set.clone(), set.digest(), part).unwrap();
        node.running = Some(node.run(store, member));
        node.facts = node.read();
        node
    }

    fn settings(&self) -> DurableSettings {
        let settings = DurableSettings::new(support::keys())
            .with_clock(self.hooks.clone())
            .with_counter(self.hooks.clone());
        if self.is_sealed {
            settings.with_seal(self.hooks.clone())
        } else {
            settings
        }
    }

    /// The machine's clock, at this time.
    pub fn set_time(&self, now: u64) {
        self.hooks.set_clock(match self.clock {
            Clock::Right => Some(now),
            Clock::Behind(by) => Some(now - by),
            Clock::Ahead(by) => Some(now + by),
            Clock::Unset => None,
        });
    }

    pub fn store(&self) -> MutexGuard<'_, DurableStore> {
        self.running.as_ref().unwrap().store.lock().unwrap()
    }

    /// What the node holds now.
    pub fn read(&self) -> Facts {
        let state = self.running.as_ref().unwrap().agent.member().state();
        let newest = state.newest.as_ref();
        let held = newest.map(|newest| (newest.sequence, newest.digest.to_string()));
        self.link.set_keys_version(state.keys_version);
        Facts {
            held,
            applied: newest.is_some() && state.is_applied(),
            keys_version: state.keys_version,
            records: Records::of(self.store().contents(), &self.source),
            made: self.facts.made.clone(),
        }
    }

    /// Asks for a publication and takes it over, as its agent does.
    pub fn poll(&mut self) -> Polled {
        let done = self.running.as_mut().unwrap().agent.step().done;
        let done = match done {
            Ok(_) => Ok(()),
            Err(AgentError::Member(error)) => Err(error),
            Err(_) => return Polled::Nothing(Ok(())),
        };
        match self.link.take_last() {
            Some(delivered) => Polled::Taken(delivered, done),
            None => Polled::Nothing(done),
        }
    }

    /// Is offered this.
    pub fn offer(&mut self, delivered: &Delivered) -> Polled {
        self.link.force(Some(delivered.clone()));
        self.poll()
    }

    /// Hears nothing, and keeps its store up to what it holds.
    pub fn tend(&mut self) {
        self.link.force(None);
        let _ = self.poll();
    }

    /// Notes what is on the disk while `work` runs: what a crash leaves at each moment of it.
    pub fn noting<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> (T, Vec<Left>) {
        let first = self.hooks.left();
        self.hooks.note();
        let done = work(self);
        let mut noted = vec![first];
        noted.extend(self.hooks.noted());
        noted.push(self.hooks.left());
        let mut all = Vec::new();
        for pair in noted.windows(2) {
            all.push(pair[0].clone());
            all.extend(torn(&pair[0], &pair[1]));
        }
        all.extend(noted.pop());
        all.dedup_by(|one, other| one.files == other.files);
        (done, all)
    }

    /// The machine stops, and what is on its disk is this.
    pub fn crash(&mut self, left: &Left) -> Result<(), String> {
        self.running = None;
        self.hooks.put_back(left);
        self.link.forget_report(&self.name);
        self.open()
    }

    /// The process stops in order, and starts again.
    pub fn restart(&mut self) -> Result<(), String> {
        self.running = None;
        self.open()
    }

    fn open(&mut self) -> Result<(), String> {
        self.running = Some(self.opened()?);
        let files = read_folder(&self.folder);
        let left = files.keys().find(|name| name.ends_with(".tmp"));
        match left {
            None => Ok(()),
            Some(name) => Err(format!("{name} is left behind")),
        }
    }

    fn opened(&self) -> Result<Running, String> {
        let (store, member) = self.opened_alone()?;
        Ok(self.run(store, member))
    }

    /// The store and the member, without an agent.
    fn opened_alone(&self) -> Result<(DurableStore, FleetMember), String> {
        let opened = DurableStore::open(&self.folder, self.settings());
        let (mut store, _) =
            opened.map_err(|error| format!("the store does not open: {error:?}"))?;
        let member = FleetMember::open(&mut store, &self.fleet);
        let member = member.map_err(|error| format!("the member does not open: {error:?}"))?;
        Ok((store, self.guarded(member)))
    }

    fn guarded(&self, member: FleetMember) -> FleetMember {
        if self.is_guarded {
            member.with_guard(FollowGuard::Refuse, support::policy())
        } else {
            member
        }
    }

    fn run(&self, store: DurableStore, member: FleetMember) -> Running {
        let member = self.guarded(member);
        let store = Arc::new(Mutex::new(store));
        let agent = Agent::new(self.link.clone(), member, Arc::clone(&store));
        let clock = Arc::new(Uptime(self.link.clone()));
        let agent = agent.with_clock(clock, self.hooks.clone(), 1);
        let agent = agent.with_reports(self.name.parse().unwrap());
        Running { store, agent }
    }

    /// From now on, bundles are applied that lock out peers.
    pub fn take_off_guard(&mut self) -> Result<(), String> {
        self.is_guarded = false;
        self.restart()
    }

    /// Another process on this machine asks for a publication, and this one goes on.
    pub fn poll_beside(&mut self) -> Result<Polled, String> {
        let beside = self.opened()?;
        let ours = self.running.replace(beside);
        let polled = self.poll();
        self.running = ours;
        Ok(polled)
    }

    /// This process asks for a publication. Another one on this machine has read nothing since before: first the older file
    /// is put back for it, and then it seals the newer one again.
    pub fn poll_beside_stale(&mut self) -> Result<Polled, String> {
        let path = self.folder.join(format!("fleet-{}", self.fleet));
        let old = fs::read(&path).unwrap();
        let (mut store, mut member) = self.opened_alone()?;
        let polled = self.poll();
        let new = fs::read(&path).unwrap();
        let _ = store.refresh().map_err(|error| format!("{error:?}"))?;
        let before = store.contents().generation();
        fs::write(&path, old).unwrap();
        let done = member.refresh(&mut store);
        if store.contents().generation() != before {
            return Err(format!("an older file is put back and applied: {done:?}"));
        }
        fs::write(&path, &new).unwrap();
        let sealed = member.seal_again(&mut store);
        sealed.map_err(|error| format!("the file is not sealed again: {error:?}"))?;
        if fs::read(&path).unwrap() != new {
            return Err(String::from("sealing writes another file"));
        }
        let _ = member.refresh(&mut store);
        Ok(polled)
    }

    /// An administrator of this machine does something.
    pub fn administer(&mut self, pool: &Pool, now: u64, draw: &mut Draw) -> String {
        let goes_back = draw.percent(8).then(|| draw.below(self.earlier.len()));
        let to = goes_back.and_then(|at| self.earlier.get(at).cloned());
        let mut store = self.store();
        let present = store.contents().clone();
        let asked = store.change(|store| match &to {
            Some(to) => Ok(format!("roll back: {:?}", store.roll_back(to).is_ok())),
            None => Ok(changes::any(store, Desk::Local, pool, now, draw)),
        });
        drop(store);
        self.earlier.push(present);
        if self.earlier.len() > 4 {
            self.earlier.remove(0);
        }
        asked.unwrap_or_else(|error| format!("refused: {error}"))
    }

    /// An administrator of this machine corrects the floor that a wrong clock set.
    pub fn reset_floor(&mut self, now: u64) {
        let floor = Some(support::at(now));
        let done = self.store().change(|store| Ok(store.reset_floor(floor)));
        done.unwrap();
    }
}

/// The time by which an agent waits: that of the simulation.
#[derive(Debug)]
struct Uptime(Link);

impl AgentClock for Uptime {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, _: Duration) {
        panic!("steps of an agent do not wait");
    }
}

/// The states between two, in which a write stops half-way: at the end of a file, or into one that is given its name later.
fn torn(before: &Left, after: &Left) -> Vec<Left> {
    let mut all = Vec::new();
    for (name, now) in &after.files {
        let was = before.files.get(name);
        if was == Some(now) {
            continue;
        }
        let added = was.filter(|was| now.starts_with(was)).map_or(0, Vec::len);
        let (place, start) = match added {
            0 => (".trust-store-0.tmp", 0),
            added => (name.as_str(), added),
        };
        let length = now.len() - start;
        for part in [1, length / 2, length - 1] {
            let mut left = before.clone();
            let bytes = now[..start + part].to_vec();
            left.files.insert(place.to_owned(), bytes);
            all.push(left);
        }
    }
    all
}
