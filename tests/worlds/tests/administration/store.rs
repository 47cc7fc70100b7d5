//! What a store of two servers has in the model, and what each call makes of it.

use mutual_trust_worlds::spec::{Name, Spec};
use mutual_trust_worlds::state::{
    Block, Claim, Entry, FLOOR_RISE, FLOOR_TOLERANCE, Scope, Slot, State,
};

pub(crate) const NOW: i64 = mutual_trust_test_support::NOW.cast_signed();
pub(crate) const DAY: i64 = mutual_trust_test_support::DAY.cast_signed();
/// The end of every migration.
pub(crate) const MIGRATION: i64 = NOW + 10 * DAY;

/// The pin of the first server.
pub(crate) const PIN: usize = 0;
/// The pin of the group, in which the second server is from the start.
pub(crate) const GROUP_PIN: usize = 1;
pub(crate) const CA: usize = 2;
/// What the CA issued for both servers.
pub(crate) const LEAF: usize = 3;
/// What peers present.
pub(crate) const PRESENTED: [usize; 3] = [PIN, GROUP_PIN, LEAF];
pub(crate) const NAMES: [&str; 2] = ["a.kms.example", "b.kms.example"];

/// What is in a file, or in force in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Store {
    pub(crate) pin: bool,
    pub(crate) group_pin: bool,
    /// The CA for any server, from the followed source.
    pub(crate) authority: bool,
    /// Whether the first server is in the group.
    pub(crate) grouped: bool,
    pub(crate) claims: [Claimed; 2],
    /// The certificate of the pin and its key.
    pub(crate) blocked: bool,
    pub(crate) floor: Option<i64>,
}

/// The end of a migration is always [`MIGRATION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claimed {
    No,
    Yes,
    Migrating,
}

/// A call of an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Edit {
    InstallPin,
    RemovePin,
    InstallGroupPin,
    RemoveGroupPin,
    RemoveAuthority,
    Join,
    Leave,
    Migrate,
    Release,
    ReleaseGroup,
    Block,
    Unblock,
    ConfirmClock,
    ResetFloor,
}

pub(crate) const EDITS: [Edit; 14] = [
    Edit::InstallPin,
    Edit::RemovePin,
    Edit::InstallGroupPin,
    Edit::RemoveGroupPin,
    Edit::RemoveAuthority,
    Edit::Join,
    Edit::Leave,
    Edit::Migrate,
    Edit::Release,
    Edit::ReleaseGroup,
    Edit::Block,
    Edit::Unblock,
    Edit::ConfirmClock,
    Edit::ResetFloor,
];

/// A clock; `None` if it is not set.
pub(crate) type Clock = Option<i64>;

/// How a clock stands to a floor (M7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Unset,
    Below,
    Known,
    Jumped,
}

pub(crate) fn standing(clock: Clock, floor: Option<i64>) -> Standing {
    match (clock, floor) {
        (None, _) => Standing::Unset,
        (Some(now), Some(floor)) if now < floor - FLOOR_TOLERANCE => Standing::Below,
        (Some(now), Some(floor)) if now > floor + FLOOR_RISE => Standing::Jumped,
        _ => Standing::Known,
    }
}

/// The floor after a publication (M7).
pub(crate) fn raised(clock: Clock, floor: Option<i64>) -> Option<i64> {
    match standing(clock, floor) {
        Standing::Known => floor.max(clock),
        Standing::Unset | Standing::Below | Standing::Jumped => floor,
    }
}

impl Store {
    pub(crate) fn new(floor: i64) -> Self {
        Self {
            pin: false,
            group_pin: false,
            authority: false,
            grouped: false,
            claims: [Claimed::No; 2],
            blocked: false,
            floor: Some(floor),
        }
    }

    /// P2: a server is claimed from the moment it holds a pin.
    fn claim(&mut self, which: [bool; 2]) {
        for (claim, claims) in self.claims.iter_mut().zip(which) {
            if claims && *claim == Claimed::No {
                *claim = Claimed::Yes;
            }
        }
    }

