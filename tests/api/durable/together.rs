//! Processes that change one store at once, at random, and a model that makes their changes one after the other.
//!
//! The journal gives the order of the changes. Each of its changes names the step of the process that made it, and the
//! model makes that step on a store in memory. Compared with the model are: what each process has in force at every 16th
//! generation, its verdicts on a list of peers, and the store that is left. Each change that a process reported as stored
//! must be in the journal, under the generation that it reported. Processes are killed and started anew, the file is
//! damaged and recovered, and new snapshots replace it.
//!
//! The short form counts changes. The long one runs for a time:
//!
//! ```sh
//! MUTUAL_TRUST_TOGETHER_SECONDS=180 cargo test --all-features --test api durable::together -- --test-threads 1 --nocapture
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::mem;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mutual_trust::admin::file::StoredChange;
use mutual_trust::admin::{DurableStore, LockoutAllowance, PeerHistory};
use mutual_trust::error::{DurableError, GuardedError, StoreError};
use mutual_trust::store::{BlockSelector, Outcome};
use mutual_trust::{CurrentTime, Fingerprint, Policy, TrustSnapshot, TrustStore};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sha2::{Digest, Sha256};

use crate::durable::common::settings;
use crate::invariants::admin::Admin;
use crate::invariants::operations::{Op, Selector, any_item, any_op, any_selector, selector};
use crate::invariants::questions::{Ask, answers, asks, settle};
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

const CURRENT: &str = "trust-store";
const FOLDER: &str = "MUTUAL_TRUST_TEST_TOGETHER";
const WHO: &str = "MUTUAL_TRUST_TEST_TOGETHER_WHO";
const STEPS: &str = "MUTUAL_TRUST_TEST_TOGETHER_STEPS";
const SECONDS: &str = "MUTUAL_TRUST_TOGETHER_SECONDS";
const STOP: &str = "stop";
/// No file has such a line.
const DAMAGE: &str = "this line is damage #00000000\n";
/// Compared are the generations that this divides.
const COMPARED: u64 = 16;
/// So often a process tries again while the file is damaged, or a plan is stale.
const TRIES: u32 = 4_000;

/// What a process does in one step.
#[derive(Clone, Debug)]
enum Step {
    /// One change with these calls.
    Change(Vec<Op>),
    /// A block that nothing lifts.
    Own(u8),
    Block(Selector, usize),
    /// Back by so many generations.
    Rollback(u64),
    Refresh,
    Reopen,
    Damage,
}

fn call() -> impl Strategy<Value = Op> {
    // A view that is taken has no call that a journal names, and the clock of the processes stands still.
    any_op().prop_filter("it is a call", |op| {
        !matches!(op, Op::Publish | Op::SetClock(_))
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3600 => call().prop_map(|op| Step::Change(vec![op])),
        360 => proptest::collection::vec(call(), 2..4).prop_map(Step::Change),
        360 => (0..64_u8).prop_map(Step::Own),
        360 => (any_selector(), any_item()).prop_map(|(kind, item)| Step::Block(kind, item)),
        240 => (1..60_u64).prop_map(Step::Rollback),
        720 => Just(Step::Refresh),
        180 => Just(Step::Reopen),
        2 => Just(Step::Damage),
    ]
}

/// The step of this name. Some damage the file in any case; a name with `+` is a block while the file is damaged.
fn step_of(steps: &impl Strategy<Value = Step>, id: &str) -> Step {
    match id {
        "p0.0/10" | "p0.0/30" | "p1.0/50" => Step::Damage,
        id if id.ends_with('+') => Step::Own(drawn(&(0..64_u8), id)),
        id => drawn(steps, id),
    }
}

fn drawn<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, seed: &str) -> T {
    let seed: [u8; 32] = Sha256::digest(seed).into();
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    strategy.new_tree(&mut runner).unwrap().current()
}

fn own(slot: &str, number: u8) -> BlockSelector {
    let mut bytes = [number; 32];
    bytes[..slot.len()].copy_from_slice(slot.as_bytes());
    BlockSelector::Fingerprint(Fingerprint::from_bytes(bytes))
}

