//! What was seen of random stores, and random changes of them.

use std::sync::{Arc, OnceLock};

use mutual_trust::admin::{Peer, PeerHistory, PeerRecord};
use mutual_trust::error::StoreError;
use mutual_trust::observe::Observation;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::TrustSnapshot;
use mutual_trust::{HostName, Policy, TrustStore, Verdict, decide};
use pki_types::CertificateDer;
use proptest::prelude::*;

use crate::invariants::admin::Admin;
use crate::invariants::operations::{Op, any_op};
use crate::invariants::pool::{days, item, pool};
use crate::invariants::questions::{Demands, NAMES, any_demands, clock};
use crate::support::host;

/// Numbers that choose what each peer presented.
pub type Picks = Vec<Option<usize>>;

pub fn picks() -> impl Strategy<Value = Picks> {
    proptest::collection::vec(proptest::option::weighted(0.8, 0..1000_usize), 12)
}

/// What can be presented: an item of the pool, alone or with both intermediates behind it.
fn offers() -> &'static [Vec<CertificateDer<'static>>] {
    static OFFERS: OnceLock<Vec<Vec<CertificateDer<'static>>>> = OnceLock::new();
    OFFERS.get_or_init(|| {
        let der = |at: usize| pool()[at].certificate.der().to_vec().into();
        let inters = [der(item("inter-a")), der(item("inter-b"))];
        let each = (0..pool().len()).flat_map(|at| {
            let alone = vec![der(at)];
            let chain = [vec![der(at)], inters.to_vec()].concat();
            [alone, chain]
        });
        each.collect()
    })
}

pub fn ask(
    view: &TrustSnapshot,
    policy: &Policy,
    target: Option<ExpectedServer<'_>>,
    presented: &[CertificateDer<'_>],
    time: i64,
) -> Verdict {
    let (leaf, others) = presented.split_first().unwrap();
    let clock = clock(Some(time));
    let question = match target {
        Some(target) => VerifyRequest::server(target, leaf, others, clock),
        None => VerifyRequest::client(leaf, others, clock),
    };
    decide(view, policy, &question)
}

/// What every peer was seen with: the first thing from its pick on that is accepted now; nothing without a pick.
pub fn seen(view: &TrustSnapshot, policy: &Policy, picks: &Picks) -> PeerHistory {
    let mut seen = PeerHistory::new();
    let mut picks = picks.iter().cycle();
    let mut observe = |target: Option<ExpectedServer<'_>>, pick: Option<usize>| {
        let Some(pick) = pick else { return };
        let offers = offers();
        let from = pick % offers.len();
        let mut all = offers.iter().cycle().skip(from).take(offers.len());
        let accepted = all.find_map(|offer| {
            let verdict = ask(view, policy, target, offer, days(0));
            verdict.is_accepted().then_some((verdict, offer.clone()))
        });
        let Some((verdict, offer)) = accepted else {
            return;
        };
        let clock = clock(Some(days(0)));
        seen.observe(&Observation::new(Arc::new(verdict), offer, clock, true));
    };
    for server in view.servers() {
        let dialled = server.names().next();
        observe(
            Some(ExpectedServer::id(server.id(), dialled)),
            *picks.next().unwrap(),
        );
    }
    for name in NAMES {
        let name = host(name);
        if view.server_of(&name).is_none() {
            observe(Some(ExpectedServer::Name(&name)), *picks.next().unwrap());
        }
    }
    observe(None, *picks.next().unwrap());
    observe(None, *picks.next().unwrap());
    seen
}

/// What a peer is told that presents what it was last accepted with. With `by_name`, as if it were dialled by this
/// name alone.
pub fn told(
    view: &TrustSnapshot,
    policy: &Policy,
    peer: &Peer,
    sighting: &PeerRecord,
    by_name: Option<&HostName>,
    time: i64,
) -> Verdict {
    let target = match peer {
        Peer::Server(_) if by_name.is_some() => by_name.map(ExpectedServer::Name),
        Peer::Server(id) => Some(ExpectedServer::id(id, sighting.dialled())),
        Peer::Unlisted(name) => Some(ExpectedServer::Name(name)),
        Peer::Client(_) => None,
        _ => panic!("a peer that this test does not know"),
    };
    ask(view, policy, target, sighting.presented(), time)
}

/// Whether a peer that was seen is accepted in one view and refused in another, however it is dialled.
pub fn is_lost(
    before: &TrustSnapshot,
    after: &TrustSnapshot,
    policy: &Policy,
    peer: &Peer,
    sighting: &PeerRecord,
    (then, later): (i64, i64),
) -> bool {
    let lost = |by_name: Option<&HostName>| {
        let was = told(before, policy, peer, sighting, by_name, then);
        let is = told(after, policy, peer, sighting, by_name, later);
        was.is_accepted() && !is.is_accepted()
    };
    let named = sighting.dialled().is_some_and(|name| {
        let owner = before.server_of(name).map(|owner| owner.id());
        owner.is_some() && owner == peer.server()
    });
    let server = peer.server().and_then(|id| before.server(id));
    let mut names = server.into_iter().flat_map(|server| server.names());
    let keeps = |name: &HostName| after.server_of(name).map(|owner| owner.id()) == peer.server();
    lost(None)
        || (named && lost(sighting.dialled()))
        || names.any(|name| !keeps(name) && lost(Some(name)))
}

/// A few calls that change the store; the clock stays as it is.
pub fn change() -> impl Strategy<Value = Vec<Op>> {
    let op = any_op().prop_filter("sets the clock", |op| {
        !matches!(
            op,
            Op::SetClock(_) | Op::ResetFloor(_) | Op::ConfirmClock | Op::Publish
        )
    });
    proptest::collection::vec(op, 1..5)
}

/// Makes the calls on a store, those that are refused left out.
pub fn apply(store: &mut TrustStore, ops: &[Op]) -> Result<(), StoreError> {
    let mut admin = Admin::new();
    std::mem::swap(store, &mut admin.store);
    for op in ops {
        drop(admin.apply(op));
    }
    std::mem::swap(store, &mut admin.store);
    Ok(())
}

/// A store with a history, at its time.
pub fn stage(history: &[Op]) -> Admin {
    let mut admin = Admin::after(history);
    admin.clock.set(Some(days(0)));
    admin.store.reset_floor(None);
    admin
}

/// A store with a history, a policy, and what was seen.
pub fn scene(history: &[Op], demands: Demands, picks: &Picks) -> (Admin, Policy, PeerHistory) {
    let admin = stage(history);
    let policy = demands.policy();
    let seen = seen(admin.view(), &policy, picks);
    (admin, policy, seen)
}

pub fn demands() -> impl Strategy<Value = Demands> {
    any_demands()
}
