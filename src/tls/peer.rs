//! Who is at the other end of an open connection, and does that still stand? (rules P7 and S3)

use std::sync::Arc;

use rustls::CommonState;

use crate::admin::LiveTrust;
use crate::certificate::{HostName, TimeSource};
use crate::policy::{Policy, Question, Target, Verdict, decide};
use crate::store::ServerId;

/// Asks again about connections whose handshake is done, against the view in force now.
///
/// Made by the builders, with the same trust, policy and clock as their configurations. On a key server it
/// says who the client is; at either end, after trust has changed, it says which connections to close.
#[derive(Clone, Debug)]
pub struct PeerCheck {
    trust: LiveTrust,
    policy: Policy,
    clock: Arc<dyn TimeSource>,
}

impl PeerCheck {
    pub(super) fn new(trust: LiveTrust, policy: Policy, clock: Arc<dyn TimeSource>) -> Self {
        Self {
            trust,
            policy,
            clock,
        }
    }

    /// Asks about the client of a `rustls::ServerConnection`.
    ///
    /// The verdict's [`accepted`](Verdict::accepted) has the [peer](crate::policy::Accepted::peer), for
    /// authorisation. A connection whose handshake is not finished is refused.
    pub fn client(&self, connection: &CommonState) -> Verdict {
        self.ask(None, connection)
    }

    /// Asks about the server of a `rustls::ClientConnection`, which must be `id`.
    pub fn server(
        &self,
        id: &ServerId,
        dialled: Option<&HostName>,
        connection: &CommonState,
    ) -> Verdict {
        self.ask(Some(Target::id(id, dialled)), connection)
    }

    /// Asks about the server of a `rustls::ClientConnection` that was dialled as `name`.
    pub fn server_by_name(&self, name: &HostName, connection: &CommonState) -> Verdict {
        self.ask(Some(Target::Name(name)), connection)
    }

    fn ask(&self, target: Option<Target<'_>>, connection: &CommonState) -> Verdict {
        let view = self.trust.view();
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
        decide(&view, &self.policy, &question)
    }
}
