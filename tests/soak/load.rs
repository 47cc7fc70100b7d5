//! Who does what under load. Each does one thing at a time, and checks it.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::Enrolment;
use mutual_trust::observe::{Observation, ObservationReader, Observations, observation_queue};
use mutual_trust::store::{BlockSelector, EntryKey, Scope, Slot};
use mutual_trust::tls::{ClientConfigs, EnrolmentAcceptor, refusal};
use mutual_trust::{
    ClientConfigBuilder, EntryOptions, ExpectedServer, LiveTrust, PeerCheck, PinScope, ReasonCode,
    ServerId, TrustSnapshot, TrustStore, VerifyRequest, decide,
};
use rustls::{ClientConfig, CommonState, ServerConfig};

use crate::oracle::{Installed, Oracle, Peer};
use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, pin, settings};
use crate::support::pki::{Made, self_signed};
use crate::support::plain::Credential;
use crate::support::{now, policy, server_id};
use crate::{Counts, add};

const SERVERS: usize = 4;
const CLIENTS: usize = 4;
const STRANGERS: usize = 24;
const PLACES: usize = 16;

/// Connections that stay open.
const OPEN: usize = 16;

/// A generator of numbers that tests can repeat (the constants of Knuth's MMIX).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// One store for both ends: key servers, their clients, and unknown clients.
pub(crate) struct Site {
    settings: Vec<Setting>,
    oracle: Oracle,
    trust: LiveTrust,
    enrolment: Enrolment,
    observations: Observations,
    servers: Vec<Made>,
    clients: Vec<Made>,
    strangers: Vec<Made>,
    ids: Vec<ServerId>,
}

fn first(start: &str, count: usize) -> Vec<Made> {
    let name = |index| format!("{start}-{index}.example");
    (0..count).map(|index| self_signed(&name(index))).collect()
}

/// The first store, in which every server is claimed, and the view of it.
fn first_store(site_servers: &[Made], ids: &[ServerId]) -> (TrustStore, TrustSnapshot) {
    let mut store = crate::support::store();
    for (id, made) in ids.iter().zip(site_servers) {
        store.add_server(id.clone(), []).unwrap();
        pin(&mut store, PinScope::Server(id.clone()), &made.certificate);
    }
    // A client that never comes: so that another one does not find the list empty.
    pin(
        &mut store,
        PinScope::Clients,
        &self_signed("absent.example").certificate,
    );
    let view = store.snapshot();
    (store, view)
}

impl Site {
    pub(crate) fn new() -> (Self, ObservationReader) {
        let (observations, reader) = observation_queue(8192).unwrap();
        let ids = (0..SERVERS).map(|index| server_id(&format!("keys-{index}")));
        let enrolment = Enrolment::new(Arc::new(now()));
        enrolment
            .open_enrolment(Duration::from_secs(3600), PLACES)
            .unwrap();
        let site = Self {
            settings: settings(),
            oracle: Oracle::default(),
            // Nothing yet: the writer begins.
            trust: LiveTrust::new(TrustSnapshot::default()),
            enrolment,
            observations,
            servers: first("server", SERVERS),
            clients: first("client", CLIENTS),
            strangers: first("stranger", STRANGERS),
            ids: ids.collect(),
        };
        (site, reader)
    }

