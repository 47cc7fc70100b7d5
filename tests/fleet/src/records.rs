//! The content of a store as plain values, which a model can compare. It shares no code with the comparisons of the
//! library.

use std::collections::{BTreeMap, BTreeSet};

use mutual_trust::TrustSnapshot;
use mutual_trust::store::{BlockSelector, Claim, Entry, EntryKey, Scope};

/// What a server has but its claim.
pub type ServerTerms = (Vec<String>, Vec<String>, Option<String>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Entries with their terms, by key.
    pub entries: BTreeMap<EntryKey, String>,
    /// Those that came from the fleet.
    pub from_fleet: BTreeSet<EntryKey>,
    pub servers: BTreeMap<String, ServerTerms>,
    pub claimed: BTreeSet<String>,
    pub migrating: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    pub blocks: BTreeSet<BlockSelector>,
    /// Lists by issuer: fingerprints.
    pub lists: BTreeMap<String, BTreeSet<String>>,
    pub checked: BTreeSet<String>,
}

/// What is compared of an entry: whether its certificate is there, and its options. Not when and by which administrator it
/// was installed.
fn terms(entry: &Entry) -> String {
    let whole = entry.certificate().is_some();
    format!("{whole} {:?}", entry.options())
}

impl Records {
    /// Everything in a snapshot. `source` is the source of what came from the fleet.
    pub fn of(view: &TrustSnapshot, source: &str) -> Self {
        let mut records = Self::default();
        for entry in view.entries() {
            let key = entry.key();
            if entry.source() == Some(source) {
                records.from_fleet.insert(key.clone());
            }
            records.entries.insert(key, terms(entry));
        }
        for server in view.servers() {
            let id = server.id().to_string();
            match server.claim() {
                Claim::Unclaimed => {}
                Claim::Claimed => {
                    records.claimed.insert(id.clone());
                }
                Claim::Migrating { .. } => {
                    records.claimed.insert(id.clone());
                    records.migrating.insert(id.clone());
                }
            }
            let names = server.names().map(ToString::to_string).collect();
            let expected = server.expected_names().map(ToString::to_string).collect();
            let group = server.group().map(ToString::to_string);
            records.servers.insert(id, (names, expected, group));
        }
        records.groups = view.groups().map(|group| group.id().to_string()).collect();
        records.blocks = view.blocks().cloned().collect();
        for list in view.crls() {
            let issuer = format!("{} {}", list.issuer().name(), list.issuer().key_pin());
            let fingerprint = list.crl().fingerprint().to_string();
            records.lists.entry(issuer).or_default().insert(fingerprint);
        }
        let checked = view.revocation_checked_issuers();
        records.checked = checked
            .map(|issuer| format!("{} {}", issuer.name(), issuer.key_pin()))
            .collect();
        records
    }

    /// The entries that an administrator of this machine installed.
    pub fn local(&self) -> BTreeMap<&EntryKey, &String> {
        let entries = self.entries.iter();
        entries
            .filter(|(key, _)| !self.from_fleet.contains(key))
            .collect()
    }

    /// The entries that came from the fleet.
    pub fn fleet(&self) -> BTreeMap<&EntryKey, &String> {
        let entries = self.entries.iter();
        entries
            .filter(|(key, _)| self.from_fleet.contains(key))
            .collect()
    }

    /// Lists of all issuers.
    pub fn list_count(&self) -> usize {
        self.lists.values().map(BTreeSet::len).sum()
    }
}

/// Whether an entry is in a part: written from the definition of the parts, not from the library.
pub fn is_in_part(key: &EntryKey, part: PartOf) -> bool {
    match &key.scope {
        Scope::Server(_) | Scope::Group(_) | Scope::AnyServer => part != PartOf::Systems,
        Scope::Clients => part != PartOf::Servers,
        Scope::Everyone => true,
    }
}

/// The parts of a trust set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartOf {
    All,
    Servers,
    Systems,
}
