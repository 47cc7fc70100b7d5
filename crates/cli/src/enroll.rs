//! `enroll`: trusts a server by the fingerprint that was read at the server itself.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use mutual_trust::admin::{
    DurableStore, LockoutAllowance, Peer, PeerHistory, PresentedCertificate,
};
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::error::{EnrolmentError, ProbeError};
use mutual_trust::store::Server;
use mutual_trust::{
    ClientConfigBuilder, Enrolment, EntryOptions, Fingerprint, HostName, KeyPolicy, PinScope,
    Policy, ServerId, TrustSnapshot, tls,
};

use crate::ask;
use crate::exchange::is_timeout;
use crate::facts;
use crate::json;
use crate::link::{Address, Deadlined, HANDSHAKE_LATE, Patience, dial};
use crate::ours::{self, IdentityArguments};
use crate::output::{self, Failure, Outcome};
use crate::trust::{self, OpenArguments};

/// The server, and the store that will trust it.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The server: a name or address, with a port if it is not 5696
    #[arg(value_name = "HOST[:PORT]")]
    address: Address,
    /// The folder of the store
    #[arg(long, value_name = "FOLDER")]
    store: PathBuf,
    #[command(flatten)]
    open: OpenArguments,
    /// The id of the server in the store; without it, the server with the name HOST. It is added if there is none
    #[arg(long, value_name = "ID")]
    server: Option<ServerId>,
    /// The SHA-256 fingerprint that was read at the server itself; without this option, it is asked for
    #[arg(long, value_name = "SHA-256")]
    fingerprint: Option<Fingerprint>,
    /// Who the server is, for people
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
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
pub(crate) fn run(arguments: &Arguments, as_json: bool) -> Result<Outcome, Failure> {
    let provider = ours::provider();
    let keys = tls::key_policy(&provider);
    // The store must be there and free before a person reads a fingerprint out, and is not held while they do.
    let settings = arguments.open.settings(keys)?;
    let listed = trust::look(&arguments.store, &settings)?;
    Target::select(listed.contents(), arguments)?;
    open(arguments, keys)?;
    // Asked before the connection: a fingerprint that is shown here would be compared with itself.
    let heard = match arguments.fingerprint {
        Some(fingerprint) => fingerprint,
        None => ask(as_json)?,
    };
    let policy = Policy::new(keys);
    let name = &arguments.address.host;
    let mut listed = trust::look(&arguments.store, &settings)?;
    let target = Target::select(listed.contents(), arguments)?;
    let id = target.id.clone();
    if target.is_new {
        listed.add_server(id.clone(), [name.clone()])?;
    }
    let (identity, _) = IdentityArguments::temporary(&provider)?;
    let builder = ClientConfigBuilder::new(provider, listed.snapshot(), policy, identity);
    let probe = builder.probe(&id)?;
    let tcp = dial(&arguments.address, arguments.patience)?;
    let unsendable = || Failure::new("name", format!("{name} cannot be sent to a server"));
    let to = name.to_server_name().ok_or_else(unsendable)?;
    let probed = probe.run(to, Deadlined::new(tcp, arguments.patience));
    let probed = probed.map_err(|error| {
        let is_late = matches!(&error, ProbeError::Io(error) if is_timeout(error));
        let failure = Failure::from(error);
        let failure = match is_late {
            true => Failure::new(HANDSHAKE_LATE, failure.message()),
            false => failure,
        };
        failure.about(&arguments.address)
    })?;
    accept(arguments, &policy, heard, probed.presented(), &target)
}

fn open(arguments: &Arguments, keys: KeyPolicy) -> Result<DurableStore, Failure> {
    let settings = arguments.open.settings(keys)?;
    let (mut store, _) = DurableStore::open(&arguments.store, settings)?;
    store.set_actor(Some(&arguments.by))?;
    Ok(store)
}

/// The server that is enrolled.
#[derive(PartialEq, Eq)]
struct Target {
    id: ServerId,
    /// It is added, with the name that was dialled.
    is_new: bool,
}

