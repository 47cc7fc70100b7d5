//! Letting unknown peers wait, and accepting them by a fingerprint that was heard elsewhere.

pub(crate) mod error;
mod pending;
mod presented;
mod trace;

use core::fmt;
use core::time::Duration;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pki_types::UnixTime;

use error::EnrolmentError;
use pending::{Knock, Waiting};

pub use pending::{PendingId, PendingPeer};
pub use presented::PresentedCertificate;

use crate::certificate::{CurrentTime, Fingerprint, Role, TimeSource, breaks_a_line};
use crate::limits::{MAX_DECISIONS, MAX_LABEL_BYTES};
use crate::store::{EntryOptions, PinScope, Report, TrustStore};

/// Where unknown peers wait and are decided about. Cheap to clone: all clones are one.
///
/// Closed at first. On a key server, [`open_enrolment`](Self::open_enrolment) lets clients that nothing installed
/// knows wait: they are refused all the same, until somebody accepts them by their fingerprint. On a system, a
/// key server is looked at with a [`Probe`](crate::tls::Probe) and accepted in the same way; nobody waits there.
///
/// ```
/// # use mutual_trust::admin::Enrolment;
/// # use mutual_trust::certificate::SystemClock;
/// # use mutual_trust::{EntryOptions, LiveTrust, TrustStore};
/// # use std::{error::Error, sync::Arc, time::Duration};
/// # fn steps(store: &mut TrustStore, trust: &LiveTrust) -> Result<(), Box<dyn Error>> {
/// let enrolment = Enrolment::new(Arc::new(SystemClock::new()));
/// enrolment.open_enrolment(Duration::from_secs(600), 8)?; // the new system may knock now
/// for peer in enrolment.pending() {
///     println!("{}: {} from {}", peer.id, peer.presented.subject(), peer.address);
/// }
/// // Read out by the one who stands at the system, typed in by the administrator:
/// let heard = "0E:87:54:E6:1D:3A:FC:16:5A:84:5C:A7:37:6D:1C:D4:E3:1F:20:28:A7:94:03:84:45:57:3F:9B:E1:23:FA:66";
/// let (id, label) = ("1".parse()?, EntryOptions::new().with_label("array-7"));
/// enrolment.accept_client(id, heard.parse()?, store, label, "alice")?;
/// trust.publish(store.snapshot())?; // it connects
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Enrolment(Arc<Inner>);

struct Inner {
    clock: Arc<dyn TimeSource>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Waiting,
    decisions: VecDeque<EnrolmentDecision>,
    missed: u64,
}

/// What somebody did about unknown peers, or what became of one.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnrolmentEvent {
    /// Enrolment was opened.
    #[doc(hidden)]
    Opened,
    /// Enrolment was closed before its end.
    #[doc(hidden)]
    Closed,
    /// A new peer waits.
    Requested,
    /// There was no place for a peer, or its certificate was too large.
    #[doc(hidden)]
    NoCapacity,
    /// A fingerprint was given for a peer and was another's.
    #[doc(hidden)]
    OtherFingerprint,
    /// A peer was accepted.
    Accepted,
    /// A peer was rejected.
    Rejected,
}

impl fmt::Display for EnrolmentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Requested => "requested",
            Self::NoCapacity => "no capacity",
            Self::OtherFingerprint => "another fingerprint was given",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        })
    }
}

/// What somebody decided about an unknown peer, and when.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EnrolmentDecision {
    /// What: accepted, rejected, or tried with another fingerprint.
    pub event: EnrolmentEvent,
    /// Who, as given.
    pub by: String,
    /// When.
    pub at: CurrentTime,
    /// The role of the peer.
    pub role: Role,
    /// The subject of its certificate.
    pub subject: String,
    /// Where it came from, if it waited.
    pub address: Option<IpAddr>,
    /// The fingerprint of an accepted peer's certificate, as it was given.
    pub fingerprint: Option<Fingerprint>,
}

