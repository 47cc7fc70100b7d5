//! Links between our two ends and the TLS stacks and key servers of others. `tests/interop/run` prepares and runs it.
//!
//! `mutual-trust-interop --work FOLDER --results FILE [--check] [--require-all] [--only PEER]`. The work folder has what
//! was built for the peers; the results are rewritten, or with `--check` compared.

#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a harness that cannot go on has failed"
)]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "the modules of a program are its own business"
)]

mod c;
mod cells;
mod kmip;
mod link;
mod peers;
mod process;
mod run;
mod shapes;
mod table;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use link::Ground;
use peers::{Peer, Tools};
use run::Results;
use shapes::Shapes;

/// What is run: a place in the table, its name, and the two ends.
enum Task {
    /// A peer of our ends over rustls.
    Peer(usize, &'static str, Box<dyn Peer>),
    /// A C program as our end, and its peer.
    Program(usize, &'static str, c::Program, Box<dyn Peer>),
}

/// Peers that run at the same time.
const AT_ONCE: usize = 3;

#[derive(Debug, Default)]
struct Arguments {
    work: PathBuf,
    results: PathBuf,
    check: bool,
    require_all: bool,
    only: Option<String>,
}

fn arguments() -> Option<Arguments> {
    let mut found = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--work" => found.work = words.next()?.into(),
            "--results" => found.results = words.next()?.into(),
            "--check" => found.check = true,
            "--require-all" => found.require_all = true,
            "--only" => found.only = Some(words.next()?),
            _ => return None,
        }
    }
    (found.work.is_absolute() && found.results.is_absolute()).then_some(found)
}

/// Says that a peer was skipped; where `MUTUAL_TRUST_SKIPS` names a file, such lines are collected and counted there.
fn skip(what: &str) {
    println!("SKIPPED: {what}");
    if let Some(path) = std::env::var_os("MUTUAL_TRUST_SKIPS") {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.append(true).create(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, format!("SKIPPED: {what}\n").as_bytes()).unwrap();
    }
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!(
            "interop --work FOLDER --results FILE [--check] [--require-all] [--only PEER], absolute paths"
        );
        return ExitCode::from(2);
    };
    let there = |path: PathBuf| path.exists().then_some(path);
    let work = &arguments.work;
    let scripts = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"));
    let tools = Tools {
        go: there(work.join("gopeer")),
        java: there(work.join("Peer.class")).map(|_| work.clone()),
        python: there(work.join("venv/bin/python")),
        work: work.clone(),
        scripts,
        // Built into the same folder.
        command: std::env::current_exe()
            .unwrap()
            .with_file_name("mutual-trust"),
    };
    let ground = Ground::new(Shapes::make(&work.join("shapes"), tools.go.as_deref()));
    let mut skipped = Vec::new();
    let mut queue = VecDeque::new();
    let mut names = Vec::new();
    for (index, (name, peer)) in peers::all(&tools).into_iter().enumerate() {
        names.push(name);
        match peer {
            _ if arguments.only.as_ref().is_some_and(|only| only != name) => skipped.push(name),
            Some(peer) => queue.push_back(Task::Peer(index, name, peer)),
            None => skipped.push(name),
        }
    }
    let mut programs = Vec::new();
    for (index, (name, program)) in c::STACKS.into_iter().enumerate() {
        programs.push((name, None));
        let only = arguments.only.as_deref().is_none_or(|only| only == name);
        let found = c::Program::find(&tools, name, program).filter(|_| only);
        match found.and_then(|(program, tools)| Some((program, c::peer(&tools)?))) {
            Some((program, peer)) => queue.push_back(Task::Program(index, name, program, peer)),
            None => skipped.push(name),
        }
    }
    for name in &skipped {
        skip(&format!("{name} is not to be had here"));
    }
    let stores = c::Stores::make(&work.join("c/stores"), &ground);
    let queue = Mutex::new(queue);
    let results: Mutex<Vec<Option<Results>>> = Mutex::new(names.iter().map(|_| None).collect());
    let programs = Mutex::new(programs);
    let keys = std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    // The lock is let go of before the peer runs.
                    let next = queue.lock().unwrap().pop_front();
                    let Some(task) = next else {
                        break;
                    };
                    let begin = std::time::Instant::now();
                    let name = match task {
                        Task::Peer(index, name, mut peer) => {
                            let found = run::peer(name, peer.as_mut(), &ground);
                            results.lock().unwrap()[index] = Some(found);
                            name
                        }
                        Task::Program(index, name, program, mut peer) => {
                            let found = c::run(&program, peer.as_mut(), &ground, &stores);
                            programs.lock().unwrap()[index].1 = Some(found);
                            name
                        }
                    };
                    println!("{name}: {} s", begin.elapsed().as_secs());
                }
            });
        }
        let begin = std::time::Instant::now();
        let keys = kmip::run(&ground, &tools);
        println!("keys: {} s", begin.elapsed().as_secs());
        keys
    });
    let results = results.into_inner().unwrap();
    let programs = programs.into_inner().unwrap();
    let table = table::Table {
        names: &names,
        results: &results,
        programs: &programs,
        keys: keys.as_deref(),
    };
    let text = table.text();
    let bad = table.bad();
    for line in &bad {
        println!("NOT AS EXPECTED: {line}");
    }
    let mut failed = !bad.is_empty() || (arguments.require_all && !skipped.is_empty());
    if arguments.check {
        let before = std::fs::read_to_string(&arguments.results).unwrap_or_default();
        if !table::agree(&before, &text) {
            println!(
                "the results are not those of {}",
                arguments.results.display()
            );
            let _ = std::fs::write(work.join("RESULTS.md"), &text);
            failed = true;
        }
    } else if arguments.only.is_none() {
        std::fs::write(&arguments.results, &text).unwrap();
    }
    println!("{}", table.summary());
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
