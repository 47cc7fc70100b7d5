//! A key server. Those of a group present one certificate and take over one trust set, which the primary publishes. One that
//! stands alone has its own of both.

mod deciding;
mod hubs;
mod membership;
mod mirror;
mod promotion;
mod publisher;
mod service;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mutual_trust::admin::Enrolment;
use mutual_trust::admin::bundle::{BundleKey, Part};
use mutual_trust::certificate::SystemClock;
use mutual_trust::{DurableStore, ServerConfigBuilder, ServerId};
use mutual_trust_fleet::server::Hub;
use mutual_trust_tokio::{Acceptor, Listener};
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::console::{self, causes};
use crate::machine::{Folder, policy, provider, read_certificate, runtime};
use crate::site::{KeyServer as Place, Site};
use crate::taking::Member;
use hubs::Peers;
use publisher::Publisher;
use service::Keys;

pub(crate) use hubs::source;

/// The fleet of the site: the machines that take one trust set.
const FLEET: &str = "site-a";

/// How often a server looks whether it is still the primary, and whether its set must be published anew.
const TEND_EVERY: Duration = Duration::from_millis(200);

/// The group of the site.
const GROUP: &str = "keys";

struct KeyServer {
    id: ServerId,
    folder: Folder,
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
    let (id, folder, site) = (name.parse()?, Folder(folder), Site::read(site)?);
    let place = site.server(&id)?.clone();
    let runtime = runtime()?;
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
    let server = Arc::new(Mutex::new(server));
    let tended = server.clone();
    thread::spawn(move || {
        loop {
            thread::sleep(TEND_EVERY);
            if let Err(error) = held(&tended).tend() {
                eprintln!("{}", causes(&*error));
            }
        }
    });
    console::serve(|words| held(&server).answer(words))
}

fn held(server: &Mutex<KeyServer>) -> MutexGuard<'_, KeyServer> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves keys with the certificate in `served.pem`, which the servers of a group share.
async fn serve(
    folder: &Folder,
    place: &Place,
    store: &DurableStore,
    enrolment: &Enrolment,
    peers: &Peers,
) -> Outcome<Vec<Hub>> {
    if place.group.is_none() {
        folder.identity("served", place.id.as_str())?;
    }
    let served = folder.followed("served")?;
    let builder = ServerConfigBuilder::new(provider(), store.live(), policy(), served);
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
            ["next-certificate", file] => self.add_next(read_certificate(file)?),
            ["drop-certificate", fingerprint] => self.drop_old(fingerprint.parse()?),
            ["trust-authority", file] => self.trust_authority(read_certificate(file)?),
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
                let primary = self.publisher.is_some();
                Ok(format!("{} primary={primary}", self.member.shown()))
            }
            _ => Err("no such command".into()),
        }
    }
}
