//! Who is at the other end of an open connection, and does that still stand? (rules P7 and S3)

use std::sync::Arc;

use rustls::CommonState;

use crate::certificate::{HostName, TimeSource};
use crate::policy::{ChainMemory, Question, Target, Verdict};
use crate::store::LiveTrust;
use crate::store::ServerId;

/// Asks again about connections whose handshake is done, against the view in force now.
///
/// Made by the builders, with the same trust, policy and clock as their configurations. On a key server it
/// says who the client is; at either end, after trust has changed, it says which connections to close.
///
/// # Security
/// Ask only about connections that were made with a configuration of the builders. That the peer has the key of what it
/// presented is proved in the handshake, by our verifier; rustls keeps the certificates and not what verified them, so
/// nothing here can tell. About a connection whose verifier lets signatures pass, the verdict on another's
/// certificate is as good as on the peer's own.
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
    /// The verdict's [`accepted`](Verdict::accepted) has the [peer](crate::policy::Accepted::peer), for
    /// authorisation. A connection whose handshake is not finished is refused.
    ///
    /// # Security
    /// The connection must be one of a configuration of [`ServerConfigBuilder`](super::ServerConfigBuilder) or
    /// [`EnrolmentAcceptor`](super::EnrolmentAcceptor): only our verifier makes sure that the client has the key of the
    /// certificate that is judged here.
    pub fn client(&self, connection: &CommonState) -> Verdict {
        self.ask(None, connection)
    }

    /// Asks about the server of a `rustls::ClientConnection`, which must be `id`.
    ///
    /// # Security
    /// The connection must be one of a configuration of [`ClientConfigBuilder`](super::ClientConfigBuilder), as for
    /// [`client`](Self::client).
    pub fn server(
        &self,
        id: &ServerId,
        dialled: Option<&HostName>,
        connection: &CommonState,
    ) -> Verdict {
        self.ask(Some(Target::id(id, dialled)), connection)
    }

    /// Asks about the server of a `rustls::ClientConnection` that was dialled as `name`.
    ///
    /// # Security
    /// As for [`server`](Self::server).
    pub fn server_by_name(&self, name: &HostName, connection: &CommonState) -> Verdict {
        self.ask(Some(Target::Name(name)), connection)
    }

    /// A check that stays at the view and the time of this call, whatever is published: for asking about several
    /// connections, one after the other, and judging all of them by the same.
    #[must_use]
    pub fn at_this_moment(&self) -> Self {
        Self {
            trust: self.trust.current().into(),
            memory: self.memory.clone(),
            clock: Arc::new(self.clock.now()),
        }
    }

    /// Which of these connections no longer stand, with the verdict about each: the ones to close after trust has
    /// changed. All of them are judged on one view and at one time (rules S1 and S3).
    ///
    /// A connection comes with a key by which the caller knows it, and with the server that its peer must be, or
    /// `None` if the peer is a client.
    ///
    /// ```
    /// use mutual_trust::{PeerCheck, ServerId, Target};
    /// use rustls::ClientConnection;
    ///
    /// fn to_close(check: &PeerCheck, open: &[(ServerId, ClientConnection)]) -> Vec<usize> {
    ///     let asked = open.iter().enumerate().map(|(index, (server, connection))| {
    ///         (index, &***connection, Some(Target::id(server, None)))
    ///     });
    ///     check.fallen(asked).into_iter().map(|(index, _)| index).collect()
    /// }
    /// ```
    pub fn fallen<'a, K>(
        &self,
        connections: impl IntoIterator<Item = (K, &'a CommonState, Option<Target<'a>>)>,
    ) -> Vec<(K, Verdict)> {
        let check = self.at_this_moment();
        let asked = connections
            .into_iter()
            .map(|(key, connection, target)| (key, check.ask(target, connection)));
        asked
            .filter(|(_, verdict)| !verdict.is_accepted())
            .collect()
    }

    fn ask(&self, target: Option<Target<'_>>, connection: &CommonState) -> Verdict {
        let view = self.trust.current();
        // rustls keeps the certificates only once the handshake signature has verified.
        let presented = connection
            .peer_certificates()
            .filter(|_| !connection.is_handshaking())
            .and_then(|certificates| certificates.split_first());
        let Some((end_entity, intermediates)) = presented else {
            return Verdict::unfinished(target.is_some(), view.generation());
        };
        let clock = self.clock.now();
        let question = match target {
            Some(target) => Question::server(target, end_entity, intermediates, clock),
            None => Question::client(end_entity, intermediates, clock),
        };
        self.memory.decide(&view, &question)
    }
}
