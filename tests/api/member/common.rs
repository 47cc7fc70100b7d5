//! A fleet with one administrator, the store that it publishes, and a node.

use std::collections::BTreeSet;
use std::sync::Arc;

use mutual_trust::admin::bundle::{
    Bundle, BundleHead, FleetHealth, FleetId, FleetMember, KeySet, Merged, Part, Publication,
    Signer, TakeOver,
};
use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::error::MemberError;
use mutual_trust::store::{EntryKey, Server};
use mutual_trust::{
    AuthorityScope, Certificate, EntryOptions, PinScope, TrustSnapshot, TrustStore,
};

use crate::bundle::common::{sign, signer_of};
use crate::support::folder::Folder;
use crate::support::pki::{Made, spec};
use crate::support::*;

pub const FLEET: &str = "site-a";

pub fn fleet() -> FleetId {
    FLEET.parse().unwrap()
}

pub fn source() -> String {
    format!("fleet {FLEET}")
}

pub fn options() -> EntryOptions {
    EntryOptions::new()
}

pub fn pin(name: &str) -> Certificate {
    spec(name).dns(name).self_signed().certificate
}

pub fn ca(name: &str) -> Made {
    spec(name).ca().self_signed()
}

pub fn server(id: &str) -> PinScope {
    PinScope::Server(server_id(id))
}

pub fn settings() -> DurableSettings {
    DurableSettings::new(keys()).with_clock(Arc::new(now()))
}

/// A fleet: its administrator, and the store that is published.
pub struct Fleet {
    pub signer: Box<dyn Signer>,
    pub set: KeySet,
    pub central: TrustStore,
    pub sequence: u64,
}

impl Fleet {
    pub fn new(id: &str) -> Self {
        let signer = signer_of(&rcgen::PKCS_ED25519);
        let set = KeySet::new(id.parse().unwrap(), 1, [signer.key().clone()]).unwrap();
        Self {
            signer,
            set,
            central: store(),
            sequence: 0,
        }
    }

    /// What the central store has, with the next sequence.
    pub fn publish(&mut self) -> Vec<u8> {
        self.sequence += 1;
        self.publish_as(self.sequence)
    }

    pub fn publish_as(&mut self, sequence: u64) -> Vec<u8> {
        let view = self.central.snapshot();
        self.signed(&view, sequence, Part::All)
    }

    pub fn signed(&self, view: &TrustSnapshot, sequence: u64, part: Part) -> Vec<u8> {
        let head = BundleHead::new(&self.set, part, sequence, at(NOW - DAY), at(NOW + 30 * DAY));
        let mut head = head.unwrap();
        if view.entries().is_empty() {
            head = head.trusting_none();
        }
        let bundle = Bundle::new(view, head).unwrap();
        let mut publication = Publication::new([self.set.clone()], bundle).unwrap();
        sign(&mut publication, std::slice::from_ref(&self.signer));
        publication.to_bytes()
    }
}

/// A fleet and a node.
pub struct World {
    pub fleet: Fleet,
    pub store: DurableStore,
    pub folder: Folder,
}

impl World {
    pub fn new(test: &str) -> Self {
        Self::with(test, settings())
    }

    pub fn with(test: &str, settings: DurableSettings) -> Self {
        let folder = Folder::new(&format!("member-{test}"));
        let store = DurableStore::create(folder.path(), settings).unwrap();
        let fleet = Fleet::new(FLEET);
        Self {
            fleet,
            store,
            folder,
        }
    }

    pub fn join(&mut self) -> FleetMember {
        let set = self.fleet.set.clone();
        let digest = set.digest();
        FleetMember::join(&mut self.store, set, digest, Part::All).unwrap()
    }

    pub fn open(&mut self) -> FleetMember {
        FleetMember::open(&mut self.store, &fleet()).unwrap()
    }

    /// The store, opened anew.
    pub fn reopen(&mut self, settings: DurableSettings) {
        self.store = DurableStore::open(self.folder.path(), settings).unwrap().0;
    }

    /// Publishes what the central store has, and takes it over.
    pub fn take(&mut self, member: &mut FleetMember) -> TakeOver {
        let bytes = self.fleet.publish();
        member.take_over(&bytes, &mut self.store).unwrap()
    }

    /// The same, and what it did.
    pub fn apply(&mut self, member: &mut FleetMember) -> Merged {
        match self.take(member) {
            TakeOver::Applied { merged, .. } => *merged,
            other => panic!("{other}"),
        }
    }

    /// The same, refused.
    pub fn refuse(&mut self, member: &mut FleetMember) -> MemberError {
        let bytes = self.fleet.publish();
        let before = self.store.contents().clone();
        let refused = member.take_over(&bytes, &mut self.store).unwrap_err();
        assert_eq!(self.store.contents().generation(), before.generation());
        refused
    }

    /// The entries, each with its source.
    pub fn entries(&self) -> Vec<(EntryKey, Option<String>)> {
        let entries = self.store.contents().entries();
        let named = entries
            .iter()
            .map(|entry| (entry.key(), entry.source().map(str::to_owned)));
        named.collect()
    }

    /// The source of the entry of a certificate; `None` if it is not installed.
    pub fn source_of(&self, certificate: &Certificate) -> Option<Option<String>> {
        let entries = self.entries();
        let mut found = entries
            .into_iter()
            .filter(|(key, _)| key.fingerprint == certificate.fingerprint());
        found.next().map(|(_, source)| source)
    }

    /// What the last change was asked to do.
    pub fn asked(&self) -> Vec<String> {
        let history = DurableStore::history(self.folder.path(), &settings()).unwrap();
        let last = history.changes.last().unwrap();
        last.head
            .asked
            .iter()
            .map(|(call, _)| call.clone())
            .collect()
    }

    pub fn has(&self, certificate: &Certificate) -> bool {
        self.source_of(certificate).is_some()
    }

    pub fn server(&self, id: &str) -> Option<&Server> {
        self.store.contents().server(&server_id(id))
    }

    pub fn names(&self, id: &str) -> Vec<String> {
        let names = self.server(id).unwrap().names();
        names.map(ToString::to_string).collect()
    }

    pub fn health(&self) -> FleetHealth {
        let fleets = self.store.health().fleets;
        fleets
            .into_iter()
            .find(|found| found.state.fleet == fleet())
            .unwrap()
    }
}

pub fn notices(merged: &Merged) -> String {
    let texts: BTreeSet<String> = merged
        .notices
        .items()
        .iter()
        .map(ToString::to_string)
        .collect();
    texts.into_iter().collect::<Vec<_>>().join("\n")
}

pub fn key_of(
    slot: mutual_trust::store::Slot,
    scope: mutual_trust::store::Scope,
    of: &Certificate,
) -> EntryKey {
    EntryKey::new(slot, scope, of.fingerprint())
}

/// A server with a name and a pin in a store. Returns the pin.
pub fn add_server(store: &mut TrustStore, id: &str, name: &str) -> Certificate {
    let pin = pin(name);
    store.add_server(server_id(id), [host(name)]).unwrap();
    store
        .install_pin(server(id), pin.clone(), options())
        .unwrap();
    pin
}

pub fn add_authority(store: &mut TrustStore, scope: AuthorityScope, name: &str) -> Made {
    let ca = ca(name);
    store
        .install_authority(scope, ca.certificate(), options())
        .unwrap();
    ca
}
