//! An etcd of our own: started, stopped, cut off, and restored from a backup.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where a server listens.
#[derive(Clone, Debug)]
enum Place {
    /// On this machine.
    Here,
    /// In a network of its own, which can be cut off.
    Namespace(String),
}

/// A running etcd, stopped when dropped.
pub struct Etcd {
    folder: PathBuf,
    place: Place,
    address: String,
    ports: (u16, u16),
    child: Option<Child>,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Runs a command and says whether it succeeded.
pub fn run(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Whether the programs are here.
pub fn is_here() -> bool {
    run("etcd", &["--version"]) && run("etcdctl", &["version"])
}

impl Etcd {
    pub fn start(folder: &Path) -> Self {
        Self::start_at(folder, Place::Here, String::from("127.0.0.1"))
    }

    /// In a network of its own. `None` if this machine makes none.
    pub fn start_apart(folder: &Path) -> Option<Self> {
        let name = format!("fleet-{}", std::process::id());
        let (inner, outer) = ("veth-fleet-in", "veth-fleet-out");
        let apart = |arguments: &[&str]| {
            let all = [&["netns", "exec", &name, "ip"], arguments].concat();
            run("ip", &all)
        };
        let made = run("ip", &["netns", "add", &name])
            && run(
                "ip",
                &["link", "add", outer, "type", "veth", "peer", "name", inner],
            )
            && run("ip", &["link", "set", inner, "netns", &name])
            && run("ip", &["addr", "add", "10.213.7.1/24", "dev", outer])
            && run("ip", &["link", "set", outer, "up"])
            && apart(&["addr", "add", "10.213.7.2/24", "dev", inner])
            && apart(&["link", "set", inner, "up"])
            && apart(&["link", "set", "lo", "up"]);
        let place = Place::Namespace(name);
        if !made {
            remove(&place);
            return None;
        }
        Some(Self::start_at(folder, place, String::from("10.213.7.2")))
    }

    fn start_at(folder: &Path, place: Place, address: String) -> Self {
        let mut etcd = Self {
            folder: folder.to_owned(),
            place,
            address,
            ports: (free_port(), free_port()),
            child: None,
        };
        etcd.begin();
        etcd
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}:{}", self.address, self.ports.0)
    }

    /// Starts it with what is in its folder.
    pub fn begin(&mut self) {
        let client = self.endpoint();
        let peer = format!("http://{}:{}", self.address, self.ports.1);
        let mut command = match &self.place {
            Place::Here => Command::new("etcd"),
            Place::Namespace(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name, "etcd"]);
                command
            }
        };
        command.args(["--name", "one", "--log-level", "error"]);
        command.arg("--data-dir").arg(self.folder.join("data"));
        command.args(["--listen-client-urls", &client]);
        command.args(["--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer]);
        command.args(["--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("one={peer}")]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.unwrap());
        let start = Instant::now();
        let address = format!("{}:{}", self.address, self.ports.0);
        while TcpStream::connect(&address).is_err() || !self.ctl(&["endpoint", "health"]) {
            assert!(start.elapsed() < Duration::from_secs(30), "etcd starts");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn ctl(&self, arguments: &[&str]) -> bool {
        let endpoint = self.endpoint();
        let status = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &endpoint])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// Kills it, as a power failure does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn back_up(&self) -> PathBuf {
        let file = self.folder.join("backup.db");
        let _ = fs::remove_file(&file);
        assert!(self.ctl(&["snapshot", "save", file.to_str().unwrap()]));
        file
    }

    /// Starts it again with the content of a backup: its revisions run backwards.
    pub fn restore(&mut self, backup: &Path) {
        self.kill();
        let data = self.folder.join("data");
        fs::remove_dir_all(&data).unwrap();
        let peer = format!("http://{}:{}", self.address, self.ports.1);
        let done = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .args(["snapshot", "restore", backup.to_str().unwrap()])
            .args(["--name", "one", "--data-dir", data.to_str().unwrap()])
            .args(["--initial-cluster", &format!("one={peer}")])
            .args(["--initial-advertise-peer-urls", &peer])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.unwrap().success(), "the backup is restored");
        self.begin();
    }

    /// Cuts the network between it and the nodes, or joins it again. Packets are dropped: no connection is reset.
    pub fn cut(&self, is_cut: bool) {
        let Place::Namespace(name) = &self.place else {
            panic!("only a server in a network of its own is cut off");
        };
        let state = if is_cut { "down" } else { "up" };
        let arguments = [
            "netns",
            "exec",
            name,
            "ip",
            "link",
            "set",
            "veth-fleet-in",
            state,
        ];
        assert!(run("ip", &arguments));
    }

    /// The resident memory of the server, in bytes.
    pub fn resident(&self) -> Option<u64> {
        let child = self.child.as_ref()?;
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    }
}

fn remove(place: &Place) {
    if let Place::Namespace(name) = place {
        run("ip", &["netns", "del", name]);
        run("ip", &["link", "del", "veth-fleet-out"]);
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
        remove(&self.place);
    }
}
