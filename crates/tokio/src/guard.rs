//! Asks again about the peer of an open connection, and waits for the moment when it is no longer trusted.

use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::sync::Arc;

use mutual_trust::{LiveTrust, Refusal};
use tokio::time::{Instant, sleep_until};

use crate::Peer;
use crate::handler;
use crate::limits::RECHECK_INTERVAL;

/// Called once when a peer is refused whose connection is open.
pub(crate) type RefusalHandler = Arc<dyn Fn(&Peer, &Refusal) + Send + Sync>;

/// How the connections of a connector or an acceptor are guarded.
#[derive(Clone)]
pub(crate) struct Guarding {
    pub(crate) recheck_interval: Option<Duration>,
    pub(crate) refusal_handler: Option<RefusalHandler>,
}

impl Default for Guarding {
    fn default() -> Self {
        Self {
            recheck_interval: Some(RECHECK_INTERVAL),
            refusal_handler: None,
        }
    }
}

/// Asks again when a view was published since, the recheck interval is over, or the peer was refused elsewhere. A refusal
/// is final.
pub(crate) struct Guard {
    peer: Peer,
    /// The generation of the view that was asked last.
    ///
    /// The verdict itself says which one that was. So a publication is not missed, whenever it happens.
    generation: u64,
    /// When time alone asks again.
    due: Option<Instant>,
    refusal: Option<Refusal>,
    refusal_handler: Option<RefusalHandler>,
}

/// The wait of one task. Reading and writing can be in two tasks, and each future keeps one waker, so each task has its
/// own. There is none until something has to be waited for.
#[derive(Default)]
pub(crate) struct Wait(Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>);

impl Guard {
    pub(crate) fn new(peer: Peer) -> Self {
        Self {
            generation: peer.asked().generation,
            due: next_due(&peer),
            peer,
            refusal: None,
            refusal_handler: None,
        }
    }

    pub(crate) fn set_refusal_handler(&mut self, handler: Option<RefusalHandler>) {
        self.refusal_handler = handler;
    }

    pub(crate) fn set_recheck_interval(&mut self, checked: Option<Duration>) {
        self.peer = self.peer.clone().rechecked_each(checked);
        self.due = next_due(&self.peer);
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Asks again if there is a reason to.
    pub(crate) fn check(&mut self) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        let is_due = self.due.is_some_and(|due| Instant::now() >= due);
        let is_due = is_due || self.peer.is_refused();
        if !is_due && self.trust().current().generation() <= self.generation {
            return Ok(());
        }
        match self.peer.check() {
            Ok(accepted) => {
                self.generation = accepted.verdict().generation();
                self.due = next_due(&self.peer);
                Ok(())
            }
            Err(refusal) => {
                self.refusal = Some(refusal.clone());
                if let Some(refusal_handler) = self.refusal_handler.take() {
                    handler::call(|| refusal_handler(&self.peer, &refusal));
                }
                Err(refusal)
            }
        }
    }

    /// Completes once the peer is refused. The task of `context` is woken when there is a reason to ask again.
    pub(crate) fn poll_refused(
        &mut self,
        wait: &mut Wait,
        context: &mut Context<'_>,
    ) -> Poll<Refusal> {
        loop {
            if let Err(refusal) = self.check() {
                return Poll::Ready(refusal);
            }
            let reason = wait.0.get_or_insert_with(|| {
                Box::pin(reason_to_ask(&self.peer, self.generation, self.due))
            });
            ready!(reason.as_mut().poll(context));
            wait.0 = None;
        }
    }

    fn trust(&self) -> &LiveTrust {
        self.peer.peer_check().trust()
    }
}

fn next_due(peer: &Peer) -> Option<Instant> {
    let interval = peer.recheck_interval()?;
    // Of any clone: a future that is made anew for each message does not put the question off.
    peer.asked().at.checked_add(interval)
}

/// Completes when a view newer than `generation` is published, `due` is over, or the peer is refused elsewhere.
fn reason_to_ask(
    peer: &Peer,
    generation: u64,
    due: Option<Instant>,
) -> impl Future<Output = ()> + Send + Sync + use<> {
    let mut newer = peer.peer_check().trust().newer_than(generation);
    let refusals = peer.refusals();
    async move {
        let (mut timer, mut refused) = (pin!(due.map(sleep_until)), pin!(refusals.next()));
        poll_fn(|context| {
            if Pin::new(&mut newer).poll(context).is_ready()
                || refused.as_mut().poll(context).is_ready()
            {
                return Poll::Ready(());
            }
            match timer.as_mut().as_pin_mut() {
                Some(timer) => timer.poll(context),
                None => Poll::Pending,
            }
        })
        .await;
    }
}
