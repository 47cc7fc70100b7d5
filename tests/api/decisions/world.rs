//! What is held, what is presented and what is asked: the world of one row.

use std::collections::BTreeMap;
use std::sync::Arc;

use mutual_trust::certificate::Certificate;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::{EntryKey, PinMatch, Scope, Slot};
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, Fingerprint, KeyPolicy, PinScope, Policy, Role,
    TrustStore, Verdict, decide,
};
use pki_types::CertificateDer;

use super::row::role;
use super::support::pki::Made;
use super::support::{NOW, at, host, keys, now, policy, server_id, store};

/// The names of the server `keys-1`. `keys-2` has `kms2.example`.
pub const KMS: &str = "kms1.example";
pub const KMS_IPV4: &str = "192.0.2.1";
pub const KMS_IPV6: &str = "2001:db8::1";

/// The scope for which something is installed.
#[derive(Clone, Copy)]
pub enum For {
    Server(&'static str),
    Group(&'static str),
    AnyServer,
    Clients,
}

/// The server that most rows are about.
pub const KEYS_1: For = For::Server("keys-1");

#[derive(Clone)]
enum Ask {
    Id(&'static str, Option<&'static str>),
    Name(&'static str),
    Client,
}

/// A store with the servers `keys-1` and `keys-2`, at a known time, asked about `kms1.example`.
pub struct World {
    pub store: TrustStore,
    pub policy: Policy,
    pub clock: CurrentTime,
    ask: Ask,
    presented: Vec<CertificateDer<'static>>,
    called: BTreeMap<Fingerprint, &'static str>,
}

/// Something that is, or has, a certificate.
pub trait Has {
    fn certificate(&self) -> Certificate;
}

impl Has for Made {
    fn certificate(&self) -> Certificate {
        Made::certificate(self)
    }
}

impl Has for Certificate {
    fn certificate(&self) -> Certificate {
        self.clone()
    }
}

/// No options.
pub fn plain() -> EntryOptions {
    EntryOptions::new()
}

pub fn by_public_key() -> EntryOptions {
    EntryOptions::new().with_matching(PinMatch::PublicKey)
}

fn with_servers(mut store: TrustStore) -> TrustStore {
    let names = [KMS, KMS_IPV4, KMS_IPV6].map(host);
    store.add_server(server_id("keys-1"), names).unwrap();
    let names = [host("kms2.example")];
    store.add_server(server_id("keys-2"), names).unwrap();
    store
}

impl World {
    pub fn new() -> Self {
        Self {
            store: with_servers(store()),
            policy: policy(),
            clock: now(),
            ask: Ask::Name(KMS),
            presented: Vec::new(),
            called: BTreeMap::new(),
        }
    }

    /// The same, under another key policy.
    pub fn with_keys(keys: KeyPolicy) -> Self {
        let store = TrustStore::new(keys).with_clock(Arc::new(now()));
        Self {
            store: with_servers(store),
            policy: Policy::new(keys),
            ..Self::new()
        }
    }

    /// Starts again with a store that never knew the time, so that it has no floor.
    pub fn without_floor(&mut self) {
        let store = TrustStore::new(keys()).with_clock(Arc::new(CurrentTime::Unset));
        self.store = with_servers(store);
        self.clock = CurrentTime::Unset;
    }

    /// Sets the store's own clock, and with it the floor.
    pub fn published_at(&mut self, clock: CurrentTime) {
        let store = std::mem::replace(&mut self.store, store());
        self.store = store.with_clock(Arc::new(clock));
    }

    /// Sets the clock, in seconds relative to `NOW`, at which the store was published.
    pub fn at(&mut self, seconds: i64) {
        self.clock = CurrentTime::Known(at(NOW.checked_add_signed(seconds).unwrap()));
    }

    pub fn ask_id(&mut self, id: &'static str, dialled: Option<&'static str>) {
        self.ask = Ask::Id(id, dialled);
    }

    pub fn ask_name(&mut self, name: &'static str) {
        self.ask = Ask::Name(name);
    }

    pub fn ask_client(&mut self) {
        self.ask = Ask::Client;
    }

    pub fn role(&self) -> Role {
        role(matches!(self.ask, Ask::Client))
    }

    /// Gives a certificate a name, by which rows speak of it.
    pub fn call(&mut self, name: &'static str, certificate: &impl Has) {
        let fingerprint = certificate.certificate().fingerprint();
        self.called.insert(fingerprint, name);
    }

    pub fn pin(&mut self, scope: For, name: &'static str, certificate: &impl Has) -> EntryKey {
        self.pin_with(scope, name, certificate, plain())
    }

    pub fn pin_with(
        &mut self,
        scope: For,
        name: &'static str,
        certificate: &impl Has,
        options: EntryOptions,
    ) -> EntryKey {
        self.call(name, certificate);
        let certificate = certificate.certificate();
        let key = EntryKey::new(Slot::Pin, scope.scope(), certificate.fingerprint());
        let installed = self.store.install_pin(scope.pins(), certificate, options);
        installed.unwrap();
        key
    }

    pub fn fingerprint(
        &mut self,
        scope: For,
        name: &'static str,
        certificate: &impl Has,
        options: EntryOptions,
    ) -> EntryKey {
        self.call(name, certificate);
        let fingerprint = certificate.certificate().fingerprint();
        let scope_of = scope.pins();
        let installed = self
            .store
            .install_pin_fingerprint(scope_of, fingerprint, options);
        installed.unwrap();
        EntryKey::new(Slot::Pin, scope.scope(), fingerprint)
    }

    /// Installs fingerprints of certificates that do not exist.
    pub fn unknown_fingerprints(&mut self, scope: For, count: usize) {
        for number in 0..u32::try_from(count).unwrap() {
            let mut bytes = [7; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            let fingerprint = Fingerprint::from_bytes(bytes);
            let scope = scope.pins();
            let installed = self
                .store
                .install_pin_fingerprint(scope, fingerprint, plain());
            installed.unwrap();
        }
    }

    pub fn authority(
        &mut self,
        scope: For,
        name: &'static str,
        certificate: &impl Has,
    ) -> EntryKey {
        self.authority_with(scope, name, certificate, plain())
    }

    pub fn authority_with(
        &mut self,
        scope: For,
        name: &'static str,
        certificate: &impl Has,
        options: EntryOptions,
    ) -> EntryKey {
        self.call(name, certificate);
        let certificate = certificate.certificate();
        let key = EntryKey::new(Slot::Authority, scope.scope(), certificate.fingerprint());
        let scope = match scope {
            For::Server(id) => AuthorityScope::Server(server_id(id)),
            For::AnyServer => AuthorityScope::AnyServer,
            For::Clients => AuthorityScope::Clients,
            For::Group(_) => panic!("a group has no authorities"),
        };
        let installed = self.store.install_authority(scope, certificate, options);
        installed.unwrap();
        key
    }

    pub fn intermediate(&mut self, name: &'static str, certificate: &impl Has) -> EntryKey {
        self.intermediate_with(name, certificate, plain())
    }

    pub fn intermediate_with(
        &mut self,
        name: &'static str,
        certificate: &impl Has,
        options: EntryOptions,
    ) -> EntryKey {
        self.call(name, certificate);
        let certificate = certificate.certificate();
        let fingerprint = certificate.fingerprint();
        let installed = self.store.install_intermediate(certificate, options);
        installed.unwrap();
        EntryKey::new(Slot::Intermediate, Scope::Everyone, fingerprint)
    }

    /// Makes a group of servers.
    pub fn group(&mut self, id: &'static str, members: &[&str]) {
        let id = id.parse().unwrap();
        self.store.add_group(id).unwrap();
        for member in members {
            self.join(member);
        }
    }

    /// Puts a server into the only group.
    pub fn join(&mut self, member: &str) {
        let group = self.store.contents().groups().next().unwrap().id().clone();
        self.store.join_group(&group, &server_id(member)).unwrap();
    }

    pub fn disable(&mut self, key: &EntryKey) {
        self.store.disable(key, "a reason").unwrap();
    }

    /// The end entity that the peer presents.
    pub fn presents(&mut self, leaf: &impl Has) -> &mut Self {
        self.presents_bytes(leaf.certificate().der().to_vec())
    }

    pub fn presents_bytes(&mut self, leaf: Vec<u8>) -> &mut Self {
        self.presented = vec![CertificateDer::from(leaf)];
        self
    }

    /// What it presents besides.
    pub fn with(&mut self, name: &'static str, issuer: &impl Has) -> &mut Self {
        self.call(name, issuer);
        self.with_bytes(issuer.certificate().der().to_vec())
    }

    pub fn with_bytes(&mut self, issuer: Vec<u8>) -> &mut Self {
        self.presented.push(CertificateDer::from(issuer));
        self
    }

    pub fn presented(&self) -> &[CertificateDer<'static>] {
        &self.presented
    }

    /// Publishes the store, at the store's own time, and asks.
    pub fn verdict(&mut self) -> Verdict {
        let view = self.store.snapshot();
        self.with_question(|policy, question| decide(&view, policy, question))
    }

    pub fn with_question<T>(&self, then: impl FnOnce(&Policy, &VerifyRequest<'_>) -> T) -> T {
        let (leaf, rest) = self.presented.split_first().expect("something presented");
        let (id, name);
        let question = match &self.ask {
            Ask::Client => VerifyRequest::client(leaf, rest, self.clock),
            Ask::Name(dialled) => {
                name = Some(host(dialled));
                VerifyRequest::server(
                    ExpectedServer::Name(name.as_ref().unwrap()),
                    leaf,
                    rest,
                    self.clock,
                )
            }
            Ask::Id(server, dialled) => {
                id = server_id(server);
                name = dialled.map(host);
                VerifyRequest::server(
                    ExpectedServer::id(&id, name.as_ref()),
                    leaf,
                    rest,
                    self.clock,
                )
            }
        };
        then(&self.policy, &question)
    }

    /// The id of the server that the question is about, if the store or the question says it.
    pub fn asked_about(&self) -> Option<String> {
        match &self.ask {
            Ask::Client => None,
            Ask::Id(id, _) => Some((*id).to_owned()),
            Ask::Name(name) => {
                let server = self.store.contents().server_of(&host(name));
                server.map(|server| server.id().to_string())
            }
        }
    }

    pub fn called(&self, fingerprint: Fingerprint) -> String {
        let name = self.called.get(&fingerprint);
        name.map_or_else(|| fingerprint.to_string(), |name| (*name).to_owned())
    }

    /// An entry, by the name of its certificate.
    pub fn key(&self, key: &EntryKey) -> String {
        self.readable(&key.to_string())
    }

    /// A text with names in place of fingerprints.
    pub fn readable(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (fingerprint, name) in &self.called {
            text = text.replace(&fingerprint.to_string(), name);
            text = text.replace(&fingerprint.short().to_string(), name);
        }
        text
    }
}

impl For {
    fn scope(self) -> Scope {
        match self {
            Self::Server(id) => Scope::Server(server_id(id)),
            Self::Group(id) => Scope::Group(id.parse().unwrap()),
            Self::AnyServer => Scope::AnyServer,
            Self::Clients => Scope::Clients,
        }
    }

    fn pins(self) -> PinScope {
        match self {
            Self::Server(id) => PinScope::Server(server_id(id)),
            Self::Group(id) => PinScope::Group(id.parse().unwrap()),
            Self::Clients => PinScope::Clients,
            Self::AnyServer => panic!("there is no pin for any server"),
        }
    }
}
