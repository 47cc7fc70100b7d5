//! `connect`: connects, and shows what was presented, which rule decided, and what to do.

use core::fmt;

use clap::{Args, ValueEnum};
use mutual_trust::admin::PeerHistory;
use mutual_trust::observe::{Observation, observation_queue};
use mutual_trust::tls::{self, TlsVersion, refusal};
use mutual_trust::{Certificate, ClientConfigBuilder, HostName, Policy, TrustSnapshot, Verdict};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::check::{judged, reason};
use crate::exchange::{End, Exchange, Talk, is_timeout};
use crate::json::{Connected, LinkState};
use crate::kmip::{Asked, KmipArguments};
use crate::link::{Address, HANDSHAKE_LATE, Link, Patience, dial, visit};
use crate::ours::{self, IdentityArguments};
use crate::output::{Failure, Outcome};
use crate::presented::{Ours, Presented, meaning};
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
    kmip: KmipArguments,
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

/// Connects and shows the result.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.identity.unlock_files();
    let provider = ours::provider();
    let keys = tls::key_policy(&provider);
    let name = arguments
        .server_name
        .as_ref()
        .unwrap_or(&arguments.address.host);
    let trust = arguments.trust.read(keys, &Whose::Server(name))?;
    let known = trust.server.clone();
    let known = known.or_else(|| trust.view.server_of(name).map(|server| server.id().clone()));
    let (identity, is_temporary) = arguments.identity.read_or_make(&provider, known.as_ref())?;
    let ours = Ours::new(&identity, is_temporary);
    let (observations, reader) = observation_queue(4)?;
    let (view, policy) = (trust.view.clone(), trust.policy);
    let mut builder =
        ClientConfigBuilder::new(provider.clone(), trust.view, trust.policy, identity)
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
    let place = Place {
        address: &arguments.address,
        answered: tcp.peer_addr()?,
    };
    let mut asked = arguments.kmip.asked();
    let mut talk = asked
        .as_mut()
        .map(|asked| |exchange: &mut Exchange<'_>| asked.talk(exchange));
    let talk = talk.as_mut().map(|talk| -> &mut Talk<'_> { talk });
    let link = visit(config.into(), name, tcp, arguments.patience, talk)?;
    let seen = reader.try_iter().pop();
    let unkept = seen
        .as_ref()
        .and_then(|seen| kept(arguments, &view, &policy, seen));
    let mut outcome = tell(&place, &link, asked, seen, |is_reached, is_accepted| {
        let presented = ours.on_link(&builder.client_auth_failures(), is_reached, is_accepted);
        presented.recorded(|certificate| match &known {
            Some(server) => arguments.identity.accepted(&provider, server, certificate),
            None => Ok(false),
        })
    })?;
    if let Some(why) = unkept {
        let text = format!("\nnote: what the server presented was not recorded: {why}");
        outcome.text.push_str(&text);
    }
    Ok(outcome)
}

/// Records what a server of a store presented, for `store replace` and `store migrate --status`. Nothing is recorded of a
/// verdict for another time. The link is what it is, also if this fails: then it says why.
fn kept(
    arguments: &Arguments,
    view: &TrustSnapshot,
    policy: &Policy,
    seen: &Observation,
) -> Option<String> {
    let folder = arguments.trust.folder_now()?;
    seen.server.as_ref()?;
    if !seen.proved || !seen.verdict.is_accepted() {
        return None;
    }
    let history = PeerHistory::load_beside(folder, view, policy, seen.clock);
    let saved = history.map_err(Failure::from).and_then(|mut history| {
        history.observe(seen);
        history.keep_only(view);
        Ok(history.save_beside(folder)?)
    });
    saved.err().map(|failure| failure.message().to_owned())
}

/// Where the server was found.
struct Place<'a> {
    address: &'a Address,
    /// The one of its addresses that answered.
    answered: SocketAddr,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        match self.address.host.ip() {
            Some(_) => Ok(()),
            None => write!(f, " ({})", self.answered),
        }
    }
}

/// Whether our end sent its part of the handshake, and whether the server took it. In TLS 1.2 it is sent before the server
/// ends its own, in TLS 1.3 our end has finished with it. The server's certificate is judged first in both.
fn reached(link: &Link, verdict: &Verdict) -> (bool, Option<bool>) {
    let is_reached = verdict.is_accepted() && (link.finished || link.version == Some("1.2"));
    let is_accepted = match &link.end {
        End::Works => Some(true).filter(|_| link.listened || link.version == Some("1.2")),
        End::Alert(_) | End::Closed => Some(false),
        End::Io(error) => is_closed(error).then_some(false),
        End::Failed(_) => None,
    };
    (is_reached, is_accepted)
}

