//! The rules P and M7, one after the other.

use crate::spec::{Name, Spec, Usage};
use crate::state::{Claim, Entry, FLOOR_TOLERANCE, Scope, Slot, State};
use crate::{Ask, Peer, Reason};

/// An authority, by the number of its entry, with the path that leads to it, from the end entity on.
pub type End = (usize, Vec<usize>);

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// It has one of these reasons.
    pub reasons: Vec<Reason>,
    /// The pin that matches and may not be used, by the number of its entry.
    pub pin: Option<usize>,
}

#[derive(Debug)]
pub enum Ruling {
    No(Refused),
    /// P5 names the pin, with how it matches and whether it lives on its grace.
    Pin {
        entry: usize,
        how: Reason,
        grace: bool,
    },
    /// Any of these ends.
    Chain {
        ends: Vec<End>,
        migrates: bool,
    },
    /// Refused, since no chain leads to an authority of the scope: the reason is one that [`Model::has_witness`] finds.
    /// The pins are those that the peer could have presented instead.
    NoChain {
        scope: Scope,
        pins: Option<Scope>,
    },
}

/// What a question rests on.
#[derive(Debug)]
pub struct Model<'a> {
    pub(crate) state: &'a State,
    pub(crate) ask: &'a Ask,
    pub(crate) moment: i64,
    pub(crate) known: bool,
}

impl<'a> Model<'a> {
    pub fn new(state: &'a State, ask: &'a Ask) -> Self {
        // M7
        let (moment, known) = match (ask.clock, state.floor) {
            (Some(now), Some(floor)) if now < floor - FLOOR_TOLERANCE => (floor, false),
            (Some(now), _) => (now, true),
            (None, floor) => (floor.unwrap_or(0), false),
        };
        Self {
            state,
            ask,
            moment,
            known,
        }
    }

    pub fn knows_time(&self) -> bool {
        self.known
    }

    pub(crate) fn spec(&self, at: usize) -> &'a Spec {
        &self.state.certificates[at]
    }

    pub(crate) fn leaf(&self) -> &'a Spec {
        self.spec(self.ask.leaf)
    }

    /// The entries of a slot and scope, with their numbers.
    pub(crate) fn on(&self, slot: Slot, scope: Scope) -> impl Iterator<Item = (usize, &'a Entry)> {
        let all = self.state.entries.iter().enumerate();
        all.filter(move |(_, entry)| (entry.slot, entry.scope) == (slot, scope))
    }

    /// The server about which is asked, or that has the dialled name, and for which it counts that it is unlisted.
    fn server(&self) -> Option<usize> {
        let all = self.state.servers.iter();
        match self.ask.peer {
            Peer::Id(at, _) => (at < self.state.servers.len()).then_some(at),
            Peer::Name(name) => all.clone().position(|server| server.names.contains(&name)),
            Peer::Client => None,
        }
    }

    /// Where the peer stands before anything is judged: for the names of arms.
    pub fn standing(&self) -> &'static str {
        match (self.ask.peer, self.server()) {
            (Peer::Client, _) => "client",
            (Peer::Id(..), None) => "unknown",
            (Peer::Name(_), None) => "unlisted",
            (_, Some(at)) => match self.state.servers[at].claim {
                Claim::Unclaimed => "unclaimed",
                Claim::Claimed => "claimed",
                Claim::Migrating(until) if self.moment < until => "migrating",
                Claim::Migrating(_) => "migrated",
            },
        }
    }

    pub fn ruling(&self) -> Ruling {
        // P1
        if self.is_blocked(self.ask.leaf) {
            return no(&["Blocked"]);
        }
        match (self.ask.peer, self.server()) {
            (Peer::Client, _) => self.client(),
            (_, Some(at)) => self.listed(at),
            (Peer::Id(..), None) => no(&["UnknownServer"]),
            // P6
            (Peer::Name(name), None) if self.ask.demands.unlisted => {
                self.authorities(Scope::AnyServer, Some(&[name]), None)
            }
            (Peer::Name(_), None) => no(&["UnlistedName"]),
        }
    }

    fn listed(&self, at: usize) -> Ruling {
        let server = &self.state.servers[at];
        let own = Scope::Server(at);
        let mut migrates = None;
        // P4
        let level = if self.state.holds(Slot::Authority, own) {
            own
        } else {
            Scope::AnyServer
        };
        if server.claim != Claim::Unclaimed {
            // P2
            let pins = if server.grouped && !self.state.holds(Slot::Pin, own) {
                Scope::Group
            } else {
                own
            };
            if let Some(ruling) = self.pins(pins) {
                return ruling;
            }
            // P3
            match server.claim {
                Claim::Migrating(until) if self.moment < until => migrates = Some(pins),
                claim => {
                    let ended = matches!(claim, Claim::Migrating(_));
                    return self.no_pin(pins, Some(level), ended);
                }
            }
        }
        // C2
        let mut names = &server.reference;
        if names.is_empty() {
            names = &server.names;
        }
        let dialled: Vec<&'static str> = self.ask.dialled().into_iter().collect();
        if names.is_empty() {
            names = &dialled;
        }
        self.authorities(level, Some(names), migrates)
    }

    /// P7
    fn client(&self) -> Ruling {
        let scope = Scope::Clients;
        if let Some(ruling) = self.pins(scope) {
            return ruling;
        }
        let pins = self.state.holds(Slot::Pin, scope);
        match (self.state.holds(Slot::Authority, scope), pins) {
            (false, false) => self.nothing(),
            (true, _) if !self.ask.demands.pins_only => self.authorities(scope, None, Some(scope)),
            _ => self.no_pin(scope, None, false),
        }
    }

    /// P4 and C2: what the authorities of a scope say. `pins` are those of a server that migrates, or of clients.
    fn authorities(
        &self,
        scope: Scope,
        names: Option<&[&'static str]>,
        pins: Option<Scope>,
    ) -> Ruling {
        if !self.state.holds(Slot::Authority, scope) {
            return match pins {
                Some(pins) => self.no_pin(pins, None, false),
                None => self.nothing(),
            };
        }
        // M7
        if !self.known && !self.ask.demands.without_clock {
            return no(&[self.ask.of_clock()]);
        }
        let ends = self.ends(scope);
        if ends.is_empty() {
            return Ruling::NoChain { scope, pins };
        }
        if let Some(names) = names {
            if names.is_empty() {
                return no(&["NoNameToMatch"]);
            }
            if !names.iter().any(|name| covers(self.leaf(), name)) {
                // A search that is given up checks no name.
                return match self.is_laborious() {
                    true => no(&["NameMismatch", "TooManyPaths"]),
                    false => no(&["NameMismatch"]),
                };
            }
        }
        Ruling::Chain {
            ends,
            migrates: pins.is_some() && !self.ask.is_client(),
        }
    }

    /// Whether the service gives a name that belongs to no server to the authorities (rule P6).
    pub fn is_given_unlisted(&self) -> bool {
        matches!(self.ask.peer, Peer::Name(_))
            && self.server().is_none()
            && self.ask.demands.unlisted
            && !self.is_blocked(self.ask.leaf)
    }

    /// M5: whether a pin is accepted under a name that the certificate does not cover.
    pub fn is_name_not_covered(&self) -> bool {
        let mut dialled = self.ask.dialled().into_iter();
        dialled.any(|name| !covers(self.leaf(), name))
    }

    /// M4 and C1; `any` says whether anyExtendedKeyUsage counts.
    pub(crate) fn allows(&self, usage: Option<Usage>, any: bool) -> bool {
        usage.is_none_or(|usage| {
            let named = if self.ask.is_client() {
                usage.client
            } else {
                usage.server
            };
            named || (any && usage.any)
        })
    }

    /// M4: a keyUsage without digitalSignature, which is accepted with a warning.
    pub fn lacks_digital_signature(&self, at: usize) -> bool {
        let usage = self.spec(at).key_usage;
        usage.is_some_and(|usage| usage & 0x80 == 0)
    }

    /// M4: an extended key usage that only `any_role` lets pass.
    pub fn is_for_other_role(&self, at: usize) -> bool {
        !self.allows(self.spec(at).usage, true)
    }

    pub(crate) fn is_past(&self, last: i64) -> bool {
        self.moment > last
    }

    pub(crate) fn in_period(&self, spec: &Spec) -> bool {
        (!self.known || spec.from <= self.moment) && self.moment <= spec.to
    }
}

