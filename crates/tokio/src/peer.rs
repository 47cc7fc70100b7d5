//! The other end of one connection.

use core::fmt;
use core::future::poll_fn;
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mutual_trust::{
    Accepted, ExpectedServer, Fingerprint, HostName, PeerCheck, PeerIdentity, Refusal, Role,
    ServerId,
};
use pki_types::CertificateDer;
use rustls::CommonState;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::SettingError;
use crate::guard::{Guard, Wait};
use crate::limits::{MAX_RECHECK_INTERVAL, MIN_RECHECK_INTERVAL, RECHECK_INTERVAL};
use crate::setting::duration;

/// The other end of one connection: what it presented, who it is, and whether it is still trusted. Cheap to clone.
///
/// A [`TlsStream`](crate::TlsStream) has one. For a connection of another library, make it from what that library
/// knows. A QUIC connection of quinn, which ends once its client is blocked:
///
/// ```
/// use mutual_trust::{PeerCheck, Refusal};
/// use mutual_trust_tokio::Peer;
/// use rustls::pki_types::CertificateDer;
///
/// /// `certificates` is what `quinn::Connection::peer_identity` returns.
/// fn guard(check: PeerCheck, certificates: &[CertificateDer<'static>], close: impl FnOnce() + Send + 'static) -> Result<Peer, Refusal> {
///     let peer = Peer::client_presented(check, certificates)?;
///     let untrusted = peer.no_longer_trusted();
///     tokio::spawn(async move {
///         let _refusal = untrusted.await;
///         close();
///     });
///     Ok(peer)
/// }
/// ```
///
/// # Security
/// - Make one only of connections of a configuration of mutual-trust: only its verifier makes sure that the peer has the
///   key of what it presented.
/// - Make it with the [`PeerCheck`] of a builder, which follows its trust. One of [`PeerCheck::snapshot`] judges by one
///   view for good: no publication ends such a peer, only what time changes.
#[derive(Clone)]
pub struct Peer {
    link: Arc<Link>,
    identity: Arc<PeerIdentity>,
    remote_addr: Option<SocketAddr>,
    recheck_interval: Option<Duration>,
}

/// The connection, which all clones of a peer share.
struct Link {
    check: PeerCheck,
    expected: Expected,
    certificates: Vec<CertificateDer<'static>>,
    asked: Mutex<Asked>,
    /// The last answer was a refusal. What guards the connection asks again then.
    is_refused: AtomicBool,
    /// Wakes what guards the connection.
    refused: Notify,
}

/// The refusals of a peer, whichever clone of it sees them.
pub(crate) struct Refusals(Arc<Link>);

impl Refusals {
    /// Completes once the last answer is a refusal.
    pub(crate) async fn next(&self) {
        // From here on, a refusal wakes it.
        let refused = self.0.refused.notified();
        if !self.0.is_refused.load(Ordering::SeqCst) {
            refused.await;
        }
    }
}

/// What was asked about a peer.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// The generation of the newest view that accepted it.
    pub(crate) generation: u64,
    /// When it was asked last.
    pub(crate) at: Instant,
}

impl Link {
    fn ask(&self) -> Result<Accepted, Refusal> {
        let at = Instant::now();
        let answer = self.expected.ask(&self.check, &self.certificates);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match &answer {
            Ok(accepted) => {
                // A refusal of a later moment stands.
                if asked.at <= at {
                    asked.at = at;
                    self.is_refused.store(false, Ordering::SeqCst);
                }
                let generation = accepted.verdict().generation();
                asked.generation = asked.generation.max(generation);
            }
            Err(_) => {
                asked.at = asked.at.max(at);
                self.is_refused.store(true, Ordering::SeqCst);
                self.refused.notify_waiters();
            }
        }
        drop(asked);
        answer
    }
}

/// What the peer must be.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    Client,
    Server(ServerId, Option<HostName>),
    ServerByName(HostName),
    /// A kind of expectation that this version does not know. It accepts no peer.
    Unknown,
}

impl Expected {
    pub(crate) fn server(expected: ExpectedServer<'_>) -> Self {
        match expected {
            ExpectedServer::Id { id, dialled, .. } => Self::Server(id.clone(), dialled.cloned()),
            ExpectedServer::Name(name) => Self::ServerByName(name.clone()),
            _ => Self::Unknown,
        }
    }

