//! A process that is killed, and a kernel that refuses, at every system call of a save: what is loaded afterwards
//! is the old store or the new one, whole. Needs strace; without one that works, each test says that it is skipped.
//!
//! A save adds a change to the file, or writes a new snapshot with the change behind it. Both are tried.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use mutual_trust::CurrentTime;
use mutual_trust::admin::DurableStore;

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

const FOLDER: &str = "MUTUAL_TRUST_TEST_SAVE";
const WHAT: &str = "MUTUAL_TRUST_TEST_SAVE_WHAT";
const CURRENT: &str = "trust-store";

/// Changes a store, in the processes that the tests below start; else does nothing. Says what came of it.
#[test]
fn saver() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    // So that the number of the first write to the file is one that no other thread of the process reaches.
    (0..4).for_each(|_| println!("ready"));
    if std::env::var(WHAT).unwrap() == "create" {
        match DurableStore::create(Path::new(&folder), settings()) {
            Ok(_) => println!("saved"),
            Err(error) => println!("refused: {error}"),
        }
        return;
    }
    if std::env::var(WHAT).unwrap() == "recover" {
        match DurableStore::recover(Path::new(&folder), settings()) {
            Ok(_) => println!("saved"),
            Err(error) => println!("refused: {error}"),
        }
        return;
    }
    let later = CurrentTime::Known(at(NOW + DAY));
    let settings = match std::env::var(WHAT).unwrap().as_str() {
        "refresh" => settings().with_clock(Arc::new(later)),
        "refuse" => settings().with_refusals_recorded(),
        _ => settings(),
    };
    let opened = DurableStore::open(Path::new(&folder), settings);
    let Ok((mut store, _)) = opened else {
        println!("not opened");
        return;
    };
    if std::env::var(WHAT).unwrap() == "block" {
        let gone = fixture("ca-false");
        let blocked = store.block(&gone);
        let in_force = store.live().current().blocks().count();
        println!(
            "{in_force} blocks in force, unsaved: {}",
            blocked.unsaved.is_some()
        );
        println!("good: {}", store.health().is_good());
        println!("stored again: {}", store.refresh().is_ok());
        println!("good then: {}", store.health().is_good());
        return;
    }
    if std::env::var(WHAT).unwrap() == "refuse" {
        let refused = store.change(|store| store.remove_server(&server_id("nowhere")).map(drop));
        println!("refused: {}", refused.is_err());
        println!("recorded: {}", store.health().is_good());
        return;
    }
    if std::env::var(WHAT).unwrap() == "refresh" {
        match store.refresh() {
            Ok(_) => println!("saved"),
            Err(error) => println!("refused: {error}"),
        }
        return;
    }
    let before = facts(&store.live().current());
    match store.change(|store| store.add_server(server_id("new"), [])) {
        Ok(_) => println!("saved"),
        Err(error) => {
            let same = facts(&store.live().current()) == before;
            let behind = store.health().refused_change_on_disk;
            println!("refused, in force as before: {same}, behind: {behind}: {error:?}");
            if std::env::var(WHAT).unwrap() == "heal" {
                println!("good: {}", store.health().is_good());
                println!("refreshed: {}", store.refresh().is_ok());
                println!("good then: {}", store.health().is_good());
            }
        }
    }
}

/// A folder with a store that was saved twice, to be copied for each case.
struct Prepared {
    folder: Folder,
}

impl Prepared {
    /// The next change is added to the file.
    fn new(test: &str) -> Self {
        let folder = Folder::new(&format!("{test}-prepared"));
        drop(durable(folder.path()));
        Self { folder }
    }

    /// The next change needs a new snapshot: the file is one of version 1.0.
    fn alone(test: &str) -> Self {
        let prepared = Self::new(&format!("{test}-alone"));
        apart(prepared.folder.path());
        prepared
    }

    fn both(test: &str) -> [Self; 2] {
        [Self::new(test), Self::alone(test)]
    }

    fn copy(&self, to: &Folder) {
        for name in to.names() {
            fs::remove_file(to.file(&name)).unwrap();
        }
        for name in self.folder.names() {
            fs::copy(self.folder.file(&name), to.file(&name)).unwrap();
        }
    }

