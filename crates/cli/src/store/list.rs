//! Lists what is installed, one item after another: a list of 100,000 entries takes no more memory than the store.

use std::io;

use mutual_trust::TrustSnapshot;
use mutual_trust::admin::file::SealState;
use mutual_trust::certificate::Timestamp;
use mutual_trust::store::{Claim, Entry, Group, InstalledCrl, Server, ServerRole};

use super::make::{Common, now};
use crate::facts;
use crate::json::{self, List, StoreList};
use crate::long::Lines;
use crate::output::{Failure, Outcome, identified, is_full, shown};
use crate::trust::PolicyArguments;

/// Lists what is installed.
pub(super) fn list(common: &Common) -> Result<Outcome, Failure> {
    let read = common.read()?;
    let (store, seal) = (read.store, read.report.seal);
    let policy = common.policy;
    Ok(Outcome::long::<StoreList<'_>>(Box::new(
        move |out, as_json| {
            let view = store.contents();
            if as_json {
                write_json(view, seal, policy, out)
            } else {
                write_text(view, seal, policy, out)
            }
        },
    )))
}

fn claim(server: &Server) -> String {
    match server.claim() {
        Claim::Unclaimed => String::from("unclaimed"),
        Claim::Claimed => String::from("claimed"),
        Claim::Migrating { until } => format!("migrating until {}", Timestamp::from(until)),
    }
}

fn role(server: &Server) -> String {
    match server.role() {
        Some(ServerRole::Primary { place, .. }) => format!(", primary {place}"),
        Some(ServerRole::Secondary { of, place, .. }) => format!(", secondary {place} of {of}"),
        _ => String::new(),
    }
}

fn write_text(
    view: &TrustSnapshot,
    seal: SealState,
    policy: PolicyArguments,
    out: &mut Lines<'_>,
) -> io::Result<()> {
    out.line(&format!("generation {}", view.generation()))?;
    for line in facts::seal_line(seal)
        .into_iter()
        .chain(facts::clock_lines(view, now()))
    {
        out.line(&line)?;
    }
    out.line(&policy.line())?;
    for server in view.servers() {
        let names: Vec<String> = server.names().map(ToString::to_string).collect();
        let names = if names.is_empty() {
            String::from("no names")
        } else {
            names.join(", ")
        };
        let of = server
            .group()
            .map_or(String::new(), |group| format!(", in group {group}"));
        out.line(&format!(
            "server {} ({names}){of}: {}, asked: {}{}{}",
            server.id(),
            claim(server),
            view.level(server),
            facts::expected(server),
            role(server)
        ))?;
    }
    if view.servers().any(|server| server.role().is_some()) {
        let order = view.servers_in_order().into_iter();
        let ids: Vec<String> = order.map(|server| server.id().to_string()).collect();
        out.line(&format!("order of the servers: {}", ids.join(", ")))?;
    }
    for group in view.groups() {
        let members: Vec<String> = group.members().map(ToString::to_string).collect();
        out.line(&format!("group {}: {}", group.id(), members.join(", ")))?;
    }
    let entries = view.entries();
    for entry in &entries {
        write_entry(entry, out)?;
    }
    for block in view.blocks() {
        out.line(&format!("blocked: {}", shown(block)))?;
    }
    for list in view.crls() {
        let crl = list.crl();
        let due = crl.next_update().map(facts::time);
        out.line(&format!(
            "revocation list {} of {}, next one due {}",
            identified(crl.fingerprint()),
            crl.issuer(),
            due.as_deref().unwrap_or("(not stated)")
        ))?;
    }
    for issuer in view.revocation_checked_issuers() {
        out.line(&format!(
            "revocation is checked for certificates of {issuer}"
        ))?;
    }
    if entries.is_empty() {
        out.line("nothing is installed: the store trusts no peer")?;
    }
    if !is_full() && out.is_shortened {
        out.line(
            "note: fingerprints are shortened; --full shows all of them, as remove and unblock need them",
        )?;
    }
    Ok(())
}

fn write_entry(entry: &Entry, out: &mut Lines<'_>) -> io::Result<()> {
    out.line(&shown(&entry.key()))?;
    if let Some(label) = entry.options().label() {
        out.line(&format!("  label: {label}"))?;
    }
    match entry.certificate() {
        Some(one) => out.line(&format!(
            "  {}, valid {}",
            facts::subject(one),
            one.validity()
        ))?,
        None => out.line("  only its fingerprint is known")?,
    }
    for term in facts::terms(entry) {
        out.line(&format!("  {term}"))?;
    }
    if let Some(who) = entry.installed_by() {
        out.line(&format!("  installed by {who}"))?;
    }
    if let Some(why) = entry.disabled() {
        out.line(&format!("  warning: disabled: {why}"))?;
    }
    Ok(())
}

