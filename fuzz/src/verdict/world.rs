//! A PKI, what is installed of it, and questions about it, all from the bytes of the input.

use core::time::Duration;
use std::sync::Arc;

use mutual_trust::certificate::Crl;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::{
    BlockSelector, CrlIssuer, Entry, EntryKey, PinMatch, Scope, Slot, ValidityRule,
};
use mutual_trust::{
    AuthorityScope, Certificate, ChainProfile, CurrentTime, EntryOptions, Fingerprint, HostName,
    PinScope, Policy, ServerId, TrustSnapshot, TrustStore,
};
use mutual_trust_worlds::state::{self, State};
use mutual_trust_worlds::{Demands, Peer};
use pki_types::{CertificateDer, UnixTime};
use sha2::{Digest, Sha256};

use super::decode::Input;
use crate::make::{self, Base, Constraints, Der, List, Name, Spec, Spelling, Usage};

/// 2027-01-01.
pub(super) const NOW: i64 = 1_798_761_600;
pub(super) const DAY: i64 = 24 * 60 * 60;
/// The grace of pins, where they have one, and of revocation lists.
pub(super) const GRACE: i64 = 10 * DAY;

const SUBJECTS: [&str; 6] = ["ca 0", "ca 1", "ca 2", "ca 3", "peer 0", "peer 1"];
pub(super) const SERVERS: [&str; 3] = ["one", "two", "three"];
pub(super) const HOSTS: [&str; 4] = ["a.kms.example", "b.kms.example", "192.0.2.1", "other.test"];
pub(super) const PATTERNS: [&str; 2] = ["dns:*.kms.example", "ip:192.0.2.1"];
const SPELLINGS: [Spelling; 3] = [Spelling::Printable, Spelling::UpperCase, Spelling::Spaces];

pub(super) fn time(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds.try_into().unwrap()))
}

fn id(at: usize) -> ServerId {
    SERVERS[at].parse().unwrap()
}

fn host(at: usize) -> HostName {
    HOSTS[at].parse().unwrap()
}

pub(super) struct World {
    pub(super) specs: Vec<Spec>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) lists: Vec<(List, Fingerprint)>,
    pub(super) store: TrustStore,
    /// What the model knows: names, groups, claims, checked issuers and the floor by its own reading of the calls.
    pub(super) state: State,
}

/// One certificate, good unless the input says otherwise: its issuer is one of those before it or itself.
fn spec(input: &mut Input<'_>, before: &[Spec]) -> Spec {
    let number = u8::try_from(before.len()).unwrap();
    let shape = input.byte();
    let ca = shape & 1 == 0;
    let own = if ca {
        before.len() % 4
    } else {
        4 + before.len() % 2
    };
    let mut spec = Spec::new(SUBJECTS[own], number, ca);
    (spec.from, spec.to) = (NOW - 100 * DAY, NOW + 100 * DAY);
    spec.serial = vec![number + 1];
    spec.key_usage = Some(if ca { 0x06 } else { 0x80 });
    if shape & 2 != 0 {
        spec.subject = input.one(&SUBJECTS);
        spec.key = u8::try_from(input.below(10)).unwrap();
        (spec.issuer, spec.signer) = (spec.subject, spec.key);
    }
    let issuer = input.below(before.len() + 1);
    if let Some(issuer) = before.get(issuer) {
        (spec.issuer, spec.signer) = (issuer.subject, issuer.key);
        spec.authority_key = Some(issuer.key);
    }
    let names = input.byte();
    if !ca || names & 0x80 != 0 {
        let all = [
            Name::Dns("a.kms.example"),
            Name::Dns("b.kms.example"),
            Name::Dns("*.kms.example"),
            Name::Ip([192, 0, 2, 1].into()),
            Name::Dns("other.test"),
            Name::Uri("spiffe://example/peer"),
        ];
        let named = all.into_iter().enumerate();
        let named = named.filter(|(bit, _)| names >> bit & 1 == 1);
        spec.names = named.map(|(_, name)| name).collect();
    }
    for _ in 0..shape >> 2 & 3 {
        fault(input, &mut spec, before);
    }
    spec
}

