//! `store follow`: takes over what other programs put into files and folders.

use core::time::Duration;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use clap::{Args, ValueEnum};
use mutual_trust::admin::follow::{FollowGuard, SourceHealth};
use mutual_trust::admin::{DurableStore, Feeds, Follower, Health, Source};
use mutual_trust::certificate::Timestamp;
use mutual_trust::store::EntryKey;
use mutual_trust::{AuthorityScope, PinScope, TrustSnapshot};

use super::make::Common;
use crate::facts::bounded;
use crate::json::{FollowState, Followed, FollowedSource};
use crate::output::{self, Failure, Outcome};

/// The time between the polls of a run that ends, in which a program that writes a file can finish it.
const SETTLING: Duration = Duration::from_secs(1);
/// Polls of a run that ends: what has not settled by then is told.
const POLLS: usize = 4;

/// Entries of a kind that are shown, as many as a report of the library has.
const MOST_SHOWN: usize = 64;

/// The sources, and how long they are followed.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The entries of a source become what its files contain; entries that came from elsewhere stay. Name all sources of the store
in each call, and a source the same each time. A scope is server:ID, name:HOST, clients, group:ID (pins only) or any-server (authorities only).
A source with nothing to trust says so with the line `trust nobody`.
What a source takes away is gone at once, without --force, and each peer that is refused since is named. With --guard refuse,
an update that locks a peer out, or may do so, is not applied: the entries from before stay. A CA that is taken away may lock
out each server that still has a certificate of it, also if another CA is left. To make such an update, call this once with
--guard report. Revocation lists are applied in any case.

Exit codes: 0 all sources are taken over. 1 they are not (SourceNotApplied); they are, and that locked a peer out (LockedOut);
or the store has entries of a source that this call does not name (SourceNotFollowed). 2 nothing was read.")]
pub(super) struct FollowArguments {
    /// Pins: certificates that the peers of the scope present themselves
    #[arg(long, num_args = 3, value_names = ["SCOPE", "SOURCE", "PATH"])]
    pins: Vec<String>,
    /// CA certificates in which chains of the scope may end
    #[arg(long, num_args = 3, value_names = ["SCOPE", "SOURCE", "PATH"])]
    authorities: Vec<String>,
    /// CA certificates that complete chains
    #[arg(long, num_args = 2, value_names = ["SOURCE", "PATH"])]
    intermediates: Vec<String>,
    /// Revocation lists, in PEM or DER
    #[arg(long, num_args = 2, value_names = ["SOURCE", "PATH"])]
    lists: Vec<String>,
    /// A pattern of the files that are read in the folder of a source, instead of the usual ones (*.pem *.crt *.cer; for
    /// lists *.crl *.crl.pem); it can be given again
    #[arg(long, num_args = 2, value_names = ["SOURCE", "PATTERN"])]
    include: Vec<String>,
    /// What becomes of an update after which a peer that is accepted now would be refused, or may be
    // The default: what a source takes away was taken away on purpose, perhaps because a key was stolen.
    #[arg(long, value_enum, default_value_t = Guard::Report)]
    guard: Guard,
    /// Go on, look every so many seconds, and print the state when it changes
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: Option<u64>,
    /// End after this many seconds
    #[arg(long = "for", value_name = "SECONDS", requires = "every", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
}

/// What becomes of an update that locks a peer out, or may do so.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Guard {
    /// Apply it, and name the peers
    Report,
    /// Keep the entries from before, and name the peers
    Refuse,
}

impl From<Guard> for FollowGuard {
    fn from(guard: Guard) -> Self {
        match guard {
            Guard::Report => Self::Report,
            Guard::Refuse => Self::Refuse,
        }
    }
}