impl Enrolment {
    /// Closed, with nobody waiting. Times are those of `clock`.
    pub fn new(clock: Arc<dyn TimeSource>) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Inner { clock, state }))
    }

    /// Lets unknown clients wait from now on for as long as `window`, at most `max` of them.
    ///
    /// A source network (an IPv4 /24, an IPv6 /56) has a quarter of the places for itself; those that nobody else
    /// asks for are lent. Opening again sets both anew and keeps who waits.
    ///
    /// # Security
    /// Waiting is all that is opened: nobody is accepted by it.
    ///
    /// # Errors
    /// The clock is unset; the window or the number is zero or over its limit.
    pub fn open_enrolment(&self, window: Duration, max: usize) -> Result<(), EnrolmentError> {
        let now = self.known_time().ok_or(EnrolmentError::ClockUnset)?;
        self.state().waiting.open(now, window, max)?;
        trace::event(EnrolmentEvent::Opened, None);
        Ok(())
    }

    /// Lets nobody wait any more. Those who wait can still be decided about.
    pub fn close_enrolment(&self) {
        self.state().waiting.close();
        trace::event(EnrolmentEvent::Closed, None);
    }

    /// Whether an unknown client can wait now. By a clock that is unset, nobody can.
    pub fn is_open(&self) -> bool {
        let now = self.known_time();
        now.is_some_and(|now| self.state().waiting.is_open(now))
    }

    /// When enrolment ends by itself; `None` while it is closed.
    pub fn open_until(&self) -> Option<UnixTime> {
        let now = self.known_time()?;
        self.state().waiting.ends(now)
    }

    /// Keeps a place, beside the others, for the peer whose certificate has this fingerprint: nobody else can take
    /// it. It is not accepted by that. Enrolment must be open when the peer comes.
    ///
    /// # Errors
    /// As many are expected as can be.
    pub fn expect(&self, fingerprint: Fingerprint) -> Result<(), EnrolmentError> {
        self.state().waiting.expect(fingerprint)
    }

    /// Gives up a place that was kept, and whoever waits in it.
    pub fn expect_no_more(&self, fingerprint: Fingerprint) {
        self.state().waiting.expect_no_more(fingerprint);
    }

    /// The fingerprints for which places are kept.
    pub fn expected(&self) -> Vec<Fingerprint> {
        self.state().waiting.expected().collect()
    }

    /// Who waits, the longest first. Those that were not seen for a day are gone.
    pub fn pending(&self) -> Vec<PendingPeer> {
        let now = self.known_time();
        let mut state = self.state();
        if let Some(now) = now {
            state.waiting.age(now);
        }
        state.waiting.peers().to_vec()
    }

    /// How many peers found no place, or had too large a certificate, since this was made.
    pub fn rejected_count(&self) -> u64 {
        self.state().missed
    }

    /// Installs the certificate of a client that waits as a pin, if `fingerprint` is that of its certificate.
    ///
    /// The fingerprint must have come over another channel: read out by the one who stands at the system, or
    /// from its console. Publish the store's view afterwards; the client is accepted from then on.
    ///
    /// # Errors
    /// Nobody waits under this number; the fingerprint is another's, and neither is shown; the store refuses
    /// the certificate or the options. The peer waits on then.
    pub fn accept_client(
        &self,
        id: PendingId,
        fingerprint: Fingerprint,
        store: &mut TrustStore,
        options: EntryOptions,
        by: &str,
    ) -> Result<Report, EnrolmentError> {
        check_by(by)?;
        let peer = {
            let mut state = self.state();
            let peer = state.waiting.peer(id)?.clone();
            self.compare(
                &mut state,
                &peer.presented,
                Some(peer.address),
                fingerprint,
                by,
            )?;
            // So that of two administrators the other one finds it gone.
            state.waiting.take(id);
            peer
        };
        // Without the lock: a large store takes its time.
        let certificate = peer.presented.certificate().clone();
        let installed = store.with_actor(by, |store| {
            store.install_pin(PinScope::Clients, certificate, options)
        });
        let mut state = self.state();
        match installed {
            Ok(report) => {
                let (presented, address) = (&peer.presented, Some(peer.address));
                state.waiting.settle(fingerprint);
                self.note(&mut state, EnrolmentEvent::Accepted, presented, address, by);
                Ok(report)
            }
            Err(error) => {
                state.waiting.put_back(peer);
                Err(error.into())
            }
        }
    }

    /// Installs what a server presented to a [`Probe`](crate::tls::Probe) as a pin for that server or a group, if
    /// `fingerprint` is that of the certificate. The same as for a client, on the other end.
    ///
    /// # Errors
    /// The fingerprint is another's, and neither is shown; the server did not prove that it has the key; the
    /// scope is for clients; the store refuses the certificate or the options.
    pub fn accept_server(
        &self,
        presented: &PresentedCertificate,
        fingerprint: Fingerprint,
        store: &mut TrustStore,
        scope: PinScope,
        options: EntryOptions,
        by: &str,
    ) -> Result<Report, EnrolmentError> {
        check_by(by)?;
        if presented.role() != Role::Server || scope == PinScope::Clients {
            return Err(EnrolmentError::Scope {
                role: presented.role(),
            });
        }
        self.compare(&mut self.state(), presented, None, fingerprint, by)?;
        let certificate = presented.certificate().clone();
        let report =
            store.with_actor(by, |store| store.install_pin(scope, certificate, options))?;
        let mut state = self.state();
        self.note(&mut state, EnrolmentEvent::Accepted, presented, None, by);
        Ok(report)
    }

    /// The one place where it is judged whether an unknown peer may be let in.
    fn compare(
        &self,
        state: &mut State,
        presented: &PresentedCertificate,
        address: Option<IpAddr>,
        given: Fingerprint,
        by: &str,
    ) -> Result<(), EnrolmentError> {
        if !presented.is_proved() {
            return Err(EnrolmentError::NotProved);
        }
        if given != presented.fingerprint() {
            let event = EnrolmentEvent::OtherFingerprint;
            self.note(state, event, presented, address, by);
            return Err(EnrolmentError::OtherFingerprint);
        }
        Ok(())
    }

    /// Lets go of a client that waits. If it comes again while enrolment is open, it waits again.
    ///
    /// # Errors
    /// Nobody waits under this number.
    pub fn reject(&self, id: PendingId, by: &str) -> Result<(), EnrolmentError> {
        check_by(by)?;
        let mut state = self.state();
        let peer = state.waiting.peer(id)?.clone();
        state.waiting.take(id);
        state.waiting.settle(peer.presented.fingerprint());
        let (presented, address) = (&peer.presented, Some(peer.address));
        self.note(&mut state, EnrolmentEvent::Rejected, presented, address, by);
        Ok(())
    }

    /// What was decided, the oldest first; the newest 256.
    pub fn decisions(&self) -> Vec<EnrolmentDecision> {
        self.state().decisions.iter().cloned().collect()
    }

    /// A client proved possession of its key and was refused as unknown.
    pub(crate) fn knock(&self, address: IpAddr, presented: PresentedCertificate) {
        let Some(now) = self.known_time() else {
            return;
        };
        let mut state = self.state();
        let event = match state.waiting.knock(now, address, presented) {
            Knock::New => EnrolmentEvent::Requested,
            Knock::NoPlace | Knock::TooLarge => {
                state.missed = state.missed.saturating_add(1);
                EnrolmentEvent::NoCapacity
            }
            Knock::Again | Knock::Closed => return,
        };
        drop(state);
        trace::event(event, None);
    }

    fn note(
        &self,
        state: &mut State,
        event: EnrolmentEvent,
        presented: &PresentedCertificate,
        address: Option<IpAddr>,
        by: &str,
    ) {
        if state.decisions.len() >= MAX_DECISIONS {
            state.decisions.pop_front();
        }
        let accepted = event == EnrolmentEvent::Accepted;
        state.decisions.push_back(EnrolmentDecision {
            event,
            by: by.to_owned(),
            at: self.0.clock.now(),
            role: presented.role(),
            subject: presented.subject(),
            address,
            fingerprint: accepted.then(|| presented.fingerprint()),
        });
        trace::event(event, Some(by));
    }

    fn known_time(&self) -> Option<UnixTime> {
        match self.0.clock.now() {
            CurrentTime::Known(now) => Some(now),
            CurrentTime::Unset => None,
        }
    }

    /// Held for moments only, by administrators and by connections that are refused in any case: no accepted
    /// handshake comes here (rule S5).
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete before anything that could panic.
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_by(by: &str) -> Result<(), EnrolmentError> {
    if by.is_empty() || by.len() > MAX_LABEL_BYTES || by.chars().any(breaks_a_line) {
        return Err(EnrolmentError::By {
            limit: MAX_LABEL_BYTES,
        });
    }
    Ok(())
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrolment")
            .field("is_open", &self.is_open())
            .field("pending", &self.state().waiting.peers().len())
            .finish_non_exhaustive()
    }
}
