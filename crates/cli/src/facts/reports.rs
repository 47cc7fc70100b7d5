//! Reports of changes, and what a change does to peers, as facts.

use mutual_trust::admin::{Effect, Impact};
use mutual_trust::certificate::Timestamp;
use mutual_trust::store::{Consequence, ConsequenceKind, Kept, Outcome, Report, RolledBack};

use super::{bounded, entry_key, text};
use crate::json;

/// The consequences of one kind, with how many more there are. `show` gives nothing for another kind.
fn of_kind<F>(
    report: &Report,
    kind: ConsequenceKind,
    show: impl Fn(&Consequence) -> Option<F>,
) -> json::Bounded<F> {
    let mut items = Vec::new();
    let mut more = 0;
    let all = report.consequences().iter();
    for one in all.filter(|one| one.kind() == kind) {
        if let Consequence::Omitted { count, .. } = one {
            more = *count;
        } else {
            items.extend(show(one));
        }
    }
    json::Bounded { items, more }
}

fn entries_of_kind(report: &Report, kind: ConsequenceKind) -> json::Bounded<json::EntryKey> {
    of_kind(report, kind, |one| {
        if let Consequence::Entry(key) | Consequence::StillHeld(key) = one {
            Some(entry_key(key))
        } else {
            None
        }
    })
}

fn texts_of_kind(report: &Report, kind: ConsequenceKind) -> json::Bounded<String> {
    of_kind(report, kind, |one| {
        Some(match one {
            Consequence::Claimed(server) => text(server),
            Consequence::TrustSource(change) => text(change),
            Consequence::Warning(warning) => text(warning),
            Consequence::Entry(_) | Consequence::StillHeld(_) | Consequence::Omitted { .. } | _ => {
                text(one)
            }
        })
    })
}

/// The text of a report with the generation that is stored. All calls of a change are stored as one generation, and a
/// clock that moves the floor makes one more.
pub(crate) fn with_generation(text: &str, report: &Report, stored: u64) -> String {
    let made = format!("(generation {})", report.generation());
    text.replacen(&made, &format!("(generation {stored})"), 1)
}

pub(crate) fn report(report: &Report) -> json::Report {
    json::Report {
        done: match report.done() {
            Outcome::Added => json::Done::Added,
            Outcome::Unchanged => json::Done::AlreadyThere,
            Outcome::Completed => json::Done::Completed,
            Outcome::Removed => json::Done::Removed,
            Outcome::Changed | _ => json::Done::Changed,
        },
        entries: entries_of_kind(report, ConsequenceKind::Entry),
        claims: texts_of_kind(report, ConsequenceKind::Claimed),
        shifts: texts_of_kind(report, ConsequenceKind::TrustSource),
        still_held: entries_of_kind(report, ConsequenceKind::StillHeld),
        warnings: texts_of_kind(report, ConsequenceKind::Warning),
    }
}

pub(crate) fn effect(effect: &Effect) -> json::Effect {
    json::Effect {
        peer: text(&effect.peer),
        before: effect.before.reason.to_string(),
        after: effect.after.reason.to_string(),
        dialled: effect.dialled.as_ref().map(ToString::to_string),
        text: text(effect),
    }
}

pub(crate) fn effects(effects: &Impact) -> json::Effects {
    json::Effects {
        lost: bounded(effects.lost(), effect),
        at_risk: bounded(effects.at_risk(), effect),
        gained: bounded(effects.gained(), effect),
        moved: bounded(effects.moved(), effect),
        floor: effects.floor().map(|floor| json::FloorMove {
            from: Timestamp::from(floor.from).to_string(),
            to: Timestamp::from(floor.to).to_string(),
        }),
    }
}

/// What takes trust away and stays.
pub(crate) fn kept(kept: &Kept) -> json::Kept {
    json::Kept {
        kind: kept.code(),
        text: text(kept),
    }
}

/// What a rollback brought back, took out, kept and left out.
pub(crate) fn rolled_back(done: &RolledBack) -> json::RolledBack {
    json::RolledBack {
        to: done.to,
        came: bounded(&done.came, entry_key),
        gone: bounded(&done.gone, entry_key),
        changed: bounded(&done.changed, entry_key),
        servers_came: bounded(&done.servers_came, text),
        servers_gone: bounded(&done.servers_gone, text),
        blocks_came: bounded(&done.blocks_came, text),
        kept: bounded(&done.kept, kept),
        left_out: bounded(&done.left_out, entry_key),
    }
}