    fn old(&self) -> Vec<String> {
        facts_in(&self.folder)
    }
}

fn facts_in(folder: &Folder) -> Vec<String> {
    let (store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    facts(store.contents())
}

/// Whether there is a strace that may trace.
fn strace_works() -> bool {
    let status = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status();
    let works = status.is_ok_and(|status| status.success());
    if !works {
        skips::skipped("no strace that works, so no save was interrupted");
    }
    works
}

/// Runs [`saver`] under strace: what it said, and the trace.
fn traced(folder: &Folder, what: &str, arguments: &[String]) -> (String, String) {
    let trace = folder.path().with_extension("trace");
    let output = Command::new("strace")
        .args(["-f", "-y", "-o"])
        .arg(&trace)
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "durable::syscalls::saver", "--nocapture"])
        .env(FOLDER, folder.path())
        .env(WHAT, what)
        .output()
        .unwrap();
    let seen = fs::read_to_string(&trace).unwrap();
    let _ = fs::remove_file(&trace);
    (String::from_utf8_lossy(&output.stdout).into_owned(), seen)
}

/// The calls with which the folder is touched: each by its name, and as which one of that name its thread makes it.
fn points(trace: &str, folder: &Folder) -> BTreeSet<(String, usize)> {
    let path = folder.path().to_str().unwrap();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut points = BTreeSet::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let Some((name, rest)) = call.trim_start().split_once('(') else {
            continue;
        };
        if name.contains(['<', '+', '-']) || name == "execve" {
            continue;
        }
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        if rest.contains(path) {
            points.insert((name.to_owned(), *count));
        }
    }
    points
}

/// A step, and how its line in the trace is recognised.
type Step<'a> = (&'a str, &'a dyn Fn(&str) -> bool);

