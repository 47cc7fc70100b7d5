//! Every store within the bounds, by its number: built by calls of the library, and beside it by the model's own reading
//! of these calls.

use core::fmt;
use std::sync::Arc;

use mutual_trust::certificate::Crl;
use mutual_trust::store::{
    BlockSelector, EntryKey, GroupId, PinMatch, Scope as RealScope, Slot as RealSlot, ValidityRule,
};
use mutual_trust::{
    AuthorityScope, EntryOptions, KeyPolicy, PinScope, ServerId, TrustSnapshot, TrustStore,
};
use mutual_trust_test_support::at as time;
use mutual_trust_test_support::clock::Moved;
use mutual_trust_worlds::spec::List;
use mutual_trust_worlds::state::{Block, Claim, Entry, Scope, Slot, State};

use crate::pool::{CA, DAY, GRACE, Kind, LEAF, NOW, PIN, Pool, RENEWAL, VARIANT};

pub(crate) const SERVERS: [&str; 2] = ["one", "two"];
const ONE: Scope = Scope::Server(0);
const TWO: Scope = Scope::Server(1);

/// When everything in the world has ended but what lasts 100 days.
pub(crate) const LATER: i64 = NOW + 16 * DAY;
/// The end of migrations.
pub(crate) const MIGRATION: i64 = NOW + 10 * DAY;

pub(crate) fn id(at: usize) -> ServerId {
    SERVERS.get(at).unwrap_or(&"unknown").parse().unwrap()
}

fn group() -> GroupId {
    "group".parse().unwrap()
}

/// The scope of the model as that of the library.
pub(crate) fn real(scope: Scope) -> RealScope {
    match scope {
        Scope::Server(at) => RealScope::Server(id(at)),
        Scope::Group => RealScope::Group(group()),
        Scope::Clients => RealScope::Clients,
        Scope::AnyServer => RealScope::AnyServer,
        Scope::Everyone => RealScope::Everyone,
    }
}

pub(crate) fn real_slot(slot: Slot) -> RealSlot {
    match slot {
        Slot::Pin => RealSlot::Pin,
        Slot::Authority => RealSlot::Authority,
        Slot::Intermediate => RealSlot::Intermediate,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Whole,
    Key,
    Bare,
}
use Form::{Bare, Key, Whole};

/// For which peers a certificate is pinned, and how it matches.
type Pins = &'static [(Scope, Form)];

const PINS: [Pins; 11] = [
    &[],
    &[(ONE, Whole)],
    &[(ONE, Key)],
    &[(ONE, Bare)],
    &[(Scope::Group, Whole)],
    &[(Scope::Group, Key)],
    &[(ONE, Whole), (Scope::Group, Key)],
    &[(TWO, Whole)],
    &[(Scope::Clients, Whole)],
    &[(Scope::Clients, Key)],
    &[(Scope::Clients, Bare)],
];

const RENEWALS: [Pins; 7] = [
    &[],
    &[(ONE, Whole)],
    &[(ONE, Key)],
    &[(Scope::Group, Whole)],
    &[(TWO, Key)],
    &[(Scope::Clients, Whole)],
    &[(Scope::Clients, Key)],
];

const LEAVES: [Pins; 3] = [&[], &[(ONE, Whole)], &[(Scope::Clients, Whole)]];

const CAS: [&[(Slot, Scope)]; 11] = [
    &[],
    &[(Slot::Authority, Scope::AnyServer)],
    &[(Slot::Authority, ONE)],
    &[(Slot::Authority, Scope::Clients)],
    &[(Slot::Authority, ONE), (Slot::Authority, Scope::AnyServer)],
    &[
        (Slot::Authority, Scope::Clients),
        (Slot::Authority, ONE),
        (Slot::Authority, Scope::AnyServer),
    ],
    &[(Slot::Intermediate, Scope::Everyone)],
    &[(Slot::Authority, Scope::AnyServer), (Slot::Pin, ONE)],
    &[(Slot::Authority, TWO)],
    &[(Slot::Authority, TWO), (Slot::Authority, Scope::AnyServer)],
    &[
        (Slot::Authority, Scope::Clients),
        (Slot::Authority, Scope::AnyServer),
    ],
];

/// Which servers are in the group: none, one of them, both.
const GROUPS: usize = 3;

/// What happened to the first server after the pins were installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum History {
    Nothing,
    PinsRemoved,
    Released,
    Migrates,
    MigratesWithoutPins,
    LeftGroup,
}

