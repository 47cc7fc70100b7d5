//! Finds the servers of a group that still present an old certificate.

use core::fmt;
use std::collections::BTreeMap;

use pki_types::UnixTime;

use super::{PeerHistory, PeerRecord};
use crate::admin::Peer;
use crate::certificate::{Fingerprint, Timestamp, seconds};
use crate::store::{Entry, EntryKey, PinMatch, Scope, ServerId, Slot, Truncated, TrustSnapshot};

/// Servers that share pins. Some do not present the newest certificate, or were not seen with it.
#[derive(Clone, Debug)]
pub struct Rollout {
    scope: Scope,
    expected: Expected,
    up_to_date: usize,
    pending: Truncated<PendingServer>,
}

/// The certificate that servers which share pins should present.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct Expected {
    /// The entry that accepts it.
    pub entry: EntryKey,
    /// Its fingerprint. For a pin that matches by public key, the newest certificate that was seen.
    pub fingerprint: Fingerprint,
    /// Whether its pin was installed last. If not, most of the servers present it.
    pub newest: bool,
    /// When its pin was installed; `None` if the clock was unset then.
    pub installed: Option<UnixTime>,
}

/// A server that does not present the expected certificate, or was not seen with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingServer {
    /// The server.
    pub server: ServerId,
    /// The reason.
    #[doc(hidden)]
    pub lag: PendingReason,
}

/// Why a server is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum PendingReason {
    /// It presents another accepted certificate.
    #[non_exhaustive]
    Presents {
        /// The fingerprint of that certificate.
        fingerprint: Fingerprint,
        /// The entry that accepted it.
        entry: EntryKey,
        /// When it was last accepted; `None` if the clock was unset.
        at: Option<UnixTime>,
    },
    /// It was last accepted before the pin was installed, with another certificate. It may have renewed since.
    #[non_exhaustive]
    NotSeenSince {
        /// When it was last accepted.
        last: UnixTime,
    },
    /// It was not seen.
    NeverSeen,
}

impl Rollout {
    /// The group, or the server that holds several pins of its own.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The expected certificate.
    #[doc(hidden)]
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// The number of servers that present it.
    pub fn up_to_date(&self) -> usize {
        self.up_to_date
    }

    /// The servers that do not, ordered by id.
    pub fn pending(&self) -> &Truncated<PendingServer> {
        &self.pending
    }
}

impl PeerHistory {
    /// Groups and servers with several pins, where not all servers were seen with the newest pin. A member with pins of
    /// its own does not present the group's certificate and is not counted.
    ///
    /// The newest pin is the one that was installed last. If the times are not known, it is the one that most servers
    /// were seen with. Disabled and blocked pins are not expected.
    pub fn drift(&self, view: &TrustSnapshot) -> Vec<Rollout> {
        let groups = view.groups().map(|group| {
            let own = |id: &ServerId| view.holds(Slot::Pin, Scope::Server(id.clone()));
            let members = group.members().filter(|id| !own(id)).cloned().collect();
            (Scope::Group(group.id().clone()), members)
        });
        let servers = view.servers().map(|server| {
            (
                Scope::Server(server.id().clone()),
                vec![server.id().clone()],
            )
        });
        groups
            .chain(servers)
            .filter_map(|(scope, servers)| self.drift_of(view, scope, servers))
            .collect()
    }

    fn drift_of(
        &self,
        view: &TrustSnapshot,
        scope: Scope,
        servers: Vec<ServerId>,
    ) -> Option<Rollout> {
        let index = view.data().index(Slot::Pin, &scope)?;
        if matches!(scope, Scope::Server(_)) && index.len() < 2 {
            return None;
        }
        let seen: Vec<(ServerId, Option<&PeerRecord>)> = servers
            .into_iter()
            .map(|id| {
                let sighting = self.last(&Peer::Server(id.clone()));
                (id, sighting)
            })
            .collect();
        let sightings: Vec<&PeerRecord> = seen.iter().filter_map(|(_, found)| *found).collect();
        let pins = index.iter().map(|entry| &**entry);
        let expected = expected(view, pins, &sightings)?;
        let mut drift = Rollout {
            scope,
            expected,
            up_to_date: 0,
            pending: Truncated::default(),
        };
        for (server, sighting) in seen {
            match lag(&drift.expected, sighting) {
                None => drift.up_to_date = drift.up_to_date.saturating_add(1),
                Some(lag) => drift.pending.push(PendingServer { server, lag }),
            }
        }
        Some(drift).filter(|drift| !drift.pending.is_empty())
    }
}

