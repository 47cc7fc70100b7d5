//! The memory of chains: an answer from memory equals a new decision, and answers no other question.

use crate::support;

mod handshakes;
mod keys;
mod random;
mod room;
mod times;

use std::sync::Arc;

use mutual_trust::policy::{ChainMemory, ExpectedServer};
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, HostName, ServerId, TrustSnapshot, TrustStore,
    Verdict, VerifyRequest, decide,
};
use pki_types::CertificateDer;
use support::pki::Made;
use support::{NOW, at, host, server_id};

type Der = CertificateDer<'static>;

/// A question as a test holds it.
#[derive(Clone, Debug)]
struct Asked {
    whom: Whom,
    leaf: Der,
    others: Vec<Der>,
    clock: CurrentTime,
}

#[derive(Clone, Debug)]
enum Whom {
    Id(ServerId, Option<HostName>),
    Name(HostName),
    Client,
}

/// The server `keys-1`, dialled as `kms1.example`, presents these at [`NOW`].
fn asked(leaf: &Made, others: &[&Made]) -> Asked {
    Asked {
        whom: Whom::Id(server_id("keys-1"), Some(host("kms1.example"))),
        leaf: leaf.certificate.der().to_vec().into(),
        others: others
            .iter()
            .map(|made| made.certificate.der().to_vec().into())
            .collect(),
        clock: relative(0),
    }
}

/// A known time, in seconds from [`NOW`].
fn relative(seconds: i64) -> CurrentTime {
    CurrentTime::Known(at(NOW.checked_add_signed(seconds).unwrap()))
}

impl Asked {
    fn at(&self, seconds: i64) -> Self {
        self.on(relative(seconds))
    }

    fn on(&self, clock: CurrentTime) -> Self {
        Self {
            clock,
            ..self.clone()
        }
    }

    fn with<T>(&self, ask: impl FnOnce(&VerifyRequest<'_>) -> T) -> T {
        let target = match &self.whom {
            Whom::Id(id, dialled) => ExpectedServer::id(id, dialled.as_ref()),
            Whom::Name(name) => ExpectedServer::Name(name),
            Whom::Client => {
                return ask(&VerifyRequest::client(&self.leaf, &self.others, self.clock));
            }
        };
        ask(&VerifyRequest::server(
            target,
            &self.leaf,
            &self.others,
            self.clock,
        ))
    }
}

/// Asks the memory, which must say what is decided without one, in everything that a verdict has; tells whether it
/// was said from memory.
fn ask(memory: &ChainMemory, view: &TrustSnapshot, asked: &Asked) -> (Verdict, bool) {
    let before = memory.statistics();
    let verdict = asked.with(|question| Verdict::from(memory.decide(view, question)));
    let decided = asked.with(|question| decide(view, memory.policy(), question));
    assert_eq!(format!("{verdict:?}"), format!("{decided:?}"), "{asked:?}");
    let after = memory.statistics();
    assert_eq!(
        after.answered + after.decided,
        before.answered + before.decided + 1
    );
    (verdict, after.answered > before.answered)
}

#[track_caller]
fn expect_decided(memory: &ChainMemory, view: &TrustSnapshot, asked: &Asked) -> Arc<Verdict> {
    let (verdict, from_memory) = ask(memory, view, asked);
    assert!(!from_memory, "answered from memory: {verdict}");
    Arc::new(verdict)
}

#[track_caller]
fn expect_answered(memory: &ChainMemory, view: &TrustSnapshot, asked: &Asked) {
    let (verdict, from_memory) = ask(memory, view, asked);
    assert!(from_memory, "decided again: {verdict}");
    assert!(verdict.is_accepted());
}

/// Asks until it must be remembered.
#[track_caller]
fn expect_remembered(memory: &ChainMemory, view: &TrustSnapshot, asked: &Asked) {
    let verdict = expect_decided(memory, view, asked);
    assert!(verdict.is_accepted(), "{verdict}");
    expect_answered(memory, view, asked);
}

/// A store with the servers `keys-1` (`kms1.example`) and `keys-2` (`kms2.example`).
fn listing() -> TrustStore {
    let mut store = support::store();
    for (id, name) in [("keys-1", "kms1.example"), ("keys-2", "kms2.example")] {
        store.add_server(server_id(id), [host(name)]).unwrap();
    }
    store
}

fn authority(store: &mut TrustStore, made: &Made, options: EntryOptions) {
    for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
        store
            .install_authority(scope, made.certificate(), options.clone())
            .unwrap();
    }
}
