//! What a store holds, written down; and another store that came to hold the same in another order.

use mutual_trust::certificate::Fingerprint;
use mutual_trust::store::{Claim, Entry, Scope, Slot, TrustSnapshot};
use mutual_trust::{AuthorityScope, EntryOptions, GroupId, PinScope, ServerId, TrustStore};

use crate::invariants::admin::Admin;
use crate::invariants::pool::days;
use crate::support::Lists as _;

/// Everything that the public interface shows of a store.
pub fn written_down(view: &TrustSnapshot) -> String {
    let mut text = format!("{} {:?}\n", view.generation(), view.floor());
    text.push_str(&content(view));
    text
}

/// The same without generation, floor and install times.
pub fn content(view: &TrustSnapshot) -> String {
    let mut text = String::new();
    let mut line = |part: String| {
        text.push_str(&part);
        text.push('\n');
    };
    for entry in view.entries() {
        line(format!(
            "{} {:?} {:?} {:?}",
            entry.key(),
            entry.certificate().map(|found| found.fingerprint()),
            entry.options(),
            entry.disabled()
        ));
    }
    for server in view.servers() {
        line(format!("{server:?} {:?}", view.level(server)));
        for name in server.names() {
            line(format!(
                "{name} {:?}",
                view.server_of(name).map(|owner| owner.id())
            ));
        }
    }
    for group in view.groups() {
        line(format!("{group:?}"));
    }
    for block in view.blocks() {
        line(format!("{block}"));
    }
    text
}

enum Step<'a> {
    Join(&'a GroupId, &'a ServerId),
    Install(&'a Entry),
}

/// A store that was never anything else than what `view` is now. `order` shuffles what can come in any order.
pub fn built_anew(view: &TrustSnapshot, order: &[u32]) -> Admin {
    // Long ago, when no end of an entry had passed.
    let mut admin = Admin::at(Some(days(-3000)));
    let store = &mut admin.store;
    for group in view.groups() {
        store.add_group(group.id().clone()).unwrap();
    }
    for server in view.servers() {
        let id = server.id().clone();
        store
            .add_server(id.clone(), server.names().cloned())
            .unwrap();
        store
            .set_reference_names(&id, server.expected_names().cloned())
            .unwrap();
    }
    let mut steps: Vec<Step<'_>> = Vec::new();
    for group in view.groups() {
        steps.extend(group.members().map(|member| Step::Join(group.id(), member)));
    }
    let entries = view.entries();
    steps.extend(entries.iter().map(|&entry| Step::Install(entry)));
    let mut steps: Vec<(u32, Step<'_>)> = order.iter().copied().cycle().zip(steps).collect();
    steps.sort_by_key(|(place, _)| *place);
    for (_, step) in steps {
        match step {
            Step::Join(group, member) => drop(store.join_group(group, member).unwrap()),
            Step::Install(entry) => install(store, entry),
        }
    }
    for server in view.servers() {
        // A claim without a pin: by one that is gone.
        let id = server.id();
        let claimed = store.contents().server(id).unwrap().claim() != Claim::Unclaimed;
        if server.claim() != Claim::Unclaimed && !claimed {
            let scope = PinScope::Server(id.clone());
            let fingerprint = Fingerprint::from_bytes([7; 32]);
            let report = store
                .install_pin_fingerprint(scope, fingerprint, EntryOptions::new())
                .unwrap();
            store.remove(&report.entries().items()[0]).unwrap();
        }
        if let Claim::Migrating { until } = server.claim() {
            // A while before, so that the end is not too far away.
            let before = i64::try_from(until.as_secs()).unwrap() - 1;
            admin.clock.set(Some(before));
            store.migrate(id, until).unwrap();
        }
    }
    for entry in entries {
        if let Some(why) = entry.disabled() {
            store.disable(&entry.key(), why).unwrap();
        }
    }
    let mut blocks: Vec<_> = order.iter().cycle().zip(view.blocks()).collect();
    blocks.sort_by_key(|(place, _)| **place);
    for (_, block) in blocks {
        store.block_selector(block.clone());
    }
    store.reset_floor(view.floor());
    admin
}

fn install(store: &mut TrustStore, entry: &Entry) {
    let options = entry.options().clone();
    let pin = |scope: &Scope| match scope {
        Scope::Server(id) => PinScope::Server(id.clone()),
        Scope::Group(id) => PinScope::Group(id.clone()),
        _ => PinScope::Clients,
    };
    let key = entry.key();
    let done = match (key.slot, entry.certificate()) {
        (Slot::Pin, Some(certificate)) => {
            store.install_pin(pin(&key.scope), certificate.clone(), options)
        }
        (Slot::Pin, None) => {
            store.install_pin_fingerprint(pin(&key.scope), key.fingerprint, options)
        }
        (Slot::Authority, certificate) => {
            let scope = match &key.scope {
                Scope::Server(id) => AuthorityScope::Server(id.clone()),
                Scope::Clients => AuthorityScope::Clients,
                _ => AuthorityScope::AnyServer,
            };
            store.install_authority(scope, certificate.unwrap().clone(), options)
        }
        (Slot::Intermediate, certificate) => {
            store.install_intermediate(certificate.unwrap().clone(), options)
        }
    };
    done.unwrap();
}
