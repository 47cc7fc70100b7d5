//! Other programs: started by us, read by us, ended by their id when we let go of them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything of a peer may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A peer's process, whose output is in a file. It ends with this.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let file = File::create(log).unwrap();
        let copy = file.try_clone().unwrap();
        let child = command
            .stdin(Stdio::piped())
            .stdout(file)
            .stderr(copy)
            .spawn();
        Self {
            child: child.unwrap_or_else(|error| panic!("{command:?}: {error}")),
            log: log.to_owned(),
        }
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    pub fn write(&mut self, text: &str) {
        // A peer that has ended already says so in its log.
        let _ = self
            .child
            .stdin
            .as_mut()
            .map(|stdin| stdin.write_all(text.as_bytes()));
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until the log has one of these texts or the process has ended; tells which text, if any.
    pub fn wait_for<'a>(&mut self, texts: &[&'a str]) -> Option<&'a str> {
        let begin = Instant::now();
        loop {
            let ended = self.has_ended();
            let log = self.log();
            if let Some(found) = texts.iter().find(|text| log.contains(**text)) {
                return Some(found);
            }
            if ended || begin.elapsed() > PATIENCE {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the process listens on `port`.
    pub fn wait_listening(&mut self, port: u16) -> Result<(), String> {
        let begin = Instant::now();
        while !listens(port) {
            if self.has_ended() || begin.elapsed() > PATIENCE {
                return Err(format!("does not listen: {}", last_line(&self.log())));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A peer's program that answers commands, a line each, and serves all cells of its peer.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    pub fn say(&mut self, line: &str) {
        // In one piece, which a program may pass on as it reads it.
        let _ = self.input.write_all(format!("{line}\n").as_bytes());
    }

    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        let _ = self.output.read_line(&mut line);
        line.trim().to_owned()
    }

    /// The port of the server that was asked for.
    pub fn hear_port(&mut self) -> Result<u16, String> {
        let line = self.hear();
        line.strip_prefix("PORT ")
            .and_then(|port| port.parse().ok())
            .ok_or(line)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a worker for one line.
pub fn ask_once(command: &mut Command, line: &str) -> String {
    let mut worker = Worker::start(command);
    worker.say(line.trim());
    worker.hear()
}

/// A port of loopback that is free now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Whether a process listens on a port, without a connection that a peer would count as a failed handshake.
fn listens(port: u16) -> bool {
    let wanted = format!(":{port:04X} ");
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|file| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            let local = words.next().unwrap_or_default();
            let state = words.nth(1).unwrap_or_default();
            state == "0A" && format!("{local} ").ends_with(&wanted)
        })
    })
}

pub fn last_line(text: &str) -> &str {
    text.lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("nothing was said")
}