fn make(store: &mut TrustStore, op: &Op) -> Result<(), StoreError> {
    let mut admin = Admin::new();
    mem::swap(store, &mut admin.store);
    let made = admin.apply(op);
    mem::swap(store, &mut admin.store);
    made.map_or(Ok(()), |made| made.map(drop))
}

fn short(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// All that a view holds but its number, and its verdicts.
fn told(view: &TrustSnapshot, asks: &[Ask]) -> String {
    let content = facts(view)[1..].join("\n");
    let verdicts = answers(&settle(asks, view), view);
    format!("{} {}", short(&content), short(&format!("{verdicts:?}")))
}

fn peers() -> Vec<Ask> {
    drawn(&asks(40), "peers")
}

fn is_damage(error: &DurableError) -> bool {
    matches!(error, DurableError::File { .. })
}

/// Tries again while another process recovers the store.
fn again<T>(mut call: impl FnMut() -> Result<T, DurableError>) -> Result<T, DurableError> {
    for _ in 0..TRIES {
        match call() {
            Err(error) if is_damage(&error) => std::thread::sleep(Duration::from_millis(2)),
            done => return done,
        }
    }
    call()
}

struct Member {
    folder: PathBuf,
    slot: String,
    store: DurableStore,
    asks: Vec<Ask>,
    own: BTreeSet<u8>,
    /// Those that are in force and not stored yet: a process that is killed now loses them.
    unsaved: BTreeSet<u8>,
    last: u64,
}

impl Member {
    fn new(folder: &Path, who: &str) -> Self {
        let (store, _) = again(|| DurableStore::open(folder, settings())).unwrap();
        Self {
            folder: folder.to_owned(),
            slot: who.split('.').next().unwrap().to_owned(),
            last: store.contents().generation(),
            store,
            asks: peers(),
            own: BTreeSet::new(),
            unsaved: BTreeSet::new(),
        }
    }

    fn step(&mut self, id: &str, step: Step) {
        self.store.set_actor(Some(id)).unwrap();
        match step {
            Step::Change(ops) => self.change(id, &ops),
            Step::Own(number) => {
                let blocked = self.store.block_selector(own(&self.slot, number));
                if blocked.report.done() != Outcome::Unchanged && blocked.unsaved.is_none() {
                    println!("acknowledged {id} {}", self.store.health().stored);
                }
                self.own.insert(number);
                self.unsaved.insert(number);
            }
            Step::Block(kind, item) => {
                let block = selector(kind, item);
                let blocked = self.store.block_selector(block.clone());
                assert!(
                    blocked.unsaved.as_ref().is_none_or(is_damage),
                    "{blocked:?}"
                );
                let live = self.store.live().current();
                assert!(live.blocks().any(|held| *held == block), "{block}");
            }
            Step::Rollback(back) => self.roll_back(id, back),
            Step::Refresh => drop(again(|| self.store.refresh()).unwrap()),
            Step::Reopen => {
                // What is in force and not stored would be lost, its number as well.
                let health = self.store.health();
                if health.unsaved_blocks.is_empty() && health.stored == health.generation {
                    let open = || DurableStore::open(&self.folder, settings());
                    self.store = again(open).unwrap().0;
                }
            }
            Step::Damage => damage(&self.folder),
        }
        self.look();
    }

    fn change(&mut self, id: &str, ops: &[Op]) {
        let mut generations = (0, 0);
        let mut call = |store: &mut DurableStore| {
            store.change(|store| {
                let before = store.contents().generation();
                for op in ops {
                    make(store, op)?;
                }
                generations = (before, store.contents().generation());
                Ok(())
            })
        };
        let mut changed = call(&mut self.store);
        if changed.as_ref().is_err_and(is_damage) {
            self.block_unsaved(id);
            changed = again(|| call(&mut self.store));
        }
        match changed {
            Ok(()) if generations.0 < generations.1 => {
                println!("acknowledged {id} {}", self.store.health().stored);
            }
            Ok(()) | Err(DurableError::Store(_)) => {}
            Err(error) => panic!("{id}: {error:?}"),
        }
    }

    /// A block while the file is damaged: it is in force, and stored once the file is recovered.
    fn block_unsaved(&mut self, id: &str) {
        let own_id = format!("{id}+");
        let Step::Own(number) = step_of(&step(), &own_id) else {
            panic!("{own_id}")
        };
        self.store.set_actor(Some(&own_id)).unwrap();
        drop(self.store.block_selector(own(&self.slot, number)));
        self.own.insert(number);
        self.unsaved.insert(number);
        self.look();
        self.store.set_actor(Some(id)).unwrap();
    }

    fn roll_back(&mut self, id: &str, back: u64) {
        let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
        let now = CurrentTime::Known(at(NOW));
        for _ in 0..TRIES {
            again(|| self.store.refresh()).unwrap();
            let to = self.store.health().stored.saturating_sub(back);
            let plan = match self.store.plan_rollback(to, &policy, &seen, now) {
                Err(error) if is_damage(&error) => continue,
                Err(DurableError::NoGeneration { .. } | DurableError::Store(_)) => return,
                plan => plan.unwrap(),
            };
            let allowed = LockoutAllowance::allow(plan.effects().all_lost().cloned());
            let before = self.store.contents().generation();
            match self.store.apply(&plan, &seen, now, &allowed) {
                Ok(_) => {
                    if self.store.contents().generation() > before {
                        println!("acknowledged {id} {}", self.store.health().stored);
                    }
                    return;
                }
                // Another process was faster.
                Err(GuardedError::Plan(_)) => return,
                Err(GuardedError::Durable(error)) if is_damage(&error) => {}
                Err(error) => panic!("{id}: {error:?}"),
            }
        }
    }

    /// What is in force: the number rises, the own blocks are there.
    fn look(&mut self) {
        let view = self.store.live().current();
        let generation = view.generation();
        assert!(generation >= self.last, "{generation} < {}", self.last);
        let blocks: BTreeSet<_> = view.blocks().collect();
        for number in &self.own {
            assert!(blocks.contains(&own(&self.slot, *number)), "block {number}");
        }
        let health = self.store.health();
        if health.unsaved_blocks.is_empty() {
            for number in mem::take(&mut self.unsaved) {
                println!("own {number}");
            }
        }
        let is_stored = health.unsaved_blocks.is_empty() && health.stored == generation;
        if generation > self.last && generation.is_multiple_of(COMPARED) && is_stored {
            println!("saw {generation} {}", told(&view, &self.asks));
        }
        self.last = generation;
    }
}

/// Damages the file while no other process changes it, and recovers it.
fn damage(folder: &Path) {
    let open = |name| {
        File::options()
            .append(true)
            .open(folder.join(name))
            .unwrap()
    };
    let lock = open("trust-store.lock");
    lock.lock().unwrap();
    let mut file = open(CURRENT);
    file.lock().unwrap();
    file.write_all(DAMAGE.as_bytes()).unwrap();
    file.unlock().unwrap();
    lock.unlock().unwrap();
    // Others come upon it.
    std::thread::sleep(Duration::from_millis(50));
    recover(folder);
}

fn recover(folder: &Path) {
    match DurableStore::recover(folder, settings()) {
        Ok((_, report)) => {
            // Of what stands behind the last change it cannot say that it brings nothing back.
            assert!(
                report.lost.is_empty() && report.removed.is_empty(),
                "{report}"
            );
        }
        Err(DurableError::NotDamaged { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
}

/// Changes a store, in the processes that the tests below start; else does nothing.
#[test]
fn member() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let who = std::env::var(WHO).unwrap();
    let steps: u32 = std::env::var(STEPS).unwrap().parse().unwrap();
    let mut member = Member::new(Path::new(&folder), &who);
    let all = step();
    for number in 0..steps {
        if Path::new(&folder).join(STOP).exists() {
            break;
        }
        let id = format!("{who}/{number}");
        member.step(&id, step_of(&all, &id));
    }
    // What the disk refused is stored now.
    again(|| member.store.refresh()).unwrap();
    assert!(member.store.health().unsaved_blocks.is_empty());
    member.look();
    println!("done");
}

/// A process, and what it printed.
struct Running {
    who: String,
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Running {
    fn start(folder: &Path, who: String, steps: u32) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durable::together::member", "--nocapture"])
            .env(FOLDER, folder)
            .env(WHO, &who)
            .env(STEPS, steps.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (lines, stdout) = (Arc::clone(&said), child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            while stdout.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
                lines.lock().unwrap().push(line.trim_end().to_owned());
                line.clear();
            }
        });
        Self {
            who,
            child,
            said,
            reader,
        }
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn acknowledged(&self) -> usize {
        let said = self.said.lock().unwrap();
        said.iter()
            .filter(|line| line.starts_with("acknowledged"))
            .count()
    }

    /// What it said, once it has ended.
    fn end(mut self, killed: bool) -> Said {
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let lines = mem::take(&mut *self.said.lock().unwrap());
        let is_done = status.success() && lines.iter().any(|line| line == "done");
        assert!(is_done || killed, "{}: {status}: {lines:#?}", self.who);
        Said {
            who: self.who,
            lines,
        }
    }
}

struct Said {
    who: String,
    lines: Vec<String>,
}

/// Reads each file of the store to its end when it is replaced, in a thread of its own: no file may be missed.
struct Collector {
    files: mpsc::Receiver<Vec<u8>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    scratch: Folder,
    count: u32,
}

fn content(mut file: &File) -> Vec<u8> {
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut content).unwrap();
    content
}

impl Collector {
    fn new(folder: &Path) -> Self {
        let path = folder.join(CURRENT);
        let (found, files) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let inode = |file: &File| file.metadata().unwrap().ino();
            let mut file = File::open(&path).unwrap();
            loop {
                // Asked first, so that what is read last is read after the last change.
                let is_last = is_over.load(Ordering::SeqCst);
                let now = File::open(&path).unwrap();
                if inode(&now) != inode(&file) {
                    found.send(content(&file)).unwrap();
                    file = now;
                } else if is_last {
                    found.send(content(&file)).unwrap();
                    return;
                }
                std::thread::sleep(Duration::from_micros(300));
            }
        });
        Self {
            files,
            stop,
            thread,
            scratch: Folder::new("together-read"),
            count: 0,
        }
    }

    /// The changes of the next file that was replaced.
    fn replaced(&mut self) -> Option<Vec<StoredChange>> {
        let content = self.files.try_recv().ok()?;
        Some(self.changes(content))
    }

    /// The changes of the files that are left.
    fn rest(mut self) -> (Vec<StoredChange>, u32) {
        self.stop.store(true, Ordering::SeqCst);
        let mut changes = Vec::new();
        while let Ok(content) = self.files.recv() {
            changes.append(&mut self.changes(content));
        }
        self.thread.join().unwrap();
        (changes, self.count)
    }

    fn changes(&mut self, mut content: Vec<u8>) -> Vec<StoredChange> {
        self.count += 1;
        // The damage of a test is no part of the history.
        let damage = content
            .windows(DAMAGE.len())
            .position(|window| window == DAMAGE.as_bytes());
        content.truncate(damage.unwrap_or(content.len()));
        fs::write(self.scratch.file(CURRENT), content).unwrap();
        let read = DurableStore::history(self.scratch.path(), &settings());
        read.unwrap().changes
    }
}

