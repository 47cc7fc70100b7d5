//! Gauges of a snapshot: what is installed, and when it ends.

use std::collections::BTreeMap;

use super::{Found, Gauges, Part, shown};
use crate::admin::expiry::timeline;
use crate::admin::scenarios::Scenarios;
use crate::certificate::{Certificate, CurrentTime, Timestamp, seconds};
use crate::policy::Policy;
use crate::store::{Claim, CrlIssuer, Entry, Scope, Slot, TrustSnapshot};

/// The slots, in the order of the labels.
const SLOTS: [Slot; 3] = [Slot::Pin, Slot::Authority, Slot::Intermediate];

const NOT_AFTER: &str = "mutual_trust_entry_not_after_timestamp_seconds";
const END: &str = "mutual_trust_entry_end_timestamp_seconds";
const MIGRATION_END: &str = "mutual_trust_migration_end_timestamp_seconds";
const NEXT_UPDATE: &str = "mutual_trust_crl_next_update_timestamp_seconds";

impl Gauges {
    /// Sets the gauges of what is installed: counts, the generation, and the ends of entries, migrations and revocation
    /// lists.
    ///
    /// It reads every entry, and asks for each server whether an entry could accept it. Call it once a minute or so, outside of
    /// the threads of handshakes.
    pub fn set_trust(&mut self, view: &TrustSnapshot, policy: &Policy, clock: CurrentTime) {
        let now = view.now_or_floor(clock).map(seconds);
        let mut found = self.found();
        if let CurrentTime::Known(time) = clock {
            let name = "mutual_trust_recorded_timestamp_seconds";
            found.time(name, &[], Timestamp::from(time));
        }
        found.set(
            "mutual_trust_generation",
            &[],
            super::number(view.generation()),
        );
        found.count("mutual_trust_blocks", &[], view.blocks().count());
        found.count("mutual_trust_crls", &[], view.crls().count());
        servers(&mut found, view, policy, clock, now);
        entries(&mut found, view, policy, now);
        lists(&mut found, view, policy, now);
        self.put(Part::Trust, found);
    }
}

fn servers(
    found: &mut Found,
    view: &TrustSnapshot,
    policy: &Policy,
    clock: CurrentTime,
    now: Option<i64>,
) {
    let mut scenarios = Scenarios::new(view, policy, clock);
    let (mut all, mut usable, mut migrating) = (0_usize, 0_usize, Vec::new());
    for server in view.servers() {
        all = all.saturating_add(1);
        let is_usable = !scenarios.of(server).usable.is_empty();
        usable = usable.saturating_add(usize::from(is_usable));
        if let Claim::Migrating { until } = server.claim() {
            migrating.push((seconds(until), server));
        }
    }
    found.count("mutual_trust_servers", &[], all);
    found.count("mutual_trust_servers_usable", &[], usable);
    let (migrating, omitted) = shown(migrating, now);
    for (end, server) in migrating {
        let labels = [("server", server.id().as_str())];
        found.time(MIGRATION_END, &labels, Timestamp::from_seconds(end));
    }
    found.omitted(MIGRATION_END, omitted);
}

fn entries(found: &mut Found, view: &TrustSnapshot, policy: &Policy, now: Option<i64>) {
    let mut counts: BTreeMap<(Slot, &str), usize> = BTreeMap::new();
    for slot in SLOTS {
        for state in ["enabled", "ended", "disabled"] {
            counts.insert((slot, state), 0);
        }
    }
    let mut ending: Vec<(i64, &Entry)> = Vec::new();
    for entry in view.data().all() {
        let end = timeline::end_of(policy, entry);
        let state = if entry.disabled().is_some() {
            "disabled"
        } else if end.zip(now).is_some_and(|(end, now)| end <= now) {
            "ended"
        } else {
            "enabled"
        };
        let count = counts.entry((entry.slot(), state)).or_default();
        *count = count.saturating_add(1);
        // A disabled entry accepts nothing already, so its end is no news.
        if let Some(end) = end.filter(|_| state != "disabled") {
            ending.push((end, entry));
        }
    }
    for ((slot, state), count) in counts {
        let labels = [("slot", slot.word()), ("state", state)];
        found.count("mutual_trust_entries", &labels, count);
    }
    let (ending, omitted) = shown(ending, now);
    for (end, entry) in ending {
        let fingerprint = entry.fingerprint().to_string();
        let key = entry.key();
        let (scope, id) = match &key.scope {
            Scope::Server(id) => ("server", id.as_str()),
            Scope::Group(id) => ("group", id.as_str()),
            Scope::AnyServer => ("any_server", ""),
            Scope::Clients => ("clients", ""),
            Scope::Everyone => ("all_chains", ""),
        };
        let labels = [
            ("slot", entry.slot().word()),
            ("scope", scope),
            ("id", id),
            ("label", entry.options().label().unwrap_or_default()),
            ("fingerprint", fingerprint.as_str()),
        ];
        if let Some(certificate) = entry.certificate() {
            found.time(NOT_AFTER, &labels, certificate.validity().not_after());
        }
        found.time(END, &labels, Timestamp::from_seconds(end));
    }
    found.omitted(END, omitted);
}

fn lists(found: &mut Found, view: &TrustSnapshot, policy: &Policy, now: Option<i64>) {
    let mut ends: BTreeMap<CrlIssuer, i64> = BTreeMap::new();
    timeline::next_updates(view, policy, &mut |issuer, end| {
        let first = ends.entry(issuer.clone()).or_insert(end);
        *first = end.min(*first);
    });
    let checked = view.revocation_checked_issuers();
    let lists = view.data().crls();
    let without = checked.filter(|issuer| lists.of(issuer).is_none_or(<[_]>::is_empty));
    found.count(
        "mutual_trust_crl_issuers_without_list",
        &[],
        without.count(),
    );
    let ends = ends.into_iter().map(|(issuer, end)| (end, issuer));
    let (ends, omitted) = shown(ends.collect(), now);
    for (end, issuer) in ends {
        let (name, key) = (issuer.name(), issuer.key_pin().to_string());
        let labels = [("issuer", name.as_str()), ("issuer_key", key.as_str())];
        found.time(NEXT_UPDATE, &labels, Timestamp::from_seconds(end));
    }
    found.omitted(NEXT_UPDATE, omitted);
}

/// The earliest end of some certificates.
pub(crate) fn earliest<'a>(
    certificates: impl Iterator<Item = &'a Certificate>,
) -> Option<Timestamp> {
    certificates
        .map(|certificate| certificate.validity().not_after())
        .min()
}
