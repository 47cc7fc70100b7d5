//! A store with what was seen, at a time that a test sets.

use std::sync::Arc;

use mutual_trust::admin::{ExpiryReport, Peer, PeerHistory, Windows, expiry};
use mutual_trust::observe::Observation;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::{EntryKey, Report, Scope, Slot, TrustSnapshot};
use mutual_trust::{
    AuthorityScope, Certificate, CurrentTime, EntryOptions, GroupId, PinScope, Policy, ServerId,
    TrustStore, Verdict, decide,
};
use pki_types::CertificateDer;

use crate::invariants::admin::SetClock;
use crate::invariants::questions::clock;
use crate::support::Lists as _;
use crate::support::pki::Made;
use crate::support::{host, keys, policy, server_id};

pub struct Desk {
    pub store: TrustStore,
    pub clock: Arc<SetClock>,
    pub policy: Policy,
    pub seen: PeerHistory,
}

/// The certificates that a machine presents: its own and then others.
pub fn chain(certificates: &[&Made]) -> Vec<CertificateDer<'static>> {
    let ders = certificates
        .iter()
        .map(|made| made.certificate.der().to_vec().into());
    ders.collect()
}

pub fn group(text: &str) -> GroupId {
    text.parse().unwrap()
}

pub fn peer(id: &str) -> Peer {
    Peer::Server(server_id(id))
}

pub fn pin_key(scope: Scope, certificate: &Certificate) -> EntryKey {
    EntryKey::new(Slot::Pin, scope, certificate.fingerprint())
}

impl Desk {
    /// An empty store at this time, in seconds since the epoch.
    pub fn at(time: i64) -> Self {
        let clock = SetClock::at(Some(time));
        Self {
            store: TrustStore::new(keys()).with_clock(clock.clone()),
            clock,
            policy: policy(),
            seen: PeerHistory::new(),
        }
    }

    pub fn view(&self) -> &TrustSnapshot {
        self.store.contents()
    }

    pub fn now(&self) -> CurrentTime {
        clock(self.clock.get())
    }

    /// What runs out, with no certificates of our own.
    pub fn expiry(&self, windows: &Windows) -> ExpiryReport {
        expiry(
            self.view(),
            &self.policy,
            &self.seen,
            self.now(),
            windows,
            &[],
        )
    }

    pub fn server(&mut self, id: &str, names: &[&str]) -> ServerId {
        let names: Vec<_> = names.iter().map(|name| host(name)).collect();
        self.store.add_server(server_id(id), names).unwrap();
        server_id(id)
    }

    /// A group with its members, which are made.
    pub fn group(&mut self, id: &str, members: &[&str]) {
        self.store.add_group(group(id)).unwrap();
        for member in members {
            self.server(member, &[]);
            self.store
                .join_group(&group(id), &server_id(member))
                .unwrap();
        }
    }

    pub fn pin(&mut self, scope: PinScope, made: &Made) -> EntryKey {
        self.pin_with(scope, made, EntryOptions::new())
    }

    pub fn pin_with(&mut self, scope: PinScope, made: &Made, options: EntryOptions) -> EntryKey {
        let done = self.store.install_pin(scope, made.certificate(), options);
        key_of(&done.unwrap())
    }

    pub fn server_pin(&mut self, id: &str, made: &Made) -> EntryKey {
        self.pin(PinScope::Server(server_id(id)), made)
    }

    pub fn group_pin(&mut self, id: &str, made: &Made) -> EntryKey {
        self.pin(PinScope::Group(group(id)), made)
    }

    pub fn authority(&mut self, scope: AuthorityScope, made: &Made) -> EntryKey {
        let options = EntryOptions::new();
        let done = self
            .store
            .install_authority(scope, made.certificate(), options);
        key_of(&done.unwrap())
    }

    /// What a server is told that presents these.
    pub fn verdict(&self, id: &str, presented: &[&Made]) -> Verdict {
        let presented = chain(presented);
        let id = server_id(id);
        let (leaf, others) = presented.split_first().unwrap();
        let question =
            VerifyRequest::server(ExpectedServer::id(&id, None), leaf, others, self.now());
        decide(self.view(), &self.policy, &question)
    }

    pub fn client_verdict(&self, presented: &[&Made]) -> Verdict {
        let presented = chain(presented);
        let (leaf, others) = presented.split_first().unwrap();
        decide(
            self.view(),
            &self.policy,
            &VerifyRequest::client(leaf, others, self.now()),
        )
    }

    /// A server connects, proves its key, and is observed. Says whether it was accepted.
    pub fn connects(&mut self, id: &str, presented: &[&Made]) -> bool {
        let verdict = self.verdict(id, presented);
        self.observe(verdict, presented, true)
    }

    pub fn client_connects(&mut self, presented: &[&Made]) -> bool {
        let verdict = self.client_verdict(presented);
        self.observe(verdict, presented, true)
    }

    pub fn observe(&mut self, verdict: Verdict, presented: &[&Made], proved: bool) -> bool {
        let observation = Observation::new(Arc::new(verdict), chain(presented), self.now(), proved);
        self.seen.observe(&observation);
        observation.is_accepted()
    }
}

/// The entry that a report is about.
pub fn key_of(report: &Report) -> EntryKey {
    report.entries().items()[0].clone()
}
