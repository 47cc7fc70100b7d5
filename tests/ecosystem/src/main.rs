//! Client and server libraries with our configurations, against real servers. `tests/ecosystem/run` prepares and runs it.
//!
//! `mutual-trust-ecosystem --guide FILE [--check] [--require-all] [--only LIBRARY]`

mod client;
mod clients;
mod process;
mod real;
mod rows;
mod server;
mod servers;
mod table;
mod traps;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use mutual_trust_ecosystem::pki::Pki;

use real::Servers;
use table::State;

#[derive(Debug, Default)]
struct Arguments {
    guide: PathBuf,
    check: bool,
    require_all: bool,
    only: Option<String>,
    /// Connects to the nats-server on this port, with what is in the folder, and does nothing else.
    nats: Option<(PathBuf, u16)>,
}

fn arguments() -> Option<Arguments> {
    let mut found = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--guide" => found.guide = words.next()?.into(),
            "--check" => found.check = true,
            "--require-all" => found.require_all = true,
            "--only" => found.only = Some(words.next()?),
            "--nats" => found.nats = Some((words.next()?.into(), words.next()?.parse().ok()?)),
            _ => return None,
        }
    }
    Some(found)
}

/// Says that something was skipped; where `MUTUAL_TRUST_SKIPS` names a file, such lines are collected and counted there.
fn skip(what: &str) {
    println!("SKIPPED: {what}");
    if let Some(path) = std::env::var_os("MUTUAL_TRUST_SKIPS") {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.append(true).create(true).open(path).unwrap();
        writeln!(file, "SKIPPED: {what}").unwrap();
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("--guide FILE [--check] [--require-all] [--only LIBRARY]");
        return ExitCode::from(2);
    };
    if let Some((folder, port)) = arguments.nats {
        return match traps::connect_to_nats(&Pki::of_folder(folder), port).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}", client::chain(&*error));
                ExitCode::FAILURE
            }
        };
    }
    let begin = Instant::now();
    let pki = Pki::make("ecosystem");
    let servers = Servers::start(&pki);
    println!(
        "the servers listen after {} ms",
        begin.elapsed().as_millis()
    );
    let only = arguments.only.as_deref();
    let tables = [
        rows::clients(&servers, &pki, only).await,
        rows::servers(&pki, only).await,
        rows::traps(&servers, &pki, only).await,
    ];
    let of_state = |wanted| {
        tables
            .iter()
            .flat_map(|table| &table.rows)
            .filter(move |row| row.state == wanted)
    };
    for row in of_state(State::Skipped) {
        skip(&format!(
            "{}: what it needs is not to be had here",
            row.library
        ));
    }
    let mut as_expected = of_state(State::Failed).count() == 0;
    for row in of_state(State::Failed) {
        println!("NOT AS EXPECTED: {}", row.library);
    }
    if only.is_none() && as_expected && !table::keep(&tables, &arguments.guide, arguments.check) {
        println!("the tables are not those of {}", arguments.guide.display());
        as_expected = false;
    }
    if arguments.require_all && of_state(State::Skipped).count() > 0 {
        as_expected = false;
    }
    println!(
        "{} rows in {} s",
        of_state(State::Measured).count(),
        begin.elapsed().as_secs()
    );
    if as_expected {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
