//! The file of a member, beside its store.

use std::path::Path;

use super::error::MemberError;
use super::state::State;
use super::text::{self, Fault};
use crate::admin::bundle::FleetId;
use crate::admin::durable::Beside;
use crate::admin::follow::OF_FLEETS;
use crate::limits::MAX_MEMBER_BYTES;

impl State {
    /// Reads the file. `None` if there is none.
    pub(super) fn read(place: &Beside, fleet: &FleetId) -> Result<Option<Self>, MemberError> {
        let Some(bytes) = place.read(MAX_MEMBER_BYTES)? else {
            return Ok(None);
        };
        let path = || place.path().to_owned();
        let damaged = |why: String| MemberError::StateDamaged { path: path(), why };
        match text::read(&bytes, place.seal()) {
            Ok(state) if state.held.fleet() == fleet => Ok(Some(state)),
            Ok(state) => Err(damaged(format!("it is of fleet {}", state.held.fleet()))),
            Err(Fault::Seal) => Err(MemberError::StateNotSealed { path: path() }),
            Err(Fault::Damaged(why)) => Err(damaged(why)),
        }
    }

    /// Whether the file is there, and not a copy of that of another fleet under this name. One that is damaged is there.
    pub(super) fn is_there(place: &Beside, fleet: &FleetId) -> bool {
        let Ok(Some(bytes)) = place.read(MAX_MEMBER_BYTES) else {
            return false;
        };
        text::read(&bytes, None).map_or(true, |state| state.held.fleet() == fleet)
    }

    /// Replaces the file.
    pub(super) fn write(&self, place: &Beside) -> Result<(), MemberError> {
        let content = text::write(self, place.seal());
        Ok(place.write(&content)?)
    }
}

/// The start of the names of the files of members.
pub(super) const FILE: &str = "fleet-";

/// Whether a source of entries is a fleet of which the store is a member.
pub(in crate::admin) fn is_member(folder: &Path, source: &str) -> bool {
    let fleet = source.strip_prefix(OF_FLEETS);
    let fleet = fleet.and_then(|fleet| fleet.parse::<FleetId>().ok());
    fleet.is_some_and(|fleet| folder.join(format!("{FILE}{fleet}")).is_file())
}
