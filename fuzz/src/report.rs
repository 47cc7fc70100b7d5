//! Checks what a report says about a change.

use mutual_trust::Certificate;
use mutual_trust::store::{BlockSelector, Claim, Consequence, EntryKey, Outcome, Report, ServerId};

use crate::snapshot::Snapshot;

/// What is known about the call.
pub(crate) struct Call {
    /// It installs something.
    pub(crate) installs: bool,
    /// It may end a claim (rule P2).
    pub(crate) may_release: bool,
}

/// A report says the same as the difference between two snapshots.
pub(crate) fn told(call: &Call, report: &Report, before: &Snapshot, after: &Snapshot) {
    assert_eq!(report.generation(), after.generation);
    assert!(report.to_string().contains(&after.generation.to_string()));
    if report.done() == Outcome::Unchanged {
        assert_eq!(before, after, "nothing was to change");
    } else {
        assert!(
            after.generation > before.generation,
            "a change without a number"
        );
        assert!(
            !call.installs || !before.same_content(after),
            "nothing changed: {report}"
        );
    }
    let is_new = |key: &EntryKey| before.entries.iter().all(|(other, _)| other != key);
    for (key, (certificate, ..)) in after.entries.iter().filter(|(key, _)| is_new(key)) {
        assert!(
            report
                .consequences()
                .contains(&Consequence::Entry(key.clone())),
            "{key} is not told"
        );
        let hit = after
            .blocks
            .iter()
            .find(|block| names(block, key, certificate.as_ref()));
        assert_eq!(hit, None, "{key} was installed");
    }
    let claimed: Vec<&ServerId> = after
        .servers
        .iter()
        .filter(|(id, server)| {
            let was = before
                .servers
                .get(id)
                .map_or(Claim::Unclaimed, |server| server.claim);
            was == Claim::Unclaimed && server.claim != Claim::Unclaimed
        })
        .map(|(id, _)| id)
        .collect();
    let claims = report.consequences().iter().filter_map(|one| match one {
        Consequence::Claimed(server) => Some(server),
        _ => None,
    });
    let mut told: Vec<&ServerId> = claims.collect();
    told.sort();
    assert_eq!(told, claimed, "what is claimed is told");
    for (id, was) in &before.servers {
        let Some(is) = after.servers.get(id) else {
            assert_eq!(was.claim, Claim::Unclaimed, "claimed {id} was deleted");
            continue;
        };
        let lost = was.claim != Claim::Unclaimed && is.claim == Claim::Unclaimed;
        assert!(!lost || call.may_release, "{id} lost its claim: {report}");
        // The second shift of a migrating server gives the level that is used last.
        let told = report.consequences().iter().any(|one| {
            matches!(one, Consequence::TrustSource(change)
                if change.server == *id && (change.from, change.to) == (was.level, is.level))
        });
        assert_eq!(told, was.level != is.level, "{id}: {report}");
    }
}

/// Whether a block names what is installed under `key`.
fn names(block: &BlockSelector, key: &EntryKey, certificate: Option<&Certificate>) -> bool {
    let print = key.fingerprint;
    let pin = certificate.map(Certificate::key_pin);
    match block {
        BlockSelector::Fingerprint(blocked) => *blocked == print,
        BlockSelector::Key(blocked) => pin == Some(*blocked),
        BlockSelector::Certificate {
            fingerprint, key, ..
        } => *fingerprint == print || pin == Some(*key),
        BlockSelector::IssuerSerial { issuer, serial, .. } => certificate
            .is_some_and(|held| held.issuer_der() == &**issuer && held.serial() == &**serial),
        _ => panic!("a block of a kind that this target does not know: {block}"),
    }
}
