//! How a key server comes into the fleet of its group, and what it takes over from there.

use std::fs;

use mutual_trust::admin::bundle::{BundleKey, Part, Signer};
use mutual_trust::identity::{GeneratedKey, IfExists, KeyReader, KeyType};
use mutual_trust::{EntryOptions, Fingerprint, GroupId, PinScope, tls};
use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::server::Hub;

use super::hubs::source;
use super::mirror::mirror;
use super::publisher::{PARTS, Publisher};
use super::{FLEET, GROUP, KeyServer};
use crate::Outcome;
use crate::machine::{provider, read_certificate};

impl KeyServer {
    /// The key that signs for the fleet. It is made here on first use and never leaves this machine.
    pub(super) fn signer(&self) -> Outcome<Box<dyn Signer + Send>> {
        let path = self.folder.path("signing.key");
        if !path.exists() {
            GeneratedKey::generate(KeyType::Ed25519)?.write(&path, IfExists::Refuse)?;
        }
        let key = KeyReader::new().file(&path)?;
        Ok(Box::new(tls::bundle_signer(key, &provider())?))
    }

    /// Writes the public half for the administrators.
    pub(super) fn signing_key(&self) -> Outcome<String> {
        let path = self.folder.path("signing.pub");
        fs::write(&path, self.signer()?.key().der())?;
        Ok(format!("file={}", path.display()))
    }

    /// Founds the fleet: the servers of the group and their one certificate, and the keys that may publish.
    pub(super) fn found(&mut self, group: &str, signing: &[&str]) -> Outcome<String> {
        let certificate = read_certificate(group)?;
        let mut keys = Vec::new();
        for file in signing {
            keys.push(BundleKey::from_der(&fs::read(file)?)?);
        }
        let ids = self.site.group();
        let primary = self.id.clone();
        let group: GroupId = GROUP.parse()?;
        let mut set = self.folder.store("set")?;
        set.change(|set| {
            set.add_group(group.clone())?;
            for id in &ids {
                set.add_server(id.clone(), [])?;
                set.join_group(&group, id)?;
            }
            set.set_server_order([primary.clone()])?;
            set.set_secondaries(&primary, ids.iter().filter(|id| **id != primary).cloned())?;
            set.install_pin(PinScope::Group(group), certificate, EntryOptions::new())
        })?;
        let (signer, fleet) = (self.signer()?, FLEET.parse()?);
        let publisher = Publisher::found(set, signer, &self.folder, fleet, keys)?;
        let digest = publisher.key_set()?.digest();
        self.become_primary(publisher)?;
        let place = self.folder.path("published");
        Ok(format!("digest={digest} published={}", place.display()))
    }

    /// Joins the fleet by a publication, and the digest of its key set that was read out at the primary.
    pub(super) fn join(&mut self, publication: &[u8], heard: Fingerprint) -> Outcome<String> {
        self.member.join(self.part()?, publication, heard)?;
        self.follow()?;
        self.mirror()?;
        Ok(self.member.shown())
    }

    /// Which sequence each node holds, as it says.
    pub(super) fn nodes(&self) -> String {
        let reports = self.hubs.iter().flat_map(Hub::nodes);
        let shown = reports.map(|report| {
            let sequence = report.sequence().filter(|_| report.is_applied());
            format!("{}={} ", report.node(), sequence.unwrap_or_default())
        });
        shown.collect()
    }

    /// The part of the trust set that this server takes over.
    fn part(&self) -> Outcome<Part> {
        let group = self.site.server(&self.id)?.group.as_ref();
        Ok(group.ok_or("this server stands alone")?.part())
    }

    /// Takes over from every server that can be the primary, this one included.
    pub(super) fn follow(&self) -> Outcome<()> {
        let part = self.part()?;
        for (id, server) in self.site.publishers() {
            if *id == self.id {
                let own = Folder::new(self.folder.published(part)?);
                self.member.follow(id.as_str(), own)?;
            } else {
                let from = source(&self.peers.client, id, server.hub(part)?)?;
                self.member.follow(id.as_str(), from)?;
            }
        }
        Ok(())
    }

    /// Serves what others publish, if this server can be promoted.
    pub(super) fn mirror(&self) -> Outcome<()> {
        let place = self.site.server(&self.id)?.group.as_ref();
        if place.is_none_or(|group| !group.signs) {
            return Ok(());
        }
        for (id, server) in self.site.publishers().filter(|(id, _)| **id != self.id) {
            for part in PARTS {
                let hub = source(&self.peers.client, id, server.hub(part)?)?;
                mirror(hub, Folder::new(self.folder.published(part)?));
            }
        }
        Ok(())
    }
}
