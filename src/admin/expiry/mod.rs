//! Expiry: what ends, when, and which peers depend on it.

mod depend;
pub(crate) mod error;
mod next;
mod page;
mod subject;
pub(super) mod timeline;
mod windows;

use core::cmp::Reverse;
use core::fmt;
use std::collections::BTreeMap;

use pki_types::UnixTime;

pub use next::{Change, NextTransition, next_change};
pub use page::ExpiryPage;
#[cfg(feature = "metrics")]
pub(super) use subject::one_line;
pub use subject::{Dependents, ExpiringItem, OwnCertificates};
pub use timeline::TimelineEvent;
pub use windows::{Severity, Windows};

use super::scenarios::Scenarios;
use super::{Peer, PeerHistory};
use crate::certificate::{CurrentTime, Timestamp, seconds};
use crate::limits::MAX_EXPIRIES;
use crate::policy::{Policy, Usable};
use crate::store::{ClockState, Slot, Truncated, TrustSnapshot};
use depend::Finder;
use timeline::{About, Event};

/// Something that ends soon, or that has ended and is still installed or presented.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expiring {
    /// What ends.
    pub subject: ExpiringItem,
    /// How urgent it is.
    pub severity: Severity,
    /// The first second at which it is no longer accepted, grace included.
    pub ends: UnixTime,
    /// Whether it is in its grace already (rule M3).
    pub in_grace: bool,
    /// The peers that depend on it.
    #[doc(hidden)]
    pub dependents: Dependents,
}

/// What ends within the windows, and what has ended. The earliest end is first; at equal times, the most urgent is
/// first.
#[derive(Clone, Debug)]
pub struct ExpiryReport {
    items: Vec<Expiring>,
    more: BTreeMap<Severity, usize>,
    worst: Option<Severity>,
    judged_at: i64,
    state: ClockState,
}

impl ExpiryReport {
    /// What ends. At most 256 items of each severity are listed: the latest of those that have ended, and the earliest
    /// of the others.
    pub fn items(&self) -> &[Expiring] {
        &self.items
    }

    /// The number of items of a severity that are not listed.
    pub fn more(&self, severity: Severity) -> usize {
        self.more.get(&severity).copied().unwrap_or(0)
    }

    /// The highest severity of all items, listed or not; `None` if nothing ends soon.
    pub fn worst(&self) -> Option<Severity> {
        self.worst
    }

    /// Whether the clock was known. If not, ends were judged at the floor, and more may have ended (rule M7).
    #[doc(hidden)]
    pub fn is_clock_known(&self) -> bool {
        self.state.counts()
    }

    /// How the clock compares with the floor (rule M7).
    pub fn clock_state(&self) -> ClockState {
        self.state
    }
}

/// Reports what ends within the windows: installed certificates, the ends of entries, migrations, revocation lists
/// unless another one of their scope ends later, the certificates with which peers were last accepted, and our own
/// certificates.
///
/// Disabled entries are left out: they accept nothing already. Ended certificates of clients are left out too.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
/// use mutual_trust::admin::{PeerHistory, Severity, Windows, expiry};
/// use mutual_trust::certificate::{SystemClock, TimeSource};
/// use mutual_trust::{KeyPolicy, Policy, TrustStore};
///
/// let store = TrustStore::new(KeyPolicy::new(&[]));
/// let policy = Policy::new(*store.key_policy());
/// let clock = SystemClock::new().now();
/// let report = expiry(store.contents(), &policy, &PeerHistory::new(), clock, &Windows::default(), &[]);
/// for item in report.items().iter().filter(|item| item.severity >= Severity::Critical) {
///     eprintln!("{item}");
/// }
/// # assert!(report.worst().is_none());
/// # }
/// ```
pub fn expiry(
    view: &TrustSnapshot,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
    windows: &Windows,
    own: &[OwnCertificates],
) -> ExpiryReport {
    expiry_page(
        view,
        policy,
        seen,
        clock,
        windows,
        own,
        &ExpiryPage::default(),
    )
}

/// [`expiry`](expiry()), of what a page lists.
#[doc(hidden)]
pub fn expiry_page(
    view: &TrustSnapshot,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
    windows: &Windows,
    own: &[OwnCertificates],
    page: &ExpiryPage,
) -> ExpiryReport {
    let now = view.now_or_floor(clock).map_or(0, seconds);
    let usable = Usable {
        view,
        policy,
        clock,
    };
    let finder = Finder::new(usable, seen);
    let mut list = List {
        now,
        windows,
        page,
        finder: &finder,
        found: BTreeMap::new(),
    };
    timeline::visit(view, policy, seen, &mut |event| list.add(view, &event));
    for own in own {
        for certificate in &own.certificates {
            let ends = certificate
                .validity()
                .not_after()
                .seconds()
                .saturating_add(1);
            let subject = ExpiringItem::Own {
                name: own.name.clone(),
                fingerprint: certificate.fingerprint(),
            };
            list.note(subject, ends, None, None);
        }
    }
    let worst = list.found.values().map(|found| found.severity).max();
    let (items, more) = list.close(|subject, ends, peers| {
        let mut dependents = finder.dependents(subject, peers);
        let then = timeline::moment(ends.max(now)).map_or(CurrentTime::Unset, CurrentTime::Known);
        let mut scenarios = Scenarios::new(view, policy, then);
        for id in &dependents.servers {
            let left = view.server(id).map(|server| scenarios.of(server));
            if left.is_some_and(|left| left.usable.is_empty()) {
                dependents.left_with_nothing.push(id.clone());
            }
        }
        dependents
    });
    ExpiryReport {
        items,
        more,
        worst,
        judged_at: now,
        state: view.clock_state(clock),
    }
}

