//! Nodes with stores on disk, each on a thread of its own. They note when each trust set came in force.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mutual_trust::admin::bundle::{FleetMember, KeySet, Part, Publication};
use mutual_trust::admin::{DurableSettings, JournalSink};
use mutual_trust::error::MemberError;
use mutual_trust::{DurableStore, Fingerprint, LiveTrust, TrustSnapshot};
use mutual_trust_fleet::{Agent, AgentError, AgentHandle, MonotonicClock, Transport};
use mutual_trust_test_support as support;

/// The times at which a trust set came in force, of all nodes.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Vec<Instant>>);

/// Is told of each change of a store.
#[derive(Debug)]
struct Sink(Arc<Seen>);

impl JournalSink for Sink {
    fn record(&self, _: &mutual_trust::admin::file::JournalRecord) {
        self.0.0.lock().unwrap().push(Instant::now());
    }
}

impl Seen {
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// How long after `start` it was in force, sorted.
    pub fn since(&self, start: Instant) -> Vec<Duration> {
        let seen = self.0.lock().unwrap();
        let mut all: Vec<_> = seen.iter().map(|at| at.duration_since(start)).collect();
        all.sort();
        all
    }

    /// Waits until so many nodes have it in force.
    pub fn wait(&self, count: usize, at_most: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < at_most {
            if self.0.lock().unwrap().len() >= count {
                return true;
            }
            thread::sleep(Duration::from_millis(2));
        }
        false
    }
}

/// The certificates of a trust set.
type Pins = BTreeSet<Fingerprint>;

/// The certificates that are in force.
pub fn pins(view: &TrustSnapshot) -> Pins {
    view.entries()
        .iter()
        .map(|entry| entry.fingerprint())
        .collect()
}

/// What must hold of every node: it is checked after each answer, and, by [`Nodes::look`], at every moment.
#[derive(Debug, Default)]
pub struct Watched {
    /// The highest sequence that was published.
    pub published: AtomicU64,
    /// The digests of the published sets by their sequences.
    digests: Mutex<BTreeMap<u64, Fingerprint>>,
    /// The first sequence with these certificates.
    sets: Mutex<BTreeMap<Pins, u64>>,
    /// How many snapshots were looked at while they were in force.
    pub looked: AtomicU64,
    pub taken: AtomicU64,
    pub refused: AtomicU64,
    pub lost: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Watched {
    /// A set is about to be published.
    pub fn publish(&self, sequence: u64, bytes: &[u8], pins: Pins) {
        let digest = Publication::read(bytes).unwrap().bundle().digest();
        self.digests.lock().unwrap().insert(sequence, digest);
        self.sets.lock().unwrap().entry(pins).or_insert(sequence);
        self.published.store(sequence, Ordering::SeqCst);
    }

    fn fail(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }

    /// The sequence of what is in force. 0 before the first.
    fn sequence(&self, view: &TrustSnapshot) -> Option<u64> {
        let pins = pins(view);
        let sets = self.sets.lock().unwrap();
        pins.is_empty().then_some(0).or(sets.get(&pins).copied())
    }

    pub fn wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap().iter().take(5).cloned().collect()
    }
}

pub struct Nodes {
    agents: Vec<AgentHandle>,
    live: Vec<LiveTrust>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    pub seen: Arc<Seen>,
    pub watched: Arc<Watched>,
}

/// What one take-over costs a node that is alone.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From the call to its end: the median.
    pub time: Duration,
    /// Of the processor: the mean, since Linux counts it in ticks of some milliseconds.
    pub processor: Duration,
}

/// The cost of the take-overs of these publications, without the first, which finds an empty store.
pub fn alone(folder: &Path, keys: &KeySet, publications: &[Vec<u8>], stores: usize) -> Cost {
    let (mut times, mut used) = (Vec::new(), Duration::ZERO);
    for number in 0..stores {
        let folder = folder.join(format!("alone-{number}"));
        fs::create_dir_all(&folder).unwrap();
        let settings = DurableSettings::new(support::keys()).with_clock(Arc::new(support::now()));
        let mut store = DurableStore::create(&folder, settings).unwrap();
        let joined = FleetMember::join(&mut store, keys.clone(), keys.digest(), Part::All);
        let mut member = joined.unwrap();
        let (first, rest) = publications.split_first().unwrap();
        let _ = member.take_over(first, &mut store).unwrap();
        let before = processor();
        for bytes in rest {
            let start = Instant::now();
            let _ = member.take_over(bytes, &mut store).unwrap();
            times.push(start.elapsed());
        }
        used += processor() - before;
        fs::remove_dir_all(&folder).unwrap();
    }
    times.sort();
    Cost {
        time: times[times.len() / 2],
        processor: used / u32::try_from(times.len()).unwrap(),
    }
}

/// The processor time of this thread.
fn processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = text.split_whitespace().next().unwrap().parse().unwrap();
    Duration::from_nanos(nanoseconds)
}

