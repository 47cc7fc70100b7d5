//! The model: what is installed, for whom, and what each call does to that by the rules. Lists and loops only,
//! written to be compared with the rules line by line.

use std::collections::{BTreeMap, BTreeSet};

use mutual_trust::GroupId;
use mutual_trust::store::{EntryKey, Scope, Slot};

use super::asks::{NAMES, SERVERS};
use super::ops::{AuthorityTo, GROUPS, Op, Options, PinTo, Selector};
use super::pool::{Usage, pool};
use super::support::server_id;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    Unclaimed,
    Claimed,
    Migrating(i64),
}

#[derive(Clone, Debug)]
pub struct Machine {
    pub names: BTreeSet<&'static str>,
    pub expected: BTreeSet<&'static str>,
    pub group: Option<&'static str>,
    pub claim: Claim,
}

#[derive(Clone, Debug)]
pub struct Held {
    pub key: EntryKey,
    pub item: usize,
    /// Only its fingerprint is installed.
    pub bare: bool,
    pub options: Options,
    pub disabled: bool,
}

/// What the rules say of a call. Where they leave it open, what the store does is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Done,
    Refused,
    Open,
}
use Expected::{Done, Open, Refused};

pub fn done_if(condition: bool) -> Expected {
    if condition { Done } else { Refused }
}

#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub now: Option<i64>,
    pub floor: Option<i64>,
    pub servers: BTreeMap<&'static str, Machine>,
    pub groups: BTreeSet<&'static str>,
    pub entries: Vec<Held>,
    /// Selectors with the item, or with the number of the key.
    pub blocks: Vec<(Selector, usize)>,
}

/// M7: how far a clock may be below the floor and counts, and above it and raises it.
pub const FLOOR_TOLERANCE: i64 = 26 * 60 * 60;
pub const FLOOR_RISE: i64 = 366 * 24 * 60 * 60;

pub fn server_scope(id: &str) -> Scope {
    Scope::Server(server_id(id))
}

pub fn group_scope(id: &str) -> Scope {
    Scope::Group(id.parse::<GroupId>().unwrap())
}

pub fn block(kind: Selector, item: usize) -> (Selector, usize) {
    match kind {
        Selector::Key => (kind, usize::from(pool()[item].key)),
        Selector::Whole | Selector::Fingerprint | Selector::IssuerSerial => (kind, item),
    }
}

impl Facts {
    /// M7: a clock more than 26 hours below the floor is unset. The moment at which ends are judged, and
    /// whether it is the time.
    pub fn judged(&self, clock: Option<i64>) -> (Option<i64>, bool) {
        match (clock, self.floor) {
            (Some(time), Some(floor)) if time + FLOOR_TOLERANCE < floor => (Some(floor), false),
            (Some(time), _) => (Some(time), true),
            (None, floor) => (floor, false),
        }
    }

    pub fn in_future(&self, end: i64) -> bool {
        let (moment, _) = self.judged(self.now);
        moment.is_none_or(|moment| end > moment)
    }

    /// P3: a migration ends in the future, and at most 366 days ahead of a time that is known.
    pub fn may_migrate_until(&self, end: i64) -> bool {
        let (moment, _) = self.judged(self.now);
        moment.is_some_and(|moment| end > moment && end <= moment + 366 * 24 * 60 * 60)
    }

    pub fn is_blocked(&self, item: usize) -> bool {
        let same_key = |other: usize| pool()[other].key == pool()[item].key;
        self.blocks.iter().any(|&(kind, blocked)| match kind {
            Selector::Whole => blocked == item || same_key(blocked),
            Selector::Fingerprint | Selector::IssuerSerial => blocked == item,
            Selector::Key => blocked == usize::from(pool()[item].key),
        })
    }

    /// P1 for an entry of which only the fingerprint is known.
    pub fn is_fingerprint_blocked(&self, item: usize) -> bool {
        self.blocks.contains(&(Selector::Whole, item))
            || self.blocks.contains(&(Selector::Fingerprint, item))
    }

    pub fn find(&self, key: &EntryKey) -> Option<&Held> {
        self.entries.iter().find(|held| held.key == *key)
    }

    pub fn on(&self, slot: Slot, scope: &Scope) -> Vec<&Held> {
        let all = self.entries.iter();
        all.filter(|held| held.key.slot == slot && held.key.scope == *scope)
            .collect()
    }

