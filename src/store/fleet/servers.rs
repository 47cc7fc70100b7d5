//! The servers and groups of a bundle, and their claims.

use std::collections::BTreeSet;

use super::{Merge, Notice};
use crate::certificate::HostName;
use crate::store::{Claim, GroupId, HeldServer, Scope, Server, ServerId, Slot};

/// What becomes of a value of a server that is not the one of the bundle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chosen {
    /// It is the same.
    Same,
    /// That of the bundle is taken.
    Follow,
    /// It was set here, and stays.
    Stay,
}

/// A value that the fleet set follows the bundle. One that was set here since stays.
fn chosen<T: PartialEq>(here: &T, said: &[T], new: &T) -> Chosen {
    match here == new {
        true => Chosen::Same,
        false if said.is_empty() || said.contains(here) => Chosen::Follow,
        false => Chosen::Stay,
    }
}

/// On a server that was made here, a value is only added.
fn added<T: PartialEq>(here: Option<&T>, new: Option<&T>) -> Chosen {
    match (here, new) {
        (here, new) if here == new => Chosen::Same,
        (None, Some(_)) => Chosen::Follow,
        _ => Chosen::Stay,
    }
}

/// Whether a claim lets fewer peers in than another one.
fn is_stricter(one: Claim, other: Claim) -> bool {
    match (one, other) {
        (Claim::Unclaimed, _) | (_, Claim::Claimed) => false,
        (Claim::Claimed, _) | (Claim::Migrating { .. }, Claim::Unclaimed) => true,
        (Claim::Migrating { until: one }, Claim::Migrating { until: other }) => one < other,
    }
}

fn expected(server: &Server) -> Vec<HostName> {
    server.expected_names().cloned().collect()
}

