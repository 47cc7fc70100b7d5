//! Rule P2: once a server holds a pin, no authority vouches for it until its release.

use std::collections::BTreeSet;

use mutual_trust::ReasonCode;
use mutual_trust::ServerId;
use mutual_trust::store::{Claim, Scope, Slot, TrustSnapshot};
use proptest::prelude::*;

use crate::invariants::admin::Admin;
use crate::invariants::operations::{GROUPS, Op, history};
use crate::invariants::pool::days;
use crate::invariants::questions::{Ask, Demands, NAMES, Peer, SERVERS, asks, settle};
use crate::support::random::config;
use crate::support::{at, host, server_id};

/// Servers and names that were claimed and not released since, kept by what was called and by nothing that the
/// store says of claims.
#[derive(Default)]
struct Claimed {
    servers: BTreeSet<ServerId>,
    names: BTreeSet<&'static str>,
}

/// The servers that hold a pin, their own or their group's.
fn pinned(view: &TrustSnapshot) -> BTreeSet<ServerId> {
    let mut all = BTreeSet::new();
    for entry in view.entries() {
        match (entry.slot(), entry.scope()) {
            (Slot::Pin, Scope::Server(id)) => drop(all.insert(id.clone())),
            (Slot::Pin, Scope::Group(id)) => {
                all.extend(view.group(id).unwrap().members().cloned());
            }
            _ => {}
        }
    }
    all
}

fn names_of(view: &TrustSnapshot, id: &ServerId) -> Vec<&'static str> {
    let names = NAMES.iter().copied();
    names
        .filter(|name| {
            view.server_of(&host(name))
                .is_some_and(|server| server.id() == id)
        })
        .collect()
}

impl Claimed {
    fn lift(&mut self, view: &TrustSnapshot, id: &ServerId) {
        self.servers.remove(id);
        for name in names_of(view, id) {
            self.names.remove(name);
        }
    }

    /// Called with the view before the call and the one after it.
    fn note(&mut self, op: &Op, before: &TrustSnapshot, after: &TrustSnapshot) {
        match op {
            Op::Release(id) => self.lift(before, &server_id(SERVERS[*id])),
            Op::ReleaseGroup(id) => {
                let group = before.group(&GROUPS[*id].parse().unwrap()).unwrap();
                for member in group.members() {
                    self.lift(before, member);
                }
            }
            Op::ReleaseName(name) => drop(self.names.remove(NAMES[*name])),
            _ => {}
        }
        self.servers.extend(pinned(after));
        for id in &self.servers {
            self.names.extend(names_of(after, id));
        }
    }
}

/// Whether the server may be asked by authorities for now: it migrates.
fn migrates(view: &TrustSnapshot, id: &ServerId) -> bool {
    let claim = view.server(id).map(|server| server.claim());
    matches!(claim, Some(Claim::Migrating { .. }))
}

