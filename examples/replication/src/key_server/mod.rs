//! A key server. Those of a group present one certificate and take over one trust set, which the primary publishes. One that
//! stands alone has its own of both.

mod deciding;
mod hubs;
mod mirror;
mod promotion;
mod publisher;
mod service;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mutual_trust::admin::Enrolment;
use mutual_trust::admin::bundle::{BundleKey, Part, Signer};
use mutual_trust::certificate::SystemClock;
use mutual_trust::identity::{GeneratedKey, IfExists, KeyReader, KeyType};
use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::tls::{self, FollowedIdentity};
use mutual_trust::{
    DurableStore, EntryOptions, Fingerprint, GroupId, PinScope, ServerConfigBuilder, ServerId,
};
use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::server::Hub;
use mutual_trust_tokio::{Acceptor, Listener};
use tokio::runtime::Runtime;

use crate::machine::{Folder as Machine, policy, provider, read_certificate};
use crate::site::{KeyServer as Place, Site};
use crate::taking::Member;
use crate::{Outcome, console};
use hubs::Peers;
use publisher::{PARTS, Publisher};
use service::Keys;

pub(crate) use hubs::source;

/// The fleet of the site: the machines that take one trust set.
const FLEET: &str = "site-a";

/// The group of the site.
const GROUP: &str = "keys";

struct KeyServer {
    id: ServerId,
    folder: Machine,
    site: Site,
    /// What is in force here: who may read keys.
    member: Member,
    enrolment: Enrolment,
    /// The other key servers of the group.
    peers: Peers,
    /// Where it serves publications.
    hubs: Vec<Hub>,
    /// The trust set, at the primary.
    publisher: Option<Publisher>,
    _runtime: Runtime,
}

/// Runs a key server until its console is closed.
pub(crate) fn run(name: &str, folder: PathBuf, site: &Path) -> Outcome<()> {
    let (id, folder, site) = (name.parse()?, Machine(folder), Site::read(site)?);
    let place = site.server(&id)?.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let store = folder.store("store")?;
    let peers = Peers::open(&folder, name)?;
    let enrolment = Enrolment::new(Arc::new(SystemClock::new()));
    let hubs = runtime.block_on(serve(&folder, &place, &store, &enrolment, &peers))?;
    let member = Member::new(name, store)?;
    let mut server = KeyServer {
        id,
        folder,
        site,
        member,
        enrolment,
        peers,
        hubs,
        publisher: None,
        _runtime: runtime,
    };
    server.go_on()?;
    console::serve(|words| server.answer(words))
}

/// Serves keys with the certificate in `served.pem`, which the servers of a group share. When the files are replaced, new
/// links get the new certificate, and open ones go on.
async fn serve(
    folder: &Machine,
    place: &Place,
    store: &DurableStore,
    enrolment: &Enrolment,
    peers: &Peers,
) -> Outcome<Vec<Hub>> {
    if place.group.is_none() {
        folder.identity("served", place.id.as_str())?;
    }
    let (chain, key) = (folder.path("served.pem"), folder.path("served.key"));
    let mut served = FollowedIdentity::from_files(chain, key, KeyReader::new(), provider())?;
    let builder = ServerConfigBuilder::new(provider(), store.live(), policy(), served.identities());
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(50));
            if let Err(error) = served.poll() {
                eprintln!("the certificate cannot be read: {error}");
            }
        }
    });
    // Unknown arrays are refused, and wait for an administrator while enrolment is open here.
    let acceptor = Acceptor::with_enrolment(&builder, enrolment)?;
    let listener = Listener::bind(place.keys, acceptor).await?;
    let keys = Arc::new(Keys::read(&folder.path("keys"))?);
    tokio::spawn(service::serve(listener, keys));
    let mut hubs = Vec::new();
    if let Some(group) = &place.group {
        hubs.push(hubs::serve(folder, Part::Servers, group.for_arrays, &builder).await?);
        for (part, address) in &group.hubs {
            hubs.push(hubs::serve(folder, *part, *address, &peers.server).await?);
        }
    }
    Ok(hubs)
}

