//! The order of system calls when a file is written and flushed, and what remains if one fails.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use mutual_trust::error::{WriteError, WriteStep};
use mutual_trust::identity::{IfExists, write_private};
use mutual_trust::limits::MAX_TEMPORARY_NAMES;

use crate::support::folder::Folder;

const PATH: &str = "MUTUAL_TRUST_TEST_WRITE";
const EXISTING: &str = "MUTUAL_TRUST_TEST_EXISTING";

/// Runs [`writer`] under strace. `None` if strace does not work here.
fn traced(path: &Path, existing: &str, arguments: &[&str]) -> Option<(Output, String)> {
    let trace = path.with_extension("trace");
    let output = Command::new("strace")
        .args(["-f", "-y", "-o"])
        .arg(&trace)
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "issuing::syscalls::writer", "--nocapture"])
        .env(PATH, path)
        .env(EXISTING, existing)
        .output()
        .ok()?;
    let seen = fs::read_to_string(&trace).ok()?;
    let _ = fs::remove_file(&trace);
    seen.contains(".mutual-trust-").then_some((output, seen))
}

/// Writes a file in the processes that the tests below start. Does nothing otherwise.
#[test]
fn writer() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let existing = match std::env::var(EXISTING).unwrap().as_str() {
        "refuse" => IfExists::Refuse,
        _ => IfExists::Replace,
    };
    match write_private(Path::new(&path), b"new content", existing) {
        Ok(()) => println!("written"),
        Err(WriteError::NotDurable { .. }) => println!("not durable"),
        Err(WriteError::Io { step, .. }) => println!("failed: {step:?}"),
        Err(error) => println!("{error}"),
    }
}

fn skip() {
    crate::support::skips::skipped("no strace that works, so no write of a key was watched");
}

#[test]
fn a_file_is_flushed_before_it_gets_its_name_and_its_folder_after() {
    let folder = Folder::new("order");
    for existing in ["refuse", "replace"] {
        let path = folder.file(existing);
        let calls = "trace=openat,fchmod,write,fsync,linkat,link,rename,renameat,renameat2,unlink";
        let Some((output, trace)) = traced(&path, existing, &["-e", calls]) else {
            return skip();
        };
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("written"), "{said}");
        let mut lines = trace
            .lines()
            .map(|line| line.split_once(' ').unwrap().1.trim_start());
        let place = if existing == "refuse" {
            "link"
        } else {
            "rename"
        };
        let folder_name = folder.path().to_str().unwrap();
        let in_order: [&dyn Fn(&str) -> bool; 6] = [
            &|line| line.starts_with("openat") && line.contains("O_EXCL") && line.contains("0600"),
            &|line| line.starts_with("fchmod") && line.contains(".tmp>, 0600"),
            &|line| line.starts_with("write") && line.contains("new content"),
            &|line| line.starts_with("fsync") && line.contains(".tmp>"),
            &|line| line.starts_with(place) && line.contains(".tmp"),
            &|line| line.starts_with("fsync") && line.contains(&format!("<{folder_name}>)")),
        ];
        for (step, expected) in in_order.iter().enumerate() {
            let found = lines.any(expected);
            assert!(
                found,
                "{existing}: step {step} is missing or too early:\n{trace}"
            );
        }
    }
}

#[test]
fn a_step_that_fails_leaves_what_was_there_and_no_temporary_file() {
    let folder = Folder::new("failing");
    // (the call that fails, its error, the text, whether the new content is in place)
    let cases = [
        ("fchmod", "EPERM", "failed: Create", false),
        ("fsync", "EIO", "failed: Flush", false),
        ("link,linkat", "EPERM", "failed: Link", false),
        (
            "rename,renameat,renameat2",
            "ENOSPC",
            "failed: Rename",
            false,
        ),
        ("fsync", "EIO:when=2", "not durable", true),
    ];
    for (number, (call, error, expected, written)) in cases.into_iter().enumerate() {
        let link = call.starts_with("link");
        let existing = if link { "refuse" } else { "replace" };
        let path = folder.file(&format!("key-{number}"));
        if !link {
            fs::write(&path, "old content").unwrap();
        }
        let inject = format!("inject={call}:error={error}");
        let trace = "trace=openat,fchmod,fsync,link,linkat,rename,renameat,renameat2";
        let Some((output, trace)) = traced(&path, existing, &["-e", trace, "-e", &inject]) else {
            return skip();
        };
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(expected), "{inject}: {said}\n{trace}");
        let there = fs::read_to_string(&path).unwrap_or_default();
        let content = match (link, written) {
            (true, _) => "",
            (false, true) => "new content",
            (false, false) => "old content",
        };
        assert_eq!(there, content, "{inject}");
        let names = folder.names();
        let left = names.iter().find(|name| name.starts_with(".mutual-trust"));
        assert_eq!(left, None, "{inject}");
    }
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    // A process limit simulates a full disk: files cannot have any bytes.
    let folder = Folder::new("full");
    for existing in ["refuse", "replace"] {
        let path = folder.file(existing);
        let script = r#"trap '' XFSZ; ulimit -f 0 && exec "$0" "$@""#;
        let output = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "issuing::syscalls::writer", "--nocapture"])
            .env(PATH, &path)
            .env(EXISTING, existing)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let expected = format!("failed: {:?}", WriteStep::Write);
        assert!(said.contains(&expected), "{said}");
        assert_eq!(folder.names(), Vec::<String>::new());
    }
}

#[test]
fn names_that_a_process_could_count_to_are_not_written_to_and_block_no_file() {
    // Files that a crash left behind, or links that another user placed.
    for taken in [1, 2 * MAX_TEMPORARY_NAMES] {
        let folder = Folder::new(&format!("taken-{taken}"));
        let (path, trap) = (folder.file("key"), folder.file("trap"));
        fs::write(&trap, "old content").unwrap();
        // The shell prints its process id, waits, and then becomes the writer.
        let mut child = Command::new("sh")
            .args(["-c", r#"echo $$; read go; exec "$0" "$@""#])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "issuing::syscalls::writer", "--nocapture"])
            .env(PATH, &path)
            .env(EXISTING, "refuse")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut process = String::new();
        said.read_line(&mut process).unwrap();
        for number in 0..taken {
            let name = format!(".mutual-trust-{}-{number}.tmp", process.trim());
            symlink(&trap, folder.file(&name)).unwrap();
        }
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        let lines: Vec<String> = said.lines().map(Result::unwrap).collect();
        child.wait().unwrap();
        assert!(
            lines.iter().any(|line| line.contains("written")),
            "{lines:?}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"new content");
        assert_eq!(fs::read(&trap).unwrap(), b"old content");
        assert_eq!(folder.names().len(), taken + 2);
    }
}
