//! A durable store that follows files which are replaced and broken while all peers are asked about on its views.
//!
//! What is right is kept apart from the crate: what stood in each source when it was whole last, and what an
//! administrator did beside. After each step the view that is in force is noted down with it.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust::admin::{DurableSettings, DurableStore, Feeds, Follower, Source};
use mutual_trust::store::{BlockSelector, EntryKey, Scope, Slot};
use mutual_trust::{
    EntryOptions, ExpectedServer, LiveTrust, PinScope, ReasonCode, ServerId, Verdict,
    VerifyRequest, decide,
};

use crate::folder::Folder;
use crate::load::Dice;
use crate::support::pki::{Made, self_signed};
use crate::support::{keys, now, policy, server_id};
use crate::{Counts, add};

/// Certificates that may stand in each source.
const IN_SOURCE: usize = 4;

/// What is in force: a bit for each certificate of a source, and what the administrator did with one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct InForce {
    servers: usize,
    clients: usize,
    own_client: bool,
    own_client_blocked: bool,
}

impl InForce {
    fn server(&self, index: usize) -> ReasonCode {
        match (self.servers >> index & 1, self.servers) {
            (1, _) => ReasonCode::PinMatched,
            // It was claimed by its first pin.
            (_, 0) => ReasonCode::NoUsablePin,
            _ => ReasonCode::PinDoesNotMatch,
        }
    }

    /// The last client is that of the administrator.
    fn client(&self, index: usize) -> ReasonCode {
        let own = index == IN_SOURCE;
        let installed = match own {
            true => self.own_client,
            false => self.clients >> index & 1 == 1,
        };
        if own && self.own_client_blocked {
            ReasonCode::Blocked
        } else if installed {
            ReasonCode::PinMatched
        } else if self.clients == 0 && !self.own_client {
            ReasonCode::NothingInstalled
        } else {
            ReasonCode::PinDoesNotMatch
        }
    }
}

/// The store's folder, its sources, and what all threads may ask about.
pub(crate) struct Files {
    store: Folder,
    sources: Folder,
    servers: Vec<Made>,
    clients: Vec<Made>,
    id: ServerId,
    live: Mutex<LiveTrust>,
    in_force: RwLock<BTreeMap<u64, InForce>>,
}

fn settings() -> DurableSettings {
    DurableSettings::new(keys()).with_clock(Arc::new(now()))
}

impl Files {
    pub(crate) fn new() -> Self {
        let made = |start: &str, count| {
            let name = |index| format!("{start}-{index}.example");
            (0..count).map(|index| self_signed(&name(index))).collect()
        };
        Self {
            store: Folder::new("soak-store"),
            sources: Folder::new("soak-sources"),
            servers: made("followed-server", IN_SOURCE),
            clients: made("followed-client", IN_SOURCE + 1),
            id: server_id("followed"),
            live: Mutex::new(LiveTrust::new(Default::default())),
            in_force: RwLock::default(),
        }
    }

    fn follower(&self) -> Follower {
        let servers = Feeds::Pins(PinScope::Server(self.id.clone()));
        let clients = Feeds::Pins(PinScope::Clients);
        Follower::new([
            Source::new("servers", self.sources.file("servers.pem"), servers),
            Source::new("clients", self.sources.file("clients"), clients),
        ])
        .unwrap()
    }

