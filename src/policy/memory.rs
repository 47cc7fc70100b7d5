//! A cache of accepted chains, so that a peer that comes again need not be verified again.
//!
//! A verdict on a chain depends on the view, the policy, what was asked and what was presented, and on the time only by
//! comparisons. So it is given again while the first four are the same and every comparison has the same result.
//! Nothing here can accept: what is remembered was decided in `decide`.

use core::fmt;
use core::hash::BuildHasher;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use super::decide::{Answer, answer, decide, decide_until};
use super::timing::Timing;
use super::{
    Accepted, Detail, ExpectedServer, Policy, Refusal, Verdict, VerdictWarning, VerifyRequest,
};
use crate::certificate::{Certificate, HostName, Timestamp};
use crate::limits::{MAX_SPARED_CHAINS, REMEMBERED_BYTES_PER_CHAIN};
use crate::store::{ServerId, Snapshot, TrustSnapshot};

/// Fixed overhead that is charged for each remembered chain; an upper bound of what the verdict and the table take.
const BYTES_BESIDE: usize = 2_048;

/// A policy that decides, and remembers the chains that it accepted, as many as
/// [`Policy::with_remembered_chains`] says; with none, it just decides. Clones share what is remembered.
///
/// The adapters in [`tls`](crate::tls) use one for all configurations of a builder. It is for the views of one
/// store. Views of two stores are judged correctly, but each makes it forget what it remembered for the other.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
/// use mutual_trust::policy::ChainMemory;
/// use mutual_trust::{CurrentTime, KeyPolicy, Policy, VerifyRequest, TrustSnapshot, tls};
/// use pki_types::CertificateDer;
///
/// let keys = tls::key_policy(&tls::provider::default_provider());
/// let memory = ChainMemory::new(Policy::new(keys).with_remembered_chains(1_000)?);
/// let leaf = CertificateDer::from(b"presented".to_vec());
/// let question = VerifyRequest::client(&leaf, &[], CurrentTime::Unset);
/// match memory.decide(&TrustSnapshot::default(), &question) {
///     Ok(accepted) => println!("hello {}", accepted.peer()),
///     Err(refusal) => println!("{refusal}"),
/// }
/// # }
/// # Ok::<(), mutual_trust::error::SettingError>(())
/// ```
///
/// # Security
/// An answer from memory is what [`decide`](super::decide()) would say, fact by fact. It is given only if
/// - the view is the very snapshot on which it was decided, so that any change of trust forgets it;
/// - the peer must be the same, by id and dialled name or by role, and presented the same bytes in the same order,
///   compared byte by byte: the hash only finds them;
/// - the clock is known now as then, or unset now as then (rule M7), and judged at a moment not before that and
///   before anything that was compared with the time begins or ends: certificates, entries, migrations, revocation
///   lists and their grace.
///
/// A memory has one policy for good. Refusals and pins are not remembered. The handshake signature (rule M2) is
/// verified each time. No lock is held while anything is decided, and no thread waits for one: a thread that does not
/// get it decides. A peer that presents another's certificate with other issuers replaces what was remembered of that
/// one, which then is decided again; it evicts no others.
#[derive(Clone)]
pub struct ChainMemory(Arc<Inner>);

struct Inner {
    policy: Policy,
    /// What is hashed comes from outside, so the hashes are keyed.
    hasher: RandomState,
    table: RwLock<Table>,
    answered: AtomicU64,
    decided: AtomicU64,
}

/// How much a memory spares, and what it holds. For the tests and benches of this crate; no part of its interface.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryStatistics {
    /// How many verdicts were given from memory.
    pub answered: u64,
    /// How many were decided.
    pub decided: u64,
    /// How many chains are remembered. Those of an earlier view are still counted until the first chain is accepted
    /// on a newer one.
    pub chains: usize,
    /// About how many bytes they take.
    pub bytes: usize,
}

impl ChainMemory {
    /// A memory that has nothing to remember yet.
    pub fn new(policy: Policy) -> Self {
        Self(Arc::new(Inner {
            policy,
            hasher: RandomState::new(),
            table: RwLock::default(),
            answered: AtomicU64::new(0),
            decided: AtomicU64::new(0),
        }))
    }

    /// The policy by which it decides.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// What [`decide`](super::decide()) says under the policy, from memory if it was asked before.
    ///
    /// # Security
    /// As with [`decide`](super::decide()), this is half of an authentication.
    ///
    /// # Errors
    /// The peer is refused.
    pub fn decide(
        &self,
        view: &TrustSnapshot,
        question: &VerifyRequest<'_>,
    ) -> Result<Accepted, Refusal> {
        self.verdict(view, question).into_result()
    }

