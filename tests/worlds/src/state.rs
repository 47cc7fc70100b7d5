//! What is installed, and what becomes of claims by the calls that change them (rules P2, P3, M7).

use std::collections::BTreeSet;

use crate::spec::{List, Spec};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    Pin,
    Authority,
    Intermediate,
}

/// For which peers an entry counts. Servers have numbers; there is one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Server(usize),
    Group,
    Clients,
    AnyServer,
    /// Of intermediates.
    Everyone,
}

impl Scope {
    /// Whether it is about servers or clients; an intermediate is about neither.
    pub fn is_of_clients(self) -> Option<bool> {
        match self {
            Self::Clients => Some(true),
            Self::Server(_) | Self::Group | Self::AnyServer => Some(false),
            Self::Everyone => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub slot: Slot,
    pub scope: Scope,
    /// The certificate, by its number.
    pub at: usize,
    /// Only its fingerprint is installed.
    pub bare: bool,
    pub by_key: bool,
    pub any_role: bool,
    /// The grace of its own, in seconds; 0 enforces the end.
    pub grace: Option<i64>,
    /// The end of the entry, exclusive.
    pub end: Option<i64>,
    pub patterns: Vec<&'static str>,
    pub disabled: bool,
}

impl Entry {
    pub fn new(slot: Slot, scope: Scope, at: usize) -> Self {
        Self {
            slot,
            scope,
            at,
            bare: false,
            by_key: false,
            any_role: false,
            grace: None,
            end: None,
            patterns: Vec::new(),
            disabled: false,
        }
    }

    /// What tells entries apart.
    pub fn key(&self) -> (Slot, Scope, usize) {
        (self.slot, self.scope, self.at)
    }
}

/// Whether a server must present a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    Unclaimed,
    Claimed,
    /// Until this time, exclusive.
    Migrating(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub names: Vec<&'static str>,
    /// Replace the names for chains, if there are any.
    pub reference: Vec<&'static str>,
    pub grouped: bool,
    pub claim: Claim,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A certificate, by its number, and its key.
    Certificate(usize),
    Fingerprint(usize),
    Key(u8),
    IssuerSerial {
        issuer: &'static str,
        serial: Vec<u8>,
    },
}

/// A store. The certificates are all that there are, installed or not.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub certificates: Vec<Spec>,
    pub fingerprints: Vec<[u8; 32]>,
    pub entries: Vec<Entry>,
    pub servers: Vec<Server>,
    pub blocks: Vec<Block>,
    pub lists: Vec<List>,
    /// The subjects and keys of the issuers that are checked.
    pub checked: BTreeSet<(&'static str, u8)>,
    pub floor: Option<i64>,
}

/// How far below the floor a clock counts (rule M7).
pub const FLOOR_TOLERANCE: i64 = 26 * 60 * 60;
/// How far a publication raises the floor (rule M7).
pub const FLOOR_RISE: i64 = 366 * 24 * 60 * 60;

impl State {
    pub fn add_server(&mut self, names: &[&'static str]) {
        self.servers.push(Server {
            names: names.to_vec(),
            reference: Vec::new(),
            grouped: false,
            claim: Claim::Unclaimed,
        });
    }

    pub fn holds(&self, slot: Slot, scope: Scope) -> bool {
        let mut all = self.entries.iter();
        all.any(|entry| (entry.slot, entry.scope) == (slot, scope))
    }

    fn claim(&mut self, which: impl Fn(usize, &Server) -> bool) {
        for (at, server) in self.servers.iter_mut().enumerate() {
            if which(at, server) && server.claim == Claim::Unclaimed {
                server.claim = Claim::Claimed;
            }
        }
    }

    /// P2: a server is claimed from the moment it holds a pin, its own or that of its group.
    pub fn installed(&mut self, slot: Slot, scope: Scope) {
        match (slot, scope) {
            (Slot::Pin, Scope::Server(own)) => self.claim(|at, _| at == own),
            (Slot::Pin, Scope::Group) => self.claim(|_, server| server.grouped),
            _ => {}
        }
    }

    /// Installs an entry that is not there.
    pub fn install(&mut self, entry: Entry) {
        let (slot, scope, _) = entry.key();
        self.entries.push(entry);
        self.installed(slot, scope);
    }

    pub fn join(&mut self, server: usize) {
        self.servers[server].grouped = true;
        if self.holds(Slot::Pin, Scope::Group) {
            self.claim(|at, _| at == server);
        }
    }

    /// P3. False if the server is not claimed: then nothing changes.
    pub fn migrate(&mut self, server: usize, until: i64) -> bool {
        let claimed = self.servers[server].claim != Claim::Unclaimed;
        if claimed {
            self.servers[server].claim = Claim::Migrating(until);
        }
        claimed
    }

    /// P2: ends the claim and removes the server's own pins. False if the group of the server holds a pin, or if the
    /// server is not claimed: then nothing changes.
    pub fn release(&mut self, server: usize) -> bool {
        let held = self.servers[server].grouped && self.holds(Slot::Pin, Scope::Group);
        if held || self.servers[server].claim == Claim::Unclaimed {
            return false;
        }
        self.servers[server].claim = Claim::Unclaimed;
        let own = (Slot::Pin, Scope::Server(server));
        self.entries
            .retain(|entry| (entry.slot, entry.scope) != own);
        true
    }

    /// C4: from the first list of an issuer on, it is checked.
    pub fn install_list(&mut self, list: List) {
        self.checked.insert((list.issuer, list.signer));
        self.lists.push(list);
    }

    /// M7: a publication at a time.
    pub fn publish(&mut self, clock: Option<i64>) {
        let Some(now) = clock else { return };
        self.floor = match self.floor {
            None => Some(now),
            Some(floor) if now > floor && now <= floor + FLOOR_RISE => Some(now),
            floor => floor,
        };
    }
}