/// Something that is odd about a certificate.
fn fault(input: &mut Input<'_>, spec: &mut Spec, before: &[Spec]) {
    let usage = |server, client, any| {
        Some(Usage {
            server,
            client,
            any,
        })
    };
    // Those from 48 on are the first ones again.
    match match input.byte() % 64 {
        code @ 48.. => code - 48,
        code => code,
    } {
        0 => spec.broken = true,
        1 => (spec.from, spec.to) = (NOW - 200 * DAY, NOW - DAY),
        2 => (spec.from, spec.to) = (NOW + DAY, NOW + 200 * DAY),
        3 => spec.to = NOW,
        4 => spec.to = NOW - 1,
        5 => spec.from = NOW + 300,
        6 => spec.from = NOW + 301,
        7 => spec.ca = spec.ca.map(|(ca, _)| (ca, Some(0))),
        8 => spec.ca = spec.ca.map(|(ca, _)| (ca, Some(1))),
        9 => spec.key_usage = None,
        10 => spec.key_usage = Some(0x80),
        11 => spec.key_usage = Some(0x04),
        12 => spec.key_usage = Some(0x86),
        13 => spec.usage = usage(true, false, false),
        14 => spec.usage = usage(false, true, false),
        15 => spec.usage = usage(true, true, false),
        16 => spec.usage = usage(false, false, true),
        17 => spec.usage = usage(false, false, false),
        18 => spec.critical = true,
        19 => spec.version = 1,
        20 => spec.signer = u8::try_from(input.below(10)).unwrap(),
        21 => spec.issuer = input.one(&SUBJECTS),
        22 => spec.authority_key = Some(u8::try_from(input.below(10)).unwrap()),
        23 => spec.authority_key = None,
        24 => spec.key_id = !spec.key_id,
        25 => spec.ca = None,
        26 => spec.ca = Some((!spec.ca.is_some_and(|(ca, _)| ca), None)),
        27 => spec.serial = vec![0],
        28 => spec.serial = before.first().map_or(vec![9], |first| first.serial.clone()),
        29 => spec.constraints = constraints(input, true),
        30 => spec.constraints = constraints(input, false),
        31 => spec.to = NOW + 5 * DAY,
        32 | 33 => rekey(spec, make::FIRST_EC + input.byte() % make::EC_KEYS),
        34 => rekey(spec, make::FIRST_RSA + input.byte() % make::RSA_KEYS),
        35 => spec.second_signature = make::is_malleable(spec.signer),
        36 | 37 => {
            // Anyone can make this of a certificate without its key.
            let of = input.below(before.len().max(1));
            if let Some(other) = before.get(of).filter(|one| make::is_malleable(one.signer)) {
                *spec = Spec {
                    second_signature: !other.second_signature,
                    ..other.clone()
                };
            }
        }
        38 => spec.subject_spelling = input.one(&SPELLINGS),
        39 => spec.issuer_spelling = input.one(&SPELLINGS),
        40 => spec.serial.insert(0, 0),
        41 => spec.constraints.permitted.push(address(input)),
        42 => spec.constraints.excluded.push(address(input)),
        43 => spec
            .names
            .push(Name::Ip("::ffff:192.0.2.1".parse().unwrap())),
        44 => spec.names.push(Name::Ip("2001:db8::1".parse().unwrap())),
        45 => spec.names.push(Name::Dns("x,dns:a.kms.example")),
        46 => spec.key_usage = Some(0x20),
        _ => spec.serial = vec![0, 0, spec.serial[0]],
    }
    // The library reads no certificate whose period ends before it begins.
    spec.to = spec.to.max(spec.from);
    if spec.version == 1 {
        // Extensions come with version 3.
        spec.ca = None;
        spec.key_usage = None;
        spec.usage = None;
        spec.names.clear();
        spec.constraints = Constraints::default();
        spec.authority_key = None;
        spec.key_id = false;
        spec.critical = false;
    }
}

/// Another key; of a certificate that signed itself, it signs.
fn rekey(spec: &mut Spec, key: u8) {
    if spec.issuer == spec.subject && spec.signer == spec.key {
        spec.signer = key;
    }
    spec.key = key;
}

fn address(input: &mut Input<'_>) -> Base {
    let all = [
        ("192.0.2.0", 24),
        ("192.0.2.1", 32),
        ("198.51.100.0", 24),
        ("0.0.0.0", 0),
        ("2001:db8::", 32),
        ("::ffff:192.0.2.0", 120),
        ("::", 0),
    ];
    let (address, prefix) = input.one(&all);
    Base::Ip(address.parse().unwrap(), prefix)
}

