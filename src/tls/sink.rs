//! Observations of what a handshake showed (rule S5). An observation never says that a peer proved what it did not.
//!
//! An accepted verdict counts only once the handshake signature has verified (rule M2). rustls calls a verifier for
//! the certificate and again for the signature. The second call has the end entity's certificate and nothing that says
//! which connection it is. So between the two calls, the verdict waits where only the right second call finds it:
//!
//! - At the client end, rustls makes both calls one after the other on one thread, while it reads the server's
//!   messages. The verdict waits in that thread, under the number of its verifier. A later verdict in that thread
//!   replaces it. If rustls ever changed threads between the calls, the verdict would not be found, and no
//!   observation would be sent.
//! - At the server end, calls of other connections can come between, and from other threads. The verdict waits under
//!   the certificate. The newest one about it is found, and the oldest one goes, so that the newest is there for each
//!   connection that still has to prove its key. A peer that replays an accepted certificate without its key may have
//!   left that verdict. But the observation is sent only after a peer has proved that it has the key. So what the
//!   observation says holds: the holder of this key was here, and a verdict accepted this certificate that was not put
//!   there before the certificate step of its connection. Only the intermediates may be those that the other peer
//!   presented.
//! - [`EnrolmentAcceptor`](super::EnrolmentAcceptor) and [`Probe`](super::Probe) have a verifier for each connection.

use core::cell::Cell;
use core::fmt;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use pki_types::CertificateDer;

use super::verifier::PeerChain;
use crate::certificate::CurrentTime;
use crate::limits::MAX_PARKED_VERDICTS;
use crate::observe::{Observation, Observations, trace};
use crate::policy::Verdict;

/// Where observations go. Nowhere by default.
#[derive(Clone, Debug, Default)]
pub(super) struct ObservationSink(Option<Observations>);

/// A verdict with the certificates that it is about.
#[derive(Clone, Debug)]
pub(super) struct JudgedPeer {
    pub(super) verdict: Arc<Verdict>,
    presented: Vec<CertificateDer<'static>>,
    clock: CurrentTime,
}

impl JudgedPeer {
    pub(super) fn new(verdict: Arc<Verdict>, peer: PeerChain<'_>, clock: CurrentTime) -> Self {
        let presented = core::iter::once(peer.end_entity).chain(peer.intermediates);
        Self {
            verdict,
            presented: presented.map(|der| der.clone().into_owned()).collect(),
            clock,
        }
    }

    /// Whether it is about this end entity.
    pub(super) fn is_of(&self, end_entity: &CertificateDer<'_>) -> bool {
        self.presented.first().is_some_and(|der| der == end_entity)
    }

    /// The same peer with a later verdict.
    pub(super) fn with(self, verdict: Arc<Verdict>) -> Self {
        Self { verdict, ..self }
    }
}

impl ObservationSink {
    pub(super) fn new(observations: Observations) -> Self {
        Self(Some(observations))
    }

    pub(super) fn observations(&self) -> Option<&Observations> {
        self.0.as_ref()
    }

    /// Whether observations go anywhere. If not, nothing is copied.
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some() || cfg!(feature = "tracing")
    }

    /// What an observation of this peer needs, if observations go anywhere.
    pub(super) fn judged(
        &self,
        verdict: &Arc<Verdict>,
        peer: PeerChain<'_>,
        clock: CurrentTime,
    ) -> Option<JudgedPeer> {
        self.is_on()
            .then(|| JudgedPeer::new(verdict.clone(), peer, clock))
    }

    /// Sends an observation. `proved` says whether the peer proved that it has its key.
    pub(super) fn send(&self, judged: Option<JudgedPeer>, proved: bool) {
        let Some(judged) = judged else { return };
        let observation = Observation::new(judged.verdict, judged.presented, judged.clock, proved);
        trace::observed(&observation);
        if let Some(observations) = &self.0 {
            observations.send(observation);
        }
    }

    /// Counts an observation that cannot be sent.
    fn count_dropped(&self) {
        if let Some(observations) = &self.0 {
            observations.count_dropped();
        }
    }
}

