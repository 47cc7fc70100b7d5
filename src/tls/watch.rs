//! Telling those who look on what a handshake showed (rule S5), and never that a peer proved what it did not.
//!
//! An accepted verdict counts only once the handshake signature has verified (rule M2). Both steps are calls of
//! their own, and the second one tells nothing but the end entity's certificate: not which connection it is. So
//! between them the verdict waits where only the right second step finds it:
//!
//! - At the client end rustls makes both calls one after the other while it reads the server's messages, on the
//!   thread that called it. The verdict waits in that thread, under the number of its verifier; any later verdict
//!   in that thread takes its place. If rustls ever came to change threads between the calls, it would not be
//!   found, and nothing would be told.
//! - At the server end other calls can come between, and from other threads. The verdict waits under the
//!   certificate, and the newest about it is taken. Whoever replays a certificate without its key may have left
//!   that one there, if the certificate was accepted of him as well; but what is told is told after somebody proved
//!   that he has its key. So what an observation says holds: the holder of this key was here, and a verdict that
//!   is no older than the certificate step of his connection accepted this certificate. Only the certificates
//!   behind the first may be those that the other one presented.
//! - [`EnrolmentAcceptor`](super::EnrolmentAcceptor) and [`Probe`](super::Probe) have a verifier for each connection.

use core::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use pki_types::CertificateDer;

use crate::certificate::Clock;
use crate::limits::MAX_PARKED_VERDICTS;
use crate::observe::{Observation, Observations, trace};
use crate::policy::Verdict;

/// Whom to tell. Nobody by default.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(Option<Observations>);

/// A verdict with what it was about.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) verdict: Arc<Verdict>,
    presented: Vec<CertificateDer<'static>>,
    clock: Clock,
}

impl Sight {
    pub(super) fn new(
        verdict: Arc<Verdict>,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        clock: Clock,
    ) -> Self {
        let presented = core::iter::once(end_entity).chain(intermediates);
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

    /// The same peer with another verdict, which came later.
    pub(super) fn with(self, verdict: Arc<Verdict>) -> Self {
        Self { verdict, ..self }
    }
}

impl Watch {
    pub(super) fn telling(observations: Observations) -> Self {
        Self(Some(observations))
    }

    /// Whether anybody looks on. If not, nothing is copied.
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some() || cfg!(feature = "tracing")
    }

    pub(super) fn sight(
        &self,
        verdict: &Arc<Verdict>,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        clock: Clock,
    ) -> Option<Sight> {
        self.is_on()
            .then(|| Sight::new(verdict.clone(), end_entity, intermediates, clock))
    }

    pub(super) fn tell(&self, sight: Option<Sight>, proved: bool) {
        let Some(sight) = sight else { return };
        let observation = Observation::new(sight.verdict, sight.presented, sight.clock, proved);
        trace::observed(&observation);
        if let Some(observations) = &self.0 {
            observations.send(observation);
        }
    }

    fn missed(&self) {
        if let Some(observations) = &self.0 {
            observations.count_dropped();
        }
    }
}

/// Where an accepted verdict waits for its handshake signature.
pub(super) trait Parking {
    fn park(&self, sight: Option<Sight>, watch: &Watch);

    /// The verdict about this certificate, if the right step asks.
    fn take(&self, end_entity: &CertificateDer<'_>, watch: &Watch) -> Option<Sight>;
}

thread_local! {
    /// One for each thread, with the number of the verifier that put it there.
    static HERE: Cell<Option<(u64, Sight)>> = const { Cell::new(None) };
}

/// In the thread that makes both calls: for the client end.
#[derive(Debug)]
pub(super) struct InThread(u64);

impl InThread {
    pub(super) fn new() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

impl Parking for InThread {
    fn park(&self, sight: Option<Sight>, watch: &Watch) {
        let sight = sight.map(|sight| (self.0, sight));
        // A thread that is ending has no such place any more.
        if HERE.try_with(|here| here.set(sight)).is_err() {
            watch.missed();
        }
    }

