//! How long a publication takes to all nodes over etcd, beside watchers of etcd-client alone in the same run.
//!
//! `etcd_latency [NODES [BYTES [ROUNDS]]]`, by default 200 nodes, 100,000 bytes and 5 rounds. Each node is a thread with
//! its own transport. It starts an etcd of its own, or takes the one that `ETCD` names (HOST:PORT). 1,000 nodes with
//! connections of their own need more than 1,024 open files: `ulimit -n 8192`.

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use etcd_client::Client;
use mutual_trust_fleet::etcd::{Cluster, Etcd};
use mutual_trust_fleet::{Fetched, Publisher, Transport};

type Failure = Box<dyn Error + Send + Sync>;

/// The longest time that a round may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which node has how many bytes of which round, and since when.
type Arrival = (Instant, u8);

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| match arguments.next() {
        Some(text) => text.parse().map_err(Failure::from),
        None => Ok(default),
    };
    let (nodes, size, rounds) = (number(200)?, number(100_000)?, number(5)?);
    let server = Server::start()?;
    let build = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    println!(
        "{nodes} nodes, {size} bytes, {rounds} rounds, {build} build, etcd {}",
        server.version()?
    );
    println!(
        "| watchers | set up | first | median | last | last of all rounds | own memory | own threads |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for shared in [true, false] {
        bare(&server, nodes, size, rounds, shared)?;
        ours(&server, nodes, size, rounds, shared)?;
    }
    Ok(())
}

/// Watchers of etcd-client, each a task, and no more: nothing is polled, checked or resumed.
fn bare(
    server: &Server,
    nodes: usize,
    size: usize,
    rounds: usize,
    shared: bool,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let key = format!("/bare/{shared}");
    let begin = Instant::now();
    let (arrivals, arrived) = channel();
    let mut publisher = runtime.block_on(Client::connect([&server.address], None))?;
    runtime.block_on(async {
        for _ in 0..nodes {
            let mut client = if shared {
                publisher.clone()
            } else {
                Client::connect([&server.address], None).await?
            };
            let arrivals = arrivals.clone();
            let mut stream = client.watch(key.as_str(), None).await?;
            stream.message().await?;
            tokio::spawn(async move {
                let _client = client;
                while let Ok(Some(message)) = stream.message().await {
                    let pairs = message.events().iter().filter_map(|event| event.kv());
                    for pair in pairs.filter(|pair| pair.value().len() == size) {
                        let round = pair.value().first().copied().unwrap_or(u8::MAX);
                        let _ = arrivals.send((Instant::now(), round));
                    }
                }
            });
        }
        Ok::<_, Failure>(())
    })?;
    let set_up = begin.elapsed();
    let publish = |round: u8| {
        let put = publisher.put(key.as_str(), blob(round, size), None);
        runtime.block_on(put).map(|_| ()).map_err(Failure::from)
    };
    let name = if shared {
        "etcd-client, one connection"
    } else {
        "etcd-client, own connections"
    };
    measure(name, set_up, nodes, rounds, &arrived, publish)
}

/// Nodes of ours, each a thread.
fn ours(
    server: &Server,
    nodes: usize,
    size: usize,
    rounds: usize,
    shared: bool,
) -> Result<(), Failure> {
    let cluster = Cluster::in_plain_text(&[&server.address])?;
    let prefix = format!("/ours/{shared}");
    let mut publisher = Etcd::new(&cluster, &prefix)?;
    let mut tag = publisher.publish(b"first", None)?;
    let begin = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let (arrivals, arrived) = channel();
    let mut threads = Vec::new();
    for _ in 0..nodes {
        let cluster = if shared {
            cluster.clone()
        } else {
            cluster.with_own_connections()?
        };
        let transport = Etcd::new(&cluster, &prefix)?;
        threads.push(node(transport, size, arrivals.clone(), stop.clone())?);
    }
    // All have the first publication, and a moment later all watch.
    for _ in 0..nodes {
        arrived.recv_timeout(PATIENCE)?;
    }
    let set_up = begin.elapsed();
    sleep(Duration::from_millis(500));
    let publish = |round: u8| {
        tag = publisher.publish(&blob(round, size), Some(&tag))?;
        Ok(())
    };
    let name = if shared {
        "ours, one connection"
    } else {
        "ours, own connections"
    };
    measure(name, set_up, nodes, rounds, &arrived, publish)?;
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().map_err(|_| "a node panicked")?;
    }
    Ok(())
}

