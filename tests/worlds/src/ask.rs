//! A question about a peer, and what the service demands.

use crate::Reason;

/// Which peer it must be; servers by their number, and one beyond them is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// By its id, with the dialled name.
    Id(usize, Option<&'static str>),
    Name(&'static str),
    Client,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    pub unlisted: bool,
    pub pins_only: bool,
    pub without_clock: bool,
    /// The grace of pins that have none of their own.
    pub grace: i64,
    pub strict: bool,
    pub require_crl: bool,
    pub crl_grace: i64,
    /// The most intermediates of a path, if fewer than the path builder builds.
    pub most: Option<usize>,
}

/// Certificates are numbers.
#[derive(Clone, Debug)]
pub struct Ask {
    pub peer: Peer,
    pub leaf: usize,
    pub chain: Vec<usize>,
    pub clock: Option<i64>,
    pub demands: Demands,
}

impl Ask {
    pub fn is_client(&self) -> bool {
        self.peer == Peer::Client
    }

    /// The name that was dialled, of a server.
    pub fn dialled(&self) -> Option<&'static str> {
        match self.peer {
            Peer::Id(_, dialled) => dialled,
            Peer::Name(name) => Some(name),
            Peer::Client => None,
        }
    }

    /// The reason of a refusal that rests on the floor (rule M7).
    pub fn of_clock(&self) -> Reason {
        match self.clock {
            Some(_) => "ClockBelowFloor",
            None => "ClockUnset",
        }
    }
}
