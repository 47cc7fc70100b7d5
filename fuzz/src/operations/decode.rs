//! Bytes as calls and questions.

use mutual_trust::store::Decision;

use super::asks::{Ask, Demands, NAMES, Peer, Presented, SERVERS};
use super::lists::{Act, LISTS};
use super::ops::{AuthorityTo, GROUPS, Op, Options, PinTo, Selector};
use super::pool::{days, item, pool};

/// What is left of the bytes. After their end come zeros.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    fn item(&mut self) -> usize {
        self.below(pool().len())
    }

    fn server(&mut self) -> usize {
        self.below(SERVERS.len())
    }

    fn name(&mut self) -> usize {
        self.below(NAMES.len())
    }

    fn names(&mut self) -> Vec<usize> {
        let bits = self.byte();
        (0..NAMES.len()).filter(|at| bits >> at & 1 == 1).collect()
    }

    fn group(&mut self) -> usize {
        self.below(GROUPS.len())
    }

    fn pin_to(&mut self) -> PinTo {
        match self.byte() % 8 {
            0..4 => PinTo::Server(self.server()),
            4 => PinTo::Name(self.name()),
            5 | 6 => PinTo::Group(self.group()),
            _ => PinTo::Clients,
        }
    }

    fn authority_to(&mut self) -> AuthorityTo {
        match self.byte() % 8 {
            0..2 => AuthorityTo::Server(self.server()),
            2 => AuthorityTo::Name(self.name()),
            3..6 => AuthorityTo::AnyServer,
            _ => AuthorityTo::Clients,
        }
    }

    fn options(&mut self) -> Options {
        let bits = self.byte();
        if bits < 128 {
            return Options::PLAIN;
        }
        Options {
            by_key: bits & 1 != 0,
            any_role: bits & 2 != 0,
            grace: match bits >> 2 & 3 {
                0 => Some(true),
                1 => Some(false),
                _ => None,
            },
            ends: match bits >> 4 & 3 {
                0 => Some(days(30)),
                1 => Some(days(200)),
                2 => Some(days(-30)),
                _ => None,
            },
            pattern: bits & 64 != 0,
        }
    }

    fn selector(&mut self) -> Selector {
        [
            Selector::Whole,
            Selector::Fingerprint,
            Selector::Key,
            Selector::IssuerSerial,
        ][self.below(4)]
    }

    fn until(&mut self) -> i64 {
        [days(30), days(100) - 400, days(-30)][self.below(3)]
    }

    fn time(&mut self) -> Option<i64> {
        const TIMES: usize = 10;
        [
            Some(days(0)),
            Some(days(0) - 400),
            Some(days(0) - 200),
            Some(days(50)),
            Some(days(100) - 200),
            Some(days(200)),
            Some(days(200) + 1),
            Some(days(300) + 1),
            Some(days(-300)),
            None,
        ][self.below(TIMES)]
    }

    fn decision(&mut self) -> Decision {
        [
            Decision::Pin,
            Decision::Authority,
            Decision::Intermediate,
            Decision::Skip,
            Decision::Undecided,
        ][self.below(5)]
    }

    pub fn op(&mut self) -> Op {
        match self.byte() % 38 {
            0..4 => Op::Pin(self.pin_to(), self.item(), self.options()),
            4..6 => Op::Fingerprint(self.pin_to(), self.item(), self.options()),
            6..9 => Op::Authority(self.authority_to(), self.item(), self.options()),
            9 => Op::Intermediate(self.item()),
            10 => {
                let (pins, authorities) = (self.pin_to(), self.authority_to());
                let count = 1 + self.below(3);
                let items = (0..count).map(|_| (self.item(), self.decision()));
                Op::Bundle(pins, authorities, items.collect())
            }
            11 => Op::Again(self.below(64)),
            12 | 13 => Op::Remove(self.below(64)),
            14 => Op::Update(self.below(64), self.options()),
            15 => Op::Disable(self.below(64)),
            16 => Op::Enable(self.below(64)),
            17 => Op::Block(self.selector(), self.item()),
            18 => Op::Unblock(self.selector(), self.item()),
            19 => Op::AddServer(self.server(), self.names()),
            20 => Op::RemoveServer(self.server()),
            21 => Op::AddName(self.server(), self.name()),
            22 => Op::MoveName(self.name(), self.server()),
            23 => Op::ReleaseName(self.name()),
            24 => Op::Expect(self.server(), self.names()),
            25 => Op::AddGroup(self.group()),
            26 => Op::RemoveGroup(self.group()),
            27 | 28 => Op::Join(self.group(), self.server()),
            29 => Op::Leave(self.server()),
            30 => Op::Migrate(self.server(), self.until()),
            31 => Op::MigrateGroup(self.group(), self.until()),
            32 => Op::StopMigrating(self.server()),
            33 => Op::Release(self.server()),
            34 => Op::ReleaseGroup(self.group()),
            35 => Op::Publish,
            36 => Op::ResetFloor(self.time()),
            _ => Op::SetClock(self.time()),
        }
    }

    /// Of revocation lists, mostly those of CAs.
    pub fn list(&mut self) -> Act {
        let cas = ["root-a", "root-b", "root-cl", "inter-a", "s2"];
        let what = self.byte();
        let issuer = match usize::from(what >> 4) {
            at @ 0..5 => item(cas[at]),
            _ => self.item(),
        };
        match what % 4 {
            0 | 1 => Act::Install(issuer, self.byte() % LISTS),
            2 => Act::Remove(issuer, self.byte() % LISTS),
            _ => Act::Stop(issuer),
        }
    }

    pub fn ask(&mut self) -> Ask {
        let peer = match self.byte() % 8 {
            0..4 => {
                let dialled = self.below(NAMES.len() + 1);
                Peer::Id(self.server(), (dialled < NAMES.len()).then_some(dialled))
            }
            4 | 5 => Peer::Name(self.name()),
            _ => Peer::Client,
        };
        let presented = match self.byte() % 3 {
            0 => Presented::Item(self.item()),
            1 => Presented::Held(self.below(64)),
            _ => Presented::Below(self.below(64), self.below(16)),
        };
        let bits = self.byte();
        let mut chain = Vec::new();
        for (bit, name) in [(1, "inter-a"), (2, "inter-b"), (4, "inter-old")] {
            if bits & bit != 0 {
                chain.push(item(name));
            }
        }
        if bits & 8 != 0 {
            chain.push(self.item());
        }
        Ask {
            peer,
            presented,
            chain,
            time: self.time(),
            demands: Demands {
                unlisted: bits & 16 != 0,
                pins_only: bits & 96 == 96,
                chains_without_clock: bits & 32 != 0,
                grace: bits & 128 != 0,
            },
        }
    }
}
