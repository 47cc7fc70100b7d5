//! The names of the servers of a bundle.

use super::{Merge, NameConflict, Notice};
use crate::certificate::HostName;
use crate::store::{Claim, Server, ServerId};

impl Merge<'_> {
    /// Gives the servers of the bundle their names. A name leaves a server that the fleet made by the words of the rules
    /// (*server*): that of a claimed server only for another claimed one.
    pub(super) fn names(&mut self) -> Result<(), NameConflict> {
        let made: Vec<ServerId> = self.made.servers.iter().cloned().collect();
        let store = &self.store.data;
        let has = |(id, name): &(ServerId, HostName)| {
            let server = store.server(id);
            server.is_some_and(|server| server.names.contains(name))
        };
        self.made.names.retain(has);
        for id in &made {
            if let Some(here) = self.store.data.server(id).cloned() {
                self.give_up(&here)?;
            }
        }
        for new in self.new.servers() {
            for name in new.names() {
                let owner = self.store.data.server_of(name);
                match owner.map(Server::id) {
                    Some(owner) if owner == new.id() => {}
                    Some(owner) => return Err(conflict(name, owner, new)),
                    None => {
                        self.store.edit().add_name(new.id(), name.clone());
                        self.changed = true;
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes from a server the names that the fleet gave it and that are no longer its own.
    fn give_up(&mut self, here: &Server) -> Result<(), NameConflict> {
        let id = here.id();
        let new = self.new.server(id);
        let said: Vec<&Server> = self.earlier(id).collect();
        for name in here.names() {
            let left = (id.clone(), name.clone());
            if new.is_some_and(|new| new.names.contains(name)) {
                self.made.names.remove(&left);
                continue;
            }
            let is_said = match said.is_empty() {
                true => new.is_none(),
                false => said.iter().any(|one| one.names.contains(name)),
            };
            if !is_said && !self.made.names.contains(&left) {
                continue;
            }
            let is_claimed = here.claim() != Claim::Unclaimed;
            match self.new.server_of(name) {
                Some(to) if is_claimed && !self.is_claimed(to.id()) => {
                    return Err(conflict(name, id, to));
                }
                // With a server that the bundle does not have, or as that of a claimed one.
                None if is_claimed || new.is_none() => {
                    self.made.names.insert(left);
                    if new.is_some() {
                        self.notice(Notice::NameKept(id.clone(), name.clone()));
                    }
                    continue;
                }
                Some(_) | None => {}
            }
            self.made.names.remove(&left);
            self.store.edit().drop_name(id, name);
            self.changed = true;
        }
        Ok(())
    }

    fn is_claimed(&self, id: &ServerId) -> bool {
        let server = self.store.data.server(id);
        server.is_some_and(|server| server.claim() == Claim::Claimed)
    }
}

fn conflict(name: &HostName, owner: &ServerId, wanted: &Server) -> NameConflict {
    NameConflict {
        name: name.clone(),
        server: owner.clone(),
        wanted: wanted.id().clone(),
    }
}