    pub(crate) fn writer(&self) -> Writer<'_> {
        let (store, view) = first_store(&self.servers, &self.ids);
        let servers = (1 << SERVERS) - 1;
        let installed = Installed {
            servers,
            ..Installed::default()
        };
        self.oracle.note(view.generation(), installed);
        self.trust.publish(view).unwrap();
        Writer {
            site: self,
            store,
            installed,
            dice: Dice(1),
        }
    }

    pub(crate) fn reader(&self, seed: u64) -> Reader<'_> {
        let (site, dice) = (self, Dice(100 + seed));
        Reader { site, dice }
    }

    fn links(&self, setting: &Setting, client: usize) -> (ClientConfigBuilder, ClientConfigs) {
        let identity = self.clients[client].identity(&[], &setting.provider);
        let builder = setting.client(self.trust.clone(), identity);
        let builder = builder.with_observer(self.observations.clone());
        let links = builder.client_configs().unwrap();
        (builder, links)
    }

    pub(crate) fn linker(&self, seed: u64) -> Linker<'_> {
        let mut ends = Vec::new();
        for setting in &self.settings {
            let clients = (0..CLIENTS)
                .map(|client| self.links(setting, client).1)
                .collect();
            let (builder, _) = self.links(setting, 0);
            let servers = self.servers.iter().map(|made| {
                let identity = made.identity(&[], &setting.provider);
                let builder = setting.server(self.trust.clone(), identity);
                let builder = builder.with_observer(self.observations.clone());
                let acceptor = builder.enrolment(&self.enrolment).unwrap();
                (
                    builder.build().unwrap().into(),
                    acceptor,
                    builder.peer_check(),
                )
            });
            ends.push(Ends {
                clients,
                check: builder.peer_check(),
                servers: servers.collect(),
            });
        }
        Linker {
            site: self,
            dice: Dice(200 + seed),
            ends,
            open: VecDeque::new(),
        }
    }

    pub(crate) fn crowd(&self) -> Crowd<'_> {
        let mut ends = Vec::new();
        for setting in &self.settings {
            let identity = self.servers[0].identity(&[], &setting.provider);
            let builder = setting.server(self.trust.clone(), identity);
            let builder = builder.with_observer(self.observations.clone());
            let acceptor = builder.enrolment(&self.enrolment).unwrap();
            let thief = Credential::of(&self_signed("thief.example"), &[]);
            let all = self.strangers.iter().map(|made| {
                let own = Credential::of(made, &[]);
                let stolen = own.clone().signing_as(&thief);
                (setting.client_of(&own), setting.client_of(&stolen))
            });
            ends.push((acceptor, all.collect()));
        }
        Crowd {
            site: self,
            dice: Dice(300),
            ends,
        }
    }

    /// Whose certificate it is.
    fn peer(&self, der: &[u8]) -> Peer {
        let find = |all: &[Made]| all.iter().position(|made| made.certificate.der() == der);
        None.or(find(&self.servers).map(Peer::Server))
            .or(find(&self.clients).map(Peer::Client))
            .or(find(&self.strangers).map(Peer::Stranger))
            .expect("somebody known")
    }

    pub(crate) fn check_observation(&self, observation: &Observation) {
        let peer = self.peer(&observation.presented[0]);
        if observation.verdict.reason() == ReasonCode::HandshakeSignatureInvalid {
            assert!(!observation.proved && matches!(peer, Peer::Stranger(_)));
            return;
        }
        self.oracle.check(peer, &observation.verdict);
        if observation.verdict.is_accepted() {
            assert!(observation.proved, "told of before it was proved");
        }
        if let Peer::Server(index) = peer {
            assert_eq!(observation.server.as_ref(), Some(&self.ids[index]));
        }
    }

    /// Every end that refused did so by a verdict of its view; the other end was told so by an alert; nothing else
    /// ever fails. Returns whether both accepted.
    fn check_outcome(&self, outcome: &Outcome, server: Peer, client: Peer) -> bool {
        let mut refused = 0;
        for (result, peer) in [(&outcome.client, server), (&outcome.server, client)] {
            let Err(error) = result else { continue };
            match refusal(error) {
                Some(verdict) => {
                    self.oracle.check(peer, verdict);
                    assert!(!verdict.is_accepted());
                    refused += 1;
                }
                None => assert!(
                    matches!(error, rustls::Error::AlertReceived(_)),
                    "{error}: neither a refusal nor told of one"
                ),
            }
        }
        assert_eq!(refused == 0, outcome.is_ok(), "failed without a refusal");
        outcome.is_ok()
    }
}

/// Changes one thing and publishes it.
pub(crate) struct Writer<'a> {
    site: &'a Site,
    store: TrustStore,
    installed: Installed,
    dice: Dice,
}