impl Merge<'_> {
    pub(super) fn add_groups(&mut self) {
        for group in self.new.groups() {
            let id = group.id();
            if self.store.restore_group(id.clone()).is_ok() {
                self.made.groups.insert(id.clone());
                self.changed = true;
            }
        }
    }

    /// Makes the servers that are missing, without names, and gives the others what the bundle says of them.
    pub(super) fn servers(&mut self) {
        for new in self.new.servers() {
            match self.store.data.server(new.id()).cloned() {
                None => self.make(new),
                Some(here) => {
                    self.claim(&here, new);
                    self.follow(&here, new);
                }
            }
        }
    }

    fn make(&mut self, new: &Server) {
        let held = HeldServer {
            id: new.id().clone(),
            names: BTreeSet::new(),
            expected: new.expected_names().cloned().collect(),
            group: new.group().cloned(),
            claim: new.claim(),
            role: new.role().cloned(),
        };
        if self.store.restore_server(held).is_ok() {
            self.made.servers.insert(new.id().clone());
            self.done.servers_came.push(new.id().clone());
            self.changed = true;
        }
    }

    /// A claim never becomes looser. A migration that was set here runs on, unless the bundle says something new: what it
    /// said before is no news.
    fn claim(&mut self, here: &Server, new: &Server) {
        let id = new.id();
        let claims: Vec<Claim> = self.earlier(id).map(Server::claim).collect();
        // Of two bundles, one may not be in the store: what only one of them says is news.
        let said = !claims.is_empty() && claims.iter().all(|claim| *claim == new.claim());
        let is_unclaimed = here.claim() == Claim::Unclaimed;
        if is_stricter(new.claim(), here.claim()) && (is_unclaimed || !said) {
            self.changed |= self.store.keep_claim(id, new.claim(), BTreeSet::new());
            if said {
                self.notice(Notice::ClaimRestored(id.clone()));
            }
        } else if is_stricter(here.claim(), new.claim()) && self.made.servers.contains(id) {
            self.notice(Notice::ClaimKept(id.clone()));
        }
    }

    /// Gives a server its expected names, its group and its role.
    fn follow(&mut self, here: &Server, new: &Server) {
        let id = new.id();
        let earlier: Vec<&Server> = self.earlier(id).collect();
        let is_made = self.made.servers.contains(id);
        let said: Vec<_> = earlier.iter().map(|one| expected(one)).collect();
        let names = match is_made {
            true => chosen(&expected(here), &said, &expected(new)),
            // Without expected names, its own names count: there is nothing to add to.
            false if expected(here) == expected(new) => Chosen::Same,
            false => Chosen::Stay,
        };
        let said: Vec<_> = earlier.iter().map(|one| one.group()).collect();
        let group = match is_made {
            true => chosen(&here.group(), &said, &new.group()),
            false => added(here.group(), new.group()),
        };
        let said: Vec<_> = earlier.iter().map(|one| one.role()).collect();
        let role = match is_made {
            true => chosen(&here.role(), &said, &new.role()),
            false => added(here.role(), new.role()),
        };
        if names == Chosen::Follow
            && let Some(server) = self.store.edit().server_mut(id)
        {
            server.expected = new.expected.clone();
        }
        if role == Chosen::Follow
            && let Some(server) = self.store.edit().server_mut(id)
        {
            server.role = new.role.clone();
        }
        if group == Chosen::Follow {
            self.set_group(id, new.group().cloned());
        }
        let all = [names, group, role];
        self.changed |= all.contains(&Chosen::Follow);
        if all.contains(&Chosen::Stay) {
            self.notice(Notice::ServerDiffers(id.clone()));
        }
    }

    /// Makes a server a member of a group that exists, or of none.
    fn set_group(&mut self, id: &ServerId, to: Option<GroupId>) {
        let data = self.store.edit();
        let from = data.server(id).and_then(|server| server.group.clone());
        if let Some(from) = from.and_then(|from| data.group_mut(&from)) {
            from.members.remove(id);
        }
        if let Some(to) = to.as_ref().and_then(|to| data.group_mut(to)) {
            to.members.insert(id.clone());
        }
        if let Some(server) = data.server_mut(id) {
            server.group = to;
        }
    }

    /// Claims the servers of the bundle that hold a pin since the merge, such as one of a group that they joined.
    pub(super) fn claims_of_pins(&mut self) {
        for server in self.new.servers() {
            let id = server.id();
            let group = self.store.data.server(id).and_then(Server::group).cloned();
            let own = self.store.data.holds(Slot::Pin, Scope::Server(id.clone()));
            let groups =
                group.is_some_and(|group| self.store.data.holds(Slot::Pin, Scope::Group(group)));
            if own || groups {
                let claimed = self.store.claim([id]);
                self.changed |= !claimed.is_empty();
            }
        }
    }

    /// Removes the servers that the fleet made and no longer has. A claim stays, and so does what was installed here.
    pub(super) fn dropped_servers(&mut self) {
        let made = self.made.servers.clone();
        for id in made.iter().filter(|id| self.new.server(id).is_none()) {
            let Some(here) = self.store.data.server(id).cloned() else {
                self.made.servers.remove(id);
                continue;
            };
            if here.claim() != Claim::Unclaimed {
                // The pins of the fleet's group are for members alone.
                let of_fleet = self.earlier(id).any(|one| one.group() == here.group());
                if of_fleet && here.group().is_some() {
                    self.set_group(id, None);
                    self.changed = true;
                }
                self.notice(Notice::ClaimKept(id.clone()));
            } else if self.has_own(&here) {
                self.notice(Notice::ServerKept(id.clone()));
            } else {
                self.store.forget_server(id);
                self.made.servers.remove(id);
                self.done.servers_gone.push(id.clone());
                self.changed = true;
            }
        }
    }

    /// Whether a server has something that was installed here.
    fn has_own(&self, here: &Server) -> bool {
        let data = self.store.data.data();
        let scope = Scope::Server(here.id().clone());
        let has_entries =
            [Slot::Pin, Slot::Authority].map(|slot| data.index(slot, &scope).is_some());
        let said: Vec<&Server> = self.earlier(here.id()).collect();
        let is_said = |name: &HostName| said.iter().any(|one| one.names.contains(name));
        let has_names = !said.is_empty() && !here.names().all(is_said);
        has_entries.contains(&true) || has_names
    }

    /// Removes the groups that the fleet made and no longer has, if nothing of here is in them.
    pub(super) fn dropped_groups(&mut self) {
        let made = self.made.groups.clone();
        for id in made.iter().filter(|id| self.new.group(id).is_none()) {
            let is_there = self.store.data.group(id).is_some();
            let has_pins = self.store.data.holds(Slot::Pin, Scope::Group(id.clone()));
            if is_there && (has_pins || !self.store.forget_group(id)) {
                continue;
            }
            self.made.groups.remove(id);
            self.changed |= is_there;
        }
    }
}