fn constraints(input: &mut Input<'_>, permitted: bool) -> Constraints {
    let base = Base::Dns(input.one(&[
        "example",
        "kms.example",
        "a.kms.example",
        "b.kms.example",
        "test",
    ]));
    let (permitted, excluded) = if permitted {
        (vec![base], Vec::new())
    } else {
        (Vec::new(), vec![base])
    };
    Constraints {
        permitted,
        excluded,
    }
}

impl World {
    pub(super) fn new(input: &mut Input<'_>) -> Self {
        let mut specs: Vec<Spec> = Vec::new();
        for _ in 0..1 + input.below(9) {
            let mut one = spec(input, &specs);
            // Two with the same bytes are one certificate, which is listed once.
            while specs.contains(&one) {
                one.serial.push(1);
            }
            specs.push(one);
        }
        let read = |spec: &Spec| {
            Certificate::from_der(&spec.der()).unwrap_or_else(|error| panic!("{spec:?}: {error}"))
        };
        let certificates: Vec<Certificate> = specs.iter().map(read).collect();
        let clock = Arc::new(CurrentTime::Known(time(NOW)));
        let digest = |one: &Certificate| -> [u8; 32] { Sha256::digest(one.der()).into() };
        let state = State {
            certificates: specs.clone(),
            fingerprints: certificates.iter().map(digest).collect(),
            ..State::default()
        };
        let mut world = Self {
            specs,
            certificates,
            lists: Vec::new(),
            store: TrustStore::new(crate::keys()).with_clock(clock),
            state,
        };
        for (at, names) in [&[0, 2][..], &[1], &[]].into_iter().enumerate() {
            let added = world
                .store
                .add_server(id(at), names.iter().map(|name| host(*name)));
            assert!(added.is_ok(), "{added:?}");
            let names: Vec<&'static str> = names.iter().map(|name| HOSTS[*name]).collect();
            world.state.add_server(&names);
        }
        let added = world.store.add_group("group".parse().unwrap());
        assert!(added.is_ok(), "{added:?}");
        for _ in 0..input.below(24) {
            world.change(input);
        }
        world
    }

    /// Publishes the store.
    pub(super) fn publish(&mut self) -> TrustSnapshot {
        self.state.publish(Some(NOW));
        self.store.snapshot()
    }

    pub(super) fn index_of(&self, fingerprint: Fingerprint) -> usize {
        let mut all = self.certificates.iter();
        all.position(|certificate| certificate.fingerprint() == fingerprint)
            .expect("only these are there")
    }

    /// How many installed CAs have the name of the issuer of a certificate.
    pub(super) fn named_by(&self, at: usize) -> usize {
        let entries = self.store.contents().entries();
        let cas = entries.iter().filter(|entry| entry.slot() != Slot::Pin);
        cas.filter(|entry| {
            let ca = self.index_of(entry.key().fingerprint);
            self.specs[ca].subject == self.specs[at].issuer
        })
        .count()
    }

    /// For a panic.
    pub(super) fn shown(&self) -> String {
        let specs = self.specs.iter().enumerate();
        let mut lines: Vec<String> = specs.map(|(at, spec)| format!("{at}: {spec:?}")).collect();
        let view = self.store.contents();
        lines.extend(view.entries().iter().map(|entry| {
            let at = self.index_of(entry.key().fingerprint);
            format!("{at} {entry:?}")
        }));
        lines.extend(view.servers().map(|server| format!("{server:?}")));
        lines.extend(view.blocks().map(|block| format!("blocked {block}")));
        lines.extend(self.lists.iter().map(|(list, _)| format!("{list:?}")));
        lines.join("\n") + "\n"
    }

    fn options(input: &mut Input<'_>) -> EntryOptions {
        let bits = input.byte();
        let mut options = EntryOptions::new();
        if bits & 1 != 0 {
            options = options.with_matching(PinMatch::PublicKey);
        }
        if bits & 2 != 0 {
            options = options.with_any_role();
        }
        options = match bits >> 2 & 3 {
            0 | 1 => options,
            2 => options.with_validity(ValidityRule::Enforce),
            _ => options.with_validity(grace()),
        };
        options = match bits >> 4 & 3 {
            1 => options.with_end(time(NOW + 5 * DAY)),
            _ => options,
        };
        if bits & 64 != 0 {
            let pattern = PATTERNS[usize::from(bits >> 7)];
            options = options.with_san_patterns([pattern.parse().unwrap()]);
        }
        options
    }

