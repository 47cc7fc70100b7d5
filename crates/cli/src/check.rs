//! `check`: the verdict without a network, for any time.

use std::path::PathBuf;

use clap::Args;
use mutual_trust::error::CertificateError;
use mutual_trust::policy::ExpectedServer;
use mutual_trust::{Certificate, HostName, Verdict, VerifyRequest, decide, tls};
use pki_types::CertificateDer;

use crate::json::Judged;
use crate::output::{self, Failure, Outcome};
use crate::passphrase::PassphraseArguments;
use crate::trust::{TrustArguments, Whose};
use crate::{facts, files, ours, tree};

/// The chain, the peer and the trust.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// What the peer presents: its certificate first, then its issuers
    #[arg(long, value_name = "FILE", required = true)]
    chain: PathBuf,
    /// The name or address by which the server is dialled
    #[arg(long, value_name = "NAME", required_unless_present = "client")]
    server_name: Option<HostName>,
    /// Judge it as a client, as a key server does
    #[arg(long, conflicts_with_all = ["server_name", "server"])]
    client: bool,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    #[command(flatten)]
    trust: TrustArguments,
}

/// Asks for the verdict.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.passphrase.unlock_files();
    let keys = tls::key_policy(&ours::provider());
    let presented = files::certificates(&arguments.chain)?;
    let whose = match &arguments.server_name {
        Some(name) => Whose::Server(name),
        None => Whose::Client,
    };
    let trust = arguments.trust.read(keys, &whose)?;
    let ders = presented.iter().map(|one| CertificateDer::from(one.der()));
    let ders: Vec<CertificateDer<'_>> = ders.collect();
    let Some((end_entity, intermediates)) = ders.split_first() else {
        return Err(Failure::from(CertificateError::Empty).about(arguments.chain.display()));
    };
    let name = arguments.server_name.as_ref();
    let target = match (&trust.server, name) {
        (Some(id), name) => Some(ExpectedServer::id(id, name)),
        (None, Some(name)) => Some(ExpectedServer::Name(name)),
        (None, None) => None,
    };
    let question = match target {
        Some(target) => VerifyRequest::server(target, end_entity, intermediates, trust.clock),
        None => VerifyRequest::client(end_entity, intermediates, trust.clock),
    };
    let verdict = decide(&trust.view, &trust.policy, &question);
    let (mut text, judged) = judged(&verdict, &presented);
    text.push_str("\n(offline: only a handshake shows whether the peer has the private key)");
    Ok(Outcome::of(text, &judged).or_refused(reason(&verdict)))
}

/// A verdict with the picture of its chain.
pub(crate) fn judged(verdict: &Verdict, presented: &[Certificate]) -> (String, Judged) {
    let picture = tree::picture(verdict, presented);
    let text = format!("{}\n{picture}", output::shown(verdict));
    let path = verdict.path().iter();
    let judged = Judged {
        verdict: facts::verdict(verdict),
        presented: presented.iter().map(facts::certificate).collect(),
        path: path.map(|one| one.fingerprint().to_string()).collect(),
    };
    (text, judged)
}

/// The reason of a refusal.
pub(crate) fn reason(verdict: &Verdict) -> Option<String> {
    (!verdict.is_accepted()).then(|| verdict.reason().to_string())
}
