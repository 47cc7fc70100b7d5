//! Shows the history of a store: who changed what, and when; and how two stores differ.

use std::path::{Path, PathBuf};

use clap::Args;
use mutual_trust::admin::file::{self, ChangeHead, StoreFile, StoredChange, StoredRefusal};
use mutual_trust::admin::{DurableStore, Effect, History, PeerHistory, effects_between};
use mutual_trust::certificate::Timestamp;
use mutual_trust::limits::MAX_STORE_WITH_JOURNAL;
use mutual_trust::store::Truncated;
use mutual_trust::{ServerId, TrustSnapshot};
use pki_types::UnixTime;

use super::make::{Common, now};
use super::scope::moment;
use super::words::outcome;
use crate::json::{
    self, Asked, Bounded, DiffEffects, LoggedChange, LoggedRefusal, StoreDiff, StoreLog,
};
use crate::output::{Failure, Outcome, shown};
use crate::{facts, files, ours};

/// Which changes are shown.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// Only changes from this time on, and those whose time is not known
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<UnixTime>,
    /// Only changes of this server or of what is installed for it
    #[arg(long, value_name = "ID")]
    server: Option<ServerId>,
}

impl Arguments {
    fn shows(&self, record: Shown<'_>, by: Option<&str>) -> bool {
        let head = record.head();
        let late = match (self.since, head.at) {
            (Some(since), Some(at)) => at >= since,
            (Some(_) | None, None) | (None, Some(_)) => true,
        };
        let of = by.is_none_or(|who| {
            let mut actors = head.asked.iter().filter_map(|(_, by)| by.as_deref());
            actors.any(|by| by == who)
        });
        let about = self.server.as_ref().is_none_or(|id| match record {
            Shown::Change(change) => {
                let starts = ["server", "pin server", "authority server"];
                let starts = starts.map(|start| format!("{start} {id} "));
                lines(&change.records)
                    .any(|(_, line)| starts.iter().any(|start| line.starts_with(start)))
            }
            Shown::Refusal(_) => {
                let id = id.to_string();
                let calls = head.asked.iter().map(|(call, _)| call);
                calls
                    .flat_map(|call| call.split(' '))
                    .any(|word| word == id)
            }
        });
        late && of && about
    }
}

/// A record of the journal.
#[derive(Clone, Copy)]
enum Shown<'a> {
    Change(&'a StoredChange),
    Refusal(&'a StoredRefusal),
}

impl Shown<'_> {
    fn head(&self) -> &ChangeHead {
        match self {
            Self::Change(change) => &change.head,
            Self::Refusal(refusal) => &refusal.head,
        }
    }
}

/// The records in the order of the journal.
fn in_order(history: &History) -> Vec<Shown<'_>> {
    let changes = history.changes.iter().map(Shown::Change);
    let refusals = history.refusals.iter().map(Shown::Refusal);
    let mut all: Vec<Shown<'_>> = changes.chain(refusals).collect();
    // A refusal stands behind the change to its generation. Both lists are in order, and the sort keeps that.
    all.sort_by_key(|record| record.head().to);
    all
}

/// The lines of the records, each with its sign, without certificates and checksums.
fn lines(records: &str) -> impl Iterator<Item = (char, &str)> {
    let mut in_section = false;
    records.lines().filter_map(move |line| {
        let sign = line.chars().next()?;
        let text = line.get(1..)?;
        let is_end = text.starts_with("-----END ");
        if text.starts_with("-----BEGIN ") || in_section {
            in_section = !is_end;
            return None;
        }
        let head = match text.starts_with(' ') {
            true => text,
            false => text.rsplit_once(" #").map_or(text, |(head, _)| head),
        };
        Some((sign, head))
    })
}

/// Shows the changes, oldest first.
pub(super) fn run(common: &Common, arguments: &Arguments) -> Result<Outcome, Failure> {
    let history = DurableStore::history(common.folder()?, &common.settings()?)?;
    let mut shown = in_order(&history);
    shown.retain(|record| arguments.shows(*record, common.by()));
    let mut text: Vec<String> = Vec::new();
    let (mut changes, mut refusals) = (Vec::new(), Vec::new());
    for record in &shown {
        text.extend(lines_of(*record));
        match record {
            Shown::Change(change) => changes.push(fact(change)),
            Shown::Refusal(refusal) => refusals.push(refusal_fact(refusal)),
        }
    }
    text.push(format!(
        "the history that is kept begins after generation {}",
        history.since
    ));
    if let Some(why) = &history.previous {
        text.push(format!(
            "note: trust-store.previous does not belong to it: {why}"
        ));
    }
    text.extend(facts::seal_line(history.seal));
    let log = StoreLog {
        seal: facts::seal(history.seal),
        since_generation: history.since,
        previous: history.previous.clone(),
        changes,
        refusals,
    };
    Ok(Outcome::of(text.join("\n"), &log))
}

fn lines_of(record: Shown<'_>) -> Vec<String> {
    let head = record.head();
    let at = head.at.map(|at| Timestamp::from(at).to_string());
    let at = at.unwrap_or_else(|| String::from("an unknown time"));
    let mut text = vec![match record {
        Shown::Change(_) => format!("generation {} to {} at {at}", head.from, head.to),
        Shown::Refusal(_) => format!("refused after generation {} at {at}", head.from),
    }];
    for (call, by) in &head.asked {
        let by = by.as_ref().map_or(String::new(), |by| format!(", by {by}"));
        text.push(format!("  asked: {call}{by}"));
    }
    if head.more > 0 {
        text.push(format!("  asked: and {} calls more", head.more));
    }
    match record {
        Shown::Change(change) => {
            text.extend(lines(&change.records).map(|(sign, line)| format!("  {sign} {line}")));
        }
        Shown::Refusal(refusal) => {
            text.push(format!("  because: {}", refusal.because));
            if refusal.omitted > 0 {
                let omitted = refusal.omitted;
                text.push(format!("  {omitted} refusals before it are not recorded"));
            }
        }
    }
    text
}

