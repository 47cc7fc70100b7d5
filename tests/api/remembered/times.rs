//! Up to when an answer from memory is given: to the second, for everything that begins or ends.

use std::time::Duration;

use mutual_trust::policy::ChainMemory;
use mutual_trust::{EntryOptions, PinScope, Policy, TrustStore};

use crate::remembered::{
    Asked, asked, authority, expect_answered, expect_decided, expect_remembered, listing,
};
use crate::support::crl::{HOUR, crl};
use crate::support::pki::{Made, self_signed, spec};
use crate::support::{DAY, NOW, at, policy, server_id};

/// What is asked, and the store in which it is.
struct Case {
    store: TrustStore,
    question: Asked,
    policy: Policy,
}

/// Root, intermediate and leaf, each valid to these seconds from [`NOW`], the last one included.
fn chain(to: [i64; 3]) -> (Case, [Made; 3]) {
    let root = spec("root").ca().valid(-9_000, to[0]).self_signed();
    let middle = spec("middle").ca().valid(-9_000, to[1]).signed_by(&root);
    let leaf = spec("leaf")
        .dns("kms1.example")
        .valid(-9_000, to[2])
        .signed_by(&middle);
    let mut store = listing();
    authority(&mut store, &root, EntryOptions::new());
    let case = Case {
        store,
        question: asked(&leaf, &[&middle]),
        policy: policy(),
    };
    (case, [root, middle, leaf])
}

fn install(store: &mut TrustStore, intermediate: &Made) {
    store
        .install_intermediate(intermediate.certificate(), EntryOptions::new())
        .unwrap();
}

const LONG: [i64; 3] = [9_000, 9_000, 9_000];

impl Case {
    /// Remembered at `from`, answered up to the second before `until`, and decided again from then on.
    #[track_caller]
    fn holds(mut self, from: i64, until: i64) {
        let view = self.store.snapshot();
        for late in [until, until + 1, until + 1_000] {
            let memory = ChainMemory::new(self.policy.with_remembered_chains(4).unwrap());
            expect_remembered(&memory, &view, &self.question.at(from));
            expect_answered(&memory, &view, &self.question.at(until - 1));
            expect_decided(&memory, &view, &self.question.at(late));
        }
    }
}

#[test]
fn the_authority_the_intermediate_and_the_leaf_end_it_after_their_last_second() {
    chain([100, 9_000, 9_000]).0.holds(0, 101);
    chain([9_000, 100, 9_000]).0.holds(0, 101);
    chain([9_000, 9_000, 100]).0.holds(0, 101);
    chain([300, 200, 100]).0.holds(-50, 101);
}

#[test]
fn the_end_of_the_entry_ends_it() {
    let (mut case, [root, middle, _]) = chain(LONG);
    case.store = listing();
    let ends = EntryOptions::new().with_end(at(NOW + 100));
    authority(&mut case.store, &root, ends);
    case.holds(0, 100);
    // Also that of an installed intermediate.
    let (mut case, _) = chain(LONG);
    case.store = listing();
    authority(&mut case.store, &root, EntryOptions::new());
    let leaf = spec("leaf").dns("kms1.example").signed_by(&middle);
    let ends = EntryOptions::new().with_end(at(NOW + 100));
    case.store
        .install_intermediate(middle.certificate(), ends)
        .unwrap();
    case.question = asked(&leaf, &[]);
    case.holds(0, 100);
}

#[test]
fn the_end_of_a_migration_ends_it() {
    let (mut case, _) = chain(LONG);
    let id = server_id("keys-1");
    let pinned = self_signed("kms1.example");
    case.store
        .install_pin(
            PinScope::Server(id.clone()),
            pinned.certificate(),
            EntryOptions::new(),
        )
        .unwrap();
    case.store.migrate(&id, at(NOW + 100)).unwrap();
    case.holds(0, 100);
}

#[test]
fn next_update_and_the_end_of_the_grace_end_it() {
    for place in 0..2 {
        let lists = |grace: u64| {
            let (mut case, made) = chain(LONG);
            install(&mut case.store, &made[1]);
            let list = crl().valid(-HOUR, 100);
            case.store
                .install_crl(list.signed_by(&made[place]))
                .unwrap();
            case.policy = case
                .policy
                .with_crl_grace(Duration::from_secs(grace))
                .unwrap();
            case
        };
        lists(0).holds(0, 100);
        lists(50).holds(0, 100);
        lists(50).holds(100, 150);
        lists(50).holds(120, 150);
    }
}

#[test]
fn a_list_that_begins_ends_it() {
    // Five minutes of tolerance before thisUpdate.
    let (mut case, made) = chain(LONG);
    install(&mut case.store, &made[1]);
    let list = crl().number(1);
    case.store.install_crl(list.signed_by(&made[1])).unwrap();
    let next = crl().number(2).valid(400, 9_000);
    case.store.install_crl(next.signed_by(&made[1])).unwrap();
    case.holds(0, 100);
}

#[test]
fn another_issuer_that_begins_ends_it() {
    let (mut case, made) = chain(LONG);
    let next = spec("middle")
        .ca()
        .key_of(&made[1])
        .valid(100, 20_000)
        .signed_by(&made[0]);
    case.question = asked(&made[2], &[&made[1], &next]);
    case.holds(0, 100);
    let (mut case, made) = chain(LONG);
    let next = spec("root")
        .ca()
        .key_of(&made[0])
        .valid(100, 20_000)
        .self_signed();
    authority(&mut case.store, &next, EntryOptions::new());
    case.holds(0, 100);
}

#[test]
fn with_an_unset_clock_it_is_judged_at_the_floor_and_stays() {
    let (mut case, _) = chain([100, 100, 100]);
    let view = case.store.snapshot();
    let policy = policy()
        .with_chains_without_clock()
        .with_remembered_chains(4)
        .unwrap();
    let memory = ChainMemory::new(policy);
    let unset = case.question.on(mutual_trust::CurrentTime::Unset);
    expect_remembered(&memory, &view, &unset);
    expect_answered(&memory, &view, &unset);
    // A later floor is a later view.
    let later = mutual_trust::CurrentTime::Known(at(NOW + DAY));
    let root = case.store.snapshot().entries()[0]
        .certificate()
        .unwrap()
        .clone();
    let mut store = TrustStore::new(*policy.key_policy()).with_clock(std::sync::Arc::new(later));
    store
        .add_server(server_id("keys-1"), [crate::support::host("kms1.example")])
        .unwrap();
    store
        .install_authority(
            mutual_trust::AuthorityScope::AnyServer,
            root,
            EntryOptions::new(),
        )
        .unwrap();
    let verdict = expect_decided(&memory, &store.snapshot(), &unset);
    assert!(!verdict.is_accepted());
}
