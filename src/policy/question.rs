//! What a verdict is asked about.

use pki_types::CertificateDer;

use crate::certificate::{Clock, HostName, Role};
use crate::store::ServerId;

/// Which server a peer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target<'a> {
    /// This server, whatever address was dialled: the recommended way.
    #[non_exhaustive]
    Id {
        /// The server.
        id: &'a ServerId,
        /// The name or address dialled, which counts for a server that has no names (rule C2).
        dialled: Option<&'a HostName>,
    },
    /// The server to which the dialled name belongs.
    Name(&'a HostName),
}

impl<'a> Target<'a> {
    /// The server `id`, dialled under `dialled` if that is known.
    pub const fn id(id: &'a ServerId, dialled: Option<&'a HostName>) -> Self {
        Self::Id { id, dialled }
    }

    pub(super) fn dialled(&self) -> Option<&'a HostName> {
        match self {
            Self::Id { dialled, .. } => *dialled,
            Self::Name(name) => Some(name),
        }
    }
}

/// A peer, what it presented, and the time.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub(super) target: Option<Target<'a>>,
    pub(super) end_entity: &'a CertificateDer<'a>,
    pub(super) intermediates: &'a [CertificateDer<'a>],
    pub(super) clock: Clock,
}

impl<'a> Question<'a> {
    /// Asks about a server: `end_entity` is the first certificate that it presented, `intermediates` the rest
    /// in any order.
    pub const fn server(
        target: Target<'a>,
        end_entity: &'a CertificateDer<'a>,
        intermediates: &'a [CertificateDer<'a>],
        clock: Clock,
    ) -> Self {
        Self {
            target: Some(target),
            end_entity,
            intermediates,
            clock,
        }
    }

    /// Asks about a client: `end_entity` is the first certificate that it presented, `intermediates` the rest
    /// in any order.
    pub const fn client(
        end_entity: &'a CertificateDer<'a>,
        intermediates: &'a [CertificateDer<'a>],
        clock: Clock,
    ) -> Self {
        Self {
            target: None,
            end_entity,
            intermediates,
            clock,
        }
    }

    /// The role of the peer.
    pub const fn role(&self) -> Role {
        match self.target {
            Some(_) => Role::Server,
            None => Role::Client,
        }
    }
}
