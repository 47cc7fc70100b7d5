//! A process of the demonstration, with the console of its administrator.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;

/// No command takes so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// It is killed when this is dropped, and ends by itself when its console is closed.
pub(crate) struct Process {
    pub(crate) name: String,
    child: Child,
    console: Option<ChildStdin>,
    answers: Receiver<String>,
    log: PathBuf,
}

/// What a process answered: words of the form `what=value`.
#[derive(Clone, Debug)]
pub(crate) struct Answer(pub(crate) String);

impl Answer {
    pub(crate) fn get(&self, what: &str) -> Outcome<&str> {
        let words = self.0.split_whitespace();
        let mut values = words.filter_map(|word| word.strip_prefix(what)?.strip_prefix('='));
        let found = values.next();
        found.ok_or_else(|| format!("no {what} in the answer: {}", self.0).into())
    }

    pub(crate) fn number(&self, what: &str) -> Outcome<u64> {
        Ok(self.get(what)?.parse()?)
    }
}

impl Process {
    /// Starts this program in another role, and waits until it is ready.
    pub(crate) fn start(name: &str, role: &str, folder: &Path, site: &Path) -> Outcome<Self> {
        let log = folder.join("log");
        let mut child = Command::new(std::env::current_exe()?)
            .args([role, name])
            .args([folder, site])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?)
            .spawn()?;
        let (console, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or("the process has no output")?;
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let name = name.to_owned();
        let process = Self {
            name,
            child,
            console,
            answers,
            log,
        };
        match process.answers.recv_timeout(PATIENCE).as_deref() {
            Ok("ready") => Ok(process),
            other => Err(process.failed(&format!("it is not ready: {other:?}"))),
        }
    }

    /// What its administrator types, and what it answers.
    pub(crate) fn ask(&mut self, command: &str) -> Outcome<Answer> {
        let line = self.say(command)?;
        match line.strip_prefix("ok ") {
            Some(answer) => Ok(Answer(answer.to_owned())),
            None => Err(self.failed(&format!("`{command}`: {line}"))),
        }
    }

    /// The same for what must be refused. Returns why.
    pub(crate) fn ask_refused(&mut self, command: &str) -> Outcome<String> {
        let line = self.say(command)?;
        match line.strip_prefix("error ") {
            Some(why) => Ok(why.to_owned()),
            None => Err(self.failed(&format!("`{command}` should be refused: {line}"))),
        }
    }

    fn say(&mut self, command: &str) -> Outcome<String> {
        let console = self.console.as_mut().ok_or("the console is closed")?;
        let written = console.write_all(format!("{command}\n").as_bytes());
        written.map_err(|error| self.failed(&format!("`{command}`: {error}")))?;
        let answer = self.answers.recv_timeout(PATIENCE);
        answer.map_err(|error| self.failed(&format!("no answer to `{command}`: {error}")))
    }

    /// An error with the end of its log.
    fn failed(&self, what: &str) -> Box<dyn std::error::Error + Send + Sync> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines
            .get(lines.len().saturating_sub(10)..)
            .unwrap_or_default();
        format!("{}: {what}\n{}", self.name, last.join("\n")).into()
    }

    /// Its power fails.
    pub(crate) fn kill(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Closes its console, and waits until it has ended by itself.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        drop(self.console.take());
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > PATIENCE {
                return Err(self.failed("it goes on although its console is closed"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All processes by their names.
#[derive(Default)]
pub(crate) struct Processes(BTreeMap<String, Process>);

impl Processes {
    pub(crate) fn add(&mut self, process: Process) {
        self.0.insert(process.name.clone(), process);
    }

    pub(crate) fn get(&mut self, name: &str) -> Outcome<&mut Process> {
        let found = self.0.get_mut(name);
        found.ok_or_else(|| format!("there is no process {name}").into())
    }

    pub(crate) fn ask(&mut self, name: &str, command: &str) -> Outcome<Answer> {
        self.get(name)?.ask(command)
    }

    pub(crate) fn take(&mut self, name: &str) -> Outcome<Process> {
        let found = self.0.remove(name);
        found.ok_or_else(|| format!("there is no process {name}").into())
    }

    /// Stops all. Returns how many there were.
    pub(crate) fn stop(&mut self) -> Outcome<usize> {
        let all = core::mem::take(&mut self.0);
        let count = all.len();
        all.into_values().try_for_each(Process::stop)?;
        Ok(count)
    }
}