    fn pin_scope(input: &mut Input<'_>) -> PinScope {
        match input.byte() % 8 {
            0..5 => PinScope::Server(id(input.below(SERVERS.len()))),
            5 => PinScope::Group("group".parse().unwrap()),
            _ => PinScope::Clients,
        }
    }

    /// One call, refused or not: another target checks which calls are refused. The model learns of those that are not.
    fn change(&mut self, input: &mut Input<'_>) {
        let what = input.byte() % 20;
        let at = input.below(self.certificates.len());
        let certificate = self.certificates[at].clone();
        let server = at % SERVERS.len();
        let store = &mut self.store;
        let mut installed = None;
        let done: Result<_, _> = match what {
            0..4 => {
                let scope = Self::pin_scope(input);
                let options = Self::options(input);
                installed = Some((state::Slot::Pin, scope_of_pin(&scope)));
                if what < 3 {
                    store.install_pin(scope, certificate.clone(), options)
                } else {
                    store.install_pin_fingerprint(scope, certificate.fingerprint(), options)
                }
            }
            4..9 => {
                let scope = match input.byte() % 8 {
                    0 | 1 => AuthorityScope::Server(id(input.below(SERVERS.len()))),
                    2..6 => AuthorityScope::AnyServer,
                    _ => AuthorityScope::Clients,
                };
                let mut options = Self::options(input);
                if options.matching() == PinMatch::PublicKey || options.is_any_role() {
                    options = EntryOptions::new();
                }
                store.install_authority(scope, certificate.clone(), options)
            }
            9 | 10 => store.install_intermediate(certificate.clone(), EntryOptions::new()),
            11 => {
                let (selector, block) = match input.byte() % 4 {
                    0 => (
                        BlockSelector::certificate(&certificate),
                        state::Block::Certificate(at),
                    ),
                    1 => (
                        BlockSelector::Fingerprint(certificate.fingerprint()),
                        state::Block::Fingerprint(at),
                    ),
                    2 => (
                        BlockSelector::Key(certificate.key_pin()),
                        state::Block::Key(self.specs[at].key),
                    ),
                    _ => (
                        BlockSelector::issuer_serial(&certificate),
                        state::Block::IssuerSerial {
                            issuer: self.specs[at].issuer,
                            serial: self.specs[at].serial.clone(),
                        },
                    ),
                };
                self.state.blocks.push(block);
                Ok(store.block_selector(selector))
            }
            12 | 13 => self.install_list(input, at),
            14 => store.join_group(&"group".parse().unwrap(), &id(server)),
            15 => store.migrate(&id(server), time(NOW + 5 * DAY)),
            16 => store.release(&id(server)),
            17 => {
                let keys: Vec<_> = store.contents().entries().into_iter().collect();
                let key = keys.get(at).map(|entry| entry.key().clone());
                key.map_or(Ok(store.reset_floor(None)), |key| {
                    store.disable(&key, "it was disabled")
                })
            }
            18 => store.disable_revocation_checks(&CrlIssuer::of(&certificate)),
            _ => {
                let name = input.below(HOSTS.len());
                self.state.servers[server].reference = vec![HOSTS[name]];
                store.set_reference_names(&id(server), [host(name)])
            }
        };
        self.learn(what, at, installed, done.is_ok());
    }

