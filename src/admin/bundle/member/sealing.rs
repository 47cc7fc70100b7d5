//! Gives the file of a member the seal that the store has now.

use super::error::MemberError;
use super::kept::Filed;
use super::state::State;
use super::stored::{Stored, stored};
use super::{FleetMember, Memory, place, text};
use crate::admin::DurableStore;
use crate::admin::durable::Beside;
use crate::admin::durable::error::DurableError;
use crate::limits::MAX_MEMBER_BYTES;
use crate::store::TrustStore;

impl FleetMember {
    /// Writes the file of the member with the seal that the store has now, after
    /// [`set_seal`](DurableStore::set_seal). What another process has written since this one read the file stays: it is read
    /// and sealed.
    ///
    /// Open or [refresh](Self::refresh) the member just before `set_seal`. The history before it cannot be read with the new
    /// seal, and what another process took over there is not known.
    ///
    /// # Errors
    /// The file is older than what was taken over. It has neither the seal of the store nor the content that this member
    /// last read, and the seal from before does not verify it; or the store was changed between the last call of the
    /// member and `set_seal`: then [`rejoin`](Self::rejoin). The store was not reached, or the file was not written.
    pub fn seal_again(&mut self, store: &mut DurableStore) -> Result<(), MemberError> {
        let place = place(store, &self.fleet);
        let (folder, settings) = (store.folder().to_owned(), store.settings().clone());
        let mut memory = core::mem::take(&mut self.memory);
        self.checked = None;
        let sealed = store.try_change(|store| {
            let look = |since| stored(&folder, &settings, &self.fleet, since);
            let (from, seal) = (&mut memory, place.seal_of().cloned());
            let state = self.read_sealed_before(&place, store, from, look)?;
            Filed::write(&mut from.file, &state, &place)?;
            from.seal = seal;
            Ok::<_, MemberError>(state)
        });
        self.memory = memory;
        self.state = sealed?;
        self.memory.records.keep(&self.state);
        self.tell(store);
        Ok(())
    }

    /// Reads the file, also if it has the seal from before.
    fn read_sealed_before(
        &self,
        place: &Beside,
        store: &TrustStore,
        memory: &mut Memory,
        look: impl Fn(u64) -> Result<Stored, DurableError>,
    ) -> Result<State, MemberError> {
        let refused = match self.read(place, store, memory, &look) {
            Err(error @ MemberError::StateNotSealed { .. }) => error,
            read => return read,
        };
        let Some(bytes) = place.read(MAX_MEMBER_BYTES)? else {
            return Err(refused);
        };
        let state = match (
            bytes.starts_with(&text::unsealed(&self.state)),
            &memory.seal,
        ) {
            // The same content needs no seal.
            (true, _) => self.state.clone(),
            (false, Some(seal)) => {
                State::sealed_by(Some(&**seal), &bytes, place, &self.fleet).map_err(|_| refused)?
            }
            (false, None) => return Err(refused),
        };
        let found = look(state.since)?;
        // What the history had in between cannot be read any more.
        if memory.looked.is_none_or(|looked| looked < found.since) {
            let path = place.path().to_owned();
            return Err(MemberError::StateNotSealed { path });
        }
        self.check_age(&state, &found, place)?;
        memory.looked = Some(found.until);
        Ok(state)
    }
}
