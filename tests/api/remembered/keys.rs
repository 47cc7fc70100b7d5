//! To which questions an answer from memory is given: pairs that differ in one thing.

use std::sync::Arc;

use mutual_trust::certificate::Certificate;
use mutual_trust::policy::ChainMemory;
use mutual_trust::{ChainProfile, CurrentTime, EntryOptions, PinScope, ReasonCode, TrustSnapshot};
use pki_types::CertificateDer;

use crate::remembered::{
    Asked, Whom, asked, authority, expect_answered, expect_decided, expect_remembered, listing,
    relative,
};
use crate::support::pki::{Pki, pki, self_signed, spec};
use crate::support::{host, policy, server_id};

fn memory() -> ChainMemory {
    ChainMemory::new(
        policy()
            .with_unlisted_allowed()
            .with_remembered_chains(64)
            .unwrap(),
    )
}

/// One PKI, its root installed, and a chain of `keys-1` and of a client that has all names.
fn world() -> (Pki, TrustSnapshot, Asked) {
    let ca = pki("Example");
    let mut store = listing();
    authority(&mut store, &ca.root, EntryOptions::new());
    let leaf = spec("leaf")
        .dns("kms1.example")
        .dns("kms2.example")
        .server_auth()
        .client_auth()
        .signed_by(&ca.intermediate);
    let question = asked(&leaf, &[&ca.intermediate]);
    (ca, store.snapshot(), question)
}

#[test]
fn the_same_question_is_answered_from_memory_by_itself_and_its_clones() {
    let (_, view, question) = world();
    let memory = memory();
    expect_remembered(&memory, &view, &question);
    expect_answered(&memory.clone(), &view.clone(), &question);
    expect_answered(&memory, &view, &question.at(60));
}

#[test]
fn another_server_name_or_role_is_another_question() {
    let (_, view, question) = world();
    let id = |id, name: Option<&str>| Whom::Id(server_id(id), name.map(host));
    let all = [
        id("keys-1", Some("kms1.example")),
        id("keys-1", Some("kms2.example")),
        id("keys-1", None),
        id("keys-2", Some("kms1.example")),
        id("keys-2", None),
        Whom::Name(host("kms1.example")),
        Whom::Name(host("kms2.example")),
        Whom::Client,
    ];
    let memory = memory();
    for whom in all.clone() {
        let question = Asked {
            whom,
            ..question.clone()
        };
        expect_remembered(&memory, &view, &question);
    }
    for whom in all {
        let question = Asked {
            whom,
            ..question.clone()
        };
        expect_answered(&memory, &view, &question);
    }
}

#[test]
fn a_leaf_of_which_one_bit_differs_is_not_the_remembered_one() {
    let (_, view, question) = world();
    let memory = memory();
    expect_remembered(&memory, &view, &question);
    // The length and the last bytes, by which it is found, stay.
    for at in 0..question.leaf.len() - 16 {
        let mut der = question.leaf.to_vec();
        der[at] ^= 1;
        let other = Asked {
            leaf: CertificateDer::from(der),
            ..question.clone()
        };
        assert!(!expect_decided(&memory, &view, &other).is_accepted());
    }
    expect_answered(&memory, &view, &question);
}

#[test]
fn other_presented_issuers_are_another_question() {
    let (ca, view, question) = world();
    let issuer = CertificateDer::from(ca.intermediate.certificate.der().to_vec());
    let mut torn = issuer.to_vec();
    torn[40] ^= 1;
    let torn = CertificateDer::from(torn);
    let root = CertificateDer::from(ca.root.certificate.der().to_vec());
    let lists = [
        vec![],
        vec![torn.clone()],
        vec![issuer.clone(), torn.clone()],
        vec![torn, issuer.clone()],
        vec![issuer.clone(), root.clone()],
        vec![root, issuer.clone()],
        vec![issuer.clone(), issuer],
    ];
    for others in lists {
        let memory = memory();
        expect_remembered(&memory, &view, &question);
        let other = Asked {
            others,
            ..question.clone()
        };
        expect_decided(&memory, &view, &other);
    }
}

