//! Peers as administrators name them.

use core::fmt;

use crate::certificate::{Fingerprint, HostName, Role};
use crate::observe::Observation;
use crate::store::{EntryKey, Scope, ServerId};

/// A peer as an administrator names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// A server.
    Server(ServerId),
    /// A dialled name that belongs to no server, under a policy that allows it (rule P6).
    Unlisted(HostName),
    /// A client, by the fingerprint of the certificate that it presents.
    Client(Fingerprint),
    /// All peers that an authority alone accepts: the clients of an authority for clients, or the unlisted names of an
    /// authority for any server. Only plans name them: what one such peer presents is not known.
    Authority(EntryKey),
}

impl Peer {
    /// The peer of an observation. `None` if the server is not known.
    pub fn from_observation(observation: &Observation) -> Option<Self> {
        match observation.verdict.role() {
            Role::Client => observation.verdict.presented().map(Self::Client),
            Role::Server => {
                let id = observation.server.clone().map(Self::Server);
                id.or_else(|| observation.dialled.clone().map(Self::Unlisted))
            }
        }
    }

    /// The server, if the peer is one.
    pub fn server(&self) -> Option<&ServerId> {
        match self {
            Self::Server(id) => Some(id),
            Self::Unlisted(_) | Self::Client(_) | Self::Authority(_) => None,
        }
    }
}

impl From<ServerId> for Peer {
    fn from(id: ServerId) -> Self {
        Self::Server(id)
    }
}

/// With a short fingerprint; `{:#}` has the whole one.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(id) => write!(f, "server {id}"),
            Self::Unlisted(name) => write!(f, "unlisted name {name}"),
            Self::Client(fingerprint) => {
                f.write_str("client ")?;
                fingerprint.identify(f)
            }
            Self::Authority(key) => {
                f.write_str(if key.scope == Scope::Clients {
                    "clients of authority "
                } else {
                    "unlisted names of authority "
                })?;
                key.fingerprint.identify(f)
            }
        }
    }
}
