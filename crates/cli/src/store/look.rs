//! Shows a store: what is installed, what expires, whether it is complete.

use mutual_trust::admin::{DurableSettings, DurableStore, servers_without_usable};
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust::store::{Claim, Server};
use mutual_trust::{CurrentTime, TrustSnapshot};
use serde_json::{Value, json};

use super::make::{Common, keys};
use crate::facts;
use crate::output::{Failure, Outcome, identified, is_full, shown};

fn claim(server: &Server) -> String {
    match server.claim() {
        Claim::Unclaimed => String::from("unclaimed"),
        Claim::Claimed => String::from("claimed"),
        Claim::Migrating { until } => format!("migrating until {}", Timestamp::from(until)),
    }
}

/// Lists what is installed.
pub(super) fn list(common: &Common) -> Result<Outcome, Failure> {
    let store = common.look()?;
    let view = store.contents();
    let mut lines = vec![format!("generation {}", view.generation())];
    lines.extend(facts::clock_lines(view, now()));
    let servers: Vec<Value> = view.servers().map(|server| {
        let names: Vec<String> = server.names().map(ToString::to_string).collect();
        let group = server.group().map(ToString::to_string);
        let shown = if names.is_empty() { String::from("no names") } else { names.join(", ") };
        let of = group.as_ref().map_or(String::new(), |group| format!(", in group {group}"));
        lines.push(format!("server {} ({shown}){of}: {}, asked: {}{}", server.id(), claim(server), view.level(server), facts::expected(server)));
        json!({
            "id": server.id().to_string(),
            "names": names,
            "expected_names": server.expected_names().map(ToString::to_string).collect::<Vec<String>>(),
            "group": group,
            "claim": claim(server),
            "asked": view.level(server).to_string(),
        })
    }).collect();
    let groups: Vec<Value> = view
        .groups()
        .map(|group| {
            let members: Vec<String> = group.members().map(ToString::to_string).collect();
            lines.push(format!("group {}: {}", group.id(), members.join(", ")));
            json!({ "id": group.id().to_string(), "members": members })
        })
        .collect();
    let entries = view.entries();
    for entry in &entries {
        lines.push(shown(&entry.key()));
        if let Some(label) = entry.options().label() {
            lines.push(format!("  label: {label}"));
        }
        match entry.certificate() {
            Some(one) => lines.push(format!(
                "  {}, valid {}",
                facts::subject(one),
                one.validity()
            )),
            None => lines.push(String::from("  only its fingerprint is known")),
        }
        lines.extend(facts::terms(entry));
        lines.extend(
            entry
                .disabled()
                .map(|why| format!("  warning: disabled: {why}")),
        );
    }
    lines.extend(
        view.blocks()
            .map(|block| format!("blocked: {}", shown(block))),
    );
    let crls: Vec<Value> = view.crls().map(|list| {
        let crl = list.crl();
        let due = crl.next_update().map(facts::time);
        lines.push(format!("revocation list {} of {}, next one due {}", identified(crl.fingerprint()), crl.issuer(), due.as_deref().unwrap_or("(not stated)")));
        json!({ "fingerprint": crl.fingerprint().to_string(), "issuer": crl.issuer(), "next_update": due })
    }).collect();
    let checked = view.revocation_checked_issuers();
    let checked: Vec<String> = checked.map(|issuer| issuer.to_string()).collect();
    let of = checked.iter();
    lines.extend(of.map(|issuer| format!("revocation is checked for certificates of {issuer}")));
    if entries.is_empty() {
        lines.push(String::from(
            "nothing is installed: the store trusts no peer",
        ));
    }
    if !is_full() && lines.iter().any(|line| line.contains('…')) {
        lines.push(String::from(
            "note: fingerprints are shortened; --full shows all of them, as remove and unblock need them",
        ));
    }
    let json = json!({
        "generation": view.generation(),
        "clock": facts::clock(view, now()),
        "servers": servers,
        "groups": groups,
        "entries": entries.iter().map(|entry| facts::entry(entry)).collect::<Vec<Value>>(),
        "blocks": view.blocks().map(facts::text).collect::<Vec<Value>>(),
        "crls": crls,
        "checked_issuers": checked,
    });
    Ok(Outcome::done("store-list", lines.join("\n"), json))
}

fn now() -> CurrentTime {
    SystemClock::new().now()
}

/// Reads the store whole, and says what of it accepts nothing.
pub(super) fn verify(common: &Common) -> Result<Outcome, Failure> {
    let settings = DurableSettings::new(keys());
    let loaded = DurableStore::read(common.folder()?, &settings)?;
    let history = DurableStore::history(common.folder()?, &settings)?;
    let view: &TrustSnapshot = loaded.store.contents();
    let policy = common.policy();
    let without = servers_without_usable(view, &policy, now());
    let mut lines = vec![
        format!("whole: {}", shown(&loaded.report)),
        format!("digest: {}", loaded.report.digest),
    ];
    lines.push(format!(
        "history: {} changes, since generation {}",
        history.changes.len(),
        history.since
    ));
    if let Some(why) = &history.previous {
        lines.push(format!(
            "warning: trust-store.previous does not belong to it: {why}"
        ));
    }
    lines.extend(facts::clock_lines(view, now()));
    let servers: Vec<Value> = without
        .iter()
        .map(|one| {
            lines.push(format!(
                "warning: nothing installed can accept server {} now: {}",
                one.server,
                one.reason.meaning()
            ));
            lines.extend(one.entries.items().iter().map(|entry| {
                let (key, detail) = (shown(&entry.entry), shown(&entry.detail));
                format!("  {key}: {} ({detail})", entry.reason)
            }));
            json!({ "server": one.server.to_string(), "reason": one.reason.to_string() })
        })
        .collect();
    let refused = (!without.is_empty()).then(|| String::from("ServerWithoutUsable"));
    let disabled = facts::bounded(
        &loaded.report.disabled,
        |(key, why)| json!({ "entry": facts::entry_key(key), "why": why }),
    );
    let json = json!({
        "generation": loaded.report.generation,
        "digest": loaded.report.digest.to_string(),
        "history": {
            "changes": history.changes.len(),
            "since_generation": history.since,
            "previous": history.previous,
        },
        "clock": facts::clock(view, now()),
        "entries": loaded.report.entries,
        "crls": loaded.report.crls,
        "disabled": disabled,
        "without_usable": servers,
    });
    Ok(Outcome::done("store-verify", lines.join("\n"), json).or_refused(refused))
}