#[test]
fn an_unset_clock_is_another_question() {
    // M7: the floor is at the time that was known
    let (_, view, question) = world();
    let policy = policy()
        .with_chains_without_clock()
        .with_remembered_chains(64)
        .unwrap();
    let (known, unset) = (question.clone(), question.on(CurrentTime::Unset));
    for (first, second) in [(&known, &unset), (&unset, &known)] {
        let memory = ChainMemory::new(policy);
        expect_remembered(&memory, &view, first);
        assert!(expect_decided(&memory, &view, second).is_accepted());
    }
    // A clock far below the floor counts as unset.
    let memory = ChainMemory::new(policy);
    expect_remembered(&memory, &view, &unset);
    expect_answered(&memory, &view, &question.at(-100_000));
    expect_answered(&memory, &view, &unset);
}

#[test]
fn a_clock_that_goes_back_is_not_answered_from_memory() {
    let (_, view, question) = world();
    let memory = memory();
    expect_remembered(&memory, &view, &question);
    expect_decided(&memory, &view, &question.at(-1));
    // It is remembered from then on.
    expect_answered(&memory, &view, &question.at(-1));
    expect_answered(&memory, &view, &question);
}

#[test]
fn another_store_of_the_same_generation_is_another_question() {
    let (ca, view, question) = world();
    let stranger = pki("Example");
    for other in [&ca.root, &stranger.root] {
        let mut store = listing();
        authority(&mut store, other, EntryOptions::new());
        let twin = store.snapshot();
        assert_eq!(twin.generation(), view.generation());
        let memory = memory();
        expect_remembered(&memory, &view, &question);
        let accepted = expect_decided(&memory, &twin, &question).is_accepted();
        assert_eq!(accepted, core::ptr::eq(other, &ca.root));
    }
}

#[test]
fn a_view_that_takes_the_place_of_one_that_is_gone_is_another_question() {
    let (ca, _, question) = world();
    let stranger = pki("Example");
    let memory = memory();
    for round in 0..200 {
        let trusted = round % 2 == 0;
        let root = if trusted { &ca.root } else { &stranger.root };
        let mut store = listing();
        authority(&mut store, root, EntryOptions::new());
        let view = store.snapshot();
        drop(store);
        let verdict = expect_decided(&memory, &view, &question);
        assert_eq!(verdict.is_accepted(), trusted, "{verdict}");
    }
}

#[test]
fn a_new_view_forgets_what_was_remembered() {
    // P1, P4: blocked leaf, blocked issuer, removed authority
    let (ca, _, question) = world();
    let leaf = Certificate::from_der(&question.leaf).unwrap();
    for (reason, change) in [
        (ReasonCode::Blocked, 0),
        (ReasonCode::UnknownIssuer, 1),
        (ReasonCode::NothingInstalled, 2),
        (ReasonCode::ChainVerified, 3),
    ] {
        let mut store = listing();
        authority(&mut store, &ca.root, EntryOptions::new());
        let view = store.snapshot();
        let memory = memory();
        expect_remembered(&memory, &view, &question);
        match change {
            0 => drop(store.block(&leaf)),
            1 => drop(store.block(&ca.intermediate.certificate)),
            2 => {
                let entries: Vec<_> = view.entries().iter().map(|entry| entry.key()).collect();
                for key in entries {
                    store.remove(&key).unwrap();
                }
            }
            _ => drop(store.add_server(server_id("keys-3"), []).unwrap()),
        }
        let newer = store.snapshot();
        let verdict = expect_decided(&memory, &newer, &question);
        let accepted = reason == ReasonCode::ChainVerified;
        assert_eq!(verdict.is_accepted(), accepted, "{verdict}");
        if reason == ReasonCode::Blocked || reason == ReasonCode::NothingInstalled {
            assert_eq!(verdict.reason(), reason, "{verdict}");
        }
    }
}

#[test]
fn a_view_that_is_older_pushes_nothing_out_while_the_newer_one_is_held() {
    let (ca, _, question) = world();
    let mut store = listing();
    authority(&mut store, &ca.root, EntryOptions::new());
    let older = store.snapshot();
    store.add_server(server_id("keys-3"), []).unwrap();
    let newer = store.snapshot();
    drop(store);
    let memory = memory();
    expect_remembered(&memory, &newer, &question);
    expect_decided(&memory, &older, &question);
    expect_decided(&memory, &older, &question);
    expect_answered(&memory, &newer, &question);
    drop(newer);
    expect_decided(&memory, &older, &question);
    expect_answered(&memory, &older, &question);
}

