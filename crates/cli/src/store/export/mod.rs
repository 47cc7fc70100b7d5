//! `store export`: what other programs can use of a store. They know fewer rules than the store does, so what would make
//! them accept more than the store is left out, unless it is asked for.

mod curl;
mod pem;
mod wider;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mutual_trust::admin::file::SealState;
use mutual_trust::admin::{deciding, unusable};
use mutual_trust::certificate::Timestamp;
use mutual_trust::identity::{IfExists, write_public};
use mutual_trust::store::{Entry, EntryKey, Scope, Server};
use mutual_trust::{CurrentTime, Policy, ServerId, TrustSnapshot};

use super::list;
use super::make::{Common, judged_at};
use super::scope::ScopeArguments;
use crate::json::{Bounded, Exported, LeftOut, StoreList};
use crate::long::Lines;
use crate::output::{self, Failure, Outcome};
use crate::{facts, files, plain};

/// How many entries are named that are left out. The rest is counted.
const MAX_NAMED: usize = 64;

/// What is exported, and for which program.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
What the other program then accepts:
  pem   nginx and OpenSSL: each chain that ends in an authority of the bundle, and each pin as it is, until its own end.
        They check neither blocks, patterns nor ends that were set, and revocation lists only if they are told to. Let them
        check the name of a server: the bundle names it.
  curl  for --pinnedpubkey: each certificate of a pinned key. curl also checks the chain and the name, but with --insecure
        nothing else: then a later or ended certificate of the same key is accepted as well.
  json  what `store list --json` prints, with the certificates in PEM.
Left out is what accepts nothing now: blocked, disabled, ended. Left out is also what makes the program accept more than the
store does: a pin that can issue certificates, an authority with patterns or revocation checks, each authority as long
as there are blocks, intermediates, and what is for several peers of which one is asked something else. --wider puts it in. A bundle is of one moment:
export again when the store changes.")]
pub(super) struct Arguments {
    /// The form
    #[arg(long, value_enum)]
    format: Format,
    #[command(flatten)]
    scope: ScopeArguments,
    /// Put in what makes the other program accept more than the store does
    #[arg(long)]
    wider: bool,
    /// Write it to this file, which must not exist, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file
    #[arg(long, requires = "out")]
    replace: bool,
    /// Judge at this time instead of now: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Certificates for nginx (`ssl_client_certificate`, `proxy_ssl_trusted_certificate`) and OpenSSL (`-CAfile`)
    Pem,
    /// Public keys for curl (`--pinnedpubkey`); without a peer, a line for each server
    Curl,
    /// The store as `store list --json` prints it, with the certificates
    Json,
}

impl Format {
    const fn word(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Curl => "curl",
            Self::Json => "json",
        }
    }
}

/// The peers that are selected.
enum Peers<'a> {
    Server(&'a Server),
    Scope(Scope),
    All,
}

/// What is judged, and by what.
struct Asked<'a> {
    view: &'a TrustSnapshot,
    policy: &'a Policy,
    clock: CurrentTime,
    seal: SealState,
    wider: bool,
}

/// Entries that can be used now, and those that are left out.
#[derive(Default)]
struct Chosen<'a> {
    entries: Vec<&'a Entry>,
    left_out: Vec<(EntryKey, String)>,
}

