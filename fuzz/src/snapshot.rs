//! All that the public API of a view shows, for comparison, and what holds for each view.

use std::collections::{BTreeMap, BTreeSet};

use mutual_trust::store::{
    BlockSelector, Claim, CrlIssuer, EntryKey, EntryOptions, GroupId, Scope, ServerId, Slot,
    TrustSource,
};
use mutual_trust::{Certificate, HostName, TrustSnapshot};
use pki_types::UnixTime;

/// An entry without its key: certificate, options, install time, why it is disabled.
type Held = (
    Option<Certificate>,
    EntryOptions,
    Option<UnixTime>,
    Option<String>,
);

/// A revocation list: its issuer, its bytes, the time and the author of the installation, why it is disabled, and
/// whether it is read.
type List = (
    CrlIssuer,
    Vec<u8>,
    Option<UnixTime>,
    Option<String>,
    Option<String>,
    bool,
);

/// A server without its id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServerState {
    pub(crate) names: BTreeSet<HostName>,
    pub(crate) expected: BTreeSet<HostName>,
    pub(crate) group: Option<GroupId>,
    pub(crate) claim: Claim,
    pub(crate) level: TrustSource,
}

/// What a view holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) generation: u64,
    pub(crate) floor: Option<UnixTime>,
    pub(crate) entries: Vec<(EntryKey, Held)>,
    pub(crate) servers: BTreeMap<ServerId, ServerState>,
    pub(crate) groups: BTreeMap<GroupId, BTreeSet<ServerId>>,
    pub(crate) blocks: Vec<BlockSelector>,
    pub(crate) checked: Vec<CrlIssuer>,
    pub(crate) crls: Vec<List>,
}

fn lists(view: &TrustSnapshot) -> Vec<List> {
    let mut lists: Vec<List> = Vec::new();
    for list in view.crls() {
        lists.push((
            list.issuer().clone(),
            list.crl().der().to_vec(),
            list.installed(),
            list.installed_by().map(str::to_owned),
            list.disabled().map(str::to_owned),
            true,
        ));
    }
    for list in view.unread_crls() {
        lists.push((
            list.issuer().clone(),
            list.der().to_vec(),
            list.installed(),
            list.installed_by().map(str::to_owned),
            None,
            false,
        ));
    }
    lists
}

impl Snapshot {
    pub(crate) fn of(view: &TrustSnapshot) -> Self {
        let held = |key: &EntryKey| {
            let entry = view.entry(key).expect("an entry that is listed is found");
            let disabled = entry.disabled().map(str::to_owned);
            let options = entry.options().clone();
            (
                entry.certificate().cloned(),
                options,
                entry.installed(),
                disabled,
            )
        };
        let entries = view.entries();
        let server = |server: &mutual_trust::store::Server| ServerState {
            names: server.names().cloned().collect(),
            expected: server.expected_names().cloned().collect(),
            group: server.group().cloned(),
            claim: server.claim(),
            level: view.level(server),
        };
        Self {
            generation: view.generation(),
            floor: view.floor(),
            entries: entries
                .iter()
                .map(|entry| (entry.key(), held(&entry.key())))
                .collect(),
            servers: view
                .servers()
                .map(|found| (found.id().clone(), server(found)))
                .collect(),
            groups: view
                .groups()
                .map(|group| (group.id().clone(), group.members().cloned().collect()))
                .collect(),
            blocks: view.blocks().cloned().collect(),
            checked: view.revocation_checked_issuers().collect(),
            crls: lists(view),
        }
    }

    /// Whether the content is the same, with any number.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        let numbered = Self {
            generation: other.generation,
            ..self.clone()
        };
        numbered == *other
    }

    fn holds(&self, slot: Slot, scope: &Scope) -> bool {
        self.entries
            .iter()
            .any(|(key, _)| key.slot == slot && key.scope == *scope)
    }

    /// The level of a server by rules P2 and P4, from the listed entries.
    fn expected_level(&self, id: &ServerId, server: &ServerState) -> TrustSource {
        let own = Scope::Server(id.clone());
        let group = server.group.clone().map(Scope::Group);
        let claimed = server.claim != Claim::Unclaimed;
        let own_pin = self.holds(Slot::Pin, &own);
        let group_pin = group.is_some_and(|group| self.holds(Slot::Pin, &group));
        // A server that has a pin is claimed.
        assert!(
            claimed || !(own_pin || group_pin),
            "{id} holds a pin and is not claimed"
        );
        match (claimed, own_pin, group_pin) {
            (true, true, _) => TrustSource::OwnPins,
            (true, false, true) => TrustSource::GroupPins,
            (true, false, false) => TrustSource::NoUsablePin,
            _ if self.holds(Slot::Authority, &own) => TrustSource::OwnAuthorities,
            _ if self.holds(Slot::Authority, &Scope::AnyServer) => {
                TrustSource::AnyServerAuthorities
            }
            _ => TrustSource::Nothing,
        }
    }

    /// What holds for each view.
    pub(crate) fn check(&self, view: &TrustSnapshot) {
        let sorted = |pair: &[(EntryKey, Held)]| pair[0].0 < pair[1].0;
        assert!(
            self.entries.windows(2).all(sorted),
            "entries are sorted and unique"
        );
        for (key, (certificate, ..)) in &self.entries {
            if let Some(certificate) = certificate {
                assert_eq!(certificate.fingerprint(), key.fingerprint);
            }
            match (key.slot, &key.scope) {
                (Slot::Pin | Slot::Authority, Scope::Server(id)) => {
                    assert!(self.servers.contains_key(id), "{key} outlived its server");
                }
                (Slot::Pin, Scope::Group(id)) => {
                    assert!(self.groups.contains_key(id), "{key} outlived its group");
                }
                (Slot::Pin | Slot::Authority, Scope::Clients)
                | (Slot::Authority, Scope::AnyServer)
                | (Slot::Intermediate, Scope::Everyone) => {}
                _ => panic!("{key} cannot be"),
            }
            assert!(certificate.is_some() || key.slot == Slot::Pin);
        }
        let mut names = BTreeSet::new();
        for (id, server) in &self.servers {
            assert_eq!(server.level, self.expected_level(id, server), "{id}");
            for name in &server.names {
                assert!(names.insert(name), "{name} belongs to two servers");
                assert_eq!(view.server_of(name).map(|found| found.id()), Some(id));
            }
            for (group, members) in &self.groups {
                assert_eq!(
                    members.contains(id),
                    server.group.as_ref() == Some(group),
                    "{id}, {group}"
                );
            }
        }
        let members = self.groups.values().flatten();
        assert!(members.into_iter().all(|id| self.servers.contains_key(id)));
        assert!(self.blocks.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(self.checked.windows(2).all(|pair| pair[0] < pair[1]));
        for (issuer, ..) in &self.crls {
            assert!(
                self.checked.contains(issuer),
                "a list whose issuer is not checked"
            );
        }
    }
}