    /// What a call means by the rules; what is installed is listed by the store.
    fn learn(
        &mut self,
        what: u8,
        at: usize,
        installed: Option<(state::Slot, state::Scope)>,
        done: bool,
    ) {
        let server = at % SERVERS.len();
        let entries = self.store.contents().entries();
        let entries = entries.into_iter().map(|entry| self.entry(entry)).collect();
        match what {
            14 if done => self.state.join(server),
            15 => assert_eq!(self.state.migrate(server, NOW + 5 * DAY), done, "migrate"),
            16 => assert_eq!(self.state.release(server), done, "release"),
            18 if done => {
                let issuer = (self.specs[at].subject, self.specs[at].key);
                self.state.checked.remove(&issuer);
            }
            _ => {}
        }
        self.state.entries = entries;
        if let Some((slot, scope)) = installed.filter(|_| done) {
            self.state.installed(slot, scope);
        }
        let installed: Vec<_> = self.store.contents().crls().collect();
        let is = |fingerprint| {
            let mut all = installed.iter();
            all.any(|list| list.crl().fingerprint() == fingerprint)
        };
        let lists = self.lists.iter().filter(|(_, list)| is(*list));
        self.state.lists = lists.map(|(list, _)| list.clone()).collect();
        if matches!(what, 12 | 13)
            && done
            && let Some((list, _)) = self.lists.last()
        {
            self.state.checked.insert((list.issuer, list.signer));
        }
    }

    /// An entry of the list of what is installed.
    fn entry(&self, entry: &Entry) -> state::Entry {
        let key = entry.key();
        let (slot, scope) = place(&key);
        let options = entry.options();
        let grace = |rule| match rule {
            ValidityRule::Enforce => 0,
            // There is one grace.
            _ => GRACE,
        };
        let patterns = options.san_patterns().iter();
        state::Entry {
            bare: entry.certificate().is_none(),
            by_key: options.matching() == PinMatch::PublicKey,
            any_role: options.is_any_role(),
            grace: options.validity().map(grace),
            end: options
                .end()
                .map(|end| i64::try_from(end.as_secs()).unwrap()),
            patterns: patterns
                .map(|pattern| {
                    let text = pattern.to_string();
                    let mut all = PATTERNS.into_iter();
                    all.find(|known| *known == text).expect("it was given")
                })
                .collect(),
            disabled: entry.disabled().is_some(),
            ..state::Entry::new(slot, scope, self.index_of(key.fingerprint))
        }
    }

    fn install_list(
        &mut self,
        input: &mut Input<'_>,
        issuer: usize,
    ) -> Result<mutual_trust::store::Report, mutual_trust::error::StoreError> {
        let bits = input.byte();
        let (this_update, next_update) = match bits & 3 {
            0 | 1 => (NOW - DAY, NOW + DAY),
            2 => (NOW - 5 * DAY, NOW - DAY),
            _ => (NOW - 30 * DAY, NOW - GRACE),
        };
        let revoked = input.byte();
        let serials = self.specs.iter().enumerate();
        let serials = serials.filter(|(at, _)| *at < 8 && revoked >> at & 1 == 1);
        let mut serials: Vec<Vec<u8>> = serials.map(|(_, spec)| spec.serial.clone()).collect();
        serials.sort();
        serials.dedup();
        let list = List {
            issuer: self.specs[issuer].subject,
            signer: self.specs[issuer].key,
            number: bits >> 2,
            this_update,
            next_update,
            serials,
            broken: bits == 0xff,
            spelling: self.specs[issuer].subject_spelling,
        };
        let crl = Crl::from_der(&list.der()).unwrap_or_else(|error| panic!("{list:?}: {error}"));
        self.lists.push((list, crl.fingerprint()));
        self.store.install_crl(crl)
    }
}

pub(super) fn grace() -> ValidityRule {
    ValidityRule::Grace(Duration::from_secs(GRACE.try_into().unwrap()))
}

fn scope_of_pin(scope: &PinScope) -> state::Scope {
    match scope {
        PinScope::Server(id) => state::Scope::Server(number_of(id)),
        PinScope::Group(_) => state::Scope::Group,
        PinScope::Clients => state::Scope::Clients,
        other => panic!("an unknown scope {other:?}"),
    }
}

fn number_of(id: &ServerId) -> usize {
    let mut all = SERVERS.iter();
    all.position(|server| *server == id.as_str())
        .expect("only these are there")
}

/// Where an entry stands, in the words of the model.
pub(super) fn place(key: &EntryKey) -> (state::Slot, state::Scope) {
    let slot = match key.slot {
        Slot::Pin => state::Slot::Pin,
        Slot::Authority => state::Slot::Authority,
        Slot::Intermediate => state::Slot::Intermediate,
    };
    let scope = match &key.scope {
        Scope::Server(id) => state::Scope::Server(number_of(id)),
        Scope::Group(_) => state::Scope::Group,
        Scope::Clients => state::Scope::Clients,
        Scope::AnyServer => state::Scope::AnyServer,
        Scope::Everyone => state::Scope::Everyone,
    };
    (slot, scope)
}

