//! The demonstration: it starts the machines, does what their administrators do, and checks what follows from it.

mod alone;
mod authority;
mod blocking;
mod enrolling;
mod fault;
mod founding;
mod process;
mod promotion;
mod renewal;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) use fault::Fault;
use process::{Answer, Processes};

use crate::Outcome;
use crate::machine::private_folder;
use crate::site::Site;

/// The members of the group, the primary first.
const GROUP: [&str; 4] = ["keys-1", "keys-2", "keys-3", "keys-4"];
/// Those that have a signing key: the primary, and the secondary that can be promoted.
const SIGNING: [&str; 2] = ["keys-1", "keys-2"];
/// The key server that stands alone.
const ALONE: &str = "keys-9";
/// Another one, which has a certificate of a CA.
const BY_CA: &str = "keys-8";
const ARRAYS: [&str; 2] = ["array-7", "array-8"];

/// In this time a decision of an administrator must be in force at all key servers.
const PROMISED: Duration = Duration::from_secs(1);

/// How long the demonstration waits for what has no promise.
const PATIENCE: Duration = Duration::from_secs(15);

/// Plays all steps. Nothing is left running, also when a step fails.
///
/// On a busy machine, `is_patient` waits longer before a claim counts as failed. The times are printed all the same.
pub(crate) fn run(fault: Option<Fault>, is_patient: bool) -> Outcome<()> {
    let mut play = Play::new(fault, is_patient)?;
    founding::play(&mut play)?;
    enrolling::play(&mut play)?;
    renewal::play(&mut play)?;
    blocking::play(&mut play)?;
    promotion::play(&mut play)?;
    alone::play(&mut play)?;
    authority::play(&mut play)?;
    play.step("All processes end when their consoles are closed.");
    let stopped = play.processes.stop()?;
    play.holds(stopped == 8, "eight processes have ended by themselves")?;
    println!(
        "\nall claims hold ({:.1} s)",
        play.started.elapsed().as_secs_f64()
    );
    Ok(())
}

pub(crate) struct Play {
    processes: Processes,
    site: Site,
    folder: TemporaryFolder,
    fault: Option<Fault>,
    is_patient: bool,
    started: Instant,
    steps: usize,
}

impl Play {
    fn new(fault: Option<Fault>, is_patient: bool) -> Outcome<Self> {
        Ok(Self {
            processes: Processes::default(),
            site: Site(Vec::new()),
            folder: TemporaryFolder::new()?,
            fault,
            is_patient,
            started: Instant::now(),
            steps: 0,
        })
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// All key servers.
    fn key_servers() -> impl Iterator<Item = &'static str> {
        GROUP.into_iter().chain([ALONE, BY_CA])
    }

    /// The folder of a machine.
    fn folder(&self, machine: &str) -> PathBuf {
        self.folder.0.join(machine)
    }

    fn site_file(&self) -> PathBuf {
        self.folder.0.join("site")
    }

    fn ask(&mut self, machine: &str, command: &str) -> Outcome<Answer> {
        self.processes.ask(machine, command)
    }

    /// Begins a step.
    fn step(&mut self, what: &str) {
        self.steps += 1;
        let at = self.started.elapsed().as_secs_f64();
        println!("\n({}) {what}  [{at:.1} s]", self.steps);
    }

    /// Says that a claim holds, or fails.
    fn holds(&self, holds: bool, claim: &str) -> Outcome<()> {
        println!("    {} {claim}", if holds { "ok:" } else { "NOT SO:" });
        if holds { Ok(()) } else { Err(claim.into()) }
    }

    /// Waits until a claim holds, and says how long that took. Fails if it took longer than `most`.
    fn holds_within(
        &mut self,
        most: Duration,
        claim: &str,
        holds: impl FnMut(&mut Self) -> Outcome<bool>,
    ) -> Outcome<()> {
        self.holds_since(Instant::now(), most, claim, holds)
    }

    /// The same after the command of an administrator, whose time counts as well.
    fn follows(
        &mut self,
        machine: &str,
        command: &str,
        claim: &str,
        holds: impl FnMut(&mut Self) -> Outcome<bool>,
    ) -> Outcome<()> {
        let since = Instant::now();
        self.ask(machine, command)?;
        self.holds_since(since, PROMISED, claim, holds)
    }

    fn holds_since(
        &mut self,
        since: Instant,
        most: Duration,
        claim: &str,
        mut holds: impl FnMut(&mut Self) -> Outcome<bool>,
    ) -> Outcome<()> {
        let most = match self.is_patient {
            true => PATIENCE.max(most * 4),
            false => most,
        };
        while !holds(self)? {
            if since.elapsed() > most {
                return self.holds(false, &format!("{claim}, within {most:?}"));
            }
            sleep(Duration::from_millis(5));
        }
        let took = since.elapsed().as_millis();
        self.holds(true, &format!("{claim}: after {took} ms"))
    }

    /// Of these servers, those for which the array says `what=yes`.
    fn count(&mut self, array: &str, servers: &[&str], what: &str) -> Outcome<usize> {
        let answer = self.ask(array, "status")?;
        let mut count = 0;
        for server in servers {
            count += usize::from(answer.get(&format!("{server}.{what}"))? == "true");
        }
        Ok(count)
    }

    /// Whether the array has an open link to each of these servers, and each lets it in again.
    fn is_let_in(&mut self, array: &str, servers: &[&str]) -> Outcome<bool> {
        let open = self.count(array, servers, "up")?;
        let new = self.count(array, servers, "lets-in")?;
        Ok(open == servers.len() && new == servers.len())
    }

    /// Whether the array has no open link to any of these servers, and none lets it in.
    fn is_kept_out(&mut self, array: &str, servers: &[&str]) -> Outcome<bool> {
        let open = self.count(array, servers, "up")?;
        let new = self.count(array, servers, "lets-in")?;
        Ok(open == 0 && new == 0)
    }

    /// The sum of what an array has counted for these servers.
    fn sum(&mut self, array: &str, servers: &[&str], what: &str) -> Outcome<u64> {
        let answer = self.ask(array, "status")?;
        let mut sum = 0;
        for server in servers {
            sum += answer.number(&format!("{server}.{what}"))?;
        }
        Ok(sum)
    }

    /// What a person reads out at the machine: what `openssl x509 -noout -fingerprint -sha256 -in FILE` prints there.
    fn read_out(&self, machine: &str, file: &str) -> Outcome<String> {
        let certificate = crate::machine::read_certificate(self.folder(machine).join(file))?;
        Ok(certificate.fingerprint().to_string())
    }
}

/// A new folder, which is removed when this is dropped.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> Outcome<Self> {
        let name = format!("mutual-trust-replication-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        private_folder(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What is left behind is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