proptest! {
    #![proptest_config(config(150))]

    // P2
    #[test]
    fn no_call_but_release_lets_an_authority_in_for_a_server_that_was_claimed(
        history in history(40),
        asks in asks(3),
    ) {
        let mut admin = Admin::new();
        let mut claimed = Claimed::default();
        for op in &history {
            let before = admin.view().clone();
            if let Some(Ok(_)) = admin.apply(op) {
                claimed.note(op, &before, admin.view());
            }
            drop(before);
            let view = admin.view();
            for ask in settle(&asks, view) {
                // All names may be asked about, whatever server they belong to.
                let demands = Demands { unlisted: true, ..ask.demands };
                let targets = claimed.servers.iter().filter(|id| !migrates(view, id));
                let ids = targets.filter_map(|id| SERVERS.iter().position(|at| *at == id.as_str()));
                let names = (0..NAMES.len()).filter(|&name| {
                    let owner = view.server_of(&host(NAMES[name]));
                    let migrating = owner.is_some_and(|owner| migrates(view, owner.id()));
                    claimed.names.contains(NAMES[name]) && !migrating
                });
                let peers = ids.map(|id| Peer::Id(id, None)).chain(names.map(Peer::Name));
                for peer in peers {
                    let ask = Ask { peer, demands, ..ask.clone() };
                    let by = ask.answer(view).accepted;
                    let pin = by.as_ref().is_none_or(|by| by.slot == Slot::Pin);
                    prop_assert!(pin, "after {:?}: {:?} by {:?}", op, ask, by);
                }
            }
        }
    }

    // P2: own pins, else those of the group; and it stays claimed with none at all.
    #[test]
    fn a_server_that_was_claimed_stays_claimed_until_its_release(history in history(40)) {
        let mut admin = Admin::new();
        let mut claimed = Claimed::default();
        for op in &history {
            let before = admin.view().clone();
            if let Some(Ok(_)) = admin.apply(op) {
                claimed.note(op, &before, admin.view());
            }
            for id in SERVERS.map(server_id) {
                let Some(server) = admin.view().server(&id) else {
                    prop_assert!(!claimed.servers.contains(&id), "{} is gone", id);
                    continue;
                };
                let is = server.claim() != Claim::Unclaimed;
                prop_assert_eq!(is, claimed.servers.contains(&id), "{} after {:?}", id, op);
            }
            for name in &claimed.names {
                let owner = admin.view().server_of(&host(name));
                let good = owner.is_some_and(|owner| claimed.servers.contains(owner.id()));
                prop_assert!(good, "{} after {:?}", name, op);
            }
        }
    }

    // P3: after its time a migration is as if it had never been. With the clock unset, the floor is the time.
    #[test]
    fn a_migration_outside_its_time_is_no_migration(
        history in history(25),
        asks in asks(20),
        until in prop_oneof![Just(days(1)), Just(days(30)), Just(days(100) - 300)],
        late in 0..3_i64,
        clock_is_set in proptest::bool::ANY,
    ) {
        let mut plain = Admin::after(&history);
        let mut migrating = Admin::after(&history);
        for admin in [&mut plain, &mut migrating] {
            admin.clock.set(Some(days(0)));
            admin.store.reset_floor(None);
            let servers: Vec<ServerId> = claimed_servers(admin.view());
            for id in servers {
                admin.store.stop_migrating(&id).unwrap();
            }
        }
        for id in claimed_servers(migrating.view()) {
            migrating.store.migrate(&id, at(u64::try_from(until).unwrap())).unwrap();
        }
        let time = until + late * 40_000;
        for admin in [&mut plain, &mut migrating] {
            let floor = u64::try_from(time).unwrap();
            admin.store.reset_floor((!clock_is_set).then(|| at(floor)));
        }
        for ask in settle(&asks, plain.view()) {
            let ask = Ask { time: clock_is_set.then_some(time), ..ask };
            let (plain, mut migrated) = (ask.answer(plain.view()), ask.answer(migrating.view()));
            // M7: at the floor, that a migration has ended is no reason to install anything.
            let by_floor = !clock_is_set && migrated.reason == ReasonCode::ClockUnset;
            if by_floor && !plain.yes() && plain.reason != ReasonCode::ClockUnset {
                let known = [
                    ReasonCode::PinDoesNotMatch, ReasonCode::NoUsablePin, ReasonCode::AuthoritiesNotAsked,
                    ReasonCode::SameSubjectOtherKey,
                ];
                prop_assert!(known.contains(&plain.reason), "{:?}: {:?}", ask, plain);
                (migrated.reason, migrated.detail) = (plain.reason, plain.detail.clone());
                migrated.considered.clone_from(&plain.considered);
            }
            prop_assert_eq!(plain, migrated, "{:?}", ask);
        }
    }
}

fn claimed_servers(view: &TrustSnapshot) -> Vec<ServerId> {
    let servers = view
        .servers()
        .filter(|server| server.claim() != Claim::Unclaimed);
    servers.map(|server| server.id().clone()).collect()
}
