//! How soon a change is in force on a whole fleet, what polling costs a hub, and what a fleet does when its etcd fails.
//!
//! `cargo run --release --package mutual-trust-fleet-simulation --features scale --bin scale -- etcd 1000 5`
//!
//! | arguments | what |
//! |---|---|
//! | `etcd [NODES] [ROUNDS] [FOLDER]` | a change reaches all nodes over one etcd; beside it plain watchers of etcd, and a file |
//! | `http [NODES] [ROUNDS] [FOLDER]` | the same over a hub that answers waiting requests |
//! | `polling [SECONDS]` | what an answer of a hub costs its processor: known, whole, with a handshake |
//! | `alone [STORES]` | what a take-over costs one node |
//! | `faults [NODES] [SECONDS] [SEED]` | etcd is killed, cut off by its network, restored from an older backup, and for so many seconds an attacker writes there: what is in force on each node is compared with what was published |
//!
//! Nodes are agents with stores on disk in one process, each on a thread. 1,000 of them need 8,192 open files
//! (`ulimit -n`). Stores are in memory (`/dev/shm`) unless a folder is given: 1,000 nodes do not share a disk.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on has failed"
)]

mod attack;
mod bare;
mod hub;
mod nodes;
mod press;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust_fleet::etcd::{Cluster, Etcd as Place};
use mutual_trust_fleet::{Publisher, TransportError};
use mutual_trust_fleet_simulation::draw::Draw;
use mutual_trust_fleet_simulation::run::scratch;
use mutual_trust_test_support::skips::skipped;

use nodes::Nodes;
use press::Press;
use server::Etcd;

const USAGE: &str = "usage: scale etcd|http [NODES] [ROUNDS] [FOLDER] | scale polling [SECONDS] | scale alone [STORES] | scale faults [NODES] [SECONDS] [SEED]";

/// Pins of about 800 bytes each, which make a publication of 100 kB.
const PINS: usize = 120;

const PREFIX: &str = "/mutual-trust/prod";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| arguments.get(at).map(String::as_str);
    let number = |at: usize, default: usize| match word(at) {
        Some(text) => text.parse().expect(USAGE),
        None => default,
    };
    if word(0) == Some("hub") {
        return hub::serve(Path::new(word(1).expect("the folder of the hub")));
    }
    let folder = match word(0) {
        Some("etcd" | "http") => word(3),
        _ => None,
    };
    let folder = folder.map_or_else(scratch, PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    match word(0) {
        Some("etcd") => spread(number(1, 1000), number(2, 5), &folder),
        Some("http") => spread_by_http(number(1, 1000), number(2, 5), &folder),
        Some("polling") => polling(u64::try_from(number(1, 10)).unwrap(), &folder),
        Some("alone") => one_alone(number(1, 10), &folder),
        Some("faults") => {
            let numbers =
                [number(2, 30), number(3, 1)].map(|number| u64::try_from(number).unwrap());
            faults(number(1, 20), numbers[0], numbers[1], &folder);
        }
        _ => panic!("{USAGE}"),
    }
    let _ = fs::remove_dir_all(&folder);
}

fn shown(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1_000.0)
}

/// The first, the median and the last of sorted times.
fn row(what: &str, times: &[Duration]) {
    let count = times.len();
    let places = [0, count / 2, count * 99 / 100, count - 1];
    let [first, median, most, last] = places.map(|at| shown(times[at]));
    println!(
        "{what}: {count} nodes: first {first}, median {median}, 99 of 100 {most}, last {last}"
    );
}

/// The first publication, with what its size costs one machine.
fn first_of(press: &mut Press, folder: &Path) -> Vec<u8> {
    let first = press.next();
    println!(
        "stores in {}, a publication of {} bytes",
        folder.display(),
        first.len()
    );
    println!(
        "one file of that size, flushed: {}",
        shown(bare::file(folder, &first))
    );
    one_alone(1, folder);
    first
}

/// What a take-over costs a node that is alone.
fn one_alone(stores: usize, folder: &Path) {
    let mut press = Press::new(PINS);
    let publications: Vec<_> = (0..21).map(|_| press.next()).collect();
    let cost = nodes::alone(folder, press.keys(), &publications, stores);
    let shown = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1_000.0);
    println!(
        "one node alone takes a publication over in {}, {} of the processor",
        shown(cost.time),
        shown(cost.processor)
    );
}