    pub(crate) fn replacer(&self) -> Replacer<'_> {
        fs::create_dir_all(self.sources.file("clients")).unwrap();
        let mut store = DurableStore::create(self.store.path(), settings()).unwrap();
        store
            .change(|store| store.add_server(self.id.clone(), []))
            .unwrap();
        let mut replacer = Replacer {
            files: self,
            store: Some(store),
            follower: self.follower(),
            in_force: InForce::default(),
            broken: [false; 2],
            dice: Dice(400),
        };
        replacer.replace_servers(1);
        replacer.replace_clients(1);
        replacer.poll();
        replacer.restart();
        replacer
    }

    pub(crate) fn asker(&self) -> Asker<'_> {
        Asker {
            files: self,
            dice: Dice(500),
        }
    }

    /// The generation is in force a moment before it is noted down.
    fn right(&self, generation: u64) -> InForce {
        let start = Instant::now();
        loop {
            if let Some(found) = self.in_force.read().unwrap().get(&generation) {
                return *found;
            }
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "generation {generation} was never meant to be in force"
            );
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Replaces and breaks the files, changes the store beside them, and starts it again.
pub(crate) struct Replacer<'a> {
    files: &'a Files,
    /// `None` only while it starts again.
    store: Option<DurableStore>,
    follower: Follower,
    in_force: InForce,
    /// Whether the source of servers, and that of clients, is broken.
    broken: [bool; 2],
    dice: Dice,
}

