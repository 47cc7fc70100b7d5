//! The file of a member, beside its store.

use std::path::Path;
use std::sync::Arc;

use super::error::MemberError;
use super::state::State;
use super::text::{self, Fault};
use crate::admin::bundle::FleetId;
use crate::admin::durable::{Beside, BesideStamp};
use crate::admin::file::Seal;
use crate::admin::follow::OF_FLEETS;
use crate::limits::MAX_MEMBER_BYTES;

/// The file as it was read or written last, under the lock of the store.
#[derive(Debug)]
pub(super) struct Filed {
    state: State,
    /// Its last lines: its digest and its seal.
    end: Vec<u8>,
    /// What made or verified the seal.
    seal: Option<Arc<dyn Seal>>,
    stamp: Option<BesideStamp>,
}

impl Filed {
    /// What the file was then.
    pub(super) fn stamp(&self) -> Option<BesideStamp> {
        self.stamp
    }

    /// Reads the file. `None` if there is none. One that has not changed, byte for byte, says what it said before.
    pub(super) fn read(
        filed: &mut Option<Self>,
        place: &Beside,
        fleet: &FleetId,
    ) -> Result<Option<State>, MemberError> {
        let known = filed.take();
        let stamp = place.stamp()?;
        let Some(bytes) = place.read(MAX_MEMBER_BYTES)? else {
            return Ok(None);
        };
        if let Some(known) = known.filter(|known| known.is(&bytes, place)) {
            let state = known.state.clone();
            *filed = Some(Self { stamp, ..known });
            return Ok(Some(state));
        }
        let state = State::of(&bytes, place, fleet)?;
        // Another program may have written it in another order.
        let end = bytes.strip_prefix(&*text::content(&state));
        *filed = end.map(|end| Self::new(&state, end, place, stamp));
        Ok(Some(state))
    }

    /// Replaces the file.
    pub(super) fn write(
        filed: &mut Option<Self>,
        state: &State,
        place: &Beside,
    ) -> Result<(), MemberError> {
        *filed = None;
        let (bytes, length) = text::write(state, place.seal());
        place.write(&bytes)?;
        let end = bytes.get(length..).unwrap_or(&[]);
        *filed = Some(Self::new(state, end, place, place.stamp()?));
        Ok(())
    }

    fn new(state: &State, end: &[u8], place: &Beside, stamp: Option<BesideStamp>) -> Self {
        Self {
            state: state.clone(),
            end: end.to_vec(),
            seal: place.seal_of().cloned(),
            stamp,
        }
    }

    /// Whether these bytes are the same, and the seal is judged by the same as then.
    fn is(&self, bytes: &[u8], place: &Beside) -> bool {
        let same_seal = match (&self.seal, place.seal_of()) {
            (Some(then), Some(now)) => Arc::ptr_eq(then, now),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let content = same_seal.then(|| text::content(&self.state));
        let end = content.and_then(|content| bytes.strip_prefix(&*content));
        end == Some(&*self.end)
    }
}

impl State {
    /// Reads the file. `None` if there is none.
    pub(super) fn read(place: &Beside, fleet: &FleetId) -> Result<Option<Self>, MemberError> {
        Filed::read(&mut None, place, fleet)
    }

    fn of(bytes: &[u8], place: &Beside, fleet: &FleetId) -> Result<Self, MemberError> {
        Self::sealed_by(place.seal(), bytes, place, fleet)
    }

    /// What the bytes of the file say, with another seal than that of the store.
    pub(super) fn sealed_by(
        seal: Option<&dyn Seal>,
        bytes: &[u8],
        place: &Beside,
        fleet: &FleetId,
    ) -> Result<Self, MemberError> {
        let path = || place.path().to_owned();
        let damaged = |why: String| MemberError::StateDamaged { path: path(), why };
        match text::read(bytes, seal) {
            Ok(state) if state.held.fleet() == fleet => Ok(state),
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
        Filed::write(&mut None, self, place)
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
