//! Random stores, policies, chains and times: whatever was asked before, the memory says what would be decided.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Duration;

use mutual_trust::policy::ChainMemory;
use mutual_trust::{
    ChainProfile, CurrentTime, EntryOptions, PinScope, Policy, TrustSnapshot, TrustStore,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::remembered::{Asked, Whom, ask, asked, authority, listing, relative};
use crate::support::crl::crl;
use crate::support::pki::{Made, self_signed, spec};
use crate::support::{NOW, at, host, policy, server_id};

/// Moments at which something of the pool begins or ends, and those beside them, in seconds from [`NOW`].
const MOMENTS: [i64; 10] = [-60, -1, 0, 99, 100, 101, 199, 200, 201, 350];

struct Pool {
    roots: Vec<Made>,
    issuers: Vec<Made>,
    leaves: Vec<Made>,
    pinned: Made,
}

/// Authorities of one name, two of them with one key; issuers of one name and key; each with times of its own.
fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| {
        let first = spec("root").ca().valid(-9_000, 9_000).self_signed();
        let again = spec("root")
            .ca()
            .key_of(&first)
            .valid(100, 20_000)
            .self_signed();
        let ended = spec("root")
            .ca()
            .key_of(&first)
            .valid(-20_000, 99)
            .self_signed();
        let other = spec("root").ca().valid(-9_000, 199).self_signed();
        let middle = spec("middle").ca().valid(-9_000, 8_000).signed_by(&first);
        let crossed = spec("middle")
            .ca()
            .key_of(&middle)
            .valid(-8_000, 200)
            .signed_by(&other);
        let coming = spec("middle")
            .ca()
            .key_of(&middle)
            .valid(100, 10_000)
            .signed_by(&first);
        let leaf = |issuer: &Made, to| {
            spec("leaf")
                .dns("kms1.example")
                .dns("kms2.example")
                .server_auth()
                .client_auth()
                .valid(-7_000, to)
                .signed_by(issuer)
        };
        let leaves = vec![
            leaf(&middle, 7_000),
            leaf(&middle, 200),
            leaf(&first, 7_000),
            leaf(&other, 7_000),
        ];
        Pool {
            roots: vec![first, again, ended, other],
            issuers: vec![middle, crossed, coming],
            leaves,
            pinned: self_signed("kms1.example"),
        }
    })
}

/// Bits that say what is done.
type Bits = u32;

fn options(bits: Bits, ends: i64) -> EntryOptions {
    if bits & 1 == 1 {
        EntryOptions::new().with_end(moment(ends))
    } else {
        EntryOptions::new()
    }
}

fn moment(seconds: i64) -> pki_types::UnixTime {
    at(NOW.checked_add_signed(seconds).unwrap())
}

fn store(bits: Bits) -> TrustStore {
    let pool = pool();
    let has = |place: u32| bits >> place & 1 == 1;
    let mut store = listing();
    for (place, root) in (0..).zip(&pool.roots) {
        if has(place) || place == 0 {
            authority(&mut store, root, options(bits >> (16 + place), 100));
        }
    }
    for (place, issuer) in (4..).zip(&pool.issuers) {
        if has(place) {
            let options = options(bits >> (16 + place), 200);
            store
                .install_intermediate(issuer.certificate(), options)
                .unwrap();
        }
    }
    let (root, issuer) = (&pool.roots[0], &pool.issuers[0]);
    // Lists are installed of issuers that are.
    if has(4) && has(7) {
        let list = crl().valid(-3_600, 100).number(1);
        store.install_crl(list.signed_by(issuer)).unwrap();
        if has(8) {
            let next = crl().valid(401, 9_000).number(2);
            store.install_crl(next.signed_by(issuer)).unwrap();
        }
    }
    if has(9) {
        let list = crl().valid(-3_600, 200).number(1);
        let list = if has(10) {
            list.revoke(&pool.leaves[2].certificate)
        } else {
            list
        };
        store.install_crl(list.signed_by(root)).unwrap();
    }
    if has(11) && has(15) {
        let id = server_id("keys-1");
        let scope = PinScope::Server(id.clone());
        store
            .install_pin(scope, pool.pinned.certificate(), EntryOptions::new())
            .unwrap();
        if !has(12) {
            store.migrate(&id, moment(200)).unwrap();
        }
    }
    if has(13) && has(14) {
        store.block(&pool.leaves[0].certificate);
    }
    store
}