/// A store in memory on which the changes of the journal are made one after the other.
struct Model {
    store: TrustStore,
    generation: u64,
    /// By generation, for those that a rollback goes back to.
    views: BTreeMap<u64, TrustSnapshot>,
    told: BTreeMap<u64, String>,
    /// Which generation each step made.
    made: BTreeMap<String, u64>,
    asks: Vec<Ask>,
    recovered: u32,
    rolled_back: u32,
}

impl Model {
    /// An empty store, as it was made with a number.
    fn new(generation: u64) -> Self {
        let mut store = store();
        Self {
            views: BTreeMap::from([(generation, store.snapshot())]),
            store,
            generation,
            told: BTreeMap::new(),
            made: BTreeMap::new(),
            asks: peers(),
            recovered: 0,
            rolled_back: 0,
        }
    }

    fn make(&mut self, change: &StoredChange) {
        let head = &change.head;
        assert_eq!(head.from, self.generation, "a change is missing: {head:?}");
        assert!(head.to > head.from, "{head:?}");
        // Of two processes that make a block at once, one has only a number to store.
        assert!(
            !head.asked.is_empty() || change.records.is_empty(),
            "{}: {}",
            head.to,
            change.records
        );
        let mut before: Option<&str> = None;
        for (call, by) in &head.asked {
            let Some(id) = by else {
                assert_eq!(call, "recover");
                self.recovered += 1;
                continue;
            };
            if before != Some(id) {
                self.step(id, call);
                let twice = self.made.insert(id.clone(), head.to);
                assert_eq!(twice, None, "{id} was made twice");
            }
            before = Some(id);
        }
        self.store.snapshot();
        self.generation = head.to;
        self.views.insert(head.to, self.store.contents().clone());
        while self.views.len() > 4_000 {
            self.views.pop_first();
        }
        if head.to.is_multiple_of(COMPARED) {
            let told = told(self.store.contents(), &self.asks);
            self.told.insert(head.to, told);
        }
    }

