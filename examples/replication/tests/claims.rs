//! Runs the demonstration to its end, and once with each fault, which must fail a claim.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The runs measure times, so they do not run beside each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_mutual-trust-replication"));
    program.stdin(Stdio::null());
    program
}

fn run(arguments: &[&str]) -> (bool, String) {
    let _alone = alone();
    let Output {
        status,
        stdout,
        stderr,
    } = program().args(arguments).output().unwrap();
    let text = [stdout, stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    println!("{text}");
    (status.success(), text)
}

#[test]
fn every_claim_holds() {
    // What else runs here takes its share of a second, so that no claim fails by its time.
    let (success, text) = run(&["--patient"]);
    assert!(success, "{text}");
    let steps = text.lines().filter(|line| line.starts_with('('));
    assert_eq!(steps.count(), 14, "{text}");
    for claim in [
        "all 4 servers let array-7 in",
        "array-7: ",
        "no server lets array-8 in",
        "its four open links were ended as well",
        "array-7 reads its key from another server",
        "the three servers hold what it published",
        "keys-4 refuses it: the publication ends with key set 1",
        "array-7 has a link to it, by its own certificate",
        "keys-8 lets array-7 in",
        "array-7 refuses what presents itself as keys-4: AuthoritiesNotAsked",
        "eight processes have ended by themselves",
    ] {
        assert!(text.contains(&format!("ok: {claim}")), "{claim}: {text}");
    }
}

/// Each fault, and the claim that it fails.
const FAULTS: [(&str, &str); 8] = [
    ("no-distribution", "all 4 servers let array-7 in"),
    ("other-fingerprint", "the fingerprint does not match"),
    ("old-removed-first", "failed"),
    ("block-not-distributed", "no server lets array-8 in"),
    ("old-copy", "none of the others has a newer publication"),
    ("old-key-stays", "the key of the old primary signs no more"),
    ("shared-by-all", "the stand-alone server has its own"),
    ("impostor-has-key", "refuses what presents itself as keys-4"),
];

#[test]
#[ignore = "two minutes: cargo test --package mutual-trust-replication -- --ignored"]
fn each_fault_fails_its_claim() {
    for (fault, claim) in FAULTS {
        let (success, text) = run(&["--fault", fault]);
        assert!(!success, "{fault}: {text}");
        let last = text.lines().rev().take(12).collect::<Vec<_>>().join("\n");
        assert!(last.contains(claim), "{fault}: {text}");
        assert!(!text.contains("all claims hold"), "{fault}: {text}");
    }
}

/// The machines of a demonstration that is killed end by themselves: their consoles are closed.
#[cfg(target_os = "linux")]
#[test]
fn nothing_goes_on_when_it_is_killed() {
    use std::io::{BufRead, BufReader};

    let _alone = alone();
    let mut demonstration = program().stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(demonstration.stdout.take().unwrap());
    let mut lines = output.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("(2)")));
    // Its folder is in the arguments of its processes.
    let folder = format!("mutual-trust-replication-{}", demonstration.id());
    assert!(processes(&folder) >= 5);
    demonstration.kill().unwrap();
    demonstration.wait().unwrap();
    let killed = Instant::now();
    while processes(&folder) > 0 {
        assert!(killed.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::fs::remove_dir_all(std::env::temp_dir().join(folder)).unwrap();
}

/// How many processes have this word in their arguments.
#[cfg(target_os = "linux")]
fn processes(word: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let arguments = all.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let found = arguments.filter(|line| String::from_utf8_lossy(line).contains(word));
    found.count()
}