#[test]
fn a_memory_has_one_policy() {
    let (ca, view, question) = world();
    let strict = ChainMemory::new(
        policy()
            .with_chain_profile(ChainProfile::Strict)
            .with_remembered_chains(64)
            .unwrap(),
    );
    let short = ChainMemory::new(
        policy()
            .with_max_intermediates(0)
            .unwrap()
            .with_remembered_chains(64)
            .unwrap(),
    );
    let memory = memory();
    expect_remembered(&memory, &view, &question);
    expect_decided(&strict, &view, &question);
    let verdict = expect_decided(&short, &view, &question);
    assert_eq!(verdict.reason(), ReasonCode::PathTooLong);
    assert_eq!(
        ca.root.certificate.fingerprint(),
        memory_of_root(&memory, &view, &question)
    );
}

fn memory_of_root(
    memory: &ChainMemory,
    view: &TrustSnapshot,
    question: &Asked,
) -> mutual_trust::Fingerprint {
    let verdict =
        question.with(|question| mutual_trust::Verdict::from(memory.decide(view, question)));
    verdict.decided_by().unwrap().fingerprint()
}

#[test]
fn refusals_and_pins_are_not_remembered() {
    let (ca, view, question) = world();
    let memory = memory();
    let stranger = pki("Stranger").server("kms1.example");
    for _ in 0..2 {
        let verdict = expect_decided(&memory, &view, &asked(&stranger, &[]));
        assert!(!verdict.is_accepted());
    }
    assert_eq!(memory.statistics().chains, 0);
    let pinned = self_signed("kms1.example");
    let mut store = listing();
    authority(&mut store, &ca.root, EntryOptions::new());
    let scope = PinScope::Server(server_id("keys-1"));
    store
        .install_pin(scope, pinned.certificate(), EntryOptions::new())
        .unwrap();
    let view = store.snapshot();
    for _ in 0..2 {
        let verdict = expect_decided(&memory, &view, &asked(&pinned, &[]));
        assert_eq!(verdict.reason(), ReasonCode::PinMatched);
        // P2: claimed since
        assert!(!expect_decided(&memory, &view, &question).is_accepted());
    }
    assert_eq!(memory.statistics().chains, 0);
}

#[test]
fn nothing_is_remembered_unless_the_policy_says_so() {
    let (_, view, question) = world();
    let memory = ChainMemory::new(policy());
    for _ in 0..3 {
        let verdict =
            question.with(|question| mutual_trust::Verdict::from(memory.decide(&view, question)));
        assert!(verdict.is_accepted());
    }
    let statistics = memory.statistics();
    assert_eq!((statistics.answered, statistics.decided), (0, 0));
    assert_eq!((statistics.chains, statistics.bytes), (0, 0));
}

#[test]
fn what_fell_away_is_told_with_the_time_of_the_question() {
    // Authorities of the same name and key, of which one has expired and the entry of another has ended.
    let root = spec("root").ca().self_signed();
    let old = spec("root")
        .ca()
        .key_of(&root)
        .valid(-9_000, -5)
        .self_signed();
    let leaf = spec("leaf").dns("kms1.example").signed_by(&root);
    let mut store = listing();
    authority(&mut store, &old, EntryOptions::new());
    authority(&mut store, &root, EntryOptions::new());
    // Of this name, the one that lasts longest is tried first: let that be the one that has ended.
    let late = spec("root")
        .ca()
        .key_of(&root)
        .valid(-9_000, 900 * 86_400)
        .self_signed();
    let ended = EntryOptions::new().with_end(crate::support::at(crate::support::NOW + 10));
    authority(&mut store, &late, ended);
    let view = store.snapshot();
    let memory = memory();
    let question = asked(&leaf, &[]).at(50);
    let verdict = expect_decided(&memory, &view, &question);
    assert!(!verdict.considered().is_empty(), "{verdict:?}");
    expect_answered(&memory, &view, &question.at(77));
}

#[test]
fn threads_that_share_a_memory_get_what_is_decided() {
    let (_, view, question) = world();
    let memory = Arc::new(memory());
    let wanted = format!(
        "{:?}",
        question.with(|question| mutual_trust::Verdict::from(memory.decide(&view, question)))
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let verdict = question.with(|question| {
                        mutual_trust::Verdict::from(memory.decide(&view, question))
                    });
                    assert_eq!(format!("{verdict:?}"), wanted);
                }
            });
        }
    });
    let statistics = memory.statistics();
    assert_eq!(statistics.answered + statistics.decided, 801);
    assert!(statistics.answered > 0);
    assert_eq!(statistics.chains, 1);
    assert_eq!(question.clock, relative(0));
}
