//! Servers, their names, and groups, in the tables of a snapshot.

use core::hash::BuildHasher;
use std::sync::Arc;

use super::data::{Data, place_beside};
use super::server::Place;
use super::{Group, GroupId, Server, ServerId, Slot};
use crate::certificate::HostName;

impl Data {
    pub(super) fn server(&self, id: &ServerId) -> Option<&Arc<Server>> {
        let mut found = self.servers.find(self.hasher.hash_one(id));
        found.find(|server| server.id == *id)
    }

    pub(super) fn server_mut(&mut self, id: &ServerId) -> Option<&mut Server> {
        let hash = self.hasher.hash_one(id);
        let found = self.servers.find_mut(hash, |server| server.id == *id);
        found.map(Arc::make_mut)
    }

    pub(super) fn server_of(&self, name: &HostName) -> Option<&Arc<Server>> {
        let ids = self.names.find(self.hasher.hash_one(name));
        let mut servers = ids.filter_map(|id| self.server(id));
        servers.find(|server| server.names.contains(name))
    }

    /// Adds a server with its names, which must be free.
    pub(super) fn add_server(&mut self, server: Server) -> Arc<Server> {
        for name in server.names.iter() {
            self.names
                .insert(self.hasher.hash_one(name), server.id.clone());
        }
        let (hash, server) = self.placed(server);
        self.servers.insert(hash, server.clone());
        server
    }

    /// A server with its place, and the hash by which it is found.
    pub(super) fn placed(&self, mut server: Server) -> (u64, Arc<Server>) {
        let hash = self.hasher.hash_one(&server.id);
        server.pins = Place(place_beside(hash, Slot::Pin));
        (hash, Arc::new(server))
    }

    /// Removes a server and its names.
    pub(super) fn drop_server(&mut self, id: &ServerId) {
        let hash = self.hasher.hash_one(id);
        if let Some(server) = self.servers.take(hash, |server| server.id == *id) {
            for name in server.names.iter() {
                self.names.take(self.hasher.hash_one(name), |of| of == id);
            }
        }
    }

    /// Gives a server a name, which must be free.
    pub(super) fn add_name(&mut self, id: &ServerId, name: HostName) {
        let hash = self.hasher.hash_one(&name);
        if let Some(server) = self.server_mut(id) {
            server.names.insert(name);
            self.names.insert(hash, id.clone());
        }
    }

    /// Removes a name from its server.
    pub(super) fn drop_name(&mut self, id: &ServerId, name: &HostName) {
        if let Some(server) = self.server_mut(id)
            && server.names.remove(name)
        {
            self.names.take(self.hasher.hash_one(name), |of| of == id);
        }
    }

    pub(super) fn group(&self, id: &GroupId) -> Option<&Arc<Group>> {
        let mut found = self.groups.find(self.hasher.hash_one(id));
        found.find(|group| group.id == *id)
    }

    pub(super) fn group_mut(&mut self, id: &GroupId) -> Option<&mut Group> {
        let hash = self.hasher.hash_one(id);
        let found = self.groups.find_mut(hash, |group| group.id == *id);
        found.map(Arc::make_mut)
    }

    pub(super) fn add_group(&mut self, group: Group) {
        let hash = self.hasher.hash_one(&group.id);
        self.groups.insert(hash, Arc::new(group));
    }

    pub(super) fn drop_group(&mut self, id: &GroupId) {
        let hash = self.hasher.hash_one(id);
        self.groups.take(hash, |group| group.id == *id);
    }
}
