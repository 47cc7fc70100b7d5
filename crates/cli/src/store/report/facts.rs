//! What a report is about: facts of the library, and the order of the worst first.

use core::time::Duration;
use std::collections::BTreeMap;

use mutual_trust::admin::file::LoadReport;
use mutual_trust::admin::{
    Expiring, ExpiringItem, ExpiryReport, History, OwnCertificates, PeerHistory, Severity, Windows,
    WithoutUsable, expiry, servers_without_usable,
};
use mutual_trust::certificate::Timestamp;
use mutual_trust::error::WindowsError;
use mutual_trust::identity::CertificateChain;
use mutual_trust::limits::{EXPIRY_NOTICE, EXPIRY_WARNING};
use mutual_trust::store::{Claim, Entry, EntryKey, Scope, Server};
use mutual_trust::{CurrentTime, Policy, ServerId, TrustSnapshot};

use super::html::{Html, State};
use super::nodes::{Membership, Nodes};
use crate::facts;
use crate::output::{identified, shown};

/// A chain of our own, with the name of its file.
pub(super) struct Own {
    pub(super) file: String,
    pub(super) chain: CertificateChain,
}

/// What the page is made of.
pub(super) struct Facts<'a> {
    pub(super) view: &'a TrustSnapshot,
    pub(super) policy: &'a Policy,
    pub(super) clock: CurrentTime,
    /// Whether the time is a named one, not that of the clock.
    pub(super) is_named: bool,
    /// The policy in words.
    pub(super) policy_words: String,
    pub(super) folder: String,
    pub(super) load: &'a LoadReport,
    pub(super) history: &'a History,
    /// What servers presented when `connect` last reached them. `None` if the note beside the store cannot be read.
    pub(super) seen: Option<&'a PeerHistory>,
    /// Files that other users can write.
    pub(super) exposed: Vec<String>,
    pub(super) own: &'a [Own],
    /// The fleets of which the store is a node.
    pub(super) memberships: &'a [Membership],
    /// The nodes of a fleet, if it is asked for.
    pub(super) nodes: Option<&'a Nodes>,
    /// All entries, in order.
    pub(super) entries: Vec<&'a Entry>,
    /// All that ends, with 256 of each severity.
    pub(super) ends: ExpiryReport,
    /// Servers that are refused whatever they present.
    pub(super) without: Vec<WithoutUsable>,
}

/// A peer that will be refused, if nothing is changed.
pub(super) struct Lost<'a> {
    pub(super) ends: i64,
    pub(super) server: &'a ServerId,
    pub(super) by: &'a Expiring,
}

impl<'a> Facts<'a> {
    /// The time that is asked about.
    pub(super) fn now(&self) -> Option<i64> {
        match self.clock {
            CurrentTime::Known(now) => Some(Timestamp::from(now).seconds()),
            CurrentTime::Unset => None,
        }
    }

    /// All that ends, however late, and what follows from it.
    pub(super) fn ends(
        view: &TrustSnapshot,
        policy: &Policy,
        clock: CurrentTime,
        own: &[Own],
    ) -> Result<ExpiryReport, WindowsError> {
        let windows = Windows::new(Duration::MAX, EXPIRY_NOTICE, EXPIRY_WARNING)?;
        let own = own
            .iter()
            .map(|own| OwnCertificates::new(&own.file, &own.chain));
        let own: Vec<OwnCertificates> = own.collect();
        let seen = PeerHistory::new();
        Ok(expiry(view, policy, &seen, clock, &windows, &own))
    }

    pub(super) fn without(
        view: &TrustSnapshot,
        policy: &Policy,
        clock: CurrentTime,
    ) -> Vec<WithoutUsable> {
        servers_without_usable(view, policy, clock)
    }

    /// How many things have a severity.
    pub(super) fn count(&self, severity: Severity) -> usize {
        let items = self.ends.items().iter();
        let listed = items.filter(|item| item.severity == severity).count();
        listed.saturating_add(self.ends.more(severity))
    }