const HISTORIES: [History; 6] = [
    History::Nothing,
    History::PinsRemoved,
    History::Released,
    History::Migrates,
    History::MigratesWithoutPins,
    History::LeftGroup,
];

/// What is special about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    Nothing,
    /// The entries of the pin end now.
    Ends,
    /// Their certificate has a grace.
    Grace,
    PinDisabled,
    /// The first entry of the CA.
    CaDisabled,
}

const SPECIALS: [Special; 5] = [
    Special::Nothing,
    Special::Ends,
    Special::Grace,
    Special::PinDisabled,
    Special::CaDisabled,
];

const BLOCKS: usize = 9;
/// Revoked certificates and the end of a list, which the CA signs.
type Revocation = (&'static [usize], i64);
const LISTS: [Option<Revocation>; 6] = [
    None,
    // Numbers that another issuer gave.
    Some((&[PIN, RENEWAL], 10 * DAY)),
    Some((&[LEAF], 10 * DAY)),
    Some((&[], -DAY)),
    Some((&[LEAF], -DAY)),
    Some((&[CA], 10 * DAY)),
];

/// How large the enumeration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Pins of one server and its group, a CA for it and for any server; of special entries, blocks and lists, one at a
    /// time.
    Small,
    /// All pins, slots and scopes; of special entries, blocks and lists, one at a time.
    Single,
    /// All of them with one another.
    Product,
}

/// How many choices there are of pins, renewals, CAs, leaves, members of the group, histories, and extras.
fn choices(bound: Bound) -> [usize; 7] {
    let single = SPECIALS.len() + BLOCKS + LISTS.len() - 2;
    let product = SPECIALS.len() * BLOCKS * LISTS.len();
    let all = |extras| {
        [
            PINS.len(),
            RENEWALS.len(),
            CAS.len(),
            LEAVES.len(),
            GROUPS,
            HISTORIES.len(),
            extras,
        ]
    };
    match bound {
        Bound::Small => [5, 2, 3, 1, 2, HISTORIES.len(), single],
        Bound::Single => all(single),
        Bound::Product => all(product),
    }
}

/// The choices that make a store.
#[derive(Clone, Copy)]
pub(crate) struct Choice {
    pin: usize,
    renewal: usize,
    ca: usize,
    leaf: usize,
    grouped: usize,
    history: History,
    special: Special,
    block: usize,
    list: usize,
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "pin {:?}, renewal {:?}, ca {:?}, leaf {:?}, {} in the group, {:?}, {:?}, block {}, list {:?}",
            PINS[self.pin],
            RENEWALS[self.renewal],
            CAS[self.ca],
            LEAVES[self.leaf],
            self.grouped,
            self.history,
            self.special,
            self.block,
            LISTS[self.list],
        )
    }
}

/// How many numbers there are; some of them are no store of their own.
pub(crate) fn count(bound: Bound) -> usize {
    choices(bound).iter().product()
}

impl Choice {
    pub(crate) fn of(bound: Bound, mut number: usize) -> Self {
        let mut digits = choices(bound);
        for digit in digits.iter_mut().rev() {
            let radix = *digit;
            *digit = number % radix;
            number /= radix;
        }
        let [pin, renewal, ca, leaf, grouped, history, extra] = digits;
        let (special, block, list) = match bound {
            Bound::Product => (
                extra % SPECIALS.len(),
                extra / SPECIALS.len() % BLOCKS,
                extra / SPECIALS.len() / BLOCKS,
            ),
            _ if extra < SPECIALS.len() => (extra, 0, 0),
            _ if extra < SPECIALS.len() + BLOCKS - 1 => (0, extra + 1 - SPECIALS.len(), 0),
            _ => (0, 0, extra + 2 - SPECIALS.len() - BLOCKS),
        };
        Self {
            pin,
            renewal,
            ca,
            leaf,
            grouped,
            history: HISTORIES[history],
            special: SPECIALS[special],
            block,
            list,
        }
    }