impl Writer<'_> {
    pub(crate) fn publish(&mut self, counts: &Counts) {
        match self.dice.roll(8) {
            0 | 1 => self.toggle_pin(true),
            2 | 3 => self.toggle_pin(false),
            4 => self.toggle_block(true),
            5 => self.toggle_block(false),
            6 => self.forget_strangers(),
            _ => self.enrol(counts),
        }
        let view = self.store.snapshot();
        if view.generation() == self.site.trust.current().generation() {
            return;
        }
        self.site.oracle.note(view.generation(), self.installed);
        self.site.trust.publish(view).unwrap();
        add(&counts.generations, 1);
    }

    fn toggle_pin(&mut self, server: bool) {
        let site = self.site;
        let (index, bits, blocked) = if server {
            let index = self.dice.roll(SERVERS);
            (
                index,
                &mut self.installed.servers,
                self.installed.blocked_servers,
            )
        } else {
            let index = self.dice.roll(CLIENTS);
            (
                index,
                &mut self.installed.clients,
                self.installed.blocked_clients,
            )
        };
        let (made, pins, scope) = if server {
            let id = &site.ids[index];
            let scope = Scope::Server(id.clone());
            (&site.servers[index], PinScope::Server(id.clone()), scope)
        } else {
            (&site.clients[index], PinScope::Clients, Scope::Clients)
        };
        // Most of the time, most of them are installed.
        if *bits >> index & 1 == 1 {
            if self.dice.roll(4) == 0 {
                let fingerprint = made.certificate.fingerprint();
                let key = EntryKey::new(Slot::Pin, scope, fingerprint);
                self.store.remove(&key).unwrap();
                *bits ^= 1 << index;
            }
        } else if blocked >> index & 1 == 0 {
            pin(&mut self.store, pins, &made.certificate);
            *bits ^= 1 << index;
        }
    }

    fn toggle_block(&mut self, server: bool) {
        let site = self.site;
        let (index, bits, all) = if server {
            let index = self.dice.roll(SERVERS);
            (index, &mut self.installed.blocked_servers, &site.servers)
        } else {
            let index = self.dice.roll(CLIENTS);
            (index, &mut self.installed.blocked_clients, &site.clients)
        };
        let certificate = &all[index].certificate;
        if *bits >> index & 1 == 1 {
            let selector = BlockSelector::certificate(certificate);
            self.store.unblock(&selector).unwrap();
            *bits ^= 1 << index;
        } else if self.dice.roll(4) == 0 {
            self.store.block(certificate);
            *bits ^= 1 << index;
        }
    }

    fn forget_strangers(&mut self) {
        for (index, made) in self.site.strangers.iter().enumerate() {
            if self.installed.strangers >> index & 1 == 1 {
                let fingerprint = made.certificate.fingerprint();
                let key = EntryKey::new(Slot::Pin, Scope::Clients, fingerprint);
                self.store.remove(&key).unwrap();
            }
        }
        self.installed.strangers = 0;
    }

    /// Accepts one of those who wait, by its fingerprint, after a try with another one.
    fn enrol(&mut self, counts: &Counts) {
        let enrolment = &self.site.enrolment;
        let pending = enrolment.pending();
        assert!(pending.len() <= PLACES);
        let Some(peer) = pending.first() else { return };
        assert!(peer.presented.is_proved());
        let subject = peer.presented.subject();
        let find = |made: &Made| made.certificate.subject() == subject;
        let Some(index) = self.site.strangers.iter().position(find) else {
            // A client whose pin was removed asks as well. Another thread decides about it.
            assert!(self.site.clients.iter().any(find), "{subject}");
            let _ = enrolment.reject(peer.id, "bob");
            return;
        };
        let right = self.site.strangers[index].certificate.fingerprint();
        let wrong = self.site.servers[0].certificate.fingerprint();
        let mut accept = |given| {
            let options = EntryOptions::new();
            let store = &mut self.store;
            enrolment.accept_client(peer.id, given, store, options, "alice")
        };
        accept(wrong).unwrap_err();
        // It may have been pushed out meanwhile by others of its network.
        if accept(right).is_ok() {
            self.installed.strangers |= 1 << index;
            add(&counts.enrolled, 1);
        }
    }
}

/// Asks about all peers on one view.
pub(crate) struct Reader<'a> {
    site: &'a Site,
    dice: Dice,
}

impl Reader<'_> {
    pub(crate) fn judge(&mut self, counts: &Counts) {
        let (site, policy) = (self.site, policy());
        let view = site.trust.current();
        for _ in 0..32 {
            let index = self.dice.roll(SERVERS);
            let der = site.servers[index].certificate.der();
            let target = ExpectedServer::id(&site.ids[index], None);
            let question = VerifyRequest::server(target, der, &[], now());
            let verdict = decide(&view, &policy, &question);
            site.oracle.check(Peer::Server(index), &verdict);
            let index = self.dice.roll(CLIENTS);
            let der = site.clients[index].certificate.der();
            let verdict = decide(&view, &policy, &VerifyRequest::client(der, &[], now()));
            site.oracle.check(Peer::Client(index), &verdict);
            // One view for all of them.
            assert_eq!(verdict.generation(), view.generation());
        }
        add(&counts.verdicts, 64);
    }
}

