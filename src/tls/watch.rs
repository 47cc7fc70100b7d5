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
//!   certificate. Whoever replays a certificate without its key may leave an accepted verdict there, about that
//!   certificate; what is told is told after somebody proved that he has its key. So what holds of an observation
//!   is: the holder of this key was here, and a verdict as of this moment accepted what was presented with it. The
//!   certificates behind the first may be those of another connection that presented the same one.
//! - [`EnrolmentAcceptor`](super::EnrolmentAcceptor) and [`Probe`](super::Probe) have a verifier for each connection.

use core::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use pki_types::CertificateDer;

use crate::admin::{Observation, Observations, trace};
use crate::certificate::Clock;
use crate::limits::MAX_PARKED_VERDICTS;
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
            observations.offer(observation);
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
pub(super) struct UnderCertificate(Mutex<VecDeque<Sight>>);

impl Parking for UnderCertificate {
    fn park(&self, sight: Option<Sight>, watch: &Watch) {
        let Some(sight) = sight else { return };
        // Never waits for another handshake.
        let mut all = match self.0.try_lock() {
            Ok(all) => all,
            Err(TryLockError::Poisoned(all)) => all.into_inner(),
            Err(TryLockError::WouldBlock) => return watch.missed(),
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
        let mut all = match self.0.try_lock() {
            Ok(all) => all,
            Err(TryLockError::Poisoned(all)) => all.into_inner(),
            Err(TryLockError::WouldBlock) => {
                watch.missed();
                return None;
            }
        };
        let at = all.iter().rposition(|sight| sight.is_of(end_entity))?;
        all.remove(at)
    }
}