pub(crate) fn no(reasons: &[Reason]) -> Ruling {
    Ruling::No(Refused {
        reasons: reasons.to_vec(),
        pin: None,
    })
}

/// C2
pub(crate) fn covers(spec: &Spec, host: &str) -> bool {
    spec.names.iter().any(|name| match name {
        Name::Ip(address) => address.to_string() == host,
        Name::Dns(name) => match name.strip_prefix("*.") {
            // A wildcard is the whole left-most label and stands for one.
            Some(rest) => host.split_once('.').is_some_and(|(_, under)| under == rest),
            None => *name == host,
        },
        Name::Uri(_) => false,
    })
}

/// The rule that stands behind a reason; `pin` says whether a pin matched, `client` the role of the peer.
pub fn rule_of(reason: Reason, pin: bool, client: bool) -> &'static str {
    match reason {
        "PinMatched" | "FingerprintMatched" | "KeyMatched" | "RenewedWithSameKey" => "M1",
        "Blocked" => "P1",
        "NothingInstalled" | "UnknownServer" | "UnlistedName" => "P6",
        "PinDoesNotMatch" | "SameSubjectOtherKey" if client => "P7",
        "NoUsablePin" | "PinDoesNotMatch" | "SameSubjectOtherKey" | "AuthoritiesNotAsked" => "P2",
        "IssuedByPin" => "I3",
        "PinOfAnotherServer" => "P8",
        "InstalledForOtherRole" => "I7",
        "EntryDisabled" | "EntryEnded" => "I8",
        "Expired" | "NotYetValid" if pin => "M3",
        "WrongExtendedKeyUsage" if pin => "M4",
        "UnknownCriticalExtension" if pin => "M6",
        "Revoked" if pin => "M8",
        "WrongSelfSignature" | "KeyNotAllowed" => "I4",
        "ClockUnset" | "ClockBelowFloor" => "M7",
        "CaUsedAsEndEntity" | "AuthorityPresentedAsPeer" => "C3",
        "Revoked" | "RevocationUnknown" | "CrlExpired" => "C4",
        "NameMismatch" | "NoNameToMatch" => "C2",
        "NoPatternMatches" | "PinsOnly" => "P7",
        "TooManyPaths" | "TooManyConstraints" | "TooManyCertificates" => "C5",
        _ => "C1",
    }
}
