//! The rules P, M and C, one after the other.

use std::collections::BTreeSet;

use mutual_trust::store::{
    BlockSelector, Claim, CrlIssuer, Entry, EntryKey, PinMatch, Scope, Server, Slot, ValidityRule,
};
use mutual_trust::{ReasonCode, ServerId, TrustSnapshot};
use pki_types::UnixTime;

use super::world::{Ask, GRACE, HOSTS, Peer, SERVERS, World};
use crate::make::{List, Name, Spec, Usage};

/// An authority with the path that leads to it, from the end entity on.
pub(super) type End = (EntryKey, Vec<usize>);

#[derive(Debug)]
pub(super) enum Ruling {
    /// Refused, for one of these reasons.
    No(Vec<ReasonCode>),
    /// Refused, since no chain leads to an authority of this scope.
    NoChain(Scope),
    /// P5 names the pin, with how it matches and whether it lives on its grace.
    Pin {
        entry: EntryKey,
        how: ReasonCode,
        grace: bool,
    },
    /// Any of these ends.
    Chain { ends: Vec<End>, migrates: bool },
}

pub(super) struct Held<'a> {
    pub(super) entry: &'a Entry,
    pub(super) at: usize,
}

pub(super) struct Model<'a> {
    pub(super) world: &'a World,
    pub(super) ask: &'a Ask,
    view: &'a TrustSnapshot,
    pub(super) held: Vec<Held<'a>>,
    /// The lists that are installed.
    pub(super) lists: Vec<&'a List>,
    /// The subjects and keys of the issuers that are checked.
    checked: BTreeSet<(&'static str, u8)>,
    moment: i64,
    known: bool,
}

/// The answer for a claimed server, or a client, without a pin that matches.
const NO_PIN: &[ReasonCode] = &[
    ReasonCode::NoUsablePin,
    ReasonCode::PinDoesNotMatch,
    ReasonCode::RenewedWithSameKey,
    ReasonCode::SameSubjectOtherKey,
    ReasonCode::IssuedByPin,
    ReasonCode::AuthoritiesNotAsked,
    ReasonCode::PinOfAnotherServer,
    ReasonCode::InstalledForOtherRole,
    ReasonCode::AuthorityPresentedAsPeer,
    ReasonCode::PinsOnly,
];

/// How far below the floor a clock counts (M7).
const FLOOR_TOLERANCE: i64 = 26 * 60 * 60;

/// The answer where no installed entry could accept the peer.
const NOTHING: &[ReasonCode] = &[
    ReasonCode::NothingInstalled,
    ReasonCode::PinOfAnotherServer,
    ReasonCode::InstalledForOtherRole,
    ReasonCode::AuthorityPresentedAsPeer,
];

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap()
}

impl<'a> Model<'a> {
    pub(super) fn new(world: &'a World, view: &'a TrustSnapshot, ask: &'a Ask) -> Self {
        // M7
        let floor = view.floor().map(seconds);
        let (moment, known) = match (ask.clock, floor) {
            (Some(now), Some(floor)) if now < floor - FLOOR_TOLERANCE => (floor, false),
            (Some(now), _) => (now, true),
            (None, floor) => (floor.unwrap_or(0), false),
        };
        let held = view.entries().into_iter().map(|entry| Held {
            entry,
            at: world.index_of(entry.key().fingerprint),
        });
        let installed: Vec<_> = view.crls().map(|list| list.crl().fingerprint()).collect();
        let lists = world.lists.iter();
        let lists = lists.filter(|(_, fingerprint)| installed.contains(fingerprint));
        let specs = || world.certificates.iter().zip(&world.specs);
        let checked = view.revocation_checked_issuers().flat_map(|issuer| {
            let named = specs().filter(move |(one, _)| CrlIssuer::of(one) == issuer);
            named.map(|(_, spec)| (spec.subject, spec.key))
        });
        Self {
            world,
            ask,
            view,
            held: held.collect(),
            lists: lists.map(|(list, _)| list).collect(),
            checked: checked.collect(),
            moment,
            known,
        }
    }

    pub(super) fn knows_time(&self) -> bool {
        self.known
    }

