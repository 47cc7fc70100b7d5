//! The changes of servers, their names and their order, as the command line names them.

use clap::Subcommand;
use mutual_trust::{HostName, ServerId};

use super::change::{Edit, one};
use super::scope::new_id;

/// Servers and their names.
#[derive(Subcommand, Clone, Debug)]
pub(super) enum ServerChange {
    /// Add a server with the names by which it is dialled
    Add {
        /// An id that never changes; no port belongs to it
        #[arg(value_parser = new_id)]
        id: ServerId,
        /// Names and addresses
        names: Vec<HostName>,
    },
    /// Delete a server that is not claimed
    Remove {
        /// The server
        id: ServerId,
    },
    /// Add a name to a server
    AddName {
        /// The server
        id: ServerId,
        /// The name
        name: HostName,
    },
    /// Move a name to another server
    MoveName {
        /// The name
        name: HostName,
        /// The server that gets the name
        id: ServerId,
    },
    /// Take a name from its server
    ReleaseName {
        /// The name
        name: HostName,
    },
    /// Set the names that chains are checked for, instead of the dialled name; without names, undo that
    Expect {
        /// The server
        id: ServerId,
        /// The names
        names: Vec<HostName>,
    },
    /// Set the primary key servers, the one to ask first at the beginning; without ids, no server has a place
    Order {
        /// The servers
        ids: Vec<ServerId>,
    },
    /// Set the servers that replicate a primary and are asked after all primaries; without ids, it has none
    Secondaries {
        /// The primary
        primary: ServerId,
        /// The servers that replicate it, the one to ask first at the beginning
        ids: Vec<ServerId>,
    },
}

impl ServerChange {
    pub(super) fn prepare(self) -> Edit {
        match self {
            Self::Add { id, names } => {
                one(move |store| store.add_server(id.clone(), names.clone()))
            }
            Self::Remove { id } => one(move |store| store.remove_server(&id)),
            Self::AddName { id, name } => one(move |store| store.add_name(&id, name.clone())),
            Self::MoveName { name, id } => one(move |store| store.move_name(&name, &id)),
            Self::ReleaseName { name } => one(move |store| store.release_name(&name)),
            Self::Expect { id, names } => {
                one(move |store| store.set_reference_names(&id, names.clone()))
            }
            Self::Order { ids } => one(move |store| store.set_server_order(ids.clone())),
            Self::Secondaries { primary, ids } => {
                one(move |store| store.set_secondaries(&primary, ids.clone()))
            }
        }
    }
}
