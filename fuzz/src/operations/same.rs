//! Compares the whole state of the store with the model, and the levels of all servers.

use core::fmt::Debug;
use std::collections::{BTreeMap, BTreeSet};

use mutual_trust::store::{self, Consequence, Report, Scope, Slot, TrustSource};
use mutual_trust::{HostName, ServerId};

use super::facts::{Claim, Facts, Held, Machine, group_scope, server_scope};
use super::ops::{Op, selector};
use super::pool::pool;
use super::support::{at, host, server_id};
use crate::snapshot::Snapshot;

type Levels = BTreeMap<ServerId, TrustSource>;

fn moment(seconds: i64) -> pki_types::UnixTime {
    at(u64::try_from(seconds).unwrap())
}

fn hosts(names: &BTreeSet<&str>) -> BTreeSet<HostName> {
    names.iter().map(|name| host(name)).collect()
}

/// Panics unless both hold the same.
pub fn compare(facts: &Facts, store: &Snapshot, op: &dyn Debug) {
    assert_eq!(
        store.floor,
        facts.floor.map(moment),
        "the floor after {op:?}"
    );
    assert_eq!(store.entries.len(), facts.entries.len(), "after {op:?}");
    for (key, (certificate, options, _, disabled)) in &store.entries {
        let held: &Held = facts
            .find(key)
            .unwrap_or_else(|| panic!("{key} is there after {op:?}"));
        let expected = (!held.bare).then(|| &pool()[held.item].certificate);
        assert_eq!(certificate.as_ref(), expected, "{key} after {op:?}");
        assert_eq!(*options, held.options.made(), "{key} after {op:?}");
        assert_eq!(disabled.is_some(), held.disabled, "{key} after {op:?}");
    }
    let ids: Vec<&str> = store.servers.keys().map(|id| id.as_str()).collect();
    let known: BTreeSet<&str> = facts.servers.keys().copied().collect();
    assert!(
        ids.iter().copied().eq(known),
        "servers after {op:?}: {ids:?}"
    );
    for (id, server) in &store.servers {
        let machine: &Machine = &facts.servers[id.as_str()];
        assert_eq!(server.names, hosts(&machine.names), "{id} after {op:?}");
        assert_eq!(
            server.expected,
            hosts(&machine.expected),
            "{id} after {op:?}"
        );
        let group = server.group.as_ref().map(|group| group.as_str());
        assert_eq!(group, machine.group, "{id} after {op:?}");
        let claim = match machine.claim {
            Claim::Unclaimed => store::Claim::Unclaimed,
            Claim::Claimed => store::Claim::Claimed,
            Claim::Migrating(until) => match server.claim {
                store::Claim::Migrating { until: held } if held == moment(until) => server.claim,
                other => panic!("{id} migrates after {op:?}, not {other:?}"),
            },
        };
        assert_eq!(server.claim, claim, "{id} after {op:?}");
    }
    let groups: BTreeSet<&str> = store.groups.keys().map(|id| id.as_str()).collect();
    assert_eq!(groups, facts.groups, "groups after {op:?}");
    let blocks = facts.blocks.iter().map(|&(kind, number)| {
        // A block of a key is noted by the number of the key.
        let named = match kind {
            super::ops::Selector::Key => {
                let mut items = pool().iter();
                items
                    .position(|item| usize::from(item.key) == number)
                    .unwrap()
            }
            _ => number,
        };
        selector(kind, named)
    });
    let held: BTreeSet<_> = store.blocks.iter().cloned().collect();
    assert_eq!(held, blocks.collect::<BTreeSet<_>>(), "blocks after {op:?}");
}

impl Facts {
    /// By rules P2 and P4.
    pub fn levels(&self) -> Levels {
        let level = |(id, server): (&&'static str, &Machine)| {
            let holds = |slot, scope: &Scope| !self.on(slot, scope).is_empty();
            let own = server_scope(id);
            let group = server.group.map(group_scope);
            let level = if server.claim != Claim::Unclaimed {
                if holds(Slot::Pin, &own) {
                    TrustSource::OwnPins
                } else if group.is_some_and(|group| holds(Slot::Pin, &group)) {
                    TrustSource::GroupPins
                } else {
                    TrustSource::NoUsablePin
                }
            } else if holds(Slot::Authority, &own) {
                TrustSource::OwnAuthorities
            } else if holds(Slot::Authority, &Scope::AnyServer) {
                TrustSource::AnyServerAuthorities
            } else {
                TrustSource::Nothing
            };
            (server_id(id), level)
        };
        self.servers.iter().map(level).collect()
    }
}

/// A report names each server whose level the call changed, with both levels, and no other server.
pub fn compare_shifts(before: &Levels, after: &Levels, report: &Report, op: &Op) {
    for (id, from) in before {
        let Some(to) = after.get(id) else { continue };
        let told = report.consequences().iter().any(|one| {
            matches!(one, Consequence::TrustSource(change)
                if change.server == *id && (change.from, change.to) == (*from, *to))
        });
        assert_eq!(told, from != to, "{id} after {op:?}: {report}");
    }
}
