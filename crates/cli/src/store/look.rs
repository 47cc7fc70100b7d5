//! Shows whether a store is complete.

use mutual_trust::TrustSnapshot;
use mutual_trust::admin::file::SealState;
use mutual_trust::admin::{DurableStore, servers_without_usable};

use super::make::{Common, now};
use crate::facts;
use crate::json::{Disabled, HistoryFacts, Verified, WithoutUsable};
use crate::output::{Failure, Outcome, shown};

/// Reads the store whole, and says what of it accepts nothing.
pub(super) fn verify(common: &Common) -> Result<Outcome, Failure> {
    let settings = common.settings()?;
    let loaded = DurableStore::read(common.folder()?, &settings)?;
    let history = DurableStore::history(common.folder()?, &settings)?;
    let view: &TrustSnapshot = loaded.store.contents();
    let policy = common.policy();
    let without = servers_without_usable(view, &policy, now());
    let mut lines = vec![
        format!("whole: {}", shown(&loaded.report)),
        format!("digest: {}", loaded.report.digest),
    ];
    if loaded.report.seal == SealState::Verified {
        lines.push(String::from("sealed: the seal is that of the key"));
    }
    lines.push(format!(
        "history: {} changes, since generation {}",
        history.changes.len(),
        history.since
    ));
    // A file that ends sooner, behind a whole change, is whole as well.
    lines.push(format!(
        "newest: changes after generation {} that are cut off are not noticed here; compare it with what the service, its log or a backup has",
        loaded.report.generation
    ));
    if !history.refusals.is_empty() {
        lines.push(format!("refused changes in it: {}", history.refusals.len()));
    }
    if let Some(why) = &history.previous {
        lines.push(format!(
            "warning: trust-store.previous does not belong to it: {why}"
        ));
    }
    lines.extend(facts::clock_lines(view, now()));
    let servers: Vec<WithoutUsable> = without
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
            WithoutUsable {
                server: one.server.to_string(),
                reason: one.reason.to_string(),
            }
        })
        .collect();
    let (usable, few) = facts::usable_servers(view, &policy, now());
    lines.extend(few.map(|few| format!("warning: {few}")));
    let refused = (!without.is_empty()).then(|| String::from("ServerWithoutUsable"));
    let disabled = facts::bounded(&loaded.report.disabled, |(key, why)| Disabled {
        entry: facts::entry_key(key),
        why: why.to_string(),
    });
    let verified = Verified {
        generation: loaded.report.generation,
        digest: loaded.report.digest.to_string(),
        seal: facts::seal(loaded.report.seal),
        history: HistoryFacts {
            changes: history.changes.len(),
            refusals: history.refusals.len(),
            since_generation: history.since,
            previous: history.previous,
        },
        clock: facts::clock(view, now()),
        entries: loaded.report.entries,
        crls: loaded.report.crls,
        disabled,
        without_usable: servers,
        servers: usable,
    };
    Ok(Outcome::of(lines.join("\n"), &verified).or_refused(refused))
}