impl FollowArguments {
    fn sources(&self) -> Result<Vec<Source>, Failure> {
        let mut all = Vec::new();
        for words in self.pins.chunks_exact(3) {
            if let [scope, name, path] = words {
                let feeds = Feeds::Pins(pin_scope(scope)?);
                all.push(Source::new(name, PathBuf::from(path), feeds));
            }
        }
        for words in self.authorities.chunks_exact(3) {
            if let [scope, name, path] = words {
                let feeds = Feeds::Authorities(authority_scope(scope)?);
                all.push(Source::new(name, PathBuf::from(path), feeds));
            }
        }
        let pairs = |words: &[String], feeds: Feeds| -> Vec<Source> {
            let pair = |words: &[String]| match words {
                [name, path] => Some(Source::new(name, PathBuf::from(path), feeds.clone())),
                _ => None,
            };
            words.chunks_exact(2).filter_map(pair).collect()
        };
        all.extend(pairs(&self.intermediates, Feeds::Intermediates));
        all.extend(pairs(&self.lists, Feeds::RevocationLists));
        if all.is_empty() {
            let text = "name a source with --pins, --authorities, --intermediates or --lists";
            return Err(Failure::new("usage", text));
        }
        let included = |name: &str| -> Vec<String> {
            let of = |words: &[String]| match words {
                [source, pattern] if source == name => Some(pattern.clone()),
                _ => None,
            };
            self.include.chunks_exact(2).filter_map(of).collect()
        };
        for words in self.include.chunks_exact(2) {
            if let [name, _] = words
                && all.iter().all(|source| source.name() != name)
            {
                let text = format!("--include names {name}, which is no source here");
                return Err(Failure::new("usage", text));
            }
        }
        let with_patterns = |source: Source| match included(source.name()) {
            none if none.is_empty() => source,
            patterns => source.with_include(patterns),
        };
        Ok(all.into_iter().map(with_patterns).collect())
    }
}

/// Takes over what the sources contain, once or until the end.
pub(super) fn run(
    common: &Common,
    arguments: &FollowArguments,
    as_json: bool,
) -> Result<Outcome, Failure> {
    common.changes_unasked(
        "`store follow` takes over what its sources hold, and --guard says what becomes of a change that locks a peer out",
    )?;
    let sources = arguments.sources()?;
    let named: BTreeSet<String> = sources.iter().map(|one| one.name().to_owned()).collect();
    let follower = Follower::new(sources)?;
    let mut follower = follower.with_guard(arguments.guard.into(), common.policy());
    let mut store = common.open()?;
    let before = store.contents().clone();
    match arguments.every {
        Some(seconds) => {
            let every = Duration::from_secs(seconds);
            let end = arguments.seconds.map(Duration::from_secs);
            go_on(&mut follower, &mut store, every, end, as_json);
        }
        None => {
            for _ in 0..POLLS {
                follower.poll(&mut store)?;
                if store.health().sources.iter().all(|source| !source.settling) {
                    break;
                }
                thread::sleep(SETTLING);
            }
        }
    }
    let health = store.health();
    let after = store.contents();
    let changed = after.generation() != before.generation();
    let refused = refusal(&health, &named).map(str::to_owned);
    let mut lines: Vec<String> = health.sources.iter().map(ToString::to_string).collect();
    lines.extend(came_and_gone(&before, after));
    let followed = Followed {
        changed,
        state: state(&health),
    };
    let mut outcome = Outcome::of(lines.join("\n"), &followed).or_refused(refused);
    // A reader of events takes a line for each.
    outcome.in_one_line = arguments.every.is_some();
    Ok(outcome)
}

/// The entries that another content of the sources put into the store, and took from it.
fn came_and_gone(before: &TrustSnapshot, after: &TrustSnapshot) -> Vec<String> {
    let generation = after.generation();
    if generation == before.generation() {
        return vec![format!("nothing changed (generation {generation})")];
    }
    let keys = |view: &TrustSnapshot| -> BTreeSet<EntryKey> {
        view.entries().iter().map(|entry| entry.key()).collect()
    };
    let (was, is) = (keys(before), keys(after));
    let mut lines = vec![format!("changed (generation {generation})")];
    for (what, list) in [
        ("added", is.difference(&was).collect::<Vec<_>>()),
        ("removed", was.difference(&is).collect()),
    ] {
        let shown = list.iter().take(MOST_SHOWN);
        lines.extend(shown.map(|key| format!("  {what}: {}", output::shown(*key))));
        let more = list.len().saturating_sub(MOST_SHOWN);
        if more > 0 {
            lines.push(format!("  {what}: and {more} more"));
        }
    }
    lines
}

