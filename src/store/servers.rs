//! Servers, their names, their groups, and their claims (rules P2 and P3).

use pki_types::UnixTime;

use super::consequence::Consequence;
use super::{
    Claim, EntryKey, Group, GroupId, Outcome, Report, Scope, Server, ServerId, Slot, StoreWarning,
    TrustSnapshot, TrustSource, TrustSourceChange, TrustStore,
};
use crate::certificate::{CurrentTime, HostName, seconds};
use crate::store::error::StoreError;

impl TrustSnapshot {
    pub(super) fn known_server(&self, id: &ServerId) -> Result<&Server, StoreError> {
        self.server(id)
            .ok_or_else(|| StoreError::UnknownServer(id.clone()))
    }

    pub(super) fn known_group(&self, id: &GroupId) -> Result<&Group, StoreError> {
        self.group(id)
            .ok_or_else(|| StoreError::UnknownGroup(id.clone()))
    }

    /// The trust source of each of `servers`, for [`TrustStore::finish`].
    pub(super) fn before<'a>(
        &self,
        servers: impl IntoIterator<Item = &'a ServerId>,
    ) -> Vec<Before> {
        let known = servers.into_iter().filter_map(|id| self.server(id));
        known
            .map(|server| Before {
                server: server.id().clone(),
                asked: self.level(server),
                last: self.last_level(server),
            })
            .collect()
    }
}

/// The trust source of a server before a change.
pub(super) struct Before {
    server: ServerId,
    asked: TrustSource,
    last: TrustSource,
}

impl TrustStore {
    /// Completes a change: makes a new generation, and reports the changed trust sources of the servers in `before`.
    pub(super) fn finish(&mut self, done: Outcome, before: Vec<Before>) -> Report {
        let data = self.edit();
        data.grow();
        let mut report = Report::new(done, data.generation);
        for before in before {
            let Some(server) = self.data.server(&before.server) else {
                continue;
            };
            let asked = (before.asked, self.data.level(server));
            let last = (before.last, self.data.last_level(server));
            if asked.0 != asked.1 && asked.1 == TrustSource::NoUsablePin {
                report.warn(StoreWarning::NoUsablePin {
                    server: before.server.clone(),
                });
            }
            // For a server that does not migrate, the first and the last source are the same.
            let both = [asked, last];
            let migrates = matches!(server.claim(), Claim::Migrating { .. });
            // A migration that ends with another source: the first change says what decides now.
            let is_said = asked == last || (!migrates && asked.0 != asked.1);
            let shifts = if is_said { &both[..1] } else { &both[..] };
            for (place, (from, to)) in shifts
                .iter()
                .enumerate()
                .filter(|(_, (from, to))| from != to)
            {
                report.push(Consequence::TrustSource(TrustSourceChange {
                    server: before.server.clone(),
                    from: *from,
                    to: *to,
                    migrates: migrates && place == 1,
                }));
            }
        }
        self.warn_of_clock(&mut report);
        report
    }

    /// Adds a server with its names. A server that is reached by id only has none.
    ///
    /// # Errors
    /// The id or one of the names is taken.
    pub fn add_server(
        &mut self,
        id: ServerId,
        names: impl IntoIterator<Item = HostName>,
    ) -> Result<Report, StoreError> {
        if self.data.server(&id).is_some() {
            return Err(StoreError::ServerExists(id));
        }
        let server = Server::new(id, names);
        for name in server.names.iter() {
            self.free_name(name)?;
        }
        self.ask(format_args!("server add {}", server.id));
        self.edit().add_server(server);
        Ok(self.finish(Outcome::Added, Vec::new()))
    }

    /// Deletes a server that is not claimed, with its authorities; it leaves its group.
    ///
    /// # Errors
    /// The server is claimed: `release` it first. There is no such server.
    #[must_use = "the report says which peers the change may lock out"]
    pub fn remove_server(&mut self, id: &ServerId) -> Result<Report, StoreError> {
        let server = self.data.known_server(id)?.clone();
        if server.claim != Claim::Unclaimed {
            return Err(StoreError::Claimed { server: id.clone() });
        }
        self.ask(format_args!("server remove {id}"));
        let scope = Scope::Server(id.clone());
        let keys = self.keys_of(&[(Slot::Authority, scope.clone()), (Slot::Pin, scope)]);
        let removed = self.take_all(&keys);
        let data = self.edit();
        if let Some(group) = server
            .group
            .as_ref()
            .and_then(|group| data.group_mut(group))
        {
            group.members.remove(id);
        }
        data.drop_server(id);
        let mut report = self.finish(Outcome::Removed, Vec::new());
        self.report_removed(&removed, &mut report);
        Ok(report)
    }