    pub(super) fn spec(&self, at: usize) -> &'a Spec {
        &self.world.specs[at]
    }

    pub(super) fn on(&self, slot: Slot, scope: &Scope) -> Vec<&Held<'a>> {
        let fits =
            |held: &&Held<'_>| held.entry.key().slot == slot && held.entry.key().scope == *scope;
        self.held.iter().filter(fits).collect()
    }

    /// Whether a certificate is held in a slot, whatever its scope.
    pub(super) fn holds(&self, slot: Slot, at: usize) -> bool {
        self.held
            .iter()
            .any(|held| held.entry.key().slot == slot && held.at == at)
    }

    pub(super) fn ruling(&self) -> Ruling {
        // P1
        if self.is_blocked(self.ask.leaf) {
            return Ruling::No(vec![ReasonCode::Blocked]);
        }
        match self.ask.peer {
            Peer::Client => self.client(),
            Peer::Id(at, dialled) => {
                let id: Option<ServerId> = SERVERS.get(at).map(|id| id.parse().unwrap());
                match id.and_then(|id| self.view.server(&id)) {
                    Some(server) => self.server(server, dialled),
                    None => Ruling::No(vec![ReasonCode::UnknownServer]),
                }
            }
            Peer::Name(at) => match self.view.server_of(&HOSTS[at].parse().unwrap()) {
                Some(server) => self.server(server, Some(at)),
                // P6
                None if self.ask.unlisted => self.authorities(&Scope::AnyServer, Some(&[at]), None),
                None => Ruling::No(vec![ReasonCode::UnlistedName]),
            },
        }
    }

    fn server(&self, server: &Server, dialled: Option<usize>) -> Ruling {
        let own = Scope::Server(server.id().clone());
        let mut migrates = None;
        if server.claim() != Claim::Unclaimed {
            // P2
            let mut pins = self.on(Slot::Pin, &own);
            if let (true, Some(group)) = (pins.is_empty(), server.group()) {
                pins = self.on(Slot::Pin, &Scope::Group(group.clone()));
            }
            if let Some(ruling) = self.pins(&pins) {
                return ruling;
            }
            // P3
            match server.claim() {
                Claim::Migrating { until } if self.moment < seconds(until) => {
                    migrates = Some(NO_PIN)
                }
                _ => return Ruling::No(NO_PIN.to_vec()),
            }
        }
        // P4
        let scope = if self.on(Slot::Authority, &own).is_empty() {
            Scope::AnyServer
        } else {
            own
        };
        // C2
        let at = |name: &mutual_trust::HostName| {
            let name = name.to_string();
            HOSTS.iter().position(|host| *host == name).unwrap()
        };
        let mut names: Vec<usize> = server.expected_names().map(at).collect();
        if names.is_empty() {
            names = server.names().map(at).collect();
        }
        if names.is_empty() {
            names.extend(dialled);
        }
        self.authorities(&scope, Some(&names), migrates)
    }

    /// P7
    fn client(&self) -> Ruling {
        let pins = self.on(Slot::Pin, &Scope::Clients);
        if let Some(ruling) = self.pins(&pins) {
            return ruling;
        }
        let none = self.on(Slot::Authority, &Scope::Clients).is_empty();
        match (none, pins.is_empty()) {
            (true, true) => Ruling::No(NOTHING.to_vec()),
            (true, false) => Ruling::No(NO_PIN.to_vec()),
            _ if self.ask.pins_only => Ruling::No(NO_PIN.to_vec()),
            _ => self.authorities(&Scope::Clients, None, None),
        }
    }

    fn authorities(
        &self,
        scope: &Scope,
        names: Option<&[usize]>,
        migrates: Option<&[ReasonCode]>,
    ) -> Ruling {
        if self.on(Slot::Authority, scope).is_empty() {
            return Ruling::No(migrates.unwrap_or(NOTHING).to_vec());
        }
        // M7
        if !self.known && !self.ask.without_clock {
            return Ruling::No(vec![ReasonCode::ClockUnset]);
        }
        let ends = self.ends(scope);
        if ends.is_empty() {
            return Ruling::NoChain(scope.clone());
        }
        let leaf = self.spec(self.ask.leaf);
        if let Some(names) = names {
            if names.is_empty() {
                return Ruling::No(vec![ReasonCode::NoNameToMatch]);
            }
            if !names.iter().any(|name| covers(leaf, HOSTS[*name])) {
                // A search that is given up checks no name.
                let laborious = self.is_laborious().then_some(ReasonCode::TooManyPaths);
                let reasons = [ReasonCode::NameMismatch].into_iter().chain(laborious);
                return Ruling::No(reasons.collect());
            }
        }
        Ruling::Chain {
            ends,
            migrates: migrates.is_some(),
        }
    }

    /// P5. `None` if no pin matches.
    fn pins(&self, pins: &[&Held<'a>]) -> Option<Ruling> {
        let leaf = self.ask.leaf;
        let presented = self.world.certificates[leaf].fingerprint();
        let key = self.spec(leaf).key;
        let by_key = |held: &&&Held<'_>| held.entry.options().matching() == PinMatch::PublicKey;
        let whole = pins.iter().filter(|held| !by_key(held));
        let mut matching: Vec<&Held<'_>> = whole
            .filter(|held| held.entry.key().fingerprint == presented)
            .copied()
            .collect();
        let mut keys: Vec<&Held<'_>> = pins.iter().filter(by_key).copied().collect();
        keys.retain(|held| self.spec(held.at).key == key);
        keys.sort_by_key(|held| held.entry.key().fingerprint);
        matching.extend(keys);
        let first = matching.first().copied()?;
        for held in &matching {
            if self.faults(held).is_empty() {
                let how = match (held.entry.certificate(), by_key(&held)) {
                    (None, _) => ReasonCode::FingerprintMatched,
                    (Some(_), false) => ReasonCode::PinMatched,
                    (Some(_), true) => ReasonCode::KeyMatched,
                };
                let over = |at: usize| self.moment > self.spec(at).to;
                return Some(Ruling::Pin {
                    entry: held.entry.key().clone(),
                    how,
                    grace: over(leaf) || (held.entry.certificate().is_some() && over(held.at)),
                });
            }
        }
        Some(Ruling::No(self.faults(first)))
    }

    /// Each reason why a matching pin may not be used.
    fn faults(&self, held: &Held<'_>) -> Vec<ReasonCode> {
        let mut faults = self.entry_faults(held);
        let bare = held.entry.certificate().is_none();
        let leaf = self.ask.leaf;
        // M1
        let mut all = vec![leaf];
        if !bare && held.at != leaf {
            all.push(held.at);
        }
        let rule = held.entry.options().validity();
        let grace = match rule {
            Some(ValidityRule::Enforce) => 0,
            None if !self.ask.grace => 0,
            _ => GRACE,
        };
        for at in all {
            let spec = self.spec(at);
            // M8
            let lists = self.lists.iter();
            let mut named = lists.filter(|list| {
                list.issuer == spec.issuer
                    && spec.authority_key.is_none_or(|key| key == list.signer)
            });
            if named.any(|list| lists_serial(list, &spec.serial)) {
                faults.push(ReasonCode::Revoked);
            }
            // M3
            if self.known && spec.from > self.moment + 300 {
                faults.push(ReasonCode::NotYetValid);
            }
            if self.moment > spec.to + grace {
                faults.push(ReasonCode::Expired);
            }
            // M4
            if !held.entry.options().is_any_role() && !self.allows(spec.usage, true) {
                faults.push(ReasonCode::WrongExtendedKeyUsage);
            }
            // M6
            if spec.critical {
                faults.push(ReasonCode::UnknownCriticalExtension);
            }
        }
        // M1 with I4
        let spec = self.spec(leaf);
        if bare && names_own_key(spec) == Some(true) && (spec.broken || spec.signer != spec.key) {
            faults.push(ReasonCode::WrongSelfSignature);
        }
        faults
    }

    /// P1 for what is installed, and whether the entry accepts anything.
    pub(super) fn entry_faults(&self, held: &Held<'_>) -> Vec<ReasonCode> {
        let mut faults = Vec::new();
        let blocked = match held.entry.certificate() {
            Some(_) => self.is_blocked(held.at),
            // Only the fingerprint is known, so only a block of the fingerprint counts.
            None => {
                let fingerprint = held.entry.key().fingerprint;
                self.view.blocks().any(|block| match block {
                    BlockSelector::Fingerprint(blocked) => *blocked == fingerprint,
                    BlockSelector::Certificate {
                        fingerprint: blocked,
                        ..
                    } => *blocked == fingerprint,
                    _ => false,
                })
            }
        };
        if blocked {
            faults.push(ReasonCode::Blocked);
        }
        if held.entry.disabled().is_some() {
            faults.push(ReasonCode::EntryDisabled);
        }
        let ends = held.entry.options().end();
        if ends.is_some_and(|end| self.moment >= seconds(end)) {
            faults.push(ReasonCode::EntryEnded);
        }
        faults
    }

    /// P1
    pub(super) fn is_blocked(&self, at: usize) -> bool {
        let spec = self.spec(at);
        let named = |fingerprint| self.spec(self.world.index_of(fingerprint));
        // A certificate, and what can be made of it without its issuer's key.
        let is = |fingerprint| {
            let other = Spec {
                second_signature: spec.second_signature,
                ..named(fingerprint).clone()
            };
            other == *spec
        };
        self.view.blocks().any(|block| match block {
            BlockSelector::Fingerprint(fingerprint) => is(*fingerprint),
            BlockSelector::Certificate { fingerprint, .. } => {
                is(*fingerprint) || named(*fingerprint).key == spec.key
            }
            BlockSelector::Key(key) => {
                let mut all = self.world.certificates.iter().zip(&self.world.specs);
                all.any(|(one, blocked)| one.key_pin() == *key && blocked.key == spec.key)
            }
            BlockSelector::IssuerSerial { issuer, serial, .. } => {
                let mut all = self.world.certificates.iter().zip(&self.world.specs);
                all.any(|(one, blocked)| {
                    (one.issuer_der(), value(one.serial())) == (&**issuer, value(serial))
                        && blocked.issuer == spec.issuer
                        && value(&blocked.serial) == value(&spec.serial)
                })
            }
            other => panic!("an unknown selector {other}"),
        })
    }

    /// M4; `any` says whether anyExtendedKeyUsage counts.
    pub(super) fn allows(&self, usage: Option<Usage>, any: bool) -> bool {
        let client = matches!(self.ask.peer, Peer::Client);
        usage.is_none_or(|usage| {
            let named = if client { usage.client } else { usage.server };
            named || (any && usage.any)
        })
    }

    pub(super) fn moment_is_past(&self, last: i64) -> bool {
        self.moment > last
    }

    pub(super) fn in_period(&self, spec: &Spec) -> bool {
        (!self.known || spec.from <= self.moment) && self.moment <= spec.to
    }

    /// C4: whether a list is read at this moment, perhaps in its grace.
    pub(super) fn tells(&self, list: &List) -> bool {
        let begun = !self.known || list.this_update <= self.moment + 300;
        let grace = if self.ask.crl_grace { GRACE } else { 0 };
        begun && self.moment < list.next_update + grace
    }

    pub(super) fn is_checked(&self, issuer: usize) -> bool {
        let issuer = self.spec(issuer);
        self.ask.require_crl || self.checked.contains(&(issuer.subject, issuer.key))
    }
}

