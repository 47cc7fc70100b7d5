//! `fleet serve`: a hub, at which nodes fetch and report over mutual TLS.

#[cfg_attr(not(feature = "http"), path = "serve/off.rs")]
mod hub;

use std::path::PathBuf;

use clap::Args;

use crate::ours::IdentityArguments;
use crate::output::{Failure, Outcome};
use crate::trust::{OpenArguments, PolicyArguments};

/// What is served, where, and for which clients.
#[derive(Args, Debug)]
#[command(after_help = "\
Clients are judged by the store, of which other processes can change the content meanwhile. Each accepted client reads the
publication. A node is a client whose name is the label of its pin, or a host name in its certificate; it writes its own
report. The hub needs no trust of the nodes in what it serves: they verify the signatures.

It runs until it is stopped, by a signal or by --for: files are replaced as a whole, so that none is left half written.
Exit codes: 0 ended by --for. 2 failed.")]
pub(super) struct Arguments {
    /// The folder of the publication, which must exist; reports are in its folder `nodes`
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Where to listen; port 0 takes a free one, which is printed
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: String,
    /// A client that may publish and read the reports of all: the label of its pin, or a name in its certificate with its
    /// kind, such as dns:ana.example; it can be given again
    #[arg(long, value_name = "NAME")]
    publisher: Vec<String>,
    /// The folder of the store with the clients
    #[arg(long, value_name = "FOLDER")]
    store: PathBuf,
    #[command(flatten)]
    open: OpenArguments,
    #[command(flatten)]
    policy: PolicyArguments,
    #[command(flatten)]
    identity: IdentityArguments,
    /// End after this many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
}

/// Serves until the end.
pub(super) fn run(arguments: &Arguments, as_json: bool) -> Result<Outcome, Failure> {
    hub::run(arguments, as_json)
}
