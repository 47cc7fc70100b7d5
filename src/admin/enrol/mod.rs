//! Enrolment: unknown peers wait, and an administrator accepts them by a fingerprint from another channel.

pub(crate) mod error;
mod event;
mod pending;
mod pending_id;
mod presented;
mod trace;
mod unproved;

use core::fmt;
use core::time::Duration;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pki_types::UnixTime;

use error::EnrolmentError;
use pending::{Arrival, Waiting};

pub use event::EnrolmentEvent;
pub use pending::PendingPeer;
pub use pending_id::PendingId;
pub use presented::PresentedCertificate;
pub use unproved::UnprovedClient;

use crate::certificate::{CurrentTime, Fingerprint, Role, TimeSource, breaks_a_line};
use crate::limits::{MAX_DECISIONS, MAX_LABEL_BYTES};
use crate::store::{EntryOptions, PinScope, Report, TrustStore};

/// The list of waiting peers, and the decisions about them. Cheap to clone: all clones share the list.
///
/// Enrolment is closed at first. On a key server, [`open_enrolment`](Self::open_enrolment) lets unknown clients wait.
/// They are still refused, until an administrator accepts them by their fingerprint. On a system, a
/// [`Probe`](crate::tls::Probe) reads the certificate of a key server, which is accepted in the same way; no peer waits
/// there.
///
/// ```
/// # use mutual_trust::admin::Enrolment;
/// # use mutual_trust::certificate::SystemClock;
/// # use mutual_trust::{EntryOptions, LiveTrust, TrustStore};
/// # use std::{error::Error, sync::Arc, time::Duration};
/// # fn steps(store: &mut TrustStore, trust: &LiveTrust) -> Result<(), Box<dyn Error>> {
/// let enrolment = Enrolment::new(Arc::new(SystemClock::new()));
/// enrolment.open_enrolment(Duration::from_secs(600), 8)?; // the new system may connect now
/// for peer in enrolment.pending() {
///     println!("{}: {} from {}", peer.id, peer.presented.subject(), peer.address);
/// }
/// // Read aloud by a person at the system, typed in by the administrator:
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

/// A decision about an unknown peer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EnrolmentDecision {
    /// The decision: accepted, rejected, or tried with another fingerprint.
    pub event: EnrolmentEvent,
    /// The administrator, as given.
    pub by: String,
    /// The time.
    pub at: CurrentTime,
    /// The role of the peer.
    pub role: Role,
    /// The subject of its certificate.
    pub subject: String,
    /// Its address, if it waited.
    pub address: Option<IpAddr>,
    /// The fingerprint of an accepted peer's certificate, as it was given.
    pub fingerprint: Option<Fingerprint>,
}