impl<'a> Asked<'a> {
    /// The entries that decide about the peers now.
    fn chosen(&self, peers: &Peers<'a>) -> Chosen<'a> {
        let mut chosen = Chosen::default();
        match peers {
            Peers::Server(server) => {
                let decides = deciding(self.view, self.policy, self.clock, server);
                let found = decides.usable.iter().filter_map(|key| self.view.entry(key));
                chosen.entries.extend(found);
                let left_out = decides.unusable.items().iter();
                let why = |one: &mutual_trust::admin::Unusable| one.reason.meaning().to_owned();
                chosen
                    .left_out
                    .extend(left_out.map(|one| (one.entry.clone(), why(one))));
                if self.wider {
                    self.add(&mut chosen, |entry| *entry.scope() == Scope::Everyone);
                }
            }
            Peers::Scope(scope) => self.add(&mut chosen, |entry| {
                entry.scope() == scope || self.wider && *entry.scope() == Scope::Everyone
            }),
            Peers::All => self.add(&mut chosen, |_| true),
        }
        chosen
    }

    fn add(&self, chosen: &mut Chosen<'a>, is_wanted: impl Fn(&Entry) -> bool) {
        for entry in self.view.entries() {
            if !is_wanted(entry) {
                continue;
            }
            match unusable(self.view, self.policy, self.clock, entry) {
                None => chosen.entries.push(entry),
                Some(why) => {
                    let why = why.reason.meaning().to_owned();
                    chosen.left_out.push((entry.key(), why));
                }
            }
        }
    }
}

/// Text for another program.
struct Written {
    content: String,
    entries: usize,
    left_out: Vec<(EntryKey, String)>,
    /// Whether `--wider` puts in something of what is left out.
    more_if_wider: bool,
}

/// Exports the store.
pub(super) fn run(common: &Common, arguments: &Arguments) -> Result<Outcome, Failure> {
    let read = common.read()?;
    let (mut store, seal) = (read.store, read.report.seal);
    let clock = judged_at(&mut store, arguments.at)?;
    let policy = common.policy();
    let view = store.contents();
    let (server, scope) = arguments.scope.selected(view)?;
    if arguments.format == Format::Json {
        return as_json(common, arguments, (view.clone(), seal), (server, scope));
    }
    let asked = Asked {
        view,
        policy: &policy,
        clock,
        seal,
        wider: arguments.wider,
    };
    let found = server.as_ref().and_then(|id| view.server(id));
    let peers = match (found, scope) {
        (Some(server), _) => Peers::Server(server),
        (None, Some(scope)) => Peers::Scope(scope),
        (None, None) => Peers::All,
    };
    let written = match arguments.format {
        Format::Pem | Format::Json => pem::bundle(&asked, &peers)?,
        Format::Curl => curl::pins(&asked, &peers)?,
    };
    finished(arguments, (view.generation(), seal), &peers, written)
}

/// Why an export has nothing, if no entry that is left out says it.
fn nothing_for(peers: &Peers<'_>) -> String {
    match peers {
        Peers::Server(server) => format!("nothing is installed for server {}", server.id()),
        Peers::Scope(scope) => format!("nothing is installed for {scope}"),
        Peers::All => String::from("nothing is installed"),
    }
}

fn finished(
    arguments: &Arguments,
    (generation, seal): (u64, SealState),
    peers: &Peers<'_>,
    written: Written,
) -> Result<Outcome, Failure> {
    let is_empty = written.entries == 0;
    let mut exported = Exported {
        format: arguments.format.word(),
        generation,
        seal: facts::seal(seal),
        file: None,
        content: None,
        entries: written.entries,
        left_out: bounded(&written.left_out),
    };
    if is_empty {
        // An empty file would be no bundle, and an empty text no pin: a program may then check nothing.
        let mut lines = vec![String::from("nothing is exported")];
        lines.extend(facts::seal_line(seal));
        lines.extend(named(&written.left_out));
        if written.left_out.is_empty() {
            lines.push(nothing_for(peers));
        }
        if written.more_if_wider {
            lines.push(String::from(
                "to do: --wider puts it in; the other program then accepts peers that the store refuses",
            ));
        }
        let refused = Some(String::from("NothingToExport"));
        return Ok(Outcome::of(lines.join("\n"), &exported).or_refused(refused));
    }
    let Some(path) = &arguments.out else {
        let text = written.content.clone();
        exported.content = Some(written.content);
        let mut outcome = Outcome::of(text, &exported);
        outcome.aside = facts::seal_line(seal);
        return Ok(outcome);
    };
    save(path, written.content.as_bytes(), arguments.replace)?;
    exported.file = Some(path.display().to_string());
    let mut lines = vec![format!(
        "written to {}: {} of generation {generation}",
        plain::path(path),
        match written.entries {
            1 => String::from("1 entry"),
            count => format!("{count} entries"),
        }
    )];
    lines.extend(facts::seal_line(seal));
    lines.extend(named(&written.left_out));
    Ok(Outcome::of(lines.join("\n"), &exported))
}

/// Writes a file that all users can read: certificates and their keys are public.
fn save(path: &Path, content: &[u8], replace: bool) -> Result<(), Failure> {
    let existing = if replace {
        IfExists::Replace
    } else {
        IfExists::Refuse
    };
    write_public(path, content, existing).map_err(files::not_replaced)
}

fn named(left_out: &[(EntryKey, String)]) -> Vec<String> {
    let shown = left_out.iter().take(MAX_NAMED);
    let mut lines: Vec<String> = shown
        .map(|(key, why)| format!("left out: {}: {why}", output::shown(key)))
        .collect();
    let more = left_out.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        lines.push(format!("left out: {more} more"));
    }
    lines
}

