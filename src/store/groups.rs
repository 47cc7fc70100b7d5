//! Groups of servers that replicate one certificate.

use std::collections::BTreeSet;

use super::consequence::Consequence;
use super::group::Group;
use super::{GroupId, Outcome, Report, Scope, ServerId, Slot, TrustStore};
use crate::store::error::StoreError;

impl TrustStore {
    /// Adds a group without members.
    ///
    /// # Errors
    /// The id is taken.
    pub fn add_group(&mut self, id: GroupId) -> Result<Report, StoreError> {
        if self.data.group(&id).is_some() {
            return Err(StoreError::GroupExists(id));
        }
        self.ask(format_args!("group add {id}"));
        let members = BTreeSet::new();
        self.edit().add_group(Group { id, members });
        Ok(self.finish(Outcome::Added, Vec::new()))
    }

    /// Deletes a group with its pins. Its members stay claimed (rule P2).
    ///
    /// # Errors
    /// There is no such group.
    pub fn remove_group(&mut self, id: &GroupId) -> Result<Report, StoreError> {
        let members = self.data.known_group(id)?.members.clone();
        self.ask(format_args!("group remove {id}"));
        let before = self.data.before(&members);
        let keys = self.keys_of(&[(Slot::Pin, Scope::Group(id.clone()))]);
        let removed = self.take_all(&keys);
        let data = self.edit();
        for member in &members {
            if let Some(server) = data.server_mut(member) {
                server.group = None;
            }
        }
        data.drop_group(id);
        let mut report = self.finish(Outcome::Removed, before);
        self.report_removed(&removed, &mut report);
        Ok(report)
    }

    /// Makes a server a member of a group. If the group holds a pin, the server becomes claimed.
    ///
    /// # Errors
    /// The server is in another group. There is no such server or group.
    pub fn join_group(&mut self, group: &GroupId, id: &ServerId) -> Result<Report, StoreError> {
        self.data.known_group(group)?;
        let server = self.data.known_server(id)?;
        match &server.group {
            Some(found) if found == group => {
                return Ok(Report::new(Outcome::Unchanged, self.data.generation()));
            }
            Some(other) => {
                return Err(StoreError::InAnotherGroup {
                    server: id.clone(),
                    group: other.clone(),
                });
            }
            None => {}
        }
        let before = self.data.before([id]);
        self.ask(format_args!("group join {group} {id}"));
        let claims = self.data.holds(Slot::Pin, Scope::Group(group.clone()));
        let data = self.edit();
        if let Some(group) = data.group_mut(group) {
            group.members.insert(id.clone());
        }
        if let Some(server) = data.server_mut(id) {
            server.group = Some(group.clone());
        }
        let claimed = if claims { self.claim([id]) } else { Vec::new() };
        let mut report = self.finish(Outcome::Changed, before);
        claimed
            .into_iter()
            .for_each(|id| report.push(Consequence::Claimed(id)));
        Ok(report)
    }

    /// Removes a server from its group. A claim stays (rule P2).
    ///
    /// # Errors
    /// The server is in no group. There is no such server.
    pub fn leave_group(&mut self, id: &ServerId) -> Result<Report, StoreError> {
        let server = self.data.known_server(id)?;
        let Some(group) = server.group.clone() else {
            return Err(StoreError::NotInGroup { server: id.clone() });
        };
        let before = self.data.before([id]);
        self.ask(format_args!("group leave {id}"));
        let data = self.edit();
        if let Some(group) = data.group_mut(&group) {
            group.members.remove(id);
        }
        if let Some(server) = data.server_mut(id) {
            server.group = None;
        }
        Ok(self.finish(Outcome::Changed, before))
    }
}