/// Where an accepted verdict waits for its handshake signature.
pub(super) trait AwaitSignature: fmt::Debug + Send + Sync {
    fn put(&self, judged: Option<JudgedPeer>, sink: &ObservationSink);

    /// The verdict about this certificate, if the right step asks.
    fn take(&self, end_entity: &CertificateDer<'_>, sink: &ObservationSink) -> Option<JudgedPeer>;
}

thread_local! {
    /// The last verdict of this thread, with the number of the verifier that put it there.
    static LAST_JUDGED: Cell<Option<(u64, JudgedPeer)>> = const { Cell::new(None) };
}

/// The verdict waits in the thread that makes both calls: for the client end.
#[derive(Debug)]
pub(super) struct InThread(u64);

impl InThread {
    pub(super) fn new() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

impl AwaitSignature for InThread {
    fn put(&self, judged: Option<JudgedPeer>, sink: &ObservationSink) {
        let judged = judged.map(|judged| (self.0, judged));
        // A thread that ends has lost its thread-local values already.
        if LAST_JUDGED.try_with(|last| last.set(judged)).is_err() {
            sink.count_dropped();
        }
    }

    fn take(&self, end_entity: &CertificateDer<'_>, _: &ObservationSink) -> Option<JudgedPeer> {
        let (verifier, judged) = LAST_JUDGED.try_with(Cell::take).ok()??;
        (verifier == self.0 && judged.is_of(end_entity)).then_some(judged)
    }
}

/// The verdict waits under the certificate: for the server end.
#[derive(Debug, Default)]
pub(super) struct ByCertificate {
    all: Mutex<VecDeque<JudgedPeer>>,
    /// A verdict was not put there. Its signature step could find an older verdict about the same certificate.
    is_incomplete: AtomicBool,
}

impl ByCertificate {
    /// Never waits for another handshake.
    fn try_all(&self) -> Option<MutexGuard<'_, VecDeque<JudgedPeer>>> {
        match self.all.try_lock() {
            Ok(all) => Some(all),
            Err(TryLockError::Poisoned(all)) => Some(all.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl AwaitSignature for ByCertificate {
    fn put(&self, judged: Option<JudgedPeer>, sink: &ObservationSink) {
        let Some(judged) = judged else { return };
        let Some(mut all) = self.try_all() else {
            self.is_incomplete.store(true, Ordering::Release);
            return sink.count_dropped();
        };
        if all.len() >= MAX_PARKED_VERDICTS {
            // Most likely no signature follows for the oldest: its peer went away, or had no key.
            all.pop_front();
            sink.count_dropped();
        }
        all.push_back(judged);
    }

    fn take(&self, end_entity: &CertificateDer<'_>, sink: &ObservationSink) -> Option<JudgedPeer> {
        if !sink.is_on() {
            return None;
        }
        let Some(mut all) = self.try_all() else {
            sink.count_dropped();
            return None;
        };
        if self.is_incomplete.swap(false, Ordering::AcqRel) {
            all.drain(..).for_each(|_| sink.count_dropped());
        }
        let oldest = all.iter().position(|judged| judged.is_of(end_entity))?;
        let newest = all.iter().rposition(|judged| judged.is_of(end_entity))?;
        if newest == oldest {
            return all.remove(newest);
        }
        // Another connection with this certificate is between its steps. The newest one stays for it: what is older can have
        // been there before its certificate step.
        let found = all.get(newest).cloned();
        let gone = all.remove(oldest);
        drop(all);
        drop(gone);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::observation_queue;

    fn leaf(byte: u8) -> CertificateDer<'static> {
        vec![byte; 8].into()
    }

    fn judged(byte: u8, generation: u64) -> Option<JudgedPeer> {
        let verdict = Arc::new(Verdict::unfinished(false, generation));
        let peer = PeerChain {
            end_entity: &leaf(byte),
            intermediates: &[],
        };
        Some(JudgedPeer::new(verdict, peer, CurrentTime::Unset))
    }

    fn generation(judged: Option<JudgedPeer>) -> Option<u64> {
        judged.map(|judged| judged.verdict.generation())
    }

    #[test]
    fn under_a_certificate_the_newest_verdict_is_found_as_often_as_one_was_put_there() {
        let (queue, _reader) = observation_queue(8).unwrap();
        let sink = ObservationSink::new(queue.clone());
        let place = ByCertificate::default();
        for (byte, at) in [(1, 10), (2, 11), (1, 12)] {
            place.put(judged(byte, at), &sink);
        }
        assert_eq!(generation(place.take(&leaf(1), &sink)), Some(12));
        assert_eq!(generation(place.take(&leaf(1), &sink)), Some(12));
        assert_eq!(generation(place.take(&leaf(1), &sink)), None);
        assert_eq!(generation(place.take(&leaf(3), &sink)), None);
        assert_eq!(generation(place.take(&leaf(2), &sink)), Some(11));
        assert_eq!(queue.dropped(), 0);
    }

    #[test]
    fn what_waits_for_signatures_is_bounded_and_the_oldest_goes_first() {
        let (queue, _reader) = observation_queue(8).unwrap();
        let sink = ObservationSink::new(queue.clone());
        let place = ByCertificate::default();
        for at in 0..=u64::try_from(MAX_PARKED_VERDICTS).unwrap() {
            place.put(judged(u8::try_from(at).unwrap(), at), &sink);
        }
        assert_eq!(queue.dropped(), 1);
        assert_eq!(generation(place.take(&leaf(0), &sink)), None);
        assert_eq!(generation(place.take(&leaf(1), &sink)), Some(1));
    }

    #[test]
    fn a_verdict_that_could_not_wait_is_not_replaced_by_an_older_one() {
        let (queue, _reader) = observation_queue(8).unwrap();
        let sink = ObservationSink::new(queue.clone());
        let place = ByCertificate::default();
        // A peer without the key, long ago.
        place.put(judged(1, 10), &sink);
        // The holder of the key comes while another handshake has the lock.
        let busy = place.all.lock().unwrap();
        place.put(judged(1, 99), &sink);
        assert_eq!(generation(place.take(&leaf(1), &sink)), None);
        drop(busy);
        assert_eq!(generation(place.take(&leaf(1), &sink)), None);
        assert_eq!(queue.dropped(), 3);
        // Afterwards all is as before.
        place.put(judged(1, 100), &sink);
        assert_eq!(generation(place.take(&leaf(1), &sink)), Some(100));
    }

    #[test]
    fn in_a_thread_only_the_same_verifier_finds_the_last_verdict_and_for_its_certificate() {
        let sink = ObservationSink::default();
        let (one, other) = (InThread::new(), InThread::new());
        let put = |byte, at| one.put(judged(byte, at), &sink);
        let take = |by: &InThread, byte| generation(by.take(&leaf(byte), &sink));
        put(1, 10);
        assert_eq!(take(&one, 1), Some(10));
        assert_eq!(take(&one, 1), None);
        put(1, 11);
        assert_eq!(take(&other, 1), None);
        put(1, 12);
        assert_eq!(take(&one, 2), None);
        // A later one takes its place, also one that no observation follows.
        put(1, 13);
        put(2, 14);
        assert_eq!(take(&one, 2), Some(14));
        put(1, 15);
        other.put(None, &sink);
        assert_eq!(take(&one, 1), None);
        // Another thread has its own.
        put(1, 16);
        let elsewhere = std::thread::scope(|scope| scope.spawn(|| take(&one, 1)).join());
        assert_eq!(elsewhere.unwrap(), None);
        assert_eq!(take(&one, 1), Some(16));
    }
}