impl Replacer<'_> {
    pub(crate) fn step(&mut self, counts: &Counts) {
        match self.dice.roll(10) {
            0..=2 => {
                let bits = self.dice.roll(1 << IN_SOURCE);
                self.replace_servers(bits);
                add(&counts.replaced, 1);
            }
            3 | 4 => {
                let bits = self.dice.roll(1 << IN_SOURCE);
                self.replace_clients(bits);
                add(&counts.replaced, 1);
            }
            5 | 6 => {
                self.break_servers();
                add(&counts.broken, 1);
            }
            7 => {
                self.break_clients();
                add(&counts.broken, 1);
            }
            8 => self.administrate(),
            _ => {
                self.restart();
                add(&counts.restarts, 1);
            }
        }
        self.poll();
    }

    fn store(&mut self) -> &mut DurableStore {
        self.store.as_mut().unwrap()
    }

    /// What a careful program does: a whole file in one step.
    fn put(&self, name: &str, content: &[u8]) {
        let temporary = self.files.sources.file(".temporary");
        fs::write(&temporary, content).unwrap();
        fs::rename(temporary, self.files.sources.file(name)).unwrap();
    }

    fn replace_servers(&mut self, bits: usize) {
        let mut text = String::from("# who may answer\n");
        for (index, made) in self.files.servers.iter().enumerate() {
            if bits >> index & 1 == 1 {
                text.push_str(&made.certificate.to_pem());
            }
        }
        if bits == 0 {
            text.push_str("trust nobody\n");
        }
        self.put("servers.pem", text.as_bytes());
        self.broken[0] = false;
        self.in_force.servers = bits;
    }

    fn clear_clients(&self) {
        for file in fs::read_dir(self.files.sources.file("clients")).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    }

    fn replace_clients(&mut self, bits: usize) {
        self.clear_clients();
        for (index, made) in self.files.clients.iter().enumerate().take(IN_SOURCE) {
            if bits >> index & 1 == 1 {
                let pem = made.certificate.to_pem();
                self.put(&format!("clients/{index}.pem"), pem.as_bytes());
            }
        }
        if bits == 0 {
            self.put("clients/nobody.pem", b"trust nobody\n");
        }
        self.broken[1] = false;
        self.in_force.clients = bits;
    }

    fn break_servers(&mut self) {
        let pem = self.files.servers[3].certificate.to_pem();
        match self.dice.roll(5) {
            0 => self.put("servers.pem", b""),
            1 => self.put("servers.pem", &pem.as_bytes()[..pem.len() / 2]),
            2 => self.put(
                "servers.pem",
                pem.replace("CERTIFICATE", "PRIVATE KEY").as_bytes(),
            ),
            3 => self.put("servers.pem", format!("{pem}trust nobody\n").as_bytes()),
            _ => drop(fs::remove_file(self.files.sources.file("servers.pem"))),
        }
        self.broken[0] = true;
    }

    fn break_clients(&mut self) {
        match self.dice.roll(2) {
            0 => self.clear_clients(),
            _ => self.put("clients/broken.pem", b"-----BEGIN CERTIFICATE-----\n"),
        }
        self.broken[1] = true;
    }

    /// What an administrator installs and blocks stays, whatever the sources say.
    fn administrate(&mut self) {
        let made = &self.files.clients[IN_SOURCE].certificate;
        let (certificate, fingerprint) = (made.clone(), made.fingerprint());
        let InForce {
            own_client,
            own_client_blocked,
            ..
        } = self.in_force;
        let install = self.dice.roll(2) == 0;
        if install && !own_client_blocked {
            self.in_force.own_client = !own_client;
            let done = self.store().change(|store| {
                if own_client {
                    store.remove(&EntryKey::new(Slot::Pin, Scope::Clients, fingerprint))
                } else {
                    store.install_pin(PinScope::Clients, certificate, EntryOptions::new())
                }
            });
            done.unwrap();
        } else if own_client_blocked {
            self.in_force.own_client_blocked = false;
            let selector = BlockSelector::certificate(&certificate);
            let done = self.store().change(|store| store.unblock(&selector));
            done.unwrap();
        } else {
            self.in_force.own_client_blocked = true;
            assert!(self.store().block(&certificate).unsaved.is_none());
        }
        self.note();
    }

    /// The process ends, and another one goes on with what is stored.
    fn restart(&mut self) {
        let before = self.store().contents().generation();
        self.store = None;
        let (store, report) = DurableStore::open(self.files.store.path(), settings()).unwrap();
        assert_eq!(report.generation, before, "{report}");
        *self.files.live.lock().unwrap() = store.live();
        self.store = Some(store);
        self.follower = self.files.follower();
        self.note();
    }

    /// Nothing new is taken over before it is found twice, and nothing that is broken.
    fn poll(&mut self) {
        let before = self.store().contents().generation();
        for last in [false, true] {
            let store = self.store.as_mut().unwrap();
            let changed = self.follower.poll(store).unwrap();
            assert!(last || !changed, "taken over before it settled");
        }
        let broken = self.broken;
        let store = self.store();
        for (source, broken) in store.health().sources.iter().zip(broken) {
            assert_eq!(source.error.is_some(), broken, "{source}");
        }
        if store.contents().generation() != before {
            self.note();
        }
    }

    fn note(&mut self) {
        let in_force = self.in_force;
        let generation = self.store().contents().generation();
        let mut all = self.files.in_force.write().unwrap();
        let noted = all.insert(generation, in_force);
        assert!(
            noted.is_none_or(|noted| noted == in_force),
            "changed without a new generation"
        );
    }
}

/// Asks about all peers on the view in force.
pub(crate) struct Asker<'a> {
    files: &'a Files,
    dice: Dice,
}

impl Asker<'_> {
    pub(crate) fn judge(&mut self, counts: &Counts) {
        let files = self.files;
        let view = files.live.lock().unwrap().current();
        if view.generation() == 0 {
            // Before the first one.
            return;
        }
        let (policy, right) = (policy(), files.right(view.generation()));
        let check = |verdict: &Verdict, reason: ReasonCode| {
            assert_eq!(verdict.reason(), reason, "{right:?}: {verdict}");
            assert_eq!(verdict.is_accepted(), reason == ReasonCode::PinMatched);
        };
        for _ in 0..8 {
            let index = self.dice.roll(IN_SOURCE);
            let der = files.servers[index].certificate.der();
            let target = ExpectedServer::id(&files.id, None);
            let question = VerifyRequest::server(target, der, &[], now());
            check(&decide(&view, &policy, &question), right.server(index));
            let index = self.dice.roll(IN_SOURCE + 1);
            let der = files.clients[index].certificate.der();
            let question = VerifyRequest::client(der, &[], now());
            check(&decide(&view, &policy, &question), right.client(index));
        }
        add(&counts.verdicts, 16);
    }
}