/// The stack of a node: the default of Rust, which threads of agents have. In a dev build, 512 KiB are not enough. Of 1,000
/// nodes it is 2 GiB of addresses, and only what a node has used is in memory.
const STACK: usize = 2 * 1024 * 1024;

impl Nodes {
    /// Starts so many nodes, each with the transport that `transport` makes.
    pub fn start<T: Transport + 'static>(
        count: usize,
        folder: &Path,
        keys: &KeySet,
        transport: impl Fn(usize) -> T,
    ) -> Self {
        let mut nodes = Self {
            agents: Vec::new(),
            live: Vec::new(),
            stop: Arc::default(),
            threads: Vec::new(),
            seen: Arc::default(),
            watched: Arc::default(),
        };
        // What is there when they start.
        nodes.watched.published.store(1, Ordering::SeqCst);
        for number in 0..count {
            let folder = folder.join(format!("node-{number}"));
            fs::create_dir_all(&folder).unwrap();
            let settings = DurableSettings::new(support::keys())
                .with_clock(Arc::new(support::now()))
                .with_sink(Arc::new(Sink(Arc::clone(&nodes.seen))));
            let mut store = DurableStore::create(&folder, settings).unwrap();
            let joined = FleetMember::join(&mut store, keys.clone(), keys.digest(), Part::All);
            nodes.live.push(store.live());
            let store = Arc::new(Mutex::new(store));
            let agent = Agent::new(transport(number), joined.unwrap(), store);
            let time = Arc::new(support::now());
            let seed = u64::try_from(number).unwrap();
            let agent = agent.with_clock(Arc::new(MonotonicClock::new()), time, seed);
            let agent = agent.with_reports(format!("node-{number}").parse().unwrap());
            let handle = agent.handle();
            nodes.agents.push(handle.clone());
            let (watched, mut before) = (Arc::clone(&nodes.watched), 0);
            let mut agent = agent.with_handler(move |done| {
                let count = match done {
                    Ok(_) => &watched.taken,
                    Err(AgentError::Member(MemberError::Bundle(_))) => &watched.refused,
                    Err(_) => &watched.lost,
                };
                count.fetch_add(1, Ordering::Relaxed);
                let member = handle.health().member;
                let after = member.newest.as_ref().map_or(0, |newest| newest.sequence);
                let published = watched.published.load(Ordering::SeqCst);
                let digests = watched.digests.lock().unwrap();
                let is_published = |digest| digests.is_empty() || digests.get(&after) == digest;
                let digest = member.newest.as_ref().map(|newest| &newest.digest);
                if after < before
                    || after > published
                    || !member.is_applied()
                    || (digest.is_some() && !is_published(digest))
                {
                    let of = format!("from {before} to {member:?} of {published}");
                    watched.fail(format!("node {number}: {of}"));
                }
                drop(digests);
                before = after;
            });
            let thread = thread::Builder::new().stack_size(STACK);
            let stop = Arc::clone(&nodes.stop);
            // The loop of a program that has its own: `run` looks five times a second whether it is to stop, and 1,000 of
            // them in one process would measure that.
            let running = thread.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let step = agent.step();
                    let begun = Instant::now();
                    if step.done.is_err() || agent.transport().wait(step.pause).is_err() {
                        let pause = step.pause.min(Duration::from_secs(2));
                        thread::sleep(pause.saturating_sub(begun.elapsed()));
                    }
                }
            });
            nodes.threads.push(running.unwrap());
        }
        nodes
    }

    pub fn count(&self) -> usize {
        self.agents.len()
    }

    /// Looks at what is in force on each node, as its handshakes do, until the nodes stop: it is always one of the published
    /// sets, whole, and never an earlier one than before.
    pub fn look(&self) {
        let (live, watched) = (self.live.clone(), Arc::clone(&self.watched));
        let stop = Arc::clone(&self.stop);
        thread::spawn(move || {
            let mut last: Vec<_> = live.iter().map(|_| (0, 0)).collect();
            while !stop.load(Ordering::Relaxed) {
                for (number, (live, last)) in live.iter().zip(&mut last).enumerate() {
                    let view = live.current();
                    let (generation, before) = *last;
                    if view.generation() == generation {
                        continue;
                    }
                    watched.looked.fetch_add(1, Ordering::Relaxed);
                    match watched.sequence(&view) {
                        Some(sequence) if sequence >= before => {
                            *last = (view.generation(), sequence);
                        }
                        found => watched.fail(format!(
                            "node {number} has {found:?} in force, and had {before}"
                        )),
                    }
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
    }

    /// How many nodes have this sequence in their stores.
    pub fn at(&self, sequence: u64) -> usize {
        let applied = |agent: &&AgentHandle| {
            let applied = agent.health().member.applied;
            applied.is_some_and(|applied| applied.sequence == sequence)
        };
        self.agents.iter().filter(applied).count()
    }

    /// Waits until all nodes have this sequence.
    pub fn wait_for(&self, sequence: u64, at_most: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < at_most {
            if self.at(sequence) == self.count() {
                return true;
            }
            thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // Those that wait for their transport end with the process.
        self.stop.store(true, Ordering::Relaxed);
    }
}