    /// Whether the choices make a store that no other number makes in the same way.
    fn is_of_its_own(&self, kind: Kind) -> bool {
        let ca = CAS[self.ca];
        let issues = ca.iter().any(|(slot, _)| *slot != Slot::Pin);
        let special = match self.special {
            Special::Nothing => true,
            Special::Ends | Special::Grace | Special::PinDisabled => !PINS[self.pin].is_empty(),
            Special::CaDisabled => issues,
        };
        let listed = self.list == 0 || (issues && kind != Kind::Odd);
        // What import refuses: a certificate that can never match, or is wrongly self-signed, is known by its
        // fingerprint alone.
        let all = |pins: Pins, fits: &dyn Fn(&Scope, Form) -> bool| {
            pins.iter().all(|(scope, form)| fits(scope, *form))
        };
        let imported = match kind {
            Kind::Plain => true,
            Kind::Roles => {
                all(PINS[self.pin], &|scope, form| {
                    *scope != Scope::Clients || form == Bare
                }) && all(RENEWALS[self.renewal], &|scope, _| *scope == Scope::Clients)
                    && all(LEAVES[self.leaf], &|scope, _| *scope == Scope::Clients)
            }
            Kind::Odd | Kind::Broken => all(PINS[self.pin], &|_, form| form == Bare),
        };
        special && listed && imported
    }
}

/// A store and what the model knows of it.
pub(crate) struct Both {
    pub(crate) state: State,
    pub(crate) store: TrustStore,
    clock: Moved,
}

impl Both {
    /// The store of a number; `None` if the number is no store of its own.
    pub(crate) fn build(
        pool: &Pool,
        kind: Kind,
        keys: KeyPolicy,
        lists: &Lists,
        choice: &Choice,
    ) -> Option<Self> {
        if !choice.is_of_its_own(kind) {
            return None;
        }
        // Entries end, and lists begin, while the store is built.
        let clock = Moved::new((NOW - 5 * DAY).cast_unsigned());
        let mut both = Self {
            state: pool.state.clone(),
            store: TrustStore::new(keys).with_clock(Arc::new(clock.clone())),
            clock,
        };
        both.servers();
        if choice.grouped > 0 {
            both.join(0);
        }
        let special = choice.special;
        both.pins(pool, PIN, PINS[choice.pin], special);
        both.pins(pool, RENEWAL, RENEWALS[choice.renewal], Special::Nothing);
        both.pins(pool, LEAF, LEAVES[choice.leaf], Special::Nothing);
        for (number, (slot, scope)) in CAS[choice.ca].iter().enumerate() {
            let mut entry = Entry::new(*slot, *scope, CA);
            entry.disabled = special == Special::CaDisabled && number == 0;
            both.install(pool, entry);
        }
        // After the pins of the group: they claim a server that joins.
        if choice.grouped > 1 {
            both.join(1);
        }
        if let Some((list, crl)) = &lists.0[choice.list] {
            both.state.install_list(list.clone());
            both.store.install_crl(crl.clone()).unwrap();
        }
        if !both.happens(choice.history) {
            return None;
        }
        both.block(pool, choice.block);
        Some(both)
    }

    fn servers(&mut self) {
        for (at, names) in [&["a.kms.example"][..], &[]].into_iter().enumerate() {
            self.state.add_server(names);
            let names = names.iter().map(|name| name.parse().unwrap());
            self.store.add_server(id(at), names).unwrap();
        }
        self.store.add_group(group()).unwrap();
    }

    fn join(&mut self, server: usize) {
        self.state.join(server);
        self.store.join_group(&group(), &id(server)).unwrap();
    }

    fn pins(&mut self, pool: &Pool, at: usize, pins: Pins, special: Special) {
        for (scope, form) in pins {
            let mut entry = Entry::new(Slot::Pin, *scope, at);
            entry.by_key = *form == Key;
            entry.bare = *form == Bare;
            entry.end = (special == Special::Ends).then_some(NOW);
            entry.grace = (special == Special::Grace).then_some(GRACE);
            entry.disabled = special == Special::PinDisabled;
            self.install(pool, entry);
        }
    }

    fn install(&mut self, pool: &Pool, entry: Entry) {
        let certificate = pool.certificates[entry.at].clone();
        let mut options = EntryOptions::new();
        if entry.by_key {
            options = options.with_matching(PinMatch::PublicKey);
        }
        if let Some(grace) = entry.grace {
            let grace = std::time::Duration::from_secs(grace.cast_unsigned());
            options = options.with_validity(ValidityRule::Grace(grace));
        }
        if let Some(end) = entry.end {
            options = options.with_end(time(end.cast_unsigned()));
        }
        let store = &mut self.store;
        let key = EntryKey::new(
            real_slot(entry.slot),
            real(entry.scope),
            certificate.fingerprint(),
        );
        let pin = || match entry.scope {
            Scope::Server(at) => PinScope::Server(id(at)),
            Scope::Group => PinScope::Group(group()),
            _ => PinScope::Clients,
        };
        let done = match (entry.slot, entry.scope) {
            (Slot::Pin, _) if entry.bare => {
                store.install_pin_fingerprint(pin(), certificate.fingerprint(), options)
            }
            (Slot::Pin, _) => store.install_pin(pin(), certificate, options),
            (Slot::Intermediate, _) => store.install_intermediate(certificate, options),
            (Slot::Authority, scope) => {
                let scope = match scope {
                    Scope::Server(at) => AuthorityScope::Server(id(at)),
                    Scope::Clients => AuthorityScope::Clients,
                    _ => AuthorityScope::AnyServer,
                };
                store.install_authority(scope, certificate, options)
            }
        };
        assert!(done.is_ok(), "{entry:?}: {done:?}");
        if entry.disabled {
            store.disable(&key, "by hand").unwrap();
        }
        self.state.install(entry);
    }