fn bounded(left_out: &[(EntryKey, String)]) -> Bounded<LeftOut> {
    let items = left_out.iter().take(MAX_NAMED).map(|(key, why)| LeftOut {
        entry: facts::entry_key(key),
        why: why.clone(),
    });
    Bounded {
        items: items.collect(),
        more: left_out.len().saturating_sub(MAX_NAMED),
    }
}

/// The list of the store, with certificates.
fn as_json(
    common: &Common,
    arguments: &Arguments,
    (view, seal): (TrustSnapshot, SealState),
    (server, scope): (Option<ServerId>, Option<Scope>),
) -> Result<Outcome, Failure> {
    if arguments.wider || arguments.at.is_some() {
        let text =
            "--wider and --at do not apply to --format json: it has all entries, as they are";
        return Err(Failure::new("usage", text));
    }
    let (policy, generation) = (common.policy, view.generation());
    let group = server
        .as_ref()
        .and_then(|id| view.server(id)?.group().cloned());
    let selects = move |entry: &Entry| match (&server, &scope, entry.scope()) {
        (_, _, Scope::Everyone) | (None, None, _) => true,
        (Some(id), _, Scope::Server(own)) => own == id,
        (Some(_), _, Scope::Group(of)) => group.as_ref() == Some(of),
        (Some(_), _, Scope::AnyServer) => true,
        (Some(_), _, Scope::Clients) => false,
        (None, Some(scope), own) => scope == own,
    };
    let (id, of) = arguments.scope.selected(&view)?;
    let selects_server = move |server: &Server| match (&id, &of) {
        (None, None) => true,
        (Some(id), _) => server.id() == id,
        (None, Some(Scope::Group(group))) => server.group() == Some(group),
        (None, Some(_)) => false,
    };
    let fact = move |entry: &Entry| {
        selects(entry).then(|| {
            let mut fact = facts::entry(entry);
            fact.pem = entry.certificate().map(|one| one.to_pem());
            fact
        })
    };
    let Some(path) = &arguments.out else {
        return Ok(Outcome::long::<StoreList<'_>>(Box::new(move |out, _| {
            list::write_selected(&view, seal, policy, &fact, &selects_server, out)
        })));
    };
    let mut content = Vec::new();
    let plain = str::to_owned;
    list::write_selected(
        &view,
        seal,
        policy,
        &fact,
        &selects_server,
        &mut Lines::new(&mut content, &plain),
    )?;
    save(path, &content, arguments.replace)?;
    let entries = view.entries().into_iter().filter_map(fact).count();
    let exported = Exported {
        format: Format::Json.word(),
        generation,
        seal: facts::seal(seal),
        file: Some(path.display().to_string()),
        content: None,
        entries,
        left_out: bounded(&[]),
    };
    let text = format!(
        "written to {}: {entries} entries of generation {generation}",
        plain::path(path)
    );
    let lines: Vec<String> = [text].into_iter().chain(facts::seal_line(seal)).collect();
    Ok(Outcome::of(lines.join("\n"), &exported))
}

/// Whether a pin is of one peer: for two, each would be accepted as the other.
fn is_for_one(peers: &Peers<'_>) -> bool {
    !matches!(peers, Peers::All)
}
