//! The order in which servers are asked, and which of them replicate another one. No verdict depends on it (rule P8).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Outcome, Report, Server, ServerId, ServerRole, TrustSnapshot, TrustStore};
use crate::limits::MAX_SERVERS_IN_ORDER;
use crate::store::error::StoreError;

impl TrustSnapshot {
    /// All servers in the order in which a program asks them: primaries by their place, servers without a place by id,
    /// then the secondaries of each of these by their place. It sorts them, so it is not for the handshake path.
    ///
    /// A server whose primary does not exist, or is a secondary itself, counts as a server without a place.
    pub fn servers_in_order(&self) -> Vec<&Server> {
        let primary_of = |server: &Server| {
            let primary = self.primary_of(server)?;
            let primary = self.server(primary)?;
            let is_primary = self.primary_of(primary).is_none();
            is_primary.then(|| primary.id().clone())
        };
        let (mut placed, mut rest) = (Vec::new(), Vec::new());
        let mut secondaries: BTreeMap<ServerId, Vec<(usize, &Server)>> = BTreeMap::new();
        for server in self.servers() {
            match (primary_of(server), server.role()) {
                (Some(primary), Some(ServerRole::Secondary { place, .. })) => {
                    let of = secondaries.entry(primary).or_default();
                    of.push((*place, server));
                }
                (_, Some(ServerRole::Primary { place })) => placed.push((*place, server)),
                _ => rest.push(server),
            }
        }
        // Servers come by id, and the sort is stable.
        placed.sort_by_key(|(place, _)| *place);
        let mut all: Vec<&Server> = placed.into_iter().map(|(_, server)| server).collect();
        all.extend(rest);
        let of_primary = |primary: &&Server| secondaries.remove(primary.id());
        let behind: Vec<_> = all.iter().filter_map(of_primary).collect();
        for mut list in behind {
            list.sort_by_key(|(place, _)| *place);
            all.extend(list.into_iter().map(|(_, server)| server));
        }
        all
    }

    /// The primary of a secondary, if it exists: it may have been removed.
    fn primary_of<'a>(&self, server: &'a Server) -> Option<&'a ServerId> {
        let primary = server.role().and_then(ServerRole::primary_id)?;
        self.server(primary).map(|_| primary)
    }

    /// Whether a server has a role.
    #[cfg(feature = "admin")]
    pub(crate) fn has_roles(&self) -> bool {
        let mut servers = self.data().servers.iter();
        servers.any(|server| server.role().is_some())
    }

    /// The servers of a role, by id.
    fn with_role(&self, is: impl Fn(&ServerRole) -> bool) -> BTreeSet<ServerId> {
        let servers = self.data().servers.iter();
        let found = servers.filter(|server| server.role().is_some_and(&is));
        found.map(|server| server.id().clone()).collect()
    }
}

impl TrustStore {
    /// Sets the primary key servers, in the order in which they are asked. It replaces the earlier order: a primary that
    /// is not listed has no place any more. A secondary that is listed becomes a primary. Without ids, no server has a
    /// place among the primaries.
    ///
    /// The order is for programs that connect, which read it from [`TrustSnapshot::servers_in_order`]. No verdict depends
    /// on it.
    ///
    /// ```
    /// use mutual_trust::{KeyPolicy, ServerId, TrustStore};
    ///
    /// let mut store = TrustStore::new(KeyPolicy::new(&[]));
    /// let [east, west, spare]: [ServerId; 3] = ["east".parse()?, "west".parse()?, "west-2".parse()?];
    /// for id in [&east, &west, &spare] {
    ///     store.add_server(id.clone(), [])?;
    /// }
    /// store.set_server_order([west.clone(), east.clone()])?;
    /// store.set_secondaries(&west, [spare.clone()])?;
    /// let order = store.contents().servers_in_order();
    /// assert!(order.iter().map(|server| server.id()).eq([&west, &east, &spare]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A server does not exist or is listed twice, or there are more than 64.
    pub fn set_server_order(
        &mut self,
        primaries: impl IntoIterator<Item = ServerId>,
    ) -> Result<Report, StoreError> {
        let listed = self.known_list(primaries)?;
        let is_primary = |role: &ServerRole| role.primary_id().is_none();
        let before = self.data.with_role(is_primary);
        let roles = places(&listed).map(|(place, id)| (id, ServerRole::primary(place)));
        Ok(self.give_roles("server order".to_owned(), before, roles.collect()))
    }

