//! Takes over the names of a damaged file.

use super::{Claim, Scope, ServerId, Slot, TrustStore};
use crate::certificate::HostName;

impl TrustStore {
    /// Gives a name of a damaged file to a claimed server without pins, which then accepts no peer by it. A server with
    /// pins gets none: its pins would be trusted for one more name.
    ///
    /// Returns whether the server has the name now; `None` if it had it before.
    pub(crate) fn salvage_name(&mut self, id: &ServerId, name: &HostName) -> Option<bool> {
        if self
            .data
            .server_of(name)
            .is_some_and(|owner| owner.id == *id)
        {
            return None;
        }
        let data = self.data.data();
        let is_empty = self.data.server(id).is_some_and(|server| {
            let group = server.group.clone().map(Scope::Group);
            let has = |scope: &Scope| data.index(Slot::Pin, scope).is_some();
            server.claim == Claim::Claimed
                && !has(&Scope::Server(id.clone()))
                && !group.as_ref().is_some_and(has)
        });
        Some(is_empty && self.restore_name(id, name))
    }
}