/// Whether issuer and subject are the same, in their bytes: an equal name in another spelling spares nothing.
pub(super) fn is_self_issued(spec: &Spec) -> bool {
    (spec.subject, spec.subject_spelling) == (spec.issuer, spec.issuer_spelling)
}

/// Whether a self-issued certificate says that its own key signed it; `None` if that cannot be told.
pub(super) fn names_own_key(spec: &Spec) -> Option<bool> {
    if !is_self_issued(spec) {
        return Some(false);
    }
    match spec.authority_key {
        None => Some(true),
        Some(key) if spec.key_id => Some(key == spec.key),
        Some(_) => None,
    }
}

/// C2
fn covers(spec: &Spec, host: &str) -> bool {
    spec.names.iter().any(|name| match name {
        Name::Ip(address) => address.to_string() == host,
        Name::Dns("*.kms.example") => matches!(host, "a.kms.example" | "b.kms.example"),
        Name::Dns(name) => *name == host,
        Name::Uri(_) => false,
    })
}

/// P7, for the patterns that there are.
pub(super) fn matches_pattern(spec: &Spec, pattern: &str) -> bool {
    let mut names = spec.names.iter();
    names.any(|name| match pattern {
        "dns:*.kms.example" => matches!(name, Name::Dns("a.kms.example" | "b.kms.example")),
        "ip:192.0.2.1" => matches!(name, Name::Ip(address) if address.to_string() == "192.0.2.1"),
        other => panic!("an unknown pattern {other}"),
    })
}

/// A serial number without zeros in front of it.
fn value(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    &serial[zeros..]
}

/// Whether a list has this number, by its value.
pub(super) fn lists_serial(list: &List, serial: &[u8]) -> bool {
    list.serials
        .iter()
        .any(|listed| value(listed) == value(serial))
}
