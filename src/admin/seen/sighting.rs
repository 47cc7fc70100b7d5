//! Records of peers.

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

/// The last acceptance of a peer that proved possession of its key.
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
    /// `None` if the observation does not contain the certificates that the verdict accepted.
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
        // The path goes from the end entity to the authority. Both are recorded elsewhere.
        let path = verdict.path();
        let between = path
            .get(1..path.len().saturating_sub(1))
            .unwrap_or_default();
        let from_us =
            |found: &&Certificate| !presented.iter().any(|der| der.as_ref() == found.der());
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

    /// The time. `None` if the clock was unset.
    pub fn at(&self) -> Option<UnixTime> {
        self.at
    }

    /// The generation of the snapshot that accepted it.
    #[doc(hidden)]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The reason code of the acceptance.
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// The pin that matched, or the authority at which the chain ended.
    pub fn entry(&self) -> &EntryKey {
        &self.entry
    }

    /// The name that was dialled, if that is known.
    #[doc(hidden)]
    pub fn dialled(&self) -> Option<&HostName> {
        self.dialled.as_ref()
    }

    /// The fingerprint of the end entity.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// What was presented, the end entity first.
    #[doc(hidden)]
    pub fn presented(&self) -> &[CertificateDer<'static>] {
        &self.presented
    }

    /// The end entity. `None` if it cannot be read, which does not happen after an acceptance.
    pub fn certificate(&self) -> Option<Certificate> {
        Certificate::from_der(self.presented.first()?).ok()
    }

    /// Whether it was accepted by a chain rather than by a pin.
    #[doc(hidden)]
    pub fn by_chain(&self) -> bool {
        self.entry.slot == Slot::Authority
    }

    /// The fingerprints of the intermediates that were installed here and that the peer did not present.
    #[doc(hidden)]
    pub fn completed_by(&self) -> &[Fingerprint] {
        &self.completed_by
    }

    /// The verdict if the peer presented the same again, a server by its id or by the name that it is dialled as.
    pub(in crate::admin) fn ask(
        &self,
        peer: &Peer,
        by_name: Option<&HostName>,
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
            Peer::Authority(_) => return None,
            Peer::Unlisted(name) => ExpectedServer::Name(name),
            Peer::Server(id) => match by_name {
                Some(name) => ExpectedServer::Name(name),
                None => ExpectedServer::id(id, self.dialled.as_ref()),
            },
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

/// The last refusal of a peer, or a handshake in which it did not prove possession of its key.
///
/// # Security
/// Any machine can present any certificate. This shows what was presented in the peer's name, not what the peer has.
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

    /// The time. `None` if the clock was unset.
    pub fn at(&self) -> Option<UnixTime> {
        self.at
    }

    /// The reason. If the certificate is accepted but possession of the key was not proved, it is
    /// [`HandshakeSignatureInvalid`](ReasonCode::HandshakeSignatureInvalid).
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// The fingerprint of the end entity. `None` if what was presented is over the limits.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// Whether the sender proved possession of the key.
    pub fn is_proved(&self) -> bool {
        self.proved
    }

    /// The end entity that was presented, if it is small enough to be kept.
    #[doc(hidden)]
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

/// The use of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct EntryUsage {
    by: Peer,
    at: Option<UnixTime>,
    count: u64,
}

impl EntryUsage {
    pub(super) const fn new(by: Peer, at: Option<UnixTime>, count: u64) -> Self {
        Self { by, at, count }
    }

    /// The last peer that used it.
    pub fn by(&self) -> &Peer {
        &self.by
    }

    /// The time of the last use. `None` if the clock was unset.
    pub fn at(&self) -> Option<UnixTime> {
        self.at
    }

    /// How often it was used.
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