impl Enrolment {
    /// Makes a closed enrolment without waiting peers. Times are read from `clock`.
    pub fn new(clock: Arc<dyn TimeSource>) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Inner { clock, state }))
    }

    /// Opens enrolment for the time `window`: at most `max` unknown clients can wait.
    ///
    /// Each source network (an IPv4 /24, an IPv6 /56) is guaranteed a quarter of the places. It can use more while no
    /// other network needs them. Opening again sets both values and keeps the waiting peers.
    ///
    /// # Security
    /// This only lets clients wait. It accepts no client.
    ///
    /// # Errors
    /// The clock is unset. The window or the number is zero or over its limit.
    pub fn open_enrolment(&self, window: Duration, max: usize) -> Result<(), EnrolmentError> {
        let now = self.known_time().ok_or(EnrolmentError::ClockUnset)?;
        self.state().waiting.open(now, window, max)?;
        trace::event(EnrolmentEvent::Opened, None);
        Ok(())
    }

    /// Closes enrolment: no new client can wait. Waiting clients can still be accepted or rejected.
    pub fn close_enrolment(&self) {
        self.state().waiting.close();
        trace::event(EnrolmentEvent::Closed, None);
    }

    /// Whether an unknown client can wait now. While the clock is unset, none can.
    pub fn is_open(&self) -> bool {
        let now = self.known_time();
        now.is_some_and(|now| self.state().waiting.is_open(now))
    }

    /// The end of enrolment. `None` while it is closed.
    pub fn open_until(&self) -> Option<UnixTime> {
        let now = self.known_time()?;
        self.state().waiting.ends(now)
    }

    /// Reserves an additional place for the peer whose certificate has this fingerprint. No other peer can take it.
    /// This does not accept the peer. Enrolment must be open when the peer connects.
    ///
    /// # Errors
    /// The limit of expected fingerprints is reached.
    pub fn expect(&self, fingerprint: Fingerprint) -> Result<(), EnrolmentError> {
        self.state().waiting.expect(fingerprint)
    }

    /// Removes a reserved place, and the peer that waits in it.
    pub fn expect_no_more(&self, fingerprint: Fingerprint) {
        self.state().waiting.expect_no_more(fingerprint);
    }

    /// The fingerprints with reserved places.
    pub fn expected(&self) -> Vec<Fingerprint> {
        self.state().waiting.expected().collect()
    }

    /// The waiting peers, the longest wait first. Peers that were not seen for a day are removed.
    pub fn pending(&self) -> Vec<PendingPeer> {
        let now = self.known_time();
        let mut state = self.state();
        if let Some(now) = now {
            state.waiting.age(now);
        }
        state.waiting.peers().to_vec()
    }

    /// The number of peers that were turned away, since this was made: there was no place, or the certificate was too
    /// large.
    pub fn rejected_count(&self) -> u64 {
        self.state().missed
    }

    /// Installs the certificate of a client that waits as a pin, if `fingerprint` is that of its certificate.
    ///
    /// The fingerprint must come over another channel: read aloud by a person at the system, or from its console.
    /// Publish the store's snapshot afterwards. The client is accepted from then on.
    ///
    /// # Errors
    /// No peer waits under this number. The fingerprint does not match; neither fingerprint is shown. The store refuses
    /// the certificate or the options. The peer then keeps waiting.
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
            let address = Some(peer.address);
            let compared = self.compare(&mut state, &peer.presented, address, fingerprint, by);
            if let Err(error) = compared {
                note_refused(
                    store,
                    &error,
                    format_args!("accept client from {}", peer.address),
                    by,
                );
                return Err(error);
            }
            // The peer is taken out first, so that a second administrator cannot decide about it at the same time.
            state.waiting.take(id);
            peer
        };
        // Outside the lock: changing a large store takes time.
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
    /// `fingerprint` is that of the certificate. It is the counterpart of accepting a client.
    ///
    /// # Errors
    /// The fingerprint does not match; neither fingerprint is shown. The server did not prove possession of the key.
    /// The scope is for clients. The store refuses the certificate or the options.
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
        if let Err(error) = self.compare(&mut self.state(), presented, None, fingerprint, by) {
            match &scope {
                PinScope::Server(id) => {
                    note_refused(store, &error, format_args!("accept server {id}"), by);
                }
                PinScope::Group(id) => {
                    note_refused(store, &error, format_args!("accept group {id}"), by);
                }
                PinScope::Name(name) => {
                    note_refused(store, &error, format_args!("accept {name}"), by);
                }
                PinScope::Clients => {}
            }
            return Err(error);
        }
        let certificate = presented.certificate().clone();
        let report =
            store.with_actor(by, |store| store.install_pin(scope, certificate, options))?;
        let mut state = self.state();
        self.note(&mut state, EnrolmentEvent::Accepted, presented, None, by);
        Ok(report)
    }

    /// The only place that decides whether an unknown peer can be accepted.
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

    /// Rejects a waiting client. If it connects again while enrolment is open, it waits again.
    ///
    /// # Errors
    /// No peer waits under this number.
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

    /// The newest 256 decisions, the oldest first.
    pub fn decisions(&self) -> Vec<EnrolmentDecision> {
        self.state().decisions.iter().cloned().collect()
    }

    /// Records a client that proved possession of its key and was refused as unknown.
    pub(crate) fn arrive(&self, address: IpAddr, presented: PresentedCertificate) {
        let Some(now) = self.known_time() else {
            return;
        };
        let mut state = self.state();
        let event = match state.waiting.arrive(now, address, presented) {
            Arrival::New => EnrolmentEvent::Requested,
            Arrival::NoPlace | Arrival::TooLarge => {
                state.missed = state.missed.saturating_add(1);
                EnrolmentEvent::NoCapacity
            }
            Arrival::Again | Arrival::Closed => return,
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
        self.0.clock.now().known()
    }

    /// The lock is held briefly, by administrators and by connections that are refused anyway. No accepted handshake
    /// takes it (rule S5).
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete before code that could panic.
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes for the journal that another fingerprint was given. It says neither fingerprint: one that is shown would be
/// compared with itself.
fn note_refused(
    store: &mut TrustStore,
    error: &EnrolmentError,
    call: fmt::Arguments<'_>,
    by: &str,
) {
    if matches!(error, EnrolmentError::OtherFingerprint) {
        let why = "the fingerprint does not match the presented certificate";
        store.note_refused(call, by, why);
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