impl KeyServer {
    fn answer(&mut self, words: &[&str]) -> Outcome<String> {
        match words {
            ["signing-key"] => self.signing_key(),
            ["found", group, signing @ ..] => self.found(group, signing),
            ["join", file, heard] => self.join(&fs::read(file)?, heard.parse()?),
            ["peer", id, file, heard] => {
                self.peers.add(&id.parse()?, file, heard.parse()?)?;
                Ok(String::new())
            }
            ["key-set"] => {
                let publisher = self.publisher.as_ref().ok_or("this is no primary")?;
                Ok(format!("digest={}", publisher.key_set()?.digest()))
            }
            ["open-enrolment", seconds] => {
                let window = Duration::from_secs(seconds.parse()?);
                self.enrolment.open_enrolment(window, 8)?;
                Ok(String::new())
            }
            ["close-enrolment"] => {
                self.enrolment.close_enrolment();
                Ok(String::new())
            }
            ["pending"] => Ok(self.pending()),
            ["accept", number, heard, label] => self.accept(number, heard.parse()?, label),
            ["block", label] => self.block(label),
            ["next-certificate", file] => {
                let next = read_certificate(file)?;
                self.change(|set| {
                    let scope = PinScope::Group(GROUP.parse()?);
                    let options = EntryOptions::new().with_label("next");
                    let _ = set.change(|set| set.install_pin(scope, next, options))?;
                    Ok(())
                })
            }
            ["drop-certificate", fingerprint] => {
                let group = Scope::Group(GROUP.parse()?);
                let old = EntryKey::new(Slot::Pin, group, fingerprint.parse()?);
                self.change(|set| {
                    let _ = set.change(|set| set.remove(&old))?;
                    Ok(())
                })
            }
            ["promote"] => self.promote(&[]),
            ["promote", keep] => {
                let keep = BundleKey::from_der(&fs::read(keep)?)?;
                self.promote(&[keep])
            }
            ["publish"] => self.change(|_| Ok(())),
            ["take-over", file] => {
                self.member.take_over(&fs::read(file)?)?;
                Ok(self.member.shown())
            }
            ["nodes"] => Ok(self.nodes()),
            ["status"] => {
                self.retire_if_replaced()?;
                let primary = self.publisher.is_some();
                Ok(format!("{} primary={primary}", self.member.shown()))
            }
            _ => Err("no such command".into()),
        }
    }

    /// The key that signs for the fleet. It is made here on first use and never leaves this machine.
    fn signer(&self) -> Outcome<Box<dyn Signer + Send>> {
        let path = self.folder.path("signing.key");
        if !path.exists() {
            GeneratedKey::generate(KeyType::Ed25519)?.write(&path, IfExists::Refuse)?;
        }
        let key = KeyReader::new().file(&path)?;
        Ok(Box::new(tls::bundle_signer(key, &provider())?))
    }

    /// Writes the public half for the administrators.
    fn signing_key(&self) -> Outcome<String> {
        let path = self.folder.path("signing.pub");
        fs::write(&path, self.signer()?.key().der())?;
        Ok(format!("file={}", path.display()))
    }

    /// Founds the fleet: the servers of the group and their one certificate, and the keys that may publish.
    fn found(&mut self, group: &str, signing: &[&str]) -> Outcome<String> {
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
    fn join(&mut self, publication: &[u8], heard: Fingerprint) -> Outcome<String> {
        self.member.join(self.part()?, publication, heard)?;
        self.follow()?;
        self.mirror()?;
        Ok(self.member.shown())
    }

    /// Which sequence each node holds, as it says.
    fn nodes(&self) -> String {
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
    fn follow(&mut self) -> Outcome<()> {
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
    fn mirror(&self) -> Outcome<()> {
        let place = self.site.server(&self.id)?.group.as_ref();
        if place.is_none_or(|group| !group.signs) {
            return Ok(());
        }
        for (id, server) in self.site.publishers().filter(|(id, _)| **id != self.id) {
            for part in PARTS {
                let hub = source(&self.peers.client, id, server.hub(part)?)?;
                mirror::mirror(hub, Folder::new(self.folder.published(part)?));
            }
        }
        Ok(())
    }
}