fn in_this_order(trace: &str, steps: &[Step<'_>]) {
    let mut lines = trace
        .lines()
        .map(|line| line.split_once(' ').unwrap().1.trim_start());
    for (step, expected) in steps {
        assert!(
            lines.any(expected),
            "{step} is missing or too early:\n{trace}"
        );
    }
}

#[test]
fn a_change_is_added_and_flushed_under_both_locks() {
    if !strace_works() {
        return;
    }
    let prepared = Prepared::new("added");
    let folder = Folder::new("added");
    prepared.copy(&folder);
    let (said, trace) = traced(&folder, "change", &[]);
    assert!(said.contains("saved"), "{said}");
    let file = format!("{}/{CURRENT}", folder.path().to_str().unwrap());
    let own = format!("<{file}>");
    // Opening locks and reads as well.
    let (_, trace) = trace.rsplit_once("O_CREAT|O_EXCL").unwrap();
    in_this_order(
        trace,
        &[
            ("the lock", &|line| {
                line.starts_with("flock(") && line.contains(".lock>") && line.contains("LOCK_EX")
            }),
            ("the lock of the file", &|line| {
                line.starts_with("flock(") && line.contains(&own) && line.contains("LOCK_EX")
            }),
            ("the change", &|line| {
                line.starts_with("write(") && line.contains(&format!("{own}, \"change "))
            }),
            ("its flush", &|line| {
                line.starts_with("fdatasync(") && line.contains(&own)
            }),
            ("the end of the lock", &|line| {
                line.starts_with("flock(") && line.contains("LOCK_UN")
            }),
        ],
    );
    let flushes = trace.matches("sync(").count();
    assert_eq!(flushes, 1, "one flush for a change:\n{trace}");
}

#[test]
fn the_new_file_is_flushed_before_it_gets_the_name_and_the_folder_after() {
    if !strace_works() {
        return;
    }
    let prepared = Prepared::alone("order");
    let folder = Folder::new("order");
    prepared.copy(&folder);
    let (said, trace) = traced(&folder, "change", &[]);
    assert!(said.contains("saved"), "{said}");
    let name = folder.path().to_str().unwrap();
    let file = format!("{name}/{CURRENT}");
    in_this_order(
        &trace,
        &[
            ("the lock", &|line| {
                line.starts_with("flock(") && line.contains(".lock>")
            }),
            ("a file of its own", &|line| {
                line.starts_with("openat(") && line.contains("O_EXCL") && line.contains("0600")
            }),
            ("the content", &|line| {
                line.starts_with("write(") && line.contains(".tmp>, \"mutual-trust store 2.0")
            }),
            ("its flush", &|line| {
                line.starts_with("fsync(") && line.contains(".tmp>")
            }),
            ("its lock", &|line| {
                line.starts_with("flock(") && line.contains(".tmp>, LOCK_EX")
            }),
            ("a second name of the old one", &|line| {
                line.starts_with("link") && line.contains(&format!("\"{file}\""))
            }),
            ("the old one as the previous", &|line| {
                line.starts_with("rename") && line.contains(&format!("\"{file}.previous\""))
            }),
            ("the new one in its place", &|line| {
                line.starts_with("rename") && line.contains(&format!("\"{file}\""))
            }),
            ("the flush of the folder", &|line| {
                line.starts_with("fsync(") && line.contains(&format!("<{name}>)"))
            }),
        ],
    );
}

#[test]
fn a_process_that_is_killed_at_any_call_leaves_the_old_store_or_the_new_one() {
    if !strace_works() {
        return;
    }
    for prepared in Prepared::both("killed") {
        // A refresh stores the floor of the next day.
        for what in ["change", "refresh"] {
            killed_at_any_call(&prepared, what);
        }
    }
}

fn killed_at_any_call(prepared: &Prepared, what: &str) {
    let folder = Folder::new("killed");
    prepared.copy(&folder);
    let (said, trace) = traced(&folder, what, &[]);
    assert!(said.contains("saved"), "{said}");
    let (old, new) = (prepared.old(), facts_in(&folder));
    assert_ne!(old, new);
    let points = points(&trace, &folder);
    assert!(points.len() >= 12, "{points:?}");
    let (mut olds, mut news) = (0, 0);
    for (call, number) in points {
        prepared.copy(&folder);
        let inject = format!("inject={call}:signal=KILL:when={number}");
        let (said, trace) = traced(&folder, what, &["-e".into(), inject.clone()]);
        assert!(trace.contains("+++ killed by SIGKILL"), "{inject}: {trace}");
        let found = facts_in(&folder);
        // Killed when it had said so, it has done so.
        assert!(
            found == new || !said.contains("saved"),
            "{inject}: {said}\n{trace}"
        );
        olds += usize::from(found == old);
        news += usize::from(found == new);
        assert!(found == old || found == new, "{inject}: {found:#?}");
        // What it left does not stand in the way of the next.
        let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
        store
            .change(|store| store.add_server(server_id("later"), []))
            .unwrap();
    }
    assert!(olds > 5 && news > 0, "{olds} old, {news} new");
}

/// The record of a refused change is whole or not there, and the store is as it was.
#[test]
fn a_process_that_is_killed_while_it_records_a_refusal_leaves_the_store_as_it_was() {
    if !strace_works() {
        return;
    }
    let prepared = Prepared::new("killed-refusal");
    let folder = Folder::new("killed-refusal");
    let refusals = || {
        let history = DurableStore::history(folder.path(), &settings()).unwrap();
        history.refusals.len()
    };
    prepared.copy(&folder);
    let (said, trace) = traced(&folder, "refuse", &[]);
    assert!(said.contains("refused: true\nrecorded: true"), "{said}");
    assert_eq!((facts_in(&folder), refusals()), (prepared.old(), 1));
    let points = points(&trace, &folder);
    assert!(points.len() >= 12, "{points:?}");
    let mut counts = [0, 0];
    for (call, number) in points {
        for what in ["signal=KILL", "error=EIO"] {
            prepared.copy(&folder);
            let inject = format!("inject={call}:{what}:when={number}");
            let (said, _) = traced(&folder, "refuse", &["-e".into(), inject.clone()]);
            assert_eq!(facts_in(&folder), prepared.old(), "{inject}");
            let recorded = refusals();
            counts[recorded] += 1;
            assert!(
                recorded == 1 || !said.contains("recorded: true"),
                "{inject}: {said}"
            );
            let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
            store
                .change(|store| store.add_server(server_id("later"), []))
                .unwrap();
        }
    }
    assert!(counts[0] > 5 && counts[1] > 0, "{counts:?}");
}

/// A recovery that is killed leaves the damaged store, which can be recovered, or the recovered one.
#[test]
fn a_recovery_that_is_killed_at_any_call_can_be_made_again() {
    if !strace_works() {
        return;
    }
    let prepared = Prepared::new("killed-recovery");
    let file = prepared.folder.file(CURRENT);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("+block key", "+block kay", 1)).unwrap();
    let folder = Folder::new("killed-recovery");
    prepared.copy(&folder);
    let (said, trace) = traced(&folder, "recover", &[]);
    assert!(said.contains("saved"), "{said}");
    let expected = facts_in(&folder);
    let (mut damaged, mut recovered) = (0, 0);
    for (call, number) in points(&trace, &folder) {
        prepared.copy(&folder);
        let inject = format!("inject={call}:signal=KILL:when={number}");
        let (said, trace) = traced(&folder, "recover", &["-e".into(), inject.clone()]);
        assert!(trace.contains("+++ killed by SIGKILL"), "{inject}: {trace}");
        if DurableStore::open(folder.path(), settings()).is_err() {
            assert!(!said.contains("saved"), "{inject}: {said}");
            damaged += 1;
            let (_, report) = DurableStore::recover(folder.path(), settings()).unwrap();
            assert!(report.blocks.len() >= 3, "{inject}: {report}");
        } else {
            recovered += 1;
        }
        assert_eq!(facts_in(&folder), expected, "{inject}");
    }
    assert!(damaged > 5 && recovered > 0, "{damaged} {recovered}");
}

