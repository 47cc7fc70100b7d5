//! Takes over from damaged files what takes trust away.

use std::collections::{BTreeMap, BTreeSet};

use super::report::RecoveryReport;
use crate::admin::file::{Salvaged, has_fields, options_of, server_has_fields};
use crate::certificate::{Crl, Fingerprint};
use crate::store::{
    BlockSelector, Claim, CrlIssuer, EntryKey, Kept, Narrower, ServerId, TrustStore,
};

/// Takes over everything in the damaged files that takes trust away, and nothing that gives trust.
pub(super) fn merge(store: &mut TrustStore, salvaged: Salvaged, report: &mut RecoveryReport) {
    // A damaged file that is older than the good one does not show later changes.
    let is_older = salvaged
        .generation
        .is_some_and(|found| found <= report.from_generation);
    let is_newer = salvaged.only_changes || !is_older;
    // Removals come first: the steps below add servers and lists, and remove no entry.
    merge_removals(store, &salvaged, report);
    if is_newer {
        merge_fields(store, &salvaged, report);
        merge_disabled(store, &salvaged, report);
    }
    for block in salvaged.blocks {
        if store.restore_block(&block) {
            report.blocks.push(block);
        }
    }
    merge_claims(store, salvaged.claims, report);
    // After the claims: a server that only the damaged file claims exists now and can get its names.
    for (id, name) in salvaged.names {
        match store.salvage_name(&id, &name) {
            Some(true) => report.names.push(Kept::Name(id, name)),
            Some(false) => report.names_left.push(Kept::Name(id, name)),
            None => {}
        }
    }
    if is_newer {
        tell_lifted(store, salvaged.lifted, salvaged.released, report);
    }
    for issuer in salvaged.checked {
        if store.restore_check(&issuer) {
            report.checked.push(issuer);
        }
    }
    merge_crls(store, salvaged.crls, salvaged.lost_crls, report);
    if let Some(floor) = salvaged.floor {
        match store.salvage_floor(floor) {
            Some(true) => report.floor = salvaged.floor,
            // M7: a floor far ahead may come from a wrong clock, and would lock the store.
            Some(false) => report.floor_left_out = salvaged.floor,
            None => {}
        }
    }
}

/// Removes the entries of the older version that the damaged files show to be removed, and reports the difference.
fn merge_removals(store: &mut TrustStore, salvaged: &Salvaged, report: &mut RecoveryReport) {
    if salvaged.only_changes {
        merge_changes(store, salvaged, report);
        return;
    }
    let is_newer = salvaged.generation > Some(report.from_generation);
    let shows_removals = salvaged.hidden_until <= report.from_generation;
    // A damaged file that is older than the good one does not show later changes.
    if !is_newer && salvaged.generation.is_some() {
        if !shows_removals {
            bring_all_back(store, report);
        }
        return;
    }
    report_lost(store, salvaged, report);
    if is_newer {
        // A removal that can be read is one, also if other lines are damaged.
        remove_gone(store, salvaged, report);
    }
    // An entry that is listed may be removed by a change that cannot be read.
    for key in held(store) {
        let is_listed = salvaged.entries.contains(&key);
        if shows_removals && is_listed {
            continue;
        }
        // If the list is incomplete, a missing entry may be in a damaged line. It was not necessarily removed.
        if is_listed || !is_newer || !salvaged.all_entries {
            report.brought_back.push(key);
        } else if store.remove(&key).is_ok() {
            report.removed.push(key);
        }
    }
}

/// The same for what stands behind the last whole change.
fn merge_changes(store: &mut TrustStore, salvaged: &Salvaged, report: &mut RecoveryReport) {
    report_lost(store, salvaged, report);
    remove_gone(store, salvaged, report);
    if !salvaged.all_entries {
        bring_all_back(store, report);
    }
}

fn report_lost(store: &TrustStore, salvaged: &Salvaged, report: &mut RecoveryReport) {
    let held = held(store);
    let found: BTreeSet<&EntryKey> = salvaged.entries.union(&salvaged.earlier).collect();
    for key in found.into_iter().filter(|key| !held.contains(key)) {
        match salvaged.maybe_gone.contains(key) {
            true => report.unverified.push(key.clone()),
            false => report.lost.push(key.clone()),
        }
    }
    let unverified = salvaged.unverified.difference(&held);
    unverified.for_each(|key| report.unverified.push(key.clone()));
}

