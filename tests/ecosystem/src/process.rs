//! Servers of others: started by us on loopback, ended by their id when we let go of them, also in a panic.

use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take until it listens. PostgreSQL takes a second on an idle machine.
const START: Duration = Duration::from_secs(60);

/// How long a server may take to end by itself.
const END: Duration = Duration::from_secs(5);

/// Whether a program is on the path.
pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The user of this process is root.
pub fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"))
}

/// A server's process, whose output is in a file. It ends with this, and with the thread that started it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// `program` as `user`, if we may.
    pub fn start(program: &str, user: Option<&str>, arguments: &[&str], log: &Path) -> Self {
        let file = File::create(log).unwrap();
        let copy = file.try_clone().unwrap();
        // The kernel ends the server if we are killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if let Some(user) = user.filter(|_| is_root()) {
            command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
        }
        command.arg("--").arg(program).args(arguments);
        // Nothing of the user who runs this: caddy keeps files in the home.
        let folder = log.parent().unwrap();
        command
            .env("HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .current_dir(folder);
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .spawn();
        Self {
            child: child.unwrap_or_else(|error| panic!("{command:?}: {error}")),
            log: log.to_owned(),
        }
    }

    /// Waits until the process listens on TCP ports.
    pub fn wait_listening(&mut self, ports: &[u16]) {
        let begin = Instant::now();
        while !ports.iter().all(|port| listens(*port)) {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || begin.elapsed() > START {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                panic!("{} does not listen ({ended:?}): {log}", self.log.display());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // PostgreSQL ends its own processes if it is asked to end; the others have none.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &id]).status();
        let begin = Instant::now();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) && begin.elapsed() < END {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports below those that Linux gives to sockets that ask for none: another program may get one of these between our
/// question and the start of the server.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port of loopback that is free now, for TCP and for UDP. No port is returned twice.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Two processes of this program begin at different ports.
    let begin = std::process::id().wrapping_mul(40);
    loop {
        let at = begin.wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst))
            % u32::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(at).unwrap();
        let address = ("127.0.0.1", port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
}

/// Whether a process listens on a port, found without a connection.
fn listens(port: u16) -> bool {
    let wanted = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|file| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| {
            let mut words = line.split_whitespace();
            let is_wanted = words.nth(1).is_some_and(|local| local.ends_with(&wanted));
            is_wanted && words.nth(1) == Some("0A")
        })
    })
}
