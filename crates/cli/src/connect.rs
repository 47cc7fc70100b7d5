//! `connect`: connects, and shows what was presented, which rule decided, and what to do.

use clap::{Args, ValueEnum};
use mutual_trust::observe::{Observation, observation_queue};
use mutual_trust::tls::{self, ClientAuthFailures, TlsVersion, refusal};
use mutual_trust::{Certificate, ClientConfigBuilder, HostName, Verdict};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::sync::Arc;

use crate::check::judged;
use crate::link::{Address, End, Link, Patience, dial, is_timeout, visit};
use crate::ours::{self, IdentityArguments};
use crate::output::{Failure, Outcome, identified};
use crate::trust::{TrustArguments, Whose};

/// The server, and how it is dialled.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The server: a name or address, with a port if it is not 5696
    #[arg(value_name = "HOST[:PORT]")]
    address: Address,
    /// The name that the server must have and that is sent to it, if it is not HOST
    #[arg(long, value_name = "NAME")]
    server_name: Option<HostName>,
    /// Use only this version of TLS
    #[arg(long, value_enum)]
    tls: Option<Version>,
    #[command(flatten)]
    identity: IdentityArguments,
    #[command(flatten)]
    trust: TrustArguments,
    #[command(flatten)]
    patience: Patience,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Version {
    /// TLS 1.2
    #[value(name = "1.2")]
    V12,
    /// TLS 1.3
    #[value(name = "1.3")]
    V13,
}

impl From<Version> for TlsVersion {
    fn from(version: Version) -> Self {
        match version {
            Version::V12 => Self::Tls12,
            Version::V13 => Self::Tls13,
        }
    }
}

/// Our identity on the link.
struct Sent {
    certificate: Certificate,
    is_temporary: bool,
    unsent: ClientAuthFailures,
}

/// Connects and shows the result.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let provider = ours::provider();
    let keys = tls::key_policy(&provider);
    let name = arguments
        .server_name
        .as_ref()
        .unwrap_or(&arguments.address.host);
    let trust = arguments.trust.read(keys, &Whose::Server(name))?;
    let (identity, is_temporary) = arguments.identity.read_or_make(&provider)?;
    let certificate = identity.certificate().clone();
    let (observations, reader) = observation_queue(4)?;
    let mut builder = ClientConfigBuilder::new(provider, trust.view, trust.policy, identity)
        .with_clock(Arc::new(trust.clock))
        .with_observer(observations);
    if let Some(version) = arguments.tls {
        builder = builder.with_protocol_versions(&[version.into()]);
    }
    let config = match &trust.server {
        Some(id) => builder.build_for(id)?,
        None => builder.build_by_name()?,
    };
    let tcp = dial(&arguments.address, arguments.patience)?;
    let link = visit(config.into(), name, tcp, arguments.patience)?;
    let seen = reader.try_iter().pop();
    let unsent = builder.client_auth_failures();
    let sent = Sent {
        certificate,
        is_temporary,
        unsent,
    };
    tell(&arguments.address, &link, seen, &sent)
}

fn tell(
    address: &Address,
    link: &Link,
    seen: Option<Observation>,
    sent: &Sent,
) -> Result<Outcome, Failure> {
    let ours = match &link.end {
        End::Failed(error) => refusal(error).cloned(),
        End::Works | End::Alert(_) | End::Closed | End::Io(_) => None,
    };
    let presented: Vec<Certificate> = seen
        .as_ref()
        .map_or(&[][..], |seen| &seen.presented)
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect();
    let verdict: Option<Verdict> = ours.or_else(|| seen.map(|seen| (*seen.verdict).clone()));
    let Some(verdict) = verdict else {
        return Err(not_tried(address, &link.end));
    };
    let mut outcome = judged("connect", &verdict, &presented);
    let (word, text) = match &link.end {
        _ if !verdict.is_accepted() => ("refused_by_us", None),
        End::Works => ("works", None),
        End::Alert(alert) => {
            let text =
                format!("the server refused us with the alert {alert:?}, which does not say why");
            ("refused_by_peer", Some(text))
        }
        End::Closed => {
            let text = "the server closed the connection after the handshake without an alert: often it refuses our certificate";
            ("closed_by_peer", Some(String::from(text)))
        }
        // The server was accepted, then TLS or the network failed: the server has not judged us.
        End::Failed(_) | End::Io(_) => return Err(not_tried(address, &link.end)),
    };
    let version = link.version.unwrap_or("of unknown version");
    let suite = link.suite.as_deref().unwrap_or("unknown");
    let group = link.group.as_deref().unwrap_or("unknown");
    let mut lines = vec![outcome.text, identity_line(sent)];
    if let Some(text) = &text {
        lines.push(format!("refused: {text}"));
        lines.push(format!("  to do: {}", remedy(sent)));
    } else if verdict.is_accepted() {
        lines.push(format!("works: {address}, TLS {version}, {suite}, {group}"));
    }
    outcome.text = lines.join("\n");
    if text.is_some() {
        outcome.refused = Some(String::from("RefusedByPeer"));
    }
    if let Value::Object(fields) = &mut outcome.json {
        let alert = match &link.end {
            End::Alert(alert) => Some(format!("{alert:?}")),
            End::Works | End::Closed | End::Failed(_) | End::Io(_) => None,
        };
        let facts = json!({
            "address": address.to_string(),
            "link": word,
            "alert": alert,
            "handshake_finished": link.finished,
            "tls": link.version,
            "cipher_suite": link.suite,
            "key_exchange": link.group,
            "identity": {
                "fingerprint": sent.certificate.fingerprint().to_string(),
                "temporary": sent.is_temporary,
                "sent": sent.unsent.count() == 0,
            },
        });
        if let Value::Object(facts) = facts {
            fields.extend(facts);
        }
    }
    Ok(outcome)
}

fn identity_line(sent: &Sent) -> String {
    if let Some(why) = sent.unsent.last() {
        return format!("warning: our certificate was not sent: {why}");
    }
    if sent.is_temporary {
        return String::from(
            "note: without --identity, this link used a temporary one, which no server knows",
        );
    }
    format!(
        "we are: {} ({})",
        identified(sent.certificate.fingerprint()),
        crate::facts::subject(&sent.certificate)
    )
}

fn remedy(sent: &Sent) -> String {
    if sent.is_temporary {
        return String::from("name our certificate and key with --identity and --key");
    }
    format!(
        "ask the server's administrator to install our certificate, SHA-256 {}, and to read the server's log",
        sent.certificate.fingerprint()
    )
}

fn not_tried(address: &Address, end: &End) -> Failure {
    let text = match end {
        End::Works | End::Closed => String::from("the server presented no certificate"),
        End::Alert(alert) => format!(
            "the server ended the handshake with the alert {alert:?} before it could be judged: perhaps no common version or cipher suite"
        ),
        End::Failed(error) => format!("TLS failed before the server could be judged: {error}"),
        End::Io(error) if is_timeout(error) => {
            String::from("the server did not finish the handshake in time (--timeout)")
        }
        End::Io(error) if error.kind() == ErrorKind::UnexpectedEof => String::from(
            "the server closed the connection during the handshake: does it speak TLS at this port?",
        ),
        End::Io(error) => format!("the connection failed during the handshake: {error}"),
    };
    Failure::new("link", format!("{address}: {text}"))
}