    fn step(&mut self, id: &str, call: &str) {
        self.store.set_actor(Some(id)).unwrap();
        let done = match step_of(&step(), id) {
            Step::Change(ops) => ops.iter().try_for_each(|op| make(&mut self.store, op)),
            Step::Own(number) => {
                let slot = id.split('.').next().unwrap();
                self.store.block_selector(own(slot, number));
                Ok(())
            }
            Step::Block(kind, item) => {
                self.store.block_selector(selector(kind, item));
                Ok(())
            }
            Step::Rollback(_) => {
                let to = call.strip_prefix("rollback to generation ").unwrap();
                let earlier = &self.views[&to.parse().unwrap()];
                self.rolled_back += 1;
                self.store.roll_back(earlier).map(drop)
            }
            step @ (Step::Refresh | Step::Reopen | Step::Damage) => panic!("{id}: {step:?}"),
        };
        done.unwrap_or_else(|error| panic!("{id} was stored and the model refuses it: {error}"));
    }

    /// What a process said about the changes and about what it had in force.
    fn check(&self, said: &Said) -> u32 {
        let (mut last, mut compared) = (0, 0);
        for line in &said.lines {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            match words.as_slice() {
                ["acknowledged", id, generation] => {
                    let generation: u64 = generation.parse().unwrap();
                    let made = self.made.get(*id);
                    assert_eq!(made, Some(&generation), "{id} is lost");
                    assert!(generation > last, "{line}");
                    last = generation;
                }
                ["saw", generation, told] => {
                    let model = self.told.get(&generation.parse().unwrap());
                    assert_eq!(model.map(String::as_str), Some(*told), "{line}");
                    compared += 1;
                }
                ["own", number] => {
                    let slot = said.who.split('.').next().unwrap();
                    let block = own(slot, number.parse().unwrap());
                    let mut blocks = self.store.contents().blocks();
                    assert!(blocks.any(|held| *held == block), "{}: {line}", said.who);
                }
                _ => {}
            }
        }
        compared
    }
}