fn skip() -> bool {
    let is_missing = !server::is_here();
    if is_missing {
        skipped("a fleet over etcd: no etcd and etcdctl here");
    }
    is_missing
}

fn publish(place: &mut impl Publisher, bytes: &[u8]) -> Result<(), TransportError> {
    let current = place.current()?;
    let over = current.as_ref().map(|(_, tag)| tag);
    place.publish(bytes, over).map(|_| ())
}

fn host(etcd: &Etcd) -> String {
    etcd.endpoint().trim_start_matches("http://").to_owned()
}

/// A change reaches all nodes over etcd.
fn spread(count: usize, rounds: usize, folder: &Path) {
    if skip() {
        return;
    }
    let etcd = Etcd::start(&folder.join("etcd"));
    let mut press = Press::new(PINS);
    let first = first_of(&mut press, folder);
    let size = first.len();
    for times in bare::watchers(&etcd.endpoint(), count, size, rounds) {
        row("etcd's own watch", &times);
    }
    let cluster = Cluster::in_plain_text(&[host(&etcd)]).unwrap();
    let mut place = Place::new(&cluster, PREFIX).unwrap();
    publish(&mut place, &first).unwrap();
    let start = Instant::now();
    let nodes = Nodes::start(count, folder, press.keys(), |_| {
        let own = cluster.with_own_connections().unwrap();
        Place::new(&own, PREFIX).unwrap()
    });
    assert!(
        nodes.wait_for(1, Duration::from_secs(120)),
        "all nodes join"
    );
    println!("all have joined after {}", shown(start.elapsed()));
    rounds_of(rounds, &nodes, &mut press, &mut place);
    println!("etcd holds {} MB", etcd.resident().unwrap_or(0) / 1_000_000);
}