    /// The same as one value, for callers that report every verdict.
    pub(crate) fn verdict(&self, view: &TrustSnapshot, question: &VerifyRequest<'_>) -> Verdict {
        let inner = &*self.0;
        if inner.policy.remembered_chains() == 0 {
            return decide(view, &inner.policy, question);
        }
        let timing = Timing::of(view, question.clock);
        let place = inner.place(question);
        let found = inner.find(view, place);
        if let Some(chain) = found.filter(|chain| chain.answers(question, &timing)) {
            inner.answered.fetch_add(1, Ordering::Relaxed);
            chain.used.store(true, Ordering::Relaxed);
            return chain.verdict_at(&timing);
        }
        inner.decided.fetch_add(1, Ordering::Relaxed);
        let (verdict, until) = decide_until(view, &inner.policy, question);
        if let Some(chain) = Remembered::new(question, &timing, until, &verdict) {
            inner.keep(view, place, chain);
        }
        verdict
    }

    /// The same for an adapter that keeps no verdict on a peer that it accepts.
    pub(crate) fn answer(&self, view: &TrustSnapshot, asked: &VerifyRequest<'_>) -> Answer {
        match self.0.policy.remembered_chains() {
            0 => answer(view, &self.0.policy, asked),
            _ => self.verdict(view, asked).short(),
        }
    }

    /// How much it spared so far. The counts of a memory that remembers nothing stay at zero.
    #[doc(hidden)]
    pub fn statistics(&self) -> MemoryStatistics {
        let table = self.0.table.read();
        let table = table.unwrap_or_else(PoisonError::into_inner);
        MemoryStatistics {
            answered: self.0.answered.load(Ordering::Relaxed),
            decided: self.0.decided.load(Ordering::Relaxed),
            chains: table.chains.len(),
            bytes: table.bytes,
        }
    }
}

impl fmt::Debug for ChainMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainMemory")
            .field("policy", &self.0.policy)
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Where a chain is remembered: one place for each end entity and each server that it must be. Its last bytes are those
    /// of its signature. The issuers do not count, so that no peer fills the table with one certificate.
    fn place(&self, question: &VerifyRequest<'_>) -> u64 {
        let der: &[u8] = question.end_entity;
        let tail = der.last_chunk::<16>();
        self.hasher.hash_one((question.target, der.len(), tail))
    }

    /// Neither waits for the lock nor looks at what a panic has left half done.
    fn find(&self, view: &TrustSnapshot, place: u64) -> Option<Arc<Remembered>> {
        let table = self.table.try_read().ok()?;
        let found = table.chains.get(&place).filter(|_| table.of.is(view));
        found.cloned()
    }

    fn keep(&self, view: &TrustSnapshot, place: u64, chain: Remembered) {
        let most = self.policy.remembered_chains();
        let bytes = most.saturating_mul(REMEMBERED_BYTES_PER_CHAIN);
        if chain.bytes > bytes {
            return;
        }
        let Ok(mut table) = self.table.try_write() else {
            return;
        };
        let Some(older) = table.turn_to(view) else {
            return;
        };
        let gone = table.put(place, chain, most, bytes);
        drop(table);
        // Only now: freeing takes its time.
        drop((older, gone));
    }
}

/// What is remembered on one snapshot.
#[derive(Default)]
struct Table {
    of: Snapshot,
    chains: HashMap<u64, Arc<Remembered>>,
    /// The places in `chains`, each once, in the order in which they are freed.
    order: VecDeque<u64>,
    bytes: usize,
}

impl Table {
    /// Forgets what was remembered on another snapshot, and returns that; `None` if it is later and still held.
    fn turn_to(&mut self, view: &TrustSnapshot) -> Option<Self> {
        if self.of.is(view) {
            return Some(Self::default());
        }
        if self.of.is_later_than(view) {
            return None;
        }
        let new = Self {
            of: Snapshot::of(view),
            ..Self::default()
        };
        Some(core::mem::replace(self, new))
    }

