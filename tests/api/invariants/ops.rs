//! What an administrator does.

use mutual_trust::store::{BlockSelector, Decision, ValidityRule};
use mutual_trust::{AuthorityScope, EntryOptions, PinMatch, PinScope};

use super::asks::{NAMES, SERVERS, grace};
use super::pool::pool;
use super::support::{at, host, server_id};

pub const GROUPS: [&str; 2] = ["left", "right"];

/// Numbers index the servers, names and groups that there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinTo {
    Server(usize),
    Name(usize),
    Group(usize),
    Clients,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityTo {
    Server(usize),
    Name(usize),
    AnyServer,
    Clients,
}

/// The pattern that a client authority may have.
pub const PATTERN: &str = "dns:c1.example";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub by_key: bool,
    pub any_role: bool,
    /// `Some(true)`: a grace; `Some(false)`: enforced.
    pub grace: Option<bool>,
    pub ends: Option<i64>,
    pub pattern: bool,
}

impl Options {
    pub const PLAIN: Self = Self {
        by_key: false,
        any_role: false,
        grace: None,
        ends: None,
        pattern: false,
    };

    pub fn made(self) -> EntryOptions {
        let mut made = EntryOptions::new();
        if self.by_key {
            made = made.with_matching(PinMatch::PublicKey);
        }
        if self.any_role {
            made = made.with_any_role();
        }
        match self.grace {
            Some(true) => made = made.with_validity(grace()),
            Some(false) => made = made.with_validity(ValidityRule::Enforce),
            None => {}
        }
        if let Some(end) = self.ends {
            made = made.with_end(at(u64::try_from(end).unwrap()));
        }
        if self.pattern {
            made = made.with_san_patterns([PATTERN.parse().unwrap()]);
        }
        made
    }
}

/// By what a block names a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    Whole,
    Fingerprint,
    Key,
    IssuerSerial,
}

pub fn selector(kind: Selector, item: usize) -> BlockSelector {
    let certificate = &pool()[item].certificate;
    match kind {
        Selector::Whole => BlockSelector::certificate(certificate),
        Selector::Fingerprint => BlockSelector::Fingerprint(certificate.fingerprint()),
        Selector::Key => BlockSelector::Key(certificate.key_pin()),
        Selector::IssuerSerial => BlockSelector::issuer_serial(certificate),
    }
}

/// One call. Entries are named by their number in the list of all entries.
#[derive(Clone, Debug)]
pub enum Op {
    Pin(PinTo, usize, Options),
    Fingerprint(PinTo, usize, Options),
    Authority(AuthorityTo, usize, Options),
    Intermediate(usize),
    Bundle(PinTo, AuthorityTo, Vec<(usize, Decision)>),
    /// The certificate of an entry is installed again where it is, with the same options.
    Again(usize),
    Remove(usize),
    Update(usize, Options),
    Disable(usize),
    Enable(usize),
    Block(Selector, usize),
    Unblock(Selector, usize),
    AddServer(usize, Vec<usize>),
    RemoveServer(usize),
    AddName(usize, usize),
    MoveName(usize, usize),
    ReleaseName(usize),
    Expect(usize, Vec<usize>),
    AddGroup(usize),
    RemoveGroup(usize),
    Join(usize, usize),
    Leave(usize),
    Migrate(usize, i64),
    MigrateGroup(usize, i64),
    StopMigrating(usize),
    Release(usize),
    ReleaseGroup(usize),
    /// A view is taken, which raises the floor.
    Publish,
    ResetFloor(Option<i64>),
    ConfirmClock,
    SetClock(Option<i64>),
}

pub fn pin_scope(to: PinTo) -> PinScope {
    match to {
        PinTo::Server(id) => PinScope::Server(server_id(SERVERS[id])),
        PinTo::Name(name) => PinScope::Name(host(NAMES[name])),
        PinTo::Group(id) => PinScope::Group(GROUPS[id].parse().unwrap()),
        PinTo::Clients => PinScope::Clients,
    }
}

pub fn authority_scope(to: AuthorityTo) -> AuthorityScope {
    match to {
        AuthorityTo::Server(id) => AuthorityScope::Server(server_id(SERVERS[id])),
        AuthorityTo::Name(name) => AuthorityScope::Name(host(NAMES[name])),
        AuthorityTo::AnyServer => AuthorityScope::AnyServer,
        AuthorityTo::Clients => AuthorityScope::Clients,
    }
}

/// Two servers with names and a third without, two groups with a member each.
pub fn start() -> Vec<Op> {
    vec![
        Op::AddServer(0, vec![0, 2]),
        Op::AddServer(1, vec![1]),
        Op::AddServer(2, Vec::new()),
        Op::AddGroup(0),
        Op::AddGroup(1),
        Op::Join(0, 0),
        Op::Join(1, 2),
    ]
}
