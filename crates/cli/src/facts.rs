//! Facts about certificates, verdicts and changes as JSON. The names of the fields are a promise: fields are only added.

use core::fmt;
use core::time::Duration;

use mutual_trust::admin::file::SealState;
use mutual_trust::admin::{Effect, Impact};
use mutual_trust::certificate::{KeyKind, SanName, Timestamp};
use mutual_trust::limits::MIN_USABLE_SERVERS;
use mutual_trust::policy::Detail;
use mutual_trust::store::{
    ClockState, Consequence, ConsequenceKind, Entry, EntryKey, Kept, Outcome, Report, RolledBack,
    Server, Slot, Truncated, ValidityRule,
};
use mutual_trust::{Certificate, CurrentTime, PinMatch, Policy, TrustSnapshot, Verdict};

use crate::json;

/// Bytes in hexadecimal, as certificates show them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    parts.join(":")
}

pub(crate) fn time(time: Timestamp) -> String {
    time.to_string()
}

/// The subject, or a text for an empty one.
pub(crate) fn subject(certificate: &Certificate) -> String {
    let subject = certificate.subject();
    if subject.is_empty() {
        String::from("(no subject)")
    } else {
        subject
    }
}

pub(crate) fn names(certificate: &Certificate) -> Vec<String> {
    let named = certificate.names().filter(|name| *name != SanName::Other);
    named.map(|name| name.to_string()).collect()
}

pub(crate) fn certificate(certificate: &Certificate) -> json::Certificate {
    let validity = certificate.validity();
    json::Certificate {
        version: certificate.version(),
        subject: certificate.subject(),
        issuer: certificate.issuer(),
        serial: hex(certificate.serial()),
        names: names(certificate),
        not_before: time(validity.not_before()),
        not_after: time(validity.not_after()),
        key: certificate.key_name(),
        ca: certificate.is_ca(),
        fingerprint: certificate.fingerprint().to_string(),
        key_pin: certificate.key_pin().to_string(),
    }
}

pub(crate) fn key(kind: KeyKind) -> String {
    kind.to_string()
}

pub(crate) const fn slot(slot: Slot) -> &'static str {
    match slot {
        Slot::Pin => "pin",
        Slot::Authority => "authority",
        Slot::Intermediate => "intermediate",
    }
}

const fn slot_fact(slot: Slot) -> json::Slot {
    match slot {
        Slot::Pin => json::Slot::Pin,
        Slot::Authority => json::Slot::Authority,
        Slot::Intermediate => json::Slot::Intermediate,
    }
}

pub(crate) fn entry_key(key: &EntryKey) -> json::EntryKey {
    json::EntryKey {
        slot: slot_fact(key.slot),
        scope: key.scope.to_string(),
        fingerprint: key.fingerprint.to_string(),
    }
}

pub(crate) fn entry(entry: &Entry) -> json::Entry {
    let options = entry.options();
    let patterns = options.san_patterns().iter();
    let key = entry.key();
    json::Entry {
        slot: slot_fact(key.slot),
        scope: key.scope.to_string(),
        fingerprint: key.fingerprint.to_string(),
        label: options.label().map(str::to_owned),
        certificate: entry.certificate().map(certificate),
        pem: None,
        ends: options.end().map(|end| Timestamp::from(end).to_string()),
        patterns: patterns.map(ToString::to_string).collect(),
        matching: match options.matching() {
            PinMatch::PublicKey => json::Matching::PublicKey,
            _ => json::Matching::Certificate,
        },
        grace_seconds: grace(entry).map(|grace| grace.as_secs()),
        any_role: options.is_any_role(),
        source: entry.source().map(str::to_owned),
        installed: entry
            .installed()
            .map(|time| Timestamp::from(time).to_string()),
        installed_by: entry.installed_by().map(str::to_owned),
        disabled: entry.disabled().map(ToString::to_string),
    }
}

/// The grace that is set for an entry.
fn grace(entry: &Entry) -> Option<Duration> {
    match entry.options().validity() {
        Some(ValidityRule::Grace(grace)) => Some(grace),
        _ => None,
    }
}

/// What makes an entry accept more or less than its certificate says, and where it comes from.
pub(crate) fn terms(entry: &Entry) -> Vec<String> {
    let options = entry.options();
    let mut lines = Vec::new();
    if options.matching() == PinMatch::PublicKey {
        lines.push(String::from("accepts every certificate of its key"));
    }
    if let Some(grace) = grace(entry) {
        lines.push(format!("accepts it {} after its end", span(grace)));
    }
    if options.is_any_role() {
        lines.push(String::from(
            "accepts it whatever its extended key usage is",
        ));
    }
    if let Some(end) = options.end() {
        lines.push(format!("ends at {}", Timestamp::from(end)));
    }
    let patterns = options.san_patterns().iter();
    let patterns: Vec<String> = patterns.map(ToString::to_string).collect();
    if !patterns.is_empty() {
        lines.push(format!("only for names like {}", patterns.join(", ")));
    }
    if let Some(source) = entry.source() {
        lines.push(format!("from the source {source}"));
    }
    if let Some(who) = entry.installed_by() {
        lines.push(format!("installed by {who}"));
    }
    lines.iter().map(|line| format!("  {line}")).collect()
}