struct Ends {
    clients: Vec<ClientConfigs>,
    check: PeerCheck,
    servers: Vec<(Arc<ServerConfig>, EnrolmentAcceptor, PeerCheck)>,
}

/// A connection that was made, and its two ends.
struct Open {
    ends: usize,
    server: usize,
    client: usize,
    outcome: Outcome,
}

/// Makes connections, keeps some open, and asks about those again.
pub(crate) struct Linker<'a> {
    site: &'a Site,
    dice: Dice,
    ends: Vec<Ends>,
    open: VecDeque<Open>,
}

impl Linker<'_> {
    pub(crate) fn connect(&mut self, counts: &Counts) {
        let ends = self.dice.roll(self.ends.len());
        let (server, client) = (self.dice.roll(SERVERS), self.dice.roll(CLIENTS));
        let Ends {
            clients, servers, ..
        } = &self.ends[ends];
        let link = clients[client].config_for(&self.site.ids[server]).unwrap();
        let (shared, acceptor, _) = &servers[server];
        let config = match self.dice.roll(2) {
            0 => shared.clone(),
            _ => acceptor.config_for(Ipv4Addr::LOCALHOST.into()).unwrap(),
        };
        let outcome = handshake(&link, &config, "kms1.example");
        let (server_peer, client_peer) = (Peer::Server(server), Peer::Client(client));
        if self.site.check_outcome(&outcome, server_peer, client_peer) {
            add(&counts.accepted, 1);
            self.open.push_back(Open {
                ends,
                server,
                client,
                outcome,
            });
        } else {
            add(&counts.refused, 1);
        }
        if self.open.len() > OPEN {
            self.ask_again(counts);
            self.open.truncate(OPEN / 2);
        }
    }

    /// Which no longer stand is what the view of the verdicts says, which is one for all.
    fn ask_again(&self, counts: &Counts) {
        let oracle = &self.site.oracle;
        let mut generations = Vec::new();
        for (index, ends) in self.ends.iter().enumerate() {
            let open = || self.open.iter().filter(move |open| open.ends == index);
            let asked = open().map(|open| {
                let connection: &CommonState = &open.outcome.client_connection;
                let target = ExpectedServer::id(&self.site.ids[open.server], None);
                (open.server, connection, Some(target))
            });
            generations.clear();
            for (server, refusal) in ends.check.no_longer_trusted(asked) {
                let verdict = refusal.verdict();
                oracle.check(Peer::Server(server), verdict);
                assert!(!verdict.is_accepted());
                generations.push(verdict.generation());
            }
            generations.dedup();
            assert!(generations.len() <= 1, "judged on several views");
            for open in open() {
                let check = &ends.servers[open.server].2;
                let verdict =
                    mutual_trust::Verdict::from(check.client(&open.outcome.server_connection));
                oracle.check(Peer::Client(open.client), &verdict);
                add(&counts.rechecked, 2);
            }
        }
    }
}

/// An unknown client's configuration with its own key, and that of a thief of its certificate.
type Stranger = (Arc<ClientConfig>, Arc<ClientConfig>);

/// Unknown clients that connect, with their own key and without.
pub(crate) struct Crowd<'a> {
    site: &'a Site,
    dice: Dice,
    ends: Vec<(EnrolmentAcceptor, Vec<Stranger>)>,
}

impl Crowd<'_> {
    pub(crate) fn knock(&mut self, counts: &Counts) {
        let (acceptor, all) = &self.ends[self.dice.roll(self.ends.len())];
        let stranger = self.dice.roll(STRANGERS);
        let network = u8::try_from(self.dice.roll(6)).unwrap();
        let address: IpAddr = [10, 0, network, 1].into();
        let config = acceptor.config_for(address).unwrap();
        let (own, stolen) = &all[stranger];
        let peer = Peer::Stranger(stranger);
        if self.dice.roll(4) == 0 {
            let outcome = handshake(stolen, &config, "kms1.example");
            let error = outcome.server.unwrap_err();
            let verdict = refusal(&error).expect("a refusal");
            assert_eq!(verdict.reason(), ReasonCode::HandshakeSignatureInvalid);
        } else {
            let outcome = handshake(own, &config, "kms1.example");
            // The server end alone judges: unknown clients take any server.
            assert!(self.site.check_outcome(&outcome, Peer::Server(0), peer) == outcome.is_ok());
        }
        add(&counts.knocks, 1);
    }
}