    fn ask(
        &self,
        check: &PeerCheck,
        certificates: &[CertificateDer<'_>],
    ) -> Result<Accepted, Refusal> {
        match self {
            Self::Client => check.client_presented(certificates),
            Self::Server(id, dialled) => {
                let expected = ExpectedServer::id(id, dialled.as_ref());
                check.server_presented(expected, certificates)
            }
            Self::ServerByName(name) => {
                check.server_presented(ExpectedServer::Name(name), certificates)
            }
            // Who presents nothing is always refused.
            Self::Unknown => check.client_presented(&[]),
        }
    }

    fn role(&self) -> Role {
        match self {
            Self::Client => Role::Client,
            Self::Server(..) | Self::ServerByName(_) | Self::Unknown => Role::Server,
        }
    }
}

impl Peer {
    /// The client of a `rustls::ServerConnection` whose handshake is done.
    ///
    /// # Security
    /// The connection must be one of a configuration of `ServerConfigBuilder` or `EnrolmentAcceptor`.
    ///
    /// # Errors
    /// The client is refused by the view in force now, or the handshake is not done.
    pub fn client(check: PeerCheck, connection: &CommonState) -> Result<Self, Refusal> {
        Self::new(check, Expected::Client, presented(connection))
    }

    /// The server of a `rustls::ClientConnection` whose handshake is done.
    ///
    /// # Security
    /// The connection must be one of a configuration of `ClientConfigBuilder`.
    ///
    /// # Errors
    /// The server is refused by the view in force now, or the handshake is not done.
    pub fn server(
        check: PeerCheck,
        expected: ExpectedServer<'_>,
        connection: &CommonState,
    ) -> Result<Self, Refusal> {
        Self::new(check, Expected::server(expected), presented(connection))
    }

    /// A client, by the certificates that it presented, the end entity first.
    ///
    /// # Security
    /// The certificates must come from a finished handshake of a configuration of `ServerConfigBuilder` or
    /// `EnrolmentAcceptor`. A certificate is public: without the handshake, nothing shows that the peer has its key.
    ///
    /// # Errors
    /// The client is refused by the view in force now, or no certificate is given.
    pub fn client_presented(
        check: PeerCheck,
        certificates: &[CertificateDer<'_>],
    ) -> Result<Self, Refusal> {
        Self::new(check, Expected::Client, certificates)
    }

    /// A server, which must be `expected`, by the certificates that it presented, the end entity first.
    ///
    /// # Security
    /// As for [`client_presented`](Self::client_presented), of a configuration of `ClientConfigBuilder`.
    ///
    /// # Errors
    /// The server is refused by the view in force now, or no certificate is given.
    pub fn server_presented(
        check: PeerCheck,
        expected: ExpectedServer<'_>,
        certificates: &[CertificateDer<'_>],
    ) -> Result<Self, Refusal> {
        Self::new(check, Expected::server(expected), certificates)
    }

    pub(crate) fn new(
        check: PeerCheck,
        expected: Expected,
        certificates: &[CertificateDer<'_>],
    ) -> Result<Self, Refusal> {
        let at = Instant::now();
        let accepted = expected.ask(&check, certificates)?;
        let owned = certificates.iter().map(|der| der.clone().into_owned());
        let link = Link {
            check,
            expected,
            certificates: owned.collect(),
            asked: Mutex::new(Asked {
                generation: accepted.verdict().generation(),
                at,
            }),
            is_refused: AtomicBool::new(false),
            refused: Notify::new(),
        };
        Ok(Self {
            link: Arc::new(link),
            identity: Arc::new(accepted.peer()),
            remote_addr: None,
            recheck_interval: Some(RECHECK_INTERVAL),
        })
    }

    /// Who the peer is, for authorisation (rule P7), by the view in force when this was made or
    /// [refreshed](Self::refresh).
    pub fn identity(&self) -> &PeerIdentity {
        &self.identity
    }

    /// The label of the pin that decided. `None` for a chain, and for a pin without label.
    pub fn label(&self) -> Option<&str> {
        self.identity().label()
    }

    /// The names that the authority vouches for. None for a pin.
    pub fn names(&self) -> &[String] {
        self.identity().names()
    }

    /// The fingerprint of the peer's certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity().fingerprint()
    }

    /// The role of the peer.
    pub fn role(&self) -> Role {
        self.link.expected.role()
    }

    /// The certificates as the peer presented them, the end entity first.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.link.certificates
    }

    /// The address of the peer, if it is known.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.remote_addr
    }

