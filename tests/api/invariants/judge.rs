//! The model's verdict, from the rules: slow and plain. Chains are followed by who signed whom in the rows of
//! the pool; no certificate is read and no signature is looked at.

use mutual_trust::store::{EntryKey, Scope, Slot};

use super::asks::{Ask, Demands, GRACE_DAYS, NAMES, Peer, SERVERS};
use super::facts::{Claim, Facts, Held, Machine, group_scope, server_scope};
use super::ops::PATTERN;
use super::pool::{Item, Usage, pool};
use super::support::DAY;

/// Yes or no, and by which entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    No,
    /// P5 says which of several pins decides.
    Pin(EntryKey),
    /// Any of these authorities may decide.
    Chain(Vec<EntryKey>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Client,
}

/// The moment of a verdict.
#[derive(Clone, Copy)]
struct Moment {
    at: i64,
    known: bool,
}

impl Moment {
    fn is_past(self, end: i64) -> bool {
        self.at >= end
    }

    /// M3 and M7, with a grace after the end in seconds.
    fn in_period(self, item: &Item, tolerance: i64, grace: i64) -> bool {
        let begun = !self.known || item.from <= self.at + tolerance;
        begun && self.at <= item.to + grace
    }
}

struct Matter<'a> {
    facts: &'a Facts,
    ask: &'a Ask,
    role: Role,
    moment: Moment,
    leaf: usize,
}

impl Facts {
    pub fn judge(&self, ask: &Ask) -> Ruling {
        let (at, known) = self.judged(ask.time);
        let role = match ask.peer {
            Peer::Client => Role::Client,
            Peer::Id(..) | Peer::Name(_) => Role::Server,
        };
        let matter = Matter {
            facts: self,
            ask,
            role,
            // Without a floor nothing has ended.
            moment: Moment {
                at: at.unwrap_or(0),
                known,
            },
            leaf: ask.item(),
        };
        // P1: a blocked leaf ends the verdict.
        if self.is_blocked(matter.leaf) {
            return Ruling::No;
        }
        match ask.peer {
            Peer::Client => matter.client(),
            Peer::Id(id, dialled) => match self.servers.get(SERVERS[id]) {
                Some(server) => matter.server(SERVERS[id], server, dialled.map(|at| NAMES[at])),
                None => Ruling::No,
            },
            Peer::Name(name) => match self.owner(NAMES[name]) {
                Some(id) => matter.server(id, &self.servers[id], Some(NAMES[name])),
                // P6: unlisted names.
                None if ask.demands.unlisted => {
                    matter.chain(&Scope::AnyServer, Some(&[NAMES[name]]))
                }
                None => Ruling::No,
            },
        }
    }
}