fn policies(bits: Bits) -> Policy {
    let has = |place: u32| bits >> place & 1 == 1;
    let mut policy = policy()
        .with_remembered_chains([1, 3, 9, 27][usize::try_from(bits % 4).unwrap()])
        .unwrap();
    if has(3) {
        policy = policy.with_crl_grace(Duration::from_secs(100)).unwrap();
    }
    if has(4) {
        policy = policy.with_chains_without_clock();
    }
    if has(5) {
        policy = policy.with_unlisted_allowed();
    }
    if has(6) && has(7) && has(12) {
        policy = policy.with_chain_profile(ChainProfile::Strict);
    }
    if has(8) && has(9) && has(12) {
        policy = policy.with_crl_required();
    }
    if has(10) && has(11) && has(12) {
        policy = policy.with_max_intermediates(0).unwrap();
    }
    policy
}

/// What is asked: the view, leaf, list of issuers, peer, and time.
type Step = (usize, usize, usize, usize, usize);

fn question((_, leaf, others, whom, time): Step) -> Asked {
    let pool = pool();
    let [middle, crossed, coming] = &pool.issuers[..] else {
        unreachable!()
    };
    let lists: [&[&Made]; 5] = [
        &[],
        &[middle],
        &[crossed, middle],
        &[middle, coming],
        &[coming, &pool.pinned],
    ];
    let id = |id, name: Option<&str>| Whom::Id(server_id(id), name.map(host));
    let whom = match whom {
        0 => id("keys-1", Some("kms1.example")),
        1 => id("keys-2", None),
        2 => Whom::Name(host("kms2.example")),
        3 => Whom::Name(host("elsewhere.example")),
        _ => Whom::Client,
    };
    let clock = MOMENTS
        .get(time)
        .map_or(CurrentTime::Unset, |at| relative(*at));
    Asked {
        whom,
        clock,
        ..asked(&pool.leaves[leaf], lists[others])
    }
}

#[test]
fn whatever_was_asked_before_the_memory_says_what_is_decided() {
    let mut config = Config {
        cases: 100,
        rng_seed: RngSeed::Fixed(20_270_102),
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        config.cases = Config::default().cases;
    }
    let steps = prop::collection::vec(
        (0..3_usize, 0..4_usize, 0..5_usize, 0..5_usize, 0..=10_usize),
        12,
    );
    let strategy = (any::<[Bits; 2]>(), any::<Bits>(), steps);
    let (answered, accepted) = (Cell::new(0_u64), Cell::new(0_u64));
    TestRunner::new(config)
        .run(&strategy, |(stores, rules, steps)| {
            let mut first = store(stores[0]);
            let older = first.snapshot();
            first.add_server(server_id("keys-3"), []).unwrap();
            let views: [TrustSnapshot; 3] = [older, first.snapshot(), store(stores[1]).snapshot()];
            let memory = ChainMemory::new(policies(rules));
            // Again at once, again later, and again after all the others; mostly on one view.
            for round in 0..3 {
                for (place, step) in steps.iter().enumerate() {
                    for later in [0, 0, 1] {
                        let mut step = *step;
                        step.4 = (step.4 + later) % (MOMENTS.len() + 1);
                        if (place + round) % 4 != 3 {
                            step.0 = steps[0].0;
                        }
                        let (verdict, _) = ask(&memory, &views[step.0], &question(step));
                        accepted.set(accepted.get() + u64::from(verdict.is_accepted()));
                    }
                }
            }
            let statistics = memory.statistics();
            answered.set(answered.get() + statistics.answered);
            Ok(())
        })
        .unwrap();
    // It must have had something to say, and not always.
    let (answered, accepted) = (answered.get(), accepted.get());
    assert!(
        answered > accepted / 5 && answered < accepted,
        "{answered} of {accepted}"
    );
}