    /// Puts a chain in its place, and returns what had to go for it.
    fn put(
        &mut self,
        place: u64,
        chain: Remembered,
        most: usize,
        bytes: usize,
    ) -> Vec<Arc<Remembered>> {
        let mut gone = Vec::new();
        let older = self.chains.remove(&place);
        if older.is_none() {
            self.order.push_back(place);
        }
        gone.extend(older.inspect(|older| self.give_back(older)));
        let mut spared = 0_usize;
        let full = |table: &Self| {
            table.chains.len() >= most || table.bytes.saturating_add(chain.bytes) > bytes
        };
        while !self.chains.is_empty() && full(self) {
            let Some(first) = self.order.pop_front() else {
                break;
            };
            let stays = match self.chains.get(&first) {
                // The place that is to be taken.
                None => true,
                Some(_) if spared >= MAX_SPARED_CHAINS => false,
                Some(held) => held.used.swap(false, Ordering::Relaxed),
            };
            if stays {
                spared = spared.saturating_add(1);
                self.order.push_back(first);
            } else if let Some(held) = self.chains.remove(&first) {
                self.give_back(&held);
                gone.push(held);
            }
        }
        self.bytes = self.bytes.saturating_add(chain.bytes);
        self.chains.insert(place, Arc::new(chain));
        gone
    }

    fn give_back(&mut self, chain: &Remembered) {
        self.bytes = self.bytes.saturating_sub(chain.bytes);
    }
}

/// Which server a peer had to be.
enum Expected {
    Id(ServerId, Option<HostName>),
    Name(HostName),
}

/// An accepted chain, with all that it was asked with but the view.
struct Remembered {
    expected: Option<Expected>,
    end_entity: Certificate,
    intermediates: Box<[Box<[u8]>]>,
    clock_known: bool,
    /// When it was decided, and up to when, exclusive, it would be decided again as it was.
    from: i64,
    until: i64,
    verdict: Verdict,
    bytes: usize,
    /// Since it was last passed over when room was made.
    used: AtomicBool,
}

impl Remembered {
    /// `None` for all verdicts but accepted chains.
    fn new(
        question: &VerifyRequest<'_>,
        timing: &Timing,
        until: i64,
        verdict: &Verdict,
    ) -> Option<Self> {
        // The path of a pin and of a refusal is empty.
        let end_entity = verdict.path().first()?.clone();
        let intermediates = question.intermediates.iter();
        Some(Self {
            expected: question.target.map(|target| match target {
                ExpectedServer::Id { id, dialled } => Expected::Id(id.clone(), dialled.cloned()),
                ExpectedServer::Name(name) => Expected::Name(name.clone()),
            }),
            bytes: bytes(question, &end_entity, verdict),
            end_entity,
            intermediates: intermediates.map(|der| Box::from(&**der)).collect(),
            clock_known: timing.is_known(),
            from: timing.moment(),
            until,
            verdict: verdict.clone(),
            used: AtomicBool::new(false),
        })
    }

    /// Whether this is what would be decided on the same view.
    fn answers(&self, question: &VerifyRequest<'_>, timing: &Timing) -> bool {
        // Each field by its name, so that a further one has to be thought of here.
        let VerifyRequest {
            target,
            end_entity,
            intermediates,
            // As the view judges it.
            clock: _,
        } = question;
        let expected = self.expected.as_ref().map(|expected| match expected {
            Expected::Id(id, dialled) => ExpectedServer::id(id, dialled.as_ref()),
            Expected::Name(name) => ExpectedServer::Name(name),
        });
        let moment = timing.moment();
        expected == *target
            && self.clock_known == timing.is_known()
            && (self.from <= moment && moment < self.until)
            && self.end_entity.der() == *end_entity
            && self.intermediates.len() == intermediates.len()
            && self
                .intermediates
                .iter()
                .zip(intermediates.iter())
                .all(|(ours, theirs)| **ours == **theirs)
    }

    /// The verdict as it would be decided at this moment.
    fn verdict_at(&self, timing: &Timing) -> Verdict {
        let mut verdict = self.verdict.clone();
        for considered in verdict.considered.items_mut() {
            if let Detail::Time { judged_at, .. } = &mut considered.detail {
                *judged_at = Timestamp(timing.moment());
            }
        }
        // A clock that does not count may go on all the same.
        for warning in &mut verdict.warnings {
            if let (VerdictWarning::ClockUnset(_), Some(now)) = (&*warning, timing.warning()) {
                *warning = now;
            }
        }
        verdict
    }
}

