//! `enroll`: trusts a server by the fingerprint that was read at the server itself.

use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use mutual_trust::admin::{
    DurableSettings, DurableStore, LockoutAllowance, Peer, PeerHistory, PresentedCertificate,
};
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::error::EnrolmentError;
use mutual_trust::limits::MAX_FINGERPRINT_TEXT;
use mutual_trust::{
    ClientConfigBuilder, Enrolment, EntryOptions, Fingerprint, HostName, PinScope, Policy,
    ServerId, tls,
};
use serde_json::{Value, json};

use crate::link::{Address, Deadlined, Patience, dial};
use crate::ours::{self, IdentityArguments};
use crate::output::{self, Failure, Outcome};
use crate::{facts, trust};

/// The server, and the store that will trust it.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The server: a name or address, with a port if it is not 5696
    #[arg(value_name = "HOST[:PORT]")]
    address: Address,
    /// The folder of the store
    #[arg(long, value_name = "FOLDER")]
    store: PathBuf,
    /// The id of the server in the store; without it, the server with the name HOST. It is added if there is none
    #[arg(long, value_name = "ID")]
    server: Option<ServerId>,
    /// The SHA-256 fingerprint that was read at the server itself; without this option, it is asked for
    #[arg(long, value_name = "SHA-256")]
    fingerprint: Option<Fingerprint>,
    /// Who the server is, for people
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Who accepts it: an account, a ticket
    #[arg(long, value_name = "WHO", default_value = "mutual-trust enroll")]
    by: String,
    /// Accept it even if that locks a peer out
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    patience: Patience,
}

/// Asks for the fingerprint, connects to the server, compares, and installs.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let provider = ours::provider();
    let keys = tls::key_policy(&provider);
    // A store that cannot be opened is told before a person reads a fingerprint. It is not locked while the person does.
    let (store, _) = DurableStore::open(&arguments.store, DurableSettings::new(keys))?;
    // Asked before the connection: a fingerprint that is shown here would be compared with itself.
    let heard = match arguments.fingerprint {
        Some(fingerprint) => fingerprint,
        None => ask()?,
    };
    let policy = Policy::new(keys);
    let name = &arguments.address.host;
    let mut listed = trust::look(&arguments.store, keys)?;
    let known = listed
        .contents()
        .server_of(name)
        .map(|server| server.id().clone());
    let id = match arguments.server.clone().or(known) {
        Some(id) => id,
        None => name.to_string().parse()?,
    };
    let is_new = listed.contents().server(&id).is_none();
    if is_new {
        listed.add_server(id.clone(), [name.clone()])?;
    }
    let (identity, _) = IdentityArguments::temporary(&provider)?;
    let builder = ClientConfigBuilder::new(provider, listed.snapshot(), policy, identity);
    let probe = builder.probe(&id)?;
    let tcp = dial(&arguments.address, arguments.patience)?;
    let unsendable = || Failure::new("name", format!("{name} cannot be sent to a server"));
    let to = name.to_server_name().ok_or_else(unsendable)?;
    let probed = probe.run(to, Deadlined::new(tcp, arguments.patience));
    let probed = probed.map_err(|error| Failure::from(error).about(&arguments.address))?;
    accept(
        store,
        arguments,
        &policy,
        heard,
        probed.presented(),
        (&id, name, is_new),
    )
}

fn accept(
    mut store: DurableStore,
    arguments: &Arguments,
    policy: &Policy,
    heard: Fingerprint,
    presented: &PresentedCertificate,
    (id, name, is_new): (&ServerId, &HostName, bool),
) -> Result<Outcome, Failure> {
    let enrolment = Enrolment::new(Arc::new(SystemClock::new()));
    let (seen, now) = (PeerHistory::new(), SystemClock::new().now());
    let mut options = EntryOptions::new();
    if let Some(label) = &arguments.label {
        options = options.with_label(label.as_str());
    }
    // Another process may have changed the store in the meantime.
    store.refresh()?;
    let tried = store.plan(policy, &seen, now, |store| {
        if is_new {
            store.add_server(id.clone(), [name.clone()])?;
        }
        let scope = PinScope::Server(id.clone());
        Ok(enrolment.accept_server(presented, heard, store, scope, options, &arguments.by))
    })?;
    let lost: Vec<Peer> = tried.effects().all_lost().cloned().collect();
    let locks_out = !lost.is_empty() && !arguments.force;
    let (code, line) = match tried.outcome() {
        Err(error @ EnrolmentError::OtherFingerprint) => {
            (Some("OtherFingerprint"), error.to_string())
        }
        Err(error @ EnrolmentError::NotProved) => (Some("NotProved"), error.to_string()),
        Err(error) => return Err(Failure::new("enrolment", error.to_string())),
        Ok(_) if locks_out => (
            Some("LocksOut"),
            format!(
                "it would lock out {}; --force accepts it anyway",
                first_of(&lost)
            ),
        ),
        // In full: it was compared.
        Ok(report) => (None, format!("{report:#}")),
    };
    let word = if code.is_some() {
        "refused"
    } else {
        "accepted"
    };
    let effects = facts::effects(tried.effects());
    let report = tried
        .outcome()
        .as_ref()
        .ok()
        .filter(|_| code.is_none())
        .map(facts::report);
    let json = json!({
        "server": id.to_string(),
        "address": arguments.address.to_string(),
        "changed": code.is_none(),
        "presented": shown(presented),
        "report": report,
        "effects": if code.is_none() || locks_out { effects } else { Value::Null },
        "message": line,
    });
    if code.is_none() {
        store.apply(&tried, &seen, now, &LockoutAllowance::allow(lost))?;
    }
    let text = format!("{presented}\n{word}: server {id}: {line}");
    Ok(Outcome::done("enroll", text, json).or_refused(code.map(str::to_owned)))
}

/// The first peers of a list, and how many more there are.
fn first_of(peers: &[Peer]) -> String {
    const SHOWN: usize = 4;
    let mut shown: Vec<String> = peers.iter().take(SHOWN).map(output::shown).collect();
    if peers.len() > SHOWN {
        shown.push(format!("{} more", peers.len().saturating_sub(SHOWN)));
    }
    shown.join(", ")
}

/// What was presented, without its fingerprint, which must come from the server itself.
pub(crate) fn shown(presented: &PresentedCertificate) -> Value {
    json!({
        "role": presented.role().to_string(),
        "subject": presented.subject(),
        "issuer": presented.issuer(),
        "names": presented.names().items(),
        "not_after": facts::time(presented.validity().not_after()),
        "key": facts::key(presented.key_kind()),
        "reason": presented.reason().to_string(),
        "proved": presented.is_proved(),
    })
}

/// Asks for the fingerprint and says where it comes from.
fn ask() -> Result<Fingerprint, Failure> {
    let mut to = io::stderr();
    write!(
        to,
        "At the server itself, not over the network: openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE\n\
         The SHA-256 fingerprint that it shows: "
    )?;
    to.flush()?;
    let limit = u64::try_from(MAX_FINGERPRINT_TEXT.saturating_mul(2)).unwrap_or(u64::MAX);
    let mut line = String::new();
    io::stdin().lock().take(limit).read_line(&mut line)?;
    if line.trim().is_empty() {
        let text = "no fingerprint was given: type it, or give it with --fingerprint";
        return Err(Failure::new("usage", text));
    }
    Ok(line.trim().parse()?)
}