impl Matter<'_> {
    fn demands(&self) -> Demands {
        self.ask.demands
    }

    fn server(&self, id: &'static str, server: &Machine, dialled: Option<&'static str>) -> Ruling {
        let own = server_scope(id);
        if server.claim != Claim::Unclaimed {
            // P2: its own pins if it holds any, else its group's.
            let mut pins = self.facts.on(Slot::Pin, &own);
            if let (true, Some(group)) = (pins.is_empty(), server.group) {
                pins = self.facts.on(Slot::Pin, &group_scope(group));
            }
            if let Some(ruling) = self.pins(&pins) {
                return ruling;
            }
            // P3: only a migration within its time goes on to authorities.
            match server.claim {
                Claim::Migrating(until) if !self.moment.is_past(until) => {}
                _ => return Ruling::No,
            }
        }
        // P4: the server's own authorities if it holds any, else those of any server.
        let scope = if self.facts.on(Slot::Authority, &own).is_empty() {
            Scope::AnyServer
        } else {
            own
        };
        // C2: expected names replace the server's own; a server without names has the dialled one.
        let names: Vec<&str> = if !server.expected.is_empty() {
            server.expected.iter().copied().collect()
        } else if !server.names.is_empty() {
            server.names.iter().copied().collect()
        } else {
            dialled.into_iter().collect()
        };
        self.chain(&scope, Some(&names))
    }

    /// P7.
    fn client(&self) -> Ruling {
        let pins = self.facts.on(Slot::Pin, &Scope::Clients);
        if let Some(ruling) = self.pins(&pins) {
            return ruling;
        }
        if self.demands().pins_only {
            return Ruling::No;
        }
        self.chain(&Scope::Clients, None)
    }

    /// P5: `None` if no pin matches; a match is final.
    fn pins(&self, pins: &[&Held]) -> Option<Ruling> {
        let mut whole: Vec<&Held> = Vec::new();
        let mut by_key: Vec<&Held> = Vec::new();
        for held in pins {
            // M1
            if held.options.by_key {
                if pool()[held.item].key == pool()[self.leaf].key {
                    by_key.push(held);
                }
            } else if held.item == self.leaf {
                whole.push(held);
            }
        }
        by_key.sort_by_key(|held| held.key.fingerprint);
        whole.extend(by_key);
        if whole.is_empty() {
            return None;
        }
        let first = whole.iter().find(|held| self.may_be_used(held));
        Some(first.map_or(Ruling::No, |held| Ruling::Pin(held.key.clone())))
    }

    fn may_be_used(&self, held: &Held) -> bool {
        let facts = self.facts;
        let blocked = if held.bare {
            facts.is_fingerprint_blocked(held.item)
        } else {
            facts.is_blocked(held.item)
        };
        // M1: what holds for the presented certificate must hold for the installed one.
        !blocked
            && self.is_alive(held)
            && self.certificate_holds(held, held.item)
            && self.certificate_holds(held, self.leaf)
    }

    fn is_alive(&self, held: &Held) -> bool {
        let ended = held
            .options
            .ends
            .is_some_and(|end| self.moment.is_past(end));
        !held.disabled && !ended
    }

    /// M3, M4, M6.
    fn certificate_holds(&self, held: &Held, item: usize) -> bool {
        let item = &pool()[item];
        let grace = if held.options.grace.unwrap_or(self.demands().grace) {
            i64::try_from(GRACE_DAYS * DAY).unwrap()
        } else {
            0
        };
        let usage = held.options.any_role || self.usage_allows(item.usage);
        self.moment.in_period(item, 300, grace) && usage && !item.critical
    }

    fn usage_allows(&self, usage: Usage) -> bool {
        match usage {
            Usage::Absent | Usage::Both | Usage::Any => true,
            Usage::Server => self.role == Role::Server,
            Usage::Client => self.role == Role::Client,
        }
    }

    /// C1 to C3 and M7, for an end entity of which one of `names` must match.
    fn chain(&self, scope: &Scope, names: Option<&[&str]>) -> Ruling {
        let leaf = &pool()[self.leaf];
        let time = self.moment.known || self.demands().chains_without_clock;
        // webpki reads anyExtendedKeyUsage of an end entity as another purpose than the one asked for.
        let usage = self.usage_allows(leaf.usage) && leaf.usage != Usage::Any;
        let period = self.moment.in_period(leaf, 0, 0);
        let named = names.is_none_or(|names| names.iter().any(|name| leaf.names.contains(name)));
        if leaf.ca || leaf.critical || !time || !usage || !period || !named {
            return Ruling::No;
        }
        let mut found = Vec::new();
        self.climb(scope, &mut vec![self.leaf], &mut found);
        if found.is_empty() {
            Ruling::No
        } else {
            Ruling::Chain(found)
        }
    }

    /// Every authority that some path from the last certificate of `path` reaches.
    fn climb(&self, scope: &Scope, path: &mut Vec<usize>, found: &mut Vec<EntryKey>) {
        let last = &pool()[*path.last().unwrap()];
        let signed = |issuer: &Item| issuer.subject == last.issuer && issuer.key == last.issuer_key;
        for held in self.facts.on(Slot::Authority, scope) {
            let issuer = &pool()[held.item];
            let pattern = !held.options.pattern || self.matches_pattern();
            if signed(issuer) && self.is_alive(held) && self.may_issue(held.item) && pattern {
                found.push(held.key.clone());
            }
        }
        let installed = self.facts.on(Slot::Intermediate, &Scope::Everyone);
        let installed = installed.into_iter().filter(|held| self.is_alive(held));
        let mut candidates: Vec<usize> = installed.map(|held| held.item).collect();
        candidates.extend(&self.ask.chain);
        for item in candidates {
            let issuer = &pool()[item];
            let again = path.iter().any(|&used| {
                pool()[used].subject == issuer.subject && pool()[used].key == issuer.key
            });
            if signed(issuer) && !again && self.may_issue(item) {
                path.push(item);
                self.climb(scope, path, found);
                path.pop();
            }
        }
    }

    /// C1 for an issuer, and P1.
    fn may_issue(&self, item: usize) -> bool {
        let issuer = &pool()[item];
        issuer.ca
            && !issuer.critical
            && self.usage_allows(issuer.usage)
            && self.moment.in_period(issuer, 0, 0)
            && !self.facts.is_blocked(item)
    }

    /// P7.
    fn matches_pattern(&self) -> bool {
        let name = PATTERN.strip_prefix("dns:").unwrap();
        pool()[self.leaf].names.contains(&name)
    }
}
