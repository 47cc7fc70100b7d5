//! Claims of servers by pins, and how a claim ends (rules P2 and P3).

use std::collections::BTreeSet;

use pki_types::UnixTime;

use super::{
    Claim, ClockState, EntryKey, GroupId, Outcome, Report, Scope, ServerId, Slot, StoreWarning,
    TrustSnapshot, TrustSource, TrustStore,
};
use crate::certificate::{Timestamp, seconds};
use crate::limits::MAX_MIGRATION;
use crate::store::error::StoreError;

/// The latest end of a migration that is set at `now`.
fn latest_end(now: UnixTime) -> i64 {
    let limit = i64::try_from(MAX_MIGRATION.as_secs()).unwrap_or(i64::MAX);
    seconds(now).saturating_add(limit)
}

impl TrustSnapshot {
    /// The servers whose migration ends later than could be set when this snapshot was published, with the end. An
    /// earlier version allowed them, or another program wrote them.
    #[cfg(feature = "admin")]
    pub(crate) fn long_migrations(&self) -> Vec<(ServerId, UnixTime)> {
        let latest = self.floor().map(latest_end);
        let long = |until: UnixTime| latest.is_none_or(|latest| seconds(until) > latest);
        let servers = self.data().servers.iter();
        let ends = servers.filter_map(|server| match server.claim {
            Claim::Migrating { until } if long(until) => Some((server.id.clone(), until)),
            Claim::Migrating { .. } | Claim::Claimed | Claim::Unclaimed => None,
        });
        // Only these are sorted: nearly always none.
        let mut ends: Vec<(ServerId, UnixTime)> = ends.collect();
        crate::certificate::sorted::sort_by(&mut ends, |(one, _), (other, _)| one.cmp(other));
        ends
    }
}

impl TrustStore {
    /// Lets a claimed server migrate until `until`. A pin that the server presents decides as before. Anything else is
    /// judged by the authorities, with a warning. After `until`, the claim holds again (rule P3).
    ///
    /// The end is at most 366 days ahead of the clock, or of the floor while the clock is unset. It can be set again.
    ///
    /// # Errors
    /// The server is not claimed. The end has passed or is too far ahead. There is neither a clock nor a floor to count
    /// from. There is no such server.
    pub fn migrate(&mut self, id: &ServerId, until: UnixTime) -> Result<Report, StoreError> {
        self.migrate_all(None, core::iter::once(id.clone()).collect(), until)
    }

    /// [`migrate`](Self::migrate) for the present members of a group.
    ///
    /// # Errors
    /// One of the members is not claimed. The end has passed or is too far ahead. There is neither a clock nor a floor
    /// to count from. There is no such group.
    pub fn migrate_group(&mut self, id: &GroupId, until: UnixTime) -> Result<Report, StoreError> {
        let members = self.data.known_group(id)?.members.clone();
        self.migrate_all(Some(id), members, until)
    }

    fn migrate_all(
        &mut self,
        group: Option<&GroupId>,
        servers: BTreeSet<ServerId>,
        until: UnixTime,
    ) -> Result<Report, StoreError> {
        for id in &servers {
            if self.data.known_server(id)?.claim == Claim::Unclaimed {
                return Err(StoreError::NotClaimed { server: id.clone() });
            }
        }
        self.check_end(until)?;
        self.check_migration(until)?;
        let before = self.data.before(&servers);
        let data = self.edit();
        for id in &servers {
            if let Some(server) = data.server_mut(id) {
                server.claim = Claim::Migrating { until };
            }
        }
        let end = Timestamp::from(until);
        // Of a group without members, this alone says who made the change.
        if let Some(group) = group {
            self.ask(format_args!("group migrate {group} until {end}"));
        }
        for id in &servers {
            self.ask(format_args!("migrate {id} until {end}"));
        }
        let mut report = self.finish(Outcome::Changed, before);
        for id in &servers {
            let server = self.data.server(id);
            let last = server.map(|server| self.data.last_level(server));
            if last == Some(TrustSource::Nothing) {
                let server = id.clone();
                report.warn(StoreWarning::NoAuthority { server });
            }
        }
        Ok(report)
    }

