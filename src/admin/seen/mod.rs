//! The history of peers: the certificates with which they were accepted or refused.
//!
//! It is for administrators, in memory, and of servers in a file if that is asked for. No verdict depends on it (rule S5).

mod drift;
mod kept;
mod recent;
mod sighting;

use pki_types::UnixTime;

pub use drift::{Expected, PendingReason, PendingServer, Rollout};
pub use sighting::{EntryUsage, PeerRecord, Refused};

use super::Peer;
use crate::certificate::{CurrentTime, Fingerprint, HostName};
use crate::limits::{
    MAX_SEEN_BYTES, MAX_SEEN_CLIENTS, MAX_SEEN_ENTRIES, MAX_SEEN_REFUSED, MAX_SEEN_SERVERS,
    MAX_SEEN_UNLISTED,
};
use crate::observe::Observation;
use crate::store::{EntryKey, Scope, ServerId, Slot, TrustSnapshot};
use recent::Recent;

/// For each peer, the certificates with which it was last accepted and, separately, those with which it was last
/// refused.
///
/// Give it every [`Observation`] in order. When it is full, it forgets the peers that were seen longest ago; clients
/// never displace servers. It is empty after a restart, unless [`load_beside`](Self::load_beside) reads what was kept. Then [`plan`](super::plan) judges a server by its installed
/// certificates.
///
/// A client is identified by its certificate only. After a renewal it is another client, and the old one stays until it
/// is [forgotten](Self::forget).
///
/// Only accepted peers that proved possession of their key count. Records of refusals are for information and decide
/// nothing.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
/// use std::sync::Arc;
/// use mutual_trust::observe::Observation;
/// use mutual_trust::admin::{Peer, PeerHistory};
/// use mutual_trust::{
///     Certificate, CurrentTime, EntryOptions, KeyPolicy, PinScope, Policy, VerifyRequest, ExpectedServer, TrustStore, decide, tls,
/// };
///
/// let keys = tls::key_policy(&tls::provider::default_provider());
/// let mut store = TrustStore::new(keys);
/// let id: mutual_trust::ServerId = "keys-1".parse()?;
/// store.add_server(id.clone(), [])?;
/// let certificate = Certificate::from_pem(include_bytes!("../../../tests/fixtures/ee-p256.pem"))?;
/// store.install_pin(PinScope::Server(id.clone()), certificate.clone(), EntryOptions::new())?;
///
/// // In service, the adapters make observations; `true`: the peer proved that it has the key.
/// let question = VerifyRequest::server(ExpectedServer::id(&id, None), certificate.der(), &[], CurrentTime::Unset);
/// let verdict = decide(store.contents(), &Policy::new(keys), &question);
/// let presented = vec![certificate.der().to_vec().into()];
/// let mut seen = PeerHistory::new();
/// seen.observe(&Observation::new(Arc::new(verdict), presented, CurrentTime::Unset, true));
///
/// let sighting = seen.last(&Peer::Server(id)).expect("it was accepted");
/// assert_eq!(sighting.fingerprint(), certificate.fingerprint());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PeerHistory {
    servers: Recent<ServerId, PeerRecord>,
    unlisted: Recent<HostName, PeerRecord>,
    clients: Recent<Fingerprint, PeerRecord>,
    refused_servers: Recent<Peer, Refused>,
    refused_clients: Recent<Peer, Refused>,
    used_by_servers: Recent<EntryKey, EntryUsage>,
    used_by_clients: Recent<EntryKey, EntryUsage>,
    confirmed: Recent<ServerId, Confirmed>,
    unplaced: u64,
}

/// The own certificate that a server accepted last.
#[derive(Clone, Copy, Debug)]
struct Confirmed(Fingerprint);

impl recent::Weight for Confirmed {
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl Default for PeerHistory {
    fn default() -> Self {
        Self::new()
    }
}

impl PeerHistory {
    /// An empty history.
    pub const fn new() -> Self {
        Self {
            servers: Recent::new(MAX_SEEN_SERVERS, MAX_SEEN_BYTES),
            unlisted: Recent::new(MAX_SEEN_UNLISTED, MAX_SEEN_BYTES),
            clients: Recent::new(MAX_SEEN_CLIENTS, MAX_SEEN_BYTES),
            refused_servers: Recent::new(MAX_SEEN_REFUSED, MAX_SEEN_BYTES),
            refused_clients: Recent::new(MAX_SEEN_REFUSED, MAX_SEEN_BYTES),
            used_by_servers: Recent::new(MAX_SEEN_ENTRIES, usize::MAX),
            used_by_clients: Recent::new(MAX_SEEN_ENTRIES, usize::MAX),
            confirmed: Recent::new(MAX_SEEN_SERVERS, usize::MAX),
            unplaced: 0,
        }
    }

    /// Adds an observation. The later call counts as the later observation, because clocks can be set back.
    pub fn observe(&mut self, observation: &Observation) {
        let Some(peer) = Peer::from_observation(observation) else {
            self.unplaced = self.unplaced.saturating_add(1);
            return;
        };
        if !observation.is_accepted() {
            let refused = match &peer {
                Peer::Client(_) => &mut self.refused_clients,
                Peer::Server(_) | Peer::Unlisted(_) | Peer::Authority(_) => {
                    &mut self.refused_servers
                }
            };
            refused.put(peer, Refused::of(observation));
            return;
        }
        let Some(sighting) = PeerRecord::of(observation) else {
            self.unplaced = self.unplaced.saturating_add(1);
            return;
        };
        self.count_uses(&peer, &sighting);
        match peer {
            Peer::Server(id) => self.servers.put(id, sighting),
            Peer::Unlisted(name) => self.unlisted.put(name, sighting),
            Peer::Client(fingerprint) => self.clients.put(fingerprint, sighting),
            // No observation is of all peers of an authority.
            Peer::Authority(_) => {}
        }
    }

