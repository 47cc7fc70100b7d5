//! What the history of a store says of a fleet.

use std::path::Path;

use super::error::MemberError;
use super::{LEAVE, RESTRICTIONS, TAKE_OVER, source};
use crate::admin::bundle::FleetId;
use crate::admin::durable::Beside;
use crate::admin::durable::error::DurableError;
use crate::admin::{DurableSettings, DurableStore};

/// What the history of a store has of a fleet.
#[derive(Clone, Copy, Default)]
pub(super) struct Stored {
    /// The newest sequence.
    pub(super) sequence: u64,
    /// Whether a bundle was taken over since the store left the fleet.
    is_in_force: bool,
    /// The generation at which the history begins.
    pub(super) since: u64,
    /// The generation up to which it goes.
    pub(super) until: u64,
}

/// What the history of a store has of a fleet, behind a generation.
pub(super) fn stored(
    folder: &Path,
    settings: &DurableSettings,
    fleet: &FleetId,
    since: u64,
) -> Result<Stored, DurableError> {
    let history = DurableStore::history(folder, settings)?;
    let last = history.changes.last();
    let mut stored = Stored {
        since: history.since,
        until: last.map_or(history.since, |last| last.head.to),
        ..Stored::default()
    };
    let changes = history
        .changes
        .iter()
        .filter(|change| change.head.to > since);
    let calls = changes.flat_map(|change| &change.head.asked);
    let source = source(fleet);
    let words = format!("{source} sequence ");
    for (call, _) in calls {
        if call.strip_prefix(LEAVE) == Some(&*source) {
            stored.is_in_force = false;
        }
        let sequence = call.strip_prefix(TAKE_OVER).and_then(|what| {
            let rest = what.strip_prefix(RESTRICTIONS).unwrap_or(what);
            let (sequence, _) = rest.strip_prefix(&words)?.split_once(',')?;
            sequence.parse::<u64>().ok()
        });
        if let Some(sequence) = sequence {
            stored.sequence = stored.sequence.max(sequence);
            stored.is_in_force = true;
        }
    }
    Ok(stored)
}

/// Without entries, the history says that the file of the member is lost.
pub(super) fn check_stored(
    place: &Beside,
    fleet: &FleetId,
    stored: Stored,
) -> Result<(), MemberError> {
    match stored.is_in_force {
        false => Ok(()),
        true => Err(MemberError::StateLost {
            fleet: fleet.clone(),
            path: place.path().to_owned(),
            entries: 0,
        }),
    }
}