/// Publishes several times, and says when each trust set was in force on the nodes.
fn rounds_of(rounds: usize, nodes: &Nodes, press: &mut Press, place: &mut impl Publisher) {
    let count = nodes.count();
    for _ in 0..rounds {
        // The nodes have reported, and wait.
        thread::sleep(Duration::from_secs(2));
        let bytes = press.next();
        nodes
            .watched
            .published
            .store(press.sequence(), Ordering::SeqCst);
        nodes.seen.clear();
        let start = Instant::now();
        publish(place, &bytes).unwrap();
        let published = start.elapsed();
        assert!(
            nodes.seen.wait(count, Duration::from_secs(60)),
            "all follow"
        );
        row("in force", &nodes.seen.since(start));
        println!("  the publisher's call took {}", shown(published));
        assert!(nodes.wait_for(press.sequence(), Duration::from_secs(60)));
    }
    let wrong = nodes.watched.wrong();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A change reaches all nodes over a hub, which answers waiting requests.
fn spread_by_http(count: usize, rounds: usize, folder: &Path) {
    let served = hub::Served::start(folder);
    let mut press = Press::new(PINS);
    let first = first_of(&mut press, folder);
    let mut place = served.publisher();
    publish(&mut place, &first).unwrap();
    let start = Instant::now();
    let nodes = Nodes::start(count, folder, press.keys(), |number| served.node(number));
    assert!(
        nodes.wait_for(1, Duration::from_secs(180)),
        "all nodes join"
    );
    println!("all have joined after {}", shown(start.elapsed()));
    rounds_of(rounds, &nodes, &mut press, &mut place);
    println!("the hub holds {} MB", served.resident() / 1_000_000);
    // Its end ends the requests that wait.
    drop(served);
}

/// What a request costs a hub, and so how many nodes can poll it.
fn polling(seconds: u64, folder: &Path) {
    let served = hub::Served::start(folder);
    let mut press = Press::new(PINS);
    let first = press.next();
    publish(&mut served.publisher(), &first).unwrap();
    println!("a publication of {} bytes", first.len());
    for what in [hub::Asked::Known, hub::Asked::Whole, hub::Asked::Connecting] {
        let (rate, each) = served.load(what, seconds);
        let nodes = 10_000_u32;
        let share = each.as_secs_f64() * f64::from(nodes) / 60.0;
        println!(
            "{what:?}: {rate:.0} answers a second, {} us of the hub's processor each; 10,000 nodes once a minute: {:.1} % of one",
            each.as_micros(),
            share * 100.0
        );
    }
}

/// Etcd is killed, cut off, restored from an older backup, and written by an attacker. At every moment each node has a
/// published set in force, none goes back, and all follow when it is over.
fn faults(count: usize, seconds: u64, seed: u64, folder: &Path) {
    if skip() {
        return;
    }
    println!("seed {seed}");
    let data = folder.join("etcd");
    let apart = Etcd::start_apart(&data);
    let is_apart = apart.is_some();
    if !is_apart {
        skipped("a partition of etcd: this machine makes no network namespaces");
    }
    let mut etcd = apart.unwrap_or_else(|| Etcd::start(&data));
    let cluster = Cluster::in_plain_text(&[host(&etcd)]).unwrap();
    let mut place = Place::new(&cluster, PREFIX).unwrap();
    let mut press = Press::new(PINS);
    let nodes = Nodes::start(count, folder, press.keys(), |_| {
        let own = cluster.with_own_connections().unwrap();
        Place::new(&own, PREFIX).unwrap()
    });
    nodes.look();
    let mut published = Vec::new();
    let mut next = |place: &mut Place, what: &str| -> Vec<Vec<u8>> {
        published.push(press.next());
        let (sequence, bytes) = (press.sequence(), published.last().unwrap());
        nodes.watched.publish(sequence, bytes, press.pins());
        let start = Instant::now();
        let mut tries = 0;
        while let Err(error) = publish(place, bytes) {
            tries += 1;
            assert!(
                start.elapsed() < Duration::from_secs(120),
                "{what}: {error}"
            );
            thread::sleep(Duration::from_millis(200));
        }
        let all = nodes.wait_for(sequence, Duration::from_secs(120));
        right(&nodes, what);
        assert!(all, "{what}: {} of {count} follow", nodes.at(sequence));
        println!(
            "{what}: {count} nodes at {sequence} after {} ({tries} tries)",
            shown(start.elapsed())
        );
        published.clone()
    };
    next(&mut place, "first");
    let backup = etcd.back_up();
    next(&mut place, "second");
    next(&mut place, "third");
    etcd.kill();
    thread::sleep(Duration::from_secs(3));
    etcd.begin();
    next(&mut place, "after a kill and a restart");
    if is_apart {
        etcd.cut(true);
        thread::sleep(Duration::from_secs(20));
        assert!(publish(&mut place, b"cut off").is_err());
        etcd.cut(false);
        next(&mut place, "after a partition of 20 s");
    }
    // Pieces come first and the head last: without a head, pieces are nothing.
    let piece = format!("{PREFIX}/chunks/{}/0000", "5a".repeat(32));
    assert!(etcd.ctl(&["put", &piece, "the first piece of two"]));
    thread::sleep(Duration::from_secs(2));
    right(&nodes, "after a publisher that died between pieces");
    let all = next(&mut place, "after a publisher that died between pieces");
    etcd.restore(&backup);
    // The nodes read the first publication again, and hold what they have.
    thread::sleep(Duration::from_secs(10));
    right(&nodes, "after the restore");
    println!("after a restore of the first: none goes back");
    // The publisher puts back what was newest, and then the next.
    publish(&mut place, all.last().unwrap()).unwrap();
    let mut all = next(&mut place, "after the restore");
    let mut draw = Draw::new(seed);
    let (start, mut attacks) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(seconds) {
        let (what, bytes) = attack::made(&mut draw, &all);
        let _ = publish(&mut place, &bytes);
        attacks += 1;
        thread::sleep(Duration::from_millis(draw.within(1, 1_000)));
        right(&nodes, what);
        if draw.percent(10) {
            all = next(&mut place, "between attacks");
        }
    }
    next(&mut place, "after the attacks");
    let count = |of: &std::sync::atomic::AtomicU64| of.load(Ordering::Relaxed);
    println!(
        "{attacks} attacks; taken {}, refused {}, without an answer {}; {} snapshots seen in force",
        count(&nodes.watched.taken),
        count(&nodes.watched.refused),
        count(&nodes.watched.lost),
        count(&nodes.watched.looked)
    );
}

/// Nothing was found that is wrong.
fn right(nodes: &Nodes, what: &str) {
    let wrong = nodes.watched.wrong();
    assert!(wrong.is_empty(), "{what}: {wrong:#?}");
}