/// Polls again and again, and prints the state when it changes.
fn go_on(
    follower: &mut Follower,
    store: &mut DurableStore,
    every: Duration,
    end: Option<Duration>,
    as_json: bool,
) {
    let begin = Instant::now();
    let mut last = String::new();
    while end.is_none_or(|end| begin.elapsed() < end) {
        // The health has the error of a store that cannot be written, and the next poll tries again.
        let _ = follower.poll(store);
        let health = store.health();
        let text = health.to_string();
        if text != last {
            // The reader of the output may have gone. What it followed is followed all the same.
            let _ = output::print_event(&text, &state(&health), as_json);
            last = text;
        }
        let left = end.map(|end| end.saturating_sub(begin.elapsed()));
        thread::sleep(left.map_or(every, |left| left.min(every)));
    }
}

/// Why a timer or a script must tell an operator, the most urgent first. A source that the call does not name was not read:
/// another call may follow it.
fn refusal(health: &Health, named: &BTreeSet<String>) -> Option<&'static str> {
    let is_unread = |source: &&SourceHealth| !is_applied(source) && named.contains(&source.name);
    if health.last_error.is_some() || health.sources.iter().any(|source| is_unread(&source)) {
        return Some("SourceNotApplied");
    }
    if health.sources.iter().any(|source| source.locked_out) {
        return Some("LockedOut");
    }
    (!is_good(health)).then_some("SourceNotFollowed")
}

fn is_applied(source: &SourceHealth) -> bool {
    source.is_good() && !source.settling
}

/// Whether what all sources have is in the store.
fn is_good(health: &Health) -> bool {
    health.last_error.is_none() && health.sources.iter().all(is_applied)
}

fn state(health: &Health) -> FollowState {
    FollowState {
        generation: health.generation,
        good: is_good(health),
        error: health.last_error.clone(),
        sources: health.sources.iter().map(source).collect(),
    }
}

fn source(source: &SourceHealth) -> FollowedSource {
    FollowedSource {
        name: source.name.clone(),
        good: source.is_good(),
        kind: if source.are_lists {
            "lists"
        } else {
            "certificates"
        },
        items: source.certificates,
        settling: source.settling,
        error: source.error.clone(),
        since: source.since.map(|since| Timestamp::from(since).to_string()),
        warnings: bounded(&source.warnings, Clone::clone),
        not_read: bounded(&source.passed_over, Clone::clone),
    }
}

fn pin_scope(text: &str) -> Result<PinScope, Failure> {
    match text.split_once(':') {
        Some(("server", id)) => Ok(PinScope::Server(id.parse()?)),
        Some(("name", name)) => Ok(PinScope::Name(name.parse()?)),
        Some(("group", id)) => Ok(PinScope::Group(id.parse()?)),
        None if text == "clients" => Ok(PinScope::Clients),
        Some(_) | None => Err(unknown(text, "server:ID, name:HOST, group:ID or clients")),
    }
}

fn authority_scope(text: &str) -> Result<AuthorityScope, Failure> {
    match text.split_once(':') {
        Some(("server", id)) => Ok(AuthorityScope::Server(id.parse()?)),
        Some(("name", name)) => Ok(AuthorityScope::Name(name.parse()?)),
        None if text == "any-server" => Ok(AuthorityScope::AnyServer),
        None if text == "clients" => Ok(AuthorityScope::Clients),
        Some(_) | None => Err(unknown(text, "server:ID, name:HOST, any-server or clients")),
    }
}

fn unknown(scope: &str, known: &str) -> Failure {
    Failure::new("usage", format!("{scope} is no scope here: it is {known}"))
}