/// One node: what an agent does, without taking over.
fn node(
    mut transport: Etcd,
    size: usize,
    arrivals: Sender<Arrival>,
    stop: Arc<AtomicBool>,
) -> Result<JoinHandle<()>, Failure> {
    let run = move || {
        let mut known = None;
        while !stop.load(Ordering::Relaxed) {
            let fetched = transport.fetch(known.as_ref());
            match fetched {
                Ok(Fetched::New { bytes, tag }) => {
                    let round = bytes.first().copied().filter(|_| bytes.len() == size);
                    let _ = arrivals.send((Instant::now(), round.unwrap_or(u8::MAX)));
                    known = Some(tag);
                }
                Ok(Fetched::Unchanged) => {}
                Err(error) => eprintln!("{error}"),
            }
            if let Err(error) = transport.wait(Duration::from_secs(2)) {
                eprintln!("{error}");
            }
        }
    };
    // Half a megabyte of stack is too little for a build that is not optimised.
    Ok(thread::Builder::new().spawn(run)?)
}

/// Publishes in rounds, and writes a line of the table: the median of the rounds, and the worst.
fn measure(
    name: &str,
    set_up: Duration,
    nodes: usize,
    rounds: usize,
    arrived: &Receiver<Arrival>,
    mut publish: impl FnMut(u8) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut firsts, mut medians, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        sleep(Duration::from_millis(300));
        let round = u8::try_from(round % 200)?;
        let begin = Instant::now();
        publish(round)?;
        let mut times = Vec::new();
        while times.len() < nodes {
            let (at, which) = arrived.recv_timeout(PATIENCE)?;
            if which == round {
                times.push(at.saturating_duration_since(begin));
            }
        }
        times.sort_unstable();
        firsts.extend(times.first().copied());
        medians.extend(times.get(nodes / 2).copied());
        lasts.extend(times.last().copied());
    }
    let worst = lasts.iter().max().copied().unwrap_or_default();
    println!(
        "| {name} | {:.2?} | {:.1?} | {:.1?} | {:.1?} | {worst:.1?} | {} | {} |",
        set_up,
        median(firsts),
        median(medians),
        median(lasts),
        status("VmRSS"),
        status("Threads"),
    );
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn blob(round: u8, size: usize) -> Vec<u8> {
    vec![round; size]
}

/// A line of what Linux says of this process.
fn status(name: &str) -> String {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or("?").trim().to_owned()
}

/// An etcd on a free port with its data in a temporary folder; both end with this.
struct Server {
    address: String,
    own: Option<(Child, std::path::PathBuf)>,
}

impl Server {
    fn start() -> Result<Self, Failure> {
        if let Ok(address) = std::env::var("ETCD") {
            return Ok(Self { address, own: None });
        }
        let free = || TcpListener::bind("127.0.0.1:0")?.local_addr();
        let (client, peer) = (free()?.to_string(), free()?.to_string());
        let folder = std::env::temp_dir().join(format!("etcd-latency-{}", std::process::id()));
        std::fs::create_dir(&folder)?;
        let urls = [format!("http://{client}"), format!("http://{peer}")];
        let [client_url, peer_url] = urls.each_ref();
        let child = Command::new("etcd")
            .args([
                "--listen-client-urls",
                client_url,
                "--advertise-client-urls",
                client_url,
            ])
            .args([
                "--listen-peer-urls",
                peer_url,
                "--initial-advertise-peer-urls",
                peer_url,
            ])
            .args(["--initial-cluster", &format!("default={peer_url}")])
            .arg("--data-dir")
            .arg(folder.join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self {
            address: client.clone(),
            own: Some((child, folder)),
        };
        let begin = Instant::now();
        while TcpStream::connect(&client).is_err() {
            if begin.elapsed() > PATIENCE {
                return Err("etcd does not start".into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    fn version(&self) -> Result<String, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut client = Client::connect([&self.address], None).await?;
            Ok(client.status().await?.version().to_owned())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((child, folder)) = &mut self.own {
            let _ = child.kill();
            let _ = child.wait();
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