    /// What a call makes of it at a time. `Ok(false)`: it was so already, and nothing is published.
    pub(crate) fn edit(&mut self, edit: Edit, clock: Clock) -> Result<bool, ()> {
        let before = *self;
        match edit {
            Edit::InstallPin if self.blocked => return Err(()),
            Edit::InstallPin => {
                self.claim([!self.pin, false]);
                self.pin = true;
            }
            Edit::RemovePin if !self.pin => return Err(()),
            Edit::RemovePin => self.pin = false,
            Edit::InstallGroupPin => {
                let is_new = !self.group_pin;
                self.claim([is_new && self.grouped, is_new]);
                self.group_pin = true;
            }
            Edit::RemoveGroupPin if !self.group_pin => return Err(()),
            Edit::RemoveGroupPin => self.group_pin = false,
            Edit::RemoveAuthority if !self.authority => return Err(()),
            Edit::RemoveAuthority => self.authority = false,
            Edit::Join => {
                self.claim([!self.grouped && self.group_pin, false]);
                self.grouped = true;
            }
            Edit::Leave if !self.grouped => return Err(()),
            Edit::Leave => self.grouped = false,
            Edit::Migrate => {
                // P3 and M7: from the clock, or from the floor where it is unset or jumped.
                let at = standing(clock, self.floor);
                let now = match at {
                    Standing::Known => clock,
                    Standing::Unset | Standing::Below | Standing::Jumped => self.floor,
                };
                let past = clock.is_some_and(|clock| MIGRATION <= clock)
                    || (matches!(at, Standing::Unset | Standing::Below)
                        && self.floor.is_some_and(|floor| MIGRATION <= floor));
                let latest = raised(clock, self.floor).max(now);
                let far = latest.is_none_or(|latest| MIGRATION > latest + FLOOR_RISE);
                if self.claims[0] == Claimed::No || past || far {
                    return Err(());
                }
                self.claims[0] = Claimed::Migrating;
                return Ok(true);
            }
            Edit::Release => {
                let held = self.grouped && self.group_pin;
                if held || self.claims[0] == Claimed::No {
                    return Err(());
                }
                self.claims[0] = Claimed::No;
                self.pin = false;
            }
            Edit::ReleaseGroup => {
                self.group_pin = false;
                self.claims[1] = Claimed::No;
                if self.grouped {
                    self.claims[0] = Claimed::No;
                    self.pin = false;
                }
                return Ok(true);
            }
            Edit::Block => self.blocked = true,
            Edit::Unblock if !self.blocked => return Err(()),
            Edit::Unblock => self.blocked = false,
            Edit::ConfirmClock => match standing(clock, self.floor) {
                Standing::Known => {}
                Standing::Jumped => self.floor = clock,
                Standing::Unset | Standing::Below => return Err(()),
            },
            Edit::ResetFloor => {
                self.floor = None;
                return Ok(true);
            }
        }
        Ok(*self != before)
    }

    /// The same store for the slow model of verdicts.
    pub(crate) fn state(&self) -> State {
        let mut state = certificates();
        for (at, name) in NAMES.iter().enumerate() {
            state.add_server(&[name]);
            state.servers[at].claim = match self.claims[at] {
                Claimed::No => Claim::Unclaimed,
                Claimed::Yes => Claim::Claimed,
                Claimed::Migrating => Claim::Migrating(MIGRATION),
            };
        }
        state.servers[0].grouped = self.grouped;
        state.servers[1].grouped = true;
        let entries = [
            (self.pin, Entry::new(Slot::Pin, Scope::Server(0), PIN)),
            (
                self.group_pin,
                Entry::new(Slot::Pin, Scope::Group, GROUP_PIN),
            ),
            (
                self.authority,
                Entry::new(Slot::Authority, Scope::AnyServer, CA),
            ),
        ];
        let held = entries.into_iter().filter(|(held, _)| *held);
        state.entries = held.map(|(_, entry)| entry).collect();
        if self.blocked {
            state.blocks.push(Block::Certificate(PIN));
        }
        state.floor = self.floor;
        state
    }
}

/// The certificates, all valid for years.
fn certificates() -> State {
    let describe = |subject, key, issuer, signer| {
        let mut spec = Spec::new(subject, key, key == 3);
        (spec.issuer, spec.signer) = (issuer, signer);
        (spec.from, spec.to) = (NOW - 1000 * DAY, NOW + 1000 * DAY);
        spec.key_usage = Some(if key == 3 { 0x06 } else { 0x80 });
        spec
    };
    let mut leaf = describe("leaf", 4, "ca", 3);
    leaf.names = NAMES.map(Name::Dns).to_vec();
    State {
        certificates: vec![
            describe("pin", 1, "pin", 1),
            describe("group", 2, "group", 2),
            describe("ca", 3, "ca", 3),
            leaf,
        ],
        fingerprints: (0..4).map(|at| [at; 32]).collect(),
        ..State::default()
    }
}