    /// Records the use of the deciding entry, and of every installed intermediate that the peer did not present.
    fn count_uses(&mut self, peer: &Peer, sighting: &PeerRecord) {
        let uses = match peer {
            Peer::Client(_) => &mut self.used_by_clients,
            Peer::Server(_) | Peer::Unlisted(_) | Peer::Authority(_) => &mut self.used_by_servers,
        };
        let intermediates = sighting
            .completed_by()
            .iter()
            .map(|fingerprint| EntryKey::new(Slot::Intermediate, Scope::Everyone, *fingerprint));
        for key in intermediates.chain([sighting.entry().clone()]) {
            let before = uses.take(&key).map_or(0, |found| found.count());
            let found = EntryUsage::new(peer.clone(), sighting.at(), before.saturating_add(1));
            uses.put(key, found);
        }
    }

    /// The record of the last acceptance of a peer.
    pub fn last(&self, peer: &Peer) -> Option<&PeerRecord> {
        match peer {
            Peer::Server(id) => self.servers.get(id),
            Peer::Unlisted(name) => self.unlisted.get(name),
            Peer::Client(fingerprint) => self.clients.get(fingerprint),
            Peer::Authority(_) => None,
        }
    }

    /// The record of the last refusal of a peer, or of a certificate whose key it did not prove to have. Another
    /// machine may have caused it. It is for information only.
    pub fn last_refused(&self, peer: &Peer) -> Option<&Refused> {
        let refused = match peer {
            Peer::Client(_) => &self.refused_clients,
            Peer::Server(_) | Peer::Unlisted(_) | Peer::Authority(_) => &self.refused_servers,
        };
        refused.get(peer)
    }

    /// Every peer that was accepted, with its last record: servers, unlisted names, clients.
    pub fn all(&self) -> impl Iterator<Item = (Peer, &PeerRecord)> {
        let servers = self.servers.iter();
        let servers = servers.map(|(id, found)| (Peer::Server(id.clone()), found));
        let unlisted = self.unlisted.iter();
        let unlisted = unlisted.map(|(name, found)| (Peer::Unlisted(name.clone()), found));
        let clients = self.clients.iter();
        let clients = clients.map(|(leaf, found)| (Peer::Client(*leaf), found));
        servers.chain(unlisted).chain(clients)
    }

    /// The last use of an entry: when, and by which peer. An entry is used if it decides, or if it is an intermediate
    /// that completes a chain. `None` if no use was seen, which means little after a restart.
    #[doc(hidden)]
    pub fn in_use(&self, key: &EntryKey) -> Option<&EntryUsage> {
        let by_server = self.used_by_servers.get(key);
        let by_client = self.used_by_clients.get(key);
        match (by_server, by_client) {
            (Some(server), Some(client)) if client.at() > server.at() => Some(client),
            (Some(server), _) => Some(server),
            (None, client) => client,
        }
    }

    /// Records that a server accepted our own certificate. Call it after the first answer of the server on a connection
    /// on which the certificate was presented: in TLS 1.3 the end of the handshake does not prove acceptance.
    pub fn confirm_own(&mut self, server: &ServerId, own: Fingerprint) {
        self.confirmed.put(server.clone(), Confirmed(own));
    }

    /// The own certificate that a server accepted last, as recorded by [`confirm_own`](Self::confirm_own).
    #[doc(hidden)]
    pub fn own_confirmed(&self, server: &ServerId) -> Option<Fingerprint> {
        self.confirmed.get(server).map(|confirmed| confirmed.0)
    }

    /// Removes a peer, for instance a server that was replaced by another machine.
    pub fn forget(&mut self, peer: &Peer) {
        match peer {
            Peer::Server(id) => {
                self.servers.take(id);
                self.confirmed.take(id);
            }
            Peer::Unlisted(name) => drop(self.unlisted.take(name)),
            Peer::Client(fingerprint) => drop(self.clients.take(fingerprint)),
            Peer::Authority(_) => {}
        }
        self.refused_servers.take(peer);
        self.refused_clients.take(peer);
    }

    /// Removes servers that are no longer in the snapshot, and uses of entries that are no longer installed.
    pub fn keep_only(&mut self, view: &TrustSnapshot) {
        self.servers.retain(|id| view.server(id).is_some());
        self.confirmed.retain(|id| view.server(id).is_some());
        self.used_by_servers.retain(|key| view.entry(key).is_some());
        self.used_by_clients.retain(|key| view.entry(key).is_some());
    }

    /// The number of servers that were forgotten because the history was full.
    #[doc(hidden)]
    pub fn servers_forgotten(&self) -> u64 {
        self.servers.forgotten()
    }

    /// The number of clients that were forgotten because the history was full.
    #[doc(hidden)]
    pub fn clients_forgotten(&self) -> u64 {
        self.clients.forgotten()
    }

    /// The number of observations without a known peer, or without the certificates of their verdict.
    #[doc(hidden)]
    pub fn unplaced(&self) -> u64 {
        self.unplaced
    }
}

/// A known time; `None` if the clock was unset.
fn time_of(clock: CurrentTime) -> Option<UnixTime> {
    match clock {
        CurrentTime::Known(time) => Some(time),
        CurrentTime::Unset => None,
    }
}