fn tell(
    place: &Place<'_>,
    link: &Link,
    asked: Option<Asked>,
    seen: Option<Observation>,
    ours: impl FnOnce(bool, Option<bool>) -> Presented,
) -> Result<Outcome, Failure> {
    let refused = match &link.end {
        End::Failed(error) => refusal(error).cloned(),
        End::Works | End::Alert(_) | End::Closed | End::Io(_) => None,
    };
    let presented: Vec<Certificate> = seen
        .as_ref()
        .map_or(&[][..], |seen| &seen.presented)
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect();
    let verdict: Option<Verdict> = refused.or_else(|| seen.map(|seen| (*seen.verdict).clone()));
    let Some(verdict) = verdict else {
        return Err(not_tried(place, &link.end));
    };
    let (is_reached, is_accepted) = reached(link, &verdict);
    let ours = ours(is_reached, is_accepted);
    let (shown, judged) = judged(&verdict, &presented);
    let (state, text) = match &link.end {
        _ if !verdict.is_accepted() => (LinkState::RefusedByUs, None),
        End::Works => (LinkState::Works, None),
        End::Alert(alert) => {
            let text = format!(
                "the server refused us with the alert {alert:?}: {}",
                meaning(*alert)
            );
            (LinkState::RefusedByPeer, Some(text))
        }
        End::Closed => {
            let text = "the server closed the connection after the handshake without an alert: often it refuses our certificate";
            (LinkState::ClosedByPeer, Some(String::from(text)))
        }
        End::Io(error) if is_reached && is_closed(error) => {
            let text = "the server closed the connection without an alert when it had our certificate: often it refuses it";
            (LinkState::ClosedByPeer, Some(String::from(text)))
        }
        // The server was accepted, then TLS or the network failed: the server has not judged us.
        End::Failed(_) | End::Io(_) => return Err(not_tried(place, &link.end)),
    };
    let version = link.version.unwrap_or("of unknown version");
    let suite = link.suite.as_deref().unwrap_or("unknown");
    let group = link.group.as_deref().unwrap_or("unknown");
    let alert = match &link.end {
        End::Alert(alert) => Some(*alert),
        End::Works | End::Closed | End::Failed(_) | End::Io(_) => None,
    };
    let works = matches!(state, LinkState::Works);
    let asked = asked.filter(|_| works);
    let is_refused = text.is_some() || asked.as_ref().is_some_and(Asked::is_about_us);
    let mut lines = vec![shown];
    lines.extend(ours.lines(is_refused));
    if let Some(text) = &text {
        lines.push(format!("refused: {text}"));
        lines.push(format!("  to do: {}", ours.remedy(alert)));
    } else if verdict.is_accepted() {
        lines.push(format!("works: {place}, TLS {version}, {suite}, {group}"));
    }
    let mut refused = match text {
        Some(_) => Some(String::from("RefusedByPeer")),
        None => reason(&verdict),
    };
    let mut failed = None;
    let kmip = asked.map(|asked| {
        let told = asked.told(&ours.words(), ours.lacks_client_auth());
        lines.extend(told.lines);
        refused = told.refused.map(str::to_owned);
        failed = told.failed.map(|failure| failure.about(place));
        told.fact
    });
    let connected = Connected {
        judged,
        address: place.address.to_string(),
        answered_by: place.answered.to_string(),
        link: state,
        alert: alert.map(|alert| format!("{alert:?}")),
        handshake_finished: link.finished,
        tls: link.version,
        cipher_suite: link.suite.clone(),
        key_exchange: link.group.clone(),
        identity: ours.fact(),
        kmip,
    };
    let mut outcome = Outcome::of(lines.join("\n"), &connected).or_refused(refused);
    outcome.failed = failed;
    Ok(outcome)
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
    )
}

fn not_tried(place: &Place<'_>, end: &End) -> Failure {
    let text = match end {
        End::Works | End::Closed => String::from("the server presented no certificate"),
        End::Alert(alert) => format!(
            "the server ended the handshake with the alert {alert:?} before it could be judged: perhaps no common version or cipher suite"
        ),
        End::Failed(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => {
            String::from("what answers at this port does not speak TLS")
        }
        End::Failed(error) => format!("TLS failed before the server could be judged: {error}"),
        End::Io(error) if is_timeout(error) => {
            String::from("the server did not finish the handshake in time (--timeout)")
        }
        End::Io(error) if error.kind() == ErrorKind::UnexpectedEof => String::from(
            "the server closed the connection during the handshake: does it speak TLS at this port?",
        ),
        End::Io(error) => format!("the connection failed during the handshake: {error}"),
    };
    let kind = match end {
        End::Io(error) if is_timeout(error) => HANDSHAKE_LATE,
        End::Works | End::Closed | End::Alert(_) | End::Failed(_) | End::Io(_) => "link",
    };
    Failure::new(kind, format!("{place}: {text}"))
}