/// The names that chains of a server are checked for, if they are not those that are dialled.
pub(crate) fn expected(server: &Server) -> String {
    let names: Vec<String> = server.expected_names().map(ToString::to_string).collect();
    if names.is_empty() {
        return String::new();
    }
    format!(", chains are checked for {}", names.join(", "))
}

/// How many servers something installed can accept at a time, and a warning if these are fewer than two. A store without
/// servers is one of clients alone.
pub(crate) fn usable_servers(
    view: &TrustSnapshot,
    policy: &Policy,
    clock: CurrentTime,
) -> (json::UsableServers, Option<String>) {
    let all = view.servers().count();
    let usable = mutual_trust::admin::usable_servers(view, policy, clock);
    let few = all > 0 && usable.len() < MIN_USABLE_SERVERS;
    let warning = few.then(|| match usable.as_slice() {
        [] => String::from("no server can be accepted"),
        [only, ..] => format!(
            "only server {only} can be accepted: if it is down, there is none; install a second one"
        ),
    });
    let facts = json::UsableServers {
        all,
        usable: usable.len(),
        few,
    };
    (facts, warning)
}

/// A span in days, if it is of whole days.
fn span(span: Duration) -> String {
    const DAY: u64 = 24 * 60 * 60;
    let seconds = span.as_secs();
    if seconds.is_multiple_of(DAY) {
        format!("{} days", seconds / DAY)
    } else {
        format!("{seconds} seconds")
    }
}

fn detail(detail: &Detail) -> Option<String> {
    (*detail != Detail::None).then(|| text(detail))
}

pub(crate) fn verdict(verdict: &Verdict) -> json::Verdict {
    let considered = verdict.considered();
    let items = considered.items().iter().map(|item| json::Considered {
        fingerprint: item.fingerprint.to_string(),
        entry: item.entry.as_ref().map(entry_key),
        reason: item.reason.to_string(),
        detail: detail(&item.detail),
    });
    let remedy = (!verdict.is_accepted()).then(|| verdict.remedy().to_string());
    json::Verdict {
        accepted: verdict.is_accepted(),
        reason: verdict.reason().to_string(),
        rule: verdict.rule().to_string(),
        meaning: verdict.reason().meaning().to_owned(),
        to_do: remedy,
        detail: detail(verdict.detail()),
        role: verdict.role().to_string(),
        server: verdict.server().map(ToString::to_string),
        dialled: verdict.dialled().map(ToString::to_string),
        presented: verdict.presented().map(|presented| presented.to_string()),
        decided_by: verdict.decided_by().map(|by| entry_key(&by.key())),
        peer: verdict.peer().map(|peer| peer.to_string()),
        considered: items.collect(),
        considered_more: considered.omitted(),
        warnings: verdict.warnings().iter().map(text).collect(),
        generation: verdict.generation(),
    }
}

/// The clock and the floor (rule M7).
pub(crate) fn clock(view: &TrustSnapshot, clock: CurrentTime) -> json::Clock {
    let state = view.clock_state(clock);
    let now = match clock {
        CurrentTime::Known(now) => Some(Timestamp::from(now).to_string()),
        CurrentTime::Unset => None,
    };
    json::Clock {
        state: state.code(),
        now,
        floor: view.floor().map(|floor| Timestamp::from(floor).to_string()),
        text: state.to_string(),
    }
}

/// The same in words: the floor, and a warning if there is something to do.
pub(crate) fn clock_lines(view: &TrustSnapshot, clock: CurrentTime) -> Vec<String> {
    let floor = view.floor().map(|floor| Timestamp::from(floor).to_string());
    let floor = floor.as_deref().unwrap_or("(none yet)");
    let state = view.clock_state(clock);
    let hint = if matches!(state, ClockState::BelowFloor { .. }) {
        " (store clock reset)"
    } else if matches!(state, ClockState::Jumped { .. }) {
        " (store clock confirm)"
    } else {
        ""
    };
    let warning = (!state.is_good()).then(|| format!("warning: {state}{hint}"));
    let floor = format!("clock floor {floor}");
    [Some(floor), warning].into_iter().flatten().collect()
}

/// The state of the seal of a store.
pub(crate) const fn seal(seal: SealState) -> &'static str {
    match seal {
        SealState::None => "none",
        SealState::Verified => "verified",
        SealState::NotVerified | _ => "not-verified",
    }
}

/// The same in words, if what is read could be anyone's.
pub(crate) fn seal_line(seal: SealState) -> Option<String> {
    const LINE: &str =
        "warning: the store is sealed, and without --seal-key its seal is not verified";
    matches!(seal, SealState::NotVerified).then(|| LINE.to_owned())
}

/// The items of a bounded list, with how many more there are.
pub(crate) fn bounded<T, F>(items: &Truncated<T>, show: impl Fn(&T) -> F) -> json::Bounded<F> {
    json::Bounded {
        items: items.items().iter().map(show).collect(),
        more: items.omitted(),
    }
}

/// A text of the library, with all fingerprints in full.
pub(crate) fn text<T: fmt::Display>(item: &T) -> String {
    format!("{item:#}")
}

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
