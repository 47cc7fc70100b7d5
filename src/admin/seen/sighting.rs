//! One sighting of a peer.

use core::fmt;

use pki_types::{CertificateDer, UnixTime};

use super::recent::Weight;
use super::time_of;
use crate::admin::Peer;
use crate::certificate::{Certificate, CurrentTime, Fingerprint, HostName};
use crate::limits::{MAX_PRESENTED_BYTES, MAX_PRESENTED_CERTIFICATES, MAX_SEEN_REFUSED_BYTES};
use crate::observe::Observation;
use crate::policy::{ExpectedServer, Policy, ReasonCode, Verdict, VerifyRequest, decide};
use crate::store::{EntryKey, Slot, TrustSnapshot};

/// What a peer presented when it was last accepted, having proved that it has the key.
#[derive(Clone, Debug)]
pub struct PeerRecord {
    at: Option<UnixTime>,
    generation: u64,
    reason: ReasonCode,
    entry: EntryKey,
    dialled: Option<HostName>,
    fingerprint: Fingerprint,
    presented: Vec<CertificateDer<'static>>,
    /// Intermediates of the path that the peer did not present.
    completed_by: Vec<Fingerprint>,
}

impl PeerRecord {
    /// `None` if what is shown is not what the verdict accepted.
    pub(super) fn of(observation: &Observation) -> Option<Self> {
        let verdict = &observation.verdict;
        let entry = verdict.decided_by().filter(|_| verdict.is_accepted())?;
        let presented = &observation.presented;
        let bytes = presented.iter().map(|der| der.len());
        let bytes = bytes.fold(0, usize::saturating_add);
        if presented.len() > MAX_PRESENTED_CERTIFICATES || bytes > MAX_PRESENTED_BYTES {
            return None;
        }
        let fingerprint = Fingerprint::over(presented.first()?);
        if observation.verdict.presented() != Some(fingerprint) {
            return None;
        }
        // From the end entity to the authority, both of which are told already.
        let path = verdict.path();
        let between = path
            .get(1..path.len().saturating_sub(1))
            .unwrap_or_default();
        let from_us = |found: &&Certificate| !presented.contains(found.der());
        Some(Self {
            at: time_of(observation.clock),
            generation: observation.verdict.generation(),
            reason: verdict.reason(),
            entry: entry.key(),
            dialled: observation.dialled.clone(),
            fingerprint,
            presented: presented.clone(),
            completed_by: between
                .iter()
                .filter(from_us)
                .map(Certificate::fingerprint)
                .collect(),
        })
    }

    /// When; `None` if the clock was unset.
    pub fn at(&self) -> Option<UnixTime> {
        self.at
    }

    /// The generation of the view that accepted it.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The reason code, which accepts.
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// The pin that matched, or the authority in which the chain ended.
    pub fn entry(&self) -> &EntryKey {
        &self.entry
    }

    /// The name that was dialled, if that is known.
    pub fn dialled(&self) -> Option<&HostName> {
        self.dialled.as_ref()
    }

    /// The fingerprint of the end entity.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// What was presented, the end entity first.
    pub fn presented(&self) -> &[CertificateDer<'static>] {
        &self.presented
    }

    /// The end entity; `None` if it cannot be read, which no accepted one is.
    pub fn certificate(&self) -> Option<Certificate> {
        Certificate::from_der(self.presented.first()?).ok()
    }

    /// Whether it was accepted by a chain rather than by a pin.
    pub fn by_chain(&self) -> bool {
        self.entry.slot == Slot::Authority
    }

    /// The fingerprints of the intermediates that were installed here and that the peer did not present.
    pub fn completed_by(&self) -> &[Fingerprint] {
        &self.completed_by
    }

    /// What the peer would be told if it presented the same again. `None` if it was dialled by no name and the
    /// question is for the name.
    pub(in crate::admin) fn ask(
        &self,
        peer: &Peer,
        by_name: bool,
        view: &TrustSnapshot,
        policy: &Policy,
        clock: CurrentTime,
    ) -> Option<Verdict> {
        let (leaf, others) = self.presented.split_first()?;
        let target = match peer {
            Peer::Client(_) => {
                return Some(decide(
                    view,
                    policy,
                    &VerifyRequest::client(leaf, others, clock),
                ));
            }
            Peer::Unlisted(name) => ExpectedServer::Name(name),
            Peer::Server(_) if by_name => ExpectedServer::Name(self.dialled.as_ref()?),
            Peer::Server(id) => ExpectedServer::id(id, self.dialled.as_ref()),
        };
        let question = VerifyRequest::server(target, leaf, others, clock);
        Some(decide(view, policy, &question))
    }
}

impl Weight for PeerRecord {
    fn weight(&self) -> usize {
        let presented = self.presented.iter().map(|der| der.len());
        presented.fold(size_of::<Self>(), usize::saturating_add)
    }
}

/// What a peer was last refused with, or did not prove to have the key of.
///
/// # Security
/// Anybody can present anything: this says what somebody presented in the peer's place, not what the peer has.
#[derive(Clone, Debug)]
pub struct Refused {
    at: Option<UnixTime>,
    reason: ReasonCode,
    fingerprint: Option<Fingerprint>,
    proved: bool,
    end_entity: Option<CertificateDer<'static>>,
}

impl Refused {
    pub(super) fn of(observation: &Observation) -> Self {
        let end_entity = observation.presented.first();
        Self {
            at: time_of(observation.clock),
            reason: if observation.verdict.is_accepted() {
                ReasonCode::HandshakeSignatureInvalid
            } else {
                observation.verdict.reason()
            },
            fingerprint: observation.verdict.presented(),
            proved: observation.proved,
            end_entity: end_entity
                .filter(|der| der.len() <= MAX_SEEN_REFUSED_BYTES)
                .cloned(),
        }
    }

    /// When; `None` if the clock was unset.
    pub fn at(&self) -> Option<UnixTime> {
        self.at
    }

    /// Why. What would have been accepted and was not proved has
    /// [`HandshakeSignatureInvalid`](ReasonCode::HandshakeSignatureInvalid).
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// The fingerprint of what was presented; `None` if that was over the limits.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// Whether whoever presented it proved that it has the key.
    pub fn is_proved(&self) -> bool {
        self.proved
    }

    /// The end entity that was presented, if it is small enough to be kept.
    pub fn end_entity(&self) -> Option<&CertificateDer<'static>> {
        self.end_entity.as_ref()
    }
}

impl Weight for Refused {
    fn weight(&self) -> usize {
        let kept = self.end_entity.as_ref().map_or(0, |der| der.len());
        kept.saturating_add(size_of::<Self>())
    }
}

/// That an entry was needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryUsage {
    by: Peer,
    at: Option<UnixTime>,
    count: u64,
}

impl EntryUsage {
    pub(super) const fn new(by: Peer, at: Option<UnixTime>, count: u64) -> Self {
        Self { by, at, count }
    }

    /// By whom last.
    pub fn by(&self) -> &Peer {
        &self.by
    }

    /// When last; `None` if the clock was unset.
    pub fn at(&self) -> Option<UnixTime> {
        self.at
    }

    /// How often it was seen to be needed.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl Weight for EntryUsage {
    fn weight(&self) -> usize {
        0
    }
}

impl fmt::Display for EntryUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.by.fmt(f)?;
        write!(f, ", {} times", self.count)
    }
}
