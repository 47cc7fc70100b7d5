//! A store and a folder of sources.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use mutual_trust::admin::{DurableSettings, DurableStore, Feeds, Follower, Source};
use mutual_trust::store::{Entry, EntryKey};
use mutual_trust::{Certificate, EntryOptions, PinScope};

use crate::support::folder::Folder;
use crate::support::pki::spec;
use crate::support::*;

pub fn pin(name: &str) -> Certificate {
    spec(name).dns(name).self_signed().certificate
}

pub fn ca(name: &str) -> Certificate {
    spec(name).ca().self_signed().certificate
}

pub fn options() -> EntryOptions {
    EntryOptions::new()
}

/// Pins for the server `keys-1`.
pub fn keys_1() -> Feeds {
    Feeds::Pins(PinScope::Server(server_id("keys-1")))
}

/// A durable store with the server `keys-1`, and a folder beside it for sources.
pub struct World {
    pub store: DurableStore,
    store_folder: Folder,
    pub folder: Folder,
}

pub fn settings() -> DurableSettings {
    DurableSettings::new(keys()).with_clock(Arc::new(now()))
}

impl World {
    pub fn new(test: &str) -> Self {
        Self::with(test, settings())
    }

    pub fn with(test: &str, settings: DurableSettings) -> Self {
        let store_folder = Folder::new(&format!("follow-{test}-store"));
        let mut store = DurableStore::create(store_folder.path(), settings).unwrap();
        store
            .change(|store| store.add_server(server_id("keys-1"), [host("kms1.example")]))
            .unwrap();
        Self {
            store,
            store_folder,
            folder: Folder::new(&format!("follow-{test}")),
        }
    }

    /// The same after a restart.
    pub fn restart(self) -> Self {
        let Self {
            store,
            store_folder,
            folder,
        } = self;
        drop(store);
        let (store, _) = DurableStore::open(store_folder.path(), settings()).unwrap();
        Self {
            store,
            store_folder,
            folder,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Puts a file in place at once, as a careful program does.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let temporary = self.folder.file(".temporary");
        fs::write(&temporary, content).unwrap();
        fs::rename(temporary, self.folder.file(name)).unwrap();
    }

    pub fn follow(&self, name: &str) -> Follower {
        Follower::new([Source::new("source", self.path(name), keys_1())]).unwrap()
    }

    /// Polls until what is there has settled.
    pub fn settle(&mut self, follower: &mut Follower) {
        for _ in 0..2 {
            follower.poll(&mut self.store).unwrap();
        }
    }

    pub fn entries(&self) -> Vec<Entry> {
        let entries = self.store.contents().entries();
        entries.into_iter().cloned().collect()
    }

    /// The certificates that are installed, in any slot and scope.
    pub fn holds(&self, wanted: &[&Certificate]) -> bool {
        let mut found: Vec<_> = self
            .entries()
            .iter()
            .map(|entry| entry.fingerprint())
            .collect();
        let mut wanted: Vec<_> = wanted.iter().map(|wanted| wanted.fingerprint()).collect();
        found.sort();
        wanted.sort();
        found == wanted
    }

    pub fn key_of(&self, certificate: &Certificate) -> EntryKey {
        let entries = self.entries();
        let mut keys = entries.iter().map(Entry::key);
        keys.find(|key| key.fingerprint == certificate.fingerprint())
            .unwrap()
            .clone()
    }

    /// What the health says of the first source.
    pub fn error(&self) -> String {
        self.store.health().sources[0]
            .error
            .clone()
            .unwrap_or_default()
    }

    /// The warnings of the health of the first source.
    pub fn warnings(&self) -> String {
        self.store.health().sources[0].warnings.items().join("\n")
    }
}

pub fn pem(certificates: &[&Certificate]) -> String {
    certificates
        .iter()
        .map(|certificate| certificate.to_pem())
        .collect()
}