    /// Adds a name to a server.
    ///
    /// # Errors
    /// Another server has the name: `move_name` moves it. There is no such server.
    pub fn add_name(&mut self, id: &ServerId, name: HostName) -> Result<Report, StoreError> {
        let server = self.data.known_server(id)?;
        if server.names.contains(&name) {
            return Ok(Report::new(Outcome::Unchanged, self.data.generation()));
        }
        self.free_name(&name)?;
        self.ask(format_args!("server add-name {id} {name}"));
        self.edit().add_name(id, name);
        Ok(self.finish(Outcome::Changed, Vec::new()))
    }

    /// Moves a name to another server. A name of a claimed server can only move to a claimed server. Otherwise an
    /// authority could vouch for a server that is dialled by this name (words of the rules, *server*).
    ///
    /// # Errors
    /// The name belongs to no server, or its server is claimed and the other is not. There is no such server.
    pub fn move_name(&mut self, name: &HostName, to: &ServerId) -> Result<Report, StoreError> {
        let target = self.data.known_server(to)?.claim;
        let from = self.owner(name)?.clone();
        if from.id == *to {
            return Ok(Report::new(Outcome::Unchanged, self.data.generation()));
        }
        if from.claim != Claim::Unclaimed && target != Claim::Claimed {
            return Err(StoreError::Claimed { server: from.id });
        }
        self.ask(format_args!("server move-name {name} {to}"));
        let data = self.edit();
        data.drop_name(&from.id, name);
        data.add_name(to, name.clone());
        Ok(self.finish(Outcome::Changed, Vec::new()))
    }

    /// Removes a name from its server, claimed or not. The name then belongs to no server.
    ///
    /// # Security
    /// For a claimed server, the claim no longer covers the name: under a policy that allows unlisted names,
    /// authorities may then vouch for it.
    ///
    /// # Errors
    /// The name belongs to no server.
    pub fn release_name(&mut self, name: &HostName) -> Result<Report, StoreError> {
        let from = self.owner(name)?.id.clone();
        self.ask(format_args!("server release-name {name}"));
        self.edit().drop_name(&from, name);
        Ok(self.finish(Outcome::Removed, Vec::new()))
    }

    /// Sets the names of which a chain's certificate must have one, instead of the server's own names (rule C2). With
    /// no names, the server's own names are used again.
    ///
    /// # Errors
    /// There is no such server.
    pub fn set_reference_names(
        &mut self,
        id: &ServerId,
        names: impl IntoIterator<Item = HostName>,
    ) -> Result<Report, StoreError> {
        self.data.known_server(id)?;
        self.ask(format_args!("server expect {id}"));
        if let Some(server) = self.edit().server_mut(id) {
            server.expected = names.into_iter().collect();
        }
        Ok(self.finish(Outcome::Changed, Vec::new()))
    }

    /// The keys of all entries of some slots and scopes, in order.
    pub(super) fn keys_of(&self, scopes: &[(Slot, Scope)]) -> Vec<EntryKey> {
        let indexes = scopes
            .iter()
            .filter_map(|(slot, scope)| self.data.data().index(*slot, scope));
        let mut keys: Vec<EntryKey> = indexes
            .flat_map(|index| index.iter().map(|entry| entry.key()))
            .collect();
        keys.sort();
        keys
    }

    fn owner(&self, name: &HostName) -> Result<&Server, StoreError> {
        self.data
            .server_of(name)
            .ok_or_else(|| StoreError::UnknownName(name.clone()))
    }

    pub(super) fn free_name(&self, name: &HostName) -> Result<(), StoreError> {
        match self.data.server_of(name) {
            None => Ok(()),
            Some(server) => Err(StoreError::NameTaken {
                name: name.clone(),
                server: server.id.clone(),
            }),
        }
    }

    /// Checks that an end is in the future, as far as the time is known.
    pub(super) fn check_end(&self, end: UnixTime) -> Result<(), StoreError> {
        let clock = self.clock.now();
        if matches!(clock, CurrentTime::Known(now) if seconds(end) <= seconds(now)) {
            return Err(StoreError::EndInThePast);
        }
        match self.data.floor() {
            Some(floor) if self.now() == CurrentTime::Unset && seconds(end) <= seconds(floor) => {
                let state = self.clock_state();
                Err(StoreError::EndAtFloor { state })
            }
            _ => Ok(()),
        }
    }
}
