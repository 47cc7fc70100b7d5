//! `serve`: a server for tests, at which unknown clients can be enrolled.

use core::time::Duration;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use clap::Args;
use mutual_trust::admin::{DurableStore, PendingPeer};
use mutual_trust::certificate::{SystemClock, Timestamp};
use mutual_trust::limits::MAX_ENROLMENT_WINDOW;
use mutual_trust::tls::{self, EnrolmentAcceptor, refusal};
use mutual_trust::{Enrolment, EntryOptions, Fingerprint, PeerCheck, Policy, ServerConfigBuilder};

use crate::enroll::shown;
use crate::facts;
use crate::json::{Event, Served, Waiting};
use crate::ours::{self, IdentityArguments};
use crate::output::{self, Failure, Outcome};
use crate::session::{Teller, answer};
use crate::trust::OpenArguments;

/// Clients at a time. This is a server for tests.
const MAX_CLIENTS: usize = 64;
/// How often the store is looked at for changes of other processes.
const REFRESH: Duration = Duration::from_secs(1);

/// The address, the store and the identity of the server.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes a free one, which is printed
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5696")]
    listen: String,
    /// The folder of the store, to which accepted clients are added
    #[arg(long, value_name = "FOLDER")]
    store: PathBuf,
    #[command(flatten)]
    open: OpenArguments,
    #[command(flatten)]
    identity: IdentityArguments,
    /// End after this many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// How many unknown clients may wait at a time
    #[arg(long, value_name = "N", default_value_t = 8)]
    places: usize,
}

const HELP: &str = "pending | accept NUMBER SHA-256 [LABEL] | reject NUMBER | quit";