/// VFAT and some network file systems have no hard links. The lock keeps others from making a store meanwhile.
#[test]
fn a_store_is_made_and_changed_where_there_are_no_hard_links() {
    if !strace_works() {
        return;
    }
    let folder = Folder::new("linkless");
    let refused = ["-e".to_owned(), "inject=link,linkat:error=EPERM".to_owned()];
    let (said, trace) = traced(&folder, "create", &refused);
    assert!(said.contains("saved"), "{said}");
    assert!(trace.contains("EPERM"), "it was not tried:\n{trace}");
    let (said, _) = traced(&folder, "create", &refused);
    assert!(said.contains("there is a store already"), "{said}");
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    store.change(fill).unwrap();
    drop(store);
    apart(folder.path());
    let (said, _) = traced(&folder, "change", &refused);
    assert!(said.contains("saved"), "{said}");
    assert!(folder.file("trust-store.previous").exists());
    assert!(!folder.names().iter().any(|name| name.ends_with(".tmp")));
}

#[test]
fn an_error_of_any_call_leaves_the_old_store_or_the_new_one_and_says_which() {
    if !strace_works() {
        return;
    }
    let [added, alone] = Prepared::both("refusing");
    let calls = ["fdatasync", "write", "openat"];
    let steps = ["step: Append,", "step: FlushAppended,"];
    refused_at_any_call(&added, &calls, &steps);
    let calls = ["fsync", "write", "openat"];
    let steps = [
        "step: Create,",
        "step: Write,",
        "step: Flush,",
        "step: Rename,",
    ];
    refused_at_any_call(&alone, &calls, &steps);
}

