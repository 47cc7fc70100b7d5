//! The source that decides about a server (rules P2 and P4).

use core::fmt;

use super::ids::ServerId;

/// The installed certificates that decide about a server, from the highest priority to the lowest (rules P2 and P4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TrustSource {
    /// The server's own pins.
    #[doc(hidden)]
    OwnPins,
    /// The pins of its group.
    #[doc(hidden)]
    GroupPins,
    /// The server is claimed and has no pin. Everything is refused.
    #[doc(hidden)]
    NoUsablePin,
    /// The server's own authorities.
    #[doc(hidden)]
    OwnAuthorities,
    /// The authorities of any server.
    #[doc(hidden)]
    AnyServerAuthorities,
    /// Nothing is installed for the server. Everything is refused.
    #[doc(hidden)]
    Nothing,
}

impl fmt::Display for TrustSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnPins => "its own pins",
            Self::GroupPins => "the pins of its group",
            Self::NoUsablePin => "nothing (claimed, no pin left)",
            Self::OwnAuthorities => "its own authorities",
            Self::AnyServerAuthorities => "the authorities of any server",
            Self::Nothing => "nothing (not installed)",
        })
    }
}

/// A server with another trust source than before the change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct TrustSourceChange {
    /// The server.
    pub server: ServerId,
    /// The source before.
    pub from: TrustSource,
    /// The source now.
    pub to: TrustSource,
    /// The server migrates: a presented pin decides as before, and `to` decides if it presents no pin (rule P3).
    pub migrates: bool,
}

impl fmt::Display for TrustSourceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, from, to) = (&self.server, self.from, self.to);
        // P3: a presented pin decides as before.
        if self.migrates && matches!(from, TrustSource::OwnPins | TrustSource::GroupPins) {
            return write!(f, "server {server}: {from} as before, else {to}");
        }
        if self.migrates {
            return write!(
                f,
                "server {server}, if it presents no pin: {to} instead of {from}"
            );
        }
        write!(f, "server {server}: {to} instead of {from}")
    }
}