    /// Sets the secondaries of a primary, in the order in which they are asked: servers that replicate it. It replaces
    /// those that it had. Without ids, it has none. A secondary whose own primary was removed can get secondaries: it is
    /// a secondary no more.
    ///
    /// # Errors
    /// A server does not exist or is listed twice; there are more than 64; the primary is a secondary itself, or a
    /// secondary has secondaries.
    pub fn set_secondaries(
        &mut self,
        primary: &ServerId,
        secondaries: impl IntoIterator<Item = ServerId>,
    ) -> Result<Report, StoreError> {
        let known = self.data.known_server(primary)?;
        if let Some(of) = self.data.primary_of(known) {
            return Err(StoreError::SecondaryOfSecondary {
                primary: of.clone(),
                secondary: primary.clone(),
            });
        }
        let listed = self.known_list(secondaries)?;
        if listed.contains(primary) {
            return Err(StoreError::ServerListedTwice(primary.clone()));
        }
        for server in self.data.data().servers.iter() {
            let of = server.role().and_then(ServerRole::primary_id);
            if let Some(of) = of.filter(|of| listed.contains(of)) {
                return Err(StoreError::SecondaryOfSecondary {
                    primary: of.clone(),
                    secondary: server.id().clone(),
                });
            }
        }
        let is_its = |role: &ServerRole| role.primary_id() == Some(primary);
        let mut before = self.data.with_role(is_its);
        let is_orphan = known.role().and_then(ServerRole::primary_id).is_some();
        if is_orphan && !listed.is_empty() {
            // If its primary is added again later, it must not be a secondary that has secondaries.
            before.insert(primary.clone());
        }
        let roles =
            places(&listed).map(|(place, id)| (id, ServerRole::secondary(primary.clone(), place)));
        let call = format!("server secondaries {primary}");
        Ok(self.give_roles(call, before, roles.collect()))
    }

    /// Checks a list of servers.
    fn known_list(
        &self,
        ids: impl IntoIterator<Item = ServerId>,
    ) -> Result<Vec<ServerId>, StoreError> {
        let mut listed = Vec::new();
        for id in ids {
            self.data.known_server(&id)?;
            if listed.contains(&id) {
                return Err(StoreError::ServerListedTwice(id));
            }
            if listed.len() == MAX_SERVERS_IN_ORDER {
                return Err(StoreError::TooManyInOrder {
                    limit: MAX_SERVERS_IN_ORDER,
                });
            }
            listed.push(id);
        }
        Ok(listed)
    }

    /// Gives servers their roles, and takes them from those that had them `before` and are not listed.
    fn give_roles(
        &mut self,
        mut call: String,
        before: BTreeSet<ServerId>,
        roles: Vec<(ServerId, ServerRole)>,
    ) -> Report {
        for (id, _) in &roles {
            call.push(' ');
            call.push_str(id.as_str());
        }
        let listed: BTreeSet<ServerId> = roles.iter().map(|(id, _)| id.clone()).collect();
        let gone = before.difference(&listed).map(|id| (id.clone(), None));
        let mut changed: Vec<(ServerId, Option<ServerRole>)> = gone.collect();
        changed.extend(roles.into_iter().map(|(id, role)| (id, Some(role))));
        changed.retain(|(id, role)| {
            let server = self.data.server(id);
            server.is_some_and(|server| server.role() != role.as_ref())
        });
        if changed.is_empty() {
            return Report::new(Outcome::Unchanged, self.data.generation());
        }
        self.ask(format_args!("{call}"));
        let data = self.edit();
        for (id, role) in changed {
            if let Some(server) = data.server_mut(&id) {
                server.role = role.map(Arc::new);
            }
        }
        self.finish(Outcome::Changed, Vec::new())
    }
}

/// The places of a list, from 1.
fn places(listed: &[ServerId]) -> impl Iterator<Item = (usize, ServerId)> {
    (1_usize..).zip(listed.iter().cloned())
}
