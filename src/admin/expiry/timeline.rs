//! All times at which a verdict can change without a change of the store.
//!
//! The report, the next change and the forecast all use this file. A new kind of item that ends by itself must get its
//! events here.

use core::time::Duration;
use std::collections::BTreeSet;

use pki_types::{CertificateDer, UnixTime};

use crate::admin::{Peer, PeerHistory, PeerRecord};
use crate::certificate::{Certificate, Fingerprint, Timestamp, Validity, seconds};
use crate::limits::CLOCK_TOLERANCE;
use crate::policy::{Policy, may_tell};
#[cfg(feature = "metrics")]
use crate::store::CrlIssuer;
use crate::store::{Claim, Entry, InstalledCrl, Server, Slot, TrustSnapshot, ValidityRule};

/// The kind of an event.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TimelineEvent {
    /// Its validity begins.
    #[doc(hidden)]
    Begins,
    /// Its grace begins (rule M3).
    #[doc(hidden)]
    GraceBegins,
    /// It is no longer accepted.
    #[doc(hidden)]
    Ends,
}

/// The item of an event.
#[derive(Clone, Copy)]
pub(in crate::admin) enum About<'a> {
    /// The validity of an entry's certificate.
    Certificate(&'a Entry),
    /// The end that was set for an entry.
    EntryEnd(&'a Entry),
    /// The end of a migration.
    Migration(&'a Server),
    /// A certificate that a peer presented.
    Presented(&'a Peer, &'a PeerRecord, Fingerprint),
    /// A revocation list: it proves for a time that certificates are not revoked.
    Crl(&'a InstalledCrl),
}

/// An event: at the second `at`, an item is judged differently than at the second before.
#[derive(Clone, Copy)]
pub(in crate::admin) struct Event<'a> {
    pub(in crate::admin) at: i64,
    pub(in crate::admin) turn: TimelineEvent,
    /// The beginning of its grace, if it has one.
    pub(in crate::admin) grace_from: Option<i64>,
    /// Whether the event follows from the rules that apply now. Other rules may apply after a change of the store.
    pub(in crate::admin) counts: bool,
    pub(in crate::admin) about: About<'a>,
}

/// The rules for the validity of a certificate.
#[derive(Clone, Copy)]
enum Judged {
    /// As a pin: notBefore with a tolerance, notAfter with a grace.
    Pin(i64),
    /// As part of a chain: to the second.
    Chain,
}

/// Visits all events, in no order. It reads every entry.
pub(in crate::admin) fn visit(
    view: &TrustSnapshot,
    policy: &Policy,
    seen: &PeerHistory,
    show: &mut dyn FnMut(Event<'_>),
) {
    for entry in view.data().all() {
        of_entry(policy, entry, show);
    }
    for server in view.servers() {
        if let Claim::Migrating { until } = server.claim() {
            show(end_at(seconds(until), About::Migration(server)));
        }
    }
    for list in view.crls().filter(|list| may_tell(policy, list)) {
        crl(view, policy, list, show);
    }
    for (peer, sighting) in seen.all() {
        presented(view, policy, &peer, sighting, show);
    }
}

/// The events of an entry: of its certificate and of the end that was set for it.
fn of_entry(policy: &Policy, entry: &Entry, show: &mut dyn FnMut(Event<'_>)) {
    if let Some(end) = entry.options().end() {
        show(end_at(seconds(end), About::EntryEnd(entry)));
    }
    if let Some(certificate) = entry.certificate() {
        let judged = match entry.slot() {
            Slot::Pin => Judged::Pin(grace_of(policy, entry)),
            Slot::Authority | Slot::Intermediate => Judged::Chain,
        };
        let about = About::Certificate(entry);
        validity(certificate.validity(), judged, true, about, show);
    }
}

/// The first second at which an entry accepts nothing any more, by its certificate with its grace or by the end that was set
/// for it. `None` if neither is known.
#[cfg(feature = "metrics")]
pub(in crate::admin) fn end_of(policy: &Policy, entry: &Entry) -> Option<i64> {
    let mut ends = Vec::new();
    of_entry(policy, entry, &mut |event| {
        if event.turn == TimelineEvent::Ends {
            ends.push(event.at);
        }
    });
    ends.into_iter().min()
}

/// The nextUpdate of each revocation list that no later list of its scope outlives, with the issuer.
#[cfg(feature = "metrics")]
pub(in crate::admin) fn next_updates(
    view: &TrustSnapshot,
    policy: &Policy,
    show: &mut dyn FnMut(&CrlIssuer, i64),
) {
    for list in view.crls().filter(|list| may_tell(policy, list)) {
        crl(view, policy, list, &mut |event| {
            if event.turn == TimelineEvent::Ends && event.counts {
                show(list.issuer(), event.grace_from.unwrap_or(event.at));
            }
        });
    }
}

/// The events of a revocation list (rule C4). The certificates that it names are revoked at any time.
fn crl(
    view: &TrustSnapshot,
    policy: &Policy,
    list: &InstalledCrl,
    show: &mut dyn FnMut(Event<'_>),
) {
    let Some(end) = list.crl().next_update().map(Timestamp::seconds) else {
        return;
    };
    let grace = i64::try_from(policy.crl_grace().as_secs()).unwrap_or(0);
    let grace_from = (grace > 0).then_some(end);
    // The end of a list changes nothing while another one of its scope is valid.
    let outlived = view.crls().any(|other| {
        other.issuer() == list.issuer()
            && other.crl().next_update() > Some(Timestamp::from_seconds(end))
            && other.crl().this_update().seconds() <= end
            && other.crl().has_scope_of(list.crl())
            && may_tell(policy, other)
    });
    let begins = list
        .crl()
        .this_update()
        .seconds()
        .saturating_sub(tolerance());
    let event = |at, turn| Event {
        at,
        turn,
        grace_from,
        counts: !outlived,
        about: About::Crl(list),
    };
    show(event(begins, TimelineEvent::Begins));
    if grace_from.is_some() {
        show(event(end, TimelineEvent::GraceBegins));
    }
    show(event(end.saturating_add(grace), TimelineEvent::Ends));
}

fn tolerance() -> i64 {
    i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap_or(0)
}

/// The events of what a peer presented. An installed end entity is included, because another entry may accept it by its
/// key.
fn presented(
    view: &TrustSnapshot,
    policy: &Policy,
    peer: &Peer,
    sighting: &PeerRecord,
    show: &mut dyn FnMut(Event<'_>),
) {
    let presented = sighting.presented().iter();
    let mut certificates = presented.filter_map(|der| read(view, der));
    if let Some(leaf) = certificates.next() {
        let about = About::Presented(peer, sighting, leaf.fingerprint());
        let mut graces = BTreeSet::new();
        for entry in view.data().holders(leaf.key_pin()) {
            graces.insert(grace_of(policy, entry));
        }
        for entry in view.data().fingerprints_only(leaf.fingerprint()) {
            graces.insert(grace_of(policy, entry));
        }
        // The verdict decides which rules apply, so the times of all rules are visited.
        let decided = view.entry(sighting.entry());
        let decided = decided.filter(|entry| entry.slot() == Slot::Pin);
        let counts = decided.map(|entry| grace_of(policy, entry));
        validity(
            leaf.validity(),
            Judged::Chain,
            counts.is_none(),
            about,
            show,
        );
        for grace in graces.into_iter().chain(counts).collect::<BTreeSet<i64>>() {
            let counts = counts == Some(grace);
            validity(leaf.validity(), Judged::Pin(grace), counts, about, show);
        }
    }
    for issuer in certificates {
        let about = About::Presented(peer, sighting, issuer.fingerprint());
        validity(issuer.validity(), Judged::Chain, true, about, show);
    }
}

/// A presented certificate. The installed object is used, if there is one.
pub(super) fn read(view: &TrustSnapshot, der: &CertificateDer<'_>) -> Option<Certificate> {
    match view.data().known(der) {
        Some(known) => Some(known.clone()),
        None => Certificate::from_der(der).ok(),
    }
}

fn end_at(at: i64, about: About<'_>) -> Event<'_> {
    Event {
        at,
        turn: TimelineEvent::Ends,
        grace_from: None,
        counts: true,
        about,
    }
}

/// The seconds at which a validity period is judged differently than the second before. Both ends of a period are
/// inside it (RFC 5280 section 4.1.2.5).
fn validity<'a>(
    validity: Validity,
    judged: Judged,
    counts: bool,
    about: About<'a>,
    show: &mut dyn FnMut(Event<'_>),
) {
    let lapses = validity.not_after().seconds().saturating_add(1);
    let (begins, ends, grace_from) = match judged {
        Judged::Pin(grace) => (
            validity.not_before().seconds().saturating_sub(tolerance()),
            lapses.saturating_add(grace),
            (grace > 0).then_some(lapses),
        ),
        Judged::Chain => (validity.not_before().seconds(), lapses, None),
    };
    let event = |at, turn| Event {
        at,
        turn,
        grace_from,
        counts,
        about,
    };
    show(event(begins, TimelineEvent::Begins));
    if grace_from.is_some() {
        show(event(lapses, TimelineEvent::GraceBegins));
    }
    show(event(ends, TimelineEvent::Ends));
}

/// The grace of a pin in seconds: its own, else the policy's.
fn grace_of(policy: &Policy, entry: &Entry) -> i64 {
    let rule = entry.options().validity();
    match rule.unwrap_or(policy.validity()) {
        ValidityRule::Enforce => 0,
        ValidityRule::Grace(grace) => i64::try_from(grace.as_secs()).unwrap_or(0),
    }
}

/// Seconds as a time. `None` before 1970: no clock shows such a time.
pub(in crate::admin) fn moment(seconds: i64) -> Option<UnixTime> {
    let seconds = u64::try_from(seconds).ok()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}
