//! Facts about certificates, verdicts and changes as JSON. The names of the fields are a promise: fields are only added.

use core::fmt;
use core::time::Duration;

use mutual_trust::admin::{Effect, Impact};
use mutual_trust::certificate::{KeyKind, SanName, Timestamp};
use mutual_trust::policy::Detail;
use mutual_trust::store::{
    ClockState, Consequence, ConsequenceKind, Entry, EntryKey, Outcome, Report, RolledBack, Server,
    Slot, Truncated, ValidityRule,
};
use mutual_trust::{Certificate, CurrentTime, PinMatch, TrustSnapshot, Verdict};
use serde_json::{Value, json};

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

pub(crate) fn certificate(certificate: &Certificate) -> Value {
    let validity = certificate.validity();
    json!({
        "version": certificate.version(),
        "subject": certificate.subject(),
        "issuer": certificate.issuer(),
        "serial": hex(certificate.serial()),
        "names": names(certificate),
        "not_before": time(validity.not_before()),
        "not_after": time(validity.not_after()),
        "key": certificate.key_name(),
        "ca": certificate.is_ca(),
        "fingerprint": certificate.fingerprint().to_string(),
        "key_pin": certificate.key_pin().to_string(),
    })
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

pub(crate) fn entry_key(key: &EntryKey) -> Value {
    json!({
        "slot": slot(key.slot),
        "scope": key.scope.to_string(),
        "fingerprint": key.fingerprint.to_string(),
    })
}

pub(crate) fn entry(entry: &Entry) -> Value {
    let options = entry.options();
    let patterns = options.san_patterns().iter();
    json!({
        "slot": slot(entry.key().slot),
        "scope": entry.key().scope.to_string(),
        "fingerprint": entry.key().fingerprint.to_string(),
        "label": options.label(),
        "certificate": entry.certificate().map(certificate),
        "ends": options.end().map(|end| Timestamp::from(end).to_string()),
        "patterns": patterns.map(ToString::to_string).collect::<Vec<String>>(),
        "match": if options.matching() == PinMatch::PublicKey { "public-key" } else { "certificate" },
        "grace_seconds": grace(entry).map(|grace| grace.as_secs()),
        "any_role": options.is_any_role(),
        "source": entry.source(),
        "installed": entry.installed().map(|time| Timestamp::from(time).to_string()),
        "installed_by": entry.installed_by(),
        "disabled": entry.disabled(),
    })
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

fn detail(detail: &Detail) -> Value {
    if *detail == Detail::None {
        Value::Null
    } else {
        Value::String(format!("{detail:#}"))
    }
}

pub(crate) fn verdict(verdict: &Verdict) -> Value {
    let considered = verdict.considered();
    let items = considered.items().iter().map(|item| {
        json!({
            "fingerprint": item.fingerprint.to_string(),
            "entry": item.entry.as_ref().map(entry_key),
            "reason": item.reason.to_string(),
            "detail": detail(&item.detail),
        })
    });
    let remedy = (!verdict.is_accepted()).then(|| verdict.remedy());
    json!({
        "accepted": verdict.is_accepted(),
        "reason": verdict.reason().to_string(),
        "rule": verdict.rule().to_string(),
        "meaning": verdict.reason().meaning(),
        "to_do": remedy,
        "detail": detail(verdict.detail()),
        "role": verdict.role().to_string(),
        "server": verdict.server().map(ToString::to_string),
        "dialled": verdict.dialled().map(ToString::to_string),
        "presented": verdict.presented().map(|presented| presented.to_string()),
        "decided_by": verdict.decided_by().map(|by| entry_key(&by.key())),
        "peer": verdict.peer().map(|peer| peer.to_string()),
        "considered": items.collect::<Vec<Value>>(),
        "considered_more": considered.omitted(),
        "warnings": verdict.warnings().iter().map(text).collect::<Vec<Value>>(),
        "generation": verdict.generation(),
    })
}

/// The clock and the floor (rule M7).
pub(crate) fn clock(view: &TrustSnapshot, clock: CurrentTime) -> Value {
    let state = view.clock_state(clock);
    let now = match clock {
        CurrentTime::Known(now) => Some(Timestamp::from(now).to_string()),
        CurrentTime::Unset => None,
    };
    json!({
        "state": state.code(),
        "now": now,
        "floor": view.floor().map(|floor| Timestamp::from(floor).to_string()),
        "text": state.to_string(),
    })
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

/// The items of a bounded list, with how many more there are.
pub(crate) fn bounded<T>(items: &Truncated<T>, show: impl Fn(&T) -> Value) -> Value {
    let shown: Vec<Value> = items.items().iter().map(show).collect();
    json!({ "items": shown, "more": items.omitted() })
}

/// A text of the library, with all fingerprints in full.
pub(crate) fn text<T: fmt::Display>(item: &T) -> Value {
    Value::String(format!("{item:#}"))
}

/// The consequences of one kind, with how many more there are.
fn of_kind(report: &Report, kind: ConsequenceKind) -> Value {
    let mut shown: Vec<Value> = Vec::new();
    let mut more = 0;
    let all = report.consequences().iter();
    for one in all.filter(|one| one.kind() == kind) {
        match one {
            Consequence::Entry(key) | Consequence::StillHeld(key) => shown.push(entry_key(key)),
            Consequence::Claimed(server) => shown.push(text(server)),
            Consequence::TrustSource(change) => shown.push(text(change)),
            Consequence::Warning(warning) => shown.push(text(warning)),
            Consequence::Omitted { count, .. } => more = *count,
            other => shown.push(text(other)),
        }
    }
    json!({ "items": shown, "more": more })
}

pub(crate) fn report(report: &Report) -> Value {
    let words = [
        (Outcome::Added, "added"),
        (Outcome::Unchanged, "already_there"),
        (Outcome::Completed, "completed"),
        (Outcome::Removed, "removed"),
    ];
    let done = words.iter().find(|(done, _)| *done == report.done());
    let done = done.map_or("changed", |(_, word)| word);
    json!({
        "done": done,
        "entries": of_kind(report, ConsequenceKind::Entry),
        "claims": of_kind(report, ConsequenceKind::Claimed),
        "shifts": of_kind(report, ConsequenceKind::TrustSource),
        "still_held": of_kind(report, ConsequenceKind::StillHeld),
        "warnings": of_kind(report, ConsequenceKind::Warning),
    })
}

pub(crate) fn effect(effect: &Effect) -> Value {
    json!({
        "peer": text(&effect.peer),
        "before": effect.before.reason.to_string(),
        "after": effect.after.reason.to_string(),
        "dialled": effect.dialled.as_ref().map(ToString::to_string),
        "text": text(effect),
    })
}

pub(crate) fn effects(effects: &Impact) -> Value {
    let show = effect;
    json!({
        "lost": bounded(effects.lost(), show),
        "at_risk": bounded(effects.at_risk(), show),
        "gained": bounded(effects.gained(), show),
        "moved": bounded(effects.moved(), show),
        "floor": effects.floor().map(|floor| json!({
            "from": Timestamp::from(floor.from).to_string(),
            "to": Timestamp::from(floor.to).to_string(),
        })),
    })
}

/// What a rollback brought back, took out, kept and left out.
pub(crate) fn rolled_back(done: &RolledBack) -> Value {
    json!({
        "to": done.to,
        "came": bounded(&done.came, entry_key),
        "gone": bounded(&done.gone, entry_key),
        "changed": bounded(&done.changed, entry_key),
        "servers_came": bounded(&done.servers_came, text),
        "servers_gone": bounded(&done.servers_gone, text),
        "blocks_came": bounded(&done.blocks_came, text),
        "kept": bounded(&done.kept, |kept| json!({ "kind": kept.code(), "text": text(kept) })),
        "left_out": bounded(&done.left_out, entry_key),
    })
}
