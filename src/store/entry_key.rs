//! Slots, scopes, and the keys of entries.

use core::fmt;

use super::ids::{GroupId, ServerId};
use crate::certificate::{Fingerprint, HostName, Role};

/// The purpose for which a certificate is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further slot would change what every match on it means for trust"
)]
pub enum Slot {
    /// A certificate that the peer itself must present. It never vouches for another one (rule I3).
    Pin,
    /// A CA certificate at which a presented chain may end.
    Authority,
    /// A CA certificate that completes chains when peers do not send it. A chain cannot end at it.
    Intermediate,
}

impl Slot {
    /// Its name in texts, store files and journals.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Authority => "authority",
            Self::Intermediate => "intermediate",
        }
    }
}

/// The peers to which an entry applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further scope would change what every match on it means for trust"
)]
pub enum Scope {
    /// One server: pins and authorities.
    Server(ServerId),
    /// The members of a group: pins.
    Group(GroupId),
    /// Servers that hold no authority of their own: authorities.
    AnyServer,
    /// Clients: pins and authorities.
    Clients,
    /// Every chain: intermediates.
    Everyone,
}

impl Scope {
    /// The role of the peers to which the entry applies. `None` for intermediates.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Server(_) | Self::Group(_) | Self::AnyServer => Some(Role::Server),
            Self::Clients => Some(Role::Client),
            Self::Everyone => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(id) => write!(f, "server {id}"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::AnyServer => f.write_str("any server"),
            Self::Clients => f.write_str("clients"),
            Self::Everyone => f.write_str("all chains"),
        }
    }
}

/// The peers for which a pin is installed. A pin for any server does not exist: a pin says whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinScope {
    /// One server.
    Server(ServerId),
    /// The server with this name. If there is none, a server is added with the name's text as its id.
    Name(HostName),
    /// All members of a group, present and future.
    Group(GroupId),
    /// Clients, seen from a key server.
    Clients,
}

/// The peers for which an authority is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorityScope {
    /// One server.
    Server(ServerId),
    /// The server with this name. If there is none, a server is added with the name's text as its id.
    Name(HostName),
    /// Servers that hold no authority of their own and are not claimed by a pin.
    AnyServer,
    /// Clients, seen from a key server.
    Clients,
}

/// Identifies one entry: slot, scope and fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct EntryKey {
    /// The scope.
    pub scope: Scope,
    /// The slot.
    pub slot: Slot,
    /// The fingerprint of the certificate.
    pub fingerprint: Fingerprint,
}

impl EntryKey {
    /// The key of an entry.
    pub const fn new(slot: Slot, scope: Scope, fingerprint: Fingerprint) -> Self {
        Self {
            scope,
            slot,
            fingerprint,
        }
    }
}

/// With a short fingerprint; `{:#}` has the whole one.
impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.slot.word())?;
        self.fingerprint.identify(f)?;
        write!(f, " for {}", self.scope)
    }
}