/// Keeps the stricter options of entries, and tells what may be stricter than what is kept.
fn merge_fields(store: &mut TrustStore, salvaged: &Salvaged, report: &mut RecoveryReport) {
    let mut in_doubt: BTreeSet<&EntryKey> = salvaged.in_doubt.iter().collect();
    for (key, text) in &salvaged.fields {
        let held = store.contents().entry(key);
        if held.is_none_or(|held| has_fields(held, text)) {
            continue;
        }
        let options = options_of(text).filter(|_| !salvaged.uncertain.contains(key));
        match options.map(|options| store.keep_narrower(key, &options)) {
            Some(Narrower::Kept) => report.narrowed.push(key.clone()),
            Some(Narrower::Held) => {}
            Some(Narrower::Unclear) | None => {
                in_doubt.insert(key);
            }
        }
    }
    for key in in_doubt {
        let held = store.contents().entry(key);
        let is_disabled = salvaged.disabled.contains_key(key);
        if held.is_some_and(|entry| entry.disabled().is_none()) && !is_disabled {
            report.in_doubt.push(key.clone());
        }
    }
    let view = store.contents();
    let differ = salvaged.server_fields.iter().filter(|(id, text)| {
        let held = view.server(id);
        held.is_some_and(|held| !server_has_fields(held, text))
    });
    let mut servers: BTreeSet<&ServerId> = differ.map(|(id, _)| id).collect();
    let in_doubt = salvaged.servers_in_doubt.iter();
    servers.extend(in_doubt.filter(|id| view.server(id).is_some()));
    servers
        .into_iter()
        .for_each(|id| report.servers.push(id.clone()));
}

/// An administrator's `disable` stays (rule S4).
fn merge_disabled(store: &mut TrustStore, salvaged: &Salvaged, report: &mut RecoveryReport) {
    for (key, why) in &salvaged.disabled {
        if store.keep_disabled(key, why) {
            report.disabled.push(key.clone());
        }
    }
}

/// A claim or block that a damaged file shows to be lifted stays: to lift it would give trust.
fn tell_lifted(
    store: &TrustStore,
    lifted: BTreeSet<BlockSelector>,
    released: BTreeSet<ServerId>,
    report: &mut RecoveryReport,
) {
    let view = store.contents();
    let held: BTreeSet<&BlockSelector> = view.blocks().collect();
    let blocks = lifted.into_iter().filter(|block| held.contains(block));
    blocks.for_each(|block| report.lifted.push(Kept::Block(block)));
    let is_claimed = |id: &ServerId| {
        let server = view.server(id);
        server.is_some_and(|server| server.claim() != Claim::Unclaimed)
    };
    let claims = released.into_iter().filter(is_claimed);
    claims.for_each(|id| report.lifted.push(Kept::Claim(id)));
}

/// Tells that every entry may have been removed since.
fn bring_all_back(store: &TrustStore, report: &mut RecoveryReport) {
    for key in held(store) {
        report.brought_back.push(key);
    }
}

fn held(store: &TrustStore) -> BTreeSet<EntryKey> {
    let entries = store.contents().entries();
    entries.iter().map(|entry| entry.key()).collect()
}

/// Removes what the changes that can be read removed.
fn remove_gone(store: &mut TrustStore, salvaged: &Salvaged, report: &mut RecoveryReport) {
    for key in &salvaged.gone {
        if store.remove(key).is_ok() {
            report.removed.push(key.clone());
        }
    }
}

/// A claim refuses every peer without a pin, so it is kept even if the server itself is lost (rule P2).
fn merge_claims(
    store: &mut TrustStore,
    claims: BTreeMap<ServerId, Claim>,
    report: &mut RecoveryReport,
) {
    for (id, claim) in claims {
        // A migrating server is decided by authorities as well, so one that is lost does not migrate.
        let is_held = store.contents().server(&id).is_some();
        let claim = if is_held { claim } else { Claim::Claimed };
        if store.keep_claim(&id, claim, BTreeSet::new()) {
            report.claims.push(id);
        }
    }
}

fn merge_crls(
    store: &mut TrustStore,
    crls: Vec<(CrlIssuer, Crl)>,
    unreadable: Vec<Fingerprint>,
    report: &mut RecoveryReport,
) {
    for (issuer, list) in crls {
        match store.salvage_crl(&issuer, &list) {
            Ok(true) => report.crls.push(list.fingerprint()),
            Ok(false) => {}
            Err(_) => report.lost_crls.push(list.fingerprint()),
        }
    }
    // The older version may have the whole list of which the damaged file shows only the first line.
    for fingerprint in unreadable {
        if !store.holds_crl(fingerprint) {
            report.lost_crls.push(fingerprint);
        }
    }
}