    pub(crate) fn with_remote_addr(mut self, address: SocketAddr) -> Self {
        self.remote_addr = Some(address);
        self
    }

    /// Sets how often the peer is asked again although nothing was published; `None` is never. By default,
    /// [`RECHECK_INTERVAL`].
    ///
    /// # Errors
    /// The interval is not between [`MIN_RECHECK_INTERVAL`] and [`MAX_RECHECK_INTERVAL`].
    pub fn with_recheck_interval(
        mut self,
        interval: Option<Duration>,
    ) -> Result<Self, SettingError> {
        self.recheck_interval = recheck_interval(interval)?;
        Ok(self)
    }

    /// How often the peer is asked again although nothing was published.
    pub fn recheck_interval(&self) -> Option<Duration> {
        self.recheck_interval
    }

    pub(crate) fn rechecked_each(mut self, checked: Option<Duration>) -> Self {
        self.recheck_interval = checked;
        self
    }

    /// Asks again: whether the peer is trusted by the view in force and the time now.
    ///
    /// A refusal that is seen here, for example of a certificate that has expired, ends the connection as a block does:
    /// what guards it asks at once, which is its [`TlsStream`](crate::TlsStream) and each wait of
    /// [`no_longer_trusted`](Self::no_longer_trusted).
    ///
    /// # Errors
    /// The peer is refused.
    pub fn check(&self) -> Result<Accepted, Refusal> {
        self.link.ask()
    }

    /// Asks again, and returns the peer with the identity that it has now: its label may have changed. A
    /// refusal ends the connection, as with [`check`](Self::check).
    ///
    /// # Errors
    /// The peer is refused.
    pub fn refresh(&self) -> Result<Self, Refusal> {
        let accepted = self.check()?;
        Ok(Self {
            identity: Arc::new(accepted.peer()),
            ..self.clone()
        })
    }

    /// Completes with the refusal once the peer is no longer trusted. It is asked again after each publication, and at
    /// the [recheck interval](Self::with_recheck_interval), which counts from the last answer: a loop may make a new
    /// future for each message.
    ///
    /// For what has no stream of ours: close the connection then. Dropping the future cancels the wait, so it can be
    /// one branch of a `select`. It is polled on a tokio runtime with timers; without a recheck interval, on any runtime.
    pub fn no_longer_trusted(&self) -> impl Future<Output = Refusal> + Send + Sync + use<> {
        let (mut guard, mut wait) = (Guard::new(self.clone()), Wait::default());
        poll_fn(move |context| guard.poll_refused(&mut wait, context))
    }

    /// What was asked about this peer, by any clone of it.
    pub(crate) fn asked(&self) -> Asked {
        *self
            .link
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The last answer about this peer was a refusal.
    pub(crate) fn is_refused(&self) -> bool {
        self.link.is_refused.load(Ordering::SeqCst)
    }

    pub(crate) fn refusals(&self) -> Refusals {
        Refusals(self.link.clone())
    }

    pub(crate) fn peer_check(&self) -> &PeerCheck {
        &self.link.check
    }
}

/// What a peer presented, once its handshake is done.
pub(crate) fn presented(connection: &CommonState) -> &[CertificateDer<'static>] {
    // rustls keeps the certificates only once the handshake signature has verified.
    let certificates = connection.peer_certificates();
    let certificates = certificates.filter(|_| !connection.is_handshaking());
    certificates.unwrap_or_default()
}

pub(crate) fn recheck_interval(
    interval: Option<Duration>,
) -> Result<Option<Duration>, SettingError> {
    let range = (MIN_RECHECK_INTERVAL, MAX_RECHECK_INTERVAL);
    let checked = interval.map(|interval| duration("the recheck interval", interval, range));
    checked.transpose()
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("identity", self.identity())
            .field("remote_addr", &self.remote_addr)
            .finish_non_exhaustive()
    }
}