fn asked_fact(head: &ChangeHead) -> Vec<Asked> {
    let asked = head.asked.iter().cloned();
    asked.map(|(call, by)| Asked { call, by }).collect()
}

fn refusal_fact(refusal: &StoredRefusal) -> LoggedRefusal {
    let head = &refusal.head;
    LoggedRefusal {
        after: head.from,
        at: head.at.map(|at| Timestamp::from(at).to_string()),
        asked: asked_fact(head),
        more: head.more,
        because: refusal.because.clone(),
        omitted: refusal.omitted,
        digest: refusal.digest.to_string(),
    }
}

fn fact(change: &StoredChange) -> LoggedChange {
    let head = &change.head;
    let side = |wanted| side(&change.records, wanted);
    LoggedChange {
        from: head.from,
        to: head.to,
        at: head.at.map(|at| Timestamp::from(at).to_string()),
        asked: asked_fact(head),
        more: head.more,
        gone: side('-'),
        came: side('+'),
        digest: change.digest.to_string(),
    }
}

/// The lines of one side.
fn side(records: &str, wanted: char) -> Vec<String> {
    let lines = lines(records).filter(|(sign, _)| *sign == wanted);
    lines.map(|(_, line)| line.to_owned()).collect()
}

/// Reads a store by a generation of this one, a folder, or a file.
fn version(common: &Common, which: &Path) -> Result<StoreFile, Failure> {
    let settings = common.settings()?;
    if let Some(generation) = which.to_str().and_then(|text| text.parse().ok()) {
        let found = DurableStore::read_at(common.folder()?, &settings, generation);
        return Ok(found?);
    }
    if which.is_dir() {
        return Ok(DurableStore::read(which, &settings)?);
    }
    let content = files::bytes_within(which, MAX_STORE_WITH_JOURNAL)?;
    let read = file::read(&content, ours::keys(), settings.seal().map(|seal| &**seal));
    read.map_err(|error| Failure::from(error).about(which.display()))
}

/// What is compared.
#[derive(Args, Clone, Debug)]
pub(super) struct Two {
    /// A generation of the store, a folder of a store, or its file
    #[arg(value_name = "FROM")]
    from: PathBuf,
    /// The same
    #[arg(value_name = "TO")]
    to: PathBuf,
}

/// Effects of one kind.
struct Kind {
    words: &'static str,
    effects: Vec<Effect>,
    /// How many more there are.
    more: usize,
}

impl Kind {
    fn new(words: &'static str, found: &Truncated<Effect>) -> Self {
        Self {
            words,
            effects: found.items().to_vec(),
            more: found.omitted(),
        }
    }

    /// Of effects that were found from the second to the first.
    fn turned(mut self) -> Self {
        for effect in &mut self.effects {
            core::mem::swap(&mut effect.before, &mut effect.after);
        }
        self
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for effect in &self.effects {
            lines.push(format!("{}: {}", self.words, shown(&effect.peer)));
            lines.push(format!("  first: {}", outcome(&effect.before)));
            lines.push(format!("  second: {}", outcome(&effect.after)));
        }
        if self.more > 0 {
            lines.push(format!("{}: and {} more", self.words, self.more));
        }
        lines
    }

    fn fact(&self) -> Bounded<json::Effect> {
        Bounded {
            items: self.effects.iter().map(facts::effect).collect(),
            more: self.more,
        }
    }
}

/// The peers that two stores judge differently. The command knows no connections, so they are judged by what is
/// installed for them.
fn effects(common: &Common, from: &TrustSnapshot, to: &TrustSnapshot) -> [Kind; 4] {
    let (policy, seen, clock) = (common.policy(), PeerHistory::new(), now());
    let there = effects_between(from, to, &policy, &seen, clock);
    let back = effects_between(to, from, &policy, &seen, clock);
    [
        Kind::new("refused in the second", there.lost()),
        Kind::new("may be refused in the second", there.at_risk()),
        Kind::new("refused in the first", back.lost()).turned(),
        Kind::new("may be refused in the first", back.at_risk()).turned(),
    ]
}

/// Shows the records in which two stores differ, and the peers that they judge differently.
pub(super) fn diff(common: &Common, two: &Two) -> Result<Outcome, Failure> {
    let (from, to) = (version(common, &two.from)?, version(common, &two.to)?);
    let records = file::difference(&from, &to);
    let mut text: Vec<String> = lines(&records)
        .map(|(sign, line)| format!("{sign} {line}"))
        .collect();
    if text.is_empty() {
        text.push(String::from("the records are the same"));
    }
    let kinds = effects(common, from.store.contents(), to.store.contents());
    text.extend(kinds.iter().flat_map(Kind::lines));
    let [lost, at_risk, gained, may_gain] = &kinds;
    let diff = StoreDiff {
        from: from.report.generation,
        to: to.report.generation,
        gone: side(&records, '-'),
        came: side(&records, '+'),
        effects: DiffEffects {
            lost: lost.fact(),
            at_risk: at_risk.fact(),
            gained: gained.fact(),
            may_gain: may_gain.fact(),
        },
    };
    Ok(Outcome::of(text.join("\n"), &diff))
}