fn write_json(
    view: &TrustSnapshot,
    seal: SealState,
    policy: PolicyArguments,
    out: &mut Lines<'_>,
) -> io::Result<()> {
    let all = |entry: &Entry| Some(facts::entry(entry));
    write_selected(view, seal, policy, &all, &|_| true, out)
}

/// The same of the entries that `entry` gives, and of the servers that are selected.
pub(super) fn write_selected(
    view: &TrustSnapshot,
    seal: SealState,
    policy: PolicyArguments,
    entry: &dyn Fn(&Entry) -> Option<json::Entry>,
    is_selected: &dyn Fn(&Server) -> bool,
    out: &mut Lines<'_>,
) -> io::Result<()> {
    let checked = || view.revocation_checked_issuers();
    let servers = || view.servers().filter(|found| is_selected(found));
    out.object(&StoreList {
        blocks: List::new(|| view.blocks().map(facts::text)),
        checked_issuers: List::new(move || checked().map(|issuer| issuer.to_string())),
        clock: facts::clock(view, now()),
        crls: List::new(|| view.crls().map(crl)),
        entries: List::new(|| view.entries().into_iter().filter_map(entry)),
        generation: view.generation(),
        groups: List::new(|| view.groups().map(group)),
        policy: policy.fact(),
        seal: facts::seal(seal),
        servers: List::new(|| servers().map(|found| server(view, found))),
    })
}

fn crl(list: &InstalledCrl) -> json::InstalledCrl {
    let crl = list.crl();
    json::InstalledCrl {
        fingerprint: crl.fingerprint().to_string(),
        issuer: crl.issuer().to_string(),
        next_update: crl.next_update().map(facts::time),
    }
}

fn group(group: &Group) -> json::Group {
    json::Group {
        id: group.id().to_string(),
        members: group.members().map(ToString::to_string).collect(),
    }
}

fn server(view: &TrustSnapshot, server: &Server) -> json::Server {
    let (role, place, of) = match server.role() {
        Some(ServerRole::Primary { place, .. }) => (Some("primary"), Some(*place), None),
        Some(ServerRole::Secondary { of, place, .. }) => {
            (Some("secondary"), Some(*place), Some(of.to_string()))
        }
        _ => (None, None, None),
    };
    json::Server {
        id: server.id().to_string(),
        names: server.names().map(ToString::to_string).collect(),
        expected_names: server.expected_names().map(ToString::to_string).collect(),
        group: server.group().map(ToString::to_string),
        claim: claim(server),
        asked: view.level(server).to_string(),
        role,
        place,
        secondary_of: of,
    }
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;
    use mutual_trust::{EntryOptions, Fingerprint, PinScope, TrustStore};

    use super::*;
    use crate::ours;

    fn store(pins: u32) -> TrustStore {
        let mut store = TrustStore::new(ours::keys());
        for number in 0..pins {
            let mut bytes = [7; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            let id: mutual_trust::ServerId = format!("keys-{number}").parse().unwrap();
            store.add_server(id.clone(), []).unwrap();
            let pin = Fingerprint::from_bytes(bytes);
            let scope = PinScope::Server(id);
            store
                .install_pin_fingerprint(scope, pin, EntryOptions::new())
                .unwrap();
        }
        store
    }

    /// The most bytes that writing a list has allocated at one time.
    fn most(
        store: &TrustStore,
        write: fn(&TrustSnapshot, SealState, PolicyArguments, &mut Lines<'_>) -> io::Result<()>,
    ) -> u64 {
        let mut sink = io::sink();
        measure(|| {
            write(
                store.contents(),
                SealState::None,
                PolicyArguments::default(),
                &mut Lines::new(&mut sink, &str::to_owned),
            )
            .unwrap()
        })
        .bytes_max
    }

    // What remains for each item is its place in the order that the library sorts: a pointer and a key.
    #[test]
    fn a_long_list_takes_no_memory_for_its_text() {
        let (short, long) = (store(500), store(4_500));
        for write in [write_text, write_json] {
            let item = most(&long, write).saturating_sub(most(&short, write)) / 4_000;
            assert!(item <= 80, "{item} bytes for an item");
        }
    }
}