/// The items that were found so far: each once, with the end that counts.
struct List<'a> {
    now: i64,
    windows: &'a Windows,
    page: &'a ExpiryPage,
    finder: &'a Finder<'a>,
    found: BTreeMap<ExpiringItem, Found>,
}

struct Found {
    ends: i64,
    severity: Severity,
    in_grace: bool,
    peers: Truncated<Peer>,
}

impl List<'_> {
    fn add(&mut self, view: &TrustSnapshot, event: &Event<'_>) {
        if event.turn != TimelineEvent::Ends || !event.counts {
            return;
        }
        let peer = match event.about {
            About::Certificate(entry) | About::EntryEnd(entry) => {
                if entry.disabled().is_some() {
                    return;
                }
                None
            }
            About::Migration(_) | About::Crl(_) => None,
            About::Presented(peer, sighting, fingerprint) => {
                let pin = sighting.entry();
                let installed = pin.slot == Slot::Pin && pin.fingerprint == fingerprint;
                let known = view
                    .entry(pin)
                    .is_some_and(|entry| entry.certificate().is_some());
                // A client that has renewed is another peer. Its old certificate would stay in the report for ever.
                let gone = event.at <= self.now && matches!(peer, Peer::Client(_));
                if gone || (installed && known) {
                    return;
                }
                Some(peer)
            }
        };
        self.note(
            ExpiringItem::of(event.about),
            event.at,
            event.grace_from,
            peer,
        );
    }

    /// A certificate can end at different times for different peers. The earliest end counts.
    fn note(
        &mut self,
        subject: ExpiringItem,
        ends: i64,
        grace_from: Option<i64>,
        peer: Option<&Peer>,
    ) {
        let in_grace = grace_from.is_some_and(|from| from <= self.now) && self.now < ends;
        let near = self.windows.severity(ends.saturating_sub(self.now));
        let Some(severity) = near.max(in_grace.then_some(Severity::Warning)) else {
            return;
        };
        if !self.page.lists(self.finder, &subject, peer) {
            return;
        }
        let found = self.found.entry(subject).or_insert_with(|| Found {
            ends,
            severity,
            in_grace,
            peers: Truncated::default(),
        });
        if found.ends > ends {
            (found.ends, found.severity, found.in_grace) = (ends, severity, in_grace);
        }
        if let Some(peer) = peer
            && !found.peers.items().contains(peer)
        {
            found.peers.push(peer.clone());
        }
    }

    fn close(
        self,
        mut dependents: impl FnMut(&ExpiringItem, i64, Truncated<Peer>) -> Dependents,
    ) -> (Vec<Expiring>, BTreeMap<Severity, usize>) {
        let mut by_severity: BTreeMap<Severity, Vec<(ExpiringItem, Found)>> = BTreeMap::new();
        for (subject, found) in self.found {
            let list = by_severity.entry(found.severity).or_default();
            list.push((subject, found));
        }
        let mut more: BTreeMap<Severity, usize> = by_severity
            .iter()
            .map(|(severity, list)| (*severity, list.len()))
            .collect();
        let mut listed = match self.page.limit {
            None => by_severity
                .into_iter()
                .flat_map(|(severity, list)| first_of(severity, list))
                .collect(),
            Some(_) => by_severity.into_values().flatten().collect::<Vec<_>>(),
        };
        listed.sort_by(|left, right| {
            let key = |found: &Found| (found.ends, Reverse(found.severity));
            key(&left.1)
                .cmp(&key(&right.1))
                .then_with(|| left.0.cmp(&right.0))
        });
        let listed = self.page.of(listed);
        for (_, found) in &listed {
            if let Some(left) = more.get_mut(&found.severity) {
                *left = left.saturating_sub(1);
            }
        }
        let items = listed.into_iter().map(|(subject, found)| Expiring {
            dependents: dependents(&subject, found.ends, found.peers),
            ends: timeline::moment(found.ends).unwrap_or_else(epoch),
            severity: found.severity,
            in_grace: found.in_grace,
            subject,
        });
        (items.collect(), more)
    }
}

/// The items of a severity that a report lists.
fn first_of(
    severity: Severity,
    mut list: Vec<(ExpiringItem, Found)>,
) -> Vec<(ExpiringItem, Found)> {
    list.sort_by_key(|(_, found)| found.ends);
    if severity == Severity::Ended {
        // Old ends must not displace recent ones.
        list.reverse();
    }
    list.truncate(MAX_EXPIRIES);
    list
}

fn epoch() -> UnixTime {
    UnixTime::since_unix_epoch(core::time::Duration::ZERO)
}

impl fmt::Display for Expiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
            Severity::Ended => "ended",
        };
        let grace = if self.in_grace { " (in its grace)" } else { "" };
        write!(f, "{severity}: ")?;
        self.subject.fmt(f)?;
        write!(
            f,
            " ends at {}{grace}; needed by: {}",
            Timestamp(seconds(self.ends)),
            self.dependents
        )
    }
}

impl fmt::Display for ExpiryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}", Timestamp(self.judged_at))?;
        if !self.state.is_good() {
            write!(f, "\n  {}", self.state)?;
        }
        for item in &self.items {
            f.write_str("\n  ")?;
            item.fmt(f)?;
        }
        let more: usize = self.more.values().copied().fold(0, usize::saturating_add);
        if more > 0 {
            write!(f, "\n  and {more} more")?;
        }
        Ok(())
    }
}
