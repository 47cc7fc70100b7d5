//! `fleet` over a real etcd: an administrator publishes there, and a node takes over and reports.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::run::{machine, run};
use crate::support::skips::skipped;

/// How long etcd may take until it answers, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// An etcd that is ended by its id.
struct Etcd(Child);

impl Etcd {
    /// Starts one that asks for a certificate. Nothing without the program.
    fn start(folder: &Folder) -> Option<(Self, u16)> {
        let is_there = Command::new("etcd").arg("--version").output();
        if is_there.is_err() {
            skipped("fleets in a real etcd: no etcd");
            return None;
        }
        // Both are free while both are held.
        let held = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let [client, peer] = held.each_ref().map(|one| one.local_addr().unwrap().port());
        drop(held);
        let (at, peer) = (
            format!("https://127.0.0.1:{client}"),
            format!("http://127.0.0.1:{peer}"),
        );
        let log = File::create(folder.file("etcd.log")).unwrap();
        let line = format!(
            "--pdeathsig KILL -- etcd --name one --data-dir data --listen-client-urls {at} --advertise-client-urls {at} \
             --listen-peer-urls {peer} --initial-advertise-peer-urls {peer} --initial-cluster one={peer} --logger zap \
             --cert-file etcd.pem --key-file etcd.key --client-cert-auth --trusted-ca-file clients.pem"
        );
        let child = Command::new("setpriv")
            .args(line.split_whitespace())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let started = Self(child);
        let begin = Instant::now();
        loop {
            let log = fs::read_to_string(folder.file("etcd.log")).unwrap();
            let answers = TcpStream::connect(("127.0.0.1", client)).is_ok();
            if answers && log.contains("serving client traffic") {
                return Some((started, client));
            }
            assert!(begin.elapsed() < START, "etcd does not answer: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_administrator_publishes_in_etcd_and_a_node_takes_over_and_reports() {
    let folder = Folder::new("cli-fleet-etcd");
    for name in ["k1", "etcd", "ana", "array-7"] {
        machine(&folder, name);
    }
    // etcd asks itself as a client.
    let known = ["etcd", "ana", "array-7"];
    let known = known.map(|name| fs::read_to_string(folder.file(&format!("{name}.pem"))).unwrap());
    fs::write(folder.file("clients.pem"), known.concat()).unwrap();
    let Some((_etcd, port)) = Etcd::start(&folder) else {
        return;
    };
    for line in [
        "store create --store source",
        "store server add k1 k1.example --store source",
        "store pin k1.pem --server k1 --store source",
        "store create --store admin",
        "store server add etcd --store admin",
        "store pin etcd.pem --server etcd --store admin",
        "store create --store node",
        "store server add etcd --store node",
        "store pin etcd.pem --server etcd --store node",
        "fleet new-key sign.key --public-key sign.pub",
        "fleet init arrays --threshold 1 --key sign.pub --fleet fleet",
        "fleet draft --store source --days 90 --fleet fleet",
        "fleet sign fleet/draft --key sign.key --out sign.sig --accept",
    ] {
        run(&folder, line).ends_with(0);
    }
    let at = format!("etcd://127.0.0.1:{port}/trust/arrays");
    let ana = "--trust admin --server etcd --identity ana.pem --key ana.key";
    let publish = format!("fleet publish --signature sign.sig --to {at} --fleet fleet {ana}");
    run(&folder, &publish).ends_with(0);
    let keys = run(&folder, "fleet keys show fleet/keys --json")
        .ends_with(0)
        .json();
    let digest = keys["digest"].as_str().unwrap();
    let node = "--store node --server etcd --identity array-7.pem --key array-7.key";
    run(
        &folder,
        &format!("fleet join {at} --digest {digest} {node}"),
    )
    .ends_with(0);
    let line = format!("fleet follow {at} --node array-7 --every 1 --for 3 {node}");
    run(&folder, &line).ends_with(0);
    run(
        &folder,
        &format!("fleet status {at} --expect array-7 {ana}"),
    )
    .ends_with(0)
    .says("current: node array-7: bundle 1");
    let report = format!("store report --html page --store source --nodes {at} {ana} --json");
    let report = run(&folder, &report).ends_with(0).json();
    assert_eq!(report["nodes_behind"], 0);
    run(&folder, &format!("fleet forget {at} array-7 {ana}"))
        .ends_with(0)
        .says("removed: the report of node array-7");
    run(&folder, &format!("fleet status {at} {ana}"))
        .ends_with(0)
        .says("no node has reported");
    // What etcd has is what was published.
    run(&folder, &format!("fleet diff {at} source {ana}"))
        .ends_with(0)
        .says("the records are the same");
}