fn refused_at_any_call(prepared: &Prepared, calls: &[&str], steps: &[&str]) {
    let folder = Folder::new("refusing");
    prepared.copy(&folder);
    let (_, trace) = traced(&folder, "change", &[]);
    let old = prepared.old();
    let is_new = |fact: &String| fact.contains("ServerId(new)");
    let mut refused = BTreeSet::new();
    let mut all_said = String::new();
    for (call, number) in points(&trace, &folder) {
        // A disk that is full, one that fails, and one that fails from then on.
        for error in [
            format!("error=ENOSPC:when={number}"),
            format!("error=EIO:when={number}"),
            format!("error=EIO:when={number}+"),
        ] {
            if call == "close" || call == "flock" || call == "munmap" {
                // Rust ends the process over the first, as it may over nobody else's descriptor.
                continue;
            }
            prepared.copy(&folder);
            let inject = format!("inject={call}:{error}");
            let arguments = ["-e".into(), inject.clone()];
            let (said, trace) = traced(&folder, "change", &arguments);
            let found = facts_in(&folder);
            let new = found.iter().any(is_new);
            let context = || format!("{inject}: {said}\n{trace}");
            if said.contains("saved") {
                assert!(new, "{}", context());
            } else if said.contains("refused") {
                assert!(said.contains("in force as before: true"), "{}", context());
                let behind = said.contains("behind: true");
                assert!(!new || behind, "{}", context());
                refused.insert(call.clone());
                all_said.push_str(&said);
            } else {
                // It was not opened, or its output is what was refused.
                assert!(found == old || new, "{}", context());
            }
        }
    }
    for call in calls {
        assert!(refused.contains(*call), "{refused:?}");
    }
    // Each error says at which step it was.
    for step in steps {
        assert!(all_said.contains(step), "{step}: {all_said}");
    }
}

#[test]
fn each_step_that_fails_is_refused_and_what_cannot_be_linked_is_copied() {
    if !strace_works() {
        return;
    }
    let [added, alone] = Prepared::both("steps");
    let names = "rename,renameat,renameat2";
    // (which calls fail and how, what is said, whether the change is in the file)
    let of_snapshots: [(&[String], &str, bool); 8] = [
        (&["fsync:error=EIO:when=1".into()], "behind: false", false),
        // The folder is not flushed: the change is taken out of the new file.
        (&["fsync:error=EIO:when=2".into()], "behind: false", false),
        // It is taken out, and that may not be on the disk.
        (
            &[
                "fsync:error=EIO:when=2".into(),
                "fdatasync:error=EIO".into(),
            ],
            "behind: true",
            false,
        ),
        // Nor can it be taken out.
        (
            &[
                "fsync:error=EIO:when=2".into(),
                "ftruncate:error=EIO".into(),
            ],
            "behind: true",
            true,
        ),
        (&[format!("{names}:error=ENOSPC:when=1")], "saved", true),
        (
            &[format!("{names}:error=ENOSPC:when=2")],
            "behind: false",
            false,
        ),
        (&[format!("{names}:error=ENOSPC")], "behind: false", false),
        (&["link,linkat:error=EPERM".into()], "saved", true),
    ];
    let of_changes: [(&[String], &str, bool); 4] = [
        (
            &["fdatasync:error=EIO:when=1".into()],
            "behind: false",
            false,
        ),
        (&["fdatasync:error=EIO".into()], "behind: true", false),
        (
            &["fdatasync:error=EIO".into(), "ftruncate:error=EIO".into()],
            "behind: true",
            true,
        ),
        (&["fsync:error=EIO".into()], "saved", true),
    ];
    for (prepared, cases) in [(&alone, &of_snapshots[..]), (&added, &of_changes[..])] {
        for (injected, expected, written) in cases {
            step(prepared, injected, expected, *written);
        }
    }
}

fn step(prepared: &Prepared, injected: &[String], expected: &str, written: bool) {
    let folder = Folder::new("steps");
    let (old, _) = DurableStore::open(prepared.folder.path(), settings()).unwrap();
    let old = old.contents().generation();
    prepared.copy(&folder);
    let calls = "openat,write,fsync,fdatasync,ftruncate,link,linkat,rename,renameat,renameat2";
    let mut arguments = vec!["-e".to_owned(), format!("trace={calls}")];
    for inject in injected {
        arguments.extend(["-e".to_owned(), format!("inject={inject}")]);
    }
    let (said, trace) = traced(&folder, "change", &arguments);
    assert!(said.contains(expected), "{injected:?}: {said}\n{trace}");
    let found = facts_in(&folder);
    let new = found.iter().any(|fact| fact.contains("ServerId(new)"));
    assert_eq!(new, written, "{injected:?}: {said}\n{trace}");
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let generation = store.contents().generation();
    assert_eq!(generation, old + u64::from(written), "{injected:?}");
    // What it left does not stand in the way of the next.
    store
        .change(|store| store.add_server(server_id("later"), []))
        .unwrap();
}

