//! What is left to do in a rotation.

use mutual_trust::ServerId;
use mutual_trust::tls::{IdentityState, RotationPhase};

use super::arguments::{FolderArguments, KnownArguments};
use crate::plain;

/// How many servers a step names. The lines above it have them all.
const MAX_NAMED: usize = 8;

/// What is left to do before the current certificate can go, in its order.
pub(super) fn next_steps(
    place: &FolderArguments,
    named: &KnownArguments,
    state: &IdentityState,
    known: &[ServerId],
) -> String {
    if state.next().is_none() || state.may_finish(known) {
        return String::new();
    }
    let lagging = state.lagging(known);
    let ids = |is_activated: bool| {
        let meant = lagging
            .iter()
            .filter(|one| one.is_activated == is_activated)
            .map(|one| one.server.to_string());
        let mut meant: Vec<String> = meant.collect();
        let more = meant.len().saturating_sub(MAX_NAMED);
        meant.truncate(MAX_NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        meant.into_iter().chain(more).collect::<Vec<_>>().join(" ")
    };
    let folder = plain::path(&place.folder);
    let mut steps = Vec::new();
    let (to_activate, to_visit) = (ids(false), ids(true));
    if !to_activate.is_empty() {
        steps.push(format!(
            "activate the next certificate, once it is installed there: {to_activate}"
        ));
    }
    if !to_activate.is_empty() || !to_visit.is_empty() {
        let all = format!("{to_visit} {to_activate}");
        steps.push(format!(
            "connect to each with --store, --server and --identity {folder}, which records that it accepts the next certificate: {}",
            all.trim()
        ));
    }
    if known.is_empty() && state.phase() != RotationPhase::Activated {
        steps.push(match named.store {
            Some(_) => String::from("activate the next certificate for all: the store has no servers"),
            None => String::from(
                "look again with --store, so that the servers of the store are looked at; or activate the next certificate for all",
            ),
        });
    }
    if steps.is_empty() {
        steps.push(format!(
            "no server was seen to accept the next certificate: connect to each with --store, --server and --identity {folder}"
        ));
    }
    steps.push(format!("`identity finish --folder {folder}`"));
    let steps = steps.iter().zip(1_usize..);
    steps
        .map(|(step, number)| format!("\n  to do {number}: {step}"))
        .collect()
}
