//! The link to a server of publications: mutual TLS, with the trust of a store.

use std::path::PathBuf;

use clap::Args;
use mutual_trust::admin::DurableSettings;
use mutual_trust::{ClientConfigBuilder, LiveTrust, Policy, ServerId};
use mutual_trust_tokio::Connector;

use crate::ours::{self, IdentityArguments};
use crate::output::Failure;
use crate::passphrase::PassphraseArguments;
use crate::trust;

/// How a server of publications is reached. None of it is needed for files and folders.
#[derive(Args, Debug)]
pub(crate) struct LinkArguments {
    #[command(flatten)]
    files: LinkFiles,
    #[command(flatten, next_help_heading = "The server of an address")]
    passphrase: PassphraseArguments,
}

/// The same without the source of passphrases, where another part of the line has it.
#[derive(Args, Clone, Debug)]
pub(crate) struct LinkFiles {
    /// The store that has the server of the address; without it, a node takes its own
    #[arg(long, value_name = "FOLDER", help_heading = "The server of an address")]
    trust: Option<PathBuf>,
    /// The id of that server in the store; without it, the name in the address selects it
    #[arg(long, value_name = "ID", help_heading = "The server of an address")]
    server: Option<ServerId>,
    /// Our certificate, with its issuers behind it; or the folder of our identity (`identity create`)
    #[arg(
        long,
        value_name = "CHAIN|FOLDER",
        help_heading = "The server of an address"
    )]
    identity: Option<PathBuf>,
    /// Our private key; without this option, it is read from the file of the chain
    #[arg(
        long,
        value_name = "KEY",
        requires = "identity",
        help_heading = "The server of an address"
    )]
    key: Option<PathBuf>,
}

impl LinkFiles {
    /// All arguments, with a source of passphrases.
    pub(crate) fn with_passphrases(&self, passphrase: PassphraseArguments) -> LinkArguments {
        let files = self.clone();
        LinkArguments { files, passphrase }
    }
}

impl LinkArguments {
    /// What makes links. `own` is the trust of the node.
    pub(super) fn connector(&self, own: Option<LiveTrust>) -> Result<Connector, Failure> {
        let provider = ours::provider();
        let keys = ours::keys();
        let missing = || {
            let text = "an address needs an identity: name our certificate with --identity, and its key with --key";
            Failure::new("usage", text)
        };
        let LinkFiles { identity, key, .. } = self.files.clone();
        let identity = IdentityArguments::of(identity, key, self.passphrase.clone());
        let identity = identity.read(&provider)?.ok_or_else(missing)?;
        let policy = Policy::new(keys);
        let builder = match (&self.files.trust, own) {
            (Some(folder), _) => {
                let mut store = trust::look(folder, &DurableSettings::new(keys))?;
                ClientConfigBuilder::new(provider, store.snapshot(), policy, identity)
            }
            (None, Some(own)) => ClientConfigBuilder::new(provider, own, policy, identity),
            (None, None) => {
                let text = "an address needs trust in its server: name a store with --trust";
                return Err(Failure::new("usage", text));
            }
        };
        Ok(match &self.files.server {
            Some(server) => Connector::new(&builder, server)?,
            None => Connector::by_name(&builder)?,
        })
    }
}