/// Serves until `quit`, the end of its input if that is a console, or the end of its time.
pub(crate) fn run(arguments: &Arguments, as_json: bool) -> Result<Outcome, Failure> {
    let provider = ours::provider();
    let keys = tls::key_policy(&provider);
    let missing = || Failure::new("usage", "a server needs an --identity");
    let identity = arguments.identity.read(&provider)?.ok_or_else(missing)?;
    let settings = arguments.open.settings(keys)?;
    let (mut store, _) = DurableStore::open(&arguments.store, settings)?;
    let enrolment = Enrolment::new(Arc::new(SystemClock::new()));
    let lifetime = arguments.seconds.map(Duration::from_secs);
    enrolment.open_enrolment(lifetime.unwrap_or(MAX_ENROLMENT_WINDOW), arguments.places)?;
    let builder = ServerConfigBuilder::new(provider, store.live(), Policy::new(keys), identity);
    let (acceptor, check) = (builder.enrolment(&enrolment)?, builder.peer_check());
    let listener = TcpListener::bind(&arguments.listen);
    let listener = listener.map_err(|error| Failure::from(error).about(&arguments.listen))?;
    let address = listener.local_addr()?.to_string();
    let teller = Teller::new(as_json);
    teller.tell(
        &format!("listening on {address}; {HELP}"),
        &Event::Listening { address },
    );
    // Both end with the process, which ends with this function.
    thread::spawn(move || listen(&listener, &acceptor, &check, teller));
    let (lines, _no_console) = input();
    let deadline = lifetime.map(|lifetime| Instant::now() + lifetime);
    let mut failing = None;
    while let Some(line) = next(&lines, deadline) {
        let Some(line) = line else {
            refresh(&mut store, &mut failing, teller);
            continue;
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        if words == ["quit"] {
            break;
        }
        if let Err(failure) = obey(&words, &enrolment, &mut store, teller) {
            let message = failure.message().to_owned();
            teller.tell(&format!("error: {message}"), &Event::Error { message });
        }
    }
    let served = Served {
        decisions: enrolment.decisions().len(),
        missed: enrolment.rejected_count(),
    };
    Ok(Outcome::of(String::from("ended"), &served))
}

/// The lines of the input, read by a thread of its own, since a read cannot be cancelled.
/// Without a console, its sender comes back: it is never dropped, so that the lines do not end.
fn input() -> (Receiver<String>, Option<SyncSender<String>>) {
    let (sender, receiver) = sync_channel(16);
    if !has_console() {
        return (receiver, Some(sender));
    }
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = String::new();
            match input.by_ref().take(4096).read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    (receiver, None)
}

/// Whether the input is a console, which ends the server with its own end. `/dev/null` is none: a service manager gives it
/// to a service, which is to run on.
fn has_console() -> bool {
    let input = io::stdin();
    if input.is_terminal() {
        return true;
    }
    let kind = input.as_fd().try_clone_to_owned().and_then(|input| {
        let found = File::from(input).metadata()?;
        Ok(found.file_type())
    });
    !kind.is_ok_and(|kind| kind.is_char_device())
}

/// The next line, or nothing if it is time to look at the store. `None` at the end.
fn next(lines: &Receiver<String>, deadline: Option<Instant>) -> Option<Option<String>> {
    let now = Instant::now();
    let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
    if left.is_some_and(|left| left.is_zero()) {
        return None;
    }
    match lines.recv_timeout(left.map_or(REFRESH, |left| left.min(REFRESH))) {
        Ok(line) => Some(Some(line)),
        Err(RecvTimeoutError::Timeout) => Some(None),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

/// Puts in force what other processes changed. A fault is told once.
fn refresh(store: &mut DurableStore, failing: &mut Option<String>, teller: Teller) {
    let fault = match store.refresh() {
        Ok(changed) => {
            if changed {
                let generation = store.contents().generation();
                let text = format!("changed: generation {generation} is in force");
                teller.tell(&text, &Event::Changed { generation });
            }
            None
        }
        Err(error) => Some(Failure::from(error).message().to_owned()),
    };
    if let Some(message) = fault.as_ref().filter(|_| fault != *failing) {
        let (text, message) = (format!("error: {message}"), message.clone());
        teller.tell(&text, &Event::Error { message });
    }
    *failing = fault;
}

fn obey(
    words: &[&str],
    enrolment: &Enrolment,
    store: &mut DurableStore,
    teller: Teller,
) -> Result<(), Failure> {
    const BY: &str = "console of mutual-trust serve";
    let number = |text: &str| {
        text.parse()
            .map_err(|_| Failure::new("usage", format!("not a number: {text}")))
    };
    match words {
        [] => {}
        ["pending"] => {
            let pending = enrolment.pending();
            let peers = pending.iter().map(waits).collect();
            teller.tell(&waiting(&pending), &Event::Pending { peers });
        }
        ["accept", id, rest @ ..] if !rest.is_empty() => {
            let id = number(id)?;
            let (heard, label) = heard(rest)?;
            let mut options = EntryOptions::new();
            if !label.is_empty() {
                options = options.with_label(label.join(" "));
            }
            // If the enrolment refuses, nothing changes and nothing is stored.
            let done =
                store.change(|store| Ok(enrolment.accept_client(id, heard, store, options, BY)))?;
            let report = done?;
            let stored = store.contents().generation();
            let text = format!("accepted: {report:#}");
            let text = facts::with_generation(&text, &report, stored);
            let report = facts::report(&report);
            teller.tell(&text, &Event::LetIn { report });
        }
        ["reject", id] => {
            enrolment.reject(number(id)?, BY)?;
            let (text, id) = (format!("rejected: {id}"), (*id).to_owned());
            teller.tell(&text, &Event::Rejected { id });
        }
        _ => return Err(Failure::new("usage", HELP)),
    }
    Ok(())
}

/// The fingerprint at the beginning of these words, in any form of several words in which people paste one, and the label
/// behind it.
fn heard<'a>(words: &'a [&'a str]) -> Result<(Fingerprint, &'a [&'a str]), Failure> {
    let mut first = None;
    for count in 1..=words.len() {
        let (value, label) = words.split_at(count);
        match value.join(" ").parse() {
            Ok(fingerprint) => return Ok((fingerprint, label)),
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    // The whole is what was meant, if it is more than a value and a label.
    let whole = words.join(" ").parse::<Fingerprint>();
    Err(whole
        .err()
        .or(first)
        .map_or_else(|| Failure::new("usage", HELP), Failure::from))
}

fn waiting(pending: &[PendingPeer]) -> String {
    if pending.is_empty() {
        return String::from("no client is waiting");
    }
    let shown = pending.iter().map(|peer| {
        let presented = peer.presented.to_string().replace('\n', "\n  ");
        format!(
            "{}: from {}, seen {} times, last at {}\n  {presented}",
            peer.id,
            peer.address,
            peer.attempts,
            Timestamp::from(peer.last_seen)
        )
    });
    shown.collect::<Vec<String>>().join("\n")
}

fn waits(peer: &PendingPeer) -> Waiting {
    Waiting {
        id: peer.id.to_string(),
        address: peer.address.to_string(),
        times: peer.attempts,
        last_seen: Timestamp::from(peer.last_seen).to_string(),
        presented: shown(&peer.presented),
    }
}

fn listen(listener: &TcpListener, acceptor: &EnrolmentAcceptor, check: &PeerCheck, teller: Teller) {
    let clients = Arc::new(AtomicUsize::new(0));
    for tcp in listener.incoming() {
        let Ok(tcp) = tcp else {
            // No descriptor is free, or the client is gone: the next one may succeed.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if clients.fetch_add(1, Ordering::Relaxed) >= MAX_CLIENTS {
            clients.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (clients, acceptor, check) = (Arc::clone(&clients), acceptor.clone(), check.clone());
        let address = tcp.peer_addr().ok().map(|address| address.to_string());
        thread::spawn(move || {
            if let Err(error) = answer(tcp, &acceptor, &check, teller) {
                let verdict = refusal(&error);
                let text = verdict.map_or_else(|| format!("a link failed: {error}"), output::shown);
                let reason = verdict.map(|verdict| verdict.reason().to_string());
                let from = address.as_deref().unwrap_or("(unknown)");
                let told = format!("{text}\n  from: {from}");
                let refused = Event::Refused {
                    message: text,
                    reason,
                    address,
                };
                teller.tell(&told, &refused);
            }
            clients.fetch_sub(1, Ordering::Relaxed);
        });
    }
}