    pub fn owner(&self, name: &str) -> Option<&'static str> {
        let mut servers = self.servers.iter();
        let found = servers.find(|(_, server)| server.names.contains(name))?;
        Some(*found.0)
    }

    pub fn members(&self, group: &str) -> Vec<&'static str> {
        let all = self.servers.iter();
        all.filter(|(_, server)| server.group == Some(group))
            .map(|(id, _)| *id)
            .collect()
    }

    pub fn is_claimed(&self, id: &str) -> bool {
        self.servers
            .get(id)
            .is_some_and(|server| server.claim != Claim::Unclaimed)
    }

    /// The scope, and the name for which a server is made; `None` if there is no such server or group.
    fn name_scope(&self, name: usize) -> Option<(Scope, Option<&'static str>)> {
        let name = NAMES[name];
        if let Some(owner) = self.owner(name) {
            return Some((server_scope(owner), None));
        }
        // An id is never read as a name.
        (!self.servers.contains_key(name)).then(|| (server_scope(name), Some(name)))
    }

    fn known_server(&self, id: usize) -> Option<(Scope, Option<&'static str>)> {
        let id = SERVERS[id];
        self.servers
            .contains_key(id)
            .then(|| (server_scope(id), None))
    }

    fn pin_scope(&self, to: PinTo) -> Option<(Scope, Option<&'static str>)> {
        match to {
            PinTo::Server(id) => self.known_server(id),
            PinTo::Name(name) => self.name_scope(name),
            PinTo::Group(id) => {
                let id = GROUPS[id];
                self.groups.contains(id).then(|| (group_scope(id), None))
            }
            PinTo::Clients => Some((Scope::Clients, None)),
        }
    }

    fn authority_scope(&self, to: AuthorityTo) -> Option<(Scope, Option<&'static str>)> {
        match to {
            AuthorityTo::Server(id) => self.known_server(id),
            AuthorityTo::Name(name) => self.name_scope(name),
            AuthorityTo::AnyServer => Some((Scope::AnyServer, None)),
            AuthorityTo::Clients => Some((Scope::Clients, None)),
        }
    }

    /// Slot, scope, new server, item and whether only its fingerprint is installed.
    fn install_of(
        &self,
        op: &Op,
    ) -> Option<(Slot, Scope, Option<&'static str>, usize, bool, Options)> {
        let (slot, place, item, bare, options) = match *op {
            Op::Pin(to, item, options) => (Slot::Pin, self.pin_scope(to), item, false, options),
            Op::Fingerprint(to, item, options) => {
                (Slot::Pin, self.pin_scope(to), item, true, options)
            }
            Op::Authority(to, item, options) => {
                let place = self.authority_scope(to);
                (Slot::Authority, place, item, false, options)
            }
            Op::Intermediate(item) => {
                let place = Some((Scope::Everyone, None));
                (Slot::Intermediate, place, item, false, Options::PLAIN)
            }
            _ => return None,
        };
        let (scope, new) = place?;
        Some((slot, scope, new, item, bare, options))
    }

    /// The options that a slot and scope have, I2 and I6. (Keys and self-signatures of the pool are good.)
    pub fn may_be_held(
        slot: Slot,
        scope: &Scope,
        item: usize,
        bare: bool,
        options: Options,
    ) -> bool {
        let pin_only = options.by_key || options.any_role || options.grace.is_some();
        let clients = slot == Slot::Authority && *scope == Scope::Clients;
        if (slot != Slot::Pin && pin_only) || (options.pattern && !clients) {
            return false;
        }
        if bare {
            return !options.by_key;
        }
        let item = &pool()[item];
        let usage = match scope {
            Scope::Server(_) | Scope::Group(_) | Scope::AnyServer => {
                matches!(
                    item.usage,
                    Usage::Absent | Usage::Server | Usage::Both | Usage::Any
                )
            }
            Scope::Clients => {
                matches!(
                    item.usage,
                    Usage::Absent | Usage::Client | Usage::Both | Usage::Any
                )
            }
            Scope::Everyone => item.usage != Usage::Any,
        };
        (item.ca || slot == Slot::Pin) && (usage || options.any_role) && !item.critical
    }

    pub fn expect_install(&self, op: &Op) -> Expected {
        let Some((slot, scope, _, item, bare, options)) = self.install_of(op) else {
            return Refused;
        };
        let key = EntryKey::new(slot, scope.clone(), pool()[item].certificate.fingerprint());
        let there = self.find(&key);
        let blocked = if bare {
            self.is_fingerprint_blocked(item)
        } else {
            self.is_blocked(item)
        };
        if !Self::may_be_held(slot, &scope, item, bare, options) {
            return Refused;
        }
        match there {
            // P1 says that it is an error, I5 that it is nothing.
            Some(held) if blocked && held.options == options => Open,
            Some(held) => done_if(held.options == options),
            None => done_if(!blocked && options.ends.is_none_or(|end| self.in_future(end))),
        }
    }

    pub fn claim(&mut self, id: &str) {
        if let Some(server) = self.servers.get_mut(id)
            && server.claim == Claim::Unclaimed
        {
            server.claim = Claim::Claimed;
        }
    }

    pub fn install(&mut self, op: &Op) {
        let (slot, scope, new, item, bare, options) = self.install_of(op).unwrap();
        if let Some(name) = new {
            self.add_server(name, &[name]);
        }
        let key = EntryKey::new(slot, scope.clone(), pool()[item].certificate.fingerprint());
        if let Some(held) = self.entries.iter_mut().find(|held| held.key == key) {
            // M1: installing its certificate completes the entry.
            held.bare &= bare;
            return;
        }
        self.entries.push(Held {
            key,
            item,
            bare,
            options,
            disabled: false,
        });
        // P2: claimed from the moment it holds a pin, its own or its group's.
        match (slot, &scope) {
            (Slot::Pin, Scope::Server(id)) => self.claim(id.as_str()),
            (Slot::Pin, Scope::Group(id)) => {
                for id in self.members(id.as_str()) {
                    self.claim(id);
                }
            }
            _ => {}
        }
    }

    pub fn add_server(&mut self, id: &'static str, names: &[&'static str]) {
        let server = Machine {
            names: names.iter().copied().collect(),
            expected: BTreeSet::new(),
            group: None,
            claim: Claim::Unclaimed,
        };
        self.servers.insert(id, server);
    }

    pub fn group_holds_pin(&self, group: &str) -> bool {
        !self.on(Slot::Pin, &group_scope(group)).is_empty()
    }

    pub fn server(&mut self, id: usize) -> &mut Machine {
        self.servers.get_mut(SERVERS[id]).unwrap()
    }

    /// P2: it removes the server's own pins.
    pub fn release(&mut self, id: &str) {
        self.servers.get_mut(id).unwrap().claim = Claim::Unclaimed;
        let scope = server_scope(id);
        self.entries
            .retain(|held| held.key.slot != Slot::Pin || held.key.scope != scope);
    }
}