    fn take(&self, end_entity: &CertificateDer<'_>, _: &Watch) -> Option<Sight> {
        let (verifier, sight) = HERE.try_with(Cell::take).ok()??;
        (verifier == self.0 && sight.is_of(end_entity)).then_some(sight)
    }
}

/// Under the certificate: for the server end.
#[derive(Debug, Default)]
pub(super) struct UnderCertificate {
    all: Mutex<VecDeque<Sight>>,
    /// One could not be put there, so that for its signature step there may be an older one about its certificate.
    torn: AtomicBool,
}

impl UnderCertificate {
    /// Never waits for another handshake.
    fn try_all(&self) -> Option<MutexGuard<'_, VecDeque<Sight>>> {
        match self.all.try_lock() {
            Ok(all) => Some(all),
            Err(TryLockError::Poisoned(all)) => Some(all.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Parking for UnderCertificate {
    fn park(&self, sight: Option<Sight>, watch: &Watch) {
        let Some(sight) = sight else { return };
        let Some(mut all) = self.try_all() else {
            self.torn.store(true, Ordering::Release);
            return watch.missed();
        };
        if all.len() >= MAX_PARKED_VERDICTS {
            // The oldest has no signature to come, most likely: its peer went away, or had no key.
            all.pop_front();
            watch.missed();
        }
        all.push_back(sight);
    }

    fn take(&self, end_entity: &CertificateDer<'_>, watch: &Watch) -> Option<Sight> {
        if !watch.is_on() {
            return None;
        }
        let Some(mut all) = self.try_all() else {
            watch.missed();
            return None;
        };
        if self.torn.swap(false, Ordering::AcqRel) {
            all.drain(..).for_each(|_| watch.missed());
        }
        let at = all.iter().rposition(|sight| sight.is_of(end_entity))?;
        all.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::observation_queue;

    fn leaf(byte: u8) -> CertificateDer<'static> {
        vec![byte; 8].into()
    }

    fn sight(byte: u8, generation: u64) -> Option<Sight> {
        let verdict = Arc::new(Verdict::unfinished(false, generation));
        Some(Sight::new(verdict, &leaf(byte), &[], Clock::Unset))
    }

    fn generation(sight: Option<Sight>) -> Option<u64> {
        sight.map(|sight| sight.verdict.generation())
    }

    #[test]
    fn under_a_certificate_the_newest_verdict_is_found_once() {
        let (queue, _reader) = observation_queue(8).unwrap();
        let watch = Watch::telling(queue.clone());
        let parking = UnderCertificate::default();
        for (byte, at) in [(1, 10), (2, 11), (1, 12)] {
            parking.park(sight(byte, at), &watch);
        }
        assert_eq!(generation(parking.take(&leaf(1), &watch)), Some(12));
        assert_eq!(generation(parking.take(&leaf(1), &watch)), Some(10));
        assert_eq!(generation(parking.take(&leaf(1), &watch)), None);
        assert_eq!(generation(parking.take(&leaf(3), &watch)), None);
        assert_eq!(generation(parking.take(&leaf(2), &watch)), Some(11));
        assert_eq!(queue.dropped(), 0);
    }

    #[test]
    fn what_waits_for_signatures_is_bounded_and_the_oldest_goes_first() {
        let (queue, _reader) = observation_queue(8).unwrap();
        let watch = Watch::telling(queue.clone());
        let parking = UnderCertificate::default();
        for at in 0..=u64::try_from(MAX_PARKED_VERDICTS).unwrap() {
            parking.park(sight(u8::try_from(at).unwrap(), at), &watch);
        }
        assert_eq!(queue.dropped(), 1);
        assert_eq!(generation(parking.take(&leaf(0), &watch)), None);
        assert_eq!(generation(parking.take(&leaf(1), &watch)), Some(1));
    }

    #[test]
    fn a_verdict_that_could_not_wait_is_not_replaced_by_an_older_one() {
        let (queue, _reader) = observation_queue(8).unwrap();
        let watch = Watch::telling(queue.clone());
        let parking = UnderCertificate::default();
        // Somebody without the key, long ago.
        parking.park(sight(1, 10), &watch);
        // The holder of the key comes while another handshake has the lock.
        let busy = parking.all.lock().unwrap();
        parking.park(sight(1, 99), &watch);
        assert_eq!(generation(parking.take(&leaf(1), &watch)), None);
        drop(busy);
        assert_eq!(generation(parking.take(&leaf(1), &watch)), None);
        assert_eq!(queue.dropped(), 3);
        // Afterwards all is as before.
        parking.park(sight(1, 100), &watch);
        assert_eq!(generation(parking.take(&leaf(1), &watch)), Some(100));
    }

    #[test]
    fn in_a_thread_only_the_same_verifier_finds_the_last_verdict_and_for_its_certificate() {
        let watch = Watch::default();
        let (one, other) = (InThread::new(), InThread::new());
        let parked = |byte, at| one.park(sight(byte, at), &watch);
        let taken = |by: &InThread, byte| generation(by.take(&leaf(byte), &watch));
        parked(1, 10);
        assert_eq!(taken(&one, 1), Some(10));
        assert_eq!(taken(&one, 1), None);
        parked(1, 11);
        assert_eq!(taken(&other, 1), None);
        parked(1, 12);
        assert_eq!(taken(&one, 2), None);
        // A later one takes its place, also one that nobody looks at.
        parked(1, 13);
        parked(2, 14);
        assert_eq!(taken(&one, 2), Some(14));
        parked(1, 15);
        other.park(None, &watch);
        assert_eq!(taken(&one, 1), None);
        // Another thread has its own.
        parked(1, 16);
        let elsewhere = std::thread::scope(|scope| scope.spawn(|| taken(&one, 1)).join());
        assert_eq!(elsewhere.unwrap(), None);
        assert_eq!(taken(&one, 1), Some(16));
    }
}
