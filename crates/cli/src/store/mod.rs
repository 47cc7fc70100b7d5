//! `store`: shows a store and changes it. Every change is tried before it is made.

mod scope;

mod calls;
mod change;
mod clock;
mod crl;
mod fetch;
mod servers;
mod update;

mod words;

mod make;
mod replace;

mod adopt;
mod backup;
mod expiring;
mod export;
mod follow;
mod list;
mod log;
mod look;
mod report;
mod rollback;
mod seal;

use clap::{Args, Subcommand};

use crate::json::LOOKS_AT_FILES;
use crate::output::{Failure, Outcome};
use change::Change;
pub(crate) use follow::Guard;
use make::Common;
pub(crate) use scope::Span;

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
    Expiring(expiring::Arguments),
    /// Give other programs what they can use of the store: a PEM bundle, pins for curl, or JSON
    Export(export::Arguments),
    /// Write a page for people: what is trusted and by which rule, what ends, what is weak, what was changed
    Report(report::Arguments),
    /// Read the whole store and its history; show what is disabled, and which servers nothing can accept now
    Verify,
    /// Show who changed what, and when, as far back as the history is kept
    Log(log::Arguments),
    /// Show the records in which two stores, or two generations of one, differ, and the peers that they judge differently
    Diff(log::Two),
    /// Replace the certificate that a server must present, step by step: install the next pin beside the old one, and remove
    /// the old one when every server was seen with the next
    Replace(replace::ReplaceArguments),
    /// Give the store the content of an earlier generation again; blocks, claims, revocation checks and the clock floor stay
    Rollback(rollback::Arguments),
    /// Copy the store to a file that does not exist; a service can use the store meanwhile
    Backup(backup::BackupArguments),
    /// Give the store the content of a backup; blocks, claims, revocation checks and the clock floor stay
    Restore(backup::RestoreArguments),
    /// Make a damaged or lost store usable again, from the newest version that can be read
    Recover(backup::RecoverArguments),
    /// Propose a slot for each certificate of a PEM bundle; install all of it or nothing
    Bundle(adopt::Arguments),
    /// Adopt the PEM files that are trusted today; what is refused is reported and left out
    Adopt(adopt::Arguments),
    /// Make a key for the seal of a store; only its owner can read it
    NewSealKey(seal::Key),
    /// Seal the store with a key, so that only who has it can change it; with --seal-key, in the place of that key
    Seal(seal::Key),
    /// Take the seal away; --seal-key names its key
    Unseal,
    /// Take over what other programs put into files and folders: pins, CA certificates and revocation lists
    Follow(follow::FollowArguments),
    /// Show what a change would do, and change nothing
    Plan {
        #[command(subcommand)]
        change: Planned,
    },
    #[command(flatten)]
    Change(Change),
}

/// A change that is only tried.
#[derive(Subcommand, Clone, Debug)]
enum Planned {
    #[command(flatten)]
    Change(Change),
    /// Give the store the content of an earlier generation again; blocks, claims, revocation checks and the clock floor stay
    Rollback(rollback::Arguments),
    /// Give the store the content of a backup; blocks, claims, revocation checks and the clock floor stay
    Restore(backup::RestoreArguments),
}

/// Runs the subcommand. A result that is about the files of a store says which of them other users can write.
pub(crate) fn run(arguments: &Arguments, as_json: bool) -> Result<Outcome, Failure> {
    let mut outcome = result(arguments, as_json)?;
    if LOOKS_AT_FILES.contains(&outcome.schema) {
        make::add_exposed(arguments.common.folder()?, &mut outcome);
    }
    Ok(outcome)
}

fn result(arguments: &Arguments, as_json: bool) -> Result<Outcome, Failure> {
    let common = &arguments.common;
    common.unlock_files();
    match arguments.command.clone() {
        Command::Create => make::create(common),
        Command::List => {
            common.changes_nothing()?;
            list::list(common)
        }
        Command::Expiring(expiring) => {
            common.changes_nothing()?;
            expiring::run(common, &expiring)
        }
        Command::Export(arguments) => {
            common.changes_nothing()?;
            export::run(common, &arguments)
        }
        Command::Report(arguments) => {
            common.changes_nothing()?;
            report::run(common, &arguments, as_json)
        }
        Command::Verify => {
            common.changes_nothing()?;
            look::verify(common)
        }
        // Here `--by` says whose changes are shown.
        Command::Log(arguments) => log::run(common, &arguments),
        Command::Diff(two) => {
            common.changes_nothing()?;
            log::diff(common, &two)
        }
        Command::Replace(arguments) => replace::run(common, &arguments),
        Command::Rollback(arguments) => rollback::run(common, &arguments),
        Command::NewSealKey(key) => seal::make_key(common, &key),
        Command::Seal(key) => seal::seal(common, &key),
        Command::Unseal => seal::unseal(common),
        Command::Bundle(bundle) => adopt::run(common, &bundle, true),
        Command::Adopt(adopt) => adopt::run(common, &adopt, false),
        Command::Backup(arguments) => backup::backup(common, &arguments),
        Command::Restore(arguments) => backup::restore(common, &arguments),
        Command::Recover(arguments) => backup::recover(common, &arguments),
        Command::Follow(arguments) => follow::run(common, &arguments, as_json),
        Command::Plan { change } => {
            let dry = common.dry();
            match change {
                Planned::Change(change) => changed(&dry, change, as_json),
                Planned::Rollback(arguments) => rollback::run(&dry, &arguments),
                Planned::Restore(arguments) => backup::restore(&dry, &arguments),
            }
        }
        Command::Change(Change::Migrate(arguments)) if arguments.status => {
            common.changes_nothing()?;
            replace::migration(common, &arguments)
        }
        Command::Change(change) => changed(common, change, as_json),
    }
}

fn changed(common: &Common, change: Change, as_json: bool) -> Result<Outcome, Failure> {
    if let Change::Crl(crl) = &change
        && let Some(arguments) = crl.fetch()
        && !common.dry_run
    {
        return fetch::run(common, arguments, as_json);
    }
    if let Change::Migrate(arguments) = change {
        return replace::migrate(common, arguments);
    }
    make::change(common, |store| change.prepare(store.contents()))
}
