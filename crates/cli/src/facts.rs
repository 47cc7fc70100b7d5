//! Facts about certificates, verdicts and changes as JSON. The names of the fields are a promise: fields are only added.

mod reports;

pub(crate) use reports::{effect, effects, kept, report, rolled_back, with_generation};

use core::fmt;
use core::time::Duration;

use mutual_trust::admin::file::SealState;
use mutual_trust::certificate::{KeyKind, SanName, Timestamp};
use mutual_trust::limits::MIN_USABLE_SERVERS;
use mutual_trust::policy::Detail;
use mutual_trust::store::{ClockState, Entry, EntryKey, Server, Slot, Truncated, ValidityRule};
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

/// What makes an entry accept more or less than its certificate says, and its source.
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
    lines
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