    /// The servers that will be left with nothing, each with the first such end, the earliest first. With how many more
    /// there are.
    pub(super) fn lost(&self) -> (Vec<Lost<'_>>, usize) {
        let now_without: Vec<&ServerId> = self.without.iter().map(|one| &one.server).collect();
        let mut found: BTreeMap<&ServerId, Lost<'_>> = BTreeMap::new();
        let mut more = 0_usize;
        for item in self.ends.items() {
            let left = &item.dependents.left_with_nothing;
            if item.severity == Severity::Ended {
                continue;
            }
            more = more.saturating_add(left.omitted());
            for server in left {
                // The list is in order.
                if now_without.binary_search(&server).is_err() {
                    found.entry(server).or_insert(Lost {
                        ends: Timestamp::from(item.ends).seconds(),
                        server,
                        by: item,
                    });
                }
            }
        }
        let mut all: Vec<Lost<'_>> = found.into_values().collect();
        all.sort_by_key(|lost| (lost.ends, lost.server));
        (all, more)
    }

    /// The servers in the order in which they need attention.
    pub(super) fn servers(&self) -> Vec<(&Server, State, Option<i64>)> {
        let (lost, _) = self.lost();
        let lost: BTreeMap<&ServerId, i64> =
            lost.iter().map(|lost| (lost.server, lost.ends)).collect();
        let soon = self.now().map(|now| now.saturating_add(month()));
        let servers = self.view.servers().map(|server| {
            let id = server.id();
            let end = lost.get(id).copied();
            let without = self.without.binary_search_by(|one| one.server.cmp(id));
            let state = if without.is_ok() {
                State::Bad
            } else if end.is_some_and(|end| soon.is_none_or(|soon| end < soon)) {
                State::Urgent
            } else if matches!(server.claim(), Claim::Migrating { .. }) {
                State::Warn
            } else {
                State::Good
            };
            (server, state, end)
        });
        let mut all: Vec<_> = servers.collect();
        all.sort_by_key(|(server, state, end)| (*state, end.unwrap_or(i64::MAX), server.id()));
        all
    }

    /// The entries of a scope.
    pub(super) fn entries_of(&self, is_wanted: impl Fn(&Entry) -> bool) -> Vec<&'a Entry> {
        let entries = self.entries.iter().copied();
        entries.filter(|entry| is_wanted(entry)).collect()
    }

    /// An entry as a person knows it: its label, or the subject of its certificate.
    pub(super) fn name_of(&self, key: &EntryKey) -> Option<String> {
        let entry = self.view.entry(key)?;
        let label = entry.options().label().map(str::to_owned);
        label.or_else(|| entry.certificate().map(facts::subject))
    }

    /// The slot, the name and the fingerprint of an entry.
    pub(super) fn entry(&self, key: &EntryKey, html: &mut Html) {
        html.soft(facts::slot(key.slot));
        html.raw(" ");
        if let Some(name) = self.name_of(key) {
            html.name(&name);
            html.raw(" ");
        }
        html.element("code", &[], &identified(key.fingerprint));
    }

    /// The same as text.
    pub(super) fn named(&self, key: &EntryKey) -> String {
        let fingerprint = identified(key.fingerprint);
        let name = self
            .name_of(key)
            .map_or(String::new(), |name| format!(" {name}"));
        format!("{}{name}, {fingerprint}", facts::slot(key.slot))
    }

    /// Something that ends.
    pub(super) fn ending(&self, item: &ExpiringItem, html: &mut Html) {
        match item {
            ExpiringItem::Certificate(key) => self.entry(key, html),
            ExpiringItem::EntryEnd(key) => {
                html.raw("<span class=\"soft\">the end that was set for</span> ");
                self.entry(key, html);
            }
            other => html.name(&shown(other)),
        }
    }
}

/// The peers of an entry.
pub(super) fn for_whom(key: &EntryKey) -> String {
    match &key.scope {
        Scope::Server(id) => format!("server {id}"),
        Scope::Group(id) => format!("group {id}"),
        Scope::AnyServer => String::from("any server"),
        Scope::Clients => String::from("clients"),
        Scope::Everyone => String::from("all chains"),
    }
}

/// How early an end counts as soon.
pub(super) fn month() -> i64 {
    i64::try_from(EXPIRY_NOTICE.as_secs()).unwrap_or(i64::MAX)
}

/// How soon something ends, as a state with its word.
pub(super) const fn urgency(severity: Severity) -> (State, &'static str) {
    match severity {
        Severity::Notice => (State::Good, "later"),
        Severity::Warning => (State::Warn, "within 30 days"),
        Severity::Critical => (State::Urgent, "within a week"),
        Severity::Ended | _ => (State::Bad, "ended"),
    }
}