    /// What happens to the first server. False if that changes nothing, or if it is refused, as it must be.
    fn happens(&mut self, history: History) -> bool {
        let server = id(0);
        match history {
            History::Nothing => true,
            History::PinsRemoved => self.remove_pins(),
            History::Released => {
                let released = self.state.release(0);
                assert_eq!(self.store.release(&server).is_ok(), released, "release");
                released
            }
            History::Migrates | History::MigratesWithoutPins => {
                if history == History::MigratesWithoutPins && !self.remove_pins() {
                    return false;
                }
                let migrates = self.state.migrate(0, MIGRATION);
                let done = self.store.migrate(&server, time(MIGRATION.cast_unsigned()));
                assert_eq!(done.is_ok(), migrates, "migrate");
                migrates
            }
            History::LeftGroup => {
                let left = self.state.servers[0].grouped
                    && self.state.servers[0].claim != Claim::Unclaimed;
                if left {
                    self.state.servers[0].grouped = false;
                    self.store.leave_group(&server).unwrap();
                }
                left
            }
        }
    }

    /// P2: to remove a pin ends no claim.
    fn remove_pins(&mut self) -> bool {
        let own = |entry: &Entry| (entry.slot, entry.scope) == (Slot::Pin, ONE);
        let mut any = false;
        for entry in self.store.contents().clone().entries() {
            let key = entry.key();
            if key.slot == RealSlot::Pin && key.scope == real(ONE) {
                any = true;
                let _report = self.store.remove(&key).unwrap();
            }
        }
        assert_eq!(self.state.entries.iter().any(own), any, "removed pins");
        self.state.entries.retain(|entry| !own(entry));
        any
    }

    fn block(&mut self, pool: &Pool, number: usize) {
        let certificate = |at: usize| &pool.certificates[at];
        let serial = |at: usize| {
            let spec = &pool.state.certificates[at];
            Block::IssuerSerial {
                issuer: spec.issuer,
                serial: spec.serial.clone(),
            }
        };
        let (block, selector) = match number {
            0 => return,
            1 => (
                Block::Fingerprint(PIN),
                BlockSelector::Fingerprint(certificate(PIN).fingerprint()),
            ),
            2 => (
                Block::Certificate(PIN),
                BlockSelector::certificate(certificate(PIN)),
            ),
            3 => (
                Block::Key(pool.state.certificates[PIN].key),
                BlockSelector::Key(certificate(PIN).key_pin()),
            ),
            4 => (serial(PIN), BlockSelector::issuer_serial(certificate(PIN))),
            5 => (
                Block::Fingerprint(VARIANT),
                BlockSelector::Fingerprint(certificate(VARIANT).fingerprint()),
            ),
            6 => (
                Block::Certificate(CA),
                BlockSelector::certificate(certificate(CA)),
            ),
            7 => (
                Block::Fingerprint(LEAF),
                BlockSelector::Fingerprint(certificate(LEAF).fingerprint()),
            ),
            _ => (
                serial(LEAF),
                BlockSelector::issuer_serial(certificate(LEAF)),
            ),
        };
        self.state.blocks.push(block);
        let _report = self.store.block_selector(selector);
    }

    /// Publishes it, and with it the floor.
    pub(crate) fn publish(&mut self, now: i64) -> TrustSnapshot {
        self.clock.to(now.cast_unsigned());
        self.state.publish(Some(now));
        self.store.snapshot()
    }
}

/// The lists, which are made once.
pub(crate) struct Lists([Option<(List, Crl)>; LISTS.len()]);

impl Lists {
    pub(crate) fn new(pool: &Pool) -> Self {
        Self(LISTS.map(|list| list.map(|(revoked, end)| pool.list(revoked, end))))
    }
}
