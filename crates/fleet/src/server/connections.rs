//! How many connections are open, altogether and for each client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mutual_trust::Fingerprint;

use crate::limits::MAX_CONNECTIONS_PER_CLIENT;

/// The connections that are open, by the certificate of the client.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_client: HashMap<Fingerprint, usize>,
}

/// The place of one connection.
#[derive(Debug)]
pub(super) struct Place {
    connections: Connections,
    client: Fingerprint,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self) -> usize {
        self.lock().all
    }

    /// A place for one more. `None` if there is none.
    pub(super) fn place(&self, client: Fingerprint, most: usize) -> Option<Place> {
        let mut open = self.lock();
        if open.all >= most {
            return None;
        }
        let of_client = open.by_client.entry(client).or_default();
        if *of_client >= MAX_CONNECTIONS_PER_CLIENT {
            return None;
        }
        *of_client = of_client.saturating_add(1);
        open.all = open.all.saturating_add(1);
        Some(Place {
            connections: self.clone(),
            client,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.all = open.all.saturating_sub(1);
        if let Some(of_client) = open.by_client.get_mut(&self.client) {
            *of_client = of_client.saturating_sub(1);
            if *of_client == 0 {
                open.by_client.remove(&self.client);
            }
        }
    }
}