#[test]
fn a_block_is_in_force_when_the_disk_refuses_and_stored_at_the_first_chance() {
    if !strace_works() {
        return;
    }
    let prepared = Prepared::new("blocking");
    let folder = Folder::new("blocking");
    let once = ("fdatasync:error=EIO:when=1", true);
    // Nothing is flushed any more, whichever way it is asked for.
    let always = ("fsync,fdatasync:error=EIO", false);
    for (inject, later) in [once, always] {
        prepared.copy(&folder);
        let inject = format!("inject={inject}");
        let arguments = [
            "-e".into(),
            "trace=openat,fsync,fdatasync".into(),
            "-e".into(),
            inject,
        ];
        let (said, trace) = traced(&folder, "block", &arguments);
        for line in [
            "5 blocks in force, unsaved: true",
            "good: false",
            &format!("stored again: {later}"),
            &format!("good then: {later}"),
        ] {
            assert!(said.contains(line), "{line}: {said}\n{trace}");
        }
        let (store, _) = DurableStore::open(folder.path(), settings()).unwrap();
        let stored = store.contents().blocks().count();
        assert_eq!(stored, if later { 5 } else { 4 }, "{said}");
    }
}

/// A refresh says again that the disk refuses, until it takes something.
#[test]
fn health_is_not_good_before_the_disk_takes_a_change_again() {
    if !strace_works() {
        return;
    }
    let prepared = Prepared::new("healing");
    let folder = Folder::new("healing");
    let once = ("fdatasync:error=EIO:when=1", true);
    let always = ("fsync,fdatasync:error=EIO", false);
    for (inject, later) in [once, always] {
        prepared.copy(&folder);
        let arguments = ["-e".into(), format!("inject={inject}")];
        let (said, trace) = traced(&folder, "heal", &arguments);
        for line in [
            "good: false",
            &format!("refreshed: {later}"),
            &format!("good then: {later}"),
        ] {
            assert!(said.contains(line), "{line}: {said}\n{trace}");
        }
        let found = facts_in(&folder);
        assert!(!found.iter().any(|fact| fact.contains("ServerId(new)")));
    }
}

#[test]
fn a_store_does_not_open_where_its_lock_cannot_be_had() {
    if !strace_works() {
        return;
    }
    let prepared = Prepared::new("unlocked");
    let folder = Folder::new("unlocked");
    // What a file system without locks says, and one that lost its server.
    for error in ["ENOLCK", "EOPNOTSUPP", "EIO"] {
        prepared.copy(&folder);
        let arguments = ["-e".into(), format!("inject=flock:error={error}")];
        let (said, trace) = traced(&folder, "change", &arguments);
        assert!(trace.contains("(INJECTED)"), "{trace}");
        assert!(said.contains("not opened"), "{error}: {said}\n{trace}");
        assert_eq!(facts_in(&folder), prepared.old());
    }
}

#[test]
fn a_process_that_is_killed_while_it_makes_a_store_leaves_none_or_an_empty_one() {
    if !strace_works() {
        return;
    }
    let folder = Folder::new("made");
    let (said, trace) = traced(&folder, "create", &[]);
    assert!(said.contains("saved"), "{said}");
    let points = points(&trace, &folder);
    assert!(points.len() >= 6, "{points:?}");
    let (mut made, mut none) = (0, 0);
    for (call, number) in points {
        for name in folder.names() {
            fs::remove_file(folder.file(&name)).unwrap();
        }
        let inject = format!("inject={call}:signal=KILL:when={number}");
        let (said, trace) = traced(&folder, "create", &["-e".into(), inject.clone()]);
        match DurableStore::open(folder.path(), settings()) {
            Ok((store, _)) => {
                made += 1;
                assert_eq!(store.contents().entries().len(), 0, "{inject}");
            }
            Err(error) => {
                none += 1;
                assert!(!said.contains("saved"), "{inject}: {error}\n{trace}");
                // What was left does not stand in the way of making one.
                DurableStore::create(folder.path(), settings()).unwrap();
            }
        }
    }
    assert!(made > 0 && none > 0, "{made} made, {none} not");
}