/// About what a chain takes when it is remembered: what was presented is there as it came, and once more as the
/// certificates of the path, with what was read of them and the names as text.
fn bytes(question: &VerifyRequest<'_>, end_entity: &Certificate, verdict: &Verdict) -> usize {
    let presented = question.intermediates.iter().map(|der| der.len());
    let presented = presented.fold(question.end_entity.len(), usize::saturating_add);
    let considered = verdict.considered.items().iter();
    let shown = considered.map(|item| item.detail.to_string().len().saturating_add(256));
    let listed = end_entity
        .count_names()
        .saturating_add(verdict.warnings.len());
    shown
        .fold(BYTES_BESIDE, usize::saturating_add)
        .saturating_add(presented.saturating_mul(3))
        .saturating_add(listed.saturating_mul(64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{CurrentTime, KeyPolicy};
    use pki_types::CertificateDer;

    fn memory() -> ChainMemory {
        ChainMemory::new(
            Policy::new(KeyPolicy::new(&[]))
                .with_remembered_chains(2)
                .unwrap(),
        )
    }

    fn ask(memory: &ChainMemory) -> Verdict {
        let leaf = CertificateDer::from(vec![7; 40]);
        memory.verdict(
            &TrustSnapshot::default(),
            &VerifyRequest::client(&leaf, &[], CurrentTime::Unset),
        )
    }

    #[test]
    fn no_thread_waits_for_another_that_reads_or_writes_the_table() {
        let memory = memory();
        let reading = memory.0.table.read().unwrap();
        assert!(!ask(&memory).is_accepted());
        drop(reading);
        let writing = memory.0.table.write().unwrap();
        assert!(!ask(&memory).is_accepted());
        drop(writing);
        assert_eq!(memory.statistics().decided, 2);
    }

    #[test]
    fn a_table_that_a_panic_left_is_not_looked_at() {
        let memory = memory();
        let inner = memory.0.clone();
        let torn = std::thread::spawn(move || {
            let _held = inner.table.write().unwrap();
            panic!("as planned");
        });
        assert!(torn.join().is_err());
        assert!(!ask(&memory).is_accepted());
        assert!(memory.0.find(&TrustSnapshot::default(), 0).is_none());
        assert_eq!(memory.statistics().chains, 0);
    }

    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    #[test]
    fn in_its_place_a_chain_answers_for_no_other_server_name_or_role() {
        use crate::store::{AuthorityScope, EntryOptions, TrustStore};
        use crate::tls::{key_policy, provider::default_provider};
        use core::time::Duration;
        use pki_types::UnixTime;

        let read = |pem: &[u8]| Certificate::from_pem(pem).unwrap();
        let root = read(include_bytes!("../../tests/fixtures/ca-root.pem"));
        let issuer = read(include_bytes!("../../tests/fixtures/ca-intermediate.pem"));
        let leaf = read(include_bytes!("../../tests/fixtures/chain-server.pem"));
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_798_761_600));
        let clock = CurrentTime::Known(now);
        let policy = Policy::new(key_policy(&default_provider()));
        let mut store = TrustStore::new(*policy.key_policy()).with_clock(Arc::new(clock));
        let [id, other] = ["keys-1", "keys-2"].map(|id| id.parse::<ServerId>().unwrap());
        let [name, wrong] = ["kms1.example", "x.example"].map(|n| n.parse::<HostName>().unwrap());
        store.add_server(id.clone(), [name.clone()]).unwrap();
        let scope = AuthorityScope::AnyServer;
        store
            .install_authority(scope, root, EntryOptions::new())
            .unwrap();
        let view = store.snapshot();
        let timing = Timing::of(&view, clock);
        let sent = [issuer.der().to_vec().into()];
        let targets = [
            ExpectedServer::id(&id, Some(&name)),
            ExpectedServer::id(&id, Some(&wrong)),
            ExpectedServer::id(&id, None),
            ExpectedServer::Name(&name),
        ];
        let others = [
            ExpectedServer::id(&other, Some(&name)),
            ExpectedServer::id(&other, None),
            ExpectedServer::Name(&wrong),
        ];
        let remembered = targets.map(|target| {
            let question = VerifyRequest::server(target, leaf.der(), &sent, clock);
            let (verdict, until) = decide_until(&view, &policy, &question);
            Remembered::new(&question, &timing, until, &verdict).unwrap()
        });
        for (place, chain) in remembered.iter().enumerate() {
            for (asked, target) in targets.iter().chain(&others).enumerate() {
                let question = VerifyRequest::server(*target, leaf.der(), &sent, clock);
                assert_eq!(chain.answers(&question, &timing), asked == place);
            }
            let question = VerifyRequest::client(leaf.der(), &sent, clock);
            assert!(!chain.answers(&question, &timing));
        }
    }
}