    /// Refuses an end that is too far away: such a migration would permanently give up the priority of pins (rules P2
    /// and P3).
    fn check_migration(&self, until: UnixTime) -> Result<(), StoreError> {
        // A clock that jumped is not used before it is confirmed: the end would stay when the clock is corrected (rule
        // M7).
        let latest = self.data.floor_after(self.now()).map(latest_end);
        if latest.is_some_and(|latest| seconds(until) <= latest) {
            return Ok(());
        }
        let state = self.clock_state();
        if matches!(state, ClockState::Jumped { .. }) {
            return Err(StoreError::ClockNotConfirmed { state });
        }
        Err(StoreError::MigrationTooLong {
            latest: latest.map(Timestamp),
            limit: MAX_MIGRATION.as_secs() / (24 * 60 * 60),
        })
    }

    /// Ends a migration early. The server must present a pin again.
    ///
    /// # Errors
    /// The server is not claimed. There is no such server.
    pub fn stop_migrating(&mut self, id: &ServerId) -> Result<Report, StoreError> {
        match self.data.known_server(id)?.claim {
            Claim::Unclaimed => Err(StoreError::NotClaimed { server: id.clone() }),
            Claim::Claimed => Ok(Report::new(Outcome::Unchanged, self.data.generation())),
            Claim::Migrating { .. } => {
                let before = self.data.before([id]);
                self.ask(format_args!("stop-migrating {id}"));
                if let Some(server) = self.edit().server_mut(id) {
                    server.claim = Claim::Claimed;
                }
                Ok(self.finish(Outcome::Changed, before))
            }
        }
    }

    /// Ends the claim of a server and removes its own pins. Authorities decide about it from now on (rule P2).
    ///
    /// # Security
    /// This is the only call after which an authority can vouch for a server that had a pin.
    ///
    /// # Errors
    /// The server's group holds a pin, or the server is not claimed. There is no such server.
    #[must_use = "the report says which peers the change may lock out"]
    pub fn release(&mut self, id: &ServerId) -> Result<Report, StoreError> {
        let server = self.data.known_server(id)?;
        if let Some(group) = server.group()
            && self.data.holds(Slot::Pin, Scope::Group(group.clone()))
        {
            return Err(StoreError::GroupHoldsPin {
                server: id.clone(),
                group: group.clone(),
            });
        }
        if server.claim == Claim::Unclaimed {
            return Err(StoreError::NotClaimed { server: id.clone() });
        }
        let keys = self.keys_of(&[(Slot::Pin, Scope::Server(id.clone()))]);
        Ok(self.release_all(None, core::iter::once(id.clone()).collect(), keys))
    }

    /// [`release`](Self::release) for the present members of a group, with the group's own pins.
    ///
    /// # Security
    /// As for [`release`](Self::release), for every present member.
    ///
    /// # Errors
    /// There is no such group.
    #[must_use = "the report says which peers the change may lock out"]
    pub fn release_group(&mut self, id: &GroupId) -> Result<Report, StoreError> {
        let members = self.data.known_group(id)?.members.clone();
        let mut scopes = vec![(Slot::Pin, Scope::Group(id.clone()))];
        scopes.extend(
            members
                .iter()
                .map(|member| (Slot::Pin, Scope::Server(member.clone()))),
        );
        let keys = self.keys_of(&scopes);
        Ok(self.release_all(Some(id), members, keys))
    }

    fn release_all(
        &mut self,
        group: Option<&GroupId>,
        servers: BTreeSet<ServerId>,
        keys: Vec<EntryKey>,
    ) -> Report {
        let before = self.data.before(&servers);
        if let Some(group) = group {
            self.ask(format_args!("group release {group}"));
        }
        for id in &servers {
            self.ask(format_args!("release {id}"));
        }
        let removed = self.take_all(&keys);
        let data = self.edit();
        for id in &servers {
            if let Some(server) = data.server_mut(id) {
                server.claim = Claim::Unclaimed;
            }
        }
        let mut report = self.finish(Outcome::Changed, before);
        self.report_removed(&removed, &mut report);
        report
    }

    /// Marks servers as claimed. Returns those that were unclaimed before.
    pub(super) fn claim<'a>(
        &mut self,
        servers: impl IntoIterator<Item = &'a ServerId>,
    ) -> Vec<ServerId> {
        let data = self.edit();
        let mut claimed = Vec::new();
        for id in servers {
            if let Some(server) = data.server_mut(id)
                && server.claim == Claim::Unclaimed
            {
                server.claim = Claim::Claimed;
                claimed.push(id.clone());
            }
        }
        claimed
    }
}