impl Target {
    /// The server that is named, else the one with the dialled name, else a new one. An id is never taken for a name: the
    /// server of that id may be another machine.
    fn select(view: &TrustSnapshot, arguments: &Arguments) -> Result<Self, Failure> {
        let name = &arguments.address.host;
        let owner = view.server_of(name).map(Server::id);
        let Some(id) = &arguments.server else {
            if let Some(owner) = owner {
                let id = owner.clone();
                return Ok(Self { id, is_new: false });
            }
            let id: ServerId = name.to_string().parse()?;
            if view.server(&id).is_some() {
                let text = format!(
                    "server {id} has the id {name} and not this name, so it may be another machine: say which server it is with --server"
                );
                return Err(Failure::new("enrolment/NameNotListed", text));
            }
            return Ok(Self { id, is_new: true });
        };
        if let Some(owner) = owner.filter(|owner| *owner != id) {
            let text = format!("{name} is a name of server {owner}, not of server {id}");
            return Err(Failure::new("enrolment/NameOfAnother", text));
        }
        let is_new = view.server(id).is_none();
        Ok(Self {
            id: id.clone(),
            is_new,
        })
    }
}

/// How the server is reached afterwards.
fn dialled(view: &TrustSnapshot, id: &ServerId, name: &HostName) -> (Vec<String>, String) {
    let server = view.server(id);
    let names: Vec<&HostName> = server
        .map(|server| server.names().collect())
        .unwrap_or_default();
    let shown: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut text = if shown.is_empty() {
        String::from("it has no name: select it by its id (connect --server)")
    } else {
        format!("it can be dialled as: {}", shown.join(", "))
    };
    if !names.contains(&name) {
        text.push_str(&format!(
            "\n  warning: {name} is none of its names, and is refused when dialled: add it with `store server add-name {id} {name}`, or connect with --server {id}"
        ));
    }
    (shown, text)
}

fn accept(
    arguments: &Arguments,
    policy: &Policy,
    heard: Fingerprint,
    presented: &PresentedCertificate,
    target: &Target,
) -> Result<Outcome, Failure> {
    let Target { id, is_new } = target;
    let name = &arguments.address.host;
    let mut store = open(arguments, tls::key_policy(&ours::provider()))?;
    if Target::select(store.contents(), arguments)? != *target {
        let text = "the store has changed while the server was looked at: try again";
        return Err(Failure::new("enrolment/StoreChanged", text));
    }
    let enrolment = Enrolment::new(Arc::new(SystemClock::new()));
    let (seen, now) = (PeerHistory::new(), SystemClock::new().now());
    let mut options = EntryOptions::new();
    if let Some(label) = &arguments.label {
        options = options.with_label(label.as_str());
    }
    let tried = store.plan(policy, &seen, now, |store| {
        if *is_new {
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
    let (names, reached) = dialled(tried.contents(), id, name);
    let effects = facts::effects(tried.effects());
    let effects = (code.is_none() || locks_out).then_some(effects);
    let report = tried
        .outcome()
        .as_ref()
        .ok()
        .filter(|_| code.is_none())
        .map(facts::report);
    if code.is_some() {
        store.record_refused(&format!("accept server {id}"), &line)?;
    } else {
        store.apply(&tried, &seen, now, &LockoutAllowance::allow(lost))?;
    }
    let line = match tried.outcome() {
        Ok(report) if code.is_none() => {
            facts::with_generation(&line, report, store.contents().generation())
        }
        _ => line,
    };
    let mut text = format!("{presented}\n{word}: server {id}: {line}");
    if code.is_none() {
        text.push_str(&format!("\n  {reached}"));
    }
    let enrolled = json::Enrolled {
        server: id.to_string(),
        address: arguments.address.to_string(),
        changed: code.is_none(),
        presented: shown(presented),
        report,
        effects,
        message: line,
        dialled_as: code.is_none().then_some(names),
    };
    Ok(Outcome::of(text, &enrolled).or_refused(code.map(str::to_owned)))
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
pub(crate) fn shown(presented: &PresentedCertificate) -> json::Presented {
    json::Presented {
        role: presented.role().to_string(),
        subject: presented.subject().to_string(),
        issuer: presented.issuer().to_string(),
        names: presented.names().items().to_vec(),
        not_after: facts::time(presented.validity().not_after()),
        key: facts::key(presented.key_kind()),
        reason: presented.reason().to_string(),
        proved: presented.is_proved(),
    }
}

/// Asks for the fingerprint and says where it comes from.
fn ask(as_json: bool) -> Result<Fingerprint, Failure> {
    let question = "At the server itself, not over the network: openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE\n\
                    The SHA-256 fingerprint that it shows: ";
    let missing = "no fingerprint was given: type it, or give it with --fingerprint";
    ask::fingerprint(question, missing, as_json)
}