fn expected<'a>(
    view: &TrustSnapshot,
    pins: impl Iterator<Item = &'a Entry>,
    sightings: &[&PeerRecord],
) -> Option<Expected> {
    let blocks = view.data().blocks();
    let blocked = |entry: &Entry| match entry.certificate() {
        Some(certificate) => blocks.find(certificate).is_some(),
        None => blocks.find_fingerprint(entry.fingerprint()).is_some(),
    };
    let pins: Vec<&Entry> = pins
        .filter(|entry| entry.disabled().is_none() && !blocked(entry))
        .collect();
    let latest = pins.iter().filter_map(|entry| entry.installed()).max();
    let all_known = pins.iter().all(|entry| entry.installed().is_some());
    let last: Vec<&&Entry> = pins
        .iter()
        .filter(|entry| entry.installed() == latest)
        .collect();
    let newest = all_known && last.len() == 1;
    let entry: &Entry = if newest {
        last.first().copied()?
    } else {
        let mut counts: BTreeMap<&EntryKey, usize> = BTreeMap::new();
        for sighting in sightings {
            let count = counts.entry(sighting.entry()).or_default();
            *count = count.saturating_add(1);
        }
        let begins = |entry: &Entry| {
            let certificate = entry.certificate();
            certificate.map(|found| found.validity().not_before())
        };
        let count = |entry: &Entry| counts.get(&entry.key()).copied();
        pins.iter()
            .max_by_key(|entry| (count(entry), begins(entry), entry.fingerprint()))
            .copied()?
    };
    let by_key = entry.options().matching() == PinMatch::PublicKey;
    let key = entry.key();
    let newest_seen = sightings
        .iter()
        .filter(|sighting| by_key && *sighting.entry() == key)
        .filter_map(|sighting| sighting.certificate())
        .max_by_key(|found| (found.validity().not_before(), found.fingerprint()));
    let own = entry.fingerprint();
    Some(Expected {
        entry: entry.key(),
        fingerprint: newest_seen.map_or(own, |found| found.fingerprint()),
        newest,
        installed: entry.installed(),
    })
}

/// Why a server is pending. `None` if it presents the expected certificate.
fn lag(expected: &Expected, sighting: Option<&PeerRecord>) -> Option<PendingReason> {
    let Some(sighting) = sighting else {
        return Some(PendingReason::NeverSeen);
    };
    if sighting.fingerprint() == expected.fingerprint {
        return None;
    }
    Some(match (sighting.at(), expected.installed) {
        (Some(last), Some(installed)) if last < installed => PendingReason::NotSeenSince { last },
        (at, _) => PendingReason::Presents {
            fingerprint: sighting.fingerprint(),
            entry: sighting.entry().clone(),
            at,
        },
    })
}

impl fmt::Display for Rollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.expected.newest {
            "the newest pin"
        } else {
            "what most present"
        };
        write!(f, "{}: {} present ", self.scope, self.up_to_date)?;
        self.expected.fingerprint.identify(f)?;
        write!(f, " ({why}), {} do not", self.pending.len())?;
        for behind in &self.pending {
            f.write_str("\n  ")?;
            behind.fmt(f)?;
        }
        if self.pending.omitted() > 0 {
            write!(f, "\n  and {} more", self.pending.omitted())?;
        }
        Ok(())
    }
}

impl fmt::Display for PendingServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = &self.server;
        match &self.lag {
            PendingReason::Presents {
                fingerprint, at, ..
            } => {
                write!(f, "server {server} presents ")?;
                fingerprint.identify(f)?;
                match at {
                    Some(at) => write!(f, ", last at {}", Timestamp(seconds(*at))),
                    None => Ok(()),
                }
            }
            PendingReason::NotSeenSince { last } => write!(
                f,
                "server {server} was not seen since the pin was installed, last at {}",
                Timestamp(seconds(*last))
            ),
            PendingReason::NeverSeen => write!(f, "server {server} was not seen"),
        }
    }
}
