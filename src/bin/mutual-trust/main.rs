//! `mutual-trust`: looks at certificates, keeps a trust store, and says why a link is trusted or not.
//!
//! The command is thin: what it knows, the library knows.

#![forbid(unsafe_code)]

mod output;

mod facts;
mod files;
mod tree;

mod passphrase;

mod ours;
mod trust;

mod link;

mod check;
mod connect;
mod inspect;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::{Failure, Outcome};

/// Trust between a storage system and its key servers: look at certificates, keep a trust store, try a link, and see
/// why it is trusted or refused.
#[derive(Parser)]
#[command(name = "mutual-trust", version, arg_required_else_help = true, after_long_help = EXIT_CODES)]
struct Line {
    /// Print JSON: to standard output what came of it, to standard error what went wrong
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; the peer is trusted
  1  refused: the peer is not trusted, or refuses us; the change would lock somebody out
  2  could not be tried: an argument, a file, the store or the network";

#[derive(Subcommand)]
enum Command {
    /// Say what is in a file, and what it could be installed as
    Inspect(inspect::Arguments),
    /// Give the verdict about a chain without a network, at any time
    Check(check::Arguments),
    /// Make a link to a server, and say why it is trusted or not
    Connect(connect::Arguments),
}

fn main() -> ExitCode {
    let line = Line::parse();
    output::finish(run(&line.command), line.json)
}

fn run(command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Connect(arguments) => connect::run(arguments),
    }
}
