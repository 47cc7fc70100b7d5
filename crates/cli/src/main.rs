//! `mutual-trust`: inspects certificates, keeps a trust store, and says why a link is trusted or not.
//!
//! The command is thin: the library decides.
//!
//! It uses hidden items of the library only to show what no other program needs: details of certificates and lists, the
//! kind of a consequence, a store file without its folder, and the bundles of `store bundle`.
#![doc = include_str!("json.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test that cannot go on has failed"
    )
)]

#[cfg(not(unix))]
compile_error!(
    "the command is for Unix: it protects key files by their mode, and asks at a terminal"
);

mod plain;

mod account;

mod json;
mod long;

mod output;

mod ask;

mod facts;

mod describe;

mod passphrase;

#[cfg_attr(not(feature = "formats"), path = "formats/off.rs")]
mod formats;

mod files;
mod fingerprints;
mod tree;

#[cfg_attr(not(feature = "pkcs11"), path = "hardware/off.rs")]
mod hardware;

mod ours;
mod presented;
mod trust;

mod exchange;
mod link;

mod kmip;

mod nodes;

mod check;
mod connect;
mod inspect;
mod store;

mod fleet;

mod enroll;
mod identity;
mod rotation;
mod session;

mod serve;

mod examples;
mod fitting;
mod generate;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use output::{Failure, Outcome};

/// Trust between a storage system and its key servers: inspect certificates, keep a trust store, try a link, and see
/// why it is trusted or refused.
#[derive(Parser)]
#[command(name = "mutual-trust", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Line {
    /// Print JSON: the result to standard output, an error to standard error
    #[arg(long, global = true, display_order = 1000)]
    json: bool,
    /// Show every fingerprint in full, also where a short form identifies it; JSON always has them in full
    #[arg(long, global = true, display_order = 1001)]
    full: bool,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; the peer is trusted
  1  refused: the peer is not trusted or refuses us, a change would lock a peer out,
     or nothing in the store can accept a server
  2  failed: an argument, a file, the store or the network";

#[derive(Subcommand)]
enum Command {
    /// Show what is in a file, and what it could be installed as
    Inspect(inspect::Arguments),
    /// Give the verdict on a chain without a network, for any time
    Check(check::Arguments),
    /// Connect to a server, and say why it is trusted or not
    Connect(connect::Arguments),
    /// Show a trust store, and change it
    Store(store::Arguments),
    /// Keep one trust set on many machines: sign it, publish it, and take it over
    Fleet(fleet::Arguments),
    /// Trust a server by the fingerprint that was read at the server itself
    Enroll(enroll::Arguments),
    /// Run a test server, and enroll unknown clients at it
    Serve(serve::Arguments),
    /// Make and renew the identity of this system: its private key and certificate
    Identity(identity::Arguments),
    /// Print completions for a shell
    Completions(generate::Completions),
    /// Print the manual, or write a page for each subcommand
    Man(generate::Manual),
}

/// The arguments, with examples.
fn described() -> clap::Command {
    examples::attached(fitting::fitting(Line::command()))
}

fn main() -> ExitCode {
    let read = described()
        .try_get_matches()
        .and_then(|matches| Line::from_arg_matches(&matches));
    match read {
        Ok(line) => {
            output::show_in_full(line.full || line.json);
            output::finish(run(&line), line.json)
        }
        // Help is no error; anything else ends with 2.
        Err(error) => {
            let as_json = std::env::args_os().any(|argument| argument == "--json");
            output::finish_usage(&error, as_json)
        }
    }
}

fn run(line: &Line) -> Result<Outcome, Failure> {
    match &line.command {
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Connect(arguments) => connect::run(arguments),
        Command::Store(arguments) => store::run(arguments, line.json),
        Command::Fleet(arguments) => fleet::run(arguments, line.json),
        Command::Enroll(arguments) => enroll::run(arguments, line.json),
        Command::Serve(arguments) => serve::run(arguments, line.json),
        Command::Identity(arguments) => identity::run(arguments),
        Command::Completions(arguments) => Ok(generate::completions(arguments, described())),
        Command::Man(arguments) => generate::manual(arguments, described()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every subcommand, by the words that name it.
    fn walk(command: &clap::Command, path: &str, all: &mut Vec<(String, Option<String>)>) {
        let help = command.get_after_help().map(ToString::to_string);
        all.push((path.to_owned(), help));
        for below in command
            .get_subcommands()
            .filter(|below| below.get_name() != "help")
        {
            walk(below, format!("{path} {}", below.get_name()).trim(), all);
        }
    }

    #[test]
    fn every_subcommand_has_examples_and_each_of_them_is_understood() {
        let command = described();
        command.clone().debug_assert();
        let mut all = Vec::new();
        walk(&command, "", &mut all);
        assert!(all.len() > 40, "{}", all.len());
        for (path, help) in all {
            let help = help.unwrap_or_else(|| panic!("no example: {path}"));
            let lines = help
                .lines()
                .filter_map(|line| line.trim().strip_prefix("mutual-trust"));
            let examples: Vec<&str> = lines.collect();
            assert!(!examples.is_empty(), "{path}: {help}");
            for example in examples {
                assert!(
                    path.is_empty() || example.trim().starts_with(&path),
                    "{path}: {example}"
                );
                let words = ["mutual-trust"]
                    .into_iter()
                    .chain(example.split_whitespace());
                let read = command.clone().try_get_matches_from(words);
                let read = read.and_then(|matches| Line::from_arg_matches(&matches));
                read.unwrap_or_else(|error| panic!("{example}: {error}"));
            }
        }
    }
}
