//! `fleet`: one trust set for many machines. Administrators sign it and publish it; each node verifies it and takes it over.

mod words;

mod folder;

mod diff;
mod draft;
mod forget;
mod keys;
mod publish;
mod serve;
mod sign;
mod status;

mod join;
mod node;
mod take;

use clap::{Args, Subcommand};

use crate::output::{Failure, Outcome};

/// The subcommand.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a key that signs for a fleet: a private key for one administrator, and its public key for the others
    NewKey(keys::NewKey),
    /// Found a fleet: make its first key set in a publisher's folder
    Init(keys::Init),
    /// Show the keys that sign for a fleet, or change them
    Keys {
        #[command(subcommand)]
        command: Keys,
    },
    /// Make the next bundle from a store, to be signed
    Draft(draft::Arguments),
    /// Show what a draft changes, and sign it; needs nothing but the draft and a key
    Sign(sign::Arguments),
    /// Add the signatures to the draft, verify it as a node does, and publish it
    Publish(publish::Publish),
    /// Make a publisher's folder from what is published: for another administrator, or if the folder was lost
    Fetch(publish::Fetch),
    /// Run a hub: serve a folder to nodes over HTTPS, and take their reports
    Serve(serve::Arguments),
    /// Show what each node holds, and which ones are behind
    Status(status::Arguments),
    /// Remove the reports of nodes that are out of service
    Forget(forget::Arguments),
    /// Show how two publications differ, or a publication and a store
    Diff(diff::Arguments),
    /// Let a store take part in a fleet; its key set is trusted by the digest that an administrator reads out
    Join(join::Join),
    /// Take the newest publication over once
    Take(take::Take),
    /// Take publications over as they come, and report what this node holds
    Follow(take::Follow),
    /// Show what this node holds of its fleet
    Show(node::Which),
    /// Take part in the fleet no more; what came from it stays until it is removed
    Leave(node::Which),
}

#[derive(Subcommand, Debug)]
enum Keys {
    /// Show a key set, with the digest that is read out when a node joins
    Show(keys::Show),
    /// Make the next version of the key set: it is signed by the keys of both versions
    Change(keys::Change),
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments, as_json: bool) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::NewKey(arguments) => keys::new_key(arguments),
        Command::Init(arguments) => keys::init(arguments),
        Command::Keys { command } => match command {
            Keys::Show(arguments) => keys::show(arguments),
            Keys::Change(arguments) => keys::change(arguments),
        },
        Command::Draft(arguments) => draft::run(arguments),
        Command::Sign(arguments) => sign::run(arguments, as_json),
        Command::Publish(arguments) => publish::run(arguments),
        Command::Fetch(arguments) => publish::fetch(arguments, as_json),
        Command::Serve(arguments) => serve::run(arguments, as_json),
        Command::Status(arguments) => status::run(arguments),
        Command::Forget(arguments) => forget::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Join(arguments) => join::join(arguments, as_json),
        Command::Take(arguments) => take::take(arguments),
        Command::Follow(arguments) => take::follow(arguments, as_json),
        Command::Show(arguments) => node::show(arguments),
        Command::Leave(arguments) => join::leave(arguments),
    }
}
