//! `store`: shows a store and changes it. Every change is tried before it is made.

mod scope;

mod calls;
mod change;
mod clock;

mod make;

mod adopt;
mod log;
mod look;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::output::{Failure, Outcome};
use change::Change;
use make::Common;
use scope::Span;

/// The store and the subcommand.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Make an empty store, which trusts no peer
    Create,
    /// List what is installed
    List,
    /// List what ends soon, and who depends on it
    Expiring {
        /// How soon: 30d, 12h, 2w
        #[arg(long, value_name = "SPAN", default_value = "30d")]
        within: Span,
        /// A chain of our own, to be listed as well
        #[arg(long, value_name = "CHAIN")]
        own: Vec<PathBuf>,
    },
    /// Read the whole store and its history; show what is disabled, and which servers nothing can accept now
    Verify,
    /// Show who changed what, and when, as far back as the history is kept
    Log(log::Arguments),
    /// Show the records in which two stores, or two generations of one, differ
    Diff(log::Two),
    /// Propose a slot for each certificate of a PEM bundle; install all of it or nothing
    Bundle(adopt::Arguments),
    /// Adopt the PEM files that are trusted today; what is refused is reported and left out
    Adopt(adopt::Arguments),
    /// Show what a change would do, and change nothing
    Plan {
        #[command(subcommand)]
        change: Change,
    },
    #[command(flatten)]
    Change(Change),
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let common = &arguments.common;
    match arguments.command.clone() {
        Command::Create => make::create(common),
        Command::List => look::list(common),
        Command::Expiring { within, own } => look::expiring(common, within, &own),
        Command::Verify => look::verify(common),
        Command::Log(arguments) => log::run(common, &arguments),
        Command::Diff(two) => log::diff(common, &two),
        Command::Bundle(bundle) => adopt::run(common, &bundle, true),
        Command::Adopt(adopt) => adopt::run(common, &adopt, false),
        Command::Plan { change } => {
            make::change(&common.dry(), |store| change.prepare(store.contents()))
        }
        Command::Change(change) => make::change(common, |store| change.prepare(store.contents())),
    }
}