#[derive(Clone, Debug)]
pub(super) struct Ask(mutual_trust_worlds::Ask);

impl core::ops::Deref for Ask {
    type Target = mutual_trust_worlds::Ask;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Ask {
    pub(super) fn new(input: &mut Input<'_>, world: &World) -> Self {
        let peer = match input.byte() % 8 {
            0..4 => {
                let dialled = input.below(HOSTS.len() + 1);
                Peer::Id(input.below(SERVERS.len() + 1), HOSTS.get(dialled).copied())
            }
            4 | 5 => Peer::Name(HOSTS[input.below(HOSTS.len())]),
            _ => Peer::Client,
        };
        let leaf = input.below(world.specs.len());
        let sent = u16::from_be_bytes([input.byte(), input.byte()]);
        let chain = (0..world.specs.len()).filter(|at| sent >> at & 1 == 1);
        let clock = input.one(&[
            Some(NOW),
            Some(NOW),
            Some(NOW + 1),
            Some(NOW - 26 * 60 * 60),
            Some(NOW - 26 * 60 * 60 - 1),
            Some(NOW + 5 * DAY),
            Some(NOW + 9 * DAY),
            Some(NOW + 101 * DAY),
            None,
        ]);
        let bits = input.byte();
        let more = input.byte();
        let grace = |is| if is { GRACE } else { 0 };
        Self(mutual_trust_worlds::Ask {
            peer,
            leaf,
            chain: chain.collect(),
            clock,
            demands: Demands {
                unlisted: bits & 1 != 0,
                pins_only: bits & 6 == 6,
                without_clock: bits & 8 != 0,
                grace: grace(bits & 16 != 0),
                strict: bits & 96 == 96,
                require_crl: more & 3 == 3,
                crl_grace: grace(more & 4 != 0),
                most: (more & 8 != 0).then_some(usize::from(more >> 4 & 3)),
            },
        })
    }

    pub(super) fn policy(&self) -> Policy {
        let demands = &self.demands;
        let mut policy = Policy::new(crate::keys());
        if demands.unlisted {
            policy = policy.with_unlisted_allowed();
        }
        if demands.pins_only {
            policy = policy.with_clients_by_pin_only();
        }
        if demands.without_clock {
            policy = policy.with_chains_without_clock();
        }
        if demands.grace > 0 {
            policy = policy.with_validity(grace()).unwrap();
        }
        if demands.strict {
            policy = policy.with_chain_profile(ChainProfile::Strict);
        }
        if demands.require_crl {
            policy = policy.with_crl_required();
        }
        if demands.crl_grace > 0 {
            policy = policy
                .with_crl_grace(Duration::from_secs(GRACE.try_into().unwrap()))
                .unwrap();
        }
        if let Some(most) = demands.most {
            policy = policy.with_max_intermediates(most).unwrap_or(policy);
        }
        policy
    }

    pub(super) fn with_question<T>(
        &self,
        world: &World,
        answer: impl FnOnce(&VerifyRequest<'_>) -> T,
    ) -> T {
        let der = |at: usize| world.certificates[at].der().to_vec().into();
        let (leaf, chain) = (der(self.leaf), &self.chain);
        let chain: Vec<CertificateDer<'_>> = chain.iter().map(|at| der(*at)).collect();
        let clock = self
            .clock
            .map_or(CurrentTime::Unset, |now| CurrentTime::Known(time(now)));
        match self.peer {
            Peer::Id(at, dialled) => {
                let server: ServerId = SERVERS.get(at).unwrap_or(&"unknown").parse().unwrap();
                let dialled = dialled.map(|name| name.parse::<HostName>().unwrap());
                let target = ExpectedServer::id(&server, dialled.as_ref());
                answer(&VerifyRequest::server(target, &leaf, &chain, clock))
            }
            Peer::Name(name) => {
                let name: HostName = name.parse().unwrap();
                answer(&VerifyRequest::server(
                    ExpectedServer::Name(&name),
                    &leaf,
                    &chain,
                    clock,
                ))
            }
            Peer::Client => answer(&VerifyRequest::client(&leaf, &chain, clock)),
        }
    }
}