/// How long the processes run.
#[derive(Clone, Copy)]
enum Run {
    /// Each makes so many steps, and so many are killed.
    Steps(u32, u32),
    Time(Duration),
}

/// A process is killed each time that so many changes were reported as stored.
const KILLED_AFTER: usize = 60;

fn run(processes: u32) {
    let run = match std::env::var(SECONDS) {
        Ok(seconds) => Run::Time(Duration::from_secs(seconds.parse().unwrap())),
        Err(_) => Run::Steps(220, 3),
    };
    let folder = Folder::new("together");
    drop(DurableStore::create(folder.path(), settings()).unwrap());
    let (mut reader, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let mut collector = Collector::new(folder.path());
    let mut model = Model::new(reader.contents().generation());
    let steps = match run {
        Run::Steps(steps, _) => steps,
        Run::Time(_) => u32::MAX,
    };
    let begin = Instant::now();
    let start =
        |slot: u32, life: u32| Running::start(folder.path(), format!("p{slot}.{life}"), steps);
    let mut running: Vec<Running> = (0..processes).map(|slot| start(slot, 0)).collect();
    let mut ended = Vec::new();
    let (mut kills, mut next_kill) = (0_u32, KILLED_AFTER);
    let mut saw = Said {
        who: "reader".to_owned(),
        lines: Vec::new(),
    };
    let (mut last, mut damaged) = (reader.contents().generation(), 0_u32);
    loop {
        let alive = running
            .iter_mut()
            .map(|one| usize::from(one.is_running()))
            .sum::<usize>();
        match reader.refresh() {
            Ok(_) => damaged = 0,
            Err(error) if is_damage(&error) && alive > 0 => damaged += 1,
            Err(error) => panic!("{error:?}"),
        }
        // The process that damaged the file was killed before it recovered it.
        if damaged > 20 {
            recover(folder.path());
        }
        let view = reader.live().current();
        let generation = view.generation();
        assert!(generation >= last, "{generation} < {last}");
        if generation > last && generation.is_multiple_of(COMPARED) {
            let told = told(&view, &model.asks);
            saw.lines.push(format!("saw {generation} {told}"));
        }
        last = generation;
        while let Some(changes) = collector.replaced() {
            changes.iter().for_each(|change| model.make(change));
        }
        if alive == 0 {
            break;
        }
        let acknowledged = ended
            .iter()
            .map(|said: &Said| said.lines.len())
            .sum::<usize>()
            + running.iter().map(Running::acknowledged).sum::<usize>();
        let (is_killing, is_over) = match run {
            Run::Steps(_, most) => (kills < most, false),
            Run::Time(time) => (true, begin.elapsed() >= time),
        };
        if is_over {
            fs::write(folder.file(STOP), "").unwrap();
        } else if is_killing && acknowledged >= next_kill {
            next_kill = acknowledged + KILLED_AFTER;
            let at = usize::try_from(kills % processes).unwrap();
            kills += 1;
            let slot = u32::try_from(at).unwrap();
            let mut killed = mem::replace(&mut running[at], start(slot, kills));
            // One that ended by itself must have come to its end.
            let is_running = killed.is_running();
            killed.child.kill().unwrap();
            ended.push(killed.end(is_running));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    ended.extend(running.into_iter().map(|one| one.end(false)));
    ended.push(saw);
    let (changes, files) = collector.rest();
    changes.iter().for_each(|change| model.make(change));
    let (opened, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let left = opened.contents();
    assert_eq!(left.generation(), model.generation);
    assert_eq!(facts(left)[1..], facts(model.store.contents())[1..]);
    assert_eq!(
        told(left, &model.asks),
        told(model.store.contents(), &model.asks)
    );
    let compared: u32 = ended.iter().map(|said| model.check(said)).sum();
    let count = |what: &str| {
        let lines = ended.iter().flat_map(|said| &said.lines);
        lines.filter(|line| line.starts_with(what)).count()
    };
    let acknowledged = count("acknowledged");
    println!(
        "{processes} processes, {:.0} s: {} steps stored, {acknowledged} of them reported as stored, {} generations, {compared} states \
         with 40 verdicts compared, {kills} killed, {} recoveries, {} rollbacks, {} files",
        begin.elapsed().as_secs_f64(),
        model.made.len(),
        model.generation,
        model.recovered,
        model.rolled_back,
        files,
    );
    assert!(acknowledged > 100 && compared > 3 && kills > 0 && model.rolled_back > 0);
    assert!(model.recovered > 0);
}

#[test]
fn two_processes_change_a_store_at_once_as_a_model_does() {
    run(2);
}

#[test]
fn four_processes_change_a_store_at_once_as_a_model_does() {
    run(4);
}
