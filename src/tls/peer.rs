//! Asks who the peer of an open connection is, and whether it is still trusted (rules P7 and S3).

use std::sync::Arc;

use pki_types::CertificateDer;
use rustls::CommonState;

use crate::certificate::TimeSource;
use crate::policy::{Accepted, ChainMemory, ExpectedServer, Refusal, Verdict, VerifyRequest};
use crate::store::LiveTrust;

/// Asks again about connections whose handshake is done, by the view in force now.
///
/// Made by the builders, with the same trust, policy and clock as their configurations. On a key server it says which
/// client a connection has. At either end, after trust has changed, it says which connections to close:
///
/// - A program that holds all its connections in one place asks about them at once, with [`no_longer_trusted`](Self::no_longer_trusted).
/// - A program with a task for each connection gives each task a clone. After each change, the task asks about its own
///   connection, with [`client`](Self::client) or [`server`](Self::server). [`LiveTrust::newer_than`] wakes it, and has
///   an example.
///
/// # Security
/// Ask only about connections that were made with a configuration of the builders. Our verifier makes sure in the
/// handshake that the peer has the key of what it presented. rustls keeps the certificates and not what verified them,
/// so nothing here can tell. If another verifier let the peer pass, the certificate may be that of another machine.
#[derive(Clone, Debug)]
pub struct PeerCheck {
    trust: LiveTrust,
    memory: ChainMemory,
    clock: Arc<dyn TimeSource>,
}

impl PeerCheck {
    pub(super) fn new(trust: LiveTrust, memory: ChainMemory, clock: Arc<dyn TimeSource>) -> Self {
        Self {
            trust,
            memory,
            clock,
        }
    }

    /// Asks about the client of a `rustls::ServerConnection`.
    ///
    /// [`Accepted::peer`] says who the client is, for authorisation. A connection whose handshake is not finished is
    /// refused.
    ///
    /// # Security
    /// The connection must be one of a configuration of [`ServerConfigBuilder`](super::ServerConfigBuilder) or
    /// `EnrolmentAcceptor`: only our verifier makes sure that the client has the key of the
    /// certificate that is judged here.
    ///
    /// # Errors
    /// The client is refused.
    pub fn client(&self, connection: &CommonState) -> Result<Accepted, Refusal> {
        self.ask(None, connection)
    }

    /// Asks about the server of a `rustls::ClientConnection`, which must be `expected`.
    ///
    /// # Security
    /// The connection must be one of a configuration of [`ClientConfigBuilder`](super::ClientConfigBuilder), as for
    /// [`client`](Self::client).
    ///
    /// # Errors
    /// The server is refused.
    pub fn server(
        &self,
        expected: ExpectedServer<'_>,
        connection: &CommonState,
    ) -> Result<Accepted, Refusal> {
        self.ask(Some(expected), connection)
    }

    /// Asks about a client by the certificates that it presented, the end entity first: for libraries that give a
    /// request handler the certificates and not the connection, such as quinn with `Connection::peer_identity`.
    ///
    /// ```
    /// use mutual_trust::PeerCheck;
    /// use rustls::pki_types::CertificateDer;
    ///
    /// /// May this request be answered? `presented` was kept when the connection was accepted.
    /// fn label(check: &PeerCheck, presented: &[CertificateDer<'static>]) -> Option<String> {
    ///     Some(check.client_presented(presented).ok()?.peer().label()?.to_owned())
    /// }
    /// # let _ = label;
    /// ```
    ///
    /// # Security
    /// The certificates must come from a finished handshake of a configuration of
    /// [`ServerConfigBuilder`](super::ServerConfigBuilder) or `EnrolmentAcceptor`. A certificate is public: without the
    /// handshake, nothing shows that the peer has its key. Never give it what came in a header or a message.
    ///
    /// # Errors
    /// The client is refused, or no certificate is given.
    pub fn client_presented(&self, presented: &[CertificateDer<'_>]) -> Result<Accepted, Refusal> {
        self.judge(None, presented)
    }

    /// Asks about a server, which must be `expected`, by the certificates that it presented, the end entity first.
    ///
    /// # Security
    /// As for [`client_presented`](Self::client_presented), of a configuration of
    /// [`ClientConfigBuilder`](super::ClientConfigBuilder).
    ///
    /// # Errors
    /// The server is refused, or no certificate is given.
    pub fn server_presented(
        &self,
        expected: ExpectedServer<'_>,
        presented: &[CertificateDer<'_>],
    ) -> Result<Accepted, Refusal> {
        self.judge(Some(expected), presented)
    }

    /// The trust by which this check judges, whose generation tells when to ask again.
    pub fn trust(&self) -> &LiveTrust {
        &self.trust
    }

    /// A check that stays at the view and the time of this call, whatever is published: for asking about several
    /// connections, one after the other, and judging all of them by the same.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self {
            trust: self.trust.current().into(),
            memory: self.memory.clone(),
            clock: Arc::new(self.clock.now()),
        }
    }

    /// Which of these connections no longer stand, with the refusal of each: the ones to close after trust has
    /// changed. All of them are judged on one view and at one time (rules S1 and S3).
    ///
    /// A connection comes with a key by which the caller knows it, and with the server that its peer must be, or
    /// `None` if the peer is a client.
    ///
    /// ```
    /// use mutual_trust::{PeerCheck, ServerId, ExpectedServer};
    /// use rustls::ClientConnection;
    ///
    /// fn to_close(check: &PeerCheck, open: &[(ServerId, ClientConnection)]) -> Vec<usize> {
    ///     let asked = open.iter().enumerate().map(|(index, (server, connection))| {
    ///         (index, &***connection, Some(ExpectedServer::id(server, None)))
    ///     });
    ///     check.no_longer_trusted(asked).into_iter().map(|(index, _)| index).collect()
    /// }
    /// ```
    pub fn no_longer_trusted<'a, K>(
        &self,
        connections: impl IntoIterator<Item = (K, &'a CommonState, Option<ExpectedServer<'a>>)>,
    ) -> Vec<(K, Refusal)> {
        let check = self.snapshot();
        let refused = |(key, connection, target)| {
            let refusal = check.ask(target, connection).err()?;
            Some((key, refusal))
        };
        connections.into_iter().filter_map(refused).collect()
    }

    fn ask(
        &self,
        expected: Option<ExpectedServer<'_>>,
        connection: &CommonState,
    ) -> Result<Accepted, Refusal> {
        // rustls keeps the certificates only once the handshake signature has verified.
        let presented = connection
            .peer_certificates()
            .filter(|_| !connection.is_handshaking());
        self.judge(expected, presented.unwrap_or_default())
    }

    fn judge(
        &self,
        expected: Option<ExpectedServer<'_>>,
        presented: &[CertificateDer<'_>],
    ) -> Result<Accepted, Refusal> {
        self.trust.with_current(|view| {
            let Some((end_entity, intermediates)) = presented.split_first() else {
                return Verdict::unfinished(expected.is_some(), view.generation()).into_result();
            };
            let clock = self.clock.now();
            let question = match expected {
                Some(expected) => VerifyRequest::server(expected, end_entity, intermediates, clock),
                None => VerifyRequest::client(end_entity, intermediates, clock),
            };
            self.memory.decide(view, &question)
        })
    }
}
