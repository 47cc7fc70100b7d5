//! An etcd of our own: on its own ports, with its data in a temporary folder, ended by its process id.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mutual_trust_test_support::folder::Folder;
use mutual_trust_test_support::skips::skipped;

/// How long etcd may take until it answers, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// Whether the programs are there. Says so if they are not.
pub fn are_there(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = programs.iter().find(|program| {
        let mut folders = std::env::split_paths(&path);
        !folders.any(|folder| folder.join(program).is_file())
    });
    if let Some(program) = missing {
        skipped(&format!("tests with a real etcd: no {program}"));
    }
    missing.is_none()
}

/// Ends the test unless etcd and its command are there.
macro_rules! needs_etcd {
    () => {
        if !$crate::server::are_there(&["etcd", "etcdctl"]) {
            return;
        }
    };
}
pub(crate) use needs_etcd;

/// Below the ports that Linux gives to sockets that ask for none.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port of loopback that is free now. No port is returned twice.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Two processes of this program begin at different ports.
    let begin = std::process::id().wrapping_mul(61);
    loop {
        let at = begin.wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst))
            % u32::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(at).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A member of etcd, alone or with others.
pub struct Server {
    pub folder: Folder,
    pub port: u16,
    scheme: &'static str,
    arguments: Vec<String>,
    data: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// One that is a cluster by itself, in plain text.
    pub fn start(test: &str) -> Self {
        Self::start_with(test, "http", &[])
    }

    /// With more arguments, by which clients are authenticated.
    pub fn start_with(test: &str, scheme: &'static str, more: &[&str]) -> Self {
        let peer = free_port();
        let name = format!("{test}-{peer}");
        let mut server = Self::member(
            test,
            scheme,
            &name,
            peer,
            &format!("{name}=http://127.0.0.1:{peer}"),
        );
        server
            .arguments
            .extend(more.iter().map(|&word| word.to_owned()));
        server.run();
        server
    }

    /// Members of one cluster.
    pub fn cluster(test: &str, count: usize) -> Vec<Self> {
        let peers: Vec<u16> = (0..count).map(|_| free_port()).collect();
        let all: Vec<String> = peers
            .iter()
            .map(|peer| format!("{test}-{peer}=http://127.0.0.1:{peer}"))
            .collect();
        let mut members: Vec<Self> = peers
            .iter()
            .map(|&peer| {
                Self::member(
                    test,
                    "http",
                    &format!("{test}-{peer}"),
                    peer,
                    &all.join(","),
                )
            })
            .collect();
        members.iter_mut().for_each(Self::spawn);
        members.iter_mut().for_each(Self::wait);
        members
    }

    fn member(test: &str, scheme: &'static str, name: &str, peer: u16, all: &str) -> Self {
        let folder = Folder::new(test);
        let port = free_port();
        let (client, peer) = (
            format!("{scheme}://127.0.0.1:{port}"),
            format!("http://127.0.0.1:{peer}"),
        );
        let arguments = [
            ("--name", name),
            ("--listen-client-urls", &client),
            ("--advertise-client-urls", &client),
            ("--listen-peer-urls", &peer),
            ("--initial-advertise-peer-urls", &peer),
            ("--initial-cluster", all),
            ("--initial-cluster-state", "new"),
            ("--logger", "zap"),
        ];
        Self {
            data: folder.file("data"),
            folder,
            port,
            scheme,
            arguments: arguments
                .iter()
                .flat_map(|(option, value)| [(*option).to_owned(), (*value).to_owned()])
                .collect(),
            child: None,
        }
    }

    /// Starts it, after [`kill`](Self::kill) again, and waits until it answers.
    pub fn run(&mut self) {
        self.spawn();
        self.wait();
    }

    pub fn spawn(&mut self) {
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.folder.file("log"))
            .unwrap();
        // The kernel ends it if this test is killed.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "etcd"])
            .args(&self.arguments)
            .arg("--data-dir")
            .arg(&self.data)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    fn wait(&mut self) {
        let begin = Instant::now();
        let ready = |log: &str| log.contains("serving client traffic");
        let text = || std::fs::read_to_string(self.folder.file("log")).unwrap_or_default();
        loop {
            let ended = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().unwrap());
            let log = text();
            if ready(&log) && std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            assert!(
                ended.is_none() && begin.elapsed() < START,
                "etcd does not answer ({ended:?}): {log}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once, as a loss of power does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_file(self.folder.file("log"));
    }

    /// Saves what it holds.
    pub fn save(&self, name: &str) -> PathBuf {
        let file = self.folder.file(name);
        self.etcdctl(&["snapshot", "save", file.to_str().unwrap()]);
        file
    }

    /// Takes what was saved instead of its data; it must not run. Its cluster gets the same id.
    pub fn restore(&mut self, file: &Path) {
        self.data = self.folder.file("restored");
        let option = |name: &str| {
            let at = self
                .arguments
                .iter()
                .position(|argument| argument == name)
                .unwrap();
            self.arguments[at + 1].clone()
        };
        self.etcdctl(&[
            "snapshot",
            "restore",
            file.to_str().unwrap(),
            "--data-dir",
            self.data.to_str().unwrap(),
            "--name",
            &option("--name"),
            "--initial-cluster",
            &option("--initial-cluster"),
            "--initial-advertise-peer-urls",
            &option("--initial-advertise-peer-urls"),
        ]);
    }

    /// Runs the command of etcd on it.
    pub fn etcdctl(&self, arguments: &[&str]) -> String {
        let output = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .arg("--endpoints")
            .arg(format!("{}://127.0.0.1:{}", self.scheme, self.port))
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "etcdctl {arguments:?}: {text}{error}"
        );
        text
    }

    /// HOST:PORT.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
